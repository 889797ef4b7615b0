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

namespace {
/// A buffer of a launch, and what it must be.
struct NamedBuffer {
  StringRef name;
  DeviceBuffer buffer;
  uint64_t bytes;         ///< at least; 0: the kernel has no such argument
  uint64_t alignment = 4; ///< memory is accessed in dwords
  bool written = false;

  uint64_t end() const { return buffer.address + bytes; }
};
} // namespace

static SmallVector<NamedBuffer> buffersOf(const Plan &plan,
                                          const ForwardBuffers &buffers) {
  auto bytes = [&](Operand operand) {
    return plan.operandBytes[unsigned(operand)];
  };
  auto given = [](const std::optional<DeviceBuffer> &buffer) {
    return buffer.value_or(DeviceBuffer());
  };
  bool narrowBias = plan.variant.bias == BiasType::Element;
  return {
      {"q", buffers.q, bytes(Operand::Q)},
      {"k", buffers.k, bytes(Operand::K)},
      {"v", buffers.v, bytes(Operand::V)},
      {"o", buffers.o, bytes(Operand::O), 4, /*written=*/true},
      {"lse", given(buffers.lse), plan.lseBytes, 4, /*written=*/true},
      {"cu_seqlens_q", given(buffers.cuSeqlensQ), plan.cuSeqlensBytes},
      {"cu_seqlens_kv", given(buffers.cuSeqlensKv), plan.cuSeqlensBytes},
      {"bias", given(buffers.bias), plan.biasBytes, narrowBias ? 2u : 4u},
      {"alibi_slopes", given(buffers.alibiSlopes), plan.alibiBytes},
      {"sink", given(buffers.sinks), plan.sinkBytes},
  };
}

/// Fails if a buffer is too small or not aligned, or if one that is written
/// overlaps another one. Inputs may overlap each other.
static Error checkBuffers(ArrayRef<NamedBuffer> buffers) {
  auto fail = [](const NamedBuffer &buffer, const Twine &what) {
    return createStringError("buffer " + buffer.name + " " + what);
  };
  for (const NamedBuffer &b : buffers) {
    if (b.buffer.size < b.bytes)
      return fail(b, "has " + Twine(b.buffer.size) +
                         " bytes, the problem needs " + Twine(b.bytes));
    if (b.bytes && b.buffer.address % b.alignment)
      return fail(b, "is at 0x" + utohexstr(b.buffer.address) +
                         ", which is no multiple of " + Twine(b.alignment) +
                         " bytes");
  }
  for (const NamedBuffer &output : buffers)
    for (const NamedBuffer &other : buffers)
      if (output.written && output.bytes && other.bytes && &output != &other &&
          output.buffer.address < other.end() &&
          other.buffer.address < output.end())
        return fail(output, "overlaps buffer " + other.name +
                                ": what is written needs memory of its own");
  return Error::success();
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

/// The forward kernel's: `args`, and what stands behind them. `order` is the
/// address of the order of packed sequences, or 0.
template <typename Args>
static KernargWriter forwardKernarg(const Plan &plan, const Args &args,
                                    const ForwardArgs &forward, uint64_t order,
                                    const ForwardBuffers &buffers) {
  KernargWriter kernarg(args);
  if (plan.variant.packed)
    kernarg.add(order);
  if (plan.variant.sink && !plan.combine)
    kernarg.add(buffers.sinks->address);
  addScoreMods(kernarg, plan, forward, buffers);
  return kernarg;
}

/// The forward kernel into a workspace, then the kernel that combines.
static Expected<LaunchStats> launchSplit(const Plan &plan, Device &device,
                                         DeviceModule &module,
                                         const ForwardArgs &forward,
                                         uint64_t order,
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

  KernargWriter kernarg = forwardKernarg(plan, args, forward, order, buffers);
  KernargWriter combineKernarg(combine);
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
  if (Error error = checkBuffers(buffersOf(plan, buffers)))
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
  auto addressOf = [](const std::optional<DeviceBuffer> &buffer) {
    return buffer ? buffer->address : 0;
  };
  args.lse = addressOf(buffers.lse);
  args.cuSeqlensQ = addressOf(buffers.cuSeqlensQ);
  args.cuSeqlensKv = addressOf(buffers.cuSeqlensKv);
  DeviceBuffer order;
  if (!plan.sequenceOrder.empty()) {
    ArrayRef<int32_t> list = plan.sequenceOrder;
    ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t *>(list.data()),
                            list.size() * sizeof(int32_t));
    auto allocated = device.allocate(bytes.size(), "sequence order");
    if (!allocated)
      return allocated.takeError();
    order = *allocated;
    if (Error error = device.write(order, 0, bytes))
      return joinErrors(std::move(error), device.release(order));
  }
  Expected<LaunchStats> stats =
      plan.combine
          ? launchSplit(plan, device, **module, args, order.address, buffers)
          : device.launch(
                **module, plan.kernel->kernelName, plan.shape,
                forwardKernarg(plan, args, args, order.address, buffers).bytes);
  if (order.size)
    if (Error error = device.release(order))
      return stats ? std::move(error)
                   : joinErrors(stats.takeError(), std::move(error));
  return stats;
}

} // namespace flyattn
