//===- VectorArithmeticOps.cpp - Vector instructions on f32 ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatFunctions.h"
#include "Transcendental.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

FLYATTN_LANE_FUNCTIONS

float add(float a, float b) { return a + b; }
float sub(float a, float b) { return a - b; }
float subrev(float a, float b) { return b - a; }
float mul(float a, float b) { return a * b; }
/// Zero times anything is zero.
float mulLegacy(float a, float b) {
  return a == 0.0f || b == 0.0f ? 0.0f : a * b;
}
float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

template <bool Max, bool Ieee> float extremum2(float a, float b) {
  return flushed(extremum<Max, Ieee>(a, b));
}
template <bool Max, bool Ieee> float extremumOf3(float a, float b, float c) {
  return flushed(extremum3<Max, Ieee>(a, b, c));
}
template <bool Max> float propagatingOf3(float a, float b, float c) {
  return flushed(propagatingExtremum<Max>(propagatingExtremum<Max>(a, b), c));
}
template <bool Ieee> float median(float a, float b, float c) {
  return flushed(median3<Ieee>(a, b, c));
}

float roundDown(float a) { return __builtin_floorf(a); }
float roundUp(float a) { return __builtin_ceilf(a); }
float truncate(float a) { return __builtin_truncf(a); }
float roundEven(float a) { return __builtin_roundevenf(a); }
float fract(float a) {
  float part = a - __builtin_floorf(a);
  return part >= 1.0f ? 0x1.fffffep-1f : part;
}
float ldexp(float a, int32_t exponent) { return __builtin_ldexpf(a, exponent); }

/// v_div_fixup: the special cases of a / b, `quotient` otherwise.
float divFixup(float quotient, float b, float a) {
  uint32_t sign = (bits<uint32_t>(a) ^ bits<uint32_t>(b)) & 0x80000000u;
  if (a != a)
    return quieted(a);
  if (b != b)
    return quieted(b);
  bool aInf = __builtin_isinf(a), bInf = __builtin_isinf(b);
  if ((a == 0.0f && b == 0.0f) || (aInf && bInf))
    return bits<float>(0xffc00000u);
  if (aInf || b == 0.0f)
    return bits<float>(sign | 0x7f800000u);
  if (bInf || a == 0.0f)
    return bits<float>(sign);
  int exponentA = int(bits<uint32_t>(a) >> 23 & 255);
  int exponentB = int(bits<uint32_t>(b) >> 23 & 255);
  if (exponentA - exponentB < -150)
    return bits<float>(sign); // underflows
  if (exponentB == 255)
    return bits<float>(sign | 0x7f800000u); // overflows
  return bits<float>((bits<uint32_t>(quotient) & 0x7fffffffu) | sign);
}

/// The cube face that (x, y, z) points at: 2 * axis, plus 1 if negative.
int cubeAxis(float x, float y, float z) {
  float ax = __builtin_fabsf(x), ay = __builtin_fabsf(y),
        az = __builtin_fabsf(z);
  return az >= ax && az >= ay ? 2 : ay >= ax ? 1 : 0;
}
float cubeId(float x, float y, float z) {
  int axis = cubeAxis(x, y, z);
  float major = axis == 2 ? z : axis == 1 ? y : x;
  return float(2 * axis + (major < 0.0f));
}
float cubeMajor(float x, float y, float z) {
  int axis = cubeAxis(x, y, z);
  return 2.0f * (axis == 2 ? z : axis == 1 ? y : x);
}
float cubeS(float x, float y, float z) {
  int axis = cubeAxis(x, y, z);
  if (axis == 1)
    return x;
  return axis == 2 ? (z < 0.0f ? -x : x) : x < 0.0f ? z : -z;
}
float cubeT(float x, float y, float z) {
  if (cubeAxis(x, y, z) == 1)
    return y < 0.0f ? -z : z;
  return -y;
}

FLYATTN_END_LANE_FUNCTIONS

constexpr VectorOp ops[] = {
    valueOp<add, Hot>("v_add_f32"),
    valueOp<sub, Hot>("v_sub_f32"),
    valueOp<subrev, Hot>("v_subrev_f32"),
    valueOp<mul, Hot>("v_mul_f32"),
    valueOp<mulLegacy>("v_mul_legacy_f32"),
    valueOp<fma, Hot>("v_fma_f32"),
    valueOp<fma>("v_fmamk_f32"), // operands are printed in the order of fma
    valueOp<fma>("v_fmaak_f32"),
    accumulateOp<fma, Hot>("v_fmac_f32"),
    valueOp<extremum2<true, false>, Hot>("v_max_f32"),
    valueOp<extremum2<false, false>, Hot>("v_min_f32"),
    valueOp<extremum2<true, true>, Hot>("v_max_f32.ieee"),
    valueOp<extremum2<false, true>, Hot>("v_min_f32.ieee"),
    valueOp<extremumOf3<true, false>, Hot>("v_max3_f32"),
    valueOp<extremumOf3<false, false>>("v_min3_f32"),
    valueOp<extremumOf3<true, true>, Hot>("v_max3_f32.ieee"),
    valueOp<extremumOf3<false, true>>("v_min3_f32.ieee"),
    valueOp<propagatingOf3<true>, Hot>("v_maximum3_f32"),
    valueOp<propagatingOf3<false>>("v_minimum3_f32"),
    valueOp<median<false>>("v_med3_f32"),
    valueOp<median<true>>("v_med3_f32.ieee"),
    valueOp<exp2F32, Hot>("v_exp_f32"),
    valueOp<log2F32>("v_log_f32"),
    valueOp<exp2F32>("v_exp_legacy_f32"),
    valueOp<log2F32>("v_log_legacy_f32"),
    valueOp<sinF32>("v_sin_f32"),
    valueOp<cosF32>("v_cos_f32"),
    valueOp<rcpF32>("v_rcp_f32"),
    valueOp<rcpF32>("v_rcp_iflag_f32"),
    valueOp<rsqF32>("v_rsq_f32"),
    valueOp<sqrtF32>("v_sqrt_f32"),
    valueOp<roundDown>("v_floor_f32"),
    valueOp<roundUp>("v_ceil_f32"),
    valueOp<truncate>("v_trunc_f32"),
    valueOp<roundEven>("v_rndne_f32"),
    valueOp<fract>("v_fract_f32"),
    valueOp<ldexp>("v_ldexp_f32"),
    valueOp<frexpMantissa<float>>("v_frexp_mant_f32"),
    valueOp<frexpExponent<float>>("v_frexp_exp_i32_f32"),
    valueOp<divFixup>("v_div_fixup_f32"),
    valueOp<cubeId>("v_cubeid_f32"),
    valueOp<cubeMajor>("v_cubema_f32"),
    valueOp<cubeS>("v_cubesc_f32"),
    valueOp<cubeT>("v_cubetc_f32"),
};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::arithmeticOps() { return ops; }
