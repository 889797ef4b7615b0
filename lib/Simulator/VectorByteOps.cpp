//===- VectorByteOps.cpp - Vector instructions on parts of a dword --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums of absolute differences, averages, saturating packs, and the dot
// products that accumulate in their destination (VOP2).
//
//===----------------------------------------------------------------------===//

#include "DotProducts.h"
#include "FloatFunctions.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

FLYATTN_LANE_FUNCTIONS

using U = uint32_t;
using I = int32_t;
using U64 = uint64_t;

U byteOf(U64 a, unsigned n) { return U(a >> 8 * n) & 0xff; }
U difference(U a, U b) { return a > b ? a - b : b - a; }

/// Of four bytes, plus c. Masked: bytes of `b` that are 0 do not count.
template <bool Masked> U sadBytes(U a, U b, U c) {
  for (unsigned n = 0; n < 4; ++n)
    if (!Masked || byteOf(b, n))
      c += difference(byteOf(a, n), byteOf(b, n));
  return c;
}
U sadHigh(U a, U b, U c) { return (sadBytes<false>(a, b, 0) << 16) + c; }
U sadWords(U a, U b, U c) {
  return difference(a & 0xffff, b & 0xffff) + difference(a >> 16, b >> 16) + c;
}
/// The four dwords that start at bytes 0 to 3 of a, against b; 16-bit sums.
template <bool Masked> U64 sadQuads(U64 a, U b, U64 c) {
  U64 result = 0;
  for (unsigned n = 0; n < 4; ++n) {
    U sum = sadBytes<Masked>(U(a >> 8 * n), b, U(c >> 16 * n) & 0xffff);
    result |= U64(sum & 0xffff) << 16 * n;
  }
  return result;
}
/// Averages of bytes; the low bit of each byte of c rounds up.
U lerp(U a, U b, U c) {
  U result = 0;
  for (unsigned n = 0; n < 4; ++n)
    result |= (byteOf(a, n) + byteOf(b, n) + (byteOf(c, n) & 1)) >> 1 << 8 * n;
  return result;
}

I clampTo(I a, I low, I high) { return a < low ? low : a > high ? high : a; }
/// Two signed words to unsigned bytes.
U satPackBytes(U a) {
  return U(clampTo(int16_t(a), 0, 255)) | U(clampTo(int16_t(a >> 16), 0, 255))
                                              << 8;
}
template <bool Signed> uint16_t shiftPack(I a, I b, U n) {
  constexpr I low = Signed ? -128 : 0, high = Signed ? 127 : 255;
  U first = U(clampTo(a >> (n & 31), low, high)) & 0xff;
  U second = U(clampTo(b >> (n & 31), low, high)) & 0xff;
  return uint16_t(first | second << 8);
}

/// A shift register with the polynomial 0xc5 (the CDNA4 ISA's generator).
U pseudoRandom(U a) { return a << 1 ^ (a >> 31 ? 0xc5u : 0u); }

U mulLo(U a, U b) { return a * b; }

/// Two f16 multiply-adds.
U fmaHalves(U a, U b, U c) {
  auto part = [](U word, unsigned shift) {
    return double(bits<_Float16>(uint16_t(word >> shift)));
  };
  U result = 0;
  for (unsigned shift : {0u, 16u}) {
    auto sum = _Float16(part(a, shift) * part(b, shift) + part(c, shift));
    result |= U(bits<uint16_t>(sum)) << shift;
  }
  return result;
}

FLYATTN_END_LANE_FUNCTIONS

/// f16 arithmetic on packed halves obeys the f16 half of MODE.
constexpr VectorOp packedHalfOp() {
  VectorOp op = accumulateOp<fmaHalves>("v_pk_fmac_f16");
  op.makesHalf = true;
  return op;
}

constexpr VectorOp ops[] = {
    valueOp<sadBytes<false>>("v_sad_u8"),
    valueOp<sadBytes<true>>("v_msad_u8"),
    valueOp<sadHigh>("v_sad_hi_u8"),
    valueOp<sadWords>("v_sad_u16"),
    valueOp<sadQuads<false>>("v_qsad_pk_u16_u8"),
    valueOp<sadQuads<true>>("v_mqsad_pk_u16_u8"),
    valueOp<lerp>("v_lerp_u8"),
    valueOp<satPackBytes>("v_sat_pk_u8_i16"),
    keepHighOp<shiftPack<true>>("v_ashr_pk_i8_i32"),
    keepHighOp<shiftPack<false>>("v_ashr_pk_u8_i32"),
    valueOp<pseudoRandom>("v_prng_b32"),
    valueOp<mulLo>("v_mul_lo_i32"),
    packedHalfOp(),
    accumulateOp<dotFloats<FromHalf>>("v_dot2c_f32_f16"),
    accumulateOp<dotFloats<FromBrain>>("v_dot2c_f32_bf16"),
    accumulateOp<dotWrapping<16, true>>("v_dot2c_i32_i16"),
    accumulateOp<dotWrapping<8, true>>("v_dot4c_i32_i8"),
    accumulateOp<dotWrapping<4, true>>("v_dot8c_i32_i4"),
};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::byteOps() { return ops; }
