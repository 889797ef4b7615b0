//===- MemoryTest.h - What tests of memory instructions share -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_SIMULATOR_MEMORYTEST_H
#define FLYATTN_TEST_UNIT_SIMULATOR_MEMORYTEST_H

#include "InstructionTest.h"

#include <functional>

namespace flyattn::test {

using W = uint32_t;
using D = uint64_t;

inline W bytesAt(const std::vector<uint8_t> &data, size_t at, unsigned count) {
  W value = 0;
  for (unsigned n = 0; n < count; ++n)
    value |= W(data[at + n]) << 8 * n;
  return value;
}
inline std::vector<uint8_t> noise(size_t size) {
  std::vector<uint8_t> data(size);
  W state = 99;
  for (uint8_t &byte : data)
    byte = uint8_t((state = state * 1664525 + 1013904223) >> 24);
  return data;
}

/// How a load of one element fills its register.
struct Element {
  const char *memory, *lds; ///< suffixes; null: there is none
  unsigned bytes;
  std::function<W(W value, W old)> place;
};
inline const Element elements[] = {
    {"ubyte", "u8", 1, [](W v, W) { return v; }},
    {"sbyte", "i8", 1, [](W v, W) { return W(int8_t(v)); }},
    {"ushort", "u16", 2, [](W v, W) { return v; }},
    {"sshort", "i16", 2, [](W v, W) { return W(int16_t(v)); }},
    {"ubyte_d16", "u8_d16", 1, [](W v, W o) { return (o & ~0xffffu) | v; }},
    {"sbyte_d16", "i8_d16", 1,
     [](W v, W o) { return (o & ~0xffffu) | (W(int8_t(v)) & 0xffff); }},
    {"short_d16", "u16_d16", 2, [](W v, W o) { return (o & ~0xffffu) | v; }},
    {"ubyte_d16_hi", "u8_d16_hi", 1,
     [](W v, W o) { return (o & 0xffff) | v << 16; }},
    {"sbyte_d16_hi", "i8_d16_hi", 1,
     [](W v, W o) { return (o & 0xffff) | W(int8_t(v)) << 16; }},
    {"short_d16_hi", "u16_d16_hi", 2,
     [](W v, W o) { return (o & 0xffff) | v << 16; }},
    {"dword", "b32", 4, [](W v, W) { return v; }},
};
inline const char *const widths[] = {"", "x2", "x3", "x4"};
inline const char *const ldsWidths[] = {"b32", "b64", "b96", "b128"};
inline constexpr D someLanes = 0xf00f1234ffff0ff1;

inline std::string range(unsigned first, unsigned count) {
  return count == 1 ? "v" + std::to_string(first)
                    : "v[" + std::to_string(first) + ":" +
                          std::to_string(first + count - 1) + "]";
}

/// A raw buffer of `records` bytes at s[4:5], in s[48:51].
inline std::string resource(unsigned records) {
  return "s_mov_b32 s48, s4\ns_mov_b32 s49, s5\ns_mov_b32 s50, " +
         std::to_string(records) + "\ns_mov_b32 s51, 0x20000\n";
}

} // namespace flyattn::test

#endif // FLYATTN_TEST_UNIT_SIMULATOR_MEMORYTEST_H
