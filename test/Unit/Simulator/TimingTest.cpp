//===- TimingTest.cpp - The cycle model, one rule at a time ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small loops whose clocks an iteration follow from the constants by hand.
//
//===----------------------------------------------------------------------===//

#include "LaunchTest.h"

#include "flyattn/Simulator/Occupancy.h"

#include "llvm/Support/JSON.h"

using namespace flyattn::test;

namespace {

std::string repeat(const std::string &text, unsigned count) {
  std::string all;
  for (unsigned i = 0; i < count; ++i)
    all += text;
  return all;
}

struct Timed {
  Launch launch;
  std::vector<std::string> constants;

  explicit Timed(const std::string &chip = "gfx950", unsigned waves = 1) {
    launch.chip = chip;
    launch.info.vgprs = launch.info.accumOffset = 128;
    launch.info.ldsSize = 32768;
    launch.params.block = {64 * waves, 1, 1};
  }

  TimingResult run(const std::string &text) {
    TimingOptions timing;
    timing.constants = TimingConstants::of(launch.chip);
    for (const std::string &constant : constants)
      EXPECT_FALSE(bool(setTimingConstant(timing.constants, constant)));
    if (launch.options.timing) {
      timing.trace = launch.options.timing->trace;
      timing.sampledUnits = launch.options.timing->sampledUnits;
    }
    launch.options.timing = timing;
    EXPECT_TRUE(launch.run(text)) << launch.error;
    return launch.result.timing ? *launch.result.timing : TimingResult();
  }

  /// Clocks an iteration of a loop around `body`, whose own three scalar
  /// instructions and taken branch take 8 + 16 clocks.
  double loop(const std::string &body, const std::string &before = "",
              unsigned iterations = 40) {
    TimingResult result =
        run(before + "s_movk_i32 s2, " + std::to_string(iterations) + "\n1:\n" +
            body +
            "s_sub_u32 s2, s2, 1\ns_cmp_lg_u32 s2, 0\ns_cbranch_scc1 1b\n"
            "s_endpgm\n");
    EXPECT_EQ(result.loops.size(), 1u);
    return result.loops.empty() ? 0 : result.loops.front().clocks;
  }
  /// The same for all waves of the CU together.
  double together(const std::string &body, const std::string &before = "") {
    loop(body, before, 80);
    auto many = double(launch.result.timing->unitClocks);
    loop(body, before, 40);
    return (many - double(launch.result.timing->unitClocks)) / 40;
  }
  double body(const std::string &text, const std::string &before = "") {
    return loop(text, before) - 24;
  }
};

const std::string mfma =
    "v_mfma_f32_32x32x16_bf16 v[16:31], v[64:67], v[68:71], v[16:31]\n";
const std::string mfma942 =
    "v_mfma_f32_32x32x8_bf16 v[16:31], v[64:65], v[68:69], v[16:31]\n";

TEST(Timing, PlainInstructionsTakeASlotEach) {
  EXPECT_EQ(Timed().body(""), 0);
  EXPECT_EQ(Timed().body(repeat("v_add_f32 v1, v1, v2\n", 10)), 40);
  EXPECT_EQ(Timed().body(repeat("s_add_u32 s4, s4, 1\n", 10)), 40);
  EXPECT_EQ(Timed().body("s_nop 9\n"), 40);
}

TEST(Timing, SkippedInstructionsTakeASlotAndNoUnit) {
  std::string skipped = "s_setvskip 1, 0\n" + repeat(mfma, 8) +
                        repeat("v_exp_f32 v1, v2\n", 2) + "s_setvskip 0, 0\n";
  EXPECT_EQ(Timed().body(skipped), 12 * 4);
}

TEST(Timing, TranscendentalsByChip) {
  std::string exps = repeat("v_exp_f32 v1, v2\n", 8);
  // The last one overlaps with the scalar instructions behind it.
  EXPECT_EQ(Timed("gfx950").body(exps + "v_mov_b32 v3, 0\n"), 8 * 8 + 4);
  EXPECT_EQ(Timed("gfx942").body(exps + "v_mov_b32 v3, 0\n"), 8 * 16 + 4);
}

TEST(Timing, OneInstructionOfACategoryASlot) {
  // Four waves on four SIMDs do not meet; eight share.
  std::string adds = repeat("v_add_f32 v1, v1, v2\n", 50);
  EXPECT_EQ(Timed("gfx950", 4).body(adds), 200);
  EXPECT_NEAR(Timed("gfx950", 8).together(adds), 2 * 200, 24);
  // Vector and scalar instructions of two waves issue side by side.
  std::string mixed = repeat("v_add_f32 v1, v1, v2\ns_add_u32 s4, s4, 1\n", 25);
  EXPECT_NEAR(Timed("gfx950", 8).together(mixed), 200 + 24, 24);
}

TEST(Timing, MatrixUnitAndWhatRunsBesideIt) {
  EXPECT_EQ(Timed().loop(repeat(mfma, 8)), 8 * 32);
  EXPECT_EQ(Timed("gfx942").loop(repeat(mfma942, 8)), 8 * 32);
  // gfx950: 6 plain or 3 transcendental in clk [8, 32); gfx942: 7 plain.
  auto with = [](const std::string &chip, const std::string &mfma,
                 const std::string &beside) {
    return Timed(chip).body(repeat(mfma + beside, 8) + "v_mov_b32 v1, 0\n") - 4;
  };
  std::string add = "v_add_f32 v100, v101, v102\n";
  std::string exp = "v_exp_f32 v100, v101\n";
  EXPECT_EQ(with("gfx950", mfma, repeat(add, 6)), 8 * 32);
  EXPECT_EQ(with("gfx950", mfma, repeat(add, 7)), 8 * 36);
  EXPECT_EQ(with("gfx950", mfma, repeat(exp, 3)), 8 * 32);
  EXPECT_EQ(with("gfx950", mfma, repeat(exp, 4)), 8 * 40);
  EXPECT_EQ(with("gfx942", mfma942, repeat(add, 7)), 8 * 32);
  EXPECT_EQ(with("gfx942", mfma942, repeat(add, 8)), 8 * 36);
}

TEST(Timing, PackedMathNeverBesideAMatrixInstruction) {
  std::string packed = "v_pk_mul_f32 v[100:101], v[102:103], v[104:105]\n";
  EXPECT_EQ(Timed().body(repeat(mfma + packed, 8)), 8 * 36);
}

TEST(Timing, ReadersOfAMatrixResultWait) {
  // 8 passes and 16 clk on gfx950, 12 on gfx942, then the read itself.
  std::string read = "v_mov_b32 v100, v18\n";
  EXPECT_EQ(Timed("gfx950").body(mfma + read), 32 + 16 + 4);
  EXPECT_EQ(Timed("gfx942").body(mfma942 + read), 32 + 12 + 4);
  TimingResult result = Timed().run(mfma + read + "s_endpgm\n");
  EXPECT_EQ(result.insts[1].stalls[unsigned(Stall::MfmaResult)], 44u);
}

TEST(Timing, LdsRates) {
  // Conflict-free: lane * 16.
  std::string before = "v_and_b32 v2, 63, v0\nv_lshlrev_b32 v2, 4, v2\n";
  std::string reads = repeat("ds_read_b128 v[8:11], v2\n", 8);
  std::string drain = "s_waitcnt lgkmcnt(0)\n";
  auto rate = [&](const std::string &chip, unsigned waves) {
    double many = Timed(chip, waves).loop(repeat(reads, 6) + drain, before);
    double few = Timed(chip, waves).loop(repeat(reads, 2) + drain, before);
    return (many - few) / 32;
  };
  // A SIMD alone, and all four.
  EXPECT_NEAR(rate("gfx950", 1), 8, 0.5);
  EXPECT_NEAR(rate("gfx950", 4), 16, 0.5);
  EXPECT_NEAR(rate("gfx942", 1), 16, 0.5);
  EXPECT_NEAR(rate("gfx942", 4), 32, 0.5);
  // Data of a single read: 40 to 44 clk.
  double alone = Timed().body("ds_read_b128 v[8:11], v2\n" + drain, before);
  EXPECT_GE(alone, 40);
  EXPECT_LE(alone, 48);
}

TEST(Timing, BankConflictsMakeALoopBoundByLds) {
  // Rows of 256 bytes in one phase share their banks; eight waves.
  auto clocks = [](unsigned shift) {
    std::string before = "v_and_b32 v2, 63, v0\nv_lshlrev_b32 v2, " +
                         std::to_string(shift) + ", v2\n";
    std::string body =
        repeat("ds_read_b128 v[80:83], v2\n", 12) + repeat(mfma, 8);
    return Timed("gfx950", 8).together(body + "s_waitcnt lgkmcnt(0)\n", before);
  };
  double clean = clocks(4), twoWay = clocks(5);
  EXPECT_NEAR(clean, 2 * 8 * 32, 60);
  EXPECT_NEAR(twoWay, 8 * 12 * 4 * 2, 60);
}

TEST(Timing, LoadsAndTheirWaits) {
  std::string load = "s_load_dwordx2 s[6:7], s[0:1], 0x0\n"
                     "s_waitcnt lgkmcnt(0)\nv_lshlrev_b32 v1, 2, v0\n";
  std::string body = "global_load_dword v8, v1, s[6:7]\n";
  std::string wait = "s_waitcnt vmcnt(0)\n";
  // The lines are known after the first iteration: L2.
  Timed timed;
  double waited = timed.loop(body + wait, load);
  EXPECT_NEAR(waited, 1000 + 24 + 12, 24);
  Timed faster;
  faster.constants = {"l2.latency=500"};
  EXPECT_NEAR(waited - faster.loop(body + wait, load), 500, 4);
  // A count of 1 lets the loop run ahead of the latency.
  EXPECT_LT(Timed().loop(body + "s_waitcnt vmcnt(1)\n", load), 600);
}

TEST(Timing, BarriersWaitForTheLastWave) {
  // Wave 1 works for 400 clk more.
  std::string text = "v_readfirstlane_b32 s4, v0\ns_cmp_lt_u32 s4, 64\n"
                     "s_cbranch_scc1 1f\n" +
                     repeat("s_nop 15\n", 6) + "1:\ns_barrier\ns_endpgm\n";
  TimingResult result = Timed("gfx950", 2).run(text);
  for (const TimedInst &inst : result.insts)
    if (inst.text == "s_barrier") {
      EXPECT_NEAR(double(inst.stalls[unsigned(Stall::Barrier)]), 6 * 64, 40);
    }
}

/// Two groups of four waves take turns at reading LDS and at multiplying.
double turns(unsigned reads, const std::string &betweenThem) {
  std::string apart = "v_and_b32 v10, 63, v0\nv_lshlrev_b32 v10, 4, v10\n"
                      "v_lshrrev_b32 v1, 8, v0\nv_readfirstlane_b32 s4, v1\n"
                      "s_cmp_eq_u32 s4, 0\ns_cbranch_scc1 0f\ns_barrier\n0:\n";
  return Timed("gfx950", 8)
      .loop(repeat("ds_read_b128 v[64:67], v10\n", reads) + betweenThem +
                repeat(mfma, 8) + "s_barrier\n",
            apart);
}

TEST(Timing, DrainingLdsBehindTheBarrier) {
  const char *before = "s_waitcnt lgkmcnt(0)\ns_barrier\n";
  const char *behind = "s_barrier\ns_waitcnt lgkmcnt(0)\n";
  // The data is there before the other group has multiplied: behind the
  // barrier the wait only takes a slot of each group.
  EXPECT_EQ(turns(8, behind), turns(8, before) + 2 * 4);
  // The barrier waits for the data: the other group need not.
  EXPECT_LT(turns(12, behind), 0.95 * turns(12, before));
  EXPECT_LT(turns(16, behind), 0.85 * turns(16, before));
}

TEST(Timing, NoBarrierStallsForLessThanNothing) {
  // The last wave to arrive is held for nothing, whatever it comes from.
  TimingResult result = Timed("gfx950", 2)
                            .run("s_branch 1f\ns_nop 0\n1:\ns_barrier\n"
                                 "s_barrier\ns_endpgm\n");
  for (const TimedInst &inst : result.insts)
    EXPECT_LT(inst.stalls[unsigned(Stall::Barrier)], 1000u) << inst.text;
}

TEST(Timing, HigherPriorityFirst) {
  // Waves 0 and 4 share a SIMD; the second asks for priority.
  std::string text = "v_readfirstlane_b32 s4, v0\ns_cmp_lt_u32 s4, 0x100\n"
                     "s_cbranch_scc1 1f\ns_setprio 3\n"
                     "s_movk_i32 s2, 50\n2:\n" +
                     repeat("v_add_f32 v1, v1, v2\n", 20) +
                     "s_sub_u32 s2, s2, 1\ns_cmp_lg_u32 s2, 0\n"
                     "s_cbranch_scc1 2b\ns_endpgm\n"
                     "1:\ns_movk_i32 s2, 50\n3:\n" +
                     repeat("v_add_f32 v1, v1, v2\n", 20) +
                     "s_sub_u32 s2, s2, 1\ns_cmp_lg_u32 s2, 0\n"
                     "s_cbranch_scc1 3b\ns_endpgm\n";
  TimingResult result = Timed("gfx950", 8).run(text);
  ASSERT_EQ(result.loops.size(), 2u);
  const TimedLoop &a = result.loops[0], &b = result.loops[1];
  const TimedLoop &preferred = a.begin < b.begin ? a : b;
  const TimedLoop &other = a.begin < b.begin ? b : a;
  EXPECT_EQ(preferred.clocks, 20 * 4 + 24);
  EXPECT_GT(other.clocks, preferred.clocks);
}

TEST(Timing, ChangesNoResultAndIsDeterministic) {
  std::string text = start + "v_mul_u32_u24 v3, v2, v2\nds_write_b32 v1, v3\n"
                             "s_waitcnt lgkmcnt(0)\ns_barrier\n"
                             "v_xor_b32 v4, 0x7c, v1\nds_read_b32 v5, v4\n"
                             "s_waitcnt lgkmcnt(0)\n"
                             "global_store_dword v1, v5, s[6:7]\ns_endpgm\n";
  Launch plain;
  plain.params.block = {256, 1, 1};
  ASSERT_TRUE(plain.run(text)) << plain.error;
  Timed a("gfx950", 4), b("gfx950", 4);
  // Clocks depend on how buffers are aligned: twice with the same one.
  TimingResult first = a.run(text), second = a.run(text);
  b.run(text);
  EXPECT_EQ(a.launch.out, plain.out);
  EXPECT_EQ(b.launch.out, plain.out);
  EXPECT_EQ(first.deviceClocks, second.deviceClocks);
  EXPECT_EQ(a.launch.result.instructions, plain.result.instructions);
}

TEST(Timing, TheDeviceFromItsComputeUnits) {
  // 2 * 256 + 1 workgroups on 256 CUs, of which each holds one: three rounds.
  Timed timed;
  timed.launch.info.ldsSize = 160 * 1024;
  timed.launch.params.grid = {2 * 256 + 1, 1, 1};
  TimingResult result = timed.run(repeat("s_nop 15\n", 4) + "s_endpgm\n");
  EXPECT_EQ(result.workgroupsPerUnit, 1u);
  EXPECT_EQ(result.sampledUnits, 8u);
  EXPECT_EQ(timed.launch.result.workgroups, 2u * 256 + 1);
  EXPECT_GE(result.timedWorkgroups, 16u);
  EXPECT_NEAR(double(result.deviceClocks), 3.0 * result.workgroupClocks,
              0.8 * result.workgroupClocks);
}

TEST(Timing, WorkgroupsThatWereNotTimedAreAsLongAsTheirLike) {
  // How long a workgroup runs depends on one of its three indices.
  for (unsigned axis : {0u, 1u, 2u}) {
    auto clocks = [&](unsigned sampled) {
      Timed timed;
      timed.launch.info.ldsSize = 160 * 1024;
      timed.launch.params.grid = {8, 8, 8};
      timed.launch.params.grid[axis] = 32;
      timed.launch.options.timing = TimingOptions();
      timed.launch.options.timing->sampledUnits = sampled;
      std::string id = "s" + std::to_string(2 + axis);
      TimingResult result =
          timed.run("s_sub_u32 s8, 40, " + id + "\ns_lshl_b32 s8, s8, 4\n1:\n" +
                    repeat("s_nop 15\n", 4) +
                    "s_sub_u32 s8, s8, 1\ns_cmp_lg_u32 s8, 0\n"
                    "s_cbranch_scc1 1b\ns_endpgm\n");
      return double(result.deviceClocks);
    };
    double all = clocks(256);
    EXPECT_NEAR(clocks(16), all, 0.02 * all) << "axis " << axis;
  }
}

TEST(Timing, WorkgroupsMayDifferAlongTwoAxes) {
  // As packed sequences under a mask do: by y up to what z says, else at once.
  auto clocks = [&](unsigned sampled) {
    Timed timed;
    timed.launch.info.ldsSize = 160 * 1024;
    timed.launch.params.grid = {32, 32, 4};
    timed.launch.options.timing = TimingOptions();
    timed.launch.options.timing->sampledUnits = sampled;
    TimingResult result =
        timed.run("s_lshl_b32 s8, s4, 3\ns_add_u32 s8, s8, 8\n"
                  "s_sub_i32 s8, s8, s3\ns_cmp_lt_i32 s8, 1\n"
                  "s_cbranch_scc1 2f\ns_lshl_b32 s8, s8, 4\n1:\n" +
                  repeat("s_nop 15\n", 4) +
                  "s_sub_u32 s8, s8, 1\ns_cmp_lg_u32 s8, 0\n"
                  "s_cbranch_scc1 1b\n2:\ns_endpgm\n");
    return double(result.deviceClocks);
  };
  double all = clocks(256);
  EXPECT_NEAR(clocks(8), all, 0.03 * all);
}

TEST(Timing, TheTraceShowsWavesAndUnits) {
  Timed timed("gfx950", 8);
  timed.launch.options.timing = TimingOptions();
  timed.launch.options.timing->trace = {0, 4000};
  TimingResult result = timed.run(repeat(mfma, 4) + "s_endpgm\n");
  auto json = llvm::json::parse(traceToJson(result.trace));
  ASSERT_TRUE(bool(json)) << llvm::toString(json.takeError());
  unsigned matrix = 0, waves = 0;
  for (const TraceEvent &event : result.trace) {
    matrix += event.track == "SIMD 0 MFMA";
    waves += event.track.find("wave") != std::string::npos;
  }
  EXPECT_EQ(matrix, 8u);
  EXPECT_GE(waves, 32u + 8u);
}

TEST(Timing, BadConstantsAreNamed) {
  TimingConstants constants = TimingConstants::of("gfx950");
  std::string message =
      llvm::toString(setTimingConstant(constants, "lds.speed=4"));
  EXPECT_NE(message.find("lds.speed"), std::string::npos);
  EXPECT_NE(message.find("lds.latency"), std::string::npos);
  message = llvm::toString(setTimingConstant(constants, "lds.latency=fast"));
  EXPECT_NE(message.find("fast"), std::string::npos);
}

TEST(Timing, ConstantsThatCannotBeAreRefused) {
  for (const TimingConstant &row : timingConstants()) {
    TimingConstants constants = TimingConstants::of("gfx950");
    std::string message =
        llvm::toString(setTimingConstant(constants, (row.name + "=0").str()));
    EXPECT_EQ(message.empty(), row.unit == "flag") << row.name.str();
  }
  TimingConstants constants = TimingConstants::of("gfx950");
  EXPECT_NE(llvm::toString(setTimingConstant(constants, "device.units=4")), "");
  Launch launch;
  launch.options.timing = TimingOptions(); // no constants at all
  EXPECT_FALSE(launch.run("s_endpgm\n"));
  EXPECT_TRUE(launch.errorHas("TimingConstants::of")) << launch.error;
}

/// As split-K kernels do that hand partial sums on: each workgroup waits for
/// the one before it, whether that is on a CU that is timed or not.
TEST(Timing, WorkgroupsMayWaitForEarlierOnes) {
  for (unsigned threads : {1, 2}) {
    Timed timed;
    Launch &launch = timed.launch;
    launch.out[0] = 0;
    launch.params.grid = {200, 1, 1};
    launch.options.threads = threads;
    launch.options.timing = TimingOptions();
    launch.options.timing->sampledUnits = 3;
    launch.options.instructionBudget = 1 << 24;
    TimingResult result = timed.run(
        start + "s_mov_b64 exec, 1\nv_mov_b32 v3, 0\nv_mov_b32 v5, 1\n"
                "1:\nglobal_load_dword v4, v3, s[6:7]\ns_waitcnt vmcnt(0)\n"
                "v_readfirstlane_b32 s20, v4\ns_cmp_lg_u32 s20, s2\n"
                "s_cbranch_scc1 1b\n"
                "global_atomic_add v3, v5, s[6:7]\ns_endpgm\n");
    EXPECT_EQ(launch.out[0], 200u);
    EXPECT_EQ(result.sampledUnits, 3u);
    EXPECT_EQ(launch.result.workgroups, 200u);
  }
}

TEST(Timing, EndlessLoopsEnd) {
  Timed timed;
  Launch &launch = timed.launch;
  launch.options.instructionBudget = 10000;
  launch.options.timing = TimingOptions{TimingConstants::of("gfx950")};
  EXPECT_FALSE(launch.run("1:\ns_branch 1b\n"));
  EXPECT_TRUE(launch.errorHas("is not done after")) << launch.error;
}

TEST(Timing, EveryUncertainConstantHasARangeAroundItsValues) {
  for (const TimingConstant &row : timingConstants()) {
    if (row.mark == '?' || row.mark == 'S') {
      EXPECT_LT(row.low, row.high) << row.name.str();
    }
    if (row.low == row.high)
      continue;
    for (uint32_t value : {row.gfx942, row.gfx950}) {
      EXPECT_GE(value, row.low) << row.name.str();
      EXPECT_LE(value, row.high) << row.name.str();
    }
  }
}

TEST(Occupancy, BoundedByRegistersLdsAndWaves) {
  KernelInfo info;
  info.vgprs = 256;
  EXPECT_EQ(occupancyOf(info, "gfx950", 4, 0).workgroups, 2u);
  EXPECT_EQ(occupancyOf(info, "gfx950", 8, 0).workgroups, 1u);
  info.vgprs = 64;
  EXPECT_EQ(occupancyOf(info, "gfx950", 4, 0).workgroups, 8u);
  EXPECT_EQ(occupancyOf(info, "gfx950", 4, 64 * 1024).workgroups, 2u);
  EXPECT_EQ(occupancyOf(info, "gfx942", 4, 64 * 1024).workgroups, 1u);
  EXPECT_EQ(occupancyOf(info, "gfx942", 4, 64 * 1024).limit, "LDS");
}

} // namespace
