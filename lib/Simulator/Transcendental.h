//===- Transcendental.h - exp2, log2 and relatives, the same on every host ===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_TRANSCENDENTAL_H
#define FLYATTN_LIB_SIMULATOR_TRANSCENDENTAL_H

#include "VectorLoop.h"

namespace flyattn::sim::FLYATTN_ISA {

/// 2^x within 1 ulp. Results below 2^-126 are 0, as the hardware has them.
FLYATTN_ALWAYS_INLINE float exp2F32(float x) {
  // x = n + f, |f| <= 1/2, by adding and taking away 1.5 * 2^23.
  constexpr float shifter = 12582912.0f;
  float shifted = x + shifter;
  float f = x - (shifted - shifter);
  int32_t n = bits<int32_t>(shifted) - bits<int32_t>(shifter);
  // 2^f = 1 + f q(f), q minimax of degree 5: relative error below 2^-25.
  float q = 0x1.470b48p-13f;
  q = __builtin_fmaf(q, f, 0x1.5f7276p-10f);
  q = __builtin_fmaf(q, f, 0x1.3b270ep-7f);
  q = __builtin_fmaf(q, f, 0x1.c6ae72p-5f);
  q = __builtin_fmaf(q, f, 0x1.ebfbe2p-3f);
  q = __builtin_fmaf(q, f, 0x1.62e432p-1f);
  float p = __builtin_fmaf(q, f, 1.0f);
  uint32_t result = bits<uint32_t>(p) + (uint32_t(n) << 23);
  result = x < -126.0f ? 0u : result;
  result = x >= 128.0f ? 0x7f800000u : result;
  result = x != x ? bits<uint32_t>(x) | 0x00400000u : result;
  return bits<float>(result);
}

/// log2 x, correctly rounded but for rare cases; denormals count as 0.
FLYATTN_ALWAYS_INLINE float log2F32(float x) {
  uint32_t word = bits<uint32_t>(x);
  // x = m 2^e with m in [sqrt(1/2), sqrt(2)).
  uint32_t biased = word - 0x3f3504f3u;
  int32_t e = int32_t(biased) >> 23;
  double m = bits<float>(word - (uint32_t(e) << 23));
  // log2 m = 2/ln 2 (t + t^3/3 + ...), t = (m-1)/(m+1), |t| < 0.172.
  double t = (m - 1.0) / (m + 1.0), s = t * t;
  double series = 1.0 / 17;
  series = __builtin_fma(series, s, 1.0 / 15);
  series = __builtin_fma(series, s, 1.0 / 13);
  series = __builtin_fma(series, s, 1.0 / 11);
  series = __builtin_fma(series, s, 1.0 / 9);
  series = __builtin_fma(series, s, 1.0 / 7);
  series = __builtin_fma(series, s, 1.0 / 5);
  series = __builtin_fma(series, s, 1.0 / 3);
  series = __builtin_fma(series, s, 1.0);
  double log2m = 0x1.71547652b82fep+1 * t * series;
  uint32_t result = bits<uint32_t>(float(double(e) + log2m));
  uint32_t magnitude = word & 0x7fffffffu;
  result = word == 0x7f800000u ? word : result;
  result = int32_t(word) < 0 ? 0x7fc00000u : result;
  result = magnitude < 0x00800000u ? 0xff800000u : result;
  result = magnitude > 0x7f800000u ? word | 0x00400000u : result;
  return bits<float>(result);
}

/// sin(2 pi x) for |x| <= 1/8 of a turn, and cos: relative error about 2^-40.
FLYATTN_ALWAYS_INLINE double sinTurn(double x) {
  double a = 0x1.921fb54442d18p+2 * x, s = a * a;
  double series = 1.0 / 39916800;
  series = __builtin_fma(-series, s, 1.0 / 362880);
  series = __builtin_fma(-series, s, 1.0 / 5040);
  series = __builtin_fma(-series, s, 1.0 / 120);
  series = __builtin_fma(-series, s, 1.0 / 6);
  return a * __builtin_fma(-series, s, 1.0);
}
FLYATTN_ALWAYS_INLINE double cosTurn(double x) {
  double a = 0x1.921fb54442d18p+2 * x, s = a * a;
  double series = 1.0 / 3628800;
  series = __builtin_fma(-series, s, 1.0 / 40320);
  series = __builtin_fma(-series, s, 1.0 / 720);
  series = __builtin_fma(-series, s, 1.0 / 24);
  series = __builtin_fma(-series, s, 0.5);
  return __builtin_fma(-series, s, 1.0);
}

/// sin (or cos) of x turns. Beyond 256 turns it is that of 0; of an infinity
/// it is NaN.
template <bool Cosine> FLYATTN_ALWAYS_INLINE float sinusF32(float x) {
  if (!(__builtin_fabsf(x) <= 256.0f)) {
    bool finite = __builtin_fabsf(x) < __builtin_inff();
    return finite ? (Cosine ? 1.0f : 0.0f) : bits<float>(0x7fc00000u);
  }
  double turns = double(x), eighths = __builtin_floor(8 * turns);
  double quarter = __builtin_floor((eighths + 1) / 2); // the nearest one
  double rest = turns - quarter / 4;
  unsigned n = unsigned(int32_t(quarter)) + (Cosine ? 1 : 0);
  double value = n & 1 ? cosTurn(rest) : sinTurn(rest);
  return float(n & 2 ? -value : value);
}
inline float sinF32(float x) { return sinusF32<false>(x); }
inline float cosF32(float x) { return sinusF32<true>(x); }

inline float rcpF32(float x) { return 1.0f / x; }
inline float sqrtF32(float x) { return __builtin_sqrtf(x); }
/// The double division rounds to f32 within 1 ulp.
inline float rsqF32(float x) { return float(1.0 / __builtin_sqrt(double(x))); }

} // namespace flyattn::sim::FLYATTN_ISA

#endif // FLYATTN_LIB_SIMULATOR_TRANSCENDENTAL_H
