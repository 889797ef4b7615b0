//===- MfmaNumericsTest.cpp - How matrix instructions add products --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The numerics `cdna3` against a second writing of the published rule, in
// integers instead of floating point, and against cases worked out by hand.
//
//===----------------------------------------------------------------------===//

#include "InstructionTest.h"

#include <random>

using namespace flyattn::test;

namespace {

using W = uint32_t;
using Big = __int128;

/// significand * 2^exponent; the exponent is that of the format's encoding, so
/// the significand has `bits` fraction bits.
struct Fixed {
  int64_t significand;
  int exponent;
};

/// A float of `e` exponent and `m` mantissa bits.
Fixed decode(W code, unsigned e, unsigned m, int bias) {
  W mantissa = code & ((1u << m) - 1), exponent = code >> m & ((1u << e) - 1);
  int64_t s = exponent ? (int64_t(1) << m) + mantissa : mantissa;
  int power = exponent ? int(exponent) - bias : 1 - bias;
  if (s == 0)
    return {0, -126};
  return {code >> (e + m) & 1 ? -s : s, power};
}

/// x * 2^shift, cut towards zero or down.
Big shifted(Big x, int shift, bool down) {
  if (shift >= 0)
    return x << std::min(shift, 100);
  if (shift < -120)
    return down && x < 0 ? -1 : 0;
  Big unit = Big(1) << -shift, q = x / unit;
  return down && x % unit < 0 ? q - 1 : q;
}

struct Format {
  unsigned e, m;
  int bias;
  bool eightBits;
};

/// The sum in units of 2^(exponent - 24).
struct Sum {
  Big value;
  int exponent;
};
Sum groupSum(const Format &f, const std::vector<W> &a, const std::vector<W> &b,
             unsigned first, unsigned last, unsigned step) {
  Sum sum = {0, -100000};
  for (unsigned n = first; n < last; n += step)
    sum.exponent =
        std::max(sum.exponent, decode(a[n], f.e, f.m, f.bias).exponent +
                                   decode(b[n], f.e, f.m, f.bias).exponent);
  for (unsigned n = first; n < last; n += step) {
    Fixed x = decode(a[n], f.e, f.m, f.bias),
          y = decode(b[n], f.e, f.m, f.bias);
    Big product = Big(x.significand) * y.significand; // 2 m fraction bits
    sum.value += shifted(
        product, 24 - int(2 * f.m) + x.exponent + y.exponent - sum.exponent,
        false);
  }
  return sum;
}

float expected(const Format &f, unsigned group, float c,
               const std::vector<W> &a, const std::vector<W> &b) {
  for (unsigned at = 0; at < a.size(); at += group) {
    unsigned end = std::min<unsigned>(at + group, a.size());
    Sum sum;
    if (f.eightBits) {
      Sum even = groupSum(f, a, b, at, end, 2),
          odd = groupSum(f, a, b, at + 1, end, 2);
      sum.exponent = std::max(even.exponent, odd.exponent);
      sum.value = shifted(even.value, even.exponent - sum.exponent, true) +
                  shifted(odd.value, odd.exponent - sum.exponent, true);
    } else {
      sum = groupSum(f, a, b, at, end, 1);
    }
    Fixed addend = decode(word(c), 8, 23, 127);
    int exponent = std::max(sum.exponent, addend.exponent);
    // In units of 2^(exponent - 31).
    Big total = shifted(sum.value, 31 - 24 + sum.exponent - exponent, true);
    if (!f.eightBits || addend.exponent >= exponent - 25)
      total += shifted(addend.significand, 1 + addend.exponent - exponent, true)
               << 7;
    // Below 2^53, so this rounds once.
    c = float(std::ldexp(double(int64_t(total)), exponent - 31));
  }
  return c;
}

struct Case {
  const char *name;
  unsigned dim, k, group;
  Format format;
};
const Case cases[] = {
    {"v_mfma_f32_32x32x8_bf16", 32, 8, 8, {8, 7, 127, false}},
    {"v_mfma_f32_16x16x16_bf16", 16, 16, 8, {8, 7, 127, false}},
    {"v_mfma_f32_16x16x16_f16", 16, 16, 8, {5, 10, 15, false}},
    {"v_mfma_f32_32x32x8_f16", 32, 8, 8, {5, 10, 15, false}},
    {"v_mfma_f32_32x32x16_fp8_fp8", 32, 16, 16, {4, 3, 8, true}},
    {"v_mfma_f32_16x16x32_fp8_fp8", 16, 32, 16, {4, 3, 8, true}},
    {"v_mfma_f32_16x16x32_bf8_bf8", 16, 32, 16, {5, 2, 16, true}},
};

/// Rows and columns lie in lanes 0 to dim - 1 and so on, k in parts.
unsigned bitsOf(const Format &f) { return 1 + f.e + f.m; }
void put(KernelText &k, unsigned reg, const Case &c, unsigned i, unsigned n,
         W code) {
  unsigned perLane = c.k * c.dim / 64, bits = bitsOf(c.format);
  unsigned at = n % perLane * bits;
  W &word = k.vgpr[reg + at / 32][n / perLane * c.dim + i];
  word = (word & ~(((1u << bits) - 1) << at % 32)) | code << at % 32;
}
std::string range(unsigned first, unsigned count) {
  return "v[" + std::to_string(first) + ":" +
         std::to_string(first + count - 1) + "]";
}

TEST(MfmaNumerics, Cdna3IsThePublishedRule) {
  for (const Case &c : cases)
    for (unsigned spread : {2u, 12u, 40u}) {
      std::mt19937 random(c.k + c.dim + spread);
      KernelText k("gfx942");
      k.options.mfma = flyattn::sim::MfmaNumerics::Cdna3;
      const Format &f = c.format;
      std::vector<std::vector<W>> a(c.dim), b(c.dim);
      auto code = [&] {
        W top = (1u << f.e) - 2, wanted = std::min(spread, top);
        W exponent = (top + 1) / 2 - wanted / 2 + random() % (wanted + 1);
        W mantissa = random() & ((1u << f.m) - 1);
        if (random() % 16 == 0)
          exponent = mantissa = 0;
        W sign = exponent | mantissa ? random() & 1 : 0;
        return sign << (f.e + f.m) | exponent << f.m | mantissa;
      };
      for (unsigned i = 0; i < c.dim; ++i)
        for (unsigned n = 0; n < c.k; ++n) {
          a[i].push_back(code()), b[i].push_back(code());
          put(k, 32, c, i, n, a[i][n]);
          put(k, 36, c, i, n, b[i][n]);
        }
      unsigned results = c.dim * c.dim / 64;
      for (unsigned r = 0; r < results; ++r)
        for (W &x : k.vgpr[r])
          x = word(std::ldexp(float(int(random() % 2000001) - 1000000),
                              int(random() % spread) - 20 - int(spread) / 2));
      KernelText was = k;
      unsigned regs = c.k * c.dim / 64 * bitsOf(f) / 32;
      std::string text = std::string(c.name) + " " + range(0, results) + ", " +
                         range(32, regs) + ", " + range(36, regs) + ", " +
                         range(0, results);
      ASSERT_TRUE(k.run(text)) << k.error;
      KernelText plain = was;
      plain.options.mfma = flyattn::sim::MfmaNumerics::Fma;
      ASSERT_TRUE(plain.run(text)) << plain.error;
      unsigned differ = 0;
      for (unsigned i = 0; i < c.dim; ++i)
        for (unsigned j = 0; j < c.dim; ++j) {
          unsigned reg = c.dim == 32 ? 4 * (i / 8) + i % 4 : i % 4;
          unsigned lane = c.dim == 32 ? 32 * (i / 4 % 2) + j : 16 * (i / 4) + j;
          float want =
              expected(f, c.group, real(was.vgpr[reg][lane]), a[i], b[j]);
          ASSERT_EQ(k.vgpr[reg][lane], word(want))
              << c.name << " spread " << spread << " " << i << "," << j;
          differ += k.vgpr[reg][lane] != plain.vgpr[reg][lane];
        }
      EXPECT_GT(differ, 0u) << c.name << " spread " << spread;
    }
}

/// One element of a 32x32x8 bf16 product: C + the products of a and 1.
float bf16Sum(flyattn::sim::MfmaNumerics numerics, float c,
              std::vector<float> a) {
  KernelText k("gfx942");
  k.options.mfma = numerics;
  for (unsigned r = 32; r < 36; ++r)
    k.vgpr[r].fill(0);
  k.vgpr[0].fill(word(c));
  const Case &shape = cases[0];
  for (unsigned n = 0; n < a.size(); ++n) {
    put(k, 32, shape, 0, n, word(a[n]) >> 16);
    put(k, 34, shape, 0, n, word(1.0f) >> 16);
  }
  EXPECT_TRUE(k.run("v_mfma_f32_32x32x8_bf16 v[0:15], v[32:33], v[34:35], "
                    "v[0:15]"))
      << k.error;
  return real(k.vgpr[0][0]);
}

TEST(MfmaNumerics, WorkedOutByHand) {
  auto fma = flyattn::sim::MfmaNumerics::Fma;
  auto cdna3 = flyattn::sim::MfmaNumerics::Cdna3;
  // c is rounded down: a tiny negative one takes a whole unit.
  EXPECT_EQ(bf16Sum(fma, -0x1p-40f, {1.0f}), 1.0f);
  EXPECT_EQ(bf16Sum(cdna3, -0x1p-40f, {1.0f}), 1.0f - 0x1p-24f);
  EXPECT_EQ(bf16Sum(cdna3, 0x1p-40f, {1.0f}), 1.0f);
  // Products are cut at 24 bits below the largest, whatever their order.
  std::vector<float> small = {0x1p-25f, 0x1p-25f, 0x1p-25f, 1.0f};
  EXPECT_EQ(bf16Sum(fma, 0, small), 1.0f + 0x1p-23f);
  EXPECT_EQ(bf16Sum(cdna3, 0, small), 1.0f);
  // The sum is formed before it is rounded.
  std::vector<float> cancel = {0x1p24f, 1.0f, -0x1p24f};
  EXPECT_EQ(bf16Sum(fma, 0.25f, cancel), 0.0f);
  EXPECT_EQ(bf16Sum(cdna3, 0.25f, cancel), 1.0f);
  // Infinities and NaN as in any sum.
  EXPECT_EQ(bf16Sum(cdna3, 1.0f, {INFINITY, 2.0f}), INFINITY);
  EXPECT_TRUE(std::isnan(bf16Sum(cdna3, -INFINITY, {INFINITY})));
  // Denormal operands count.
  EXPECT_EQ(bf16Sum(cdna3, 0, {0x1p-130f}), 0x1p-130f);
}

// f32 and f64 are fused multiply-adds under both.
TEST(MfmaNumerics, F32IsTheSame) {
  KernelText k("gfx942");
  for (unsigned r = 32; r < 34; ++r)
    k.vgpr[r] = testLanes(r);
  KernelText other = k;
  other.options.mfma = flyattn::sim::MfmaNumerics::Cdna3;
  const char *text = "v_mfma_f32_32x32x2_f32 v[0:15], v32, v33, 1.0";
  ASSERT_TRUE(k.run(text) && other.run(text)) << k.error << other.error;
  for (unsigned r = 0; r < 16; ++r)
    for (unsigned i = 0; i < 64; ++i)
      EXPECT_TRUE(sameFloat(k.vgpr[r][i], other.vgpr[r][i]));
}

TEST(MfmaNumerics, WhatIsNotPublishedIsRefused) {
  KernelText k("gfx950");
  k.options.mfma = flyattn::sim::MfmaNumerics::Cdna3;
  EXPECT_FALSE(k.run("s_nop 0"));
  EXPECT_NE(k.error.find("gfx942 only"), std::string::npos) << k.error;
  KernelText sparse("gfx942");
  sparse.options.mfma = flyattn::sim::MfmaNumerics::Cdna3;
  EXPECT_FALSE(sparse.run("v_smfmac_f32_16x16x32_f16 v[0:3], v[4:5], v[6:9], "
                          "v10"));
  EXPECT_NE(sparse.error.find("not known"), std::string::npos) << sparse.error;
}

} // namespace
