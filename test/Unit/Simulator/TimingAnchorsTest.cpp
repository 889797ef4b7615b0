//===- TimingAnchorsTest.cpp - The cycle model against hardware -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// AITER's gfx950 kernel for bf16, head dimension 128, no mask: its loop as it
// is, and with one technique taken out. docs/Simulator.md compares the figures
// with hardware. Skipped without $FLYATTN_FOREIGN_KERNELS.
//
//===----------------------------------------------------------------------===//

#include "AiterKernels.h"

#include "flyattn/Simulator/Reassemble.h"

#include "gtest/gtest.h"

#include <cstdlib>

using namespace flyattn;
using namespace flyattn::sim;

namespace {

constexpr unsigned seqlenKv = 4096;

/// The kernel's instructions, to be edited; an edit keeps their sizes.
struct Listing {
  KernelInfo info;
  std::vector<DisassembledInst> insts;

  /// All of the instructions that `match` accepts become `text`.
  template <typename Match>
  unsigned replace(Match match, const std::string &text) {
    unsigned count = 0;
    for (DisassembledInst &inst : insts)
      if (match(inst)) {
        inst.text = text;
        ++count;
      }
    return count;
  }
};

class TimingAnchors : public testing::Test {
protected:
  void SetUp() override {
    const char *folder = std::getenv("FLYATTN_FOREIGN_KERNELS");
    if (!folder || !*folder)
      GTEST_SKIP() << "set FLYATTN_FOREIGN_KERNELS to a folder with "
                      "gfx950/fmha_v3_fwd/*.co";
    std::filesystem::path path =
        std::filesystem::path(folder) / "gfx950/fmha_v3_fwd/fwd_hd128_bf16.co";
    kernel.path = path;
    kernel.gfx950 = true;
    auto object = aiter::loadObject(kernel);
    ASSERT_TRUE(bool(object)) << llvm::toString(object.takeError());
    auto program = Program::decode(*object, object->kernels().front().name);
    ASSERT_TRUE(bool(program)) << llvm::toString(program.takeError());
    listing = {program->info(), program->disassembly()};
  }

  /// One workgroup of 256 rows against seqlenKv columns.
  TimingResult time(const Listing &code,
                    const std::vector<std::string> &constants = {}) {
    std::string text;
    for (const DisassembledInst &inst : code.insts)
      text += inst.text + "\n";
    auto bytes = assemble("gfx950", text);
    EXPECT_TRUE(bool(bytes)) << llvm::toString(bytes.takeError());
    auto program = Program::fromCode("gfx950", code.info, *bytes);
    EXPECT_TRUE(bool(program)) << llvm::toString(program.takeError());

    aiter::Call call{};
    call.batch = call.heads = call.kvHeads = 1;
    call.seqlenQ = kernel.tileQ();
    call.seqlenKv = seqlenKv;
    call.scale = 0.0883883f;
    std::vector<uint16_t> q(kernel.tileQ() * 128, 0x3d00),
        k(seqlenKv * 128, 0x3d00), v(seqlenKv * 128, 0x3d00),
        o(kernel.tileQ() * 128);
    std::vector<float> lse(kernel.tileQ());
    Memory memory;
    auto bind = [&](auto &data, const char *name) {
      return memory.bind(data.data(), data.size() * sizeof(data[0]), name);
    };
    call.q = bind(q, "q");
    call.k = bind(k, "k");
    call.v = bind(v, "v");
    call.o = bind(o, "o");
    call.lse = bind(lse, "lse");
    LaunchParams params;
    aiter::setKernarg(params, kernel, call);
    params.block = {kernel.workItems(), 1, 1};
    Options options;
    options.timing = TimingOptions{TimingConstants::of("gfx950"), 1};
    for (const std::string &constant : constants)
      EXPECT_FALSE(
          bool(setTimingConstant(options.timing->constants, constant)));
    auto result = launch(*program, memory, params, options);
    EXPECT_TRUE(bool(result)) << llvm::toString(result.takeError());
    return result ? std::move(*result->timing) : TimingResult();
  }

  aiter::Kernel kernel;
  Listing listing;
};

bool isA(const DisassembledInst &inst, const char *prefix) {
  return inst.text.rfind(prefix, 0) == 0;
}

constexpr double hardwareClocksATile = 2680; // 1283 TFLOP/s at about 1.6 GHz

TEST_F(TimingAnchors, LoopOverKvTiles) {
  TimingResult result = time(listing);
  // The two groups of waves run a loop each, of two tiles an iteration.
  ASSERT_EQ(result.loops.size(), 2u);
  for (const TimedLoop &loop : result.loops) {
    double clocksATile = loop.clocks / 2;
    EXPECT_GE(clocksATile, 2350);
    EXPECT_LE(clocksATile, 2900) << "hardware: " << hardwareClocksATile;
    EXPECT_NEAR(loop.mfmaBusy, 2048 / clocksATile, 0.01);
  }
}

TEST_F(TimingAnchors, MatrixInstructionsAlone) {
  TimingResult whole = time(listing);
  ASSERT_FALSE(whole.loops.empty());
  const TimedLoop &loop = whole.loops.front();
  std::string text = "s_mov_b32 s2, 50\n1:\n";
  for (const DisassembledInst &inst : listing.insts)
    if (inst.offset >= loop.begin && inst.offset < loop.end &&
        isA(inst, "v_mfma"))
      text += inst.text + "\n";
  text += "s_sub_u32 s2, s2, 1\ns_cmp_lg_u32 s2, 0\ns_cbranch_scc1 1b\n"
          "s_endpgm\n";
  Listing alone = {listing.info, {{0, 0, text}}};
  TimingResult result = time(alone);
  ASSERT_EQ(result.loops.size(), 1u);
  EXPECT_GT(result.loops.front().mfmaBusy, 0.99); // hardware: 99.8 %
}

TEST_F(TimingAnchors, PrioritiesHelp) {
  Listing edited = listing;
  auto setsPriority = [](auto &inst) { return isA(inst, "s_setprio"); };
  ASSERT_GT(edited.replace(setsPriority, "s_nop 0"), 0u);
  double ratio = double(time(edited).unitClocks) / time(listing).unitClocks;
  EXPECT_GT(ratio, 1.005); // hardware, another kernel: 1.03
  EXPECT_LT(ratio, 1.15);
}

TEST_F(TimingAnchors, TheStaggerHelps) {
  // A branch sends half of the waves to a loop of their own, half an iteration
  // behind. Without it all run the first loop, in step.
  Listing edited = listing;
  unsigned edits = 0;
  for (size_t i = 1; i + 1 < edited.insts.size(); ++i)
    if (isA(edited.insts[i], "s_cbranch_scc0") &&
        isA(edited.insts[i - 1], "s_cmp_lt_i32 s5, 4")) {
      edited.insts[i].text = "s_nop 0";
      ++edits;
    }
  ASSERT_EQ(edits, 1u);
  double ratio = double(time(edited).unitClocks) / time(listing).unitClocks;
  EXPECT_GT(ratio, 1.1); // hardware, another kernel: 1.18
  EXPECT_LT(ratio, 1.7);
}

TEST_F(TimingAnchors, UncertainConstantsMoveItLittle) {
  double base = double(time(listing).unitClocks);
  for (const TimingConstant &row : timingConstants())
    for (uint32_t value : {row.low, row.high}) {
      if (row.low == row.high)
        continue;
      std::string set = row.name.str() + "=" + std::to_string(value);
      double ratio = double(time(listing, {set}).unitClocks) / base;
      EXPECT_GT(ratio, 0.9) << set;
      EXPECT_LT(ratio, 1.15) << set;
    }
}

} // namespace
