//===- SmallFloat.h - Conversions of bf16, fp8, bf8, fp6, bf6 and fp4 -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_SMALLFLOAT_H
#define FLYATTN_LIB_SIMULATOR_SMALLFLOAT_H

#include <cstdint>
#include <cstring>

namespace flyattn::sim {

/// A float format of at most 8 bits. Fnuz has one NaN in the place of -0 and
/// no infinity (gfx942); Ocp is the formats of the Open Compute Project
/// (gfx950): E4M3 has NaN only, E5M2 infinity and NaN. The 6- and 4-bit
/// formats have neither.
struct SmallFormat {
  unsigned exponentBits, mantissaBits;
  int bias;
  enum Special : uint8_t { Finite, Fnuz, NanOnly, Ieee } special;
};

constexpr SmallFormat fp8Fnuz = {4, 3, 8, SmallFormat::Fnuz};
constexpr SmallFormat bf8Fnuz = {5, 2, 16, SmallFormat::Fnuz};
constexpr SmallFormat fp8Ocp = {4, 3, 7, SmallFormat::NanOnly};
constexpr SmallFormat bf8Ocp = {5, 2, 15, SmallFormat::Ieee};
constexpr SmallFormat fp6 = {2, 3, 1, SmallFormat::Finite};
constexpr SmallFormat bf6 = {3, 2, 3, SmallFormat::Finite};
constexpr SmallFormat fp4 = {2, 1, 1, SmallFormat::Finite};

/// 2^n for a normal n.
constexpr float powerOfTwo(int n) {
  return __builtin_bit_cast(float, uint32_t(n + 127) << 23);
}

/// Exact: every value of a small format is an f32.
__attribute__((always_inline)) constexpr float smallToFloat(SmallFormat format,
                                                            uint32_t code) {
  unsigned width = 1 + format.exponentBits + format.mantissaBits;
  uint32_t sign = code >> (width - 1) & 1;
  uint32_t mantissaMask = (1u << format.mantissaBits) - 1;
  uint32_t exponentMask = (1u << format.exponentBits) - 1;
  uint32_t mantissa = code & mantissaMask;
  uint32_t exponent = code >> format.mantissaBits & exponentMask;
  float nan = __builtin_bit_cast(float, 0x7fc00000u | sign << 31);
  if (format.special == SmallFormat::Fnuz && sign && !mantissa && !exponent)
    return nan;
  if (format.special == SmallFormat::NanOnly && exponent == exponentMask &&
      mantissa == mantissaMask)
    return nan;
  if (format.special == SmallFormat::Ieee && exponent == exponentMask)
    return mantissa ? nan : __builtin_bit_cast(float, 0x7f800000u | sign << 31);
  int scale =
      int(exponent ? exponent : 1) - format.bias - int(format.mantissaBits);
  uint32_t significand =
      exponent ? mantissa | (1u << format.mantissaBits) : mantissa;
  float magnitude = float(significand) * powerOfTwo(scale);
  return sign ? -magnitude : magnitude;
}

/// Rounds to nearest even. Beyond the largest value: that value if
/// `saturate`, else infinity or NaN as the format has it.
__attribute__((always_inline)) constexpr uint32_t
floatToSmall(SmallFormat format, float value, bool saturate) {
  uint32_t bits = __builtin_bit_cast(uint32_t, value);
  uint32_t sign = bits >> 31, magnitude = bits & 0x7fffffff;
  unsigned width = 1 + format.exponentBits + format.mantissaBits;
  uint32_t signBit = sign << (width - 1);
  uint32_t all = (1u << (width - 1)) - 1;
  bool fnuz = format.special == SmallFormat::Fnuz;
  uint32_t nan = fnuz ? 1u << (width - 1) : signBit | all;
  uint32_t infinity = format.special == SmallFormat::Ieee
                          ? signBit | ((1u << format.exponentBits) - 1)
                                          << format.mantissaBits
                          : nan;
  uint32_t largest = format.special == SmallFormat::NanOnly ? all - 1
                     : format.special == SmallFormat::Ieee
                         ? (infinity & all) - 1
                         : all;
  // In units of the last place at the exponent of the result, rounded to
  // nearest even. Without branches, so that it vectorises.
  int exponent = int(magnitude >> 23) - 127, lowest = 1 - format.bias;
  int clamped = exponent < lowest ? lowest : exponent;
  uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
  int wanted = 23 - int(format.mantissaBits) + clamped - exponent;
  uint32_t shift = uint32_t(wanted < 31 ? wanted : 31);
  uint32_t odd = significand >> shift & 1;
  uint32_t units =
      (significand + (uint32_t(1) << (shift - 1)) - 1 + odd) >> shift;
  // A carry out of the significand moves into the exponent by itself.
  uint32_t code = units + (uint32_t(clamped - lowest) << format.mantissaBits);
  uint32_t result = signBit | code;
  result = code > largest ? (saturate ? signBit | largest : infinity) : result;
  result = fnuz && code == 0 ? 0 : result; // no -0
  uint32_t ofInfinity = saturate ? signBit | largest : infinity;
  result = magnitude == 0x7f800000 ? ofInfinity : result;
  return magnitude > 0x7f800000 ? nan : result;
}

constexpr float bf16ToFloat(uint32_t half) {
  return __builtin_bit_cast(float, half << 16);
}

/// Nearest even; a NaN stays one.
constexpr uint32_t floatToBf16(float value) {
  uint32_t bits = __builtin_bit_cast(uint32_t, value);
  uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  bool isNan = (bits & 0x7fffffff) > 0x7f800000;
  return isNan ? (bits >> 16 | 0x40) : rounded;
}

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_SMALLFLOAT_H
