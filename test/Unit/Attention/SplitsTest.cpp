//===- SplitsTest.cpp - Tests of plans with parts of KV -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Splits.h"
#include "flyattn/Attention/Plan.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace flyattn;

namespace {

Problem decodeProblem() {
  Problem p;
  p.batch = 2;
  p.heads = 16;
  p.kvHeads = 2;
  p.seqlenQ = 1;
  p.seqlenKv = 1000;
  p.wantLse = true;
  p.splits = 3;
  return p;
}

Plan planned(const Problem &problem, StringRef chip = "gfx950") {
  Expected<Plan> made = plan(problem, chip);
  if (made)
    return std::move(*made);
  ADD_FAILURE() << toString(made.takeError());
  return Plan();
}

class SplitsOn : public testing::TestWithParam<const char *> {};

TEST_P(SplitsOn, LayOutBothKernels) {
  Plan made = planned(decodeProblem(), GetParam());
  ASSERT_TRUE(made.combine);
  EXPECT_EQ(made.splits, 3u);
  // Two KV heads; their eight heads of a row are one tile; two batches.
  std::array<uint32_t, 3> grid = {2, 1, 6};
  EXPECT_EQ(made.shape.grid, grid);
  EXPECT_EQ(made.args.splits, 3);
  EXPECT_EQ(made.args.oStrides.head, 128);
  EXPECT_EQ(made.args.oStrides.batch, 16 * 128);
  // Parts of O, maxima and sums.
  EXPECT_EQ(made.workspaceBytes, 3u * 2 * 16 * (128 + 2) * 4);
  EXPECT_EQ(made.combine->rows, 2u * 16);
  std::array<uint32_t, 3> combineGrid = {1, 4, 2};
  EXPECT_EQ(made.combine->shape.grid, combineGrid);
  EXPECT_EQ(made.combine->args.seqlenQ, 1);
  EXPECT_EQ(made.combine->args.oStrides.seq, 16 * 128);
  EXPECT_FALSE(made.kernel->combineName.empty());
}

TEST_P(SplitsOn, PackedSequencesAreOneBatchToCombine) {
  Problem p = decodeProblem();
  p.cuSeqlensQ = {0, 1, 1, 5};
  p.cuSeqlensKv = {0, 100, 200, 600};
  p.takeLengths();
  Plan made = planned(p, GetParam());
  ASSERT_TRUE(made.combine);
  EXPECT_EQ(made.shape.grid[2], 3u * 3);
  EXPECT_EQ(made.workspaceBytes, 3u * 16 * 5 * (128 + 2) * 4);
  EXPECT_EQ(made.combine->args.batch, 1);
  EXPECT_EQ(made.combine->args.seqlenQ, 5);
}

TEST_P(SplitsOn, OneKernelServesEveryNumber) {
  Problem p = decodeProblem();
  Plan three = planned(p, GetParam());
  p.splits = 9;
  Plan nine = planned(p, GetParam());
  EXPECT_EQ(three.kernel, nine.kernel);
  p.splits = 1;
  Plan one = planned(p, GetParam());
  EXPECT_NE(one.kernel, nine.kernel);
  EXPECT_FALSE(one.combine);
  EXPECT_EQ(one.workspaceBytes, 0u);
}

TEST_P(SplitsOn, TheWorkspaceIsGivenBack) {
  Problem p = decodeProblem();
  Plan made = planned(p, GetParam());
  sim::Options options;
  std::unique_ptr<Device> device = createSimulatedDevice(GetParam(), options);
  auto allocate = [&](uint64_t bytes) {
    return cantFail(device->allocate(bytes, "operand"));
  };
  ForwardBuffers buffers{
      allocate(made.operandBytes[0]), allocate(made.operandBytes[1]),
      allocate(made.operandBytes[2]), allocate(made.operandBytes[3]),
      allocate(made.lseBytes)};
  for (int round = 0; round < 2; ++round) {
    Expected<LaunchStats> stats = launch(made, *device, buffers);
    ASSERT_TRUE(bool(stats)) << toString(stats.takeError());
    // Both kernels: 2 KV heads x 6, and 4 x 2.
    EXPECT_EQ(stats->simulated->workgroups, 12u + 8u);
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, SplitsOn, testing::Values("gfx942", "gfx950"));

TEST(Splits, AutomaticOnesFillTheDevice) {
  Problem p = decodeProblem();
  p.splits.reset();
  p.seqlenKv = 8192;
  KernelVariant few = selectVariant(p, "gfx950");
  EXPECT_GE(few.splits, 16u); // 4 workgroups for 256 CUs
  p.batch = 16;
  p.kvHeads = 8;
  p.heads = 64;
  // 128 workgroups of one wave, of which 1024 run at a time.
  EXPECT_EQ(selectVariant(p, "gfx950").splits, 8u);
  p.batch = 1;
  p.seqlenQ = p.seqlenKv = 4096;
  p.heads = p.kvHeads = 64;
  EXPECT_EQ(selectVariant(p, "gfx950").splits, 1u); // 1024 workgroups
  p.heads = p.kvHeads = 2;
  EXPECT_GT(selectVariant(p, "gfx950").splits, 1u); // 32
  p.seqlenKv = 1;
  EXPECT_EQ(selectVariant(p, "gfx950").splits, 1u);
}

TEST(Splits, FewRowsArePacked) {
  Problem p = decodeProblem();
  KernelVariant variant = selectVariant(p, "gfx950");
  EXPECT_TRUE(variant.packGqa);
  EXPECT_EQ(variant.waves, 1u);
  p.seqlenQ = 5; // 40 rows
  variant = selectVariant(p, "gfx950");
  EXPECT_TRUE(variant.packGqa);
  EXPECT_EQ(variant.waves, 0u);
  p.seqlenQ = 128; // full tiles as they are
  EXPECT_FALSE(selectVariant(p, "gfx950").packGqa);
  p.seqlenQ = 1;
  p.kvHeads = p.heads;
  variant = selectVariant(p, "gfx950");
  EXPECT_FALSE(variant.packGqa);
  EXPECT_EQ(variant.waves, 1u);
  p.schedule = ScheduleKind::DualWave;
  p.kvHeads = 2;
  EXPECT_FALSE(selectVariant(p, "gfx950").packGqa);
}

TEST(Splits, ViewsThatAreTooLargeAreRefused) {
  Problem p = decodeProblem();
  p.batch = 1;
  p.heads = p.kvHeads = 64;
  p.seqlenQ = 200000;
  p.seqlenKv = 64;
  p.layout = Layout::BHSD;
  p.splits = 1;
  EXPECT_TRUE(validate(p, "gfx950").empty());
  p.splits = 2;
  p.seqlenKv = 640;
  std::vector<Diagnostic> found = validate(p, "gfx950");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().argument, "splits");
  EXPECT_EQ(found.front().kind, Diagnostic::Kind::Unsupported);
  p.splits.reset();
  EXPECT_EQ(selectVariant(p, "gfx950").splits, 1u);
}

} // namespace
