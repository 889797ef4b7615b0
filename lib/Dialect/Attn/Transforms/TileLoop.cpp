//===- TileLoop.cpp - A KV loop before rotation ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileLoop.h"

#include "mlir/IR/OperationSupport.h"

using namespace mlir;
using namespace mlir::attn;

bool attn::isMasked(scf::ForOp loop) {
  return loop.walk([](MaskOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

TileLoop::TileLoop(PipelineOp pipeline) : interval(*pipeline.getInterval()) {
  llvm::append_range(ranges, pipeline.getBody().front().getOps<scf::ForOp>());
  for (scf::ForOp range : ranges)
    if (!loop || (attn::isMasked(range) && !masked)) {
      loop = range;
      masked = attn::isMasked(range);
    }
  llvm::append_range(clusters, loop.getBody()->getOps<ClusterOp>());
  llvm::append_range(firstClusters,
                     pipeline.getBody().front().getOps<ClusterOp>());
  for (ClusterOp cluster : clusters) {
    minStage = std::min(minStage, stageOf(*cluster.getTime()));
    maxStage = std::max(maxStage, stageOf(*cluster.getTime()));
  }
  for (ClusterOp cluster : firstClusters)
    minStage = std::min(minStage, stageOf(*cluster.getTime()));
}

//===----------------------------------------------------------------------===//
// What all ranges must have in common
//===----------------------------------------------------------------------===//

namespace {
/// Compares two ranges of a pipeline, as if there were no masks.
class RangeComparison {
public:
  RangeComparison(scf::ForOp mine, scf::ForOp other)
      : mine(mine), other(other) {
    for (auto [a, b] : llvm::zip(mine.getBody()->getArguments(),
                                 other.getBody()->getArguments()))
      equals[a] = b;
  }

  /// Null if the ranges do the same; else an op that has no counterpart.
  Operation *firstDifference();

private:
  static SmallVector<Operation *> opsOf(scf::ForOp range);
  static Value plain(Value value);
  bool same(Value a, Value b);
  bool same(Operation *a, Operation *b);

  scf::ForOp mine, other;
  DenseMap<Value, Value> equals;
};
} // namespace

/// Clusters, what is in them, and the address arithmetic.
SmallVector<Operation *> RangeComparison::opsOf(scf::ForOp range) {
  SmallVector<Operation *> ops;
  for (Operation &op : range.getBody()->without_terminator()) {
    ops.push_back(&op);
    if (auto cluster = dyn_cast<ClusterOp>(op))
      for (Operation &inner : cluster.getBody().front().without_terminator())
        if (!isa<MaskOp>(inner))
          ops.push_back(&inner);
  }
  return ops;
}

/// The value inside the cluster and before the mask.
Value RangeComparison::plain(Value value) {
  while (true) {
    if (auto mask = value.getDefiningOp<MaskOp>())
      value = mask.getTile();
    else if (auto cluster = value.getDefiningOp<ClusterOp>())
      value = cluster.getBody().front().getTerminator()->getOperand(
          cast<OpResult>(value).getResultNumber());
    else
      return value;
  }
}

/// Of two values before the loops: are they computed alike?
static bool sameBefore(Value a, Value b) {
  if (a == b)
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  return x && y && isPure(x) &&
         cast<OpResult>(a).getResultNumber() ==
             cast<OpResult>(b).getResultNumber() &&
         OperationEquivalence::isEquivalentTo(
             x, y, [](Value v, Value w) { return success(sameBefore(v, w)); },
             /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
}

bool RangeComparison::same(Value a, Value b) {
  a = plain(a);
  b = plain(b);
  return mine.isDefinedOutsideOfLoop(a) ? sameBefore(a, b)
                                        : equals.lookup(a) == b;
}

bool RangeComparison::same(Operation *a, Operation *b) {
  if (auto cluster = dyn_cast<ClusterOp>(a)) {
    auto partner = dyn_cast<ClusterOp>(b);
    return partner && cluster.getKind() == partner.getKind() &&
           cluster.getTime() == partner.getTime();
  }
  return OperationEquivalence::isEquivalentTo(
      a, b, [&](Value x, Value y) { return success(same(x, y)); },
      [&](Value x, Value y) { equals[x] = y; },
      OperationEquivalence::IgnoreLocations);
}

Operation *RangeComparison::firstDifference() {
  SmallVector<Operation *> ops = opsOf(mine), partners = opsOf(other);
  for (auto [op, partner] : llvm::zip(ops, partners))
    if (!same(op, partner))
      return op;
  if (ops.size() != partners.size())
    return ops.size() > partners.size() ? ops[partners.size()] : mine;
  for (auto [a, b] :
       llvm::zip(mine.getYieldedValues(), other.getYieldedValues()))
    if (!same(a, b))
      return mine.getBody()->getTerminator();
  return nullptr;
}

LogicalResult TileLoop::checkRanges() {
  for (scf::ForOp range : ranges)
    if (range != loop)
      if (Operation *op = RangeComparison(range, loop).firstDifference()) {
        InFlightDiagnostic diag = op->emitOpError()
                                  << "differs from the other ranges of the "
                                     "pipeline: only masks may";
        diag.attachNote(loop.getLoc()) << "another range";
        return diag;
      }
  return success();
}

LogicalResult TileLoop::checkTimes() {
  for (ClusterOp cluster : clusters) {
    if (stageOf(*cluster.getTime()) < 0 &&
        cluster.getKind() != ClusterKind::Memory)
      return cluster.emitOpError() << "computes before its tile starts";
    for (ClusterOp other : clusters)
      if ((*cluster.getTime() - *other.getTime()) % interval == 0 &&
          cluster.getKind() != other.getKind())
        return cluster.emitOpError()
               << "would become one cluster with the one at "
               << *other.getTime() << ", but is of another kind";
  }
  for (ClusterOp cluster : firstClusters)
    if (*cluster.getTime() >= 0)
      return cluster.emitOpError() << "is not done before the first tile";
  for (auto cycle : loop.getBody()->getOps<CycleSlotsOp>())
    if (cycle.getSlots().size() > 2)
      return cycle.emitOpError() << "the steady loop holds two tiles, so at "
                                    "most two slots can be known, got "
                                 << cycle.getSlots().size();
  return success();
}

LogicalResult TileLoop::check() {
  if (failed(checkRanges()) || failed(checkTimes()))
    return failure();
  findCarried();
  return findEarly();
}

//===----------------------------------------------------------------------===//
// Values of several tiles
//===----------------------------------------------------------------------===//

std::optional<int64_t> TileLoop::timeOf(Value inner) const {
  if (auto result = dyn_cast<OpResult>(inner))
    if (auto cluster = dyn_cast<ClusterOp>(result.getOwner()->getParentOp()))
      if (cluster->getParentOp() == loop)
        return cluster.getTime();
  return std::nullopt;
}

TileValue TileLoop::origin(Value value, int64_t tile) {
  if (auto cluster = value.getDefiningOp<ClusterOp>())
    return origin(cluster.getBody().front().getTerminator()->getOperand(
                      cast<OpResult>(value).getResultNumber()),
                  tile);
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (argument.getOwner() == loop.getBody() &&
        argument != loop.getInductionVar())
      return origin(loop.getTiedLoopYieldedValue(argument)->get(), tile - 1);
  return {value, tile};
}

void TileLoop::findCarried() {
  auto use = [&](Value operand, int64_t iteration) {
    // The use is by tile 0.
    auto [value, tile] = origin(operand, 0);
    std::optional<int64_t> at = timeOf(value);
    if (!at)
      return;
    for (int64_t border = tile + stageOf(*at) + 1; border <= iteration;
         ++border)
      crossing.insert({value, border - tile});
  };
  for (ClusterOp cluster : clusters)
    for (Operation &op : cluster.getBody().front().without_terminator())
      op.walk([&](Operation *inner) {
        for (Value operand : inner->getOperands())
          use(operand, stageOf(*cluster.getTime()));
      });
  // The last tile's results are needed behind the epilogue.
  for (Value result : loop.getYieldedValues())
    use(result, maxStage);
}

/// Which ops of tiles before 0 make what iteration 0 is handed. Behind a mask
/// that hides everything there is nothing to look for.
LogicalResult TileLoop::findEarly() {
  SmallVector<TileValue> work;
  for (auto [value, distance] : crossing)
    work.push_back({value, -distance});
  while (!work.empty()) {
    auto [value, tile] = work.pop_back_val();
    std::optional<int64_t> at = timeOf(value);
    // Before the first tile's loop arguments stand the pipeline's own.
    if (!at || tile >= 0 || tile + stageOf(*at) >= 0 || tile < -maxStage ||
        !early.insert({value.getDefiningOp(), tile}))
      continue;
    Operation *op = value.getDefiningOp();
    if (isa<MaskOp, FetchOp>(op))
      continue;
    if (!isPure(op))
      return op->emitOpError()
             << "is needed for a tile before the first, where only what "
                "depends on a mask is known";
    for (Value operand : op->getOperands())
      work.push_back(origin(operand, tile));
  }
  return success();
}
