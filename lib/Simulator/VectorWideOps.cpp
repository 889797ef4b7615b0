//===- VectorWideOps.cpp - Vector instructions on 64-bit values -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatFunctions.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

FLYATTN_LANE_FUNCTIONS

using U = uint32_t;
using U64 = uint64_t;
using I64 = int64_t;
using D = double;

U64 mov(U64 a) { return a; }
U64 lshlrev(U n, U64 a) { return a << (n & 63); }
U64 lshrrev(U n, U64 a) { return a >> (n & 63); }
I64 ashrrev(U n, I64 a) { return a >> (n & 63); }
/// Shifts by 0 to 4; larger amounts are reserved and read as 0 here.
U64 lshlAdd(U64 a, U n, U64 b) { return (a << (n & 7)) + b; }

D add(D a, D b) { return a + b; }
D mul(D a, D b) { return a * b; }
D fma(D a, D b, D c) { return __builtin_fma(a, b, c); }
D flushedD(D x) {
  D one = 1.0;
  asm("" : "+x"(one));
  return x * one;
}
template <bool Max, bool Ieee> D extremum2(D a, D b) {
  return flushedD(extremum<Max, Ieee>(a, b));
}
D ldexp(D a, int32_t n) { return __builtin_ldexp(a, n); }
D rcp(D a) { return 1.0 / a; }
D squareRoot(D a) { return __builtin_sqrt(a); }
D rsq(D a) { return 1.0 / __builtin_sqrt(a); }
D roundDown(D a) { return __builtin_floor(a); }
D roundUp(D a) { return __builtin_ceil(a); }
D truncate(D a) { return __builtin_trunc(a); }
D roundEven(D a) { return __builtin_roundeven(a); }
D fract(D a) {
  D part = a - __builtin_floor(a);
  return part >= 1.0 ? 0x1.fffffffffffffp-1 : part;
}
D fromI32(int32_t a) { return D(a); }
D fromU32(U a) { return D(a); }
D fromF32(float a) { return D(a); }
float toF32(D a) { return float(a); }
int32_t toI32(D a) {
  if (a != a)
    return 0;
  return a >= 0x1p31 ? INT32_MAX : a < -0x1p31 ? INT32_MIN : int32_t(a);
}
U toU32(D a) {
  if (!(a > 0.0))
    return 0;
  return a >= 0x1p32 ? UINT32_MAX : U(a);
}

/// v_div_fixup_f64, as the f32 one.
D divFixup(D quotient, D b, D a) {
  U64 sign = (bits<U64>(a) ^ bits<U64>(b)) & signMask<D>;
  if (a != a)
    return quieted(a);
  if (b != b)
    return quieted(b);
  bool aInf = __builtin_isinf(a), bInf = __builtin_isinf(b);
  if ((a == 0.0 && b == 0.0) || (aInf && bInf))
    return bits<D>(U64(0xfff8000000000000));
  if (aInf || b == 0.0)
    return bits<D>(sign | FloatBits<D>::exponent);
  if (bInf || a == 0.0)
    return bits<D>(sign);
  int exponentA = int(bits<U64>(a) >> 52 & 2047);
  int exponentB = int(bits<U64>(b) >> 52 & 2047);
  if (exponentA - exponentB < -1075)
    return bits<D>(sign);
  return bits<D>((bits<U64>(quotient) & ~signMask<D>) | sign);
}

FLYATTN_END_LANE_FUNCTIONS

constexpr VectorOp ops[] = {
    valueOp<mov>("v_mov_b64"),
    valueOp<lshlrev>("v_lshlrev_b64"),
    valueOp<lshrrev>("v_lshrrev_b64"),
    valueOp<ashrrev>("v_ashrrev_i64"),
    valueOp<lshlAdd>("v_lshl_add_u64"),
    valueOp<add>("v_add_f64"),
    valueOp<mul>("v_mul_f64"),
    valueOp<fma>("v_fma_f64"),
    accumulateOp<fma>("v_fmac_f64"),
    valueOp<extremum2<true, false>>("v_max_f64"),
    valueOp<extremum2<false, false>>("v_min_f64"),
    valueOp<extremum2<true, true>>("v_max_f64.ieee"),
    valueOp<extremum2<false, true>>("v_min_f64.ieee"),
    valueOp<ldexp>("v_ldexp_f64"),
    valueOp<rcp>("v_rcp_f64"),
    valueOp<squareRoot>("v_sqrt_f64"),
    valueOp<rsq>("v_rsq_f64"),
    valueOp<roundDown>("v_floor_f64"),
    valueOp<roundUp>("v_ceil_f64"),
    valueOp<truncate>("v_trunc_f64"),
    valueOp<roundEven>("v_rndne_f64"),
    valueOp<fract>("v_fract_f64"),
    valueOp<frexpMantissa<D>>("v_frexp_mant_f64"),
    valueOp<frexpExponent<D>>("v_frexp_exp_i32_f64"),
    valueOp<fromI32>("v_cvt_f64_i32"),
    valueOp<fromU32>("v_cvt_f64_u32"),
    valueOp<fromF32>("v_cvt_f64_f32"),
    valueOp<toF32>("v_cvt_f32_f64"),
    valueOp<toI32>("v_cvt_i32_f64"),
    valueOp<toU32>("v_cvt_u32_f64"),
    valueOp<divFixup>("v_div_fixup_f64"),
};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::wideOps() { return ops; }
