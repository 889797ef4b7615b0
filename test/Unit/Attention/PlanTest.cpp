//===- PlanTest.cpp - Tests of plans --------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Plan.h"
#include "flyattn/Attention/Compare.h"
#include "flyattn/Attention/CostModel.h"
#include "flyattn/Runtime/KernelCache.h"
#include "flyattn/Runtime/NumericFormats.h"

#include "gtest/gtest.h"

#include <cfloat>
#include <cmath>
#include <cstdlib>

using namespace llvm;
using namespace flyattn;

namespace {

Problem smallProblem() {
  Problem p;
  p.batch = 2;
  p.heads = 8;
  p.kvHeads = 2;
  p.seqlenQ = 300;
  p.seqlenKv = 50;
  p.wantLse = true;
  return p;
}

class PlanOn : public testing::TestWithParam<const char *> {};

TEST_P(PlanOn, LaysOutTheLaunch) {
  Expected<Plan> made = plan(smallProblem(), GetParam());
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  const KernelConfig &config = made->kernel->config;
  unsigned rows = config.rowsPerWorkgroup();
  ASSERT_GT(rows, 0u);
  std::array<uint32_t, 3> grid = {8, (300 + rows - 1) / rows, 2};
  EXPECT_EQ(made->shape.grid, grid);
  EXPECT_EQ(made->shape.block[0], config.waves * 64);
  EXPECT_EQ(made->args.seqlenQ, 300);
  EXPECT_EQ(made->args.headsPerKvHead, 4);
  EXPECT_EQ(made->args.kStrides.seq, 2 * 128);
  EXPECT_EQ(made->args.lseBatchStride, 8 * 300);
  EXPECT_FLOAT_EQ(made->args.scaleLog2, float(M_LOG2E / std::sqrt(128.0)));
  EXPECT_EQ(made->args.qSignFlip, 0u);
  EXPECT_EQ(made->operandBytes[unsigned(Operand::K)], 2u * 50 * 2 * 128 * 2);
  EXPECT_EQ(made->lseBytes, 2u * 8 * 300 * 4);
  EXPECT_EQ(made->workspaceBytes, 0u);
}

TEST_P(PlanOn, OneKernelServesOtherSizes) {
  Problem one = smallProblem();
  one.schedule = ScheduleKind::Generic;
  Problem other = one;
  other.batch = 5;
  other.seqlenKv = 1000;
  other.scale = 0.5;
  auto a = plan(one, GetParam()), b = plan(other, GetParam());
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->kernel, b->kernel);
}

INSTANTIATE_TEST_SUITE_P(Chips, PlanOn, testing::Values("gfx942", "gfx950"));

TEST(Plan, ScaleOfAnySign) {
  Problem p = smallProblem();
  p.scale = -0.5;
  Expected<Plan> made = plan(p, "gfx950");
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  EXPECT_FLOAT_EQ(made->args.scaleLog2, float(0.5 * M_LOG2E));
  EXPECT_EQ(made->args.qSignFlip, 0x80008000u);
  p.scale = 0;
  made = plan(p, "gfx950");
  ASSERT_TRUE(bool(made));
  EXPECT_EQ(made->args.scaleLog2, FLT_MIN);
}

TEST(Plan, WindowsAreArguments) {
  Problem p = smallProblem();
  p.mask = MaskKind::Window;
  p.window = Window{7, -1};
  Expected<Plan> narrow = plan(p, "gfx950");
  ASSERT_TRUE(bool(narrow)) << toString(narrow.takeError());
  EXPECT_EQ(narrow->args.windowLeft, 7);
  EXPECT_EQ(narrow->args.windowRight, -1);
  p.window = Window{int64_t(1) << 40, 3};
  Expected<Plan> wide = plan(p, "gfx950");
  ASSERT_TRUE(bool(wide)) << toString(wide.takeError());
  EXPECT_EQ(wide->args.windowLeft, INT32_MAX);
  EXPECT_EQ(wide->kernel, narrow->kernel);
  p.window = Window{-1, 0};
  EXPECT_EQ(selectVariant(p, "gfx950").mask, MaskKind::Causal);
  p.window = Window{-1, -1};
  EXPECT_EQ(selectVariant(p, "gfx950").mask, MaskKind::None);
  p.window = Window{0, -1};
  EXPECT_EQ(selectVariant(p, "gfx950").mask, MaskKind::Window);
}

TEST(Plan, WhatModifiesScoresIsAnArgument) {
  Problem p = smallProblem();
  p.softcap = 2;
  p.bias = Bias{{1, 1, p.seqlenQ, p.seqlenKv}};
  p.alibiSlopes = p.sinks = p.heads;
  Expected<Plan> made = plan(p, "gfx950");
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  EXPECT_EQ(made->biasBytes, uint64_t(p.seqlenQ * p.seqlenKv) * 4);
  EXPECT_EQ(made->alibiBytes, uint64_t(p.heads) * 4);
  EXPECT_EQ(made->sinkBytes, uint64_t(p.heads) * 4);
  Problem other = p;
  other.softcap = 50;
  other.bias = Bias{{p.batch, p.heads, 1, p.seqlenKv}};
  Expected<Plan> same = plan(other, "gfx950");
  ASSERT_TRUE(bool(same)) << toString(same.takeError());
  EXPECT_EQ(made->kernel, same->kernel);
  other.bias->type = BiasType::Element;
  Expected<Plan> narrow = plan(other, "gfx950");
  ASSERT_TRUE(bool(narrow)) << toString(narrow.takeError());
  EXPECT_NE(made->kernel, narrow->kernel);
  EXPECT_EQ(narrow->biasBytes, uint64_t(p.batch * p.heads * p.seqlenKv) * 2);

  std::unique_ptr<Device> device = createSimulatedDevice("gfx950", {});
  ForwardBuffers buffers;
  for (auto [buffer, size] : {std::pair(&buffers.q, made->operandBytes[0]),
                              std::pair(&buffers.k, made->operandBytes[1]),
                              std::pair(&buffers.v, made->operandBytes[2]),
                              std::pair(&buffers.o, made->operandBytes[3])})
    *buffer = cantFail(device->allocate(size, "operand"));
  if (made->lseBytes)
    buffers.lse = cantFail(device->allocate(made->lseBytes, "lse"));
  EXPECT_NE(toString(launch(*made, *device, buffers).takeError())
                .find("buffer bias has 0 bytes"),
            std::string::npos);
}

TEST(Plan, ModifiedScoresAreNoMatterForDualWave) {
  Problem p = smallProblem();
  p.seqlenQ = p.seqlenKv = 4096;
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::DualWave);
  p.sinks = p.heads;
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::DualWave);
  p.softcap = 1;
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::DualWave);
  // What a bias costs is another matter on either chip.
  p.bias = Bias{{1, 1, p.seqlenQ, p.seqlenKv}};
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::Generic);
  EXPECT_EQ(selectVariant(p, "gfx942").schedule, ScheduleKind::DualWave);
}

// ALiBi and a window together leave dual_wave too few registers at this head
// dim. It would be right, but slower than generic by far.
TEST(Plan, KernelsThatSpillAreNotTaken) {
  Problem p = smallProblem();
  p.seqlenQ = p.seqlenKv = 4096;
  p.mask = MaskKind::Window;
  p.window = Window{1023, 0};
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::DualWave);
  p.alibiSlopes = p.heads;
  for (const Alternative &a : alternatives(p, "gfx950"))
    if (a.variant.schedule == ScheduleKind::DualWave) {
      ASSERT_EQ(a.refused.size(), 1u);
      EXPECT_TRUE(StringRef(a.refused[0]).starts_with("it would spill "))
          << a.refused[0];
    }
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::Generic);
  p.schedule = ScheduleKind::DualWave;
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::DualWave);
}

TEST(Plan, PackedSequences) {
  Problem p = smallProblem();
  p.schedule = ScheduleKind::Generic;
  p.cuSeqlensQ = {0, 300, 300, 310};
  p.cuSeqlensKv = {0, 50, 60, 60};
  p.takeLengths();
  Expected<Plan> made = plan(p, "gfx950");
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  unsigned rows = made->kernel->config.rowsPerWorkgroup();
  std::array<uint32_t, 3> grid = {8, (300 + rows - 1) / rows, 3};
  EXPECT_EQ(made->shape.grid, grid);
  EXPECT_EQ(made->operandBytes[unsigned(Operand::Q)], 310u * 8 * 128 * 2);
  EXPECT_EQ(made->args.lseHeadStride, 310);
  EXPECT_EQ(made->lseBytes, 310u * 8 * 4);
  EXPECT_EQ(made->cuSeqlensBytes, 4u * 4);
  EXPECT_TRUE(made->sequenceOrder.empty()); // the longest keys are the first
  p.cuSeqlensQ = {0, 200};
  p.cuSeqlensKv = {0, 900};
  p.takeLengths();
  Expected<Plan> other = plan(p, "gfx950");
  ASSERT_TRUE(bool(other)) << toString(other.takeError());
  EXPECT_EQ(made->kernel, other->kernel);

  std::unique_ptr<Device> device = createSimulatedDevice("gfx950", {});
  ForwardBuffers buffers;
  for (auto [buffer, size] : {std::pair(&buffers.q, made->operandBytes[0]),
                              std::pair(&buffers.k, made->operandBytes[1]),
                              std::pair(&buffers.v, made->operandBytes[2]),
                              std::pair(&buffers.o, made->operandBytes[3])})
    *buffer = cantFail(device->allocate(size, "operand"));
  buffers.lse = cantFail(device->allocate(made->lseBytes, "lse"));
  EXPECT_TRUE(StringRef(toString(launch(*made, *device, buffers).takeError()))
                  .contains("buffer cu_seqlens_q has 0 bytes, the problem "
                            "needs 16"));
}

TEST(Plan, LongPackedSequencesComeFirst) {
  Problem p = smallProblem();
  p.cuSeqlensQ = {0, 100, 200, 200, 210};
  p.cuSeqlensKv = {0, 50, 950, 2000, 2600};
  p.takeLengths();
  auto orderOf = [](const Problem &problem) {
    return cantFail(plan(problem, "gfx950")).sequenceOrder;
  };
  // By keys; sequence 2 has no rows.
  EXPECT_EQ(orderOf(p), (std::vector<int32_t>{1, 3, 0, 2}));
  p.mask = MaskKind::Causal;
  EXPECT_EQ(orderOf(p), (std::vector<int32_t>{1, 3, 0, 2}));
  // The last row of each sees as many columns as it has rows above it.
  p.mask = MaskKind::CausalTopLeft;
  EXPECT_EQ(orderOf(p), (std::vector<int32_t>{1, 0, 3, 2}));
}

TEST(Plan, RowBlocksAndTheirPlaces) {
  for (bool lastFirst : {false, true})
    for (uint64_t y = 0; y < 7; ++y)
      EXPECT_EQ(rowBlockOf(rowBlockOf(y, 7, lastFirst), 7, lastFirst), y);
  EXPECT_EQ(rowBlockOf(0, 7, true), 6u);
  for (auto [mask, lastFirst] :
       {std::pair(MaskKind::None, false), {MaskKind::Causal, true}}) {
    Problem p = smallProblem();
    p.mask = mask;
    EXPECT_EQ(cantFail(plan(p, "gfx942")).kernel->config.lastRowsFirst,
              lastFirst);
  }
}

TEST(Plan, RefusesBadProblems) {
  Problem p = smallProblem();
  p.headDim = 100;
  Expected<Plan> made = plan(p, "gfx950");
  ASSERT_FALSE(bool(made));
  Error error = made.takeError();
  EXPECT_TRUE(error.isA<ProblemError>());
  consumeError(std::move(error));
}

TEST(Plan, DualWaveCanBeDisabled) {
  Problem p = smallProblem();
  p.seqlenQ = p.seqlenKv = 8192;
  setenv("FLYATTN_DISABLE_DUAL_WAVE", "1", 1);
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::Generic);
  unsetenv("FLYATTN_DISABLE_DUAL_WAVE");
  EXPECT_EQ(selectVariant(p, "gfx950").schedule, ScheduleKind::DualWave);
}

TEST(Plan, ShortProblemsAndThoseWhoAskGetGeneric) {
  Problem p = smallProblem();
  EXPECT_EQ(selectVariant(p, "gfx942").schedule, ScheduleKind::Generic);
  p.schedule = ScheduleKind::DualWave;
  EXPECT_EQ(selectVariant(p, "gfx942").schedule, ScheduleKind::DualWave);
  p.seqlenQ = p.seqlenKv = 8192;
  p.schedule = ScheduleKind::Generic;
  EXPECT_EQ(selectVariant(p, "gfx942").schedule, ScheduleKind::Generic);
  // Both sequences must be long.
  p.schedule = ScheduleKind::Auto;
  p.seqlenQ = 1;
  EXPECT_EQ(selectVariant(p, "gfx942").schedule, ScheduleKind::Generic);
}

TEST(Launch, RefusesBuffersThatAreTooSmall) {
  Expected<Plan> made = plan(smallProblem(), "gfx950");
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  std::unique_ptr<Device> device = createSimulatedDevice("gfx950", {});
  ForwardBuffers none;
  Expected<LaunchStats> stats = launch(*made, *device, none);
  ASSERT_FALSE(bool(stats));
  EXPECT_TRUE(
      StringRef(toString(stats.takeError())).contains("buffer q has 0"));
  std::unique_ptr<Device> other = createSimulatedDevice("gfx942", {});
  EXPECT_TRUE(errorToBool(launch(*made, *other, none).takeError()));
}

TEST(Launch, RefusesOutputsThatOverlap) {
  Problem p = smallProblem();
  Expected<Plan> made = plan(p, "gfx950");
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  std::unique_ptr<Device> device = createSimulatedDevice("gfx950", {});
  DeviceBuffer all = cantFail(device->allocate(1 << 24, "all"));
  auto part = [&](uint64_t offset) {
    return DeviceBuffer{all.address + offset, all.size - offset};
  };
  auto messageOf = [&](uint64_t q, uint64_t k, uint64_t v, uint64_t o,
                       uint64_t lse) {
    ForwardBuffers buffers{part(q), part(k), part(v), part(o), part(lse)};
    Expected<LaunchStats> stats = launch(*made, *device, buffers);
    return stats ? "" : toString(stats.takeError());
  };
  // Q and O have 1,228,800 bytes, K and V 51,200, the LSE 19,200.
  constexpr uint64_t mega = 1 << 21;
  // Inputs may overlap, and buffers may follow each other without a gap.
  EXPECT_EQ(messageOf(0, 0, 0, 1228800, 2 * 1228800), "");
  EXPECT_EQ(messageOf(0, mega, mega, 1228796, 3 * mega),
            "buffer o overlaps buffer q: what is written needs memory of its "
            "own");
  EXPECT_EQ(messageOf(0, mega, mega, 2 * mega, mega + 51196),
            "buffer lse overlaps buffer k: what is written needs memory of its "
            "own");
  EXPECT_EQ(messageOf(0, mega, mega, 2 * mega, 2 * mega),
            "buffer o overlaps buffer lse: what is written needs memory of its "
            "own");
  EXPECT_TRUE(StringRef(messageOf(0, mega + 2, mega, 2 * mega, 3 * mega))
                  .contains("which is no multiple of 4 bytes"));
}

TEST(CostModel, KnowsEveryKernel) {
  // All kernels have a cost, those of sizes without a measurement as well.
  for (StringRef chip : supportedChips())
    for (ElementType dtype : {ElementType::BF16, ElementType::F32})
      for (int64_t headDim : {8, 64, 72, 128, 256})
        for (int64_t seqlenQ : {1, 500}) {
          Problem p = smallProblem();
          p.dtype = dtype;
          p.headDim = headDim;
          p.seqlenQ = seqlenQ;
          std::vector<Alternative> all = alternatives(p, chip);
          ASSERT_TRUE(all.front().chosen) << headDim;
          EXPECT_GT(all.front().clocks, 1000) << headDim;
        }
}

TEST(KernelCache, ASecondCallDoesNotCompile) {
  Problem p = smallProblem();
  p.seqlenQ = 77;
  ASSERT_FALSE(errorToBool(plan(p, "gfx942").takeError()));
  uint64_t before = KernelCache::global().compilations();
  // Sizes, strides and scale are no part of the code.
  p.batch = 3;
  p.scale = 2;
  p.seqlenKv = 1;
  ASSERT_FALSE(errorToBool(plan(p, "gfx942").takeError()));
  EXPECT_EQ(KernelCache::global().compilations(), before);
  p.mask = MaskKind::CausalTopLeft;
  p.dtype = ElementType::F16;
  ASSERT_FALSE(errorToBool(plan(p, "gfx942").takeError()));
  EXPECT_EQ(KernelCache::global().compilations(), before + 1);
}

/// Operands with gaps between batches, heads and rows, filled with NaN.
struct StridedOperand {
  StridedOperand(Problem &p, Operand operand, Device &device)
      : bits((p.strides[unsigned(operand)] = gapsFor(p, operand),
              p.extentOf(operand)),
             uint16_t(0x7FC0)) {
    OperandStrides s = p.stridesOf(operand);
    for (int64_t b = 0; b < p.batch && operand != Operand::O; ++b)
      for (int64_t h = 0; h < p.headsOf(operand); ++h)
        for (int64_t i = 0; i < p.seqlenOf(operand); ++i)
          for (int64_t d = 0; d < p.headDimOf(operand); ++d)
            bits[b * s.batch + h * s.head + i * s.seq + d] = floatToBf16(
                float((b * 31 + h * 17 + i * 7 + d * 5) % 23 - 11) / 8);
    buffer = cantFail(device.allocate(bits.size() * 2, nameOf(operand)));
    cantFail(device.write(buffer, 0, bytes()));
  }

  static OperandStrides gapsFor(const Problem &p, Operand operand) {
    int64_t seq = p.headDimOf(operand) + 6,
            head = p.seqlenOf(operand) * seq + 10;
    return {p.headsOf(operand) * head + 34, head, seq};
  }

  MutableArrayRef<uint8_t> bytes() {
    return {reinterpret_cast<uint8_t *>(bits.data()), bits.size() * 2};
  }

  std::vector<uint16_t> bits;
  DeviceBuffer buffer;
};

/// Four heads of 40 rows share tiles, and each part is of another size.
class StridesOn
    : public testing::TestWithParam<
          std::tuple<const char *, int64_t, std::pair<int64_t, int64_t>>> {};

TEST_P(StridesOn, LaunchUnderAnyStrides) {
  auto [chip, splits, headDims] = GetParam();
  Problem p = smallProblem();
  p.wantLse = false;
  p.seqlenQ = 40;
  p.seqlenKv = 300;
  p.splits = splits;
  p.headDim = headDims.first;
  p.headDimV = headDims.second;
  std::unique_ptr<Device> device = createSimulatedDevice(chip, {});
  StridedOperand q(p, Operand::Q, *device), k(p, Operand::K, *device),
      v(p, Operand::V, *device), o(p, Operand::O, *device);
  Expected<Plan> made = plan(p, chip);
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  Expected<LaunchStats> stats = launch(
      *made, *device, {q.buffer, k.buffer, v.buffer, o.buffer, std::nullopt});
  ASSERT_TRUE(bool(stats)) << toString(stats.takeError());
  EXPECT_GT(stats->simulated->instructions, 0u);

  std::vector<uint16_t> before = o.bits;
  cantFail(device->read(o.buffer, 0, o.bytes()));
  RowSample sample = chooseRows(p, 128, 0);
  ReferenceRows reference =
      computeReference(p, {q.bits.data(), k.bits.data(), v.bits.data()}, sample,
                       Bf16Rounding::NearestEven);
  EXPECT_TRUE(compare(p, sample, reference, {o.bits.data(), nullptr}).passed());
  // The gaps are untouched.
  OperandStrides s = p.stridesOf(Operand::O);
  for (int64_t row = 0; row < p.seqlenQ; ++row)
    for (int64_t gap = p.headDimOfV(); gap < s.seq; ++gap)
      EXPECT_EQ(o.bits[s.batch + s.head + row * s.seq + gap], before[gap]);
}

INSTANTIATE_TEST_SUITE_P(
    Chips, StridesOn,
    testing::Combine(testing::Values("gfx942", "gfx950"), testing::Values(1, 3),
                     testing::Values(std::pair(128, 128), std::pair(72, 40),
                                     std::pair(96, 88), std::pair(200, 248))));

} // namespace
