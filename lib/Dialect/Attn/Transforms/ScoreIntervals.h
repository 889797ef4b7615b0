//===- ScoreIntervals.h - What a score region may yield for a tile --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_SCOREINTERVALS_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_SCOREINTERVALS_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::attn {

/// The integers from `least` to `greatest`, which are known when the kernel
/// runs.
struct Interval {
  Value least, greatest;
  bool nonNegative = false; ///< known when it is compiled
};

/// Where scores stand: all of index type and uniform over the workgroup.
struct ScoreTile {
  Interval batch, head, row, column;
};

/// Whether the region of `op` hides some score of every tile, in a way that
/// intervals can tell.
bool mayHideTiles(ModifyScoresOp op);

/// Whether the region may yield more than -inf for some score of the tile: an
/// i1 that is computed at `b`, where all that `op` captures is there.
Value mayShow(ImplicitLocOpBuilder &b, ModifyScoresOp op,
              const ScoreTile &tile);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_SCOREINTERVALS_H
