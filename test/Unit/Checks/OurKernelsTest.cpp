//===- OurKernelsTest.cpp - Our kernels are free of reports ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckedAttention.h"

#include "gtest/gtest.h"

using namespace flyattn;
using namespace flyattn::test;

namespace {

struct Case {
  const char *chip;
  unsigned headDim, headDimV;
  MaskKind mask;
  ElementType type;
  ScheduleKind schedule;
};

std::vector<Case> allCases() {
  std::vector<Case> cases;
  for (const char *chip : {"gfx942", "gfx950"})
    // A head dim between the tiles' takes columns of zeros.
    for (unsigned headDim : {64u, 72u, 128u})
      for (MaskKind mask : {MaskKind::None, MaskKind::Causal,
                            MaskKind::CausalTopLeft, MaskKind::Window})
        for (ScheduleKind schedule :
             {ScheduleKind::Generic, ScheduleKind::DualWave})
          cases.push_back({chip, headDim, headDim, mask,
                           mask == MaskKind::CausalTopLeft ? ElementType::F16
                                                           : ElementType::BF16,
                           schedule});
  // Wider than a wave's registers hold 64 rows of; gfx950 reads those of 192
  // columns in two halves.
  struct Wide {
    const char *chip;
    unsigned headDim, headDimV;
  };
  for (Wide wide : {Wide{"gfx942", 192, 128}, Wide{"gfx942", 136, 40},
                    Wide{"gfx950", 192, 128}, Wide{"gfx950", 192, 192},
                    Wide{"gfx950", 256, 128}})
    for (MaskKind mask : {MaskKind::None, MaskKind::Window})
      cases.push_back({wide.chip, wide.headDim, wide.headDimV, mask,
                       ElementType::BF16, ScheduleKind::DualWave});
  return cases;
}

std::string nameOf(const testing::TestParamInfo<Case> &info) {
  const Case &c = info.param;
  return std::string(c.chip) + "_d" + std::to_string(c.headDim) +
         (c.headDimV == c.headDim ? "" : "x" + std::to_string(c.headDimV)) +
         (c.mask == MaskKind::None     ? "_dense"
          : c.mask == MaskKind::Causal ? "_causal"
          : c.mask == MaskKind::Window ? "_window"
                                       : "_causal_top_left_f16") +
         (c.schedule == ScheduleKind::DualWave ? "_dual_wave" : "");
}

class OurKernels : public testing::TestWithParam<Case> {
protected:
  void expectClean(int64_t seqlenQ, int64_t seqlenKv,
                   llvm::ArrayRef<sim::Options> runs) {
    Problem problem;
    problem.seqlenQ = seqlenQ;
    problem.seqlenKv = seqlenKv;
    expectClean(problem, runs);
  }

  void expectClean(Problem problem, llvm::ArrayRef<sim::Options> runs) {
    problem.heads = 2;
    problem.headDim = GetParam().headDim;
    problem.headDimV = GetParam().headDimV;
    problem.mask = GetParam().mask;
    if (problem.mask == MaskKind::Window)
      problem.window = Window{70, 5};
    problem.dtype = GetParam().type;
    problem.schedule = GetParam().schedule;
    problem.wantLse = true;
    CheckedAttention attention(problem, GetParam().chip);
    sim::Program program = attention.decode();
    for (sim::Options options : runs) {
      options.checks = true;
      Outcome outcome = attention.run(program, options);
      EXPECT_EQ(outcome.error, "");
      EXPECT_TRUE(outcome.right);
      for (const sim::CheckReport &report : outcome.checks.reports)
        ADD_FAILURE() << problem.seqlenQ << " x " << problem.seqlenKv << ": "
                      << describe(report);
    }
  }
};

/// Every order of the waves and of memory that the simulator knows.
std::vector<sim::Options> allOrders() {
  std::vector<sim::Options> runs;
  for (sim::WaveOrder order : {sim::WaveOrder::Forward, sim::WaveOrder::Reverse,
                               sim::WaveOrder::Random})
    for (unsigned quantum : {1u, 16u, 64u}) {
      sim::Options options;
      options.order = order;
      options.quantum = quantum;
      options.seed = quantum;
      options.commit =
          quantum == 16 ? sim::CommitPolicy::Late : sim::CommitPolicy::LateDma;
      runs.push_back(options);
    }
  return runs;
}

TEST_P(OurKernels, AreCleanAtRaggedSizes) {
  const sim::Options defaults;
  for (auto [seqlenQ, seqlenKv] :
       {std::pair(1, 300), std::pair(300, 1), std::pair(129, 257),
        std::pair(256, 256), std::pair(65, 31)})
    expectClean(seqlenQ, seqlenKv, defaults);
}

TEST_P(OurKernels, AreCleanInAnyOrder) { expectClean(200, 333, allOrders()); }

TEST_P(OurKernels, AreCleanOnPackedSequences) {
  Problem problem;
  problem.cuSeqlensQ = {0, 200, 200, 233, 234};
  problem.cuSeqlensKv = {0, 0, 64, 333, 590}; // the longest has no keys
  problem.takeLengths();
  expectClean(problem, allOrders());
}

INSTANTIATE_TEST_SUITE_P(All, OurKernels, testing::ValuesIn(allCases()),
                         nameOf);

} // namespace
