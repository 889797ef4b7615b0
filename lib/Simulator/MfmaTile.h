//===- MfmaTile.h - Matrix kernels for any vector width -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Included by one source for each host path, which defines the type V of a
// vector: V::width, load, store, broadcast and fma. There is one for floats and
// one for 32-bit integers, which travel as the bits of floats and wrap.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MFMATILE_H
#define FLYATTN_LIB_SIMULATOR_MFMATILE_H

#include "MfmaKernel.h"
#include "SmallFloat.h"

namespace flyattn::sim {
namespace {

/// Dwords from the accumulator's first register to row `row`.
template <unsigned Dim> constexpr unsigned rowOffset(unsigned row) {
  RowGroup group = rowGroup(Dim, row / 4);
  return (group.reg + row % 4) * 64 + group.lane;
}

/// `Rows` rows of the result from row `First` on, by `Vectors` vectors.
template <typename V, unsigned Dim, unsigned First, unsigned Rows,
          unsigned Vectors>
inline __attribute__((always_inline)) void tile(const float *a, const float *b,
                                                unsigned k, const float *c,
                                                bool constantC, float *d) {
  V acc[Rows][Vectors];
  for (unsigned r = 0; r < Rows; ++r)
    for (unsigned v = 0; v < Vectors; ++v)
      acc[r][v] = V::load(c + (constantC ? 0 : rowOffset<Dim>(First + r)) +
                          v * V::width);
  constexpr unsigned step = 2; // divides every k
  for (const float *end = a + k * Dim; a != end; a += step * Dim) {
    for (unsigned n = 0; n < step; ++n, b += Dim) {
      V right[Vectors];
      for (unsigned v = 0; v < Vectors; ++v)
        right[v] = V::load(b + v * V::width);
      for (unsigned r = 0; r < Rows; ++r) {
        V left = V::broadcast(a[n * Dim + First + r]);
        for (unsigned v = 0; v < Vectors; ++v)
          acc[r][v] = V::fma(left, right[v], acc[r][v]);
      }
    }
  }
  for (unsigned r = 0; r < Rows; ++r)
    for (unsigned v = 0; v < Vectors; ++v)
      acc[r][v].store(d + rowOffset<Dim>(First + r) + v * V::width);
}

/// All rows from `First` on. Six rows of two vectors keep 12 sums in flight,
/// which hides the latency of two FMAs a clock and still fits 16 registers.
template <typename V, unsigned Dim, unsigned First, unsigned Vectors>
inline __attribute__((always_inline)) void rows(const float *a, const float *b,
                                                unsigned k, const float *c,
                                                bool constantC, float *d) {
  constexpr unsigned left = Dim - First;
  constexpr unsigned take = left % 4 == 0 && left <= 8 ? 4 : 6;
  tile<V, Dim, First, take, Vectors>(a, b, k, c, constantC, d);
  if constexpr (left > take)
    rows<V, Dim, First + take, Vectors>(a, b, k, c, constantC, d);
}

template <typename V, unsigned Dim, unsigned Vectors>
void multiply(const float *a, const float *b, unsigned k, const float *c,
              bool constantC, float *d) {
  for (unsigned column = 0; column < Dim; column += Vectors * V::width)
    rows<V, Dim, 0, Vectors>(a, b + column, k, constantC ? c : c + column,
                             constantC, d + column);
}

template <typename Convert, unsigned Bits, unsigned Dim>
void widenRows(const uint32_t *regs, const OperandShape &shape, float *out) {
  constexpr unsigned perRegister = 32 / Bits, groups = 64 / Dim;
  for (unsigned g = 0; g < groups; ++g)
    for (unsigned first = 0; first < shape.perLane; first += shape.run) {
      float *row = out + (first * groups + g * shape.run) * Dim;
      for (unsigned e = 0; e < shape.run; e += perRegister) {
        const uint32_t *lanes = regs + (first + e) / perRegister * 64 + g * Dim;
        for (unsigned part = 0; part < perRegister; ++part, row += Dim)
          for (unsigned i = 0; i < Dim; ++i)
            row[i] = Convert::apply(lanes[i] >> part * Bits);
      }
    }
}

/// One element of `Bits` bits from each of `dim` lanes.
template <typename Convert, unsigned Bits>
void widenElements(const uint32_t *regs, const OperandShape &shape,
                   float *out) {
  if (shape.dim == 32)
    widenRows<Convert, Bits, 32>(regs, shape, out);
  else
    widenRows<Convert, Bits, 16>(regs, shape, out);
}

/// Elements that cross register borders (6 bits) are taken bit by bit.
template <typename Convert, unsigned Bits>
void widenPacked(const uint32_t *regs, const OperandShape &shape, float *out) {
  for (unsigned g = 0; g < shape.groups(); ++g)
    for (unsigned e = 0; e < shape.perLane; ++e)
      for (unsigned i = 0; i < shape.dim; ++i) {
        unsigned bit = e * Bits, lane = g * shape.dim + i;
        uint64_t words = regs[bit / 32 * 64 + lane];
        if (bit % 32 + Bits > 32)
          words |= uint64_t(regs[(bit / 32 + 1) * 64 + lane]) << 32;
        out[shape.k(g, e) * shape.dim + i] =
            Convert::apply(uint32_t(words >> bit % 32));
      }
}

struct FromF32 {
  static float apply(uint32_t x) { return __builtin_bit_cast(float, x); }
};
struct FromBf16 {
  static float apply(uint32_t x) { return __builtin_bit_cast(float, x << 16); }
};
/// Without _Float16, whose conversions keep compilers from taking a row of
/// lanes at once. The product is exact, denormals included; the largest
/// exponent stands for infinities and NaNs.
struct FromF16 {
  static float apply(uint32_t x) {
    uint32_t magnitude = x & 0x7fff, sign = (x & 0x8000) << 16;
    float value =
        __builtin_bit_cast(float, magnitude << 13) * powerOfTwo(127 - 15);
    uint32_t word = __builtin_bit_cast(uint32_t, value) | sign;
    return __builtin_bit_cast(float,
                              magnitude >= 0x7c00 ? word | 0x7f800000u : word);
  }
};
/// Integers travel as their bits: the product is taken in integers.
struct FromI8 {
  static float apply(uint32_t x) {
    return __builtin_bit_cast(float, int32_t(int8_t(x)));
  }
};

/// An 8-bit format, without branches.
template <unsigned MantissaBits, int Bias, SmallFormat::Special special>
struct FromByte {
  static float apply(uint32_t x) {
    uint32_t magnitude = x & 0x7f, sign = (x & 0x80) << 24;
    uint32_t normal =
        (magnitude << (23 - MantissaBits)) + (uint32_t(127 - Bias) << 23);
    float denormal =
        float(int32_t(magnitude)) * powerOfTwo(1 - Bias - int(MantissaBits));
    uint32_t word = magnitude >> MantissaBits
                        ? normal
                        : __builtin_bit_cast(uint32_t, denormal);
    if (special == SmallFormat::Fnuz)
      word = (x & 0xff) == 0x80 ? 0x7fc00000u : word;
    if (special == SmallFormat::NanOnly)
      word = magnitude == 0x7f ? 0x7fc00000u : word;
    if (special == SmallFormat::Ieee) {
      word = magnitude == 0x7c ? 0x7f800000u : word;
      word = magnitude > 0x7c ? 0x7fc00000u : word;
    }
    return __builtin_bit_cast(float, word | sign);
  }
};
template <const SmallFormat &format> struct FromSmall {
  static float apply(uint32_t x) {
    unsigned width = 1 + format.exponentBits + format.mantissaBits;
    return smallToFloat(format, x & ((1u << width) - 1));
  }
};

template <typename V, typename Integers, unsigned Vectors32, unsigned Vectors16>
constexpr MfmaKernels makeKernels() {
  return {{widenElements<FromF32, 32>, widenElements<FromF16, 16>,
           widenElements<FromBf16, 16>, widenElements<FromI8, 8>,
           widenElements<FromByte<3, 8, SmallFormat::Fnuz>, 8>,
           widenElements<FromByte<2, 16, SmallFormat::Fnuz>, 8>,
           widenElements<FromByte<3, 7, SmallFormat::NanOnly>, 8>,
           widenElements<FromByte<2, 15, SmallFormat::Ieee>, 8>,
           widenPacked<FromSmall<fp6>, 6>, widenPacked<FromSmall<bf6>, 6>,
           widenPacked<FromSmall<fp4>, 4>},
          multiply<V, 32, Vectors32>,
          multiply<V, 16, Vectors16>,
          multiply<Integers, 32, Vectors32>,
          multiply<Integers, 16, Vectors16>};
}

} // namespace
} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MFMATILE_H
