//===- Execution.cpp - One launch of a plan -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Execution.h"

#include "Inputs.h"

#include "flyattn/Target/ChipInfo.h"

using namespace llvm;

namespace flyattn::driver {

static Expected<DeviceBuffer> upload(Device &device, StringRef name,
                                     ArrayRef<uint8_t> bytes) {
  Expected<DeviceBuffer> buffer = device.allocate(bytes.size(), name);
  if (!buffer)
    return buffer;
  if (Error error = device.write(*buffer, 0, bytes))
    return std::move(error);
  return buffer;
}

/// The entries as i32.
static Expected<DeviceBuffer> uploadSeqlens(Device &device, StringRef name,
                                            ArrayRef<int64_t> ends) {
  std::vector<int32_t> narrow(ends.begin(), ends.end());
  return upload(device, name,
                {reinterpret_cast<const uint8_t *>(narrow.data()),
                 narrow.size() * sizeof(int32_t)});
}

static Error uploadScoreMods(const Problem &problem, Device &device,
                             const ScoreModInputs &mods,
                             ForwardBuffers &buffers) {
  auto send = [&](StringRef name, ArrayRef<uint8_t> bytes,
                  std::optional<DeviceBuffer> &buffer) {
    auto sent = upload(device, name, bytes);
    if (sent)
      buffer = *sent;
    return sent.takeError();
  };
  auto floats = [](ArrayRef<float> values) {
    return ArrayRef(reinterpret_cast<const uint8_t *>(values.data()),
                    values.size() * sizeof(float));
  };
  if (problem.bias)
    if (Error error = send("bias", mods.bias, buffers.bias))
      return error;
  if (problem.alibiSlopes)
    if (Error error =
            send("alibi_slopes", floats(mods.alibiSlopes), buffers.alibiSlopes))
      return error;
  if (problem.sinks)
    return send("sink", floats(mods.sinks), buffers.sinks);
  return Error::success();
}

Expected<Execution> execute(const Problem &problem, const Plan &plan,
                            Device &device, InputSource input,
                            const ScoreModInputs &mods) {
  Execution run;
  for (auto [operand, buffer] : {std::pair(Operand::Q, &run.buffers.q),
                                 {Operand::K, &run.buffers.k},
                                 {Operand::V, &run.buffers.v}}) {
    auto sent = upload(device, nameOf(operand), input(operand));
    if (!sent)
      return sent.takeError();
    *buffer = *sent;
  }
  auto o = device.allocate(plan.operandBytes[unsigned(Operand::O)], "o");
  if (!o)
    return o.takeError();
  run.buffers.o = *o;
  if (problem.wantLse) {
    auto lse = device.allocate(plan.lseBytes, "lse");
    if (!lse)
      return lse.takeError();
    run.buffers.lse = *lse;
  }
  if (problem.packed()) {
    auto q = uploadSeqlens(device, "cu_seqlens_q", problem.cuSeqlensQ);
    auto kv = uploadSeqlens(device, "cu_seqlens_kv", problem.cuSeqlensKv);
    if (Error error = joinErrors(q.takeError(), kv.takeError()))
      return std::move(error);
    run.buffers.cuSeqlensQ = *q;
    run.buffers.cuSeqlensKv = *kv;
  }
  if (Error error = uploadScoreMods(problem, device, mods, run.buffers))
    return std::move(error);
  auto stats = launch(plan, device, run.buffers);
  if (!stats)
    return stats.takeError();
  run.grid = plan.shape.grid;
  if (plan.combine) {
    const auto &[x, y, z] = plan.combine->shape.grid;
    run.combining = uint64_t(x) * y * z;
  }
  run.stats = std::move(*stats);
  return run;
}

Bf16Rounding effectiveRounding(const Problem &problem, StringRef chip) {
  return chip == "gfx950" ? Bf16Rounding::NearestEven : problem.rounding;
}

KvTileFacts kvTileFacts(StringRef chip, const Problem &problem, unsigned rows,
                        unsigned columns) {
  // The chip's full-rate 32x32 instruction takes 32 clk; that of f32, 32x32x2,
  // 64 on both.
  double flopsPerClock = problem.dtype == ElementType::F32
                             ? 2.0 * 32 * 32 * 2 / 64
                             : 2.0 * 32 * 32 * findChip(chip)->mfmaK / 32;
  double dims = double(problem.headDim + problem.headDimOfV());
  return {columns, 2.0 * dims * rows / flopsPerClock};
}

} // namespace flyattn::driver
