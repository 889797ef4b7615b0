//===- Rotate.cpp - Overlap the KV tiles of a pipeline --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Software pipelining of a loop whose ops have times (TileLoop.h says what a
// stage is):
//
//   prologue    what iterations before 0 do, in the order of time; fetches and
//               lands that come before all else in one memory cluster
//   loops       from iteration 0 on, two iterations a turn, one loop for each
//               range of tiles
//   epilogue    one more iteration if one is left; then max(s) iterations
//               without the tiles beyond the end
//
// Tiles before 0 are as if hidden by the mask, which adds nothing to any sum:
// so iteration 0 needs no code of its own, nor does a pipeline without a tile.
//
// RotationPrologue.cpp writes the prologue; RotationValues.cpp says which value
// stands for which.

#include "Clusters.h"
#include "Rotation.h"

#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNROTATE
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

LogicalResult Rotation::cloneOp(Stretch &stretch, Operation &op, int64_t tile,
                                IRMapping &map) {
  for (Value operand : op.getOperands()) {
    if (map.contains(operand))
      continue;
    Value value = resolve(stretch, operand, tile);
    if (!value)
      return op.emitOpError() << "would run before an operand is made; give it "
                                 "a later time";
    map.map(operand, value);
  }
  Operation *clone = b.clone(op, map);
  SmallVector<Value> results(clone->getResults()), folded;
  if (succeeded(b.tryFold(clone, folded)) && !folded.empty()) {
    clone->erase();
    results = folded;
  }
  for (auto [from, to] : llvm::zip(op.getResults(), results))
    stretch.values[{from, tile}] = to;
  return success();
}

LogicalResult Rotation::writeOp(Stretch &stretch, Operation &op, int64_t tile,
                                bool masked) {
  auto mask = dyn_cast<MaskOp>(op);
  if (mask && !masked) {
    stretch.values[{mask.getRes(), tile}] =
        resolve(stretch, mask.getTile(), tile);
    return success();
  }
  IRMapping map;
  if (failed(cloneOp(stretch, op, tile, map)))
    return failure();
  // No column is beyond the limit where nothing needs a mask.
  if (auto modify = dyn_cast<ModifyScoresOp>(op); modify && !masked)
    stretch.values[{modify.getRes(), tile}]
        .getDefiningOp<ModifyScoresOp>()
        .getLimitMutable()
        .clear();
  return success();
}

/// Writes the clusters of one iteration for the tiles that exist.
LogicalResult Rotation::writeIteration(Stretch &stretch, int64_t iteration,
                                       Tiles existing, bool masked) {
  for (int64_t beat = 0; beat < tiles.interval; ++beat) {
    SmallVector<ClusterOp> members;
    for (ClusterOp cluster : tiles.clusters)
      if (llvm::mod(*cluster.getTime(), tiles.interval) == beat)
        members.push_back(cluster);
    llvm::sort(members, [](ClusterOp x, ClusterOp y) {
      return *x.getTime() > *y.getTime();
    });
    ClusterOp merged = createCluster(
        b, tiles.loop.getLoc(),
        members.empty() ? ClusterKind::Compute : members.front().getKind());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(merged.getBody().front().getTerminator());
    // Fetches first: they take longest, and LLVM sinks no load past a land.
    for (bool fetches : {true, false})
      for (ClusterOp cluster : members) {
        int64_t tile = iteration - tiles.stageOf(*cluster.getTime());
        if (tile < existing.first || tile > existing.last)
          continue;
        for (Operation &op : cluster.getBody().front().without_terminator())
          if (isa<FetchOp>(op) == fetches &&
              failed(writeOp(stretch, op, tile, masked)))
            return failure();
      }
  }
  return success();
}

/// Does the range mask only what is beyond the end of KV? Most problems have
/// whole tiles only.
static bool isRaggedEnd(scf::ForOp range) {
  return isMasked(range) && !range
                                 .walk([](MaskOp mask) {
                                   return mask.getDiagonal() || mask.getLower()
                                              ? WalkResult::interrupt()
                                              : WalkResult::advance();
                                 })
                                 .wasInterrupted();
}

/// The condition, whose code LLVM then keeps out of the way.
Value Rotation::unlikely(Value condition) {
  Value no = arith::ConstantIntOp::create(b, b.getI1Type(), 0);
  return LLVM::ExpectOp::create(b, condition, no);
}

/// The first row that a loop with these bounds does not take.
Value Rotation::rowBehind(Value lower, Value upper, Value step) {
  Value left = arith::SubIOp::create(b, upper, lower);
  left = arith::MaxSIOp::create(b, left, i32(0));
  Value turns = arith::CeilDivUIOp::create(b, left, step);
  Value rows = arith::MulIOp::create(b, turns, step);
  return arith::AddIOp::create(b, lower, rows);
}

/// Two tiles a turn while both are in the range. A range that masks may go on
/// into the next one, since masks are right everywhere. Gives the row of the
/// first tile that is left, and what the loops carry.
FailureOr<std::pair<Value, ValueRange>>
Rotation::writeLoop(scf::ForOp range, Value row, ValueRange state) {
  bool masked = isMasked(range);
  Value lastPair =
      arith::SubIOp::create(b, range.getUpperBound(), tiles.step());
  if (masked && range != tiles.ranges.back()) {
    Value end = arith::SubIOp::create(b, tiles.ranges.back().getUpperBound(),
                                      tiles.step());
    lastPair = arith::MinSIOp::create(b, range.getUpperBound(), end);
  }
  Value step = arith::MulIOp::create(b, tiles.step(), i32(2));
  Value left = rowBehind(row, lastPair, step);
  OpBuilder::InsertionGuard guard(b);
  scf::IfOp rare;
  if (isRaggedEnd(range)) {
    Value any =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, lastPair);
    rare = scf::IfOp::create(b, TypeRange(state), unlikely(any),
                             /*withElseRegion=*/true);
    b.setInsertionPointToStart(rare.elseBlock());
    scf::YieldOp::create(b, state);
    b.setInsertionPointToStart(rare.thenBlock());
  }
  auto pairs = scf::ForOp::create(b, row, lastPair, step, state);
  if (rare)
    scf::YieldOp::create(b, pairs.getResults());
  b.setInsertionPointToStart(pairs.getBody());
  Stretch stretch =
      stretchAt(pairs.getInductionVar(), pairs.getRegionIterArgs());
  for (int64_t iteration : {0, 1})
    if (failed(writeIteration(stretch, iteration, Tiles(), masked)))
      return failure();
  scf::YieldOp::create(b, stateAt(stretch, 2));
  return std::pair<Value, ValueRange>(left, rare ? rare.getResults()
                                                 : pairs.getResults());
}

/// What is left to do for tiles before `end`; yields the loop's results.
LogicalResult Rotation::writeLastTiles(Stretch &stretch, int64_t end) {
  for (int64_t iteration = end; iteration < end + tiles.maxStage; ++iteration)
    if (failed(writeIteration(stretch, iteration, Tiles{Tiles().first, end - 1},
                              tiles.isMasked())))
      return failure();
  SmallVector<Value> results;
  for (Value value : tiles.loop.getYieldedValues())
    results.push_back(resolve(stretch, value, end - 1));
  scf::YieldOp::create(b, results);
  return success();
}

/// One more tile if there is one, and the end.
FailureOr<ValueRange> Rotation::writeEnd(Value row, ValueRange state) {
  Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row,
                                     tiles.ranges.back().getUpperBound());
  auto branch =
      scf::IfOp::create(b, tiles.loop.getResultTypes(), unlikely(more),
                        /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Stretch stretch = stretchAt(row, state);
  if (failed(writeIteration(stretch, 0, Tiles(), tiles.isMasked())) ||
      failed(writeLastTiles(stretch, 1)))
    return failure();
  b.setInsertionPointToStart(branch.elseBlock());
  stretch = stretchAt(row, state);
  if (failed(writeLastTiles(stretch, 0)))
    return failure();
  return ValueRange(branch.getResults());
}

LogicalResult Rotation::writeBody() {
  Value row = tiles.ranges.front().getLowerBound();
  Stretch stretch{row, DenseMap<TileValue, Value>()};
  if (failed(writePrologue(stretch)))
    return failure();
  SmallVector<Value> first = stateAt(stretch, 0);
  ValueRange state = first;
  for (scf::ForOp range : tiles.ranges) {
    auto left = writeLoop(range, row, state);
    if (failed(left))
      return failure();
    std::tie(row, state) = *left;
  }
  FailureOr<ValueRange> results = writeEnd(row, state);
  if (succeeded(results))
    YieldOp::create(b, *results);
  return results;
}

LogicalResult Rotation::run() {
  if (failed(tiles.check()))
    return failure();
  rotated = PipelineOp::create(b, tiles.loop.getResultTypes(),
                               pipeline.getGroupsAttr(), pipeline.getLagAttr(),
                               IntegerAttr(), pipeline.getPriorityAttr());
  b.createBlock(&rotated.getBody());
  if (failed(writeBody()))
    return failure();
  closeClusters(rotated);

  for (auto [result, yielded] :
       llvm::zip(pipeline.getResults(),
                 pipeline.getBody().front().getTerminator()->getOperands())) {
    auto loopResult = cast<OpResult>(yielded);
    result.replaceAllUsesWith(rotated.getResult(loopResult.getResultNumber()));
  }
  pipeline.erase();
  return success();
}

namespace {
struct Rotate : attn::impl::AttnRotateBase<Rotate> {
  void runOnOperation() override {
    SmallVector<PipelineOp> pipelines;
    getOperation().walk([&](PipelineOp pipeline) {
      if (pipeline.getInterval())
        pipelines.push_back(pipeline);
    });
    for (PipelineOp pipeline : pipelines) {
      if (pipeline.getBody().front().getOps<scf::ForOp>().empty()) {
        pipeline.emitOpError() << "has no loop to rotate";
        return signalPassFailure();
      }
      if (failed(Rotation(pipeline).run()))
        return signalPassFailure();
    }
  }
};
} // namespace
