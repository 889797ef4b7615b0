//===- ChecksTest.cpp - What the checks report, and what they do not ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small kernels with one fault each, and the same ones without it.
//
//===----------------------------------------------------------------------===//

#include "LaunchTest.h"

using namespace flyattn::test;

namespace {

/// One line a report: "kind: `inst` / `other`: count".
std::vector<std::string> summary(const CheckResults &checks) {
  std::vector<std::string> lines;
  for (const CheckReport &report : checks.reports) {
    std::string line = nameOf(report.kind).str() + ": " + report.inst.text;
    if (report.other)
      line += " / " + report.other->text;
    lines.push_back(line + ": " + std::to_string(report.count));
  }
  return lines;
}

using Lines = std::vector<std::string>;

/// Runs `text` behind `start` and before s_endpgm; `waves` in one workgroup.
Lines check(const std::string &text, unsigned waves = 1,
            const std::string &chip = "gfx950", Options options = Options()) {
  Launch launch;
  launch.chip = chip;
  launch.params.block = {64 * waves, 1, 1};
  launch.options = options;
  launch.options.checks = true;
  EXPECT_TRUE(launch.run(start + text + "s_endpgm\n")) << launch.error;
  return summary(launch.result.checks);
}
const Lines none;

/// v2 is the work-item, v1 four times that; s[6:7] the output.
const std::string load = "global_load_dword v3, v1, s[6:7]\n";

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

const std::string dma = "s_mov_b32 m0, 0\n"
                        "s_nop 0\n"
                        "global_load_lds_dword v1, s[6:7]\n";

TEST(PendingCheck, OwnDma) {
  EXPECT_EQ(check(dma + "ds_read_b32 v3, v1\ns_waitcnt vmcnt(0)\n"),
            (Lines{"pending: ds_read_b32 v3, v1 / global_load_lds_dword v1, "
                   "s[6:7]: 1"}));
  EXPECT_EQ(check(dma + "s_waitcnt vmcnt(0)\nds_read_b32 v3, v1\n"), none);
  // Other bytes are free.
  EXPECT_EQ(check(dma + "ds_write_b32 v1, v2 offset:256\n"), none);
  // The other way round: a DMA over bytes that a read may still need.
  EXPECT_EQ(check("ds_write_b32 v1, v2\nds_read_b32 v3, v1\n" + dma).size(),
            2u); // write and read
  EXPECT_EQ(check("ds_write_b32 v1, v2\nds_read_b32 v3, v1\n"
                  "s_waitcnt lgkmcnt(0)\n" +
                  dma),
            none);
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

struct HazardCase {
  const char *chip, *maker, *user;
  unsigned states;
};

/// One fewer is reported, and exactly once; enough is not.
TEST(WaitStatesCheck, Table) {
  const char *big942 =
      "v_mfma_f32_32x32x8_bf16 v[16:31], v[8:9], v[10:11], v[16:31]";
  const char *small =
      "v_mfma_f32_16x16x16_f16 v[16:19], v[8:9], v[10:11], v[16:19]";
  const char *big950 =
      "v_mfma_f32_32x32x16_bf16 v[16:31], v[8:11], v[12:15], v[16:31]";
  const char *single = "v_mfma_f32_32x32x2_f32 v[16:31], v8, v9, v[16:31]";
  const HazardCase cases[] = {
      {"gfx942", big942, "v_mov_b32 v7, v31", 11},
      {"gfx942", big942, "v_mov_b32 v16, 0", 11},
      {"gfx942", big942, "ds_write_b32 v1, v20", 11},
      {"gfx942", big942, "global_store_dword v1, v20, s[6:7]", 11},
      {"gfx942", big942,
       "v_mfma_f32_16x16x16_f16 v[40:43], v[16:17], v[10:11], v[40:43]", 11},
      {"gfx942", big942,
       "v_mfma_f32_16x16x16_f16 v[40:43], v[8:9], v[10:11], v[18:21]", 9},
      {"gfx942", small, "v_mov_b32 v7, v16", 7},
      {"gfx942", single, "v_mov_b32 v7, v16", 18},
      {"gfx950", big950, "v_mov_b32 v7, v31", 12},
      {"gfx950", big950,
       "v_mfma_f32_16x16x16_f16 v[40:43], v[8:9], v[10:11], v[18:21]", 10},
      {"gfx950", small, "v_mov_b32 v7, v16", 8},
      // C is read for as long as the passes last.
      {"gfx942", "v_mfma_f32_32x32x8_bf16 v[40:55], v[8:9], v[10:11], v[16:31]",
       "v_mov_b32 v16, 0", 7},
      {"gfx942", "v_mov_b32 v8, 0", small, 2},
      {"gfx942", "v_mov_b32 v16, 0", small, 2},
      {"gfx942", "v_exp_f32 v8, v9", "v_mov_b32 v10, v8", 1},
      {"gfx942", "v_mov_b32 v8, 0",
       "v_mov_b32_dpp v9, v8 quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf",
       2},
      {"gfx950", "v_mov_b32 v8, 0", "v_permlane32_swap_b32 v8, v9", 2},
      {"gfx942", "v_mov_b32 v8, 0", "v_readfirstlane_b32 s8, v8", 1},
      {"gfx942", "v_cmp_eq_u32 vcc, v1, v2", "v_cndmask_b32 v8, v1, v2, vcc",
       2},
      {"gfx942", "v_cmp_eq_u32 s[8:9], v1, v2",
       "v_cndmask_b32 v8, v1, v2, s[8:9]", 2},
      {"gfx942", "v_readfirstlane_b32 s8, v2", "v_readlane_b32 s9, v2, s8", 4},
      {"gfx942", "v_readfirstlane_b32 s20, v1",
       "buffer_load_dword v8, v2, s[12:15], s20 offen", 5},
      {"gfx942", "s_mov_b32 m0, 0", "global_load_lds_dword v1, s[6:7]", 1},
      {"gfx942", "global_store_dwordx4 v1, v[8:11], s[6:7]", "v_mov_b32 v9, 0",
       2},
      {"gfx950", "buffer_store_dwordx4 v[8:11], v2, s[12:15], 0 offen",
       "v_mov_b32 v9, 0", 2},
      {"gfx950", "buffer_store_dwordx4 v[8:11], v2, s[12:15], s20 offen",
       "v_mov_b32 v9, 0", 1},
  };
  // Everything is defined and old.
  std::string before;
  for (unsigned reg = 3; reg < 56; ++reg)
    before += "v_mov_b32 v" + std::to_string(reg) + ", 0\n";
  before += "s_mov_b64 s[12:13], s[6:7]\n"
            "s_mov_b32 s14, 0x1000\n"
            "s_mov_b32 s15, 0x20000\n"
            "s_mov_b32 s20, 0\n"
            "s_nop 7\n";
  const std::string after = "s_nop 15\ns_nop 15\ns_waitcnt vmcnt(0) "
                            "lgkmcnt(0)\n";
  for (const HazardCase &c : cases) {
    auto with = [&](unsigned states) {
      std::string text = before + c.maker + "\n";
      for (unsigned n = 0; n < states; ++n)
        text += n % 2 ? "s_nop 0\n" : "s_setprio 0\n"; // any instruction counts
      return check(text + c.user + "\n" + after, 1, c.chip);
    };
    Lines few = with(c.states - 1);
    EXPECT_EQ(few.size(), 1u) << c.chip << ' ' << c.maker << " -> " << c.user;
    for (const std::string &line : few)
      EXPECT_EQ(line.substr(0, 12), "wait-states:") << line;
    EXPECT_EQ(with(c.states), none)
        << c.chip << ' ' << c.maker << " -> " << c.user;
  }
}

/// Accumulating into the same registers needs no wait.
TEST(WaitStatesCheck, SameAccumulator) {
  std::string before;
  for (unsigned reg = 8; reg < 32; ++reg)
    before += "v_mov_b32 v" + std::to_string(reg) + ", 0\n";
  before += "s_nop 1\n";
  const std::string mfma =
      "v_mfma_f32_32x32x8_bf16 v[16:31], v[8:9], v[10:11], v[16:31]\n";
  EXPECT_EQ(check(before + mfma + mfma, 1, "gfx942"), none);
}

TEST(WaitStatesCheck, NopCounts) {
  const std::string use = "v_mov_b32 v10, v8\n";
  EXPECT_EQ(check("v_exp_f32 v8, v2\ns_nop 0\n" + use), none);
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v1, v2\ns_nop 1\n"
                  "v_cndmask_b32 v8, v1, v2, vcc\n"),
            none);
}

/// v_and with a constant keeps an undefined register an undefined, but valid,
/// address.
const std::string undefinedAddress = "v_and_b32 v8, 0xfc, v9\n";

TEST(UndefinedCheck, Addresses) {
  EXPECT_EQ(check(undefinedAddress + "global_load_dword v3, v8, s[6:7]\n"),
            (Lines{"undefined: global_load_dword v3, v8, s[6:7]: 1"}));
  EXPECT_EQ(check(undefinedAddress + "ds_read_b32 v3, v8\n").size(), 1u);
  EXPECT_EQ(check("s_and_b32 s9, s20, 4\ns_load_dword s8, s[0:1], s9\n").size(),
            1u);
  EXPECT_EQ(check("s_and_b32 m0, s20, 0xff\ns_nop 0\n"
                  "global_load_lds_dword v1, s[6:7]\n")
                .size(),
            1u);
}

TEST(UndefinedCheck, Branches) {
  EXPECT_EQ(check("s_cmp_eq_u32 s20, 0\ns_cbranch_scc1 0\n"),
            (Lines{"undefined: s_cbranch_scc1 0: 1"}));
  EXPECT_EQ(check("s_cmp_eq_u32 s2, 0\ns_cbranch_scc1 0\n"), none);
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v9, v2\ns_cbranch_vccnz 0\n").size(), 1u);
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v1, v2\ns_cbranch_vccnz 0\n"), none);
}

TEST(UndefinedCheck, StoredData) {
  EXPECT_EQ(check("global_store_dword v1, v9, s[6:7]\n"),
            (Lines{"undefined: global_store_dword v1, v9, s[6:7]: 1"}));
  EXPECT_EQ(check("global_store_dword v1, v2, s[6:7]\n"), none);
  // What a buffer drops may be anything.
  const std::string buffer = "s_mov_b64 s[12:13], s[6:7]\n"
                             "s_mov_b32 s15, 0x20000\n";
  const std::string store = "buffer_store_dword v9, v1, s[12:15], 0 offen\n";
  EXPECT_EQ(check(buffer + "s_mov_b32 s14, 0\n" + store), none);
  EXPECT_EQ(check(buffer + "s_mov_b32 s14, 4\n" + store).size(), 1u);
}

TEST(UndefinedCheck, Exec) {
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v9, v2\ns_and_saveexec_b64 s[8:9], vcc\n")
                .size(),
            1u);
  EXPECT_EQ(check("s_mov_b64 exec, s[20:21]\ns_mov_b64 exec, -1\n").size(), 1u);
  // Bits that a known 0 decides are defined.
  EXPECT_EQ(check("s_mov_b32 s8, 0\ns_mov_b32 s9, 0\n"
                  "s_and_b64 s[10:11], s[20:21], s[8:9]\n"
                  "s_mov_b64 exec, s[10:11]\ns_mov_b64 exec, -1\n"),
            none);
}

/// Undefined values pass through instructions, lane by lane.
TEST(UndefinedCheck, ThroughInstructions) {
  const std::string store = "s_nop 4\nglobal_store_dword v1, v8, s[6:7]\n";
  const std::string odd = "s_mov_b32 s8, 0xaaaaaaaa\n"
                          "s_mov_b32 s9, 0xaaaaaaaa\n";
  // v10 is defined in odd lanes only.
  const std::string half = odd + "s_mov_b64 exec, s[8:9]\nv_mov_b32 v10, 0\n"
                                 "s_mov_b64 exec, -1\n";
  EXPECT_EQ(check("v_add_f32 v8, v9, v2\n" + store).size(), 1u);
  EXPECT_EQ(check(half + "v_add_f32 v8, v10, v2\n" + store).size(), 1u);
  EXPECT_EQ(check(half + "v_cndmask_b32 v8, v2, v10, s[8:9]\n" + store), none);
  EXPECT_EQ(check(half + "v_cndmask_b32 v8, v10, v2, s[8:9]\n" + store).size(),
            1u);
  EXPECT_EQ(check(half +
                  "v_add_f32 v8, v10, v2\n"
                  "s_mov_b64 exec, s[8:9]\n" +
                  store),
            none);
  // From the odd neighbour by DPP.
  const std::string dpp = " row_mask:0xf bank_mask:0xf\n";
  EXPECT_EQ(check(half + "s_nop 1\nv_mov_b32_dpp v8, v10 quad_perm:[1,1,3,3]" +
                  dpp + store),
            none);
  EXPECT_EQ(check(half + "s_nop 1\nv_mov_b32_dpp v8, v10 quad_perm:[0,0,2,2]" +
                  dpp + store)
                .size(),
            1u);
  // A lane of its own.
  EXPECT_EQ(check(half +
                  "s_nop 1\nv_readlane_b32 s10, v10, 1\ns_nop 4\n"
                  "v_mov_b32 v8, s10\n" +
                  store),
            none);
  EXPECT_EQ(check(half +
                  "s_nop 1\nv_readlane_b32 s10, v10, 2\ns_nop 4\n"
                  "v_mov_b32 v8, s10\n" +
                  store)
                .size(),
            1u);
  // Both halves of a register, one after the other.
  EXPECT_EQ(check("v_cvt_pk_fp8_f32 v8, v1, v2\n"
                  "v_cvt_pk_fp8_f32 v8, v1, v2 op_sel:[0,0,1]\n" +
                  store),
            none);
}

TEST(UndefinedCheck, LdsBytes) {
  const std::string store = "s_waitcnt lgkmcnt(0)\n"
                            "global_store_dword v1, v8, s[6:7]\n";
  EXPECT_EQ(check("ds_read_b32 v8, v1\n" + store).size(), 1u);
  EXPECT_EQ(check("ds_write_b32 v1, v2\nds_read_b32 v8, v1\n" + store), none);
  EXPECT_EQ(check("ds_write_b16 v1, v2\nds_read_b32 v8, v1\n" + store).size(),
            1u);
  EXPECT_EQ(check("ds_write_b32 v1, v9\nds_read_b32 v8, v1\n" + store).size(),
            1u);
  EXPECT_EQ(check(dma + "s_waitcnt vmcnt(0)\nds_read_b32 v8, v1\n" + store),
            none);
  // A dword of two.
  EXPECT_EQ(check("v_lshlrev_b32 v4, 3, v2\n"
                  "ds_write_b32 v4, v2\n"
                  "ds_read_b64 v[8:9], v4\n" +
                  store),
            none);
}

/// An undefined column of B makes a column of the result undefined.
TEST(UndefinedCheck, MatrixColumns) {
  std::string before;
  for (unsigned reg = 10; reg < 32; ++reg)
    before += "v_mov_b32 v" + std::to_string(reg) + ", 0\n";
  // Lane 5 of B is undefined: column 5.
  before += "s_mov_b64 exec, 32\nv_mov_b32 v12, v9\ns_mov_b64 exec, -1\n";
  const std::string mfma =
      "s_nop 2\n"
      "v_mfma_f32_32x32x8_f16 v[16:31], v[10:11], v[12:13], v[16:31]\n"
      "s_nop 15\n";
  const std::string store = "s_nop 1\nglobal_store_dword v1, v31, s[6:7]\n";
  auto lanes = [&](const char *mask) {
    return check(before + mfma + "s_mov_b32 s8, " + mask + "\ns_mov_b32 s9, " +
                     mask + "\ns_mov_b64 exec, s[8:9]\n" + store,
                 1, "gfx942")
        .size();
  };
  EXPECT_EQ(lanes("32"), 1u);
  EXPECT_EQ(lanes("0xffffffdf"), 0u);
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
