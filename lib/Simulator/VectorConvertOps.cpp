//===- VectorConvertOps.cpp - Vector instructions between types -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatFunctions.h"
#include "SmallFloat.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

FLYATTN_LANE_FUNCTIONS

float f32FromI32(int32_t a) { return float(a); }
float f32FromU32(uint32_t a) { return float(a); }

/// Truncates and saturates; NaN becomes 0.
int32_t i32FromF32(float a) {
  int32_t inRange = int32_t(a >= -0x1p31f && a < 0x1p31f ? a : 0.0f);
  int32_t high = a >= 0x1p31f ? INT32_MAX : inRange;
  return a < -0x1p31f ? INT32_MIN : high;
}
uint32_t u32FromF32(float a) {
  // Through the signed conversion, in two halves of the range.
  bool upper = a >= 0x1p31f;
  float reduced = upper ? a - 0x1p31f : a;
  bool fits = reduced > 0.0f && reduced < 0x1p31f;
  uint32_t low = uint32_t(int32_t(fits ? reduced : 0.0f));
  uint32_t result = upper ? low + 0x80000000u : low;
  return a >= 0x1p32f ? UINT32_MAX : result;
}
int32_t i32FromF32Nearest(float a) {
  return i32FromF32(__builtin_floorf(a + 0.5f));
}
int32_t i32FromF32Floor(float a) { return i32FromF32(__builtin_floorf(a)); }
template <unsigned N> float f32FromByte(uint32_t a) {
  return float(int32_t(a >> 8 * N & 0xff));
}
/// Signed 4 bits in units of 1/16.
float f32FromI4(uint32_t a) { return float(int32_t(a << 28) >> 28) * 0.0625f; }

_Float16 f16FromF32(float a) { return _Float16(a); }
float f32FromF16(_Float16 a) { return float(a); }
_Float16 f16FromU16(uint16_t a) { return _Float16(float(a)); }
_Float16 f16FromI16(int16_t a) { return _Float16(float(a)); }
uint16_t u16FromF16(_Float16 a) {
  float x = float(a);
  return x > 0.0f ? uint16_t(x < 65535.0f ? x : 65535.0f) : 0;
}
int16_t i16FromF16(_Float16 a) {
  float x = float(a);
  x = x != x ? 0.0f : x;
  x = x < -32768.0f ? -32768.0f : x;
  return int16_t(x > 32767.0f ? 32767.0f : x);
}

/// f32 to f16 towards zero: only an infinity becomes one.
uint32_t f16TowardsZero(float a) {
  uint32_t word = bits<uint32_t>(a), sign = word >> 16 & 0x8000;
  uint32_t magnitude = word & 0x7fffffff;
  uint32_t normal = (magnitude - 0x38000000u) >> 13;
  // Below 2^-14: units of 2^-24.
  bool small = magnitude < 0x38800000u;
  float units = small ? bits<float>(magnitude) * 0x1p24f : 0.0f;
  uint32_t result = small ? uint32_t(int32_t(units)) : normal;
  result = magnitude >= 0x47800000u ? 0x7bffu : result;
  result = magnitude == 0x7f800000u ? 0x7c00u : result;
  result =
      magnitude > 0x7f800000u ? 0x7e00u | (magnitude >> 13 & 0x1ffu) : result;
  return sign | result;
}
uint32_t pkrtzF16(float a, float b) {
  return f16TowardsZero(a) | f16TowardsZero(b) << 16;
}
uint32_t pkBf16(float a, float b) {
  return floatToBf16(a) | floatToBf16(b) << 16;
}
uint32_t pkF16(float a, float b) {
  return bits<uint16_t>(f16FromF32(a)) | uint32_t(bits<uint16_t>(f16FromF32(b)))
                                             << 16;
}
uint32_t pkU16(uint32_t a, uint32_t b) {
  uint32_t low = a < 0xffff ? a : 0xffff, high = b < 0xffff ? b : 0xffff;
  return low | high << 16;
}
int32_t clampI16(int32_t a) {
  return a < -32768 ? -32768 : a > 32767 ? 32767 : a;
}
uint32_t pkI16(int32_t a, int32_t b) {
  return (uint32_t(clampI16(a)) & 0xffff) | uint32_t(clampI16(b)) << 16;
}

/// f32 (or f16) as a fraction of the largest integer; NaN becomes 0.
int32_t snorm16(float a) {
  float x = a > -1.0f ? (a < 1.0f ? a : 1.0f) : a == a ? -1.0f : 0.0f;
  return int32_t(__builtin_roundevenf(x * 32767.0f));
}
uint32_t unorm16(float a) {
  float x = a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f;
  return uint32_t(int32_t(__builtin_roundevenf(x * 65535.0f)));
}
uint16_t snormF16(_Float16 a) { return uint16_t(snorm16(float(a))); }
uint16_t unormF16(_Float16 a) { return uint16_t(unorm16(float(a))); }
uint32_t pkSnorm(float a, float b) {
  return (uint32_t(snorm16(a)) & 0xffff) | uint32_t(snorm16(b)) << 16;
}
uint32_t pkUnorm(float a, float b) { return unorm16(a) | unorm16(b) << 16; }
uint32_t pkSnormF16(_Float16 a, _Float16 b) {
  return pkSnorm(float(a), float(b));
}
uint32_t pkUnormF16(_Float16 a, _Float16 b) {
  return pkUnorm(float(a), float(b));
}
/// Truncates and saturates; the byte that `n` says of `old`.
uint32_t pkByte(float a, uint32_t n, uint32_t old) {
  float x = a > 0.0f ? (a < 255.0f ? a : 255.0f) : 0.0f;
  uint32_t shift = 8 * (n & 3);
  return (old & ~(0xffu << shift)) | uint32_t(int32_t(x)) << shift;
}

float f32FromBf16(uint16_t a) { return bf16ToFloat(a); }
/// Stochastic rounding: the low bits of a random number are added below the
/// last place, and the sum is cut.
float withNoise(float a, uint32_t random, unsigned droppedBits) {
  uint32_t word = bits<uint32_t>(a);
  bool finite = (word & 0x7f800000u) != 0x7f800000u;
  uint32_t below = (1u << droppedBits) - 1;
  return finite ? bits<float>((word + (random & below)) & ~below) : a;
}
uint16_t srBf16(float a, uint32_t random) {
  return uint16_t(floatToBf16(withNoise(a, random, 16)));
}
uint16_t srF16(float a, uint32_t random) {
  return uint16_t(f16TowardsZero(withNoise(a, random, 13)));
}

template <SmallFormat format, bool saturate>
uint16_t pkSmall(float a, float b) {
  return uint16_t(floatToSmall(format, a, saturate) |
                  floatToSmall(format, b, saturate) << 8);
}
template <SmallFormat format> float f32FromSmall(uint32_t a) {
  return smallToFloat(format, a & 0xff);
}
template <SmallFormat format> uint64_t pkF32FromSmall(uint32_t a) {
  return uint64_t(bits<uint32_t>(smallToFloat(format, a & 0xff))) |
         uint64_t(bits<uint32_t>(smallToFloat(format, a >> 8 & 0xff))) << 32;
}

FLYATTN_END_LANE_FUNCTIONS

constexpr VectorOp ops[] = {
    valueOp<f32FromI32, Hot>("v_cvt_f32_i32"),
    valueOp<f32FromU32, Hot>("v_cvt_f32_u32"),
    valueOp<i32FromF32, Hot>("v_cvt_i32_f32"),
    valueOp<u32FromF32, Hot>("v_cvt_u32_f32"),
    valueOp<i32FromF32Nearest>("v_cvt_rpi_i32_f32"),
    valueOp<i32FromF32Floor>("v_cvt_flr_i32_f32"),
    valueOp<f32FromByte<0>>("v_cvt_f32_ubyte0"),
    valueOp<f32FromByte<1>>("v_cvt_f32_ubyte1"),
    valueOp<f32FromByte<2>>("v_cvt_f32_ubyte2"),
    valueOp<f32FromByte<3>>("v_cvt_f32_ubyte3"),
    valueOp<f32FromI4>("v_cvt_off_f32_i4"),
    valueOp<f16FromF32>("v_cvt_f16_f32"),
    valueOp<f32FromF16>("v_cvt_f32_f16"),
    valueOp<f16FromU16>("v_cvt_f16_u16"),
    valueOp<f16FromI16>("v_cvt_f16_i16"),
    valueOp<u16FromF16>("v_cvt_u16_f16"),
    valueOp<i16FromF16>("v_cvt_i16_f16"),
    valueOp<pkrtzF16, Hot>("v_cvt_pkrtz_f16_f32"),
    valueOp<pkBf16, Hot>("v_cvt_pk_bf16_f32"),
    valueOp<pkF16, Hot>("v_cvt_pk_f16_f32"), // gfx950
    valueOp<pkU16>("v_cvt_pk_u16_u32"),
    valueOp<snormF16>("v_cvt_norm_i16_f16"),
    valueOp<unormF16>("v_cvt_norm_u16_f16"),
    valueOp<pkSnorm>("v_cvt_pknorm_i16_f32"),
    valueOp<pkUnorm>("v_cvt_pknorm_u16_f32"),
    valueOp<pkSnormF16>("v_cvt_pknorm_i16_f16"),
    valueOp<pkUnormF16>("v_cvt_pknorm_u16_f16"),
    valueOp<pkByte>("v_cvt_pk_u8_f32"),
    accumulateOp<pkByte>("v_cvt_pkaccum_u8_f32"),
    valueOp<f32FromBf16>("v_cvt_f32_bf16"), // gfx950, as the next two
    keepHighOp<srBf16>("v_cvt_sr_bf16_f32"),
    keepHighOp<srF16>("v_cvt_sr_f16_f32"),
    valueOp<pkI16>("v_cvt_pk_i16_i32"),
    // By chip, and by whether MODE saturates.
    keepHighOp<pkSmall<fp8Fnuz, false>>("v_cvt_pk_fp8_f32.fnuz"),
    keepHighOp<pkSmall<fp8Fnuz, true>>("v_cvt_pk_fp8_f32.fnuz.sat"),
    keepHighOp<pkSmall<fp8Ocp, false>>("v_cvt_pk_fp8_f32.ocp"),
    keepHighOp<pkSmall<fp8Ocp, true>>("v_cvt_pk_fp8_f32.ocp.sat"),
    keepHighOp<pkSmall<bf8Fnuz, false>>("v_cvt_pk_bf8_f32.fnuz"),
    keepHighOp<pkSmall<bf8Fnuz, true>>("v_cvt_pk_bf8_f32.fnuz.sat"),
    keepHighOp<pkSmall<bf8Ocp, false>>("v_cvt_pk_bf8_f32.ocp"),
    keepHighOp<pkSmall<bf8Ocp, true>>("v_cvt_pk_bf8_f32.ocp.sat"),
    valueOp<f32FromSmall<fp8Fnuz>>("v_cvt_f32_fp8.fnuz"),
    valueOp<f32FromSmall<fp8Ocp>>("v_cvt_f32_fp8.ocp"),
    valueOp<f32FromSmall<bf8Fnuz>>("v_cvt_f32_bf8.fnuz"),
    valueOp<f32FromSmall<bf8Ocp>>("v_cvt_f32_bf8.ocp"),
    valueOp<pkF32FromSmall<fp8Fnuz>>("v_cvt_pk_f32_fp8.fnuz"),
    valueOp<pkF32FromSmall<fp8Ocp>>("v_cvt_pk_f32_fp8.ocp"),
    valueOp<pkF32FromSmall<bf8Fnuz>>("v_cvt_pk_f32_bf8.fnuz"),
    valueOp<pkF32FromSmall<bf8Ocp>>("v_cvt_pk_f32_bf8.ocp"),
};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::convertOps() { return ops; }
