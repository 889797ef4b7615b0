//===- ChecksTest.cpp - Data on its way, races, and all checks together ---===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChecksTest.h"

using namespace flyattn::test;

namespace {

TEST(PendingCheck, ReadBeforeItsWait) {
  EXPECT_EQ(check(load + "v_add_u32 v4, v3, v2\ns_waitcnt vmcnt(0)\n"),
            (Lines{"pending: v_add_u32_e32 v4, v3, v2 / global_load_dword v3, "
                   "v1, s[6:7]: 1"}));
  EXPECT_EQ(check(load + "s_waitcnt vmcnt(0)\nv_add_u32 v4, v3, v2\n"), none);
}

TEST(PendingCheck, OverwriteBeforeItsWait) {
  EXPECT_EQ(check(load + "v_mov_b32 v3, 0\n").size(), 1u);
  // In order: the second load arrives last.
  EXPECT_EQ(check(load + load + "s_waitcnt vmcnt(0)\n"), none);
  EXPECT_EQ(check(load + "ds_read_b32 v3, v1\n").size(), 1u);
}

TEST(PendingCheck, CountsOldestFirst) {
  const std::string two = load + "global_load_dword v5, v1, s[6:7]\n"
                                 "s_waitcnt vmcnt(1)\n";
  EXPECT_EQ(check(two + "v_mov_b32 v4, v3\ns_waitcnt vmcnt(0)\n"), none);
  EXPECT_EQ(check(two + "v_mov_b32 v4, v5\n").size(), 1u);
  // Stores count as well.
  EXPECT_EQ(check(load + "global_store_dword v1, v2, s[6:7]\n"
                         "s_waitcnt vmcnt(1)\n"
                         "v_mov_b32 v4, v3\n"),
            none);
}

TEST(PendingCheck, SkippedInstructionsLeaveNothingPending) {
  const std::string read = "v_add_u32 v4, v3, v2\n";
  EXPECT_EQ(check("s_setvskip 1, 0\n" + load +
                  "s_setvskip 0, 0\n"
                  "v_mov_b32 v3, 0\n" +
                  read),
            none);
  EXPECT_EQ(check(load + "s_setvskip 1, 0\n" + read + "s_setvskip 0, 0\n"),
            none);
}

TEST(PendingCheck, AccumulationRegisters) {
  Launch launch;
  launch.info.vgprs = 64;
  launch.info.accumOffset = 32;
  launch.options.checks = true;
  ASSERT_TRUE(launch.run(start + "ds_write_b32 v1, v2\n"
                                 "ds_read_b32 a3, v1\n"
                                 "v_accvgpr_read_b32 v4, a3\n"
                                 "s_endpgm\n"));
  ASSERT_EQ(launch.result.checks.reports.size(), 1u);
  EXPECT_NE(launch.result.checks.reports[0].what.find("reads a3"),
            std::string::npos);
}

/// Scalar loads come back in any order: only lgkmcnt(0) covers them.
TEST(PendingCheck, ScalarLoads) {
  const std::string two = "s_load_dword s8, s[0:1], 0x0\n"
                          "s_load_dword s9, s[0:1], 0x4\n";
  EXPECT_EQ(check(two + "s_waitcnt lgkmcnt(1)\ns_mov_b32 s10, s8\n"),
            (Lines{"pending: s_mov_b32 s10, s8 / s_load_dword s8, s[0:1], 0x0: "
                   "1"}));
  EXPECT_EQ(check(two + "s_waitcnt lgkmcnt(0)\ns_mov_b32 s10, s8\n"), none);
  // LDS operations are in order among themselves, whatever comes between.
  const std::string mixed = "ds_write_b32 v1, v2\n"
                            "ds_read_b32 v3, v1\n"
                            "s_load_dword s8, s[0:1], 0x0\n"
                            "ds_read_b32 v4, v1\n"
                            "s_waitcnt lgkmcnt(1)\n";
  EXPECT_EQ(check(mixed + "v_mov_b32 v5, v3\ns_waitcnt lgkmcnt(0)\n"), none);
  EXPECT_EQ(check(mixed + "v_mov_b32 v5, v4\n").size(), 1u);
  EXPECT_EQ(check(mixed + "s_mov_b32 s9, s8\n").size(), 1u);
}

/// Store data may be overwritten at once, but for the wide ones' hazard.
TEST(PendingCheck, StoreDataIsFree) {
  EXPECT_EQ(check("global_store_dword v1, v2, s[6:7]\nv_mov_b32 v2, 0\n"),
            none);
}

TEST(PendingCheck, OwnDma) {
  EXPECT_EQ(check(dma + "ds_read_b32 v3, v1\ns_waitcnt vmcnt(0)\n"),
            (Lines{"pending: ds_read_b32 v3, v1 / global_load_lds_dword v1, "
                   "s[6:7]: 1"}));
  EXPECT_EQ(check(dma + "s_waitcnt vmcnt(0)\nds_read_b32 v3, v1\n"), none);
  // Other bytes are free.
  EXPECT_EQ(check(dma + "ds_write_b32 v1, v2 offset:256\n"
                        "s_waitcnt vmcnt(0)\n"),
            none);
  // The other way round: a DMA over bytes that a read may still need.
  EXPECT_EQ(check("ds_write_b32 v1, v2\nds_read_b32 v3, v1\n" + dma +
                  "s_waitcnt vmcnt(0)\n")
                .size(),
            2u); // write and read
  EXPECT_EQ(check("ds_write_b32 v1, v2\nds_read_b32 v3, v1\n"
                  "s_waitcnt lgkmcnt(0)\n" +
                  dma + "s_waitcnt vmcnt(0)\n"),
            none);
}

/// What arrives in LDS when the wave has ended may be another workgroup's.
TEST(PendingCheck, DmaAtTheEnd) {
  const Lines late = {"pending: s_endpgm / global_load_lds_dword v1, s[6:7]: "
                      "1"};
  EXPECT_EQ(check(dma), late);
  EXPECT_EQ(check(dma + load + "s_waitcnt vmcnt(1)\n"), none);
  EXPECT_EQ(check(dma + load + "s_waitcnt vmcnt(2)\n"), late);
}

/// v4 = 4 * lane: the same bytes for each wave.
const std::string laneOffset = "v_and_b32 v4, 63, v2\n"
                               "v_lshlrev_b32 v4, 2, v4\n";

const std::string meet = "s_waitcnt vmcnt(0) lgkmcnt(0)\ns_barrier\n";

TEST(RaceCheck, WriteAndWrite) {
  EXPECT_EQ(check(laneOffset + "ds_write_b32 v4, v2\n" + meet, 2),
            (Lines{"race: ds_write_b32 v4, v2 / ds_write_b32 v4, v2: 64"}));
  EXPECT_EQ(check("ds_write_b32 v1, v2\n" + meet, 2), none);
}

/// The neighbour's bytes: v5 = v1 ^ 256.
const std::string neighbour = "v_xor_b32 v5, 0x100, v1\n";

TEST(RaceCheck, WriteAndRead) {
  const std::string write = neighbour + "ds_write_b32 v1, v2\n";
  const std::string read = "ds_read_b32 v3, v5\n" + meet;
  for (WaveOrder order : {WaveOrder::Forward, WaveOrder::Reverse})
    for (unsigned quantum : {1u, 64u}) {
      Options options;
      options.order = order;
      options.quantum = quantum;
      EXPECT_EQ(check(write + read, 2, "gfx950", options),
                (Lines{"race: ds_write_b32 v1, v2 / ds_read_b32 v3, v5: 128"}));
      EXPECT_EQ(check(write + meet + read, 2, "gfx950", options), none);
    }
}

/// Without a wait before the barrier the write lasts beyond it.
TEST(RaceCheck, BarrierWithoutWait) {
  const std::string write = neighbour + "ds_write_b32 v1, v2\n";
  EXPECT_EQ(check(write + "s_barrier\nds_read_b32 v3, v5\n" + meet, 2).size(),
            1u);
  // A read that is waited for too late meets the next interval's write.
  const std::string late =
      write + meet + "ds_read_b32 v3, v5\n" + "s_barrier\n";
  EXPECT_EQ(check(late + "ds_write_b32 v1, v2\n" + meet, 2).size(), 1u);
  EXPECT_EQ(check(write + meet + "ds_read_b32 v3, v5\n" + meet +
                      "ds_write_b32 v1, v2\n" + meet,
                  2),
            none);
}

/// The slot that a DMA fills may still be read by a slower wave, even if that
/// one ran first here.
TEST(RaceCheck, DmaAfterRead) {
  const std::string fill = "ds_write_b32 v1, v2\n" + meet;
  // Every wave reads LDS byte 0.., wave 0's DMA overwrites it.
  const std::string both = laneOffset + fill +
                           "ds_read_b32 v3, v4\n"
                           "s_waitcnt lgkmcnt(0)\n"
                           "v_readfirstlane_b32 s8, v2\n"
                           "s_nop 4\n"
                           "s_lshl_b32 s8, s8, 2\n";
  const std::string issue = "s_mov_b32 m0, s8\n"
                            "s_nop 0\n"
                            "global_load_lds_dword v1, s[6:7]\n";
  EXPECT_EQ(check(both + issue + meet, 2),
            (Lines{"race: global_load_lds_dword v1, s[6:7] / ds_read_b32 v3, "
                   "v4: 64"}));
  EXPECT_EQ(check(both + meet + issue + meet, 2), none);
  // Landed only after the barrier behind it.
  EXPECT_EQ(
      check(both + meet + issue + "s_barrier\nds_read_b32 v3, v4\n" + meet, 2)
          .size(),
      2u); // the other wave's, and its own
}

TEST(RaceCheck, AtomicsDoNotRace) {
  EXPECT_EQ(check(laneOffset + "ds_add_u32 v4, v2\n" + meet, 2), none);
  EXPECT_EQ(
      check(laneOffset + "ds_add_u32 v4, v2\nds_read_b32 v3, v4\n" + meet, 2)
          .size(),
      1u);
}

TEST(RaceCheck, BytesOfOneDword) {
  // Wave 0 writes byte 0 of each dword, wave 1 byte 1.
  const std::string own = laneOffset + "v_lshrrev_b32 v5, 6, v2\n"
                                       "v_add_u32 v4, v4, v5\n"
                                       "ds_write_b8 v4, v2\n";
  EXPECT_EQ(check(own + meet, 2), none);
  EXPECT_EQ(check(own + "ds_write_b16 v4, v2\n" + meet, 2).size(), 1u);
}

TEST(Checks, FirstOccurrenceDoesNotDependOnThreads) {
  std::vector<std::string> texts;
  for (unsigned threads : {1u, 2u}) {
    Launch launch;
    launch.params.grid = {3, 4, 2};
    launch.options.threads = threads;
    launch.options.checks = true;
    ASSERT_TRUE(launch.run(start + load + "v_mov_b32 v4, v3\ns_endpgm\n"));
    ASSERT_EQ(launch.result.checks.reports.size(), 1u);
    const CheckReport &report = launch.result.checks.reports[0];
    EXPECT_EQ(report.count, 24u);
    EXPECT_EQ(report.workgroup, (std::array<uint32_t, 3>{0, 0, 0}));
    texts.push_back(describe(report));
  }
  EXPECT_EQ(texts[0], texts[1]);
  EXPECT_EQ(texts[0],
            "pending: offset 0x20, `v_mov_b32_e32 v4, v3`: reads v3, which a "
            "load has yet to deliver: no s_waitcnt vmcnt covers it; the other "
            "is offset 0x18, `global_load_dword v3, v1, s[6:7]` (workgroup "
            "0,0,0, wave 0; 24 times)");
}

TEST(Checks, BankConflictsAreCounted) {
  Launch launch;
  launch.options.checks = true;
  ASSERT_TRUE(launch.run(start + "v_and_b32 v4, 3, v2\n"
                                 "v_lshlrev_b32 v4, 8, v4\n"
                                 "ds_read_b32 v3, v4\n"
                                 "ds_read_b32 v3, v1\n"
                                 "s_endpgm\n"));
  const CheckResults &checks = launch.result.checks;
  ASSERT_EQ(checks.bankConflicts.size(), 1u);
  EXPECT_EQ(checks.bankConflicts[0].inst.text, "ds_read_b32 v3, v4");
  EXPECT_EQ(checks.bankConflicts[0].conflictClocks, 3u);
  EXPECT_EQ(checks.ldsClocks, 2u);
  EXPECT_EQ(checks.ldsConflictClocks, 3u);
}

TEST(Checks, AnErrorBringsTheReports) {
  Launch launch;
  launch.options.checks = true;
  EXPECT_FALSE(launch.run(start + "v_mov_b32 v8, 0x7fffffff\n"
                                  "v_cndmask_b32 v8, v8, v9, s[20:21]\n"
                                  "ds_read_b32 v3, v8\ns_endpgm\n"));
  EXPECT_TRUE(launch.errorHas("outside the 4096 bytes of LDS"));
  EXPECT_TRUE(launch.errorHas("its address depends on v8")) << launch.error;
}

TEST(Checks, OffByDefault) {
  Launch launch;
  ASSERT_TRUE(launch.run(start + load + "v_mov_b32 v4, v3\ns_endpgm\n"));
  EXPECT_TRUE(launch.result.checks.reports.empty());
}

} // namespace
