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

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace flyattn {

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

/// See Plan::sequenceOrder. How long a workgroup takes is told by the columns
/// that its rows see.
static std::vector<int32_t> sequenceOrder(const Problem &problem,
                                          uint64_t blockRows, int64_t group) {
  std::vector<std::pair<int64_t, int32_t>> longest;
  for (int32_t sequence = 0; sequence < problem.batch; ++sequence) {
    int64_t rows = problem.rowsOf(Operand::Q, sequence).length * group,
            most = 0;
    for (int64_t row = 0; row < rows; row += int64_t(blockRows)) {
      int64_t last = std::min(row + int64_t(blockRows), rows) - 1;
      most = std::max(most,
                      problem.visibleColumns(last / group, sequence).end -
                          problem.visibleColumns(row / group, sequence).begin);
    }
    longest.push_back({most, sequence});
  }
  auto before = [](const auto &a, const auto &b) {
    return std::tuple(-a.first, a.second) < std::tuple(-b.first, b.second);
  };
  if (is_sorted(longest, before))
    return {};
  llvm::sort(longest, before);
  auto order = make_second_range(longest);
  return {order.begin(), order.end()};
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
  if (plan.variant.without == Technique::WorkgroupOrder)
    std::swap(plan.shape.grid[0], plan.shape.grid[1]);
  plan.shape.block = {config.workItems(), 1, 1};
  for (Operand operand : kAllOperands)
    plan.operandBytes[unsigned(operand)] =
        problem.extentOf(operand) * uint64_t(sizeOf(problem.dtype));
  if (problem.wantLse)
    plan.lseBytes = uint64_t((problem.packed() ? 1 : problem.batch) *
                             problem.heads * problem.totalRowsOf(Operand::Q)) *
                    sizeof(float);
  if (problem.packed()) {
    plan.cuSeqlensBytes = problem.cuSeqlensQ.size() * sizeof(int32_t);
    if (plan.variant.without != Technique::WorkgroupOrder)
      plan.sequenceOrder =
          sequenceOrder(problem, config.rowsPerWorkgroup(), int64_t(group));
  }
  planScoreMods(plan, problem);
  plan.splits = plan.variant.splits;
  if (plan.splits > 1)
    planCombine(plan, problem);
  return plan;
}

} // namespace flyattn
