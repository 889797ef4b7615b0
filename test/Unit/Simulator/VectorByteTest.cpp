//===- VectorByteTest.cpp - Bytes, dot products, packs, normalised values -===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorCheck.h"

using namespace flyattn::test;

namespace {

using W = uint32_t;
using D = uint64_t;
using S = int64_t;

int byteOf(D a, unsigned n) { return int(a >> 8 * n & 255); }
W sad(D a, W b, bool masked) {
  W sum = 0;
  for (unsigned n = 0; n < 4; ++n)
    if (!masked || byteOf(b, n))
      sum += W(std::abs(byteOf(a, n) - byteOf(b, n)));
  return sum;
}
int clampTo(int a, int low, int high) {
  return std::min(std::max(a, low), high);
}

/// Element `n` of `bits` bits.
S part(W a, unsigned n, unsigned bits, bool isSigned) {
  S x = a >> n * bits & ((D(1) << bits) - 1);
  return isSigned && x >> (bits - 1) ? x - (S(1) << bits) : x;
}
S dot(W a, W b, W c, unsigned bits, bool isSigned) {
  S sum = isSigned ? S(int32_t(c)) : S(c);
  for (unsigned n = 0; n < 32 / bits; ++n)
    sum += part(a, n, bits, isSigned) * part(b, n, bits, isSigned);
  return sum;
}
std::function<W(W, W, W)> dotCase(unsigned bits, bool isSigned) {
  return [=](W a, W b, W c) { return W(dot(a, b, c, bits, isSigned)); };
}
double halfPart(W a, unsigned n) { return halfToDouble(a >> 16 * n & 0xffff); }
double brainPart(W a, unsigned n) { return real(a >> 16 * n << 16); }
template <double (*Part)(W, unsigned)> W realDot(W a, W b, W c) {
  float sum = std::fma(float(Part(a, 0)), float(Part(b, 0)), real(c));
  return word(std::fma(float(Part(a, 1)), float(Part(b, 1)), sum));
}
bool sameLow16(W a, W b) { return (a & 0xffff) == (b & 0xffff); }

const VectorCase cases[] = {
    {"v_sad_u8", 3, [](W a, W b, W c) { return sad(a, b, false) + c; },
     sameWord},
    {"v_msad_u8", 3, [](W a, W b, W c) { return sad(a, b, true) + c; },
     sameWord},
    {"v_sad_hi_u8", 3,
     [](W a, W b, W c) { return (sad(a, b, false) << 16) + c; }, sameWord},
    {"v_sad_u16", 3,
     [](W a, W b, W c) {
       return W(std::abs(int(a & 0xffff) - int(b & 0xffff)) +
                std::abs(int(a >> 16) - int(b >> 16))) +
              c;
     },
     sameWord},
    {"v_lerp_u8", 3,
     [](W a, W b, W c) {
       W r = 0;
       for (unsigned n = 0; n < 4; ++n)
         r |= W((byteOf(a, n) + byteOf(b, n) + (c >> 8 * n & 1)) / 2) << 8 * n;
       return r;
     },
     sameWord},
    {"v_sat_pk_u8_i16", 1,
     [](W a, W, W) {
       return W(clampTo(int16_t(a), 0, 255) | clampTo(int16_t(a >> 16), 0, 255)
                                                  << 8);
     },
     sameWord, "gfx942"},
    {"v_ashr_pk_i8_i32", 3,
     [](W a, W b, W c) {
       auto one = [&](W x) {
         S shifted = S(int32_t(x)) >> (c & 31);
         return W(clampTo(int(shifted), -128, 127)) & 255;
       };
       return one(a) | one(b) << 8;
     },
     sameLow16},
    {"v_ashr_pk_u8_i32", 3,
     [](W a, W b, W c) {
       auto one = [&](W x) {
         S shifted = S(int32_t(x)) >> (c & 31);
         return W(clampTo(int(shifted), 0, 255));
       };
       return one(a) | one(b) << 8;
     },
     sameLow16},
    {"v_prng_b32", 1,
     [](W a, W, W) { return a * 2 ^ (a >= 0x80000000 ? 197u : 0u); }, sameWord},
    {"v_dot2_i32_i16", 3, dotCase(16, true), sameWord},
    {"v_dot2_u32_u16", 3, dotCase(16, false), sameWord},
    {"v_dot4_i32_i8", 3, dotCase(8, true), sameWord},
    {"v_dot4_u32_u8", 3, dotCase(8, false), sameWord},
    {"v_dot8_i32_i4", 3, dotCase(4, true), sameWord},
    {"v_dot8_u32_u4", 3, dotCase(4, false), sameWord},
    {"v_dot2c_i32_i16", 3, dotCase(16, true), sameWord, "gfx942", true},
    {"v_dot4c_i32_i8", 3, dotCase(8, true), sameWord, "gfx942", true},
    {"v_dot8c_i32_i4", 3, dotCase(4, true), sameWord, "gfx942", true},
    {"v_dot2_f32_f16", 3, realDot<halfPart>, sameFloat},
    {"v_dot2_f32_bf16", 3, realDot<brainPart>, sameFloat},
    {"v_dot2c_f32_f16", 3, realDot<halfPart>, sameFloat, "gfx942", true},
    {"v_dot2c_f32_bf16", 3, realDot<brainPart>, sameFloat, "gfx950", true},
};
class VectorByte : public testing::TestWithParam<VectorCase> {};
TEST_P(VectorByte, MatchesDefinition) { checkVector(GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, VectorByte, testing::ValuesIn(cases), caseName);

TEST(VectorDot, ClampSaturates) {
  struct Case {
    const char *name;
    unsigned bits;
    bool isSigned;
  };
  for (const Case &c : {Case{"v_dot2_i32_i16", 16, true},
                        {"v_dot2_u32_u16", 16, false},
                        {"v_dot4_i32_i8", 8, true},
                        {"v_dot4_u32_u8", 8, false},
                        {"v_dot8_i32_i4", 4, true},
                        {"v_dot8_u32_u4", 4, false}}) {
    KernelText k("gfx950");
    for (unsigned n = 1; n < 4; ++n)
      k.vgpr[n] = testLanes(n);
    ASSERT_TRUE(k.run(std::string(c.name) + " v0, v1, v2, v3 clamp"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      S sum = dot(k.vgpr[1][i], k.vgpr[2][i], k.vgpr[3][i], c.bits, c.isSigned);
      S low = c.isSigned ? INT32_MIN : 0,
        high = c.isSigned ? INT32_MAX : S(UINT32_MAX);
      EXPECT_EQ(k.vgpr[0][i], W(std::min(std::max(sum, low), high))) << c.name;
    }
  }
}

TEST(VectorDot, SignsOfFloats) {
  KernelText k("gfx942");
  k.vgpr[1].fill(0x40003c00); // (1, 2)
  k.vgpr[2].fill(0x44004200); // (3, 4)
  k.vgpr[3].fill(word(100.0f));
  ASSERT_TRUE(k.run("v_dot2_f32_f16 v0, v1, v2, v3 neg_lo:[1,0,0]\n"
                    "v_dot2_f32_f16 v4, v1, v2, v3 neg_hi:[0,1,0]\n"
                    "v_dot2_f32_f16 v5, v1, v2, v3 neg_lo:[0,0,1]\n"
                    "v_dot2_f32_f16 v6, v1, v2, v3 clamp"))
      << k.error;
  EXPECT_EQ(real(k.vgpr[0][0]), 105.0f);
  EXPECT_EQ(real(k.vgpr[4][0]), 95.0f);
  EXPECT_EQ(real(k.vgpr[5][0]), -89.0f);
  EXPECT_EQ(real(k.vgpr[6][0]), 1.0f);
}

TEST(VectorByteWide, QuadSums) {
  KernelText k("gfx942");
  for (unsigned n = 0; n < 12; ++n)
    k.vgpr[n] = testLanes(n);
  k.exec = 0xfffffffffffffff0;
  KernelText was = k;
  ASSERT_TRUE(k.run("v_qsad_pk_u16_u8 v[20:21], v[0:1], v2, v[4:5]\n"
                    "v_mqsad_pk_u16_u8 v[22:23], v[0:1], v2, v[4:5]\n"
                    "v_mqsad_u32_u8 v[24:27], v[0:1], v2, v[4:7]"))
      << k.error;
  for (unsigned i = 4; i < 64; ++i) {
    D a = was.vgpr[0][i] | D(was.vgpr[1][i]) << 32;
    W b = was.vgpr[2][i];
    for (unsigned n = 0; n < 4; ++n) {
      auto word16 = [&](unsigned reg) {
        return k.vgpr[reg + n / 2][i] >> 16 * (n % 2) & 0xffff;
      };
      W start = was.vgpr[4 + n / 2][i] >> 16 * (n % 2) & 0xffff;
      EXPECT_EQ(word16(20), (start + sad(a >> 8 * n, b, false)) & 0xffff);
      EXPECT_EQ(word16(22), (start + sad(a >> 8 * n, b, true)) & 0xffff);
      EXPECT_EQ(k.vgpr[24 + n][i],
                was.vgpr[4 + n][i] + sad(a >> 8 * n, b, true));
    }
  }
  EXPECT_EQ(k.vgpr[24][0], was.vgpr[24][0]); // inactive
}

// Normalised integers: the largest integer is 1.
W norm(double x, double largest, bool isSigned) {
  if (x != x)
    return 0;
  x = std::min(std::max(x, isSigned ? -1.0 : 0.0), 1.0);
  return W(S(std::nearbyint(x * largest))) & 0xffff;
}

TEST(VectorNorm, FractionsOfTheLargestInteger) {
  KernelText k("gfx942");
  for (unsigned i = 0; i < 64; ++i) {
    float x[] = {0.0f, 1.0f, -1.0f, 0.5f, -0.25f, 2.0f, -7.0f, NAN};
    float y = (float(i) - 32) / 37;
    k.vgpr[1][i] = word(i < 8 ? x[i] : y);
    k.vgpr[2][i] = word(i < 8 ? x[7 - i] : -y);
    k.vgpr[3][i] = halfFromDouble(real(k.vgpr[1][i]));
    k.vgpr[4][i] = halfFromDouble(real(k.vgpr[2][i]));
  }
  ASSERT_TRUE(k.run("v_cvt_pknorm_i16_f32 v10, v1, v2\n"
                    "v_cvt_pknorm_u16_f32 v11, v1, v2\n"
                    "v_cvt_pknorm_i16_f16 v12, v3, v4\n"
                    "v_cvt_pknorm_u16_f16 v13, v3, v4\n"
                    "v_cvt_norm_i16_f16 v14, v3\n"
                    "v_cvt_norm_u16_f16 v15, v3"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    // In f32: the product is rounded before it becomes an integer.
    auto pair = [&](unsigned reg, double largest, bool isSigned, bool half) {
      double a = half ? halfToDouble(k.vgpr[3][i]) : real(k.vgpr[1][i]);
      double b = half ? halfToDouble(k.vgpr[4][i]) : real(k.vgpr[2][i]);
      W got = k.vgpr[reg][i];
      EXPECT_LE(std::abs(int(int16_t(got)) -
                         int(int16_t(norm(a, largest, isSigned)))),
                1);
      EXPECT_LE(std::abs(int(int16_t(got >> 16)) -
                         int(int16_t(norm(b, largest, isSigned)))),
                1);
      if (i < 3 || (i >= 5 && i < 8)) {
        EXPECT_EQ(got & 0xffff, norm(a, largest, isSigned));
      }
    };
    pair(10, 32767, true, false);
    pair(11, 65535, false, false);
    pair(12, 32767, true, true);
    pair(13, 65535, false, true);
    EXPECT_EQ(k.vgpr[14][i], k.vgpr[12][i] & 0xffff);
    EXPECT_EQ(k.vgpr[15][i], k.vgpr[13][i] & 0xffff);
  }
}

TEST(VectorNorm, FloatsToBytes) {
  KernelText k("gfx950");
  for (unsigned i = 0; i < 64; ++i) {
    float x[] = {0.0f, 1.9f, -3.0f, 254.99f, 255.0f, 300.0f, INFINITY, NAN};
    k.vgpr[1][i] = word(x[i % 8]);
    k.vgpr[2][i] = i / 8; // the byte, modulo 4
    k.vgpr[0][i] = k.vgpr[3][i] = 0x11223344;
  }
  KernelText was = k;
  ASSERT_TRUE(k.run("v_cvt_pk_u8_f32 v4, v1, v2, v3\n"
                    "v_cvt_pkaccum_u8_f32 v0, v1, v2"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    const W bytes[] = {0, 1, 0, 254, 255, 255, 255, 0};
    unsigned shift = i / 8 % 4 * 8;
    W want = (0x11223344 & ~(255u << shift)) | bytes[i % 8] << shift;
    EXPECT_EQ(k.vgpr[4][i], want);
    EXPECT_EQ(k.vgpr[0][i], want);
  }
}

} // namespace
