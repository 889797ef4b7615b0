//===- FloatFunctions.h - min, max and class of floating-point values -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_FLOATFUNCTIONS_H
#define FLYATTN_LIB_SIMULATOR_FLOATFUNCTIONS_H

#include "VectorLoop.h"

namespace flyattn::sim::FLYATTN_ISA {

FLYATTN_LANE_FUNCTIONS

template <typename F> struct FloatBits;
template <> struct FloatBits<float> {
  using Word = uint32_t;
  static constexpr Word exponent = 0x7f800000u, quiet = 0x00400000u;
};
template <> struct FloatBits<double> {
  using Word = uint64_t;
  static constexpr Word exponent = 0x7ff0000000000000u,
                        quiet = 0x0008000000000000u;
};
template <> struct FloatBits<_Float16> {
  using Word = uint16_t;
  static constexpr Word exponent = 0x7c00u, quiet = 0x0200u;
};

template <typename F>
constexpr typename FloatBits<F>::Word signMask = typename FloatBits<F>::Word(
    typename FloatBits<F>::Word(1) << (8 * sizeof(F) - 1));

/// A NaN has the same value but for the quiet bit.
template <typename F> FLYATTN_ALWAYS_INLINE F quieted(F x) {
  using Word = typename FloatBits<F>::Word;
  return bits<F>(Word(bits<Word>(x) | FloatBits<F>::quiet));
}

template <typename F> FLYATTN_ALWAYS_INLINE bool isSignalling(F x) {
  return x != x &&
         !(bits<typename FloatBits<F>::Word>(x) & FloatBits<F>::quiet);
}

/// Flushes a denormal if MODE says so: the host multiplies by 1 under its own
/// control word. The compiler must not know the factor.
FLYATTN_ALWAYS_INLINE float flushed(float x) {
  float one = 1.0f;
  asm("" : "+x"(one));
  return x * one;
}

/// v_max and v_min: the operand that is a number beats a NaN, +0 is above -0.
/// In IEEE mode a signalling NaN is quieted and wins.
template <bool Max, bool Ieee, typename F>
FLYATTN_ALWAYS_INLINE F extremum(F a, F b) {
  using Word = typename FloatBits<F>::Word;
  Word wa = bits<Word>(a), wb = bits<Word>(b);
  // Equal values differ at most in the sign of zero.
  F equal = bits<F>(Word(Max ? wa & wb : wa | wb));
  bool first = Max ? a > b : a < b, second = Max ? b > a : b < a;
  F result = first ? a : second ? b : equal;
  result = b != b ? a : result;
  result = a != a ? b : result;
  if constexpr (Ieee) {
    result = isSignalling(b) ? quieted(b) : result;
    result = isSignalling(a) ? quieted(a) : result;
  }
  return result;
}

template <bool Max, bool Ieee, typename F>
FLYATTN_ALWAYS_INLINE F extremum3(F a, F b, F c) {
  return extremum<Max, Ieee>(extremum<Max, Ieee>(a, b), c);
}

template <bool Ieee, typename F>
FLYATTN_ALWAYS_INLINE F median3(F a, F b, F c) {
  F largest = extremum3<true, Ieee>(a, b, c);
  F result = largest == a   ? extremum<true, Ieee>(b, c)
             : largest == b ? extremum<true, Ieee>(a, c)
                            : extremum<true, Ieee>(a, b);
  bool anyNan = a != a || b != b || c != c;
  return anyNan ? extremum3<false, Ieee>(a, b, c) : result;
}

/// v_maximum and v_minimum: a NaN operand comes out, quieted.
template <bool Max, typename F>
FLYATTN_ALWAYS_INLINE F propagatingExtremum(F a, F b) {
  F result = extremum<Max, false>(a, b);
  result = b != b ? quieted(b) : result;
  return a != a ? quieted(a) : result;
}

/// v_cmp_class: does x belong to a class of the mask?
template <typename F> inline bool isOfClass(F x, uint32_t classes) {
  using Word = typename FloatBits<F>::Word;
  Word word = bits<Word>(x), magnitude = Word(word & ~signMask<F>);
  bool negative = word & signMask<F>;
  constexpr Word infinity = FloatBits<F>::exponent;
  constexpr Word smallest = Word(infinity & -infinity); // smallest normal
  unsigned index;
  if (magnitude > infinity)
    index = word & FloatBits<F>::quiet ? 1 : 0;
  else if (magnitude == infinity)
    index = negative ? 2 : 9;
  else if (magnitude >= smallest)
    index = negative ? 3 : 8;
  else if (magnitude)
    index = negative ? 4 : 7;
  else
    index = negative ? 5 : 6;
  return classes >> index & 1;
}

/// x = significand * 2^exponent, the significand in [0.5, 1) and with the sign
/// of x. Zeros, infinities and NaN are their own significand, with exponent 0.
template <typename F> struct Frexp {
  F significand;
  int32_t exponent;
};

template <typename F> inline Frexp<F> frexp(F x) {
  using Word = typename FloatBits<F>::Word;
  constexpr Word mask = FloatBits<F>::exponent;
  constexpr int mantissaBits = __builtin_ctzll(mask);
  constexpr int bias = int(mask >> mantissaBits) / 2;
  Word word = bits<Word>(x), magnitude = Word(word & ~signMask<F>);
  if (magnitude == 0 || (word & mask) == mask)
    return {x, 0};
  int exponent = int(magnitude >> mantissaBits);
  if (exponent == 0) { // normalise a denormal
    int top = 63 - __builtin_clzll(magnitude);
    exponent = 1 - (mantissaBits - top);
    magnitude = Word(magnitude << (mantissaBits - top));
  }
  Word significand =
      Word((magnitude & (Word(Word(1) << mantissaBits) - 1)) |
           (Word(bias - 1) << mantissaBits) | (word & signMask<F>));
  return {bits<F>(significand), exponent - (bias - 1)};
}

template <typename F> inline F frexpMantissa(F x) {
  return frexp(x).significand;
}
template <typename F> inline int32_t frexpExponent(F x) {
  return frexp(x).exponent;
}

FLYATTN_END_LANE_FUNCTIONS

} // namespace flyattn::sim::FLYATTN_ISA

#endif // FLYATTN_LIB_SIMULATOR_FLOATFUNCTIONS_H
