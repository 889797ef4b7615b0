//===- DotProducts.h - Dot products inside of dwords ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_DOTPRODUCTS_H
#define FLYATTN_LIB_SIMULATOR_DOTPRODUCTS_H

#include "VectorLoop.h"

namespace flyattn::sim::FLYATTN_ISA {

FLYATTN_LANE_FUNCTIONS

struct FromHalf {
  static float apply(uint16_t x) { return float(bits<_Float16>(x)); }
};
struct FromBrain {
  static float apply(uint16_t x) { return bits<float>(uint32_t(x) << 16); }
};

/// c + a[0] b[0] + a[1] b[1], from the low product on; products are exact in
/// f32 or nearly so (bf16), and each sum is rounded.
template <typename From>
FLYATTN_ALWAYS_INLINE float dotFloats(uint32_t a, uint32_t b, float c) {
  c = __builtin_fmaf(From::apply(uint16_t(a)), From::apply(uint16_t(b)), c);
  return __builtin_fmaf(From::apply(uint16_t(a >> 16)),
                        From::apply(uint16_t(b >> 16)), c);
}

/// Part `n` of `Bits` bits.
template <unsigned Bits, bool Signed>
FLYATTN_ALWAYS_INLINE int64_t dotPart(uint32_t a, unsigned n) {
  uint32_t top = a << (32 - Bits - Bits * n);
  return Signed ? int64_t(int32_t(top) >> (32 - Bits))
                : int64_t(top >> (32 - Bits));
}

/// The exact sum.
template <unsigned Bits, bool Signed>
FLYATTN_ALWAYS_INLINE int64_t dotExact(uint32_t a, uint32_t b, uint32_t c) {
  int64_t sum = Signed ? int64_t(int32_t(c)) : int64_t(c);
  for (unsigned n = 0; n < 32 / Bits; ++n)
    sum += dotPart<Bits, Signed>(a, n) * dotPart<Bits, Signed>(b, n);
  return sum;
}

template <unsigned Bits, bool Signed>
FLYATTN_ALWAYS_INLINE uint32_t dotWrapping(uint32_t a, uint32_t b, uint32_t c) {
  return uint32_t(dotExact<Bits, Signed>(a, b, c));
}
template <unsigned Bits, bool Signed>
FLYATTN_ALWAYS_INLINE uint32_t dotSaturating(uint32_t a, uint32_t b,
                                             uint32_t c) {
  constexpr int64_t low = Signed ? INT32_MIN : 0,
                    high = Signed ? INT32_MAX : int64_t(UINT32_MAX);
  int64_t sum = dotExact<Bits, Signed>(a, b, c);
  return uint32_t(sum < low ? low : sum > high ? high : sum);
}

FLYATTN_END_LANE_FUNCTIONS

} // namespace flyattn::sim::FLYATTN_ISA

#endif // FLYATTN_LIB_SIMULATOR_DOTPRODUCTS_H
