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
// A value is known by its place in the loop that is rotated and by its tile.
// What is made in one iteration and used in a later one is carried by the
// loops.

#include "Clusters.h"
#include "TileLoop.h"

#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNROTATE
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
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
} // namespace

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Goes on before the cluster that is being written, if one is.
void Rotation::leaveCluster() {
  if (auto cluster = dyn_cast<ClusterOp>(b.getInsertionBlock()->getParentOp()))
    b.setInsertionPoint(cluster);
}

Value Rotation::rowOf(Stretch &stretch, int64_t tile) {
  Value &row = stretch.values[{tiles.row(), tile}];
  if (!row) {
    OpBuilder::InsertionGuard guard(b);
    leaveCluster();
    Value offset = arith::MulIOp::create(b, tiles.step(), i32(tile));
    row = arith::AddIOp::create(b, stretch.row, offset);
  }
  return row;
}

/// Null if the value is made later than it is needed.
Value Rotation::resolve(Stretch &stretch, Value value, int64_t tile) {
  auto [made, madeBy] = tiles.origin(value, tile);
  if (made == tiles.row())
    return rowOf(stretch, madeBy);
  if (!tiles.loop.getBodyRegion().isAncestor(made.getParentRegion()))
    return once.lookupOrDefault(made);
  if (Value known = stretch.values.lookup({made, madeBy}))
    return known;
  if (tiles.timeOf(made))
    return {};
  if (auto cycle = made.getDefiningOp<CycleSlotsOp>())
    return cycle
        .getSlots()[llvm::mod(madeBy, int64_t(cycle.getSlots().size()))];
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

/// What the loops carry, before `iteration`.
SmallVector<Value> Rotation::stateAt(Stretch &stretch, int64_t iteration) {
  return llvm::map_to_vector(tiles.carried(), [&](TileValue entry) {
    return resolve(stretch, entry.first, iteration - entry.second);
  });
}

/// Where the tile at `row` is tile 0, and the loops carry `state`.
Stretch Rotation::stretchAt(Value row, ValueRange state) {
  Stretch stretch{row, DenseMap<TileValue, Value>()};
  for (auto [entry, value] : llvm::zip(tiles.carried(), state))
    stretch.values[{entry.first, -entry.second}] = value;
  return stretch;
}

/// The first row that a loop with these bounds does not take.
Value Rotation::rowBehind(Value lower, Value upper, Value step) {
  Value left = arith::SubIOp::create(b, upper, lower);
  left = arith::MaxSIOp::create(b, left, i32(0));
  Value turns = arith::CeilDivUIOp::create(b, left, step);
  Value rows = arith::MulIOp::create(b, turns, step);
  return arith::AddIOp::create(b, lower, rows);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

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

/// An op of a tile before 0.
LogicalResult Rotation::writeHiddenOp(Stretch &stretch, Operation &op,
                                      int64_t tile) {
  if (auto mask = dyn_cast<MaskOp>(op)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(rotated);
    Value hidden = arith::ConstantOp::create(
        b, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
    stretch.values[{mask.getRes(), tile}] =
        SplatOp::create(b, mask.getRes().getType(), hidden);
    return success();
  }
  IRMapping map;
  if (auto fetch = dyn_cast<FetchOp>(op)) {
    // Before row 0 of the view, wherever the pipeline starts.
    OpBuilder::InsertionGuard guard(b);
    leaveCluster();
    map.map(fetch.getRow(),
            arith::MulIOp::create(b, tiles.step(), i32(tile)).getResult());
  }
  return cloneOp(stretch, op, tile, map);
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

void Rotation::writeOnce(Operation &op) {
  for (Value operand : op.getOperands())
    once.map(operand, once.lookupOrDefault(tiles.origin(operand, 0).first));
  b.clone(op, once);
}

Moment Rotation::momentAt(int64_t time) {
  Moment moment;
  for (ClusterOp cluster : tiles.firstClusters)
    if (*cluster.getTime() == time) {
      moment.kind = cluster.getKind();
      for (Operation &op : cluster.getBody().front().without_terminator())
        moment.ops.push_back({&op, std::nullopt});
    }
  for (ClusterOp cluster : tiles.clusters) {
    int64_t tile =
        llvm::divideFloorSigned(time - *cluster.getTime(), tiles.interval);
    if ((time - *cluster.getTime()) % tiles.interval != 0)
      continue;
    for (Operation &op : cluster.getBody().front().without_terminator())
      if (tile >= 0 || tiles.isNeededBefore(&op, tile)) {
        moment.kind = cluster.getKind();
        moment.ops.push_back({&op, tile});
      }
  }
  return moment;
}

/// Writes one cluster, fetches first.
LogicalResult Rotation::writeMoments(Stretch &stretch,
                                     ArrayRef<Moment> moments) {
  ClusterOp cluster =
      createCluster(b, tiles.loop.getLoc(), moments.front().kind);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(cluster.getBody().front().getTerminator());
  for (bool fetches : {true, false})
    for (const Moment &moment : moments)
      for (auto [op, tile] : moment.ops) {
        if (isa<FetchOp>(op) != fetches)
          continue;
        if (!tile)
          writeOnce(*op);
        else if (failed(*tile < 0
                            ? writeHiddenOp(stretch, *op, *tile)
                            : writeOp(stretch, *op, *tile, tiles.isMasked())))
          return failure();
      }
  return success();
}

/// Fetches for tiles before 0 bring nothing. They can wait for the last memory
/// cluster, where they stand in nobody's way.
static void deferHidden(SmallVectorImpl<Moment> &moments) {
  auto last = llvm::find_if(llvm::reverse(moments), [](const Moment &moment) {
    return moment.kind == ClusterKind::Memory;
  });
  if (last == moments.rend())
    return;
  auto isHidden = [](auto &entry) {
    return isa<FetchOp>(entry.first) && entry.second && *entry.second < 0;
  };
  for (Moment &moment : moments)
    if (&moment != &*last)
      for (auto &entry : moment.ops)
        if (isHidden(entry))
          last->ops.insert(last->ops.begin(), entry);
  for (Moment &moment : moments)
    if (&moment != &*last)
      llvm::erase_if(moment.ops, isHidden);
  llvm::erase_if(moments,
                 [](const Moment &moment) { return moment.ops.empty(); });
}

LogicalResult Rotation::writePrologue(Stretch &stretch) {
  // What the first tile takes over are the pipeline's own initial values.
  for (auto [argument, init] : llvm::zip(tiles.loop.getRegionIterArgs(),
                                         tiles.ranges.front().getInitArgs())) {
    auto [value, tile] = tiles.origin(argument, -tiles.maxStage);
    stretch.values[{value, tile}] = init;
  }
  int64_t begin = std::min<int64_t>(tiles.minStage, -1) * tiles.interval;
  SmallVector<Moment> moments;
  for (int64_t time = begin; time < 0; ++time)
    if (Moment moment = momentAt(time); !moment.ops.empty())
      moments.push_back(moment);
  deferHidden(moments);
  ArrayRef<Moment> rest = moments;
  ArrayRef<Moment> first =
      rest.take_while([](const Moment &moment) { return moment.onlyBrings(); });
  rest = rest.drop_front(first.size());
  if (!first.empty()) {
    if (failed(writeMoments(stretch, first)))
      return failure();
    // Nothing is read until the last group has done it.
    unsigned quiet = rest.take_while([](const Moment &moment) {
                           return moment.kind == ClusterKind::Compute;
                         })
                         .size();
    for (; quiet < (pipeline.getGroups() - 1) * pipeline.getLag(); ++quiet)
      createCluster(b, tiles.loop.getLoc(), ClusterKind::Compute);
  }
  for (const Moment &moment : rest)
    if (failed(writeMoments(stretch, moment)))
      return failure();
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
