//===- VectorScaleTest.cpp - Conversions with scales and random numbers ---===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small format is a table of its values here; the nearest is found by
// looking through it.
//
//===----------------------------------------------------------------------===//

#include "VectorCheck.h"

#include <algorithm>

using namespace flyattn::test;

namespace {

using W = uint32_t;

struct Small {
  const char *name;
  unsigned e, m;
  int bias;
  unsigned finite; ///< codes of finite magnitudes: 0 .. finite - 1
  unsigned bits() const { return 1 + e + m; }
  double magnitude(W code) const {
    W mantissa = code & ((1u << m) - 1), exponent = code >> m;
    return exponent ? std::ldexp(1 + mantissa / double(1u << m),
                                 int(exponent) - bias)
                    : std::ldexp(mantissa / double(1u << m), 1 - bias);
  }
  double value(W code) const {
    W top = 1u << (e + m);
    double x = (code & (top - 1)) < finite ? magnitude(code & (top - 1)) : NAN;
    return code & top ? -x : x;
  }
  /// The code of the nearest value, ties to the even code; too large ones
  /// give `overflow`, or the largest if that is negative.
  W nearest(double x, int overflow) const {
    W sign = std::signbit(x) ? 1u << (e + m) : 0, best = 0;
    double a = std::fabs(x);
    for (W code = 1; code < finite; ++code) {
      double now = std::fabs(magnitude(code) - a),
             then = std::fabs(magnitude(best) - a);
      if (now < then || (now == then && code % 2 == 0))
        best = code;
    }
    // Beyond half a unit above the largest it overflows.
    double unit = magnitude(finite - 1) - magnitude(finite - 2);
    if (overflow >= 0 && a >= magnitude(finite - 1) + unit / 2)
      return sign | W(overflow);
    return sign | best;
  }
};
const Small fp8 = {"fp8", 4, 3, 7, 0x7f}, bf8 = {"bf8", 5, 2, 15, 0x7c},
            fp6 = {"fp6", 2, 3, 1, 32}, bf6 = {"bf6", 3, 2, 3, 32},
            fp4 = {"fp4", 2, 1, 1, 8};

/// The other side: f32, f16, bf16.
struct Wide {
  const char *name;
  unsigned bits;
  W encode(double x) const {
    if (bits == 32)
      return word(float(x));
    if (name[0] == 'f')
      return halfFromDouble(x);
    W bitsOf = word(float(x));
    return (bitsOf + 0x7fff + (bitsOf >> 16 & 1)) >> 16;
  }
  double decode(W code) const {
    return bits == 32       ? double(real(code))
           : name[0] == 'f' ? halfToDouble(code)
                            : double(real(code << 16));
  }
};
const Wide wides[] = {{"f32", 32}, {"f16", 16}, {"bf16", 16}};

std::string range(unsigned first, unsigned count) {
  return count == 1 ? "v" + std::to_string(first)
                    : "v[" + std::to_string(first) + ":" +
                          std::to_string(first + count - 1) + "]";
}
W readBits(const KernelText &k, unsigned reg, unsigned lane, unsigned at,
           unsigned bits) {
  W result = 0;
  for (unsigned n = 0; n < bits; ++n)
    result |= (k.vgpr[reg + (at + n) / 32][lane] >> (at + n) % 32 & 1) << n;
  return result;
}
void writeBits(KernelText &k, unsigned reg, unsigned lane, unsigned at,
               unsigned bits, W code) {
  for (unsigned n = 0; n < bits; ++n) {
    W &word = k.vgpr[reg + (at + n) / 32][lane];
    word = (word & ~(1u << (at + n) % 32)) | (code >> n & 1) << (at + n) % 32;
  }
}

/// Scales 2^-3 .. 2^4, with a mantissa that plays no part.
W scaleWord(unsigned lane) {
  return (124 + lane % 8) << 23 | (lane * 12345 & 0x7fffff);
}
double scaleValue(unsigned lane) { return std::ldexp(1.0, int(lane % 8) - 3); }

/// Values from below the smallest to above the largest.
double sample(const Small &s, unsigned lane, unsigned n) {
  double top = s.magnitude(s.finite - 1) * 1.3;
  unsigned at = (lane * 37 + n * 11) % 64;
  double x = top * std::exp2(-double(at) / 4) * (1 + (lane % 7) / 16.0);
  if (at < 8)
    x = s.magnitude((lane * 5 + n) % s.finite); // exact ones
  return (lane + n) % 3 ? x : -x;
}

struct Layout {
  unsigned elements;
  bool twoSources;
};
Layout layoutOf(const Small &s, const Wide &w, bool stochastic) {
  unsigned elements = s.bits() == 6 ? 32 : stochastic && s.bits() == 8 ? 1 : 2;
  return {elements, w.bits == 32 && !stochastic};
}

constexpr unsigned dst = 0, src = 6, randoms = 40, scales = 41;

/// Fills the sources; returns the values that they hold.
std::vector<std::vector<double>> fillWide(KernelText &k, const Small &s,
                                          const Wide &w, Layout layout) {
  std::vector<std::vector<double>> values(64);
  unsigned perSource = layout.elements * w.bits / (layout.twoSources ? 2 : 1);
  for (unsigned i = 0; i < 64; ++i)
    for (unsigned n = 0; n < layout.elements; ++n) {
      W code = w.encode(sample(s, i, n) * scaleValue(i));
      if (std::isinf(w.decode(code)))
        code = w.encode(scaleValue(i));
      // Two f32 sources hold even and odd elements.
      unsigned reg = src + (layout.twoSources ? n % 2 * perSource / 32 : 0);
      unsigned at = (layout.twoSources ? n / 2 : n) * w.bits;
      writeBits(k, reg, i, at, w.bits, code);
      values[i].push_back(w.decode(code) / scaleValue(i));
    }
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[scales][i] = scaleWord(i);
    k.vgpr[randoms][i] = i * 0x9e3779b9u;
  }
  return values;
}

std::string sourcesText(const Wide &w, Layout layout) {
  unsigned registers =
      (layout.elements * w.bits / (layout.twoSources ? 2 : 1) + 31) / 32;
  std::string text = range(src, registers);
  if (layout.twoSources)
    text += ", " + range(src + registers, registers);
  return text;
}

TEST(VectorScale, ToSmallFormats) {
  for (const Small &s : {fp8, bf8, fp6, bf6, fp4})
    for (const Wide &w : wides)
      for (bool saturates : {false, true}) {
        if (saturates && s.bits() != 8)
          continue;
        Layout layout = layoutOf(s, w, false);
        KernelText k("gfx950");
        if (saturates)
          k.rsrc1 |= 1u << 26;
        auto values = fillWide(k, s, w, layout);
        for (unsigned r = 0; r < 6; ++r)
          k.vgpr[dst + r] = testLanes(r);
        KernelText was = k;
        unsigned bits = layout.elements * s.bits();
        std::string form =
            bits == 192 ? (w.bits == 32 ? "2xpk16_" : "pk32_") : "pk_";
        // 16 bits go to the upper half, 8 bits to byte 2.
        unsigned at = bits == 16 ? 16 : bits == 8 ? 16 : 0;
        std::string opSel =
            bits == 8 ? " op_sel:[0,0,0,1]"
            : bits == 16
                ? (layout.twoSources ? " op_sel:[0,0,0,1]" : " op_sel:[0,0,1]")
                : "";
        std::string text = "v_cvt_scalef32_" + form + s.name + "_" + w.name +
                           " " + range(dst, (bits + 31) / 32) + ", " +
                           sourcesText(w, layout) + ", v41" + opSel;
        ASSERT_TRUE(k.run(text)) << text << k.error;
        int overflow =
            s.bits() == 8 && !saturates ? (s.name[0] == 'f' ? 0x7f : 0x7c) : -1;
        for (unsigned i = 0; i < 64; ++i) {
          for (unsigned n = 0; n < layout.elements; ++n) {
            W want = s.nearest(values[i][n], overflow);
            W got = readBits(k, dst, i, at + n * s.bits(), s.bits());
            EXPECT_EQ(got, want)
                << text << " lane " << i << " of " << values[i][n];
          }
          if (bits < 32) { // the rest of the register stays
            EXPECT_EQ(k.vgpr[dst][i] & 0xffff, was.vgpr[dst][i] & 0xffff);
          }
        }
      }
}

TEST(VectorScale, FromSmallFormats) {
  for (const Small &s : {fp8, bf8, fp6, bf6, fp4})
    for (const Wide &w : wides)
      for (bool single : {false, true}) {
        if (single && (s.bits() != 8 || w.name[0] == 'b'))
          continue;
        KernelText k("gfx950");
        for (unsigned r = 0; r < 48; ++r)
          k.vgpr[r] = testLanes(r);
        // v[0:31] is the result; the source lies behind it.
        constexpr unsigned from = 34;
        unsigned elements = single ? 1 : s.bits() == 6 ? 32 : 2;
        unsigned bits = elements * s.bits(), at = 0;
        std::string opSel;
        if (bits == 8) { // byte 2
          at = 16;
          opSel = " op_sel:[0,1,0]";
        } else if (bits == 16) { // the upper half
          at = 16;
          opSel = " op_sel:[1,0,0]";
        }
        for (unsigned i = 0; i < 64; ++i) {
          for (unsigned n = 0; n < elements; ++n) {
            W magnitude = (i * 7 + n * 3) % s.finite, sign = (i + n) % 2;
            writeBits(k, from, i, at + n * s.bits(), s.bits(),
                      magnitude | sign << (s.e + s.m));
          }
          k.vgpr[scales][i] = scaleWord(i);
        }
        KernelText was = k;
        std::string form = single ? "" : elements == 32 ? "pk32_" : "pk_";
        std::string text = "v_cvt_scalef32_" + form + w.name + "_" + s.name +
                           " " + range(0, (elements * w.bits + 31) / 32) +
                           ", " + range(from, (bits + 31) / 32) + ", v41" +
                           opSel;
        ASSERT_TRUE(k.run(text)) << text << k.error;
        for (unsigned i = 0; i < 64; ++i) {
          for (unsigned n = 0; n < elements; ++n) {
            W code = readBits(was, from, i, at + n * s.bits(), s.bits());
            W want = w.encode(s.value(code) * scaleValue(i));
            EXPECT_EQ(readBits(k, 0, i, n * w.bits, w.bits), want)
                << text << " lane " << i << " code " << code;
          }
          if (single && w.bits == 16) {
            EXPECT_EQ(k.vgpr[0][i] >> 16, was.vgpr[0][i] >> 16) << text;
          }
        }
      }
}

/// What a random number makes of a value: its magnitude in units of the last
/// place, plus the number's low bits as a fraction, cut.
W withNoise(const Small &s, double x, W random, int overflow) {
  unsigned dropped = 23 - s.m;
  double a = std::fabs(x);
  int exponent = a == 0 ? 1 - s.bias : std::max(std::ilogb(a), 1 - s.bias);
  double unit = std::ldexp(1.0, exponent - int(s.m));
  double noise = (random % (1u << dropped)) / std::ldexp(1.0, int(dropped));
  double cut = a == 0 ? 0 : std::floor(a / unit + noise) * unit;
  return s.nearest(std::copysign(cut, x), overflow);
}

TEST(VectorScale, StochasticRounding) {
  for (const Small &s : {fp8, bf8, fp6, bf6, fp4})
    for (const Wide &w : wides) {
      Layout layout = layoutOf(s, w, true);
      KernelText k("gfx950");
      auto values = fillWide(k, s, w, layout);
      KernelText was = k;
      unsigned bits = layout.elements * s.bits();
      std::string form = bits == 192                  ? "pk32_"
                         : bits == 8 && s.bits() == 4 ? "pk_"
                                                      : "";
      std::string text = "v_cvt_scalef32_sr_" + form + s.name + "_" + w.name +
                         " " + range(dst, (bits + 31) / 32) + ", " +
                         sourcesText(w, layout) + ", v40, v41" +
                         (bits == 8 ? " op_sel:[0,0,1,0]" : "");
      unsigned at = bits == 8 ? 8 : 0;
      ASSERT_TRUE(k.run(text)) << text << k.error;
      int overflow = s.bits() == 8 ? (s.name[0] == 'f' ? 0x7f : 0x7c) : -1;
      for (unsigned i = 0; i < 64; ++i) {
        W random = was.vgpr[randoms][i];
        for (unsigned n = 0; n < layout.elements; ++n) {
          EXPECT_EQ(readBits(k, dst, i, at + n * s.bits(), s.bits()),
                    withNoise(s, values[i][n], random, overflow))
              << text << " lane " << i << " element " << n << " of "
              << values[i][n];
          random = random * 2 ^ (random >> 31) * 197; // v_prng_b32
        }
      }
    }
}

// Without a scale, and in each chip's formats.
TEST(VectorScale, StochasticBytes) {
  const Small fp8Fnuz = {"fp8", 4, 3, 8, 0x80},
              bf8Fnuz = {"bf8", 5, 2, 16, 0x80};
  for (bool gfx950 : {false, true})
    for (bool isBf8 : {false, true}) {
      const Small &s =
          gfx950 ? (isBf8 ? bf8 : fp8) : (isBf8 ? bf8Fnuz : fp8Fnuz);
      KernelText k(gfx950 ? "gfx950" : "gfx942");
      for (unsigned i = 0; i < 64; ++i) {
        k.vgpr[1][i] = word(float(sample(s, i, 1)));
        k.vgpr[2][i] = i * 0x9e3779b9u;
      }
      k.vgpr[0] = testLanes(3);
      KernelText was = k;
      std::string text = std::string("v_cvt_sr_") + s.name + "_f32 v0, v1, v2";
      ASSERT_TRUE(k.run(text + " op_sel:[0,0,1,1]\n" + text)) << k.error;
      int overflow = !gfx950 ? 0x80 : isBf8 ? 0x7c : 0x7f;
      for (unsigned i = 0; i < 64; ++i) {
        W want = withNoise(s, real(was.vgpr[1][i]), was.vgpr[2][i], overflow);
        if (!gfx950 && (want & 0x7f) == 0) // FNUZ: no -0, and one NaN
          want = want && std::fabs(real(was.vgpr[1][i])) > 1 ? 0x80 : 0;
        EXPECT_EQ(k.vgpr[0][i] >> 24, want) << text << real(was.vgpr[1][i]);
        EXPECT_EQ(k.vgpr[0][i] & 255, want);
        EXPECT_EQ(k.vgpr[0][i] & 0xffff00, was.vgpr[0][i] & 0xffff00);
      }
    }
}

TEST(VectorScale, StochasticHalves) {
  KernelText k("gfx950");
  k.vgpr[1] = testLanes(1);
  k.vgpr[2] = testLanes(5);
  k.vgpr[0] = testLanes(3);
  for (unsigned i = 0; i < 64; ++i)
    if (!std::isfinite(real(k.vgpr[1][i])) ||
        std::fabs(real(k.vgpr[1][i])) > 60000 ||
        std::fabs(real(k.vgpr[1][i])) < 1e-4)
      k.vgpr[1][i] = word(float(i) * 1.2345f + 1.0f);
  k.vgpr[4] = k.vgpr[0];
  KernelText was = k;
  ASSERT_TRUE(k.run("v_cvt_sr_bf16_f32 v0, v1, v2\n"
                    "v_cvt_sr_f16_f32 v4, v1, v2 op_sel:[0,0,1]"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    W a = was.vgpr[1][i], random = was.vgpr[2][i];
    EXPECT_EQ(k.vgpr[0][i] & 0xffff, (a + (random & 0xffff)) >> 16);
    EXPECT_EQ(k.vgpr[0][i] >> 16, was.vgpr[0][i] >> 16);
    double cut = real((a + (random & 0x1fff)) & ~0x1fffu);
    EXPECT_EQ(k.vgpr[4][i] >> 16, halfFromDouble(cut)) << cut;
    EXPECT_EQ(k.vgpr[4][i] & 0xffff, was.vgpr[4][i] & 0xffff);
  }
}

TEST(VectorScale, SpecialValues) {
  KernelText k("gfx950");
  for (unsigned i = 0; i < 64; ++i) {
    const W edges[] = {word(NAN), word(INFINITY), word(-INFINITY), word(1.0f)};
    k.vgpr[1][i] = edges[i % 4];
    k.vgpr[2][i] = i < 32 ? word(1.0f) : 255u << 23; // a NaN scale
  }
  ASSERT_TRUE(k.run("v_mov_b32 v0, 0\nv_mov_b32 v3, 0\n"
                    "v_cvt_scalef32_pk_fp8_f32 v0, v1, v1, v2\n"
                    "v_cvt_scalef32_pk_bf8_f32 v3, v1, v1, v2\n"
                    "v_cvt_f32_bf16 v4, v1"))
      << k.error;
  const W fp8s[] = {0x7f, 0x7f, 0xff, 0x38}, bf8s[] = {0x7f, 0x7c, 0xfc, 0x3c};
  for (unsigned i = 0; i < 4; ++i) {
    EXPECT_EQ(k.vgpr[0][i], fp8s[i] * 0x101) << i;
    EXPECT_EQ(k.vgpr[3][i], bf8s[i] * 0x101) << i;
    EXPECT_EQ(k.vgpr[0][32 + i] & 0x7f, 0x7fu);
  }
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_TRUE(sameFloat(k.vgpr[4][i], k.vgpr[1][i] << 16));
}

} // namespace
