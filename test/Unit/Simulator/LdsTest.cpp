//===- LdsTest.cpp - LDS, LDS DMA, and moves between lanes ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryTest.h"

using namespace flyattn::test;

namespace {

TEST(Lds, ElementsAndDwords) {
  for (D exec : {~D(0), someLanes}) {
    KernelText k("gfx950");
    for (unsigned r = 0; r < 12; ++r)
      k.vgpr[r] = testLanes(r);
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[30][i] = i * 20;
    k.exec = exec;
    KernelText was = k;
    for (unsigned n = 1; n <= 4; ++n) {
      k = was;
      std::string width = ldsWidths[n - 1];
      ASSERT_TRUE(k.run("ds_write_" + width + " v30, " + range(4, n) +
                        " offset:8\nds_read_" + width + " " + range(0, n) +
                        ", v30 offset:8\ns_waitcnt lgkmcnt(0)"))
          << k.error;
      for (unsigned i = 0; i < 64; ++i)
        for (unsigned r = 0; r < n; ++r)
          EXPECT_EQ(k.vgpr[r][i], was.vgpr[exec >> i & 1 ? 4 + r : r][i]);
    }
    for (const Element &e : elements) {
      if (!e.lds || e.bytes == 4)
        continue;
      k = was;
      ASSERT_TRUE(k.run("ds_write_b32 v30, v4\nds_read_" + std::string(e.lds) +
                        " v0, v30 offset:1\ns_waitcnt lgkmcnt(0)"))
          << k.error;
      for (unsigned i = 0; i < 64; ++i) {
        W value = was.vgpr[4][i] >> 8 & (e.bytes == 1 ? 0xff : 0xffff);
        W old = was.vgpr[0][i];
        EXPECT_EQ(k.vgpr[0][i], exec >> i & 1 ? e.place(value, old) : old)
            << e.lds;
      }
    }
  }
}

TEST(Lds, TheHighestLaneThatStoresToAPlaceWins) {
  // The lanes of one place lie `apart` from each other.
  for (unsigned apart : {1, 2, 3, 4, 5, 8, 32})
    for (unsigned n = 1; n <= 4; ++n) {
      KernelText k("gfx950");
      for (unsigned r = 0; r < n; ++r)
        k.vgpr[4 + r] = testLanes(r + 7);
      for (unsigned i = 0; i < 64; ++i)
        k.vgpr[30][i] = i % apart * 16;
      std::string width = ldsWidths[n - 1];
      ASSERT_TRUE(k.run("ds_write_" + width + " v30, " + range(4, n) +
                        "\nds_read_" + width + " " + range(0, n) +
                        ", v30\ns_waitcnt lgkmcnt(0)"))
          << k.error;
      for (unsigned i = 0; i < 64; ++i)
        for (unsigned r = 0; r < n; ++r)
          EXPECT_EQ(k.vgpr[r][i],
                    k.vgpr[4 + r][i % apart + (63 - i % apart) / apart * apart])
              << width << " " << apart;
    }
}

TEST(Lds, SmallStores) {
  struct Case {
    const char *suffix;
    W mask;
    unsigned shift;
  };
  for (const Case &c :
       {Case{"b8", 0xff, 0}, Case{"b16", 0xffff, 0},
        Case{"b8_d16_hi", 0xff, 16}, Case{"b16_d16_hi", 0xffff, 16}}) {
    KernelText k("gfx950");
    k.vgpr[4] = testLanes(4);
    k.vgpr[5] = testLanes(5);
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[30][i] = i * 4;
    ASSERT_TRUE(k.run("ds_write_b32 v30, v4\nds_write_" +
                      std::string(c.suffix) +
                      " v30, v5 offset:1\nds_read_b32 v0, v30\n"
                      "s_waitcnt lgkmcnt(0)"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i)
      EXPECT_EQ(k.vgpr[0][i], (k.vgpr[4][i] & ~(c.mask << 8)) |
                                  (k.vgpr[5][i] >> c.shift & c.mask) << 8)
          << c.suffix;
  }
}

TEST(Lds, TwoAddresses) {
  struct Case {
    const char *suffix;
    unsigned registers, unit;
  };
  for (const Case &c : {Case{"2_b32", 1, 4}, Case{"2_b64", 2, 8},
                        Case{"2st64_b32", 1, 256}, Case{"2st64_b64", 2, 512}}) {
    KernelText k("gfx950");
    for (unsigned r = 0; r < 12; ++r)
      k.vgpr[r] = testLanes(r);
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[30][i] = i * 48;
    std::string s = c.suffix, d = std::to_string(3 * c.unit);
    ASSERT_TRUE(k.run("ds_write" + s + " v30, " + range(4, c.registers) + ", " +
                      range(6, c.registers) + " offset0:1 offset1:3\n" +
                      "ds_read_b32 v8, v30 offset:" + d + "\n" + "ds_read" + s +
                      " " + range(0, 2 * c.registers) +
                      ", v30 offset0:3 offset1:1\ns_waitcnt lgkmcnt(0)"))
        << k.error;
    for (unsigned r = 0; r < c.registers; ++r) {
      // Lanes may overwrite each other's words; the last 8 do not.
      for (unsigned i = 56; i < 64; ++i) {
        EXPECT_EQ(k.vgpr[r][i], k.vgpr[6 + r][i]) << s;
        EXPECT_EQ(k.vgpr[8][i], k.vgpr[6][i]) << s;
      }
    }
  }
}

TEST(Lds, Atomics) {
  struct Case {
    const char *name, *type;
    std::function<W(W, W)> update;
  };
  auto f = [](W x) { return real(x); };
  const Case cases[] = {
      {"add", "u32", [](W a, W b) { return a + b; }},
      {"sub", "u32", [](W a, W b) { return a - b; }},
      {"min", "i32", [](W a, W b) { return int32_t(a) < int32_t(b) ? a : b; }},
      {"min", "u32", [](W a, W b) { return std::min(a, b); }},
      {"max", "i32", [](W a, W b) { return int32_t(a) > int32_t(b) ? a : b; }},
      {"max", "u32", [](W a, W b) { return std::max(a, b); }},
      {"and", "b32", [](W a, W b) { return a & b; }},
      {"or", "b32", [](W a, W b) { return a | b; }},
      {"xor", "b32", [](W a, W b) { return a ^ b; }},
      {"add", "f32", [&](W a, W b) { return word(f(a) + f(b)); }},
      {"min", "f32", [&](W a, W b) { return word(std::min(f(a), f(b))); }},
      {"max", "f32", [&](W a, W b) { return word(std::max(f(a), f(b))); }},
      {"wrxchg", "b32", [](W, W b) { return b; }},
  };
  for (const Case &c : cases) {
    KernelText k("gfx950");
    for (unsigned i = 0; i < 64; ++i) {
      k.vgpr[30][i] = i * 4;
      k.vgpr[4][i] = word(float(i) - 30), k.vgpr[5][i] = word(20 - float(i));
    }
    bool swap = std::string(c.name) == "wrxchg";
    std::string name = std::string("ds_") + c.name;
    std::string type = std::string("_") + c.type;
    ASSERT_TRUE(
        k.run("ds_write_b32 v30, v4\n" + name + "_rtn" + type +
              " v0, v30, v5\nds_read_b32 v1, v30\n"
              "ds_write_b32 v30, v4\n" +
              (swap ? "ds_write_b32 v30, v5" : name + type + " v30, v5") +
              "\nds_read_b32 v2, v30\ns_waitcnt lgkmcnt(0)"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      W want = c.update(k.vgpr[4][i], k.vgpr[5][i]);
      EXPECT_EQ(k.vgpr[0][i], k.vgpr[4][i]) << name;
      EXPECT_EQ(k.vgpr[1][i], want) << name << type;
      EXPECT_EQ(k.vgpr[2][i], want) << name << type;
    }
  }
}

TEST(Lds, WideAtomicsAndCompare) {
  KernelText k("gfx950");
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[30][i] = i * 32;
    k.vgpr[4][i] = 0xfffffffe, k.vgpr[5][i] = i;
    k.vgpr[6][i] = 3, k.vgpr[7][i] = 1;
    D d = bitCast<D>(2.5);
    k.vgpr[8][i] = W(d), k.vgpr[9][i] = W(d >> 32);
    k.vgpr[10][i] = i % 2, k.vgpr[11][i] = 0; // compare
    k.vgpr[12][i] = 0x3c004000, k.vgpr[13][i] = 0x3f804000;
  }
  ASSERT_TRUE(k.run(
      "ds_write_b64 v30, v[4:5]\nds_add_u64 v30, v[6:7]\n"
      "ds_add_rtn_u64 v[20:21], v30, v[6:7]\nds_read_b64 v[0:1], v30\n"
      "ds_write_b64 v30, v[8:9] offset:8\n"
      "ds_add_f64 v30, v[8:9] offset:8\n"
      "ds_add_rtn_f64 v[22:23], v30, v[8:9] offset:8\n"
      "ds_write_b32 v30, v11 offset:16\n"
      "ds_cmpst_rtn_b32 v24, v30, v10, v6 offset:16\n"
      "ds_cmpst_b32 v30, v10, v6 offset:16\n"
      "ds_read_b32 v25, v30 offset:16\n"
      "ds_write_b32 v30, v12 offset:20\nds_write_b32 v30, v13 offset:24\n"
      "ds_pk_add_f16 v30, v12 offset:20\nds_pk_add_bf16 v30, v13 offset:24\n"
      "ds_pk_add_rtn_f16 v26, v30, v12 offset:20\n"
      "ds_pk_add_rtn_bf16 v27, v30, v13 offset:24\ns_waitcnt lgkmcnt(0)"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    D start = 0xfffffffe | D(i) << 32, step = 0x100000003;
    EXPECT_EQ(k.vgpr[20][i] | D(k.vgpr[21][i]) << 32, start + step);
    EXPECT_EQ(k.vgpr[0][i] | D(k.vgpr[1][i]) << 32, start + 2 * step);
    EXPECT_EQ(bitCast<double>(k.vgpr[22][i] | D(k.vgpr[23][i]) << 32), 5.0);
    EXPECT_EQ(k.vgpr[24][i], 0u);
    EXPECT_EQ(k.vgpr[25][i], i % 2 ? 0u : 3u);
    EXPECT_EQ(k.vgpr[26][i], 0x40004400u); // (4, 2)
    EXPECT_EQ(k.vgpr[27][i], 0x40004080u);
  }
}

// By the lane formula of the hardware, element for element.
TEST(Lds, TransposedReads) {
  struct Case {
    const char *suffix;
    unsigned bits, registers;
  };
  // The result may replace the addresses.
  for (unsigned dst : {0, 30})
    for (const Case &c : {Case{"b64_tr_b16", 16, 2}, Case{"b64_tr_b8", 8, 2},
                          Case{"b64_tr_b4", 4, 2}, Case{"b96_tr_b6", 6, 3}}) {
      KernelText k("gfx950");
      unsigned bytes = c.registers * 4;
      for (unsigned r = 0; r < c.registers; ++r)
        k.vgpr[4 + r] = testLanes(r + 50);
      // Each lane's data lies where the permuted lane's address is.
      for (unsigned i = 0; i < 64; ++i)
        k.vgpr[30][i] = ((i * 13 + 5) % 64) * 16;
      std::string write = c.registers == 2 ? "b64" : "b96";
      ASSERT_TRUE(k.run("ds_write_" + write + " v30, " + range(4, c.registers) +
                        " offset:64\nds_read_" + c.suffix + " " +
                        range(dst, c.registers) +
                        ", v30 offset:64\ns_waitcnt lgkmcnt(0)"))
          << k.error;
      auto bitsOf = [&](unsigned base, unsigned lane, unsigned bit) {
        return k.vgpr[base + bit / 32][lane] >> bit % 32 & 1;
      };
      unsigned elements = bytes * 8 / c.bits; // a lane
      for (unsigned lane = 0; lane < 64; ++lane)
        for (unsigned n = 0; n < elements; ++n)
          for (unsigned bit = 0; bit < c.bits; ++bit) {
            // Element n of lane L: number 16 n + L % 16 of what the group read.
            unsigned number = 16 * n + lane % 16;
            unsigned from = lane - lane % 16 + number / elements;
            unsigned element = number % elements;
            EXPECT_EQ(bitsOf(dst, lane, n * c.bits + bit),
                      bitsOf(4, from, element * c.bits + bit))
                << c.suffix << lane << n;
          }
      // The published formulas for 16 and 8 bits.
      for (unsigned L = 0; L < 64; ++L)
        for (unsigned n = 0; n < elements; ++n) {
          if (c.bits == 16) {
            unsigned src = (L & ~15u) + (L >> 2 & 3) + 4 * n;
            EXPECT_EQ(k.vgpr[dst + n / 2][L] >> 16 * (n % 2) & 0xffff,
                      k.vgpr[4 + (L & 3) / 2][src] >> 16 * (L % 2) & 0xffff);
          } else if (c.bits == 8) {
            unsigned src = (L & ~15u) + (L >> 3 & 1) + 2 * n;
            EXPECT_EQ(k.vgpr[dst + n / 4][L] >> 8 * (n % 4) & 0xff,
                      k.vgpr[4 + (L & 7) / 4][src] >> 8 * (L % 4) & 0xff);
          }
        }
    }
}

TEST(LdsDma, LanesLieBehindEachOther) {
  struct Case {
    const char *chip, *width;
    unsigned dwords, stride;
  };
  for (const Case &c :
       {Case{"gfx942", "dword", 1, 4}, Case{"gfx950", "dword", 1, 4},
        Case{"gfx950", "dwordx3", 3, 16}, Case{"gfx950", "dwordx4", 4, 16}})
    for (bool global : {false, true})
      for (D exec : {~D(0), someLanes}) {
        KernelText k(c.chip);
        k.data = noise(65536);
        k.m0 = 0x400;
        k.exec = exec;
        for (unsigned i = 0; i < 64; ++i) {
          k.vgpr[30][i] = (i * 29 % 64) * 64;
          k.vgpr[31][i] = i * c.stride;
        }
        KernelText was = k;
        std::string w = c.width;
        std::string load =
            global
                ? "global_load_lds_" + w + " v30, s[4:5] offset:8"
                : "buffer_load_" + w + " v30, s[48:51], 0 offen offset:8 lds";
        std::string read;
        for (unsigned r = 0; r < c.dwords; ++r)
          read += "ds_read_b32 v" + std::to_string(r) +
                  ", v31 offset:" + std::to_string(0x408 + 4 * r) + "\n";
        ASSERT_TRUE(k.run(resource(2000) + load +
                          "\ns_waitcnt vmcnt(0)\ns_mov_b64 exec, -1\n" + read +
                          "s_waitcnt lgkmcnt(0)\n"))
            << k.error;
        for (unsigned i = 0; i < 64; ++i)
          for (unsigned r = 0; r < c.dwords; ++r) {
            size_t at = was.vgpr[30][i] + 8 + 4 * r;
            bool in = global || at + 4 <= 2000;
            // Untouched LDS holds ones; out-of-range loads write zeros.
            W want = !(exec >> i & 1) ? 0xffffffffu
                     : in             ? bytesAt(was.data, at, 4)
                                      : 0;
            EXPECT_EQ(k.vgpr[r][i], want) << load << i << r;
          }
      }
}

TEST(LdsDma, BytesArriveAsDwords) {
  KernelText k("gfx950");
  k.data = noise(4096);
  k.m0 = 0;
  for (unsigned i = 0; i < 64; ++i)
    k.vgpr[30][i] = i * 3, k.vgpr[31][i] = i * 4;
  for (const Element &e : elements) {
    std::string name = e.memory;
    if (e.bytes == 4 || name.find("d16") != std::string::npos)
      continue;
    for (std::string load :
         {"buffer_load_" + name + " v30, s[48:51], 0 offen lds",
          "global_load_lds_" + name + " v30, s[4:5]"}) {
      ASSERT_TRUE(k.run(resource(4096) + load +
                        "\ns_waitcnt vmcnt(0)\nds_read_b32 v0, v31\n"
                        "s_waitcnt lgkmcnt(0)"))
          << k.error;
      for (unsigned i = 0; i < 64; ++i)
        EXPECT_EQ(k.vgpr[0][i], e.place(bytesAt(k.data, i * 3, e.bytes), 0))
            << load;
    }
  }
}

TEST(LdsDma, OutsideOfLdsIsAnError) {
  KernelText k("gfx950");
  k.data = noise(4096);
  k.lds = 1024;
  k.m0 = 16;
  EXPECT_FALSE(k.run("global_load_lds_dwordx4 v30, s[4:5]"));
  EXPECT_NE(k.error.find("LDS DMA to bytes 0x10..0x410 is outside the 1024"),
            std::string::npos)
      << k.error;
}

TEST(CrossLane, Permutes) {
  for (D exec : {~D(0), someLanes}) {
    KernelText k("gfx942");
    for (unsigned i = 0; i < 64; ++i) {
      k.vgpr[0][i] = 4 * (i * 7 % 50) + 256 * (i % 3); // several to one lane
      k.vgpr[1][i] = 1000 + i;
    }
    for (unsigned r = 2; r < 8; ++r)
      k.vgpr[r].fill(7);
    k.exec = exec;
    ASSERT_TRUE(
        k.run("ds_permute_b32 v2, v0, v1\n"
              "ds_bpermute_b32 v3, v0, v1\n"
              "ds_bpermute_b32 v4, v0, v1 offset:8\n"
              "ds_swizzle_b32 v5, v1 offset:swizzle(SWAP,4)\n"
              "ds_swizzle_b32 v6, v1 offset:swizzle(QUAD_PERM,3,0,2,1)\n"
              "ds_swizzle_b32 v7, v1 offset:swizzle(BROADCAST,8,3)\n"
              "s_waitcnt lgkmcnt(0)"))
        << k.error;
    auto active = [&](unsigned l) { return exec >> l & 1; };
    for (unsigned i = 0; i < 64; ++i) {
      W sent = 0; // the highest lane wins
      for (unsigned l = 0; l < 64; ++l)
        if (active(l) && k.vgpr[0][l] / 4 % 64 == i)
          sent = 1000 + l;
      auto from = [&](unsigned l) { return active(l) ? 1000 + l : 0; };
      const unsigned quad[4] = {3, 0, 2, 1};
      const W want[6] = {sent,
                         W(from(k.vgpr[0][i] / 4 % 64)),
                         W(from((k.vgpr[0][i] + 8) / 4 % 64)),
                         W(from(i ^ 4)),
                         W(from(i - i % 4 + quad[i % 4])),
                         W(from(i - i % 8 + 3))};
      for (unsigned n = 0; n < 6; ++n)
        EXPECT_EQ(k.vgpr[2 + n][i], active(i) ? want[n] : 7) << n << " " << i;
    }
  }
}

TEST(CrossLane, SingleLanes) {
  KernelText k("gfx950");
  k.vgpr[1] = testLanes(1);
  k.s(20) = 70; // wraps to lane 6
  k.exec = 0xff00;
  KernelText was = k;
  ASSERT_TRUE(k.run("v_readlane_b32 s21, v1, s20\nv_readlane_b32 s22, v1, 63\n"
                    "v_writelane_b32 v1, s20, 2\nv_writelane_b32 v1, 5, s20\n"
                    "v_readfirstlane_b32 s23, v1\ns_mov_b64 exec, 0\n"
                    "v_readfirstlane_b32 s24, v1"))
      << k.error;
  EXPECT_EQ(k.s(21), was.vgpr[1][6]);
  EXPECT_EQ(k.s(22), was.vgpr[1][63]);
  EXPECT_EQ(k.s(23), was.vgpr[1][8]);
  EXPECT_EQ(k.s(24), was.vgpr[1][0]);
  EXPECT_EQ(k.vgpr[1][2], 70u);
  EXPECT_EQ(k.vgpr[1][6], 5u);
}

TEST(CrossLane, Swaps) {
  KernelText k("gfx950");
  for (unsigned r = 0; r < 6; ++r)
    k.vgpr[r] = testLanes(r);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_permlane32_swap_b32 v0, v1\n"
                    "v_permlane16_swap_b32 v2, v3\n"
                    "s_mov_b64 exec, 0xf0\nv_swap_b32 v4, v5"))
      << k.error;
  for (unsigned l = 0; l < 32; ++l) {
    EXPECT_EQ(k.vgpr[1][l], was.vgpr[0][l + 32]);
    EXPECT_EQ(k.vgpr[0][l + 32], was.vgpr[1][l]);
    EXPECT_EQ(k.vgpr[0][l], was.vgpr[0][l]);
    EXPECT_EQ(k.vgpr[1][l + 32], was.vgpr[1][l + 32]);
  }
  for (unsigned p = 0; p < 2; ++p)
    for (unsigned l = 0; l < 16; ++l) {
      EXPECT_EQ(k.vgpr[3][32 * p + l], was.vgpr[2][32 * p + l + 16]);
      EXPECT_EQ(k.vgpr[2][32 * p + l + 16], was.vgpr[3][32 * p + l]);
      EXPECT_EQ(k.vgpr[2][32 * p + l], was.vgpr[2][32 * p + l]);
      EXPECT_EQ(k.vgpr[3][32 * p + l + 16], was.vgpr[3][32 * p + l + 16]);
    }
  for (unsigned l = 0; l < 64; ++l) {
    bool swapped = l >= 4 && l < 8;
    EXPECT_EQ(k.vgpr[4][l], was.vgpr[swapped ? 5 : 4][l]);
    EXPECT_EQ(k.vgpr[5][l], was.vgpr[swapped ? 4 : 5][l]);
  }
}

} // namespace
