//===- VectorMathTest.cpp - Trigonometry, f16 functions, 16-bit integers --===//
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

constexpr double pi = 3.14159265358979323846;

/// Equal, or closer than a millionth of a turn's range.
bool nearlySame(W a, W b) {
  return sameFloat(a, b) || std::fabs(double(real(a)) - real(b)) < 1e-6;
}
double turn(W a, bool cosine) {
  double x = real(a);
  if (std::isnan(x) || std::isinf(x))
    return NAN;
  if (std::fabs(x) > 256)
    return cosine;
  double rest = std::remainder(x, 1.0);
  return cosine ? std::cos(2 * pi * rest) : std::sin(2 * pi * rest);
}

/// The axis with the largest magnitude: z before y before x.
unsigned majorAxis(const float *v) {
  unsigned axis = 2;
  for (unsigned n : {1u, 0u})
    if (std::fabs(v[n]) > std::fabs(v[axis]))
      axis = n;
  return axis;
}
template <typename Fn> std::function<W(W, W, W)> cube(Fn fn) {
  return [fn](W a, W b, W c) {
    float v[3] = {real(a), real(b), real(c)};
    return word(fn(v, majorAxis(v)));
  };
}

const VectorCase floatCases[] = {
    {"v_sin_f32", 1, [](W a, W, W) { return word(float(turn(a, false))); },
     nearlySame},
    {"v_cos_f32", 1, [](W a, W, W) { return word(float(turn(a, true))); },
     nearlySame},
    {"v_exp_legacy_f32", 1,
     [](W a, W, W) {
       double x = std::exp2(double(real(a)));
       return word(x < 0x1p-126 ? 0.0f : float(x));
     },
     withinUlp},
    {"v_log_legacy_f32", 1,
     [](W a, W, W) {
       double x = real(a);
       return word(std::fabs(x) < 0x1p-126 ? -INFINITY : float(std::log2(x)));
     },
     withinUlp},
    {"v_mul_lo_i32", 2, [](W a, W b, W) { return a * b; }, sameWord},
};
class VectorMath : public testing::TestWithParam<VectorCase> {};
TEST_P(VectorMath, MatchesDefinition) { checkVector(GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, VectorMath, testing::ValuesIn(floatCases),
                         caseName);

// Directions without NaN: six faces and their borders.
TEST(VectorMath, CubeFaces) {
  struct Case {
    const char *name;
    std::function<W(W, W, W)> expected;
  };
  const Case cases[] = {
      {"v_cubeid_f32", cube([](const float *v, unsigned axis) {
         return float(2 * axis + (v[axis] < 0));
       })},
      {"v_cubema_f32",
       cube([](const float *v, unsigned axis) { return 2 * v[axis]; })},
      {"v_cubesc_f32", cube([](const float *v, unsigned axis) {
         float sign = v[axis] < 0 ? -1.0f : 1.0f;
         return axis == 0 ? -sign * v[2] : axis == 1 ? v[0] : sign * v[0];
       })},
      {"v_cubetc_f32", cube([](const float *v, unsigned axis) {
         return axis != 1 ? -v[1] : v[1] < 0 ? -v[2] : v[2];
       })},
  };
  const float values[] = {1.0f, -2.0f, 3.5f, -3.5f};
  for (const Case &c : cases) {
    KernelText k("gfx942");
    for (unsigned i = 0; i < 64; ++i)
      for (unsigned n = 0; n < 3; ++n)
        k.vgpr[1 + n][i] = word(values[i >> 2 * n & 3]);
    ASSERT_TRUE(k.run(std::string(c.name) + " v0, v1, v2, v3")) << k.error;
    for (unsigned i = 0; i < 64; ++i)
      EXPECT_EQ(k.vgpr[0][i],
                c.expected(k.vgpr[1][i], k.vgpr[2][i], k.vgpr[3][i]))
          << c.name << " " << i;
  }
}

/// f16 functions of the low halves.
struct HalfCase {
  const char *mnemonic;
  const char *operands; ///< behind the destination
  std::function<double(double, double, double)> expected;
  bool keepsHigh;   ///< the other half of the destination
  double tolerance; ///< relative; 0: bit for bit
};
double rounded(double x) { return halfToDouble(halfFromDouble(x)); }
double madHalf(double a, double b, double c) { return rounded(a * b) + c; }

const HalfCase halfCases[] = {
    {"v_exp_f16", "v1", [](double a, double, double) { return std::exp2(a); },
     false, 1e-3},
    {"v_log_f16", "v1", [](double a, double, double) { return std::log2(a); },
     false, 1e-3},
    {"v_sin_f16", "v1",
     [](double a, double, double) {
       return std::fabs(a) > 256 ? 0 * a
                                 : std::sin(2 * pi * std::remainder(a, 1.0));
     },
     false, 1e-3},
    {"v_cos_f16", "v1",
     [](double a, double, double) {
       return std::fabs(a) > 256 ? 1 + 0 * a
                                 : std::cos(2 * pi * std::remainder(a, 1.0));
     },
     false, 1e-3},
    {"v_fract_f16", "v1",
     [](double a, double, double) {
       return std::min(a - std::floor(a), 1 - 0x1p-11);
     },
     false, 0},
    {"v_mad_f16", "v1, v2, v3", madHalf, true, 0},
    {"v_mad_legacy_f16", "v1, v2, v3", madHalf, false, 0},
    {"v_madmk_f16", "v1, 0x4248, v3",
     [](double a, double, double c) { return rounded(a * 3.140625) + c; },
     false, 0},
    {"v_madak_f16", "v1, v2, 0x4248",
     [](double a, double b, double) { return rounded(a * b) + 3.140625; },
     false, 0},
    {"v_fma_legacy_f16", "v1, v2, v3",
     [](double a, double b, double c) { return a * b + c; }, false, 0},
};

/// Halves from tiny to large, with all special values.
Lanes halves(unsigned salt) {
  static const W edges[] = {0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00,
                            0x7e00, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff,
                            0x3555, 0xc248, 0x5640, 0xdc01};
  Lanes lanes;
  for (unsigned i = 0; i < 64; ++i)
    lanes[i] = (i < 32 ? edges[(i * (2 * salt + 1) + 3 * salt) % 16]
                       : testLanes(salt)[i] >> 7 & 0xffff) |
               (i * 0x9e37u) << 16;
  return lanes;
}

TEST(VectorMath, HalfFunctions) {
  for (const HalfCase &c : halfCases) {
    KernelText k("gfx942");
    for (unsigned n = 0; n < 4; ++n)
      k.vgpr[n] = halves(n);
    KernelText was = k;
    std::string text = std::string(c.mnemonic) + " v0, " + c.operands;
    ASSERT_TRUE(k.run(text)) << text << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      double x[3];
      for (unsigned n = 0; n < 3; ++n)
        x[n] = halfToDouble(was.vgpr[1 + n][i] & 0xffff);
      double want = c.expected(x[0], x[1], x[2]);
      W got = k.vgpr[0][i];
      if (c.tolerance == 0)
        EXPECT_TRUE(sameHalf(got, halfFromDouble(want)))
            << text << " " << x[0] << " " << x[1] << " " << x[2] << std::hex
            << " got " << got << " want " << halfFromDouble(want);
      else if (std::isfinite(rounded(want)))
        EXPECT_NEAR(halfToDouble(got & 0xffff), want,
                    c.tolerance * std::max(std::fabs(want), 0x1p-10))
            << text << " of " << x[0];
      else
        EXPECT_TRUE(sameHalf(got, halfFromDouble(want))) << text << x[0];
      EXPECT_EQ(got >> 16, c.keepsHigh ? was.vgpr[0][i] >> 16 : 0u) << text;
    }
  }
}

TEST(VectorMath, HalfAccumulate) {
  KernelText k("gfx942");
  for (unsigned n = 0; n < 3; ++n)
    k.vgpr[n] = halves(n + 1);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_mac_f16 v0, v1, v2\nv_pk_fmac_f16 v3, v1, v2"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    auto x = [&](unsigned n, unsigned part) {
      return halfToDouble(was.vgpr[n][i] >> 16 * part & 0xffff);
    };
    EXPECT_TRUE(sameHalf(k.vgpr[0][i],
                         halfFromDouble(madHalf(x(1, 0), x(2, 0), x(0, 0)))));
    for (unsigned part = 0; part < 2; ++part)
      EXPECT_TRUE(sameHalf(k.vgpr[3][i] >> 16 * part,
                           halfFromDouble(x(1, part) * x(2, part) + 0.0)));
  }
}

TEST(VectorMath, HalfParts) {
  KernelText k("gfx950");
  k.vgpr[1] = halves(2);
  k.vgpr[2] = halves(3);
  k.vgpr[3] = halves(5);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_frexp_mant_f16 v4, v1\nv_frexp_exp_i16_f16 v5, v1\n"
                    "v_div_fixup_f16 v6, v1, v2, v3\n"
                    "v_div_fixup_legacy_f16 v7, v1, v2, v3"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    double x = halfToDouble(was.vgpr[1][i] & 0xffff);
    double b = halfToDouble(was.vgpr[2][i] & 0xffff),
           a = halfToDouble(was.vgpr[3][i] & 0xffff);
    if (std::isfinite(x)) {
      int exponent;
      double significand = std::frexp(x, &exponent);
      EXPECT_EQ(halfToDouble(k.vgpr[4][i] & 0xffff), significand);
      EXPECT_EQ(int16_t(k.vgpr[5][i]), exponent);
    }
    // The quotient, unless a / b is a special value.
    double want = a / b;
    if (std::isfinite(a) && std::isfinite(b) && a != 0 && b != 0)
      want = std::copysign(x, a / b);
    EXPECT_TRUE(sameHalf(k.vgpr[6][i], halfFromDouble(want)))
        << x << " " << b << " " << a;
    EXPECT_TRUE(sameHalf(k.vgpr[7][i], halfFromDouble(want)));
  }
}

/// 16-bit integers: both signednesses of one expression.
TEST(VectorMath, SixteenBitIntegers) {
  using I = int;
  struct Case {
    const char *name;
    unsigned sources;
    bool isSigned, keepsHigh;
    std::function<I(I, I, I)> expected;
  };
  auto low = [](I a, I b, I c) { return std::min({a, b, c}); };
  auto high = [](I a, I b, I c) { return std::max({a, b, c}); };
  auto middle = [](I a, I b, I c) {
    return a + b + c - std::min({a, b, c}) - std::max({a, b, c});
  };
  auto mad = [](I a, I b, I c) { return I(W(a) * W(b) + W(c)); };
  const Case cases[] = {
      {"v_min3_i16", 3, true, true, low},
      {"v_min3_u16", 3, false, true, low},
      {"v_max3_i16", 3, true, true, high},
      {"v_max3_u16", 3, false, true, high},
      {"v_med3_i16", 3, true, true, middle},
      {"v_med3_u16", 3, false, true, middle},
      {"v_add_i16", 2, true, true, [](I a, I b, I) { return a + b; }},
      {"v_sub_i16", 2, true, true, [](I a, I b, I) { return a - b; }},
      {"v_mad_legacy_u16", 3, false, false, mad},
      {"v_mad_legacy_i16", 3, true, false, mad},
  };
  for (const Case &c : cases) {
    KernelText k("gfx942");
    for (unsigned n = 0; n < 4; ++n)
      k.vgpr[n] = halves(n + 4);
    KernelText was = k;
    std::string text =
        std::string(c.name) + " v0, v1, v2" + (c.sources == 3 ? ", v3" : "");
    ASSERT_TRUE(k.run(text)) << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      I x[3];
      for (unsigned n = 0; n < 3; ++n) {
        W part = was.vgpr[1 + n][i] & 0xffff;
        x[n] = c.isSigned ? int16_t(part) : I(part);
      }
      W want = W(c.expected(x[0], x[1], x[2])) & 0xffff;
      EXPECT_EQ(k.vgpr[0][i] & 0xffff, want) << text << " " << i;
      EXPECT_EQ(k.vgpr[0][i] >> 16, c.keepsHigh ? was.vgpr[0][i] >> 16 : 0u);
    }
  }
}

TEST(VectorMath, BitwiseOnHalves) {
  KernelText k("gfx950");
  for (unsigned n = 0; n < 4; ++n)
    k.vgpr[n] = testLanes(n);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_bitop3_b16 v4, v1, v2, v3 bitop3:0x6a\n"
                    "v_bitop3_b16 v0, v1, v2, v3 bitop3:0xe8 "
                    "op_sel:[1,0,1,1]"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    W a = was.vgpr[1][i], b = was.vgpr[2][i], c = was.vgpr[3][i];
    W plain = 0, selected = 0;
    for (unsigned n = 0; n < 16; ++n) {
      unsigned index = (a >> n & 1) << 2 | (b >> n & 1) << 1 | (c >> n & 1);
      plain |= W(0x6a >> index & 1) << n;
      index =
          (a >> (16 + n) & 1) << 2 | (b >> n & 1) << 1 | (c >> (16 + n) & 1);
      selected |= W(0xe8 >> index & 1) << n;
    }
    EXPECT_EQ(k.vgpr[4][i] & 0xffff, plain);
    EXPECT_EQ(k.vgpr[0][i], (was.vgpr[0][i] & 0xffff) | selected << 16);
  }
}

/// x as f16: 0 nearest even, 1 up, 2 down, 3 to zero (MODE's encoding).
W halfRounded(double x, unsigned mode) {
  W sign = std::signbit(x) ? 0x8000 : 0;
  double a = std::fabs(x);
  int exponent = a < 0x1p-14 ? -14 : std::min(std::ilogb(a), 15);
  double units = std::ldexp(a, 10 - exponent);
  bool up = mode == 1 ? !sign : mode == 2 ? sign != 0 : false;
  units = mode == 0 ? std::nearbyint(units)
          : up      ? std::ceil(units)
                    : std::floor(units);
  W code = W(std::min(units, 4096.0)) + (W(exponent + 14) << 10);
  W largest = mode == 0 || up ? 0x7c00 : 0x7bff;
  return sign | (a >= 65536 || code >= 0x7c00 ? largest : code);
}

TEST(VectorMath, HalvesObeyTheRoundingMode) {
  for (unsigned mode = 0; mode < 4; ++mode) {
    KernelText k("gfx942");
    k.rsrc1 = 0xf0u << 12 | mode << 14; // the f16 and f64 rounding
    // Finite values whose results stay away from zero.
    for (unsigned i = 0; i < 64; ++i) {
      k.vgpr[1][i] = (0x3c01 + i * 37) | (i % 3 ? 0x8000 : 0);
      k.vgpr[2][i] = (0x3801 + i * 91) | (i % 5 ? 0 : 0x8000);
      k.vgpr[3][i] = i < 60 ? 0x2c03 + i * 53 : 0x7bff;
      k.vgpr[0][i] = k.vgpr[7][i] = k.vgpr[3][i];
    }
    KernelText was = k;
    ASSERT_TRUE(k.run("v_fma_f16 v4, v1, v2, v3\n"
                      "v_pk_fma_f16 v5, v1, v2, v3\n"
                      "v_fma_legacy_f16 v6, v1, v2, v3\n"
                      "v_pk_fmac_f16 v7, v1, v2"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      double x = halfToDouble(was.vgpr[1][i]) * halfToDouble(was.vgpr[2][i]) +
                 halfToDouble(was.vgpr[3][i]);
      W want = halfRounded(x, mode);
      for (unsigned r : {4, 5, 6, 7})
        EXPECT_EQ(k.vgpr[r][i] & 0xffff, want) << mode << " " << r << " " << x;
    }
  }
}

} // namespace
