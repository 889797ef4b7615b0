//===- MfmaGeneralTest.cpp - Matrices in blocks, of f64 and of xf32 -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every case is checked against a plain f64 product over operands that are
// placed element by element, by the tables of AMD's matrix calculator.
//
//===----------------------------------------------------------------------===//

#include "MatrixCheck.h"

using namespace flyattn::test;
using namespace flyattn::test::matrix;

namespace {

const Case cases[] = {
    {"v_mfma_f32_32x32x1_2b_f32", "gfx942", 32, 1, 2, F32, F32},
    {"v_mfma_f32_16x16x1_4b_f32", "gfx942", 16, 1, 4, F32, F32},
    {"v_mfma_f32_4x4x1_16b_f32", "gfx950", 4, 1, 16, F32, F32},
    {"v_mfma_f32_32x32x4_2b_f16", "gfx942", 32, 4, 2, F16, F32},
    {"v_mfma_f32_16x16x4_4b_f16", "gfx950", 16, 4, 4, F16, F32},
    {"v_mfma_f32_4x4x4_16b_f16", "gfx942", 4, 4, 16, F16, F32},
    {"v_mfma_f32_32x32x4_2b_bf16", "gfx950", 32, 4, 2, Bf16, F32},
    {"v_mfma_f32_16x16x4_4b_bf16", "gfx942", 16, 4, 4, Bf16, F32},
    {"v_mfma_f32_4x4x4_16b_bf16", "gfx942", 4, 4, 16, Bf16, F32},
    {"v_mfma_i32_32x32x4_2b_i8", "gfx942", 32, 4, 2, I8, I8},
    {"v_mfma_i32_16x16x4_4b_i8", "gfx950", 16, 4, 4, I8, I8},
    {"v_mfma_i32_4x4x4_16b_i8", "gfx942", 4, 4, 16, I8, I8},
    {"v_mfma_f64_16x16x4_f64", "gfx942", 16, 4, 1, F64, F64},
    {"v_mfma_f64_4x4x4_4b_f64", "gfx950", 4, 4, 4, F64, F64},
    {"v_mfma_f32_32x32x4_xf32", "gfx942", 32, 4, 1, Xf32, F32},
    {"v_mfma_f32_16x16x8_xf32", "gfx942", 16, 8, 1, Xf32, F32},
};

struct Modifiers {
  unsigned cbsz = 0, abid = 0, blgp = 0;
};

void check(const Case &c, Modifiers m) {
  std::mt19937 random(c.k * 100 + c.dim + m.cbsz * 7 + m.blgp);
  KernelText k(c.chip);
  bool wide = c.result == F64;
  unsigned perBlock = c.dim * c.k, tile = c.dim * c.dim;
  std::vector<double> a(c.blocks * perBlock), b(c.blocks * perBlock);
  std::vector<double> acc(c.blocks * tile);
  for (unsigned block = 0; block < c.blocks; ++block)
    for (unsigned i = 0; i < c.dim; ++i)
      for (unsigned n = 0; n < c.k; ++n) {
        Place p = operandPlace(c, block, i, n);
        Number x = number(c.type, true, random),
               y = number(c.type, true, random);
        a[block * perBlock + i * c.k + n] = x.value;
        b[block * perBlock + i * c.k + n] = y.value;
        put(k, 32, p.lane, p.element, bitsOf[c.type], x.code);
        put(k, 34, p.lane, p.element, bitsOf[c.type], y.code);
      }
  // BLGP moves lanes of B: work on the columns that arrive.
  std::vector<double> moved = b;
  for (unsigned block = 0; block < c.blocks; ++block)
    for (unsigned j = 0; j < c.dim; ++j)
      for (unsigned n = 0; n < c.k && m.blgp && !wide; ++n) {
        unsigned lane = operandPlace(c, block, j, n).lane, from = lane;
        if (m.blgp == 1 || m.blgp == 2)
          from = lane % 32 + (m.blgp == 2 ? 32 : 0);
        else if (m.blgp == 3)
          from = (lane + 16) % 64;
        else
          from = lane % 16 + 16 * (m.blgp - 4);
        for (unsigned other = 0; other < c.blocks; ++other)
          for (unsigned jj = 0; jj < c.dim; ++jj)
            for (unsigned nn = 0; nn < c.k; ++nn) {
              Place p = operandPlace(c, other, jj, nn);
              if (p.lane == from &&
                  p.element == operandPlace(c, block, j, n).element)
                moved[block * perBlock + j * c.k + n] =
                    b[other * perBlock + jj * c.k + nn];
            }
      }
  unsigned regs = tile * c.blocks / 64 * (wide ? 2 : 1);
  for (unsigned block = 0; block < c.blocks; ++block)
    for (unsigned i = 0; i < c.dim; ++i)
      for (unsigned j = 0; j < c.dim; ++j) {
        int value = int(random() % 200) - 100;
        Place p = resultPlace(c, block, i, j);
        acc[block * tile + i * c.dim + j] = value;
        put(k, 0, p.lane, p.element, wide ? 64 : 32,
            wide             ? bitCast<D>(double(value))
            : c.result == I8 ? W(value)
                             : word(float(value)));
      }
  std::string mods;
  if (m.cbsz)
    mods +=
        " cbsz:" + std::to_string(m.cbsz) + " abid:" + std::to_string(m.abid);
  if (wide && m.blgp)
    mods += m.blgp == 5 ? " neg:[1,0,1]" : " neg:[0,1,0]";
  else if (m.blgp)
    mods += " blgp:" + std::to_string(m.blgp);
  unsigned operandRegs = (perBlock * c.blocks / 64 * bitsOf[c.type] + 31) / 32;
  k.exec = 0x1234; // plays no part
  std::string text = std::string(c.name) + " " + registers(0, regs) + ", " +
                     registers(32, operandRegs) + ", " +
                     registers(34, operandRegs) + ", " + registers(0, regs) +
                     mods;
  ASSERT_TRUE(k.run(text)) << text << k.error;
  for (unsigned block = 0; block < c.blocks; ++block)
    for (unsigned i = 0; i < c.dim; ++i)
      for (unsigned j = 0; j < c.dim; ++j) {
        unsigned from =
            m.cbsz ? block - block % (1u << m.cbsz) + m.abid : block;
        double want = acc[block * tile + i * c.dim + j];
        bool negA = wide && m.blgp == 5, negB = wide && m.blgp && !negA;
        if (negA)
          want = -want;
        for (unsigned n = 0; n < c.k; ++n) {
          double product = a[from * perBlock + i * c.k + n] *
                           moved[block * perBlock + j * c.k + n];
          want += negA || negB ? -product : product;
        }
        Place p = resultPlace(c, block, i, j);
        double got =
            wide ? bitCast<double>(D(k.vgpr[2 * p.element][p.lane]) |
                                   D(k.vgpr[2 * p.element + 1][p.lane]) << 32)
            : c.result == I8 ? double(int32_t(k.vgpr[p.element][p.lane]))
                             : double(real(k.vgpr[p.element][p.lane]));
        ASSERT_EQ(got, want) << text << " " << block << "," << i << "," << j;
      }
}

class MfmaGeneral : public testing::TestWithParam<Case> {};
TEST_P(MfmaGeneral, IsTheProduct) { check(GetParam(), {}); }
TEST_P(MfmaGeneral, BroadcastsBlocksOfA) {
  const Case &c = GetParam();
  for (unsigned cbsz = 1; (1u << cbsz) <= c.blocks && c.type != F64; ++cbsz)
    check(c, {cbsz, (1u << cbsz) - 1, 0});
}
TEST_P(MfmaGeneral, MovesLanesOfB) {
  const Case &c = GetParam();
  if (c.type == F64) {
    check(c, {0, 0, 5}); // signs of A and C
    check(c, {0, 0, 2}); // sign of B
  } else if (c.blocks > 1) {
    for (unsigned blgp = 1; blgp < 8; ++blgp)
      check(c, {0, 0, blgp});
  }
}
INSTANTIATE_TEST_SUITE_P(All, MfmaGeneral, testing::ValuesIn(cases),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

// A single-block f32 shape goes through the same path with BLGP.
TEST(MfmaModifiers, LaneGroupsOfAPlainShape) {
  KernelText k("gfx942");
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[32][i] = word(i < 32 ? 1.0f : 0.0f); // k = 0 only
    k.vgpr[33][i] = word(float(i));
  }
  ASSERT_TRUE(k.run("v_mfma_f32_32x32x2_f32 v[0:15], v32, v33, 0 blgp:2"))
      << k.error;
  for (unsigned j = 0; j < 32; ++j)
    EXPECT_EQ(real(k.vgpr[0][j]), float(32 + j));
}

TEST(MfmaModifiers, Refusals) {
  KernelText k("gfx942");
  EXPECT_FALSE(k.run("v_mfma_f32_32x32x8_f16 v[0:15], v[32:33], v[34:35], "
                     "v[0:15] blgp:1"));
  EXPECT_NE(k.error.find("blgp"), std::string::npos) << k.error;
  EXPECT_FALSE(k.run("v_mfma_f32_32x32x1_2b_f32 v[0:31], v32, v33, v[0:31] "
                     "cbsz:2"));
  EXPECT_NE(k.error.find("cbsz"), std::string::npos) << k.error;
}

// xf32 reads ten bits of the significand.
TEST(MfmaModifiers, Xf32CutsItsOperands) {
  KernelText k("gfx942");
  for (unsigned r = 32; r < 36; ++r)
    k.vgpr[r].fill(0);
  for (unsigned i = 0; i < 32; ++i) {
    k.vgpr[32][i] = word(1.0f) | 0x1fff; // 1 when cut
    k.vgpr[34][i] = word(3.0f) | 0x1fff; // k = 0
  }
  ASSERT_TRUE(k.run("v_mfma_f32_32x32x4_xf32 v[0:15], v[32:33], v[34:35], 0"))
      << k.error;
  EXPECT_EQ(k.vgpr[0][0], word(3.0f));
}

} // namespace
