//===- ScalarOps.cpp - SOP1, SOP2, SOPC and SOPK --------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
#include "ScalarOp.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

using U = uint32_t;
using I = int32_t;
using U64 = uint64_t;
using I64 = int64_t;

// SOP2.
U addU(U a, U b, Scc scc) {
  U sum = a + b;
  scc = sum < a;
  return sum;
}
U subU(U a, U b, Scc scc) {
  scc = b > a;
  return a - b;
}
I addI(I a, I b, Scc scc) {
  I sum;
  scc = __builtin_add_overflow(a, b, &sum);
  return sum;
}
I subI(I a, I b, Scc scc) {
  I difference;
  scc = __builtin_sub_overflow(a, b, &difference);
  return difference;
}
U addc(U a, U b, Scc scc) {
  U64 sum = U64(a) + b + scc;
  scc = U(sum >> 32);
  return U(sum);
}
U subb(U a, U b, Scc scc) {
  U borrow = scc;
  scc = U64(b) + borrow > a;
  return a - b - borrow;
}
template <typename T> T minOf(T a, T b, Scc scc) {
  scc = a < b;
  return a < b ? a : b;
}
template <typename T> T maxOf(T a, T b, Scc scc) {
  scc = a > b;
  return a > b ? a : b;
}
template <typename T> T select(T a, T b, Scc scc) { return scc ? a : b; }
template <typename T> T bitAnd(T a, T b, Scc scc) {
  T r = a & b;
  scc = r != 0;
  return r;
}
template <typename T> T bitOr(T a, T b, Scc scc) {
  T r = a | b;
  scc = r != 0;
  return r;
}
template <typename T> T bitXor(T a, T b, Scc scc) {
  T r = a ^ b;
  scc = r != 0;
  return r;
}
template <typename T> T andNot(T a, T b, Scc scc) {
  return bitAnd<T>(a, ~b, scc);
}
template <typename T> T orNot(T a, T b, Scc scc) {
  return bitOr<T>(a, ~b, scc);
}
template <typename T> T nand(T a, T b, Scc scc) {
  T r = ~(a & b);
  scc = r != 0;
  return r;
}
template <typename T> T nor(T a, T b, Scc scc) {
  T r = ~(a | b);
  scc = r != 0;
  return r;
}
template <typename T> T xnor(T a, T b, Scc scc) {
  return bitXor<T>(a, ~b, scc);
}
template <typename T> T lshl(T a, U n, Scc scc) {
  T r = a << (n & (8 * sizeof(T) - 1));
  scc = r != 0;
  return r;
}
template <typename T> T shr(T a, U n, Scc scc) {
  T r = a >> (n & (8 * sizeof(T) - 1));
  scc = r != 0;
  return r;
}
template <unsigned N> U lshlAdd(U a, U b, Scc scc) {
  U64 sum = (U64(a) << N) + b;
  scc = sum >> 32 != 0;
  return U(sum);
}
template <typename T> T bfm(U width, U offset) {
  constexpr U mask = 8 * sizeof(T) - 1;
  return ((T(1) << (width & mask)) - 1) << (offset & mask);
}
/// Offset in bits 4:0 (5:0), width in bits 22:16.
template <typename T> T bfe(T a, U field, Scc scc) {
  constexpr unsigned size = 8 * sizeof(T);
  unsigned offset = field & (size - 1), width = field >> 16 & 127;
  T r = 0;
  if (width) {
    T shifted = a >> offset;
    if (width >= size) {
      r = shifted;
    } else {
      using UT = std::make_unsigned_t<T>;
      // Arithmetic shifts sign-extend the field of signed types.
      r = T(UT(shifted) << (size - width)) >> (size - width);
    }
  }
  scc = r != 0;
  return r;
}
U mul(U a, U b) { return a * b; }
U mulHiU(U a, U b) { return U(U64(a) * b >> 32); }
I mulHiI(I a, I b) { return I(I64(a) * b >> 32); }
I absDiff(I a, I b, Scc scc) {
  U r = U(a) - U(b);
  if (I(r) < 0)
    r = -r;
  scc = r != 0;
  return I(r);
}
U packLL(U a, U b) { return (a & 0xffff) | b << 16; }
U packLH(U a, U b) { return (a & 0xffff) | (b & 0xffff0000); }
U packHH(U a, U b) { return a >> 16 | (b & 0xffff0000); }

// SOP1.
template <typename T> T mov(T a) { return a; }
template <typename T> T bitNot(T a, Scc scc) {
  scc = T(~a) != 0;
  return ~a;
}
U brev32(U a) { return llvm::reverseBits(a); }
U64 brev64(U64 a) { return llvm::reverseBits(a); }
U bcnt0(U a, Scc scc) {
  U r = U(__builtin_popcount(~a));
  scc = r != 0;
  return r;
}
U bcnt1(U a, Scc scc) {
  U r = U(__builtin_popcount(a));
  scc = r != 0;
  return r;
}
U bcnt0Wide(U64 a, Scc scc) {
  U r = U(__builtin_popcountll(~a));
  scc = r != 0;
  return r;
}
U bcnt1Wide(U64 a, Scc scc) {
  U r = U(__builtin_popcountll(a));
  scc = r != 0;
  return r;
}
I ff1(U a) { return a ? __builtin_ctz(a) : -1; }
I ff1Wide(U64 a) { return a ? __builtin_ctzll(a) : -1; }
I ff0(U a) { return ff1(~a); }
I ff0Wide(U64 a) { return ff1Wide(~a); }
I flbit(U a) { return a ? __builtin_clz(a) : -1; }
I flbitWide(U64 a) { return a ? __builtin_clzll(a) : -1; }
I flbitSigned(I a) { return flbit(U(a) ^ U(a >> 31)); }
I flbitSignedWide(I64 a) { return flbitWide(U64(a) ^ U64(a >> 63)); }
I sext8(I a) { return int8_t(a); }
I sext16(I a) { return int16_t(a); }
I absolute(I a, Scc scc) {
  U r = a < 0 ? -U(a) : U(a);
  scc = r != 0;
  return I(r);
}
template <typename T, unsigned Bit> T setBit(U n, T old) {
  T bit = T(1) << (n & (8 * sizeof(T) - 1));
  return Bit ? old | bit : old & ~bit;
}

// SOPC.
template <typename T> void cmpEq(T a, T b, Scc scc) { scc = a == b; }
template <typename T> void cmpLg(T a, T b, Scc scc) { scc = a != b; }
template <typename T> void cmpGt(T a, T b, Scc scc) { scc = a > b; }
template <typename T> void cmpGe(T a, T b, Scc scc) { scc = a >= b; }
template <typename T> void cmpLt(T a, T b, Scc scc) { scc = a < b; }
template <typename T> void cmpLe(T a, T b, Scc scc) { scc = a <= b; }
void bitcmp0(U a, U n, Scc scc) { scc = !(a >> (n & 31) & 1); }
void bitcmp1(U a, U n, Scc scc) { scc = a >> (n & 31) & 1; }
void bitcmp0Wide(U64 a, U n, Scc scc) { scc = !(a >> (n & 63) & 1); }
void bitcmp1Wide(U64 a, U n, Scc scc) { scc = a >> (n & 63) & 1; }

// SOPK.
I mulK(I a, I b) { return I(U(a) * U(b)); }
/// s_cmovk, s_cmov: keeps the destination unless SCC.
template <typename T> T cmov(T old, T value, Scc scc) {
  return scc ? value : old;
}

constexpr ScalarOp ops[] = {
    row<addU>("s_add_u32"),
    row<subU>("s_sub_u32"),
    row<addI>("s_add_i32"),
    row<subI>("s_sub_i32"),
    row<addc>("s_addc_u32"),
    row<subb>("s_subb_u32"),
    row<minOf<I>>("s_min_i32"),
    row<minOf<U>>("s_min_u32"),
    row<maxOf<I>>("s_max_i32"),
    row<maxOf<U>>("s_max_u32"),
    row<select<U>>("s_cselect_b32"),
    row<select<U64>>("s_cselect_b64"),
    row<bitAnd<U>>("s_and_b32"),
    row<bitAnd<U64>>("s_and_b64"),
    row<bitOr<U>>("s_or_b32"),
    row<bitOr<U64>>("s_or_b64"),
    row<bitXor<U>>("s_xor_b32"),
    row<bitXor<U64>>("s_xor_b64"),
    row<andNot<U>>("s_andn2_b32"),
    row<andNot<U64>>("s_andn2_b64"),
    row<orNot<U>>("s_orn2_b32"),
    row<orNot<U64>>("s_orn2_b64"),
    row<nand<U>>("s_nand_b32"),
    row<nand<U64>>("s_nand_b64"),
    row<nor<U>>("s_nor_b32"),
    row<nor<U64>>("s_nor_b64"),
    row<xnor<U>>("s_xnor_b32"),
    row<xnor<U64>>("s_xnor_b64"),
    row<lshl<U>>("s_lshl_b32"),
    row<lshl<U64>>("s_lshl_b64"),
    row<shr<U>>("s_lshr_b32"),
    row<shr<U64>>("s_lshr_b64"),
    row<shr<I>>("s_ashr_i32"),
    row<shr<I64>>("s_ashr_i64"),
    row<lshlAdd<1>>("s_lshl1_add_u32"),
    row<lshlAdd<2>>("s_lshl2_add_u32"),
    row<lshlAdd<3>>("s_lshl3_add_u32"),
    row<lshlAdd<4>>("s_lshl4_add_u32"),
    row<bfm<U>>("s_bfm_b32"),
    row<bfm<U64>>("s_bfm_b64"),
    row<bfe<U>>("s_bfe_u32"),
    row<bfe<U64>>("s_bfe_u64"),
    row<bfe<I>>("s_bfe_i32"),
    row<bfe<I64>>("s_bfe_i64"),
    row<mul>("s_mul_i32"),
    row<mulHiU>("s_mul_hi_u32"),
    row<mulHiI>("s_mul_hi_i32"),
    row<absDiff>("s_absdiff_i32"),
    row<packLL>("s_pack_ll_b32_b16"),
    row<packLH>("s_pack_lh_b32_b16"),
    row<packHH>("s_pack_hh_b32_b16"),
    row<mov<U>>("s_mov_b32"),
    row<mov<U64>>("s_mov_b64"),
    row<mov<I>>("s_movk_i32"),
    row<bitNot<U>>("s_not_b32"),
    row<bitNot<U64>>("s_not_b64"),
    row<brev32>("s_brev_b32"),
    row<brev64>("s_brev_b64"),
    row<bcnt0>("s_bcnt0_i32_b32"),
    row<bcnt0Wide>("s_bcnt0_i32_b64"),
    row<bcnt1>("s_bcnt1_i32_b32"),
    row<bcnt1Wide>("s_bcnt1_i32_b64"),
    row<ff0>("s_ff0_i32_b32"),
    row<ff0Wide>("s_ff0_i32_b64"),
    row<ff1>("s_ff1_i32_b32"),
    row<ff1Wide>("s_ff1_i32_b64"),
    row<flbit>("s_flbit_i32_b32"),
    row<flbitWide>("s_flbit_i32_b64"),
    row<flbitSigned>("s_flbit_i32"),
    row<flbitSignedWide>("s_flbit_i32_i64"),
    row<sext8>("s_sext_i32_i8"),
    row<sext16>("s_sext_i32_i16"),
    row<absolute>("s_abs_i32"),
    row<cmpEq<U>>("s_cmp_eq_u32"),
    row<cmpEq<I>>("s_cmp_eq_i32"),
    row<cmpEq<U64>>("s_cmp_eq_u64"),
    row<cmpLg<U>>("s_cmp_lg_u32"),
    row<cmpLg<I>>("s_cmp_lg_i32"),
    row<cmpLg<U64>>("s_cmp_lg_u64"),
    row<cmpGt<U>>("s_cmp_gt_u32"),
    row<cmpGt<I>>("s_cmp_gt_i32"),
    row<cmpGe<U>>("s_cmp_ge_u32"),
    row<cmpGe<I>>("s_cmp_ge_i32"),
    row<cmpLt<U>>("s_cmp_lt_u32"),
    row<cmpLt<I>>("s_cmp_lt_i32"),
    row<cmpLe<U>>("s_cmp_le_u32"),
    row<cmpLe<I>>("s_cmp_le_i32"),
    row<bitcmp0>("s_bitcmp0_b32"),
    row<bitcmp1>("s_bitcmp1_b32"),
    row<bitcmp0Wide>("s_bitcmp0_b64"),
    row<bitcmp1Wide>("s_bitcmp1_b64"),
    row<cmpEq<U>>("s_cmpk_eq_u32"),
    row<cmpEq<I>>("s_cmpk_eq_i32"),
    row<cmpLg<U>>("s_cmpk_lg_u32"),
    row<cmpLg<I>>("s_cmpk_lg_i32"),
    row<cmpGt<U>>("s_cmpk_gt_u32"),
    row<cmpGt<I>>("s_cmpk_gt_i32"),
    row<cmpGe<U>>("s_cmpk_ge_u32"),
    row<cmpGe<I>>("s_cmpk_ge_i32"),
    row<cmpLt<U>>("s_cmpk_lt_u32"),
    row<cmpLt<I>>("s_cmpk_lt_i32"),
    row<cmpLe<U>>("s_cmpk_le_u32"),
    row<cmpLe<I>>("s_cmpk_le_i32"),
    rowK<addI>("s_addk_i32"),
    rowK<mulK>("s_mulk_i32"),
    rowK<cmov<U>>("s_cmov_b32"),
    rowK<cmov<U64>>("s_cmov_b64"),
    rowK<cmov<I>>("s_cmovk_i32"),
};

/// s_bitset: the destination is the last source.
constexpr ScalarOp bitsets[] = {
    row<setBit<U, 0>>("s_bitset0_b32"),
    row<setBit<U64, 0>>("s_bitset0_b64"),
    row<setBit<U, 1>>("s_bitset1_b32"),
    row<setBit<U64, 1>>("s_bitset1_b64"),
};

bool buildBitset(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload) {
  const auto &op = *static_cast<const ScalarOp *>(payload);
  if (text.operands.size() != 2 ||
      !b.scalarDest(text.operands[0], op.dst, inst.dst) ||
      !b.scalarSource(text.operands[1], 1, inst.src[0]))
    return b.refuse("operands");
  inst.src[1] = inst.dst;
  inst.fn = op.handler;
  return true;
}

/// A 16-bit immediate: SOPK sign-extends it, but for the unsigned compares.
bool setImmediate(InstBuilder &b, const AsmText &text, Inst &inst, unsigned n) {
  uint16_t raw = uint16_t(b.encoding(0));
  bool isUnsigned = text.base.ends_with("_u32");
  inst.src[n] = b.constant(isUnsigned ? raw : U(I(int16_t(raw))));
  return true;
}

} // namespace

bool flyattn::sim::buildScalar(InstBuilder &b, const AsmText &text, Inst &inst,
                               const void *payload) {
  const auto &op = *static_cast<const ScalarOp *>(payload);
  bool isK = text.base.ends_with("k_i32") || text.base.starts_with("s_cmpk_");
  unsigned next = 0, source = 0;
  if (op.dst) {
    if (text.operands.empty() ||
        !b.scalarDest(text.operands[next++], op.dst, inst.dst))
      return b.refuse("destination");
  }
  if (op.readsDst)
    inst.src[source++] = inst.dst;
  for (; source < 3 && op.src[source]; ++source) {
    if (next >= text.operands.size())
      return b.refuse("too few operands");
    const TextOperand &operand = text.operands[next++];
    bool immediate = isK && next == text.operands.size();
    if (immediate ? !setImmediate(b, text, inst, source)
                  : !b.scalarSource(operand, op.src[source], inst.src[source]))
      return false;
  }
  inst.fn = op.handler;
  return next == text.operands.size() || b.refuse("too many operands");
}

void flyattn::sim::registerScalarOps(OpTable &table) {
  for (const ScalarOp &op : ops)
    table[op.name] = {buildScalar, &op};
  for (const ScalarOp &op : bitsets)
    table[op.name] = {buildBitset, &op};
}
