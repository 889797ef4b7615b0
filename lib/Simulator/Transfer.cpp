//===- Transfer.cpp - Moving data between registers and memory ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A performer runs when the operation lands. Lanes outside Access::lanes take
// no part; dwords beyond Access::valid read 0 and are not stored.
//
//===----------------------------------------------------------------------===//

#include "Transfer.h"

#include "TransferWhole.h"

#include <emmintrin.h>

using namespace flyattn::sim;

namespace {

template <typename T> T loadAs(uint64_t address) {
  T value;
  std::memcpy(&value, reinterpret_cast<const void *>(address), sizeof(T));
  return value;
}
template <typename T> void storeAs(uint64_t address, T value) {
  std::memcpy(reinterpret_cast<void *>(address), &value, sizeof(T));
}

template <unsigned N> void loadDwords(Wave &w, Access &a) {
  uint32_t *dst = w.vgpr(a.inst->dst);
  if (a.whole) {
    if constexpr (N == 4) {
      loadWhole4(dst, a);
    } else if constexpr (N == 2) {
      loadWhole2(dst, a);
    } else {
      LaneAddresses from = a.addresses();
      for (unsigned i = 0; i < waveSize; ++i) {
        uint64_t address = from[i]; // dst may be the address register
        for (unsigned r = 0; r < N; ++r)
          dst[r * waveSize + i] = loadAs<uint32_t>(address + 4 * r);
      }
    }
    return;
  }
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    uint64_t address = a.at(i);
    for (unsigned r = 0; r < N; ++r)
      dst[r * waveSize + i] =
          r < a.valid[i] ? loadAs<uint32_t>(address + 4 * r) : 0;
  }
}

template <unsigned N> void storeDwords(Wave &, Access &a) {
  if (a.whole) {
    if constexpr (N == 4) {
      storeWhole4(a, a.data);
    } else if constexpr (N == 2) {
      storeWhole2(a, a.data);
    } else {
      LaneAddresses to = a.addresses();
      for (unsigned i = 0; i < waveSize; ++i)
        for (unsigned r = 0; r < N; ++r)
          storeAs<uint32_t>(to[i] + 4 * r, a.data[r * waveSize + i]);
    }
    return;
  }
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    for (unsigned r = 0; r < N && r < a.valid[i]; ++r)
      storeAs<uint32_t>(a.at(i) + 4 * r, a.data[r * waveSize + i]);
  }
}

/// Where a loaded byte or word goes.
enum class Part { All, Low, High };

template <typename T, Part part> void loadSmall(Wave &w, Access &a) {
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    // Sign-extends signed types.
    auto value = uint32_t(int32_t(a.validDwords(i) ? loadAs<T>(a.at(i)) : T()));
    if (part == Part::Low)
      value = (dst[i] & 0xffff0000u) | (value & 0xffffu);
    else if (part == Part::High)
      value = (dst[i] & 0xffffu) | value << 16;
    dst[i] = value;
  }
}

template <typename T, unsigned Shift> void storeSmall(Wave &, Access &a) {
  for (unsigned i = 0; i < waveSize; ++i)
    if (a.lanes >> i & 1 && a.validDwords(i))
      storeAs<T>(a.at(i), T(a.data[i] >> Shift));
}

/// The bytes that a group of 16 lanes reads, as one array.
template <unsigned Registers>
void readLinear(const Access &a, unsigned group, uint8_t *linear) {
  for (unsigned l = 0; l < 16; ++l)
    std::memcpy(linear + l * Registers * 4,
                reinterpret_cast<const void *>(a.at(group + l)), Registers * 4);
}

/// The eight bytes that two lanes each read.
__m128i lanePair(const Access &a, unsigned lane) {
  return _mm_unpacklo_epi64(
      _mm_loadl_epi64(reinterpret_cast<const __m128i *>(a.at(lane))),
      _mm_loadl_epi64(reinterpret_cast<const __m128i *>(a.at(lane + 1))));
}

// Transposed LDS reads: in each group of 16 lanes the bytes read form one
// array of elements; lane L's element n is number 16 n + L % 16. So element n
// of all lanes is row n of the array, and the result interleaves rows.

void loadTransposed16(Wave &w, Access &a) {
  loadWholeTransposed16(w.vgpr(a.inst->dst), a);
}

void loadTransposed8(Wave &w, Access &a) {
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned group = 0; group < waveSize; group += 16) {
    __m128i row[8];                  // a row is what two lanes read
    for (unsigned n = 0; n < 8; ++n) // dst may be the address register
      row[n] = lanePair(a, group + 2 * n);
    for (unsigned r = 0; r < 2; ++r) {
      auto *out = reinterpret_cast<__m128i *>(dst + r * waveSize + group);
      const __m128i *from = row + 4 * r;
      __m128i low01 = _mm_unpacklo_epi8(from[0], from[1]),
              high01 = _mm_unpackhi_epi8(from[0], from[1]),
              low23 = _mm_unpacklo_epi8(from[2], from[3]),
              high23 = _mm_unpackhi_epi8(from[2], from[3]);
      _mm_store_si128(out, _mm_unpacklo_epi16(low01, low23));
      _mm_store_si128(out + 1, _mm_unpackhi_epi16(low01, low23));
      _mm_store_si128(out + 2, _mm_unpacklo_epi16(high01, high23));
      _mm_store_si128(out + 3, _mm_unpackhi_epi16(high01, high23));
    }
  }
}

/// The same for elements of 4 and 6 bits.
template <unsigned Bits, unsigned Registers>
void loadTransposedBits(Wave &w, Access &a) {
  constexpr unsigned elements = Registers * 32 / Bits;
  uint32_t *dst = w.vgpr(a.inst->dst);
  alignas(16) uint8_t linear[16 * Registers * 4 + 4] = {};
  for (unsigned group = 0; group < waveSize; group += 16) {
    readLinear<Registers>(a, group, linear);
    for (unsigned l = 0; l < 16; ++l) {
      uint32_t out[Registers + 1] = {};
      for (unsigned n = 0; n < elements; ++n) {
        unsigned from = (16 * n + l) * Bits, to = n * Bits;
        uint32_t word;
        std::memcpy(&word, linear + from / 8, 4);
        uint64_t value = word >> (from % 8) & ((1u << Bits) - 1);
        out[to / 32] |= uint32_t(value << (to % 32));
        out[to / 32 + 1] |= uint32_t(value << (to % 32) >> 32);
      }
      for (unsigned r = 0; r < Registers; ++r)
        dst[r * waveSize + group + l] = out[r];
    }
  }
}

constexpr TransferOp memoryTable[] = {
    {"load_dword", 4, 1, false, loadDwords<1>},
    {"load_dwordx2", 8, 2, false, loadDwords<2>},
    {"load_dwordx3", 12, 3, false, loadDwords<3>},
    {"load_dwordx4", 16, 4, false, loadDwords<4>},
    {"load_ubyte", 1, 1, false, loadSmall<uint8_t, Part::All>},
    {"load_sbyte", 1, 1, false, loadSmall<int8_t, Part::All>},
    {"load_ushort", 2, 1, false, loadSmall<uint16_t, Part::All>},
    {"load_sshort", 2, 1, false, loadSmall<int16_t, Part::All>},
    {"load_ubyte_d16", 1, 1, false, loadSmall<uint8_t, Part::Low>},
    {"load_sbyte_d16", 1, 1, false, loadSmall<int8_t, Part::Low>},
    {"load_short_d16", 2, 1, false, loadSmall<uint16_t, Part::Low>},
    {"load_ubyte_d16_hi", 1, 1, false, loadSmall<uint8_t, Part::High>},
    {"load_sbyte_d16_hi", 1, 1, false, loadSmall<int8_t, Part::High>},
    {"load_short_d16_hi", 2, 1, false, loadSmall<uint16_t, Part::High>},
    {"store_dword", 4, 1, true, storeDwords<1>},
    {"store_dwordx2", 8, 2, true, storeDwords<2>},
    {"store_dwordx3", 12, 3, true, storeDwords<3>},
    {"store_dwordx4", 16, 4, true, storeDwords<4>},
    {"store_byte", 1, 1, true, storeSmall<uint8_t, 0>},
    {"store_short", 2, 1, true, storeSmall<uint16_t, 0>},
    {"store_byte_d16_hi", 1, 1, true, storeSmall<uint8_t, 16>},
    {"store_short_d16_hi", 2, 1, true, storeSmall<uint16_t, 16>},
};

constexpr TransferOp ldsTable[] = {
    {"read_b32", 4, 1, false, loadDwords<1>},
    {"read_b64", 8, 2, false, loadDwords<2>},
    {"read_b96", 12, 3, false, loadDwords<3>},
    {"read_b128", 16, 4, false, loadDwords<4>},
    {"read_u8", 1, 1, false, loadSmall<uint8_t, Part::All>},
    {"read_i8", 1, 1, false, loadSmall<int8_t, Part::All>},
    {"read_u16", 2, 1, false, loadSmall<uint16_t, Part::All>},
    {"read_i16", 2, 1, false, loadSmall<int16_t, Part::All>},
    {"read_u8_d16", 1, 1, false, loadSmall<uint8_t, Part::Low>},
    {"read_i8_d16", 1, 1, false, loadSmall<int8_t, Part::Low>},
    {"read_u16_d16", 2, 1, false, loadSmall<uint16_t, Part::Low>},
    {"read_u8_d16_hi", 1, 1, false, loadSmall<uint8_t, Part::High>},
    {"read_i8_d16_hi", 1, 1, false, loadSmall<int8_t, Part::High>},
    {"read_u16_d16_hi", 2, 1, false, loadSmall<uint16_t, Part::High>},
    {"read_b64_tr_b16", 8, 2, false, loadTransposed16},
    {"read_b64_tr_b8", 8, 2, false, loadTransposed8},
    {"read_b64_tr_b4", 8, 2, false, loadTransposedBits<4, 2>},
    {"read_b96_tr_b6", 12, 3, false, loadTransposedBits<6, 3>},
    {"write_b32", 4, 1, true, storeDwords<1>},
    {"write_b64", 8, 2, true, storeDwords<2>},
    {"write_b96", 12, 3, true, storeDwords<3>},
    {"write_b128", 16, 4, true, storeDwords<4>},
    {"write_b8", 1, 1, true, storeSmall<uint8_t, 0>},
    {"write_b16", 2, 1, true, storeSmall<uint16_t, 0>},
    {"write_b8_d16_hi", 1, 1, true, storeSmall<uint8_t, 16>},
    {"write_b16_d16_hi", 2, 1, true, storeSmall<uint16_t, 16>},
};

} // namespace

llvm::ArrayRef<TransferOp> flyattn::sim::memoryTransfers() {
  return memoryTable;
}
llvm::ArrayRef<TransferOp> flyattn::sim::ldsTransfers() { return ldsTable; }
