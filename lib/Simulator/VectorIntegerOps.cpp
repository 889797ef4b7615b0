//===- VectorIntegerOps.cpp - Vector instructions on 32-bit integers ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorLoop.h"

#include "llvm/Support/MathExtras.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

FLYATTN_LANE_FUNCTIONS

using U = uint32_t;
using I = int32_t;

U mov(U a) { return a; }
U add(U a, U b) { return a + b; }
U sub(U a, U b) { return a - b; }
U subrev(U a, U b) { return b - a; }
U bitAnd(U a, U b) { return a & b; }
U bitOr(U a, U b) { return a | b; }
U bitXor(U a, U b) { return a ^ b; }
U bitXnor(U a, U b) { return ~(a ^ b); }
U bitNot(U a) { return ~a; }
U lshlrev(U n, U a) { return a << (n & 31); }
U lshrrev(U n, U a) { return a >> (n & 31); }
I ashrrev(U n, I a) { return a >> (n & 31); }
U add3(U a, U b, U c) { return a + b + c; }
U lshlAdd(U a, U n, U b) { return (a << (n & 31)) + b; }
U addLshl(U a, U b, U n) { return (a + b) << (n & 31); }
U lshlOr(U a, U n, U b) { return (a << (n & 31)) | b; }
U andOr(U a, U b, U c) { return (a & b) | c; }
U or3(U a, U b, U c) { return a | b | c; }
U xorAdd(U a, U b, U c) { return (a ^ b) + c; }
U mulLo(U a, U b) { return a * b; }
U mulHiU(U a, U b) { return U(uint64_t(a) * b >> 32); }
I mulHiI(I a, I b) { return I(int64_t(a) * b >> 32); }

U low24(U a) { return a & 0xffffff; }
I signed24(I a) { return I(U(a) << 8) >> 8; }
U mulU24(U a, U b) { return low24(a) * low24(b); }
I mulI24(I a, I b) { return I(U(signed24(a)) * U(signed24(b))); }
U mulHiU24(U a, U b) { return U(uint64_t(low24(a)) * low24(b) >> 32); }
I mulHiI24(I a, I b) { return I(int64_t(signed24(a)) * signed24(b) >> 32); }
U madU24(U a, U b, U c) { return mulU24(a, b) + c; }
I madI24(I a, I b, I c) { return I(U(mulI24(a, b)) + U(c)); }

U minU(U a, U b) { return a < b ? a : b; }
U maxU(U a, U b) { return a > b ? a : b; }
I minI(I a, I b) { return a < b ? a : b; }
I maxI(I a, I b) { return a > b ? a : b; }
U min3U(U a, U b, U c) { return minU(minU(a, b), c); }
U max3U(U a, U b, U c) { return maxU(maxU(a, b), c); }
I min3I(I a, I b, I c) { return minI(minI(a, b), c); }
I max3I(I a, I b, I c) { return maxI(maxI(a, b), c); }
U med3U(U a, U b, U c) { return maxU(minU(a, b), minU(maxU(a, b), c)); }
I med3I(I a, I b, I c) { return maxI(minI(a, b), minI(maxI(a, b), c)); }

U bfeU(U a, U offset, U width) {
  width &= 31;
  return a >> (offset & 31) & ((U(1) << width) - 1);
}
I bfeI(I a, U offset, U width) {
  width &= 31;
  if (width == 0)
    return 0;
  // Bits beyond the top read as the sign.
  I shifted = a >> (offset & 31);
  return I(U(shifted) << (32 - width)) >> (32 - width);
}
U bfi(U mask, U a, U b) { return (mask & a) | (~mask & b); }
U bfm(U width, U offset) {
  return ((U(1) << (width & 31)) - 1) << (offset & 31);
}
U alignbit(U a, U b, U n) { return U((uint64_t(a) << 32 | b) >> (n & 31)); }
U alignbyte(U a, U b, U n) { return U((uint64_t(a) << 32 | b) >> 8 * (n & 3)); }

/// One byte of v_perm: 0-3 from b, 4-7 from a; 8-11 the signs of bytes 1, 3, 5
/// and 7; 12 zero; above all ones. Without branches, so that it vectorises.
U permByte(U a, U b, U select) {
  U byte = (select & 4 ? a : b) >> 8 * (select & 3) & 0xff;
  U sign = (select & 2 ? a : b) >> (select & 1 ? 31 : 15) & 1;
  U special = select >= 13 ? 0xff : select == 12 ? 0 : (0 - sign) & 0xff;
  return select >= 8 ? special : byte;
}
/// Do all bytes of a selector name bytes of a and b, and in pairs that are
/// halves of them?
bool selectsHalves(U select) {
  U even = select & 0x00ff00ff, odd = select >> 8 & 0x00ff00ff;
  return !(select & 0xf8f9f8f9) && odd == (even | 0x00010001);
}
template <unsigned Bits> U permParts(U a, U b, U select) {
  U result = 0;
  for (unsigned n = 0; n < 32; n += Bits)
    result |= ((select >> n & 4 ? a : b) >> 8 * (select >> n & 3) &
               ((U(1) << Bits) - 1))
              << n;
  return result;
}
U perm(U a, U b, U select) {
  // The usual selectors name bytes only, and are the same in all lanes.
  if (selectsHalves(select))
    return permParts<16>(a, b, select);
  if (!(select & 0xf8f8f8f8))
    return permParts<8>(a, b, select);
  U result = 0;
  for (unsigned n = 0; n < 32; n += 8)
    result |= permByte(a, b, select >> n & 0xff) << n;
  return result;
}

U bfrev(U a) { return llvm::reverseBits(a); }
U bitCount(U a, U b) { return U(__builtin_popcount(a)) + b; }
/// Position of the first one from the top; ~0 if there is none.
U ffbhU(U a) { return a ? U(__builtin_clz(a)) : ~U(0); }
U ffbhI(I a) {
  U differs = U(a) ^ U(a >> 31); // leading bits equal to the sign become 0
  return differs ? U(__builtin_clz(differs)) : ~U(0);
}
U ffbl(U a) { return a ? U(__builtin_ctz(a)) : ~U(0); }
U sad(U a, U b, U c) { return (a > b ? a - b : b - a) + c; }

FLYATTN_END_LANE_FUNCTIONS

constexpr VectorOp ops[] = {
    valueOp<mov, Hot>("v_mov_b32"),
    valueOp<mov, Hot>("v_accvgpr_read_b32"),
    valueOp<mov, Hot>("v_accvgpr_write_b32"),
    valueOp<mov, Hot>("v_accvgpr_mov_b32"),
    valueOp<add, Hot>("v_add_u32"),
    valueOp<add>("v_add_i32"),
    valueOp<sub, Hot>("v_sub_u32"),
    valueOp<sub>("v_sub_i32"),
    valueOp<subrev, Hot>("v_subrev_u32"),
    valueOp<bitAnd, Hot>("v_and_b32"),
    valueOp<bitOr, Hot>("v_or_b32"),
    valueOp<bitXor, Hot>("v_xor_b32"),
    valueOp<bitXnor>("v_xnor_b32"),
    valueOp<bitNot>("v_not_b32"),
    valueOp<lshlrev, Hot>("v_lshlrev_b32"),
    valueOp<lshrrev, Hot>("v_lshrrev_b32"),
    valueOp<ashrrev, Hot>("v_ashrrev_i32"),
    valueOp<add3, Hot>("v_add3_u32"),
    valueOp<lshlAdd, Hot>("v_lshl_add_u32"),
    valueOp<addLshl, Hot>("v_add_lshl_u32"),
    valueOp<lshlOr, Hot>("v_lshl_or_b32"),
    valueOp<andOr, Hot>("v_and_or_b32"),
    valueOp<or3>("v_or3_b32"),
    valueOp<xorAdd>("v_xad_u32"),
    valueOp<mulLo>("v_mul_lo_u32"),
    valueOp<mulHiU>("v_mul_hi_u32"),
    valueOp<mulHiI>("v_mul_hi_i32"),
    valueOp<mulU24>("v_mul_u32_u24"),
    valueOp<mulI24>("v_mul_i32_i24"),
    valueOp<mulHiU24>("v_mul_hi_u32_u24"),
    valueOp<mulHiI24>("v_mul_hi_i32_i24"),
    valueOp<madU24>("v_mad_u32_u24"),
    valueOp<madI24>("v_mad_i32_i24"),
    valueOp<minU>("v_min_u32"),
    valueOp<maxU>("v_max_u32"),
    valueOp<minI>("v_min_i32"),
    valueOp<maxI>("v_max_i32"),
    valueOp<min3U>("v_min3_u32"),
    valueOp<max3U>("v_max3_u32"),
    valueOp<min3I>("v_min3_i32"),
    valueOp<max3I>("v_max3_i32"),
    valueOp<med3U>("v_med3_u32"),
    valueOp<med3I>("v_med3_i32"),
    valueOp<bfeU, Hot>("v_bfe_u32"),
    valueOp<bfeI>("v_bfe_i32"),
    valueOp<bfi, Hot>("v_bfi_b32"),
    valueOp<bfm>("v_bfm_b32"),
    valueOp<alignbit>("v_alignbit_b32"),
    valueOp<alignbyte>("v_alignbyte_b32"),
    valueOp<perm, Hot>("v_perm_b32"),
    valueOp<bfrev>("v_bfrev_b32"),
    valueOp<bitCount>("v_bcnt_u32_b32"),
    valueOp<ffbhU>("v_ffbh_u32"),
    valueOp<ffbhI>("v_ffbh_i32"),
    valueOp<ffbl>("v_ffbl_b32"),
    valueOp<sad>("v_sad_u32"),
};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::integerOps() { return ops; }
