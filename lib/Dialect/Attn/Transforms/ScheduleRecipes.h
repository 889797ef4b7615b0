//===- ScheduleRecipes.h - What a cluster of a schedule does ----*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_SCHEDULERECIPES_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_SCHEDULERECIPES_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

namespace mlir::attn {

/// The parts of the work on one KV tile.
enum class TilePart {
  FetchQ, ///< Q's parts are done for the first tile only
  LandQ,
  ReadQ,
  PrepareQ,
  FetchK,
  LandK,
  ReadK,
  FetchV,
  LandV,
  ReadV,
  Scores, ///< S^T = K Q^T
  ModifyScores,
  Mask,
  RaiseMax,
  ShiftScores,
  ExpHead, ///< the first registers' exponentials
  ExpTail, ///< those of the rest
  Rescale, ///< of O and the row sums
  SumRows,
  Pack,
  Output, ///< O^T += V^T P^T
};

inline bool isOfQ(TilePart part) { return part <= TilePart::PrepareQ; }

/// How Q and O pass through LDS, so that memory is accessed in whole lines.
enum class Staging {
  /// Q by copies of all waves into a slot as large as its rows, at the times of
  /// its parts; O back the same way.
  Whole,
  /// By each wave on its own, before and behind the pipeline, in panels of
  /// `panelColumns` columns, for which less room is enough.
  Panels
};
/// 64 bytes of a row, half of a line. gfx942's LDS has no room for more.
constexpr int64_t panelColumns = 32;

/// A cluster and when a tile is in it, in clusters from where the tile starts.
struct ClusterRecipe {
  int64_t at;
  ClusterKind kind;
  std::vector<TilePart> parts;
};

/// A schedule of the work on one KV tile. docs/Schedule.md says how to read and
/// write one.
struct ScheduleRecipe {
  StringRef chip;
  int64_t headDim; ///< at the most
  /// Registers whose exponentials belong to ExpHead.
  int64_t expHead;
  Staging staging;
  unsigned groups, lag;
  unsigned interval; ///< clusters from a tile's start to the next one's
  std::vector<ClusterRecipe> clusters;
  /// The clusters whose waves issue first.
  std::optional<ClusterKind> priority = std::nullopt;
};

/// The recipe for a chip and the larger head dim of K and V, that of the next
/// one in the table, or null.
const ScheduleRecipe *findRecipe(StringRef chip, int64_t headDim);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_SCHEDULERECIPES_H
