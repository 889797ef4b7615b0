//===- MfmaGeneralTest.cpp - Blocks, f64, xf32, sparse, scaled matrices ---===//
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

#include "InstructionTest.h"

#include <random>

using namespace flyattn::test;

namespace {

using W = uint32_t;
using D = uint64_t;

enum Type { F32, Xf32, F64, F16, Bf16, I8, Fp8, Bf8, Fp6, Bf6, Fp4 };
constexpr unsigned bitsOf[] = {32, 32, 64, 16, 16, 8, 8, 8, 6, 6, 4};

/// A small value that every format holds exactly, and its code.
struct Number {
  double value;
  D code;
};
Number number(Type type, bool fnuz, std::mt19937 &random) {
  // Signs and powers of two from 1 to 4: also exact in fp4.
  bool negative = random() & 1;
  unsigned power = random() % 3;
  double x = std::ldexp(negative ? -1.0 : 1.0, int(power));
  auto mini = [&](unsigned e, unsigned m, int bias) {
    return Number{x, D(negative) << (e + m) | D(int(power) + bias) << m};
  };
  switch (type) {
  case F32:
  case Xf32:
    return {x, word(float(x))};
  case F64:
    return {x, bitCast<D>(x)};
  case F16:
    return mini(5, 10, 15);
  case Bf16:
    return mini(8, 7, 127);
  case I8: {
    int n = int(random() % 256) - 128;
    return {double(n), D(n & 255)};
  }
  case Fp8:
    return mini(4, 3, fnuz ? 8 : 7);
  case Bf8:
    return mini(5, 2, fnuz ? 16 : 15);
  case Fp6:
    return mini(2, 3, 1);
  case Bf6:
    return mini(3, 2, 3);
  case Fp4:
    return mini(2, 1, 1);
  }
  return {};
}

struct Case {
  const char *name, *chip;
  unsigned dim, k, blocks;
  Type type, result;
};
void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

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

/// Writes `bits` bits as element `n` of the registers from `reg` on.
void put(KernelText &k, unsigned reg, unsigned lane, unsigned n, unsigned bits,
         D code) {
  for (unsigned i = 0; i < bits; ++i) {
    unsigned at = n * bits + i;
    W &word = k.vgpr[reg + at / 32][lane];
    word = (word & ~(1u << at % 32)) | W(code >> i & 1) << at % 32;
  }
}

struct Place {
  unsigned lane, element;
};
/// Rows, then blocks, then k run through the lanes.
Place operandPlace(const Case &c, unsigned block, unsigned i, unsigned k) {
  unsigned perLane = c.k * c.dim * c.blocks / 64;
  return {k / perLane * c.dim * c.blocks + block * c.dim + i, k % perLane};
}
/// The calculator's tables, shape by shape.
Place resultPlace(const Case &c, unsigned block, unsigned i, unsigned j) {
  if (c.result == F64)
    return c.dim == 16 ? Place{16 * (i % 4) + j, i / 4}
                       : Place{16 * i + 4 * block + j, 0};
  if (c.dim == 32)
    return {32 * (i / 4 % 2) + j, 16 * block + 4 * (i / 8) + i % 4};
  if (c.dim == 16)
    return {16 * (i / 4) + j, 4 * block + i % 4};
  return {4 * block + j, i};
}

std::string registers(unsigned first, unsigned count) {
  std::string f = std::to_string(first);
  return count == 1 ? "v" + f
                    : "v[" + f + ":" + std::to_string(first + count - 1) + "]";
}

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

// D = C + A B where A holds two of every four elements of k.
struct SparseCase {
  const char *name, *chip;
  unsigned dim, k;
  Type a, b;
};
void PrintTo(const SparseCase &c, std::ostream *out) { *out << c.name; }
const SparseCase sparseCases[] = {
    {"v_smfmac_f32_16x16x32_f16", "gfx942", 16, 32, F16, F16},
    {"v_smfmac_f32_32x32x16_f16", "gfx950", 32, 16, F16, F16},
    {"v_smfmac_f32_16x16x32_bf16", "gfx950", 16, 32, Bf16, Bf16},
    {"v_smfmac_f32_32x32x16_bf16", "gfx942", 32, 16, Bf16, Bf16},
    {"v_smfmac_i32_16x16x64_i8", "gfx942", 16, 64, I8, I8},
    {"v_smfmac_i32_32x32x32_i8", "gfx942", 32, 32, I8, I8},
    {"v_smfmac_f32_16x16x64_bf8_bf8", "gfx942", 16, 64, Bf8, Bf8},
    {"v_smfmac_f32_16x16x64_bf8_fp8", "gfx942", 16, 64, Bf8, Fp8},
    {"v_smfmac_f32_16x16x64_fp8_bf8", "gfx942", 16, 64, Fp8, Bf8},
    {"v_smfmac_f32_16x16x64_fp8_fp8", "gfx950", 16, 64, Fp8, Fp8},
    {"v_smfmac_f32_32x32x32_bf8_bf8", "gfx942", 32, 32, Bf8, Bf8},
    {"v_smfmac_f32_32x32x32_bf8_fp8", "gfx950", 32, 32, Bf8, Fp8},
    {"v_smfmac_f32_32x32x32_fp8_bf8", "gfx942", 32, 32, Fp8, Bf8},
    {"v_smfmac_f32_32x32x32_fp8_fp8", "gfx942", 32, 32, Fp8, Fp8},
    {"v_smfmac_f32_16x16x64_f16", "gfx950", 16, 64, F16, F16},
    {"v_smfmac_f32_32x32x32_f16", "gfx950", 32, 32, F16, F16},
    {"v_smfmac_f32_16x16x64_bf16", "gfx950", 16, 64, Bf16, Bf16},
    {"v_smfmac_f32_32x32x32_bf16", "gfx950", 32, 32, Bf16, Bf16},
    {"v_smfmac_i32_16x16x128_i8", "gfx950", 16, 128, I8, I8},
    {"v_smfmac_i32_32x32x64_i8", "gfx950", 32, 64, I8, I8},
    {"v_smfmac_f32_16x16x128_bf8_bf8", "gfx950", 16, 128, Bf8, Bf8},
    {"v_smfmac_f32_16x16x128_bf8_fp8", "gfx950", 16, 128, Bf8, Fp8},
    {"v_smfmac_f32_16x16x128_fp8_bf8", "gfx950", 16, 128, Fp8, Bf8},
    {"v_smfmac_f32_16x16x128_fp8_fp8", "gfx950", 16, 128, Fp8, Fp8},
    {"v_smfmac_f32_32x32x64_bf8_bf8", "gfx950", 32, 64, Bf8, Bf8},
    {"v_smfmac_f32_32x32x64_bf8_fp8", "gfx950", 32, 64, Bf8, Fp8},
    {"v_smfmac_f32_32x32x64_fp8_bf8", "gfx950", 32, 64, Fp8, Bf8},
    {"v_smfmac_f32_32x32x64_fp8_fp8", "gfx950", 32, 64, Fp8, Fp8},
};

void checkSparse(const SparseCase &c, unsigned cbsz, unsigned abid) {
  std::mt19937 random(c.k + c.dim + abid);
  KernelText k(c.chip);
  bool fnuz = std::string(c.chip) == "gfx942", integer = c.a == I8;
  unsigned groups = 64 / c.dim, perA = c.k / 2 / groups, perB = c.k / groups;
  // One set of indices takes two bits an element of a lane's part of A.
  unsigned set = cbsz ? 0 : abid;
  for (unsigned i = 0; i < 64; ++i)
    k.vgpr[32][i] = random();
  std::vector<double> a(c.dim * c.k, 0.0), b(c.dim * c.k);
  for (unsigned i = 0; i < c.dim; ++i)
    for (unsigned n = 0; n < c.k; ++n) {
      Number y = number(c.b, fnuz, random);
      b[i * c.k + n] = y.value;
      put(k, 24, n / perB * c.dim + i, n % perB, bitsOf[c.b], y.code);
    }
  for (unsigned i = 0; i < c.dim; ++i)
    for (unsigned four = 0; four < c.k / 4; ++four) {
      // Two different positions of the four, in order.
      unsigned first = random() % 3,
               second = first + 1 + random() % (3 - first);
      for (unsigned half = 0; half < 2; ++half) {
        unsigned n = 2 * four + half, position = half ? second : first;
        unsigned lane = n / perA * c.dim + i, e = n % perA;
        Number x = number(c.a, fnuz, random);
        a[i * c.k + 4 * four + position] = x.value;
        put(k, 16, lane, e, bitsOf[c.a], x.code);
        put(k, 32, lane, set * perA + e, 2, position);
      }
    }
  unsigned results = c.dim * c.dim / 64;
  std::vector<double> acc(c.dim * c.dim);
  Case shape = {c.name, c.chip, c.dim, c.k, 1, c.a, integer ? I8 : F32};
  for (unsigned i = 0; i < c.dim; ++i)
    for (unsigned j = 0; j < c.dim; ++j) {
      int value = int(random() % 64) - 32;
      acc[i * c.dim + j] = value;
      Place p = resultPlace(shape, 0, i, j);
      k.vgpr[p.element][p.lane] = integer ? W(value) : word(float(value));
    }
  std::string text = std::string(c.name) + " " + registers(0, results) + ", " +
                     registers(16, perA * bitsOf[c.a] / 32) + ", " +
                     registers(24, perB * bitsOf[c.b] / 32) + ", v32" +
                     (cbsz ? " cbsz:1" : "") +
                     (abid ? " abid:" + std::to_string(abid) : "");
  ASSERT_TRUE(k.run(text)) << text << k.error;
  for (unsigned i = 0; i < c.dim; ++i)
    for (unsigned j = 0; j < c.dim; ++j) {
      double want = acc[i * c.dim + j];
      for (unsigned n = 0; n < c.k; ++n)
        want += a[i * c.k + n] * b[j * c.k + n];
      Place p = resultPlace(shape, 0, i, j);
      W got = k.vgpr[p.element][p.lane];
      ASSERT_EQ(integer ? double(int32_t(got)) : double(real(got)), want)
          << text << " " << i << "," << j;
    }
}

class Smfmac : public testing::TestWithParam<SparseCase> {};
TEST_P(Smfmac, IsTheProduct) {
  const SparseCase &c = GetParam();
  unsigned sets = 16 / (c.k / 2 / (64 / c.dim)); // 4, 2 or 1
  for (unsigned abid = 0; abid < std::max(sets, 1u); ++abid)
    checkSparse(c, 0, abid);
  if (sets > 1)
    checkSparse(c, 1, 1); // CBSZ: always the first set
}
INSTANTIATE_TEST_SUITE_P(All, Smfmac, testing::ValuesIn(sparseCases),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

// Scales: one byte for each row (column) and 32 elements of k.
struct ScaledCase {
  const char *name;
  unsigned dim, k, formatA, formatB;
};
const ScaledCase scaledCases[] = {
    {"v_mfma_scale_f32_32x32x64_f8f6f4", 32, 64, 0, 1},
    {"v_mfma_scale_f32_32x32x64_f8f6f4", 32, 64, 4, 2},
    {"v_mfma_scale_f32_16x16x128_f8f6f4", 16, 128, 0, 0},
    {"v_mfma_scale_f32_16x16x128_f8f6f4", 16, 128, 3, 4},
};

TEST(MfmaScale, ScalesBlocksOfK) {
  for (const ScaledCase &c : scaledCases)
    for (unsigned byte : {0u, 3u}) {
      std::mt19937 random(c.k + c.formatA);
      KernelText k("gfx950");
      Type types[2] = {Type(Fp8 + c.formatA), Type(Fp8 + c.formatB)};
      std::vector<double> x[2];
      for (unsigned n = 0; n < 2; ++n) {
        x[n].resize(c.dim * c.k);
        Lanes &scales = k.vgpr[40 + n];
        scales = testLanes(n);
        unsigned groups = 64 / c.dim;
        for (unsigned i = 0; i < c.dim; ++i)
          for (unsigned e = 0; e < c.k; ++e) {
            Number v = number(types[n], false, random);
            W &word = scales[c.dim * (e / 32) + i];
            if (e % 32 == 0) {
              W code = 120 + random() % 16; // 2^-7 .. 2^8
              word = (word & ~(255u << 8 * byte)) | code << 8 * byte;
            }
            int scale = int(word >> 8 * byte & 255) - 127;
            x[n][i * c.k + e] = std::ldexp(v.value, scale);
            // 8 bits: runs of 16; smaller ones: 32 elements a lane.
            bool runs = bitsOf[types[n]] == 8;
            unsigned lane = runs ? e / 16 % groups : e / 32;
            unsigned at = runs ? e / 16 / groups * 16 + e % 16 : e % 32;
            put(k, 16 + 8 * n, c.dim * lane + i, at, bitsOf[types[n]], v.code);
          }
      }
      std::string text =
          std::string(c.name) + " " + registers(0, c.dim * c.dim / 64) + ", " +
          registers(16, bitsOf[types[0]]) + ", " +
          registers(24, bitsOf[types[1]]) + ", 2.0, v40, v41" +
          (byte ? " op_sel:[1,1,0] op_sel_hi:[1,1,0]"
                : " op_sel:[0,0,0] op_sel_hi:[0,0,0]") +
          (c.formatA ? " cbsz:" + std::to_string(c.formatA) : "") +
          (c.formatB ? " blgp:" + std::to_string(c.formatB) : "");
      ASSERT_TRUE(k.run(text)) << text << k.error;
      Case shape = {c.name, "gfx950", c.dim, c.k, 1, Fp8, F32};
      for (unsigned i = 0; i < c.dim; ++i)
        for (unsigned j = 0; j < c.dim; ++j) {
          double want = 2.0, size = 2.0;
          for (unsigned n = 0; n < c.k; ++n) {
            double product = x[0][i * c.k + n] * x[1][j * c.k + n];
            want += product;
            size += std::fabs(product);
          }
          Place p = resultPlace(shape, 0, i, j);
          double got = real(k.vgpr[p.element][p.lane]);
          ASSERT_NEAR(got, want, size * c.k * 0x1p-24)
              << text << " " << i << "," << j;
        }
    }
}

// 255 is NaN; a scale that takes a product out of range loses nothing.
TEST(MfmaScale, SpecialScales) {
  KernelText k("gfx950");
  for (unsigned r = 16; r < 32; ++r)
    k.vgpr[r].fill(0x38383838); // 1.0 in fp8
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[40][i] = i % 16 == 3 ? 255 : i % 16 == 4 ? 254 : 127;
    k.vgpr[41][i] = i % 16 == 4 ? 0 : 127;
  }
  ASSERT_TRUE(k.run("v_mfma_scale_f32_16x16x128_f8f6f4 v[0:3], v[16:23], "
                    "v[24:31], 0, v40, v41 op_sel_hi:[0,0,0]"))
      << k.error;
  EXPECT_TRUE(std::isnan(real(k.vgpr[3][0]))); // row 3
  EXPECT_EQ(real(k.vgpr[0][0]), 128.0f);
  EXPECT_EQ(real(k.vgpr[0][16 + 4]), 128.0f); // 2^127 * 2^-127
  EXPECT_EQ(real(k.vgpr[0][16 + 5]), INFINITY);
}

} // namespace
