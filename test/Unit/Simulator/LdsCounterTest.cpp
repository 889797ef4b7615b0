//===- LdsCounterTest.cpp - DS addressed by M0, and exchanges of pairs ----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryTest.h"

using namespace flyattn::test;

namespace {

TEST(LdsCounter, AppendAndConsume) {
  for (const char *chip : {"gfx942", "gfx950"}) {
    KernelText k(chip);
    k.m0 = 64;
    k.vgpr[0].fill(1000);
    k.vgpr[30].fill(72);
    k.vgpr[1].fill(7), k.vgpr[2].fill(7);
    ASSERT_TRUE(k.run("ds_write_b32 v30, v0\n"
                      "s_mov_b64 exec, 0x3ff\nds_append v1 offset:8\n"
                      "s_mov_b64 exec, 0xf0\nds_consume v2 offset:8\n"
                      "s_mov_b64 exec, -1\nds_read_b32 v3, v30\n"
                      "s_waitcnt lgkmcnt(0)"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      EXPECT_EQ(k.vgpr[1][i], i < 10 ? 1000u : 7u);
      EXPECT_EQ(k.vgpr[2][i], i >= 4 && i < 8 ? 1010u : 7u);
      EXPECT_EQ(k.vgpr[3][i], 1006u);
    }
    EXPECT_FALSE(k.run("s_mov_b32 m0, 0xfffc\nds_append v1 offset:4"));
    EXPECT_NE(k.error.find("outside the 65536 bytes of LDS"),
              std::string::npos);
  }
}

TEST(LdsCounter, AddressesOfLanes) {
  KernelText k("gfx942");
  k.m0 = 256;
  k.vgpr[0] = testLanes(1);
  k.vgpr[1].fill(7);
  for (unsigned i = 0; i < 64; ++i)
    k.vgpr[30][i] = 256 + 16 + 4 * (63 - i);
  ASSERT_TRUE(k.run("ds_write_addtid_b32 v0 offset:16\n"
                    "s_mov_b64 exec, 0xff00ff\n"
                    "ds_read_addtid_b32 v1 offset:16\ns_mov_b64 exec, -1\n"
                    "ds_read_b32 v2, v30\ns_waitcnt lgkmcnt(0)"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_EQ(k.vgpr[1][i], i < 32 && 0xff00ff >> i & 1 ? k.vgpr[0][i] : 7u);
    EXPECT_EQ(k.vgpr[2][i], k.vgpr[0][63 - i]);
  }
  EXPECT_FALSE(k.run("s_mov_b32 m0, 0xff04\nds_read_addtid_b32 v1"));
}

// Two places are exchanged at once; the old values come back together.
TEST(LdsCounter, ExchangeOfPairs) {
  struct Case {
    const char *name;
    unsigned registers, unit;
  };
  for (const Case &c : {Case{"ds_wrxchg2_rtn_b32", 1, 4},
                        {"ds_wrxchg2_rtn_b64", 2, 8},
                        {"ds_wrxchg2st64_rtn_b32", 1, 256},
                        {"ds_wrxchg2st64_rtn_b64", 2, 512}}) {
    KernelText k("gfx950");
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[30][i] = 8192 + i * 4 * c.registers;
    for (unsigned r = 0; r < 4; ++r)
      k.vgpr[r] = testLanes(r), k.vgpr[4 + r] = testLanes(10 + r);
    // Offsets 1 and 3 units; all lanes are apart.
    unsigned n = c.registers;
    std::string first = std::to_string(c.unit), width = n == 1 ? "b32" : "b64";
    std::string second = std::to_string(3 * c.unit);
    if (c.unit < 256) // the places of a lane lie together
      for (unsigned i = 0; i < 64; ++i)
        k.vgpr[30][i] = i * 64;
    KernelText was = k;
    ASSERT_TRUE(k.run(
        "ds_write_" + width + " v30, " + range(0, n) + " offset:" + first +
        "\nds_write_" + width + " v30, " + range(2, n) + " offset:" + second +
        "\n" + c.name + " " + range(20, 2 * n) + ", v30, " + range(4, n) +
        ", " + range(6, n) + " offset0:1 offset1:3\nds_read_" + width + " " +
        range(8, n) + ", v30 offset:" + first + "\nds_read_" + width + " " +
        range(10, n) + ", v30 offset:" + second + "\ns_waitcnt lgkmcnt(0)"))
        << c.name << k.error;
    for (unsigned r = 0; r < n; ++r) {
      EXPECT_EQ(k.vgpr[20 + r], was.vgpr[r]) << c.name;
      EXPECT_EQ(k.vgpr[20 + n + r], was.vgpr[2 + r]) << c.name;
      EXPECT_EQ(k.vgpr[8 + r], was.vgpr[4 + r]) << c.name;
      EXPECT_EQ(k.vgpr[10 + r], was.vgpr[6 + r]) << c.name;
    }
  }
}

} // namespace
