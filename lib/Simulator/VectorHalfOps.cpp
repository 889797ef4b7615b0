//===- VectorHalfOps.cpp - Vector instructions on 16-bit values -----------===//
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

using H = _Float16;
using U16 = uint16_t;
using I16 = int16_t;

// One operation in f32 rounds to f16 as one in f16 would.
H add(H a, H b) { return H(float(a) + float(b)); }
H sub(H a, H b) { return H(float(a) - float(b)); }
H subrev(H a, H b) { return H(float(b) - float(a)); }
H mul(H a, H b) { return H(float(a) * float(b)); }
/// The product is exact in f64, and the sum is close enough to round right.
H fma(H a, H b, H c) { return H(double(a) * double(b) + double(c)); }
template <bool Max, bool Ieee> H extremum2(H a, H b) {
  return extremum<Max, Ieee>(a, b);
}
template <bool Max, bool Ieee> H extremumOf3(H a, H b, H c) {
  return extremum3<Max, Ieee>(a, b, c);
}
template <bool Ieee> H median(H a, H b, H c) { return median3<Ieee>(a, b, c); }
H rcp(H a) { return H(1.0f / float(a)); }
H squareRoot(H a) { return H(__builtin_sqrtf(float(a))); }
H rsq(H a) { return H(float(1.0 / __builtin_sqrt(double(a)))); }
H roundDown(H a) { return H(__builtin_floorf(float(a))); }
H roundUp(H a) { return H(__builtin_ceilf(float(a))); }
H truncate(H a) { return H(__builtin_truncf(float(a))); }
H roundEven(H a) { return H(__builtin_roundevenf(float(a))); }
H ldexp(H a, I16 n) { return H(__builtin_ldexp(double(a), n)); }

/// Two roundings.
H mad(H a, H b, H c) { return H(float(H(float(a) * float(b))) + float(c)); }
H exp2H(H a) { return H(exp2F32(float(a))); }
/// Denormals are numbers here, unlike in f32.
H log2H(H a) { return H(log2F32(float(a))); }
H sinH(H a) { return H(sinF32(float(a))); }
H cosH(H a) { return H(cosF32(float(a))); }
H fractH(H a) {
  float part = float(a) - __builtin_floorf(float(a));
  return part > 0x1.ffcp-1f ? H(0x1.ffcp-1f) : H(part);
}
I16 frexpExponentH(H a) { return I16(frexpExponent<H>(a)); }

/// v_div_fixup_f16, as the f32 one.
H divFixupH(H quotient, H b, H a) {
  auto sign = U16((bits<U16>(a) ^ bits<U16>(b)) & 0x8000);
  if (a != a)
    return quieted(a);
  if (b != b)
    return quieted(b);
  float x = float(a), y = float(b);
  bool aInf = __builtin_isinf(x), bInf = __builtin_isinf(y);
  if ((x == 0.0f && y == 0.0f) || (aInf && bInf))
    return bits<H>(U16(0xfe00));
  if (aInf || y == 0.0f)
    return bits<H>(U16(sign | 0x7c00));
  if (bInf || x == 0.0f)
    return bits<H>(sign);
  return bits<H>(U16((bits<U16>(quotient) & 0x7fff) | sign));
}

template <typename T> T minOf3(T a, T b, T c) {
  T low = a < b ? a : b;
  return low < c ? low : c;
}
template <typename T> T maxOf3(T a, T b, T c) {
  T high = a > b ? a : b;
  return high > c ? high : c;
}
template <typename T> T medianOf3(T a, T b, T c) {
  T low = a < b ? a : b, high = a < b ? b : a;
  return c < low ? low : c > high ? high : c;
}

U16 addU(U16 a, U16 b) { return U16(a + b); }
U16 subU(U16 a, U16 b) { return U16(a - b); }
U16 subrevU(U16 a, U16 b) { return U16(b - a); }
U16 mulLo(U16 a, U16 b) { return U16(uint32_t(a) * b); }
U16 madU(U16 a, U16 b, U16 c) { return U16(uint32_t(a) * b + c); }
I16 madI(I16 a, I16 b, I16 c) {
  return I16(uint32_t(int32_t(a) * b) + uint32_t(int32_t(c)));
}
U16 lshlrev(U16 n, U16 a) { return U16(a << (n & 15)); }
U16 lshrrev(U16 n, U16 a) { return U16(a >> (n & 15)); }
I16 ashrrev(U16 n, I16 a) { return I16(a >> (n & 15)); }
U16 minU(U16 a, U16 b) { return a < b ? a : b; }
U16 maxU(U16 a, U16 b) { return a > b ? a : b; }
I16 minI(I16 a, I16 b) { return a < b ? a : b; }
I16 maxI(I16 a, I16 b) { return a > b ? a : b; }
uint32_t madU32U16(U16 a, U16 b, uint32_t c) { return uint32_t(a) * b + c; }
int32_t madI32I16(I16 a, I16 b, int32_t c) {
  return int32_t(uint32_t(int32_t(a) * b) + uint32_t(c));
}

/// Packs bits, so denormals and NaN stay as they are.
uint32_t packHalves(H a, H b) {
  return bits<U16>(a) | uint32_t(bits<U16>(b)) << 16;
}

FLYATTN_END_LANE_FUNCTIONS

constexpr VectorOp ops[] = {
    valueOp<add>("v_add_f16"),
    valueOp<sub>("v_sub_f16"),
    valueOp<subrev>("v_subrev_f16"),
    valueOp<mul>("v_mul_f16"),
    keepHighOp<fma>("v_fma_f16"),
    valueOp<extremum2<true, false>>("v_max_f16"),
    valueOp<extremum2<false, false>>("v_min_f16"),
    valueOp<extremum2<true, true>>("v_max_f16.ieee"),
    valueOp<extremum2<false, true>>("v_min_f16.ieee"),
    keepHighOp<extremumOf3<true, false>>("v_max3_f16"),
    keepHighOp<extremumOf3<false, false>>("v_min3_f16"),
    keepHighOp<extremumOf3<true, true>>("v_max3_f16.ieee"),
    keepHighOp<extremumOf3<false, true>>("v_min3_f16.ieee"),
    keepHighOp<median<false>>("v_med3_f16"),
    keepHighOp<median<true>>("v_med3_f16.ieee"),
    valueOp<rcp>("v_rcp_f16"),
    valueOp<squareRoot>("v_sqrt_f16"),
    valueOp<rsq>("v_rsq_f16"),
    valueOp<roundDown>("v_floor_f16"),
    valueOp<roundUp>("v_ceil_f16"),
    valueOp<truncate>("v_trunc_f16"),
    valueOp<roundEven>("v_rndne_f16"),
    valueOp<ldexp>("v_ldexp_f16"),
    valueOp<exp2H>("v_exp_f16"),
    valueOp<log2H>("v_log_f16"),
    valueOp<sinH>("v_sin_f16"),
    valueOp<cosH>("v_cos_f16"),
    valueOp<fractH>("v_fract_f16"),
    valueOp<frexpMantissa<H>>("v_frexp_mant_f16"),
    valueOp<frexpExponentH>("v_frexp_exp_i16_f16"),
    keepHighOp<divFixupH>("v_div_fixup_f16"),
    valueOp<divFixupH>("v_div_fixup_legacy_f16"),
    keepHighOp<mad>("v_mad_f16"),
    valueOp<mad>("v_mad_legacy_f16"),
    valueOp<mad>("v_madmk_f16"), // printed in the order of mad
    valueOp<mad>("v_madak_f16"),
    accumulateOp<mad>("v_mac_f16"),
    valueOp<fma>("v_fma_legacy_f16"),
    valueOp<madU>("v_mad_legacy_u16"),
    valueOp<madI>("v_mad_legacy_i16"),
    keepHighOp<addU>("v_add_i16"),
    keepHighOp<subU>("v_sub_i16"),
    keepHighOp<minOf3<I16>>("v_min3_i16"),
    keepHighOp<maxOf3<I16>>("v_max3_i16"),
    keepHighOp<medianOf3<I16>>("v_med3_i16"),
    keepHighOp<minOf3<U16>>("v_min3_u16"),
    keepHighOp<maxOf3<U16>>("v_max3_u16"),
    keepHighOp<medianOf3<U16>>("v_med3_u16"),
    valueOp<addU>("v_add_u16"),
    valueOp<subU>("v_sub_u16"),
    valueOp<subrevU>("v_subrev_u16"),
    valueOp<mulLo>("v_mul_lo_u16"),
    keepHighOp<madU>("v_mad_u16"),
    keepHighOp<madI>("v_mad_i16"),
    valueOp<lshlrev>("v_lshlrev_b16"),
    valueOp<lshrrev>("v_lshrrev_b16"),
    valueOp<ashrrev>("v_ashrrev_i16"),
    valueOp<minU>("v_min_u16"),
    valueOp<maxU>("v_max_u16"),
    valueOp<minI>("v_min_i16"),
    valueOp<maxI>("v_max_i16"),
    valueOp<madU32U16>("v_mad_u32_u16"),
    valueOp<madI32I16>("v_mad_i32_i16"),
    valueOp<packHalves>("v_pack_b32_f16"),
};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::halfOps() { return ops; }
