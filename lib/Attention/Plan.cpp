//===- Plan.cpp - What we decided, and its launch -------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Plan.h"

#include "flyattn/Runtime/KernelCache.h"

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
  if (dualWaveDisabled())
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

KernelVariant selectVariant(const Problem &problem, StringRef chip) {
  KernelVariant variant;
  variant.elementType = problem.dtype;
  variant.headDim = unsigned(problem.headDim);
  variant.mask = kernelMask(problem);
  variant.lse = problem.wantLse;
  variant.packed = problem.packed();
  variant.rounding = problem.rounding;
  variant.schedule = selectSchedule(problem, chip);
  return variant;
}

/// The kernel arguments that do not depend on where the buffers are.
static ForwardArgs argumentsOf(const Problem &problem) {
  ForwardArgs args = {};
  args.seqlenQ = int32_t(problem.seqlenQ);
  args.seqlenKv = int32_t(problem.seqlenKv);
  args.headsPerKvHead = int32_t(problem.heads / problem.kvHeads);
  EncodedScale scale = EncodedScale::of(problem.softmaxScale());
  args.scaleLog2 = scale.scaleLog2;
  args.qSignFlip = scale.qSignFlip;
  if (problem.mask == MaskKind::Window) {
    // More columns than there can be are all of them.
    args.windowLeft =
        int32_t(std::min<int64_t>(problem.window->left, INT32_MAX));
    args.windowRight =
        int32_t(std::min<int64_t>(problem.window->right, INT32_MAX));
  }
  args.qStrides = problem.stridesOf(Operand::Q);
  args.kStrides = problem.stridesOf(Operand::K);
  args.vStrides = problem.stridesOf(Operand::V);
  args.oStrides = problem.stridesOf(Operand::O);
  args.lseBatchStride = problem.packed() ? 0 : problem.heads * problem.seqlenQ;
  args.lseHeadStride = problem.totalRowsOf(Operand::Q);
  return args;
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
  uint64_t rowBlocks =
      divideCeil(uint64_t(problem.seqlenQ), config.rowsPerWorkgroup());
  plan.shape.grid = {uint32_t(problem.heads), uint32_t(rowBlocks),
                     uint32_t(problem.batch)};
  plan.shape.block = {config.workItems(), 1, 1};
  for (Operand operand : kAllOperands)
    plan.operandBytes[unsigned(operand)] = problem.extentOf(operand) * 2;
  if (problem.wantLse)
    plan.lseBytes = uint64_t((problem.packed() ? 1 : problem.batch) *
                             problem.heads * problem.totalRowsOf(Operand::Q)) *
                    sizeof(float);
  if (problem.packed())
    plan.cuSeqlensBytes = problem.cuSeqlensQ.size() * sizeof(int32_t);
  return plan;
}

static Error checkSize(StringRef name, const DeviceBuffer &buffer,
                       uint64_t needed) {
  if (buffer.size >= needed)
    return Error::success();
  return createStringError("buffer %s has %llu bytes, the problem needs %llu",
                           name.str().c_str(), (unsigned long long)buffer.size,
                           (unsigned long long)needed);
}

Expected<LaunchStats> launch(const Plan &plan, Device &device,
                             const ForwardBuffers &buffers) {
  if (device.chip() != plan.chip)
    return createStringError("the plan is for %s, the device is a %s",
                             plan.chip.c_str(), device.chip().str().c_str());
  const DeviceBuffer *operands[] = {&buffers.q, &buffers.k, &buffers.v,
                                    &buffers.o};
  for (Operand operand : kAllOperands)
    if (Error error = checkSize(nameOf(operand), *operands[unsigned(operand)],
                                plan.operandBytes[unsigned(operand)]))
      return std::move(error);
  DeviceBuffer lse = buffers.lse.value_or(DeviceBuffer());
  if (Error error = checkSize("lse", lse, plan.lseBytes))
    return std::move(error);
  DeviceBuffer cuSeqlensQ = buffers.cuSeqlensQ.value_or(DeviceBuffer()),
               cuSeqlensKv = buffers.cuSeqlensKv.value_or(DeviceBuffer());
  if (Error error = joinErrors(
          checkSize("cu_seqlens_q", cuSeqlensQ, plan.cuSeqlensBytes),
          checkSize("cu_seqlens_kv", cuSeqlensKv, plan.cuSeqlensBytes)))
    return std::move(error);

  StringRef object = plan.kernel->output;
  auto module = device.loadModule(arrayRefFromStringRef(object));
  if (!module)
    return module.takeError();
  ForwardArgs args = plan.args;
  args.q = buffers.q.address;
  args.k = buffers.k.address;
  args.v = buffers.v.address;
  args.o = buffers.o.address;
  args.lse = lse.address;
  args.cuSeqlensQ = cuSeqlensQ.address;
  args.cuSeqlensKv = cuSeqlensKv.address;
  ArrayRef kernarg(reinterpret_cast<const uint8_t *>(&args), sizeof(args));
  return device.launch(**module, plan.kernel->kernelName, plan.shape, kernarg);
}

} // namespace flyattn
