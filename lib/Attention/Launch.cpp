//===- Launch.cpp - The launch of a plan ----------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Plan.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace flyattn {

static Error checkSize(StringRef name, const DeviceBuffer &buffer,
                       uint64_t needed) {
  if (buffer.size >= needed)
    return Error::success();
  return createStringError("buffer %s has %llu bytes, the problem needs %llu",
                           name.str().c_str(), (unsigned long long)buffer.size,
                           (unsigned long long)needed);
}

/// Behind the fixed arguments: what the kernel's region captures.
static void addScoreMods(KernargWriter &kernarg, const Plan &plan,
                         const ForwardArgs &args,
                         const ForwardBuffers &buffers) {
  auto addVector = [&](uint64_t address) {
    kernarg.add(address);
    kernarg.add(int64_t(1));
  };
  if (plan.variant.softcap)
    kernarg.add(plan.softcap);
  if (plan.variant.bias) {
    kernarg.add(buffers.bias->address);
    for (int64_t stride : plan.biasStrides)
      kernarg.add(stride);
  }
  if (!plan.variant.alibi)
    return;
  addVector(buffers.alibiSlopes->address);
  if (plan.variant.packed) {
    addVector(args.cuSeqlensQ);
    addVector(args.cuSeqlensKv);
  } else {
    kernarg.add(args.seqlenKv - args.seqlenQ);
  }
}

/// The forward kernel into a workspace, then the kernel that combines.
static Expected<LaunchStats> launchSplit(const Plan &plan, Device &device,
                                         DeviceModule &module,
                                         const ForwardArgs &forward,
                                         const ForwardBuffers &buffers) {
  auto workspace = device.allocate(plan.workspaceBytes, "workspace");
  if (!workspace)
    return workspace.takeError();
  uint64_t rows = plan.combine->rows, dim = uint64_t(plan.variant.dimV());
  CombineArgs combine = plan.combine->args;
  combine.parts = workspace->address;
  combine.max = combine.parts + plan.splits * rows * dim * sizeof(float);
  combine.sum = combine.max + plan.splits * rows * sizeof(float);
  combine.o = forward.o;
  combine.lse = forward.lse;
  PartialArgs args = {forward, combine.sum, int64_t(rows * dim), int64_t(rows)};
  args.forward.o = combine.parts;
  args.forward.lse = combine.max;

  KernargWriter kernarg(args), combineKernarg(combine);
  addScoreMods(kernarg, plan, forward, buffers);
  if (plan.variant.sink)
    combineKernarg.add(buffers.sinks->address);

  auto stats =
      device.launch(module, plan.kernel->kernelName, plan.shape, kernarg.bytes);
  if (stats) {
    auto next = device.launch(module, plan.kernel->combineName,
                              plan.combine->shape, combineKernarg.bytes);
    if (next)
      stats->add(std::move(*next));
    else
      stats = next.takeError();
  }
  if (Error error = device.release(*workspace))
    return stats ? std::move(error)
                 : joinErrors(stats.takeError(), std::move(error));
  return stats;
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
  struct {
    StringRef name;
    const std::optional<DeviceBuffer> &buffer;
    uint64_t bytes;
  } mods[] = {{"bias", buffers.bias, plan.biasBytes},
              {"alibi_slopes", buffers.alibiSlopes, plan.alibiBytes},
              {"sink", buffers.sinks, plan.sinkBytes}};
  for (const auto &[name, buffer, bytes] : mods)
    if (Error error = checkSize(name, buffer.value_or(DeviceBuffer()), bytes))
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
  if (plan.combine)
    return launchSplit(plan, device, **module, args, buffers);
  KernargWriter kernarg(args);
  if (plan.variant.sink)
    kernarg.add(buffers.sinks->address);
  addScoreMods(kernarg, plan, args, buffers);
  return device.launch(**module, plan.kernel->kernelName, plan.shape,
                       kernarg.bytes);
}

} // namespace flyattn
