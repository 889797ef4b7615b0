//===- BufferFormatTest.cpp - Typed buffers -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryTest.h"
#include "VectorCheck.h"

using namespace flyattn::test;

namespace {

/// Component widths from the lowest bit on, by the number of the format.
struct Layout {
  unsigned number;
  std::vector<unsigned> bits;
  const char *name;
};
const Layout layouts[] = {
    {1, {8}, "8"},
    {2, {16}, "16"},
    {3, {8, 8}, "8_8"},
    {4, {32}, "32"},
    {5, {16, 16}, "16_16"},
    {6, {11, 11, 10}, "10_11_11"},
    {7, {10, 11, 11}, "11_11_10"},
    {8, {2, 10, 10, 10}, "10_10_10_2"},
    {9, {10, 10, 10, 2}, "2_10_10_10"},
    {10, {8, 8, 8, 8}, "8_8_8_8"},
    {11, {32, 32}, "32_32"},
    {12, {16, 16, 16, 16}, "16_16_16_16"},
    {13, {32, 32, 32}, "32_32_32"},
    {14, {32, 32, 32, 32}, "32_32_32_32"},
};
const char *const numbers[] = {"UNORM", "SNORM", "USCALED", "SSCALED",
                               "UINT",  "SINT",  nullptr,   "FLOAT"};

W bitsAt(const std::vector<uint8_t> &data, size_t bit, unsigned count) {
  W value = 0;
  for (unsigned n = 0; n < count; ++n)
    value |= W(data[(bit + n) / 8] >> (bit + n) % 8 & 1) << n;
  return value;
}
double miniFloat(W code, unsigned mantissaBits) {
  W mantissa = code & ((1u << mantissaBits) - 1),
    exponent = code >> mantissaBits;
  double fraction = mantissa / double(1u << mantissaBits);
  if (exponent == 31)
    return mantissa ? NAN : INFINITY;
  return exponent ? std::ldexp(1 + fraction, int(exponent) - 15)
                  : std::ldexp(fraction, -14);
}
/// What a component loads as: f32 bits or an integer.
W loaded(W code, unsigned bits, unsigned number) {
  double all = std::ldexp(1.0, int(bits)) - 1,
         half = std::ldexp(1.0, int(bits) - 1);
  double value = code >= half ? code - (all + 1) : code;
  switch (number) {
  case 0:
    return word(float(float(code) / float(all)));
  case 1:
    return word(std::max(float(value) / float(half - 1), -1.0f));
  case 2:
    return word(float(code));
  case 3:
    return word(float(value));
  case 4:
    return code;
  case 5:
    return W(int64_t(value));
  default:
    return bits == 32   ? code
           : bits == 16 ? word(float(halfToDouble(code)))
                        : word(float(miniFloat(code, bits - 5)));
  }
}
bool exists(const Layout &l, unsigned number) {
  if (number == 6 || (l.bits[0] == 32 && number < 4))
    return false;
  return number != 7 || (l.bits[0] >= 10 && l.bits.back() != 2);
}
std::string components(unsigned count) {
  return std::string("xyzw").substr(0, count);
}
/// How MTBUF says its format.
std::string formatText(const Layout &l, unsigned number) {
  return std::string(" format:[BUF_DATA_FORMAT_") + l.name +
         ",BUF_NUM_FORMAT_" + numbers[number] + "]";
}
/// A raw resource with a format and the usual selection.
std::string typed(unsigned data, unsigned number, unsigned size,
                  unsigned select = 4 | 5 << 3 | 6 << 6 | 7 << 9) {
  return "s_mov_b32 s48, s4\ns_mov_b32 s49, s5\ns_mov_b32 s50, " +
         std::to_string(size) + "\ns_mov_b32 s51, " +
         std::to_string(select | number << 12 | data << 15) + "\n";
}

TEST(BufferFormat, Loads) {
  for (const Layout &l : layouts)
    for (unsigned number = 0; number < 8; ++number) {
      if (!exists(l, number))
        continue;
      unsigned bytes = 0;
      for (unsigned b : l.bits)
        bytes += b;
      bytes /= 8;
      // By the resource's format, and by the instruction's.
      for (bool fromInst : {false, true})
        for (unsigned count = 1; count <= 4; ++count) {
          KernelText k("gfx942");
          k.data = noise(64 * 16 + 16);
          for (unsigned i = 0; i < 64; ++i)
            k.vgpr[30][i] = i * bytes;
          unsigned size = 62 * bytes + 4; // the last lanes are outside
          std::string text =
              typed(fromInst ? 0 : l.number, fromInst ? 0 : number, size) +
              (fromInst ? "t" : "") + "buffer_load_format_" +
              components(count) + " " + range(0, count) + ", v30, s[48:51], 0" +
              (fromInst ? formatText(l, number) : "") + " offen offset:4";
          ASSERT_TRUE(k.run(text)) << text << k.error;
          for (unsigned i = 0; i < 64; ++i) {
            unsigned at = 8 * (4 + i * bytes);
            for (unsigned n = 0; n < count; ++n) {
              W one = number == 4 || number == 5 ? 1 : word(1.0f);
              W want = n == 3 ? one : 0;
              if (n < l.bits.size())
                want = loaded(bitsAt(k.data, at, l.bits[n]), l.bits[n], number);
              if (i >= 62)
                want = 0;
              ASSERT_TRUE(sameFloat(k.vgpr[n][i], want))
                  << text << " lane " << i << " component " << n;
              at += n < l.bits.size() ? l.bits[n] : 0;
            }
          }
        }
    }
}

TEST(BufferFormat, SelectionAndHalves) {
  KernelText k("gfx950");
  k.data = noise(64 * 4);
  for (unsigned i = 0; i < 64; ++i)
    k.vgpr[30][i] = i * 4;
  for (unsigned r = 0; r < 16; ++r)
    k.vgpr[r] = testLanes(r);
  KernelText was = k;
  // (A, 1, R, 0) of 8_8_8_8 unorm.
  unsigned select = 7 | 1 << 3 | 4 << 6 | 0 << 9;
  std::string ops = ", v30, s[48:51], 0 offen\n";
  auto typedOps = [](unsigned data, unsigned number) {
    return ", v30, s[48:51], 0" + formatText(layouts[data - 1], number) +
           " offen\n";
  };
  ASSERT_TRUE(k.run(
      typed(10, 0, 256, select) + "buffer_load_format_xyzw v[0:3]" + ops +
      typed(10, 0, 256) + "buffer_load_format_d16_x v4" + ops +
      "buffer_load_format_d16_hi_x v5" + ops + "buffer_load_format_d16_xy v6" +
      ops + "buffer_load_format_d16_xyz v[8:9]" + ops +
      "buffer_load_format_d16_xyzw v[10:11]" + ops +
      "tbuffer_load_format_d16_x v12" + typedOps(5, 5) +
      "tbuffer_load_format_d16_xy v13" + typedOps(5, 7) +
      "tbuffer_load_format_d16_xyz v[14:15]" + typedOps(10, 4) +
      "tbuffer_load_format_d16_xyzw v[16:17]" + typedOps(10, 4)))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    auto byte = [&](unsigned n) { return W(k.data[4 * i + n]); };
    auto half = [&](unsigned n) { return halfFromDouble(byte(n) / 255.0f); };
    EXPECT_EQ(k.vgpr[0][i], loaded(byte(3), 8, 0));
    EXPECT_EQ(k.vgpr[1][i], word(1.0f));
    EXPECT_EQ(k.vgpr[2][i], loaded(byte(0), 8, 0));
    EXPECT_EQ(k.vgpr[3][i], 0u);
    EXPECT_EQ(k.vgpr[4][i], (was.vgpr[4][i] & 0xffff0000) | half(0));
    EXPECT_EQ(k.vgpr[5][i], (was.vgpr[5][i] & 0xffff) | half(0) << 16);
    EXPECT_EQ(k.vgpr[6][i], half(0) | half(1) << 16);
    EXPECT_EQ(k.vgpr[8][i], half(0) | half(1) << 16);
    EXPECT_EQ(k.vgpr[9][i] & 0xffff, half(2));
    EXPECT_EQ(k.vgpr[10][i], half(0) | half(1) << 16);
    EXPECT_EQ(k.vgpr[11][i], half(2) | half(3) << 16);
    EXPECT_EQ(k.vgpr[12][i] & 0xffff, byte(0) | byte(1) << 8);
    W pair = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    EXPECT_TRUE(sameHalf(k.vgpr[13][i], pair));
    EXPECT_TRUE(sameHalf(k.vgpr[13][i] >> 16, pair >> 16));
    EXPECT_EQ(k.vgpr[14][i], byte(0) | byte(1) << 16);
    EXPECT_EQ(k.vgpr[15][i] & 0xffff, byte(2));
    EXPECT_EQ(k.vgpr[17][i], byte(2) | byte(3) << 16);
  }
}

/// Values that a component of `bits` bits can hold, and some that clamp.
W stored(double x, unsigned bits, unsigned number) {
  double all = std::ldexp(1.0, int(bits)) - 1, half = std::floor(all / 2);
  auto code = [&](double v) {
    return W(int64_t(std::nearbyint(v)) & int64_t(all));
  };
  switch (number) {
  case 0:
    return code(std::clamp(x, 0.0, 1.0) * all);
  case 1:
    return code(std::clamp(x, -1.0, 1.0) * half);
  case 2:
    return code(std::clamp(std::trunc(x), 0.0, all));
  case 3:
    return code(std::clamp(std::trunc(x), -half - 1, half));
  default:
    return bits == 32 ? word(float(x)) : halfFromDouble(x);
  }
}

TEST(BufferFormat, Stores) {
  for (const Layout &l : layouts)
    for (unsigned number : {0u, 1u, 2u, 3u, 4u, 5u, 7u}) {
      bool small = l.bits[0] == 11 || (l.bits[0] == 10 && l.bits.size() == 3);
      if (!exists(l, number) || (number == 7 && small))
        continue;
      unsigned bytes = 0, count = l.bits.size();
      for (unsigned b : l.bits)
        bytes += b;
      bytes /= 8;
      bool integer = number == 4 || number == 5;
      for (bool fromInst : {false, true}) {
        KernelText k("gfx950");
        k.data.assign(64 * 16, 0xee);
        for (unsigned i = 0; i < 64; ++i) {
          k.vgpr[30][i] = i * bytes;
          for (unsigned n = 0; n < 4; ++n) {
            double x = (int(i) - 20 + int(n)) / 16.0;
            x = number == 2 || number == 3 ? x * 100 : x;
            k.vgpr[n][i] = integer ? W(int(i) * 3 - 40) : word(float(x));
          }
        }
        std::string text =
            typed(fromInst ? 0 : l.number, fromInst ? 0 : number, 63 * bytes) +
            (fromInst ? "t" : "") + "buffer_store_format_" + components(count) +
            " " + range(0, count) + ", v30, s[48:51], 0" +
            (fromInst ? formatText(l, number) : "") + " offen";
        ASSERT_TRUE(k.run(text)) << text << k.error;
        for (unsigned i = 0; i < 63; ++i) {
          unsigned at = 8 * i * bytes;
          for (unsigned n = 0; n < count; at += l.bits[n++]) {
            double all = std::ldexp(1.0, int(l.bits[n])) - 1;
            W want = stored(real(k.vgpr[n][i]), l.bits[n], number);
            if (number == 4)
              want = W(std::min(double(k.vgpr[n][i]), all));
            if (number == 5) {
              double half = std::floor(all / 2);
              want = W(int64_t(std::clamp(double(int32_t(k.vgpr[n][i])),
                                          -half - 1, half)) &
                       int64_t(all));
            }
            ASSERT_EQ(bitsAt(k.data, at, l.bits[n]), want)
                << text << " lane " << i << " component " << n;
          }
        }
        EXPECT_EQ(k.data[63 * bytes], 0xee) << text; // out of range
      }
    }
}

TEST(BufferFormat, StoresOfHalves) {
  KernelText k("gfx942");
  k.data.assign(64 * 32, 0xee);
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[30][i] = i * 32;
    k.vgpr[0][i] = 0x38003c00; // (1, 0.5)
    k.vgpr[1][i] = 0x34000000; // (0, 0.25)
  }
  std::string ops = ", v30, s[48:51], 0 offen ";
  std::string format =
      ", v30, s[48:51], 0" + formatText(layouts[9], 0) + " offen ";
  ASSERT_TRUE(
      k.run(typed(10, 0, 64 * 32) + "buffer_store_format_d16_x v0" + ops +
            "\nbuffer_store_format_d16_hi_x v0" + ops + "offset:4\n" +
            "buffer_store_format_d16_xy v0" + ops + "offset:8\n" +
            "buffer_store_format_d16_xyz v[0:1]" + ops + "offset:12\n" +
            "buffer_store_format_d16_xyzw v[0:1]" + ops + "offset:16\n" +
            "tbuffer_store_format_d16_x v0" + format + "offset:20\n" +
            "tbuffer_store_format_d16_xy v0" + format + "offset:24\n" +
            "tbuffer_store_format_d16_xyz v[0:1]" + format + "offset:28\n" +
            "tbuffer_store_format_d16_xyzw v[0:1]" + format + "offset:0\n"))
      << k.error;
  const W expected[] = {0x400080ff, 0x80, 0x80ff, 0x80ff,
                        0x400080ff, 0xff, 0x80ff, 0x80ff};
  for (unsigned i = 0; i < 64; ++i)
    for (unsigned n = 0; n < 8; ++n)
      EXPECT_EQ(bytesAt(k.data, i * 32 + 4 * n, 4), expected[n]) << n;
}

TEST(BufferFormat, Refusals) {
  KernelText k("gfx942");
  k.data.assign(64, 0);
  EXPECT_FALSE(
      k.run(typed(0, 0, 64) + "buffer_load_format_x v0, off, s[48:51], 0"));
  EXPECT_NE(k.error.find("format is not implemented"), std::string::npos)
      << k.error;
  EXPECT_FALSE(k.run(typed(4, 7, 128) +
                     "buffer_load_format_x v0, off, s[48:51], 0 offset:64"));
  EXPECT_NE(k.error.find("outside every allocation"), std::string::npos)
      << k.error;
}

} // namespace
