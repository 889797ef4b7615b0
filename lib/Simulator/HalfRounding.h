//===- HalfRounding.h - f64 to f16 under the host's rounding mode ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_HALFROUNDING_H
#define FLYATTN_LIB_SIMULATOR_HALFROUNDING_H

#include "VectorLoop.h"

namespace flyattn::sim::FLYATTN_ISA {

/// x rounded to f16 as MODE says. The compiler's conversion is a library call
/// that always rounds to nearest even.
FLYATTN_ALWAYS_INLINE _Float16 toHalf(double x) {
  double magnitude = __builtin_fabs(x);
  if (!(magnitude < __builtin_inf()))
    return _Float16(float(x));
  // Adding 3 * 2^51 units of the last place rounds to a unit. The compiler must
  // not know it.
  int exponent = int(bits<uint64_t>(magnitude) >> 52) - 1023;
  int unit = (exponent < -14 ? -14 : exponent > 15 ? 15 : exponent) - 10;
  double shifter = bits<double>(uint64_t(unit + 52 + 1023) << 52) * 1.5;
  shifter = __builtin_copysign(shifter, x); // so that 0 is on the same side
  // From 65536 on the result is that of a value just below.
  double capped = magnitude < 65536.0 ? x : __builtin_copysign(65535.0, x);
  asm("" : "+x"(capped), "+x"(shifter));
  capped += shifter;
  asm("" : "+x"(capped));
  double rounded = __builtin_copysign(capped - shifter, x);
  if (__builtin_fabs(rounded) >= 65536.0) // rounded away from zero
    return bits<_Float16>(uint16_t(x < 0 ? 0xfc00 : 0x7c00));
  return _Float16(float(rounded)); // exact
}

} // namespace flyattn::sim::FLYATTN_ISA

#endif // FLYATTN_LIB_SIMULATOR_HALFROUNDING_H
