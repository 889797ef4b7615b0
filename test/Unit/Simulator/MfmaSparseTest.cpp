//===- MfmaSparseTest.cpp - Sparse matrices, and matrices with scales -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixCheck.h"

using namespace flyattn::test;
using namespace flyattn::test::matrix;

namespace {

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
      // 32 bytes of B a lane are two runs of 16 bytes.
      unsigned run = perB * bitsOf[c.b] == 256 ? perB / 2 : perB;
      unsigned group = n / run % groups, e = n / (run * groups) * run + n % run;
      put(k, 24, group * c.dim + i, e, bitsOf[c.b], y.code);
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
