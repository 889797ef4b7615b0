//===- Rotate.cpp - Overlap the KV tiles of a pipeline --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Software pipelining of a loop whose ops have times. With an interval of I
// clusters, an op at time a has stage s = floor(a / I): iteration i of the
// rotated loop does it for tile i - s.
//
//   prologue    iterations min(s) .. -1 in one memory cluster, and iteration 0,
//               without tiles below 0
//   loops       two iterations a turn, one loop for each range of tiles
//   epilogue    one more iteration if one is left; then max(s) iterations
//               without the tiles beyond the end
//
// A value is known by its place in the loop that is rotated and by its tile.
// What is made in one iteration and used in a later one is carried by the
// loops.

#include "Clusters.h"

#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNROTATE
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
/// A value of the template loop for one tile.
using TileValue = std::pair<Value, int64_t>;

/// Tiles are counted from the first of the pipeline while straight code is
/// written, and from the loop's first iteration inside a loop. `row` is the KV
/// row of tile 0, `parity` the parity of its number in the pipeline.
struct Stretch {
  Value row;
  int64_t parity = 0;
  DenseMap<TileValue, Value> values;
};

/// The tiles that exist; by default all do.
struct Tiles {
  int64_t first = std::numeric_limits<int64_t>::min();
  int64_t last = std::numeric_limits<int64_t>::max();
};

class Rotation {
public:
  explicit Rotation(PipelineOp pipeline);

  LogicalResult run();

private:
  // The template loop.
  LogicalResult check();
  void findCarried();
  int64_t stageOf(int64_t at) const {
    return llvm::divideFloorSigned(at, interval);
  }
  std::optional<int64_t> timeOf(Value inner) const;
  TileValue origin(Value value, int64_t tile);

  // Values of the rotated loop.
  Value resolve(Stretch &stretch, Value value, int64_t tile);
  Value rowOf(Stretch &stretch, int64_t tile);
  SmallVector<Value> stateAt(Stretch &stretch, int64_t iteration);
  Stretch stretchAt(Value row, int64_t parity, ValueRange state);
  Value rowBehind(scf::ForOp pairs);
  void leaveCluster();

  // Writing it.
  LogicalResult writeOp(Stretch &stretch, Operation &op, int64_t tile,
                        bool masked);
  void writeOnce(int64_t time, bool fetches);
  LogicalResult writeIteration(Stretch &stretch, int64_t iteration, Tiles tiles,
                               bool masked);
  LogicalResult writeFirstFetches(Stretch &stretch);
  FailureOr<scf::ForOp> writeLoop(scf::ForOp range, Value row,
                                  ValueRange state);
  LogicalResult writeLastTiles(Stretch &stretch, int64_t end);
  FailureOr<ValueRange> writeEnd(Value row, ValueRange state);
  LogicalResult writeBody();

  Value i32(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  }

  PipelineOp pipeline;
  ImplicitLocOpBuilder b;
  SmallVector<scf::ForOp> ranges;
  scf::ForOp loop; ///< the template: the range that masks, if one does
  bool anyMasked = false;
  int64_t interval, minStage = 0, maxStage = 0;
  SmallVector<ClusterOp> clusters;
  /// What stands before the loops is done once, with the first tile.
  SmallVector<ClusterOp> firstClusters;
  IRMapping once;
  /// Values that cross the border between two iterations; the number is the
  /// iteration behind the border less the value's tile.
  SmallVector<TileValue> carried;
};
} // namespace

static bool isMasked(scf::ForOp loop) {
  return loop.walk([](MaskOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

Rotation::Rotation(PipelineOp pipeline)
    : pipeline(pipeline), b(pipeline.getLoc(), pipeline),
      interval(*pipeline.getInterval()) {
  llvm::append_range(ranges, pipeline.getBody().front().getOps<scf::ForOp>());
  for (scf::ForOp range : ranges)
    if (!loop || (isMasked(range) && !anyMasked)) {
      loop = range;
      anyMasked = isMasked(range);
    }
  llvm::append_range(clusters, loop.getBody()->getOps<ClusterOp>());
  llvm::append_range(firstClusters,
                     pipeline.getBody().front().getOps<ClusterOp>());
  for (ClusterOp cluster : clusters) {
    minStage = std::min(minStage, stageOf(*cluster.getTime()));
    maxStage = std::max(maxStage, stageOf(*cluster.getTime()));
  }
}

LogicalResult Rotation::check() {
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
  for (Operation &op : *loop.getBody())
    if (auto cycle = dyn_cast<CycleSlotsOp>(op);
        cycle && cycle.getSlots().size() > 2)
      return cycle.emitOpError() << "the steady loop holds two tiles, so at "
                                    "most two slots can be known, got "
                                 << cycle.getSlots().size();
  return success();
}

/// The time of the cluster that makes a value, if one does.
std::optional<int64_t> Rotation::timeOf(Value inner) const {
  if (auto result = dyn_cast<OpResult>(inner))
    if (auto cluster = dyn_cast<ClusterOp>(result.getOwner()->getParentOp()))
      if (cluster->getParentOp() == loop)
        return cluster.getTime();
  return std::nullopt;
}

/// Follows results of clusters to the values inside, and carried values of the
/// loop to the tile that yielded them.
TileValue Rotation::origin(Value value, int64_t tile) {
  if (auto result = dyn_cast<OpResult>(value))
    if (auto cluster = dyn_cast<ClusterOp>(result.getOwner()))
      return origin(cluster.getBody().front().getTerminator()->getOperand(
                        result.getResultNumber()),
                    tile);
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (argument.getOwner() == loop.getBody() &&
        argument != loop.getInductionVar())
      return origin(loop.getTiedLoopYieldedValue(argument)->get(), tile - 1);
  return {value, tile};
}

/// Finds every value that is made in one iteration and used in a later one.
void Rotation::findCarried() {
  llvm::SetVector<TileValue> found;
  auto use = [&](Value operand, int64_t iteration) {
    // The use is by tile 0.
    auto [value, tile] = origin(operand, 0);
    std::optional<int64_t> at = timeOf(value);
    if (!at)
      return;
    for (int64_t border = tile + stageOf(*at) + 1; border <= iteration;
         ++border)
      found.insert({value, border - tile});
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
  carried = found.takeVector();
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Goes on before the cluster that is being written, if one is.
void Rotation::leaveCluster() {
  if (auto cluster = dyn_cast<ClusterOp>(b.getInsertionBlock()->getParentOp()))
    b.setInsertionPoint(cluster);
}

Value Rotation::rowOf(Stretch &stretch, int64_t tile) {
  Value &row = stretch.values[{loop.getInductionVar(), tile}];
  if (!row) {
    OpBuilder::InsertionGuard guard(b);
    leaveCluster();
    Value step = arith::MulIOp::create(b, loop.getStep(), i32(tile));
    row = arith::AddIOp::create(b, stretch.row, step);
  }
  return row;
}

/// Null if the value is made later than it is needed.
Value Rotation::resolve(Stretch &stretch, Value value, int64_t tile) {
  auto [made, madeBy] = origin(value, tile);
  if (made == loop.getInductionVar())
    return rowOf(stretch, madeBy);
  if (!loop.getBodyRegion().isAncestor(made.getParentRegion()))
    return once.lookupOrDefault(made);
  if (Value known = stretch.values.lookup({made, madeBy}))
    return known;
  if (timeOf(made))
    return {};
  if (auto cycle = made.getDefiningOp<CycleSlotsOp>())
    return cycle.getSlots()[llvm::mod(stretch.parity + madeBy,
                                      int64_t(cycle.getSlots().size()))];
  // Address arithmetic of the loop's body: again for each tile.
  OpBuilder::InsertionGuard guard(b);
  leaveCluster();
  Operation *op = made.getDefiningOp();
  IRMapping map;
  for (Value operand : op->getOperands())
    map.map(operand, resolve(stretch, operand, madeBy));
  for (auto [from, to] :
       llvm::zip(op->getResults(), b.clone(*op, map)->getResults()))
    stretch.values[{from, madeBy}] = to;
  return stretch.values.lookup({made, madeBy});
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
  for (Value operand : op.getOperands()) {
    Value value = resolve(stretch, operand, tile);
    if (!value)
      return op.emitOpError() << "would run before an operand is made; give it "
                                 "a later time";
    map.map(operand, value);
  }
  for (auto [from, to] :
       llvm::zip(op.getResults(), b.clone(op, map)->getResults()))
    stretch.values[{from, tile}] = to;
  return success();
}

/// Writes what is done once at the given time.
void Rotation::writeOnce(int64_t time, bool fetches) {
  for (ClusterOp cluster : firstClusters)
    if (*cluster.getTime() == time)
      for (Operation &op : cluster.getBody().front().without_terminator())
        if (isa<FetchOp>(op) == fetches) {
          for (Value operand : op.getOperands())
            once.map(operand, once.lookupOrDefault(origin(operand, 0).first));
          b.clone(op, once);
        }
}

/// Writes the clusters of one iteration for tiles `first` to `last`.
LogicalResult Rotation::writeIteration(Stretch &stretch, int64_t iteration,
                                       Tiles tiles, bool masked) {
  for (int64_t beat = 0; beat < interval; ++beat) {
    SmallVector<ClusterOp> members;
    for (ClusterOp cluster : clusters)
      if (llvm::mod(*cluster.getTime(), interval) == beat)
        members.push_back(cluster);
    llvm::sort(members, [](ClusterOp x, ClusterOp y) {
      return *x.getTime() > *y.getTime();
    });
    ClusterOp merged = createCluster(
        b, loop.getLoc(),
        members.empty() ? ClusterKind::Compute : members.front().getKind());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(merged.getBody().front().getTerminator());
    if (tiles.first == 0) {
      writeOnce(iteration * interval + beat, /*fetches=*/true);
      writeOnce(iteration * interval + beat, /*fetches=*/false);
    }
    for (ClusterOp cluster : members) {
      int64_t tile = iteration - stageOf(*cluster.getTime());
      if (tile < tiles.first || tile > tiles.last)
        continue;
      for (Operation &op : cluster.getBody().front().without_terminator())
        if (failed(writeOp(stretch, op, tile, masked)))
          return failure();
    }
  }
  return success();
}

/// What iterations before 0 do, in one memory cluster, all fetches first; then
/// nothing until the last group has done it.
LogicalResult Rotation::writeFirstFetches(Stretch &stretch) {
  if (minStage == 0)
    return success();
  SmallVector<std::pair<Operation *, int64_t>> ops;
  for (int64_t iteration = minStage; iteration < 0; ++iteration)
    for (int64_t time = iteration * interval; time < (iteration + 1) * interval;
         ++time)
      for (ClusterOp cluster : clusters) {
        int64_t tile =
            llvm::divideFloorSigned(time - *cluster.getTime(), interval);
        if (tile >= 0 && (time - *cluster.getTime()) % interval == 0)
          for (Operation &op : cluster.getBody().front().without_terminator())
            ops.push_back({&op, tile});
      }
  ClusterOp first = createCluster(b, loop.getLoc(), ClusterKind::Memory);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(first.getBody().front().getTerminator());
    for (bool fetches : {true, false}) {
      for (int64_t time = minStage * interval; time < 0; ++time)
        writeOnce(time, fetches);
      for (auto [op, tile] : ops)
        if (isa<FetchOp>(op) == fetches &&
            failed(writeOp(stretch, *op, tile, anyMasked)))
          return failure();
    }
  }
  for (unsigned i = 0; i < (pipeline.getGroups() - 1) * pipeline.getLag(); ++i)
    createCluster(b, loop.getLoc(), ClusterKind::Compute);
  return success();
}

/// What the loops carry, before `iteration`.
SmallVector<Value> Rotation::stateAt(Stretch &stretch, int64_t iteration) {
  return llvm::map_to_vector(carried, [&](TileValue entry) {
    return resolve(stretch, entry.first, iteration - entry.second);
  });
}

/// Where the tile at `row` is tile 0, and the loops carry `state`.
Stretch Rotation::stretchAt(Value row, int64_t parity, ValueRange state) {
  Stretch stretch{row, parity, DenseMap<TileValue, Value>()};
  for (auto [entry, value] : llvm::zip(carried, state))
    stretch.values[{entry.first, -entry.second}] = value;
  return stretch;
}

/// Two tiles a turn while both are in the range. A range that masks may go on
/// into the next one, since masks are right everywhere.
FailureOr<scf::ForOp> Rotation::writeLoop(scf::ForOp range, Value row,
                                          ValueRange state) {
  bool masked = isMasked(range);
  Value lastPair =
      arith::SubIOp::create(b, range.getUpperBound(), loop.getStep());
  if (masked && range != ranges.back()) {
    Value end =
        arith::SubIOp::create(b, ranges.back().getUpperBound(), loop.getStep());
    lastPair = arith::MinSIOp::create(b, range.getUpperBound(), end);
  }
  Value step = arith::MulIOp::create(b, loop.getStep(), i32(2));
  auto pairs = scf::ForOp::create(b, row, lastPair, step, state);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(pairs.getBody());
  Stretch stretch =
      stretchAt(pairs.getInductionVar(), 1, pairs.getRegionIterArgs());
  for (int64_t iteration : {0, 1})
    if (failed(writeIteration(stretch, iteration, Tiles(), masked)))
      return failure();
  scf::YieldOp::create(b, stateAt(stretch, 2));
  return pairs;
}

/// The row of the first tile that `pairs` left.
Value Rotation::rowBehind(scf::ForOp pairs) {
  Value left =
      arith::SubIOp::create(b, pairs.getUpperBound(), pairs.getLowerBound());
  left = arith::MaxSIOp::create(b, left, i32(0));
  Value turns = arith::CeilDivUIOp::create(b, left, pairs.getStep());
  Value rows = arith::MulIOp::create(b, turns, pairs.getStep());
  return arith::AddIOp::create(b, pairs.getLowerBound(), rows);
}

/// What is left to do for tiles before `end`; yields the loop's results.
LogicalResult Rotation::writeLastTiles(Stretch &stretch, int64_t end) {
  for (int64_t iteration = end; iteration < end + maxStage; ++iteration)
    if (failed(writeIteration(stretch, iteration, Tiles{Tiles().first, end - 1},
                              anyMasked)))
      return failure();
  SmallVector<Value> results;
  for (Value value : loop.getYieldedValues())
    results.push_back(resolve(stretch, value, end - 1));
  scf::YieldOp::create(b, results);
  return success();
}

/// One more tile if there is one, and the end.
FailureOr<ValueRange> Rotation::writeEnd(Value row, ValueRange state) {
  Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row,
                                     ranges.back().getUpperBound());
  auto branch = scf::IfOp::create(b, loop.getResultTypes(), more,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  Stretch stretch = stretchAt(row, 1, state);
  if (failed(writeIteration(stretch, 0, Tiles(), anyMasked)) ||
      failed(writeLastTiles(stretch, 1)))
    return failure();
  b.setInsertionPointToStart(branch.elseBlock());
  stretch = stretchAt(row, 1, state);
  if (failed(writeLastTiles(stretch, 0)))
    return failure();
  return ValueRange(branch.getResults());
}

LogicalResult Rotation::writeBody() {
  Stretch stretch{ranges.front().getLowerBound(), 0,
                  DenseMap<TileValue, Value>()};
  // Before tile 0, the carried values are the pipeline's own.
  for (auto [argument, init] :
       llvm::zip(loop.getRegionIterArgs(), ranges.front().getInitArgs())) {
    auto [value, tile] = origin(argument, 0);
    stretch.values[{value, tile}] = init;
  }
  if (failed(writeFirstFetches(stretch)) ||
      failed(writeIteration(stretch, 0, Tiles{0, Tiles().last}, anyMasked)))
    return failure();
  SmallVector<Value> first = stateAt(stretch, 1);
  ValueRange state = first;
  Value row = rowOf(stretch, 1);
  for (scf::ForOp range : ranges) {
    FailureOr<scf::ForOp> pairs = writeLoop(range, row, state);
    if (failed(pairs))
      return failure();
    row = rowBehind(*pairs);
    state = pairs->getResults();
  }
  FailureOr<ValueRange> results = writeEnd(row, state);
  if (succeeded(results))
    YieldOp::create(b, *results);
  return results;
}

LogicalResult Rotation::run() {
  if (failed(check()))
    return failure();
  findCarried();
  Value any = arith::CmpIOp::create(b, arith::CmpIPredicate::slt,
                                    ranges.front().getLowerBound(),
                                    ranges.back().getUpperBound());
  auto guard = scf::IfOp::create(b, loop.getResultTypes(), any,
                                 /*withElseRegion=*/true);
  b.setInsertionPointToStart(guard.elseBlock());
  scf::YieldOp::create(b, ranges.front().getInitArgs());
  b.setInsertionPointToStart(guard.thenBlock());
  auto rotated = PipelineOp::create(
      b, loop.getResultTypes(), pipeline.getGroupsAttr(), pipeline.getLagAttr(),
      IntegerAttr(), pipeline.getPriorityAttr());
  scf::YieldOp::create(b, rotated.getResults());
  b.createBlock(&rotated.getBody());
  if (failed(writeBody()))
    return failure();
  closeClusters(rotated);

  for (auto [result, yielded] :
       llvm::zip(pipeline.getResults(),
                 pipeline.getBody().front().getTerminator()->getOperands())) {
    auto loopResult = cast<OpResult>(yielded);
    result.replaceAllUsesWith(guard.getResult(loopResult.getResultNumber()));
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
