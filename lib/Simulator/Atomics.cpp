//===- Atomics.cpp - Read-modify-write of memory and LDS ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An atomic is a function from the value in memory and one or two operands to
// the value that replaces it.
//
//===----------------------------------------------------------------------===//

#include "Atomics.h"

#include <limits>
#include <type_traits>

using namespace flyattn::sim;

namespace {

/// One read-modify-write, atomic among host threads; returns the old value.
template <typename T, typename Fn> T atomicUpdate(uint64_t address, Fn update) {
  auto *memory = reinterpret_cast<T *>(address);
  T old = __atomic_load_n(memory, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(memory, &old, update(old),
                                      /*weak=*/false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED)) {
  }
  return old;
}

/// Applies Fn(old, operand) or Fn(old, first, second) with operands of a lane.
template <typename T, T (*Fn)(T, T)>
T update(uint64_t address, const T *operands) {
  return atomicUpdate<T>(address, [=](T old) { return Fn(old, operands[0]); });
}
template <typename T, T (*Fn)(T, T, T)>
T update(uint64_t address, const T *operands) {
  return atomicUpdate<T>(
      address, [=](T old) { return Fn(old, operands[0], operands[1]); });
}
constexpr unsigned operandsOf(uint32_t (*)(uint32_t, uint32_t)) { return 1; }
constexpr unsigned operandsOf(uint64_t (*)(uint64_t, uint64_t)) { return 1; }
constexpr unsigned operandsOf(uint32_t (*)(uint32_t, uint32_t, uint32_t)) {
  return 2;
}
constexpr unsigned operandsOf(uint64_t (*)(uint64_t, uint64_t, uint64_t)) {
  return 2;
}

/// Operand `n` of lane `lane`; registers are `stride` dwords apart.
template <typename T>
T operand(const uint32_t *data, unsigned n, unsigned stride, unsigned lane) {
  constexpr unsigned regs = sizeof(T) / 4;
  uint64_t low = data[n * regs * stride + lane];
  if constexpr (regs == 2)
    low |= uint64_t(data[(n * regs + 1) * stride + lane]) << 32;
  return T(low);
}

/// Lanes in ascending order: floating-point sums depend on it.
template <typename T, auto Fn> void vectorAtomic(Wave &w, Access &a) {
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1) || !a.validDwords(i))
      continue;
    T operands[2] = {};
    for (unsigned n = 0; n < operandsOf(Fn); ++n)
      operands[n] = operand<T>(a.data, n, waveSize, i);
    T old = update<T, Fn>(a.at(i), operands);
    if (!(a.inst->flags & ReturnsOld))
      continue;
    dst[i] = uint32_t(old);
    if constexpr (sizeof(T) == 8)
      dst[waveSize + i] = uint32_t(old >> 32);
  }
}

template <typename T, auto Fn> void scalarAtomic(Wave &w, Access &a) {
  if (!a.valid[0])
    return;
  T operands[2] = {};
  for (unsigned n = 0; n < operandsOf(Fn); ++n)
    operands[n] = operand<T>(a.copy, n, 1, 0);
  T old = update<T, Fn>(a.address[0], operands);
  if (a.inst->flags & ReturnsOld)
    std::memcpy(w.s + a.inst->dst, &old, sizeof(T));
}

using U = uint32_t;
using U64 = uint64_t;
template <typename T> T add(T a, T b) { return a + b; }
template <typename T> T sub(T a, T b) { return a - b; }
template <typename T> T rsub(T a, T b) { return b - a; }
template <typename T> T bitAnd(T a, T b) { return a & b; }
template <typename T> T bitOr(T a, T b) { return a | b; }
template <typename T> T bitXor(T a, T b) { return a ^ b; }
template <typename T> T swap(T, T b) { return b; }
template <typename T> T minU(T a, T b) { return a < b ? a : b; }
template <typename T> T maxU(T a, T b) { return a > b ? a : b; }
template <typename T> T minI(T a, T b) {
  using S = std::make_signed_t<T>;
  return S(a) < S(b) ? a : b;
}
template <typename T> T maxI(T a, T b) {
  using S = std::make_signed_t<T>;
  return S(a) > S(b) ? a : b;
}
/// Counts up to b and then from 0; down from b.
template <typename T> T inc(T a, T b) { return a >= b ? 0 : a + 1; }
template <typename T> T dec(T a, T b) { return a == 0 || a > b ? b : a - 1; }
/// Memory: data, compare. LDS: compare, data.
template <typename T> T compareSwap(T a, T data, T compare) {
  return a == compare ? data : a;
}
template <typename T> T compareStore(T a, T compare, T data) {
  return a == compare ? data : a;
}
template <typename T> T maskOr(T a, T mask, T b) { return (a & ~mask) | b; }
U wrap(U a, U b, U c) { return a >= b ? a - b : a + c; }
/// Each half whose top bit is set is stored, without that bit.
U64 conditionalExchange(U64 a, U64 b) {
  constexpr U64 top[2] = {U64(1) << 31, U64(1) << 63};
  constexpr U64 half[2] = {0xffffffff, 0xffffffff00000000};
  for (unsigned n = 0; n < 2; ++n)
    if (b & top[n])
      a = (a & ~half[n]) | (b & half[n] & ~top[n]);
  return a;
}

template <typename T>
using FloatOf = std::conditional_t<sizeof(T) == 8, double, float>;
template <typename T> FloatOf<T> asFloat(T a) {
  return __builtin_bit_cast(FloatOf<T>, a);
}
template <typename F> std::conditional_t<sizeof(F) == 8, U64, U> asBits(F a) {
  return __builtin_bit_cast(decltype(asBits(a)), a);
}
template <typename T> T addF(T a, T b) {
  return asBits(asFloat(a) + asFloat(b));
}
/// A number beats a NaN.
template <typename T> T maxF(T a, T b) {
  return asFloat(b) != asFloat(b) || asFloat(a) > asFloat(b) ? a : b;
}
template <typename T> T minF(T a, T b) {
  return asFloat(b) != asFloat(b) || asFloat(a) < asFloat(b) ? a : b;
}
template <typename T> T compareStoreF(T a, T compare, T data) {
  return asFloat(a) == asFloat(compare) ? data : a;
}
U addHalf(uint16_t a, uint16_t b) {
  auto sum = _Float16(float(__builtin_bit_cast(_Float16, a)) +
                      float(__builtin_bit_cast(_Float16, b)));
  return __builtin_bit_cast(uint16_t, sum);
}
U pkAddF16(U a, U b) {
  return addHalf(uint16_t(a), uint16_t(b)) |
         addHalf(uint16_t(a >> 16), uint16_t(b >> 16)) << 16;
}
U addBf16(U a, U b) {
  U word = asBits(asFloat(a << 16) + asFloat(b << 16));
  bool isNan = (word & 0x7fffffff) > 0x7f800000;
  return isNan ? word >> 16 | 0x40 : (word + 0x7fff + (word >> 16 & 1)) >> 16;
}
U pkAddBf16(U a, U b) {
  return addBf16(a & 0xffff, b & 0xffff) | addBf16(a >> 16, b >> 16) << 16;
}

/// The row of an atomic on T; `operands` of data together.
template <typename T, auto Fn> constexpr TransferOp row(const char *suffix) {
  return {suffix, sizeof(T), uint8_t(operandsOf(Fn) * sizeof(T) / 4), true,
          vectorAtomic<T, Fn>};
}
template <typename T, auto Fn> constexpr AtomicOp integer(const char *suffix) {
  return {row<T, Fn>(suffix), scalarAtomic<T, Fn>};
}
template <typename T, auto Fn> constexpr AtomicOp real(const char *suffix) {
  return {row<T, Fn>(suffix), nullptr};
}
/// LDS has its operands in registers of their own: `registers` is of one.
template <typename T, auto Fn> constexpr TransferOp lds(const char *suffix) {
  TransferOp op = row<T, Fn>(suffix);
  op.registers = sizeof(T) / 4;
  return op;
}

constexpr AtomicOp memoryAtomicTable[] = {
    integer<U, add<U>>("atomic_add"),
    integer<U, sub<U>>("atomic_sub"),
    integer<U, minI<U>>("atomic_smin"),
    integer<U, minU<U>>("atomic_umin"),
    integer<U, maxI<U>>("atomic_smax"),
    integer<U, maxU<U>>("atomic_umax"),
    integer<U, bitAnd<U>>("atomic_and"),
    integer<U, bitOr<U>>("atomic_or"),
    integer<U, bitXor<U>>("atomic_xor"),
    integer<U, inc<U>>("atomic_inc"),
    integer<U, dec<U>>("atomic_dec"),
    integer<U, swap<U>>("atomic_swap"),
    integer<U, compareSwap<U>>("atomic_cmpswap"),
    integer<U64, add<U64>>("atomic_add_x2"),
    integer<U64, sub<U64>>("atomic_sub_x2"),
    integer<U64, minI<U64>>("atomic_smin_x2"),
    integer<U64, minU<U64>>("atomic_umin_x2"),
    integer<U64, maxI<U64>>("atomic_smax_x2"),
    integer<U64, maxU<U64>>("atomic_umax_x2"),
    integer<U64, bitAnd<U64>>("atomic_and_x2"),
    integer<U64, bitOr<U64>>("atomic_or_x2"),
    integer<U64, bitXor<U64>>("atomic_xor_x2"),
    integer<U64, inc<U64>>("atomic_inc_x2"),
    integer<U64, dec<U64>>("atomic_dec_x2"),
    integer<U64, swap<U64>>("atomic_swap_x2"),
    integer<U64, compareSwap<U64>>("atomic_cmpswap_x2"),
    real<U, addF<U>>("atomic_add_f32"),
    real<U, pkAddF16>("atomic_pk_add_f16"),
    real<U, pkAddBf16>("atomic_pk_add_bf16"),
    real<U64, addF<U64>>("atomic_add_f64"),
    real<U64, minF<U64>>("atomic_min_f64"),
    real<U64, maxF<U64>>("atomic_max_f64"),
};

constexpr TransferOp ldsAtomicTable[] = {
    lds<U, add<U>>("add_u32"),
    lds<U, sub<U>>("sub_u32"),
    lds<U, rsub<U>>("rsub_u32"),
    lds<U, inc<U>>("inc_u32"),
    lds<U, dec<U>>("dec_u32"),
    lds<U, minI<U>>("min_i32"),
    lds<U, minU<U>>("min_u32"),
    lds<U, maxI<U>>("max_i32"),
    lds<U, maxU<U>>("max_u32"),
    lds<U, bitAnd<U>>("and_b32"),
    lds<U, bitOr<U>>("or_b32"),
    lds<U, bitXor<U>>("xor_b32"),
    lds<U, maskOr<U>>("mskor_b32"),
    lds<U, swap<U>>("wrxchg_rtn_b32"),
    lds<U, compareStore<U>>("cmpst_b32"),
    lds<U, compareStoreF<U>>("cmpst_f32"),
    lds<U, addF<U>>("add_f32"),
    lds<U, minF<U>>("min_f32"),
    lds<U, maxF<U>>("max_f32"),
    lds<U, pkAddF16>("pk_add_f16"),
    lds<U, pkAddBf16>("pk_add_bf16"),
    lds<U, wrap>("wrap_rtn_b32"),
    lds<U64, add<U64>>("add_u64"),
    lds<U64, sub<U64>>("sub_u64"),
    lds<U64, rsub<U64>>("rsub_u64"),
    lds<U64, inc<U64>>("inc_u64"),
    lds<U64, dec<U64>>("dec_u64"),
    lds<U64, minI<U64>>("min_i64"),
    lds<U64, minU<U64>>("min_u64"),
    lds<U64, maxI<U64>>("max_i64"),
    lds<U64, maxU<U64>>("max_u64"),
    lds<U64, bitAnd<U64>>("and_b64"),
    lds<U64, bitOr<U64>>("or_b64"),
    lds<U64, bitXor<U64>>("xor_b64"),
    lds<U64, maskOr<U64>>("mskor_b64"),
    lds<U64, swap<U64>>("wrxchg_rtn_b64"),
    lds<U64, compareStore<U64>>("cmpst_b64"),
    lds<U64, compareStoreF<U64>>("cmpst_f64"),
    lds<U64, addF<U64>>("add_f64"),
    lds<U64, minF<U64>>("min_f64"),
    lds<U64, maxF<U64>>("max_f64"),
    lds<U64, conditionalExchange>("condxchg32_rtn_b64"),
};

} // namespace

llvm::ArrayRef<AtomicOp> flyattn::sim::memoryAtomics() {
  return memoryAtomicTable;
}
llvm::ArrayRef<TransferOp> flyattn::sim::ldsAtomics() { return ldsAtomicTable; }
