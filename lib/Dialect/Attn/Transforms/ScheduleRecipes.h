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
  ReadKHead, ///< the first half of K's rows
  ReadKTail,
  FetchV,
  LandV,
  ReadV,
  Scores,     ///< S^T = K Q^T
  ScoresHead, ///< of the first half of K's rows
  ScoresTail,
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
  int64_t headDim, headDimV; ///< of Q and K, of V and O, at the most
  int64_t kvTile;            ///< rows, at the most
  /// Registers whose exponentials belong to ExpHead.
  int64_t expHead;
  /// Q and O pass through LDS, so that memory is accessed in whole lines. 0: Q
  /// by copies of all waves into a slot as large as its rows, at the times of
  /// its parts, and O back the same way. Else by each wave on its own, before
  /// and behind the pipeline, so many columns at a time, for which less room is
  /// enough; 64 are a line.
  int64_t panelColumns;
  unsigned groups, lag;
  unsigned interval; ///< clusters from a tile's start to the next one's
  std::vector<ClusterRecipe> clusters;
  /// The clusters whose waves issue first.
  std::optional<ClusterKind> priority = std::nullopt;
};

/// The first recipe of the table for a chip, head dims and rows of a KV tile,
/// or null.
const ScheduleRecipe *findRecipe(StringRef chip, int64_t headDim,
                                 int64_t headDimV, int64_t kvTile);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_SCHEDULERECIPES_H
