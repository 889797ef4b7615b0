//===- Plan.h - What we decided, and its launch ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_PLAN_H
#define FLYATTN_ATTENTION_PLAN_H

#include "flyattn/Attention/Problem.h"
#include "flyattn/Runtime/Device.h"
#include "flyattn/Target/KernelABI.h"

#include <memory>
#include <string>

namespace flyattn {

/// The kernel that merges what the forward kernel's parts of KV gave. Between
/// them the workspace holds three f32 arrays behind each other: the parts of O,
/// the maxima and the sums.
struct CombinePlan {
  CombineArgs args = {}; ///< complete but for the addresses
  LaunchShape shape;
  uint64_t rows = 0; ///< of a part: batch * heads * query rows
};

/// All that a launch needs but the buffers.
struct Plan {
  std::string chip;
  KernelVariant variant;
  std::shared_ptr<const CompiledKernel> kernel;
  ForwardArgs args = {}; ///< complete but for the addresses
  LaunchShape shape;
  unsigned splits = 1; ///< parts of KV
  /// The kernel behind, if there are parts to combine.
  std::optional<CombinePlan> combine;
  uint64_t workspaceBytes = 0; ///< device memory beyond the operands
  std::array<uint64_t, 4> operandBytes = {}; ///< by Operand, at least
  uint64_t lseBytes = 0;                     ///< 0 without LSE
  uint64_t cuSeqlensBytes = 0; ///< of each; 0 without packed sequences
  /// The packed sequences as the grid takes them, those with the longest
  /// workgroups first; empty if that is their order.
  std::vector<int32_t> sequenceOrder;
  // Of what modifies scores; 0 for what the problem has not.
  uint64_t biasBytes = 0, alibiBytes = 0, sinkBytes = 0;
  float softcap = 0;
  std::array<int64_t, 4> biasStrides = {};
};

/// The code that serves `problem`: the fastest of `alternatives` (CostModel.h).
/// FLYATTN_DISABLE_DUAL_WAVE=1 in the environment turns an automatic schedule
/// into the generic one.
///
/// The query heads that read a KV head can share a tile, which fills it where
/// they have few rows each, and where these fit a single wave, it can take all.
KernelVariant selectVariant(const Problem &problem, llvm::StringRef chip);

/// Validates `problem`, compiles its kernel (or takes it from the cache) and
/// lays out the launch. Fails with a ProblemError or with the compiler's
/// diagnostics.
llvm::Expected<Plan> plan(const Problem &problem, llvm::StringRef chip);

/// Device memory of one launch. `lse` is needed if the problem wants it,
/// cuSeqlensQ and cuSeqlensKv, i32 [batch + 1], if its sequences are packed,
/// the others if the problem has them: see Problem.
struct ForwardBuffers {
  DeviceBuffer q, k, v, o;
  std::optional<DeviceBuffer> lse;
  std::optional<DeviceBuffer> cuSeqlensQ = std::nullopt;
  std::optional<DeviceBuffer> cuSeqlensKv = std::nullopt;
  std::optional<DeviceBuffer> bias = std::nullopt;
  std::optional<DeviceBuffer> alibiSlopes = std::nullopt; ///< f32 [heads]
  std::optional<DeviceBuffer> sinks = std::nullopt;       ///< f32 [heads]
};

/// Runs `plan` on `device`, which must be of the plan's chip, with a workspace
/// and a list of the order of packed sequences of its own; the statistics are
/// those of all of its kernels (LaunchStats::add). Fails on buffers that are
/// too small or not aligned to dwords (a 16-bit bias to its elements), on an O
/// or LSE whose bytes, from its first to its last element, overlap another
/// buffer's, and on whatever the device reports.
llvm::Expected<LaunchStats> launch(const Plan &plan, Device &device,
                                   const ForwardBuffers &buffers);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_PLAN_H
