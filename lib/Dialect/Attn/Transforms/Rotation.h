//===- Rotation.h - A pipeline that is being rotated ------------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_ROTATION_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_ROTATION_H

#include "TileLoop.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <limits>
#include <optional>

namespace mlir::attn {

/// Tiles are counted from the first of the pipeline while straight code is
/// written, and from the loop's first iteration inside a loop. `row` is the KV
/// row of tile 0, whose number in the pipeline is even.
struct Stretch {
  Value row;
  DenseMap<TileValue, Value> values;
};

/// The tiles that exist; by default all do.
struct Tiles {
  int64_t first = std::numeric_limits<int64_t>::min();
  int64_t last = std::numeric_limits<int64_t>::max();
};

/// What is done at a time before iteration 0, for tiles or once.
struct Moment {
  ClusterKind kind = ClusterKind::Compute;
  SmallVector<std::pair<Operation *, std::optional<int64_t>>> ops;

  /// Is nothing read or computed?
  bool onlyBrings() const {
    return llvm::all_of(
        ops, [](auto &entry) { return isa<FetchOp, LandOp>(entry.first); });
  }
};

/// Writes a pipeline anew, with its tiles overlapped: see Rotate.cpp.
class Rotation {
public:
  explicit Rotation(PipelineOp pipeline)
      : pipeline(pipeline), b(pipeline.getLoc(), pipeline), tiles(pipeline) {}

  LogicalResult run();

private:
  // Values of the rotated loop.
  Value resolve(Stretch &stretch, Value value, int64_t tile);
  Value rowOf(Stretch &stretch, int64_t tile);
  SmallVector<Value> stateAt(Stretch &stretch, int64_t iteration);
  Stretch stretchAt(Value row, ValueRange state);
  Value rowBehind(Value lower, Value upper, Value step);
  void leaveCluster();

  // Writing it.
  LogicalResult writeOp(Stretch &stretch, Operation &op, int64_t tile,
                        bool masked);
  LogicalResult writeHiddenOp(Stretch &stretch, Operation &op, int64_t tile);
  LogicalResult cloneOp(Stretch &stretch, Operation &op, int64_t tile,
                        IRMapping &map);
  void writeOnce(Operation &op);
  Moment momentAt(int64_t time);
  LogicalResult writeMoments(Stretch &stretch, ArrayRef<Moment> moments);
  LogicalResult writePrologue(Stretch &stretch);
  LogicalResult writeIteration(Stretch &stretch, int64_t iteration,
                               Tiles existing, bool masked);
  FailureOr<std::pair<Value, ValueRange>> writeLoop(scf::ForOp range, Value row,
                                                    ValueRange state);
  LogicalResult writeLastTiles(Stretch &stretch, int64_t end);
  FailureOr<ValueRange> writeEnd(Value row, ValueRange state);
  LogicalResult writeBody();

  Value unlikely(Value condition);
  Value i32(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  }

  PipelineOp pipeline;
  ImplicitLocOpBuilder b;
  TileLoop tiles;
  PipelineOp rotated;
  IRMapping once;
};

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_ROTATION_H
