//===- FarViewsTest.cpp - Rows beyond 32-bit offsets ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SparseDevice.h"

#include "flyattn/Attention/CostModel.h"
#include "flyattn/Attention/Views.h"
#include "flyattn/Runtime/KernelCache.h"

#include <gtest/gtest.h>

using namespace flyattn;
using namespace llvm;

namespace {

/// Makes the rows of these operands as far apart as can be, heads and batches
/// side by side between them.
void spread(Problem &p, ArrayRef<Operand> operands) {
  for (Operand operand : operands) {
    int64_t dim = p.headDimOf(operand);
    p.strides[unsigned(operand)] = {p.headsOf(operand) * dim, dim,
                                    maxSeqStride(p, operand)};
  }
}

void expectRightOnFarViews(const Problem &p, StringRef chip) {
  Expected<Plan> made = plan(p, chip);
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  EXPECT_TRUE(made->variant.far);
  EXPECT_TRUE(StringRef(made->kernel->kernelName).contains("_far"));
  Expected<Comparison> found = runSparse(p, *made);
  ASSERT_TRUE(bool(found)) << toString(found.takeError());
  EXPECT_EQ(found->rows, uint64_t((p.packed() ? 1 : p.batch) * p.heads *
                                  p.totalRowsOf(Operand::Q)));
  EXPECT_TRUE(found->passed());
}

using Case = std::tuple<const char *, ScheduleKind, int64_t, MaskKind>;

std::string nameOfCase(const testing::TestParamInfo<Case> &info) {
  auto [chip, schedule, headDim, mask] = info.param;
  return (chip + ("_" + nameOf(schedule)) + "_d" + Twine(headDim) + "_" +
          nameOf(mask))
      .str();
}

class FarViews : public testing::TestWithParam<Case> {};

/// Ragged lengths; under the causal mask the first rows see nothing, or all of
/// them something.
TEST_P(FarViews, HoldAllRows) {
  auto [chip, schedule, headDim, mask] = GetParam();
  for (auto [seqlenQ, seqlenKv] : {std::pair(600, 777), std::pair(777, 530)}) {
    Problem p;
    p.seqlenQ = seqlenQ;
    p.seqlenKv = seqlenKv;
    p.headDim = headDim;
    p.mask = mask;
    if (mask == MaskKind::Window)
      p.window = {130, 40};
    p.schedule = schedule;
    p.wantLse = true;
    spread(p, kAllOperands);
    expectRightOnFarViews(p, chip);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, FarViews,
    testing::Combine(
        testing::Values("gfx942", "gfx950"),
        testing::Values(ScheduleKind::Generic, ScheduleKind::DualWave),
        testing::Values(128, 72),
        testing::Values(MaskKind::None, MaskKind::Causal, MaskKind::Window)),
    nameOfCase);

using ChipAndSchedule = std::tuple<const char *, ScheduleKind>;

std::string
nameOfChipAndSchedule(const testing::TestParamInfo<ChipAndSchedule> &info) {
  auto [chip, schedule] = info.param;
  return (chip + ("_" + nameOf(schedule))).str();
}

class FarViewsOn : public testing::TestWithParam<ChipAndSchedule> {
protected:
  FarViewsOn() {
    std::tie(chip, p.schedule) = GetParam();
    p.headDim = 64;
    p.mask = MaskKind::Causal;
    p.wantLse = true;
  }
  const char *chip;
  Problem p;
};

TEST_P(FarViewsOn, OfHeadsAndBatches) {
  p.batch = 2;
  p.heads = 4;
  p.kvHeads = 2;
  p.headDim = 96; // 2 GiB
  p.headDimV = 64;
  p.seqlenQ = 290;
  p.seqlenKv = 300;
  spread(p, kAllOperands);
  expectRightOnFarViews(p, chip);
}

TEST_P(FarViewsOn, OfPackedSequences) {
  p.heads = p.kvHeads = 2;
  p.cuSeqlensQ = {0, 300, 300, 340, 900};
  p.cuSeqlensKv = {0, 290, 320, 320, 920};
  p.takeLengths();
  spread(p, kAllOperands);
  expectRightOnFarViews(p, chip);
}

TEST_P(FarViewsOn, OfPartsOfKv) {
  p.heads = 4;
  p.kvHeads = 2;
  p.seqlenQ = 40;
  p.seqlenKv = 700;
  p.splits = 3;
  spread(p, {Operand::K, Operand::V});
  expectRightOnFarViews(p, chip);
}

INSTANTIATE_TEST_SUITE_P(
    All, FarViewsOn,
    testing::Combine(testing::Values("gfx942", "gfx950"),
                     testing::Values(ScheduleKind::Generic,
                                     ScheduleKind::DualWave)),
    nameOfChipAndSchedule);

class FarViewsOf : public testing::TestWithParam<const char *> {};

TEST_P(FarViewsOf, F32) {
  Problem p;
  p.dtype = ElementType::F32;
  p.headDim = 64;
  p.seqlenQ = 270;
  p.seqlenKv = 530;
  p.mask = MaskKind::Causal;
  spread(p, kAllOperands);
  expectRightOnFarViews(p, GetParam());
}

/// A decoding step: Q and O are grouped, K and V far.
TEST_P(FarViewsOf, PackedHeads) {
  Problem p;
  p.heads = 8;
  p.kvHeads = 2;
  p.seqlenKv = 700;
  for (int64_t splits : {1, 4}) {
    p.splits = splits;
    spread(p, {Operand::K, Operand::V});
    Expected<Plan> made = plan(p, GetParam());
    ASSERT_TRUE(bool(made)) << toString(made.takeError());
    EXPECT_TRUE(made->variant.packGqa);
    expectRightOnFarViews(p, GetParam());
  }
}

INSTANTIATE_TEST_SUITE_P(Chips, FarViewsOf,
                         testing::Values("gfx942", "gfx950"));

TEST(FarViewsChosen, JustWhereTheyAreNeeded) {
  auto far = [](const Problem &p) { return selectVariant(p, "gfx950").far; };
  // A row of 64 heads is 16 KiB: 2^18 of them are 4 GiB, of which schedules
  // need a tile for themselves.
  Problem p;
  p.heads = p.kvHeads = 64;
  p.seqlenKv = (1 << 18) - 256;
  EXPECT_FALSE(far(p));
  ++p.seqlenKv;
  EXPECT_TRUE(far(p));
  EXPECT_TRUE(validate(p, "gfx950").empty());
  p.layout = Layout::BHSD;
  EXPECT_FALSE(far(p));
  // With columns to leave out, 2 GiB.
  p.headDim = 72;
  p.seqlenKv = 1;
  p.strides[unsigned(Operand::Q)] = {0, 72, 1 << 20}; // 2 MiB
  p.seqlenQ = 1024 - 256;
  EXPECT_FALSE(far(p));
  ++p.seqlenQ;
  EXPECT_TRUE(far(p));
  EXPECT_TRUE(validate(p, "gfx950").empty());
  // Every kernel that is left.
  for (const Alternative &alternative : alternatives(p, "gfx950"))
    EXPECT_TRUE(alternative.variant.far);
}

} // namespace
