//===- TransferWhole.cpp - Transfers in which all lanes take part ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lanes hold rows of memory and registers hold columns: a transfer transposes.
// Rows are combined by pairs, four lanes apart, such that 256-bit vectors do
// the work of eight lanes.
//
//===----------------------------------------------------------------------===//

#include "TransferWhole.h"

using namespace flyattn::sim;

#define FLYATTN_FOR_HOST __attribute__((target_clones("avx2", "default")))

namespace {

using Row = uint32_t __attribute__((vector_size(16)));
using RowPair = uint32_t __attribute__((vector_size(32)));
using Longs = uint64_t __attribute__((vector_size(16)));
using Halves = uint16_t __attribute__((vector_size(16)));

template <typename T> FLYATTN_ALWAYS_INLINE T loadAs(uint64_t address) {
  T value;
  __builtin_memcpy(&value, reinterpret_cast<const void *>(address), sizeof(T));
  return value;
}
template <typename T>
FLYATTN_ALWAYS_INLINE void storeAs(uint64_t address, const T &value) {
  __builtin_memcpy(reinterpret_cast<void *>(address), &value, sizeof(T));
}

/// Eight bytes of each of two lanes.
FLYATTN_ALWAYS_INLINE Row load2(uint64_t first, uint64_t second) {
  return Row(Longs{loadAs<uint64_t>(first), loadAs<uint64_t>(second)});
}

/// Eight bytes, in the low half.
FLYATTN_ALWAYS_INLINE Halves load4Halves(uint64_t address) {
  return Halves(Longs{loadAs<uint64_t>(address), 0});
}

/// 16 bytes of lanes `lane` and `lane` + 4.
FLYATTN_ALWAYS_INLINE void loadPair(RowPair &pair, const LaneAddresses &from,
                                    unsigned lane) {
  auto low = loadAs<Row>(from[lane]), high = loadAs<Row>(from[lane + 4]);
  pair = __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7);
}

/// Transposes the 4x4 dwords in the low and in the high halves of the rows.
FLYATTN_ALWAYS_INLINE void transpose(RowPair (&r)[4]) {
  RowPair t[4];
  for (unsigned n = 0; n < 2; ++n) {
    RowPair a = r[2 * n], b = r[2 * n + 1];
    t[n] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
    t[n + 2] = __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (unsigned n = 0; n < 2; ++n) {
    RowPair a = t[2 * n], b = t[2 * n + 1];
    r[2 * n] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
    r[2 * n + 1] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
  }
}

} // namespace

FLYATTN_FOR_HOST void flyattn::sim::loadWhole4(uint32_t *dst,
                                               const Access &access) {
  LaneAddresses from = access.addresses();
  for (unsigned lane = 0; lane < waveSize; lane += 8) {
    RowPair r[4];
    for (unsigned n = 0; n < 4; ++n)
      loadPair(r[n], from, lane + n);
    transpose(r);
    for (unsigned n = 0; n < 4; ++n)
      __builtin_memcpy(dst + n * waveSize + lane, &r[n], sizeof(RowPair));
  }
}

FLYATTN_FOR_HOST void flyattn::sim::storeWhole4(const Access &access,
                                                const uint32_t *data) {
  LaneAddresses to = access.addresses();
  for (unsigned lane = 0; lane < waveSize; lane += 8) {
    RowPair r[4];
    for (unsigned n = 0; n < 4; ++n)
      __builtin_memcpy(&r[n], data + n * waveSize + lane, sizeof(RowPair));
    transpose(r);
    // Of lanes that store to one place the highest wins.
    for (unsigned n = 0; n < 4; ++n)
      storeAs<Row>(to[lane + n],
                   __builtin_shufflevector(r[n], r[n], 0, 1, 2, 3));
    for (unsigned n = 0; n < 4; ++n)
      storeAs<Row>(to[lane + n + 4],
                   __builtin_shufflevector(r[n], r[n], 4, 5, 6, 7));
  }
}

FLYATTN_FOR_HOST void flyattn::sim::loadWhole2(uint32_t *dst,
                                               const Access &access) {
  LaneAddresses from = access.addresses();
  for (unsigned lane = 0; lane < waveSize; lane += 4) {
    Row a = load2(from[lane], from[lane + 1]);
    Row b = load2(from[lane + 2], from[lane + 3]);
    Row low = __builtin_shufflevector(a, b, 0, 2, 4, 6);
    Row high = __builtin_shufflevector(a, b, 1, 3, 5, 7);
    __builtin_memcpy(dst + lane, &low, sizeof(low));
    __builtin_memcpy(dst + waveSize + lane, &high, sizeof(high));
  }
}

FLYATTN_FOR_HOST void flyattn::sim::storeWhole2(const Access &access,
                                                const uint32_t *data) {
  LaneAddresses to = access.addresses();
  for (unsigned lane = 0; lane < waveSize; lane += 4) {
    Row low, high;
    __builtin_memcpy(&low, data + lane, sizeof(low));
    __builtin_memcpy(&high, data + waveSize + lane, sizeof(high));
    auto first = Longs(__builtin_shufflevector(low, high, 0, 4, 1, 5));
    auto last = Longs(__builtin_shufflevector(low, high, 2, 6, 3, 7));
    for (unsigned n = 0; n < 2; ++n)
      storeAs<uint64_t>(to[lane + n], first[n]);
    for (unsigned n = 0; n < 2; ++n)
      storeAs<uint64_t>(to[lane + n + 2], last[n]);
  }
}

FLYATTN_FOR_HOST void
flyattn::sim::loadWholeTransposed16(uint32_t *dst, const Access &access) {
  LaneAddresses from = access.addresses();
  for (unsigned group = 0; group < waveSize; group += 16) {
    Halves out[2][4]; // complete before a store may overwrite an address
    for (unsigned r = 0; r < 2; ++r)
      for (unsigned part = 0; part < 4; ++part) {
        unsigned lane = group + 8 * r + part; // a row is what four lanes read
        Halves even = load4Halves(from[lane]),
               odd = load4Halves(from[lane + 4]);
        out[r][part] =
            __builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11);
      }
    for (unsigned r = 0; r < 2; ++r)
      __builtin_memcpy(dst + r * waveSize + group, out[r], sizeof(out[r]));
  }
}

FLYATTN_FOR_HOST void flyattn::sim::gatherWhole16(uint8_t *to,
                                                  const Access &access) {
  LaneAddresses from = access.addresses();
  for (unsigned lane = 0; lane < waveSize; ++lane) {
    auto row = loadAs<Row>(from[lane]);
    __builtin_memcpy(to + 16 * lane, &row, sizeof(row));
  }
}
