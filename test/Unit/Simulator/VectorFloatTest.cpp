//===- VectorFloatTest.cpp - f32 vector instructions and conversions ------===//
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

bool isNan(W a) { return (a & 0x7fffffff) > 0x7f800000; }
double wide(W a) { return real(a); }
W fromDouble(double x) { return word(float(x)); }

/// The larger one as the ISA document orders them: numbers beat NaN, +0 > -0.
W maximum(W a, W b) {
  if (isNan(a))
    return b;
  if (isNan(b))
    return a;
  if (real(a) == real(b))
    return a >> 31 ? b : a;
  return real(a) > real(b) ? a : b;
}
W minimum(W a, W b) {
  if (isNan(a))
    return b;
  if (isNan(b))
    return a;
  if (real(a) == real(b))
    return a >> 31 ? a : b;
  return real(a) < real(b) ? a : b;
}
W median(W a, W b, W c) {
  if (isNan(a) || isNan(b) || isNan(c))
    return minimum(minimum(a, b), c);
  W top = maximum(maximum(a, b), c);
  if (real(top) == real(a))
    return maximum(b, c);
  if (real(top) == real(b))
    return maximum(a, c);
  return maximum(a, b);
}

W saturateSigned(double x) {
  if (x != x)
    return 0;
  double t = std::trunc(x);
  return t >= 2147483647.0    ? 0x7fffffffu
         : t <= -2147483648.0 ? 0x80000000u
                              : W(int32_t(t));
}
W saturateUnsigned(double x) {
  if (!(x > 0))
    return 0;
  return x >= 4294967295.0 ? 0xffffffffu : W(std::trunc(x));
}

/// IEEE f16 from a double, towards zero.
W halfTruncated(double x) {
  W sign = std::signbit(x) ? 0x8000 : 0;
  x = std::fabs(x);
  if (x != x)
    return sign | 0x7e00;
  if (std::isinf(x))
    return sign | 0x7c00;
  if (x >= 65504.0)
    return sign | 0x7bff;
  int exponent = x < 0x1p-14 ? -14 : std::ilogb(x);
  double units = std::floor(std::ldexp(x, 10 - exponent));
  return sign | (W(units) + (W(exponent + 14) << 10));
}
bool sameHalves(W a, W b) {
  return sameHalf(a, b) && sameHalf(a >> 16, b >> 16);
}
W bf16FromWord(W a) {
  if (isNan(a))
    return 0x7fc0;
  W rest = a & 0xffff, top = a >> 16;
  bool up = rest > 0x8000 || (rest == 0x8000 && (top & 1));
  return top + up;
}
bool sameBf16Pair(W a, W b) {
  return sameFloat(a << 16, b << 16) &&
         sameFloat(a & 0xffff0000, b & 0xffff0000);
}

/// v_exp_f32: below 2^-126 the result is 0.
W exp2Of(W a) {
  double x = wide(a);
  return x < -126 ? 0 : fromDouble(std::exp2(x));
}
W log2Of(W a) {
  double x = wide(a);
  if (std::fabs(x) < 0x1p-126) // denormals count as zero
    return 0xff800000;
  return fromDouble(x < 0 ? NAN : std::log2(x));
}

const VectorCase cases[] = {
    {"v_add_f32", 2, [](W a, W b, W) { return fromDouble(wide(a) + wide(b)); },
     sameFloat},
    {"v_sub_f32", 2, [](W a, W b, W) { return fromDouble(wide(a) - wide(b)); },
     sameFloat},
    {"v_subrev_f32", 2,
     [](W a, W b, W) { return fromDouble(wide(b) - wide(a)); }, sameFloat},
    {"v_mul_f32", 2, [](W a, W b, W) { return fromDouble(wide(a) * wide(b)); },
     sameFloat},
    {"v_mul_legacy_f32", 2,
     [](W a, W b, W) {
       bool zero = real(a) == 0 || real(b) == 0;
       return zero ? 0u : fromDouble(wide(a) * wide(b));
     },
     sameFloat},
    {"v_fma_f32", 3,
     [](W a, W b, W c) { return word(std::fma(real(a), real(b), real(c))); },
     sameFloat},
    {"v_fmac_f32", 3,
     [](W a, W b, W c) { return word(std::fma(real(a), real(b), real(c))); },
     sameFloat, "gfx950", true},
    {"v_max_f32", 2, [](W a, W b, W) { return maximum(a, b); }, sameFloat},
    {"v_min_f32", 2, [](W a, W b, W) { return minimum(a, b); }, sameFloat},
    {"v_max3_f32", 3, [](W a, W b, W c) { return maximum(maximum(a, b), c); },
     sameFloat},
    {"v_min3_f32", 3, [](W a, W b, W c) { return minimum(minimum(a, b), c); },
     sameFloat},
    {"v_maximum3_f32", 3,
     [](W a, W b, W c) {
       bool nan = isNan(a) || isNan(b) || isNan(c);
       return nan ? 0x7fc00000 : maximum(maximum(a, b), c);
     },
     sameFloat},
    {"v_minimum3_f32", 3,
     [](W a, W b, W c) {
       bool nan = isNan(a) || isNan(b) || isNan(c);
       return nan ? 0x7fc00000 : minimum(minimum(a, b), c);
     },
     sameFloat},
    {"v_med3_f32", 3, median, sameFloat},
    {"v_exp_f32", 1, [](W a, W, W) { return exp2Of(a); }, withinUlp},
    {"v_log_f32", 1, [](W a, W, W) { return log2Of(a); }, withinUlp},
    {"v_rcp_f32", 1, [](W a, W, W) { return fromDouble(1 / wide(a)); },
     withinUlp},
    {"v_rcp_iflag_f32", 1, [](W a, W, W) { return fromDouble(1 / wide(a)); },
     withinUlp},
    {"v_rsq_f32", 1,
     [](W a, W, W) { return fromDouble(1 / std::sqrt(wide(a))); }, withinUlp},
    {"v_sqrt_f32", 1, [](W a, W, W) { return fromDouble(std::sqrt(wide(a))); },
     withinUlp},
    {"v_floor_f32", 1,
     [](W a, W, W) { return fromDouble(std::floor(wide(a))); }, sameFloat},
    {"v_ceil_f32", 1, [](W a, W, W) { return fromDouble(std::ceil(wide(a))); },
     sameFloat},
    {"v_trunc_f32", 1,
     [](W a, W, W) { return fromDouble(std::trunc(wide(a))); }, sameFloat},
    {"v_rndne_f32", 1,
     [](W a, W, W) { return fromDouble(std::nearbyint(wide(a))); }, sameFloat},
    {"v_fract_f32", 1,
     [](W a, W, W) {
       double f = wide(a) - std::floor(wide(a));
       return std::min(fromDouble(f), f != f ? 0xffffffffu : 0x3f7fffffu);
     },
     sameFloat},
    {"v_ldexp_f32", 2,
     [](W a, W b, W) {
       int n = std::min(std::max(int32_t(b), -400), 400);
       return fromDouble(std::ldexp(wide(a), n));
     },
     sameFloat},
    {"v_frexp_mant_f32", 1,
     [](W a, W, W) {
       int e;
       return std::isfinite(real(a)) ? word(std::frexp(real(a), &e)) : a;
     },
     sameFloat},
    {"v_frexp_exp_i32_f32", 1,
     [](W a, W, W) {
       int e = 0;
       if (std::isfinite(real(a)))
         std::frexp(real(a), &e);
       return W(e);
     },
     sameWord},
    {"v_cvt_f32_i32", 1, [](W a, W, W) { return fromDouble(int32_t(a)); },
     sameWord},
    {"v_cvt_f32_u32", 1, [](W a, W, W) { return fromDouble(a); }, sameWord},
    {"v_cvt_i32_f32", 1, [](W a, W, W) { return saturateSigned(wide(a)); },
     sameWord},
    {"v_cvt_u32_f32", 1, [](W a, W, W) { return saturateUnsigned(wide(a)); },
     sameWord},
    {"v_cvt_rpi_i32_f32", 1,
     [](W a, W, W) { return saturateSigned(std::floor(real(a) + 0.5f)); },
     sameWord},
    {"v_cvt_flr_i32_f32", 1,
     [](W a, W, W) { return saturateSigned(std::floor(wide(a))); }, sameWord},
    {"v_cvt_f32_ubyte0", 1, [](W a, W, W) { return fromDouble(a & 255); },
     sameWord},
    {"v_cvt_f32_ubyte1", 1, [](W a, W, W) { return fromDouble(a >> 8 & 255); },
     sameWord},
    {"v_cvt_f32_ubyte2", 1, [](W a, W, W) { return fromDouble(a >> 16 & 255); },
     sameWord},
    {"v_cvt_f32_ubyte3", 1, [](W a, W, W) { return fromDouble(a >> 24); },
     sameWord},
    {"v_cvt_off_f32_i4", 1,
     [](W a, W, W) {
       int nibble = int(a & 15) - (a & 8 ? 16 : 0);
       return fromDouble(nibble / 16.0);
     },
     sameWord},
    {"v_cvt_f16_f32", 1, [](W a, W, W) { return halfFromDouble(wide(a)); },
     sameHalf},
    {"v_cvt_f32_f16", 1,
     [](W a, W, W) { return fromDouble(halfToDouble(a & 0xffff)); }, sameFloat},
    {"v_cvt_pkrtz_f16_f32", 2,
     [](W a, W b, W) {
       return halfTruncated(wide(a)) | halfTruncated(wide(b)) << 16;
     },
     sameHalves},
    {"v_cvt_pk_f16_f32", 2,
     [](W a, W b, W) {
       return halfFromDouble(wide(a)) | halfFromDouble(wide(b)) << 16;
     },
     sameHalves},
    {"v_cvt_pk_bf16_f32", 2,
     [](W a, W b, W) { return bf16FromWord(a) | bf16FromWord(b) << 16; },
     sameBf16Pair},
    {"v_cvt_pk_u16_u32", 2,
     [](W a, W b, W) {
       return std::min(a, 0xffffu) | std::min(b, 0xffffu) << 16;
     },
     sameWord},
    {"v_cvt_pk_i16_i32", 2,
     [](W a, W b, W) {
       auto clamp = [](W x) {
         return W(std::min(std::max(int32_t(x), -32768), 32767)) & 0xffff;
       };
       return clamp(a) | clamp(b) << 16;
     },
     sameWord},
};

class VectorFloat : public testing::TestWithParam<VectorCase> {};
TEST_P(VectorFloat, MatchesDefinition) { checkVector(GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, VectorFloat, testing::ValuesIn(cases), caseName);

constexpr uint32_t flushing = 0xc0u << 12; ///< f32 denormals off

W flush(W a) { return (a & 0x7f800000) ? a : a & 0x80000000; }

const VectorCase flushCases[] = {
    {"v_add_f32", 2,
     [](W a, W b, W) {
       return flush(fromDouble(wide(flush(a)) + wide(flush(b))));
     },
     sameFloat},
    {"v_mul_f32", 2,
     [](W a, W b, W) {
       return flush(fromDouble(wide(flush(a)) * wide(flush(b))));
     },
     sameFloat},
    {"v_fma_f32", 3,
     [](W a, W b, W c) {
       return flush(
           word(std::fma(real(flush(a)), real(flush(b)), real(flush(c)))));
     },
     sameFloat},
    {"v_max_f32", 2,
     [](W a, W b, W) { return flush(maximum(flush(a), flush(b))); }, sameFloat},
    {"v_min3_f32", 3,
     [](W a, W b, W c) {
       return flush(minimum(minimum(flush(a), flush(b)), flush(c)));
     },
     sameFloat},
    {"v_exp_f32", 1, [](W a, W, W) { return exp2Of(a); }, withinUlp},
    {"v_mov_b32", 1, [](W a, W, W) { return a; }, sameWord},
};

class VectorFlush : public testing::TestWithParam<VectorCase> {};
TEST_P(VectorFlush, FlushesDenormals) { checkVector(GetParam(), flushing); }
INSTANTIATE_TEST_SUITE_P(All, VectorFlush, testing::ValuesIn(flushCases),
                         caseName);

// In IEEE mode a signalling NaN comes out quiet, even against a number.
TEST(VectorIeee, SignallingNanWins) {
  for (bool ieee : {false, true}) {
    KernelText k("gfx950");
    k.rsrc1 |= uint32_t(ieee) << 23;
    k.vgpr[1].fill(0x7fa00000);
    k.vgpr[2].fill(word(2.0f));
    ASSERT_TRUE(k.run("v_max_f32 v0, v1, v2\nv_min_f32 v3, v2, v1")) << k.error;
    EXPECT_EQ(k.vgpr[0][5], ieee ? 0x7fe00000u : word(2.0f));
    EXPECT_EQ(k.vgpr[3][5], ieee ? 0x7fe00000u : word(2.0f));
  }
}

TEST(VectorMode, RoundingOfTheDescriptorAndOfSetreg) {
  // 1 + 2^-24 lies half way between 1 and its successor.
  const uint32_t expected[4] = {0x3f800000, 0x3f800001, 0x3f800000, 0x3f800000};
  const uint32_t negative[4] = {0xbf800000, 0xbf800000, 0xbf800001, 0xbf800000};
  for (unsigned rounding = 0; rounding < 4; ++rounding) {
    for (bool byDescriptor : {true, false}) {
      KernelText k("gfx942");
      if (byDescriptor)
        k.rsrc1 |= rounding << 12;
      k.vgpr[1].fill(word(1.0f));
      k.vgpr[2].fill(word(0x1p-24f));
      k.vgpr[3].fill(word(-1.0f));
      std::string set = "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), " +
                        std::to_string(rounding) + "\n";
      ASSERT_TRUE(k.run((byDescriptor ? "" : set) +
                        "v_add_f32 v0, v1, v2\nv_sub_f32 v4, v3, v2\n"
                        "s_getreg_b32 s20, hwreg(HW_REG_MODE, 0, 4)"))
          << k.error;
      EXPECT_EQ(k.vgpr[0][0], expected[rounding]) << rounding;
      EXPECT_EQ(k.vgpr[4][0], negative[rounding]) << rounding;
      EXPECT_EQ(k.s(20), rounding);
    }
  }
}

TEST(VectorMode, SetregFromARegister) {
  KernelText k("gfx942");
  k.s(20) = 0x0; // turn f32 denormals off
  k.vgpr[1].fill(0x00400000);
  ASSERT_TRUE(k.run("s_setreg_b32 hwreg(HW_REG_MODE, 4, 2), s20\n"
                    "v_add_f32 v0, v1, v1"))
      << k.error;
  EXPECT_EQ(k.vgpr[0][3], 0u);
}

TEST(VectorFloatLiterals, FmaakAndFmamk) {
  KernelText k("gfx950");
  k.vgpr[1] = testLanes(1);
  k.vgpr[2] = testLanes(2);
  ASSERT_TRUE(k.run("v_fmaak_f32 v0, v1, v2, 0x40490fdb\n"
                    "v_fmamk_f32 v3, v1, 0x40490fdb, v2"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    float a = real(k.vgpr[1][i]), b = real(k.vgpr[2][i]), c = real(0x40490fdb);
    EXPECT_TRUE(sameFloat(k.vgpr[0][i], word(std::fma(a, b, c)))) << i;
    EXPECT_TRUE(sameFloat(k.vgpr[3][i], word(std::fma(a, c, b)))) << i;
  }
}

// Inline constants: raw integers, and 1/(2 pi).
TEST(VectorFloatLiterals, InlineConstants) {
  KernelText k("gfx950");
  ASSERT_TRUE(k.run("v_mov_b32 v0, 64\nv_mov_b32 v1, -16\nv_mov_b32 v2, 0.5\n"
                    "v_mov_b32 v3, -4.0\nv_mov_b32 v4, 0.15915494\n"
                    "v_mul_f32 v5, 1.0, v2\nv_mov_b32 v6, 0x12345678"))
      << k.error;
  EXPECT_EQ(k.vgpr[0][0], 64u);
  EXPECT_EQ(k.vgpr[1][0], 0xfffffff0u);
  EXPECT_EQ(k.vgpr[2][0], word(0.5f));
  EXPECT_EQ(k.vgpr[3][0], word(-4.0f));
  EXPECT_EQ(k.vgpr[4][0], 0x3e22f983u);
  EXPECT_EQ(k.vgpr[5][0], word(0.5f));
  EXPECT_EQ(k.vgpr[6][0], 0x12345678u);
}

// Every 16-bit exponent range of v_exp_f32, against the library's exp2.
TEST(VectorTranscendental, Exp2Sweep) {
  KernelText k("gfx950");
  for (unsigned part = 0; part < 40; ++part) {
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[1][i] = word(-130.0f + (part * 64 + i) * 0.10173f);
    ASSERT_TRUE(k.run("v_exp_f32 v0, v1")) << k.error;
    for (unsigned i = 0; i < 64; ++i)
      EXPECT_TRUE(withinUlp(k.vgpr[0][i], exp2Of(k.vgpr[1][i])))
          << real(k.vgpr[1][i]);
  }
}

// fp8 and bf8 in each chip's format: every code, decoded from the definition.
double decodeSmall(unsigned code, unsigned mantissaBits, int bias, bool fnuz) {
  unsigned exponent = (code & 127) >> mantissaBits;
  unsigned mantissa = code & ((1u << mantissaBits) - 1);
  unsigned top = 127u >> mantissaBits;
  if (fnuz && code == 0x80)
    return NAN;
  if (!fnuz && mantissaBits == 3 && (code & 127) == 127)
    return NAN;
  if (!fnuz && mantissaBits == 2 && exponent == top)
    return mantissa ? NAN : code & 128 ? -INFINITY : INFINITY;
  double x = exponent
                 ? std::ldexp(1.0 + mantissa / double(1u << mantissaBits),
                              int(exponent) - bias)
                 : std::ldexp(mantissa / double(1u << mantissaBits), 1 - bias);
  return code & 128 ? -x : x;
}

struct SmallCase {
  const char *chip, *format;
  unsigned mantissaBits;
  int bias;
  bool fnuz;
};
const SmallCase smallCases[] = {{"gfx942", "fp8", 3, 8, true},
                                {"gfx942", "bf8", 2, 16, true},
                                {"gfx950", "fp8", 3, 7, false},
                                {"gfx950", "bf8", 2, 15, false}};

TEST(SmallFormats, EveryCodeWidens) {
  for (const SmallCase &c : smallCases) {
    std::string f = c.format;
    KernelText k(c.chip);
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[1][i] = 0x03020100u + 0x04040404u * i;
    ASSERT_TRUE(k.run("v_cvt_f32_" + f + " v2, v1\n" + "v_cvt_f32_" + f +
                      "_sdwa v3, v1 src0_sel:BYTE_1\n" + "v_cvt_f32_" + f +
                      "_sdwa v4, v1 src0_sel:BYTE_2\n" + "v_cvt_f32_" + f +
                      "_sdwa v5, v1 src0_sel:BYTE_3\n" + "v_cvt_pk_f32_" + f +
                      " v[6:7], v1\n" + "v_cvt_pk_f32_" + f +
                      "_sdwa v[8:9], v1 src0_sel:WORD_1"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i)
      for (unsigned byte = 0; byte < 4; ++byte) {
        W want = fromDouble(decodeSmall(k.vgpr[1][i] >> 8 * byte & 255,
                                        c.mantissaBits, c.bias, c.fnuz));
        EXPECT_TRUE(sameFloat(k.vgpr[2 + byte][i], want)) << c.chip << f << i;
        EXPECT_TRUE(sameFloat(k.vgpr[6 + byte][i], want)) << c.chip << f << i;
      }
  }
}

/// The nearest code by search, ties to the even one.
unsigned encodeSmall(const SmallCase &c, double x, bool saturates) {
  unsigned sign = std::signbit(x) ? 128 : 0, best = 0;
  double largest = 0;
  for (unsigned code = 0; code < 128; ++code) {
    double value = decodeSmall(code, c.mantissaBits, c.bias, c.fnuz);
    if (!std::isfinite(value))
      continue;
    largest = std::max(largest, value);
    double was = std::fabs(decodeSmall(best, c.mantissaBits, c.bias, c.fnuz) -
                           std::fabs(x));
    double is = std::fabs(value - std::fabs(x));
    if (is < was || (is == was && !(code & 1)))
      best = code;
  }
  double top = std::fabs(x);
  double step = std::ldexp(1.0, std::ilogb(largest) - int(c.mantissaBits));
  if (top >= largest + step / 2 && !saturates) {
    if (c.fnuz)
      return 128;
    return c.mantissaBits == 2 ? sign | 0x7c : sign | 127;
  }
  if (c.fnuz && best == 0)
    return 0;
  return sign | best;
}

TEST(SmallFormats, PackRoundsToNearestEven) {
  for (const SmallCase &c : smallCases) {
    for (bool saturates : {false, true}) {
      KernelText k(c.chip);
      k.rsrc1 |= uint32_t(saturates) << 26;
      for (unsigned i = 0; i < 64; ++i) {
        double scale = std::ldexp(1.0, int(i % 40) - 24);
        k.vgpr[1][i] = word(float((1 + i * 0.03125) * scale));
        k.vgpr[2][i] = word(float(-(1 + i * 0.0625 + 0.001) * scale));
        k.vgpr[0][i] = 0xaaaabbbb;
      }
      k.vgpr[3] = k.vgpr[0];
      std::string cvt = std::string("v_cvt_pk_") + c.format + "_f32 ";
      ASSERT_TRUE(
          k.run(cvt + "v0, v1, v2\n" + cvt + "v3, v1, v2 op_sel:[0,0,1]"))
          << k.error;
      for (unsigned i = 0; i < 64; ++i) {
        W pair = encodeSmall(c, wide(k.vgpr[1][i]), saturates) |
                 encodeSmall(c, wide(k.vgpr[2][i]), saturates) << 8;
        EXPECT_EQ(k.vgpr[0][i], 0xaaaa0000 | pair)
            << c.chip << c.format << saturates << " " << real(k.vgpr[1][i]);
        EXPECT_EQ(k.vgpr[3][i], pair << 16 | 0xbbbb) << c.chip << c.format;
      }
    }
  }
}

} // namespace
