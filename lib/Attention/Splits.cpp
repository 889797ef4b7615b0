//===- Splits.cpp - Into how many parts KV is split -----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Splits.h"

#include "flyattn/Runtime/NumericFormats.h"
#include "flyattn/Target/ChipInfo.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace llvm;

namespace flyattn {

/// What an automatic choice may take of the device's memory.
static constexpr uint64_t kMaxWorkspace = uint64_t(1) << 30;
/// More parts than this are never faster: the combination takes over.
static constexpr int64_t kMaxSplits = 128;
/// A workgroup's start and end, and the launch of the kernel that combines, in
/// the time of a KV tile.
static constexpr double kWorkgroupTiles = 3, kLaunchTiles = 4;

int64_t kvTiles(const Problem &problem, const KernelConfig &config) {
  return int64_t(
      divideCeil(uint64_t(problem.seqlenKv), uint64_t(config.kvTile)));
}

uint64_t workgroupsOf(const Problem &problem, const KernelVariant &variant,
                      const KernelConfig &config) {
  uint64_t group = uint64_t(problem.heads / problem.kvHeads);
  uint64_t rows = uint64_t(problem.seqlenQ), heads = uint64_t(problem.heads);
  if (variant.packGqa) {
    rows *= group;
    heads /= group;
  }
  return uint64_t(problem.batch) * heads *
         divideCeil(rows, uint64_t(config.rowsPerWorkgroup()));
}

/// Rows of O in all.
static uint64_t rowsOf(const Problem &problem) {
  return uint64_t((problem.packed() ? 1 : problem.batch) * problem.heads *
                  problem.totalRowsOf(Operand::O));
}

uint64_t workspaceBytes(const Problem &problem, int64_t splits) {
  if (splits <= 1)
    return 0;
  return uint64_t(splits) * rowsOf(problem) *
         uint64_t(problem.headDimOfV() + 2) * sizeof(float);
}

uint64_t combineViewBytes(const Problem &problem) {
  OperandStrides strides = problem.stridesOf(Operand::O);
  uint64_t rows = uint64_t(problem.totalRowsOf(Operand::O));
  uint64_t heads = uint64_t(problem.heads),
           dim = uint64_t(problem.headDimOfV());
  uint64_t o =
      uint64_t(sizeOf(problem.dtype)) *
      (rows * uint64_t(strides.seq) + (heads - 1) * uint64_t(strides.head));
  return std::max(o, rows * heads * dim * sizeof(float));
}

/// Workgroups that the device runs at a time. Those of one wave wait for memory
/// and share a CU as long as their KV tiles fit its LDS.
static uint64_t residentWorkgroups(const ChipInfo &chip, uint64_t tileBytes,
                                   const KernelConfig &config) {
  if (config.waves > 1)
    return chip.computeUnits;
  uint64_t lds = config.slots * tileBytes;
  return chip.computeUnits * std::max<uint64_t>(chip.ldsBytes / (lds + 1), 1);
}

int64_t chooseSplits(const Problem &problem, StringRef chipName,
                     const KernelVariant &variant, const KernelConfig &config) {
  const ChipInfo &chip = *findChip(chipName);
  uint64_t workgroups = workgroupsOf(problem, variant, config);
  // Of K and V.
  uint64_t tileBytes = uint64_t(config.kvTile) *
                       uint64_t(problem.headDim + problem.headDimOfV()) *
                       uint64_t(sizeOf(problem.dtype));
  uint64_t atOnce = residentWorkgroups(chip, tileBytes, config);
  int64_t tiles = kvTiles(problem, config);
  // Writing and reading a part, in the time in which all workgroups that run
  // read a tile.
  double partTiles = 2.0 * double(workspaceBytes(problem, 2)) / 2 /
                     (double(tileBytes) * double(atOnce));
  auto cost = [&](int64_t splits) {
    double rounds = double(divideCeil(workgroups * uint64_t(splits), atOnce));
    double each = double(divideCeil(uint64_t(tiles), uint64_t(splits)));
    double combine = splits > 1 ? double(splits) * partTiles + kLaunchTiles : 0;
    return rounds * (each + kWorkgroupTiles) + combine;
  };
  if (combineViewBytes(problem) > INT32_MAX)
    return 1;
  int64_t most = std::min({tiles, kMaxSplits, 65535 / problem.batch});
  int64_t best = 1;
  for (int64_t splits = 2; splits <= most; ++splits) {
    if (workspaceBytes(problem, splits) > kMaxWorkspace)
      break;
    if (cost(splits) < cost(best))
      best = splits;
  }
  return best;
}

} // namespace flyattn
