//===- VectorHalfTest.cpp - 16-bit and packed vector instructions ---------===//
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

/// A sum that cannot be exact in f64 is so unequal that the larger term alone
/// rounds the same way; long double has bits to spare besides.
W halfFma(W a, W b, W c) {
  return halfFromDouble(
      double((long double)halfToDouble(a) * halfToDouble(b) + halfToDouble(c)));
}
W maxHalf(W a, W b) {
  double x = halfToDouble(a), y = halfToDouble(b);
  if (x != x)
    return b & 0xffff;
  if (y != y)
    return a & 0xffff;
  return (x == y ? (a & 0x8000 ? b : a) : x > y ? a : b) & 0xffff;
}
W minHalf(W a, W b) {
  double x = halfToDouble(a), y = halfToDouble(b);
  if (x != x)
    return b & 0xffff;
  if (y != y)
    return a & 0xffff;
  return (x == y ? (a & 0x8000 ? a : b) : x < y ? a : b) & 0xffff;
}
W medianHalf(W a, W b, W c) {
  if (halfToDouble(a) != halfToDouble(a) ||
      halfToDouble(b) != halfToDouble(b) || halfToDouble(c) != halfToDouble(c))
    return minHalf(minHalf(a, b), c);
  W top = maxHalf(maxHalf(a, b), c);
  return halfToDouble(top) == halfToDouble(a)   ? maxHalf(b, c)
         : halfToDouble(top) == halfToDouble(b) ? maxHalf(a, c)
                                                : maxHalf(a, b);
}

struct HalfCase {
  const char *mnemonic;
  unsigned sources;
  std::function<W(W, W, W)> expected; ///< of the low halves
  bool isFloat;
  bool keepsHigh = false;
};

const HalfCase halfCases[] = {
    {"v_add_f16", 2,
     [](W a, W b, W) {
       return halfFromDouble(halfToDouble(a) + halfToDouble(b));
     },
     true},
    {"v_sub_f16", 2,
     [](W a, W b, W) {
       return halfFromDouble(halfToDouble(a) - halfToDouble(b));
     },
     true},
    {"v_subrev_f16", 2,
     [](W a, W b, W) {
       return halfFromDouble(halfToDouble(b) - halfToDouble(a));
     },
     true},
    {"v_mul_f16", 2,
     [](W a, W b, W) {
       return halfFromDouble(halfToDouble(a) * halfToDouble(b));
     },
     true},
    {"v_fma_f16", 3, halfFma, true, true},
    {"v_max_f16", 2, [](W a, W b, W) { return maxHalf(a, b); }, true},
    {"v_min_f16", 2, [](W a, W b, W) { return minHalf(a, b); }, true},
    {"v_max3_f16", 3, [](W a, W b, W c) { return maxHalf(maxHalf(a, b), c); },
     true, true},
    {"v_min3_f16", 3, [](W a, W b, W c) { return minHalf(minHalf(a, b), c); },
     true, true},
    {"v_med3_f16", 3, medianHalf, true, true},
    {"v_rcp_f16", 1,
     [](W a, W, W) { return halfFromDouble(1 / halfToDouble(a)); }, true},
    {"v_sqrt_f16", 1,
     [](W a, W, W) { return halfFromDouble(std::sqrt(halfToDouble(a))); },
     true},
    {"v_rsq_f16", 1,
     [](W a, W, W) { return halfFromDouble(1 / std::sqrt(halfToDouble(a))); },
     true},
    {"v_floor_f16", 1,
     [](W a, W, W) { return halfFromDouble(std::floor(halfToDouble(a))); },
     true},
    {"v_ceil_f16", 1,
     [](W a, W, W) { return halfFromDouble(std::ceil(halfToDouble(a))); },
     true},
    {"v_trunc_f16", 1,
     [](W a, W, W) { return halfFromDouble(std::trunc(halfToDouble(a))); },
     true},
    {"v_rndne_f16", 1,
     [](W a, W, W) { return halfFromDouble(std::nearbyint(halfToDouble(a))); },
     true},
    {"v_ldexp_f16", 2,
     [](W a, W b, W) {
       return halfFromDouble(std::ldexp(halfToDouble(a), int16_t(b)));
     },
     true},
    {"v_add_u16", 2, [](W a, W b, W) { return (a + b) & 0xffff; }, false},
    {"v_sub_u16", 2, [](W a, W b, W) { return (a - b) & 0xffff; }, false},
    {"v_subrev_u16", 2, [](W a, W b, W) { return (b - a) & 0xffff; }, false},
    {"v_mul_lo_u16", 2, [](W a, W b, W) { return (a * b) & 0xffff; }, false},
    {"v_mad_u16", 3, [](W a, W b, W c) { return (a * b + c) & 0xffff; }, false,
     true},
    {"v_mad_i16", 3, [](W a, W b, W c) { return (a * b + c) & 0xffff; }, false,
     true},
    {"v_lshlrev_b16", 2, [](W n, W a, W) { return (a << n % 16) & 0xffff; },
     false},
    {"v_lshrrev_b16", 2, [](W n, W a, W) { return (a & 0xffff) >> n % 16; },
     false},
    {"v_ashrrev_i16", 2,
     [](W n, W a, W) { return W(int16_t(a) >> n % 16) & 0xffff; }, false},
    {"v_min_u16", 2,
     [](W a, W b, W) { return std::min(a & 0xffff, b & 0xffff); }, false},
    {"v_max_u16", 2,
     [](W a, W b, W) { return std::max(a & 0xffff, b & 0xffff); }, false},
    {"v_min_i16", 2,
     [](W a, W b, W) { return W(std::min(int16_t(a), int16_t(b))) & 0xffff; },
     false},
    {"v_max_i16", 2,
     [](W a, W b, W) { return W(std::max(int16_t(a), int16_t(b))) & 0xffff; },
     false},
    {"v_cvt_f16_u16", 1, [](W a, W, W) { return halfFromDouble(a & 0xffff); },
     true},
    {"v_cvt_f16_i16", 1, [](W a, W, W) { return halfFromDouble(int16_t(a)); },
     true},
    {"v_cvt_u16_f16", 1,
     [](W a, W, W) {
       double x = halfToDouble(a);
       return x > 0 ? W(std::min(std::trunc(x), 65535.0)) : 0;
     },
     false},
    {"v_cvt_i16_f16", 1,
     [](W a, W, W) {
       double x =
           halfToDouble(a) != halfToDouble(a) ? 0 : std::trunc(halfToDouble(a));
       return W(int(std::min(std::max(x, -32768.0), 32767.0))) & 0xffff;
     },
     false},
};

/// Halves at the edges, another one in the upper half.
Lanes halfLanes(unsigned salt) {
  static const uint16_t edges[] = {
      0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e00, 0x0001,
      0x83ff, 0x0400, 0x7bff, 0xfbff, 0x4248, 0xc500, 0x3555, 0x6400};
  Lanes lanes = testLanes(salt);
  for (unsigned i = 0; i < 48; ++i)
    lanes[i] = edges[(i * (2 * salt + 1) + salt) % 16] |
               W(edges[(i * 5 + salt * 3) % 16]) << 16;
  return lanes;
}

// The upper half of the result: zero, or kept by the newer instructions.
TEST(VectorHalf, MatchesDefinition) {
  for (const HalfCase &c : halfCases) {
    KernelText k("gfx950");
    for (unsigned n = 0; n < 4; ++n)
      k.vgpr[n] = halfLanes(n + 1);
    KernelText was = k;
    const char *operands[] = {"v1", "v1, v2", "v1, v2, v3"};
    ASSERT_TRUE(
        k.run(std::string(c.mnemonic) + " v0, " + operands[c.sources - 1]))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      W want = c.expected(was.vgpr[1][i], was.vgpr[2][i], was.vgpr[3][i]);
      W got = k.vgpr[0][i];
      EXPECT_TRUE(c.isFloat ? sameHalf(got, want) : (got & 0xffff) == want)
          << c.mnemonic << std::hex << " lane " << i << " of " << was.vgpr[1][i]
          << " " << was.vgpr[2][i] << ": got " << got << " want " << want;
      EXPECT_EQ(got >> 16, c.keepsHigh ? was.vgpr[0][i] >> 16 : 0)
          << c.mnemonic;
    }
  }
}

TEST(VectorHalf, OpSelTakesAndWritesHighHalves) {
  KernelText k("gfx950");
  for (unsigned n = 0; n < 4; ++n)
    k.vgpr[n] = halfLanes(n + 1);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_fma_f16 v0, v1, v2, v3 op_sel:[1,0,1,1]\n"
                    "v_pack_b32_f16 v4, v1, v2 op_sel:[1,0]\n"
                    "v_pack_b32_f16 v5, v1, v2"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    W a = was.vgpr[1][i], b = was.vgpr[2][i], c = was.vgpr[3][i];
    EXPECT_TRUE(sameHalf(k.vgpr[0][i] >> 16, halfFma(a >> 16, b, c >> 16)));
    EXPECT_EQ(k.vgpr[0][i] & 0xffff, was.vgpr[0][i] & 0xffff);
    EXPECT_EQ(k.vgpr[4][i], a >> 16 | b << 16);
    EXPECT_EQ(k.vgpr[5][i], (a & 0xffff) | b << 16);
  }
}

TEST(VectorHalf, MixedWidth) {
  KernelText k("gfx950");
  for (unsigned n = 0; n < 4; ++n)
    k.vgpr[n] = halfLanes(n + 1);
  k.vgpr[3] = testLanes(4);
  k.vgpr[6] = k.vgpr[7] = testLanes(9);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_mad_u32_u16 v4, v1, v2, v3\n"
                    "v_mad_i32_i16 v5, v1, v2, v3\n"
                    "v_fma_mix_f32 v8, v1, v2, v3 op_sel:[0,1,0] "
                    "op_sel_hi:[1,1,0]\n"
                    "v_fma_mixlo_f16 v6, -v3, v1, |v2| op_sel_hi:[0,1,1]\n"
                    "v_fma_mixhi_f16 v7, v1, v1, v2 op_sel:[1,0,0] "
                    "op_sel_hi:[1,1,1]"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    W a = was.vgpr[1][i], b = was.vgpr[2][i], c = was.vgpr[3][i];
    EXPECT_EQ(k.vgpr[4][i], (a & 0xffff) * (b & 0xffff) + c);
    EXPECT_EQ(k.vgpr[5][i], W(int16_t(a) * int16_t(b)) + c);
    float mixed =
        std::fma(float(halfToDouble(a)), float(halfToDouble(b >> 16)), real(c));
    EXPECT_TRUE(sameFloat(k.vgpr[8][i], word(mixed)));
    float low = std::fma(-real(c), float(halfToDouble(a)),
                         std::fabs(float(halfToDouble(b))));
    EXPECT_TRUE(sameHalf(k.vgpr[6][i], halfFromDouble(low)));
    EXPECT_EQ(k.vgpr[6][i] >> 16, was.vgpr[6][i] >> 16);
    float high = std::fma(float(halfToDouble(a >> 16)), float(halfToDouble(a)),
                          float(halfToDouble(b)));
    EXPECT_TRUE(sameHalf(k.vgpr[7][i] >> 16, halfFromDouble(high)));
    EXPECT_EQ(k.vgpr[7][i] & 0xffff, was.vgpr[7][i] & 0xffff);
  }
}

struct PackedCase {
  const char *mnemonic;
  unsigned sources;
  std::function<W(W, W, W)> half;
  bool isFloat;
};
const PackedCase packedCases[] = {
    {"v_pk_add_f16", 2,
     [](W a, W b, W) {
       return halfFromDouble(halfToDouble(a) + halfToDouble(b));
     },
     true},
    {"v_pk_mul_f16", 2,
     [](W a, W b, W) {
       return halfFromDouble(halfToDouble(a) * halfToDouble(b));
     },
     true},
    {"v_pk_fma_f16", 3, halfFma, true},
    {"v_pk_max_f16", 2, [](W a, W b, W) { return maxHalf(a, b); }, true},
    {"v_pk_min_f16", 2, [](W a, W b, W) { return minHalf(a, b); }, true},
    {"v_pk_maximum3_f16", 3,
     [](W a, W b, W c) {
       bool allNumbers = halfToDouble(a) == halfToDouble(a) &&
                         halfToDouble(b) == halfToDouble(b) &&
                         halfToDouble(c) == halfToDouble(c);
       return allNumbers ? maxHalf(maxHalf(a, b), c) : 0x7e00;
     },
     true},
    {"v_pk_minimum3_f16", 3,
     [](W a, W b, W c) {
       bool allNumbers = halfToDouble(a) == halfToDouble(a) &&
                         halfToDouble(b) == halfToDouble(b) &&
                         halfToDouble(c) == halfToDouble(c);
       return allNumbers ? minHalf(minHalf(a, b), c) : 0x7e00;
     },
     true},
    {"v_pk_add_u16", 2, [](W a, W b, W) { return a + b; }, false},
    {"v_pk_add_i16", 2, [](W a, W b, W) { return a + b; }, false},
    {"v_pk_sub_u16", 2, [](W a, W b, W) { return a - b; }, false},
    {"v_pk_sub_i16", 2, [](W a, W b, W) { return a - b; }, false},
    {"v_pk_mul_lo_u16", 2, [](W a, W b, W) { return a * b; }, false},
    {"v_pk_mad_u16", 3, [](W a, W b, W c) { return a * b + c; }, false},
    {"v_pk_mad_i16", 3, [](W a, W b, W c) { return a * b + c; }, false},
    {"v_pk_lshlrev_b16", 2, [](W n, W a, W) { return a << n % 16; }, false},
    {"v_pk_lshrrev_b16", 2, [](W n, W a, W) { return (a & 0xffff) >> n % 16; },
     false},
    {"v_pk_ashrrev_i16", 2, [](W n, W a, W) { return W(int16_t(a) >> n % 16); },
     false},
    {"v_pk_min_u16", 2,
     [](W a, W b, W) { return std::min(a & 0xffff, b & 0xffff); }, false},
    {"v_pk_max_u16", 2,
     [](W a, W b, W) { return std::max(a & 0xffff, b & 0xffff); }, false},
    {"v_pk_min_i16", 2,
     [](W a, W b, W) { return W(std::min(int16_t(a), int16_t(b))); }, false},
    {"v_pk_max_i16", 2,
     [](W a, W b, W) { return W(std::max(int16_t(a), int16_t(b))); }, false},
};

TEST(VectorPacked, HalvesUnderOpSel) {
  for (const PackedCase &c : packedCases) {
    KernelText k("gfx950");
    for (unsigned n = 0; n < 4; ++n)
      k.vgpr[n] = halfLanes(n + 1);
    k.vgpr[4] = k.vgpr[0];
    k.exec = 0xffffffff0fffffff;
    KernelText was = k;
    std::string operands = c.sources == 3 ? "v1, v2, v3" : "v1, v2";
    std::string swap = c.sources == 3 ? " op_sel:[1,0,1] op_sel_hi:[0,1,0]"
                                      : " op_sel:[1,0] op_sel_hi:[0,1]";
    std::string m = c.mnemonic;
    ASSERT_TRUE(
        k.run(m + " v0, " + operands + "\n" + m + " v4, " + operands + swap))
        << k.error;
    auto same = [&](W got, W want) {
      return c.isFloat ? sameHalf(got, want) : !((got ^ want) & 0xffff);
    };
    for (unsigned i = 0; i < 64; ++i) {
      if (!(k.exec >> i & 1)) {
        EXPECT_EQ(k.vgpr[0][i], was.vgpr[0][i]);
        continue;
      }
      W x = was.vgpr[1][i], y = was.vgpr[2][i], z = was.vgpr[3][i];
      EXPECT_TRUE(same(k.vgpr[0][i], c.half(x, y, z))) << m << i;
      EXPECT_TRUE(same(k.vgpr[0][i] >> 16, c.half(x >> 16, y >> 16, z >> 16)))
          << m << i;
      EXPECT_TRUE(same(k.vgpr[4][i], c.half(x >> 16, y, z >> 16))) << m << i;
      EXPECT_TRUE(same(k.vgpr[4][i] >> 16, c.half(x, y >> 16, z))) << m << i;
    }
  }
}

TEST(VectorPacked, SignsOfHalves) {
  KernelText k("gfx950");
  for (unsigned n = 0; n < 4; ++n)
    k.vgpr[n] = halfLanes(n + 1);
  ASSERT_TRUE(k.run("v_pk_fma_f16 v0, v1, v2, v3 neg_lo:[1,0,0] "
                    "neg_hi:[0,0,1]"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    W a = k.vgpr[1][i], b = k.vgpr[2][i], c = k.vgpr[3][i];
    EXPECT_TRUE(sameHalf(k.vgpr[0][i], halfFma(a ^ 0x8000, b, c)));
    EXPECT_TRUE(sameHalf(k.vgpr[0][i] >> 16,
                         halfFma(a >> 16, b >> 16, c >> 16 ^ 0x8000)));
  }
}

TEST(VectorPacked, WordsUnderOpSelAndNeg) {
  for (uint64_t exec : {~uint64_t(0), uint64_t(0x00ff00ff55aa55aa)}) {
    KernelText k("gfx950");
    for (unsigned n = 0; n < 16; ++n)
      k.vgpr[n] = testLanes(n);
    k.s(22) = word(3.0f);
    k.s(23) = word(-5.0f);
    k.exec = exec;
    KernelText was = k;
    ASSERT_TRUE(k.run("v_pk_add_f32 v[0:1], v[2:3], v[4:5]\n"
                      "v_pk_mul_f32 v[6:7], v[2:3], v[4:5] "
                      "op_sel:[1,0] op_sel_hi:[0,0]\n"
                      "v_pk_fma_f32 v[8:9], v[2:3], s[22:23], v[4:5] "
                      "neg_lo:[0,0,1] neg_hi:[1,0,0]\n"
                      "v_pk_mov_b32 v[10:11], v[2:3], v[4:5] op_sel:[1,0]\n"
                      // The low result is a source of the high half.
                      "v_pk_add_f32 v[12:13], v[12:13], v[14:15] "
                      "op_sel_hi:[0,1]"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      if (!(exec >> i & 1)) {
        for (unsigned n = 0; n < 16; ++n)
          EXPECT_EQ(k.vgpr[n][i], was.vgpr[n][i]);
        continue;
      }
      auto v = [&](unsigned n) { return real(was.vgpr[n][i]); };
      auto same = [&](unsigned n, float want) {
        return sameFloat(k.vgpr[n][i], word(want));
      };
      EXPECT_TRUE(same(0, v(2) + v(4)) && same(1, v(3) + v(5)));
      EXPECT_TRUE(same(6, v(3) * v(4)) && same(7, v(2) * v(4)));
      EXPECT_TRUE(same(8, std::fma(v(2), 3.0f, -v(4))));
      EXPECT_TRUE(same(9, std::fma(-v(3), -5.0f, v(5))));
      EXPECT_EQ(k.vgpr[10][i], was.vgpr[3][i]);
      EXPECT_EQ(k.vgpr[11][i], was.vgpr[4][i]);
      EXPECT_TRUE(same(12, v(12) + v(14)) && same(13, v(12) + v(15)));
    }
  }
}

// The meaning of a packed f32 constant's high half is not documented.
TEST(VectorPacked, RefusesTheHighHalfOfAConstant) {
  KernelText k("gfx950");
  EXPECT_FALSE(k.run("v_pk_mul_f32 v[0:1], v[2:3], 2.0"));
  EXPECT_NE(k.error.find("high half"), std::string::npos) << k.error;
  EXPECT_TRUE(k.run("v_pk_mul_f32 v[0:1], v[2:3], 2.0 op_sel_hi:[1,0]"))
      << k.error;
}

TEST(VectorHalf, RefusesFlushingHalves) {
  KernelText k("gfx950");
  k.rsrc1 = 0x30u << 12;
  EXPECT_FALSE(k.run("v_add_f16 v0, v1, v2"));
  EXPECT_NE(k.error.find("flushes denormals"), std::string::npos) << k.error;
}

} // namespace
