//===- TileLoop.h - A KV loop before rotation -------------------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_TILELOOP_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_TILELOOP_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::attn {

/// A value of a tile loop, for one tile.
using TileValue = std::pair<Value, int64_t>;

/// Does the loop mask its tiles?
bool isMasked(scf::ForOp loop);

/// The work on one KV tile, with times, as `attn-form-clusters` leaves it: the
/// ranges of tiles in a pipeline do the same but for masks, and one that masks,
/// if there is one, stands for all.
///
/// With an interval of I clusters, an op at time a has stage floor(a / I):
/// iteration i of the rotated loop does it for tile i - stage.
class TileLoop {
public:
  explicit TileLoop(PipelineOp pipeline);

  /// Reports what cannot be rotated.
  LogicalResult check();

  int64_t stageOf(int64_t at) const {
    return llvm::divideFloorSigned(at, interval);
  }
  /// The time of the cluster that makes a value, if one does.
  std::optional<int64_t> timeOf(Value inner) const;
  /// Follows results of clusters to the values inside, and carried values of
  /// the loop to the tile that yielded them.
  TileValue origin(Value value, int64_t tile);
  /// The values that are made in one iteration and used in a later one, each
  /// with the iteration behind the border between them less the value's tile.
  const llvm::SetVector<TileValue> &carried() const { return crossing; }
  /// Is the op's result for a tile before 0 needed in iteration 0 or later?
  bool isNeededBefore(Operation *op, int64_t tile) const {
    return early.contains({op, tile});
  }
  bool isMasked() const { return masked; }
  Value row() { return loop.getInductionVar(); }
  Value step() { return loop.getStep(); }

  SmallVector<scf::ForOp> ranges;
  scf::ForOp loop; ///< the range that stands for all
  int64_t interval, minStage = 0, maxStage = 0;
  SmallVector<ClusterOp> clusters;
  /// What stands before the ranges is done once; times are those of tile 0.
  SmallVector<ClusterOp> firstClusters;

private:
  LogicalResult checkRanges();
  LogicalResult checkTimes();
  void findCarried();
  LogicalResult findEarly();

  bool masked = false;
  llvm::SetVector<TileValue> crossing;
  llvm::SetVector<std::pair<Operation *, int64_t>> early;
};

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_TILELOOP_H
