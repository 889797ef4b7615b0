//===- Plan.cpp - What we decided -----------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Plan.h"

#include "flyattn/Attention/Splits.h"
#include "flyattn/Runtime/KernelCache.h"
#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstdlib>

using namespace llvm;

namespace flyattn {

static bool dualWaveDisabled() {
  const char *value = std::getenv("FLYATTN_DISABLE_DUAL_WAVE");
  return value && StringRef(value) == "1";
}

namespace {
/// From how many query and KV rows on dual_wave is the faster schedule: its
/// pipeline takes several KV tiles to fill, and a workgroup takes more rows.
struct Route {
  StringRef chip;
  int64_t headDim;
  int64_t minSeqlen;
};
} // namespace

// Measured with `flyattn run --heads 64 --seqlen-q S --schedule K --timing`.
static constexpr Route routes[] = {
    {"gfx950", 64, 2048},
    {"gfx950", 128, 1024},
    {"gfx942", 64, 1024},
    {"gfx942", 128, 1024},
};

static ScheduleKind selectSchedule(const Problem &problem, StringRef chip) {
  if (problem.schedule != ScheduleKind::Auto)
    return problem.schedule;
  if (dualWaveDisabled() || problem.headDimOfV() != problem.headDim ||
      problem.dtype == ElementType::F32 || problem.modifiesScores())
    return ScheduleKind::Generic;
  for (const Route &route : routes)
    if (route.chip == chip && route.headDim == problem.headDim &&
        std::min(problem.seqlenQ, problem.seqlenKv) >= route.minSeqlen)
      return ScheduleKind::DualWave;
  return ScheduleKind::Generic;
}

/// The mask to compile for: a window that is none, or a causal mask, needs no
/// kernel of its own.
static MaskKind kernelMask(const Problem &problem) {
  if (problem.mask != MaskKind::Window || problem.window->left != -1)
    return problem.mask;
  if (problem.window->right == -1)
    return MaskKind::None;
  return problem.window->right == 0 ? MaskKind::Causal : MaskKind::Window;
}

/// Whether the heads that read a KV head fit one grouped view.
static bool groupFitsView(const Problem &problem, Operand operand) {
  OperandStrides strides = problem.stridesOf(operand);
  int64_t group = problem.heads / problem.kvHeads;
  double elements = double(strides.seq) * double(problem.seqlenQ) +
                    double(strides.head) * double(group);
  return double(sizeOf(problem.dtype)) * elements < double(INT32_MAX);
}

/// Where the query rows of a head leave most of a tile empty, so that half of
/// the workgroups do, those of the other heads of its group fill it, and where
/// a single wave can take them all, it does if there is such a kernel.
static void packRows(KernelVariant &variant, const Problem &problem,
                     StringRef chip) {
  constexpr uint64_t waveRows = 32, blockRows = 128;
  if (variant.schedule == ScheduleKind::DualWave)
    return;
  uint64_t group = uint64_t(problem.heads / problem.kvHeads);
  uint64_t rows = uint64_t(problem.seqlenQ);
  variant.packGqa = 2 * divideCeil(group * rows, blockRows) <=
                        group * divideCeil(rows, blockRows) &&
                    groupFitsView(problem, Operand::Q) &&
                    groupFitsView(problem, Operand::O);
  if ((variant.packGqa ? group * rows : rows) > waveRows)
    return;
  variant.waves = 1;
  if (auto config = KernelCache::global().config(variant, chip); !config) {
    consumeError(config.takeError());
    variant.waves = 0;
  }
}

/// The parts of KV that were asked for, or as many as fill the device.
static unsigned selectSplits(const KernelVariant &variant,
                             const Problem &problem, StringRef chip) {
  if (problem.splits)
    return unsigned(*problem.splits);
  auto config = KernelCache::global().config(variant, chip);
  if (config)
    return unsigned(chooseSplits(problem, chip, variant, *config));
  consumeError(config.takeError()); // compiling fails likewise
  return 1;
}

KernelVariant selectVariant(const Problem &problem, StringRef chip) {
  KernelVariant variant;
  variant.elementType = problem.dtype;
  variant.headDim = unsigned(problem.headDim);
  if (problem.headDimOfV() != problem.headDim)
    variant.headDimV = unsigned(problem.headDimOfV());
  variant.mask = kernelMask(problem);
  variant.lse = problem.wantLse;
  variant.packed = problem.packed();
  variant.softcap = problem.softcap.has_value();
  if (problem.bias)
    variant.bias = problem.bias->type;
  variant.alibi = problem.alibiSlopes.has_value();
  variant.sink = problem.sinks.has_value();
  variant.rounding = problem.rounding;
  variant.schedule = selectSchedule(problem, chip);
  variant.without = problem.without;
  variant.countRescales = problem.countRescales;
  packRows(variant, problem, chip);
  variant.splits = selectSplits(variant, problem, chip);
  return variant;
}

/// The kernel arguments that do not depend on where the buffers are.
static ForwardArgs argumentsOf(const Problem &problem) {
  ForwardArgs args = {};
  args.seqlenQ = int32_t(problem.seqlenQ);
  args.seqlenKv = int32_t(problem.seqlenKv);
  args.headsPerKvHead = int32_t(problem.heads / problem.kvHeads);
  EncodedScale scale = EncodedScale::of(problem.softmaxScale(),
                                        8 * unsigned(sizeOf(problem.dtype)));
  args.scaleLog2 = scale.scaleLog2;
  args.qSignFlip = scale.qSignFlip;
  if (problem.mask == MaskKind::Window) {
    // More columns than there can be are all of them.
    args.windowLeft =
        int32_t(std::min<int64_t>(problem.window->left, INT32_MAX));
    args.windowRight =
        int32_t(std::min<int64_t>(problem.window->right, INT32_MAX));
  }
  if (problem.mask == MaskKind::Chunked)
    args.windowLeft = int32_t(std::min<int64_t>(*problem.chunk, INT32_MAX));
  args.qStrides = problem.stridesOf(Operand::Q);
  args.kStrides = problem.stridesOf(Operand::K);
  args.vStrides = problem.stridesOf(Operand::V);
  args.oStrides = problem.stridesOf(Operand::O);
  args.lseBatchStride = problem.packed() ? 0 : problem.heads * problem.seqlenQ;
  args.lseHeadStride = problem.totalRowsOf(Operand::Q);
  return args;
}

/// Makes the forward kernel write parts, in arrays without gaps, and lays out
/// the kernel that combines them.
static void planCombine(Plan &plan, const Problem &problem) {
  CombinePlan &combine = plan.combine.emplace();
  int64_t batch = problem.packed() ? 1 : problem.batch;
  int64_t rows = problem.totalRowsOf(Operand::O);
  combine.rows = uint64_t(batch * problem.heads * rows);

  CombineArgs &args = combine.args;
  args.splits = int32_t(plan.splits);
  args.batch = int32_t(batch);
  args.heads = int32_t(problem.heads);
  args.seqlenQ = int32_t(rows);
  args.oStrides = plan.args.oStrides;
  args.lseBatchStride = plan.args.lseBatchStride;
  args.lseHeadStride = plan.args.lseHeadStride;
  uint64_t blocks = divideCeil(uint64_t(problem.heads * rows),
                               uint64_t(CombineArgs::rowsPerWorkgroup));
  uint64_t slices = divideCeil(uint64_t(problem.headDimOfV()),
                               uint64_t(CombineArgs::columnsPerWorkgroup));
  combine.shape.grid = {uint32_t(blocks), uint32_t(slices), uint32_t(batch)};
  combine.shape.block = {64, 1, 1};
  combine.shape.whole = true;

  int64_t dim = problem.headDimOfV();
  plan.args.splits = args.splits;
  plan.args.oStrides = {problem.packed() ? 0 : problem.heads * rows * dim,
                        rows * dim, dim};
  plan.shape.grid[2] *= plan.splits;
  plan.workspaceBytes = workspaceBytes(problem, plan.splits);
}

static void planScoreMods(Plan &plan, const Problem &problem) {
  if (problem.softcap)
    plan.softcap = float(*problem.softcap);
  if (problem.bias) {
    bool wide = problem.bias->type == BiasType::F32;
    plan.biasBytes = problem.bias->elements() * (wide ? 4 : 2);
    plan.biasStrides = problem.bias->strides();
  }
  if (problem.alibiSlopes)
    plan.alibiBytes = uint64_t(problem.heads) * sizeof(float);
  if (problem.sinks)
    plan.sinkBytes = uint64_t(problem.heads) * sizeof(float);
}

Expected<Plan> plan(const Problem &problem, StringRef chip) {
  if (Error error = checkProblem(problem, chip))
    return std::move(error);

  Plan plan;
  plan.chip = chip.str();
  plan.variant = selectVariant(problem, chip);
  auto kernel = KernelCache::global().get(plan.variant, chip);
  if (!kernel)
    return kernel.takeError();
  plan.kernel = *kernel;
  plan.args = argumentsOf(problem);
  const KernelConfig &config = plan.kernel->config;
  uint64_t group =
      plan.variant.packGqa ? uint64_t(problem.heads / problem.kvHeads) : 1;
  uint64_t rowBlocks =
      divideCeil(group * uint64_t(problem.seqlenQ), config.rowsPerWorkgroup());
  plan.shape.grid = {uint32_t(problem.heads / int64_t(group)),
                     uint32_t(rowBlocks), uint32_t(problem.batch)};
  plan.shape.block = {config.workItems(), 1, 1};
  for (Operand operand : kAllOperands)
    plan.operandBytes[unsigned(operand)] =
        problem.extentOf(operand) * uint64_t(sizeOf(problem.dtype));
  if (problem.wantLse)
    plan.lseBytes = uint64_t((problem.packed() ? 1 : problem.batch) *
                             problem.heads * problem.totalRowsOf(Operand::Q)) *
                    sizeof(float);
  if (problem.packed())
    plan.cuSeqlensBytes = problem.cuSeqlensQ.size() * sizeof(int32_t);
  planScoreMods(plan, problem);
  plan.splits = plan.variant.splits;
  if (plan.splits > 1)
    planCombine(plan, problem);
  return plan;
}

} // namespace flyattn
