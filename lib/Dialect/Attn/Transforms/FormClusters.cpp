//===- FormClusters.cpp - Turn KV loops into a pipeline of clusters -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Sorts the ops of each KV loop into the clusters of a recipe:
//
//   1. name the part of the work that each op does (TilePart);
//   2. give K and V two LDS slots each, and turn their loads into fetch, land
//      and read;
//   3. write the parts, cluster by cluster in the order of time.

#include "Clusters.h"
#include "RowStaging.h"
#include "ScheduleRecipes.h"

#include "flyattn/Dialect/Attn/Transforms/Passes.h"
#include "flyattn/Target/ChipInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNFORMCLUSTERS
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
/// The slots of one operand, named "k0", "k1", ...
using Slots = SmallVector<Value, 2>;

/// A KV loop's ops by what they do.
struct LoopParts {
  LoadOp k, v;
  MmaOp scores, output;
  ModifyScoresOp modify; ///< null if nothing modifies scores
  MaskOp mask;           ///< null where the range needs none
  RaiseMaxOp raiseMax;
  ShiftScoresOp shift;
  Exp2Op exp;
  RescaleOp rescale;
  SumRowsOp sum;
  PackOp pack;
  SmallVector<Operation *> scalars;

  LogicalResult find(scf::ForOp loop);
};
} // namespace

template <typename OpT> static LogicalResult take(OpT op, OpT &place) {
  if (place)
    return op.emitOpError() << "stands twice in a KV loop; the schedule has "
                               "one place for it";
  place = op;
  return success();
}

LogicalResult LoopParts::find(scf::ForOp loop) {
  for (Operation &op : loop.getBody()->without_terminator()) {
    LogicalResult result =
        llvm::TypeSwitch<Operation *, LogicalResult>(&op)
            .Case(
                [&](LoadOp op) { return take(op, op.getTransposed() ? v : k); })
            .Case([&](MmaOp op) {
              bool first = k && op.getA() == k.getTile();
              return take(op, first ? scores : output);
            })
            .Case([&](ModifyScoresOp op) { return take(op, modify); })
            .Case([&](MaskOp op) { return take(op, mask); })
            .Case([&](RaiseMaxOp op) { return take(op, raiseMax); })
            .Case([&](ShiftScoresOp op) { return take(op, shift); })
            .Case([&](Exp2Op op) { return take(op, exp); })
            .Case([&](RescaleOp op) { return take(op, rescale); })
            .Case([&](SumRowsOp op) { return take(op, sum); })
            .Case([&](PackOp op) { return take(op, pack); })
            .Default([&](Operation *op) -> LogicalResult {
              if (isa<AttnDialect>(op->getDialect()) || !isMemoryEffectFree(op))
                return op->emitOpError() << "has no place in the schedule";
              scalars.push_back(op);
              return success();
            });
    if (failed(result))
      return failure();
  }
  if (!k || !v || !scores || !output || !raiseMax || !shift || !exp ||
      !rescale || !sum || !pack)
    return loop.emitOpError() << "is not a whole KV loop; run --attn-tile and "
                                 "--attn-decompose-softmax first";
  // A recipe may make the scores part by part.
  if (!scores.getAcc().getDefiningOp<SplatOp>())
    return scores.emitOpError() << "must start from an attn.splat";
  return success();
}

/// Slots hold whole blocks of columns; what a tile has not is 0 in them.
static int64_t wholeColumns(int64_t columns) {
  return int64_t(llvm::alignTo(columns, SlotType::kColumnBlock));
}

/// The operands' slots, made at `b`'s place.
static Slots allocateSlots(ImplicitLocOpBuilder &b, LoadOp load, StringRef name,
                           ConfigAttr config) {
  TileType tile = load.getTile().getType();
  int64_t rows = tile.getRows(), columns = wholeColumns(tile.getColumns());
  if (load.getTransposed()) {
    rows = tile.getColumns();
    // Each work-item transposes 4 rows x 2 columns at the least.
    columns = std::max<int64_t>(wholeColumns(tile.getRows()),
                                config.getWaves() * 64 * 8 / rows);
  }
  auto type = SlotType::get({rows, columns}, tile.getElementType(),
                            load.getTransposed() ? Arrangement::Transposed
                                                 : Arrangement::Rows);
  Slots slots;
  for (unsigned i = 0; i < config.getSlots(); ++i)
    slots.push_back(
        AllocSlotOp::create(b, type, name.str() + std::to_string(i)));
  return slots;
}

namespace {
/// Writes one KV loop as clusters.
class ClusterWriter {
public:
  ClusterWriter(ImplicitLocOpBuilder &b, const ScheduleRecipe &recipe,
                const LoopParts &parts, const Slots &kSlots,
                const Slots &vSlots, Value limit)
      : b(b), recipe(recipe), parts(parts), kSlots(kSlots), vSlots(vSlots),
        limit(limit) {}

  ValueRange write(scf::ForOp loop, ValueRange inits);

private:
  void writePart(TilePart part);
  Value fetch(LoadOp load, Value slot);
  void readHalfOfK(unsigned half);
  Value scoresOfHalf();
  void exponentials(int64_t begin, int64_t end);
  void modifyScores();

  ImplicitLocOpBuilder &b;
  const ScheduleRecipe &recipe;
  LoopParts parts;
  const Slots &kSlots, &vSlots;
  Value limit; ///< of modified scores; null if no range has one
  IRMapping map;
  Value kSlot, vSlot, kInflight, vInflight; ///< of the loop's tile
  Value kHalf, scoresHead;
};
} // namespace

Value ClusterWriter::fetch(LoadOp load, Value slot) {
  auto slotType = cast<SlotType>(slot.getType());
  auto type = InflightType::get(slotType.getShape(), slotType.getElementType());
  return FetchOp::create(b, type, load.getView(),
                         map.lookupOrDefault(load.getRow()), slot);
}

/// The first half of K's rows, or the second.
void ClusterWriter::readHalfOfK(unsigned half) {
  TileType tile = parts.k.getTile().getType();
  int64_t rows = tile.getRows() / 2;
  auto type = TileType::get({rows, tile.getColumns()}, tile.getElementType(),
                            tile.getLayout());
  Value row = arith::ConstantIntOp::create(b, b.getI32Type(), half * rows);
  kHalf = ReadOp::create(b, type, kSlot, row);
}

/// Of the half that was read last.
Value ClusterWriter::scoresOfHalf() {
  TileType tile = parts.scores.getRes().getType();
  auto type = TileType::get({tile.getRows() / 2, tile.getColumns()},
                            tile.getElementType(), tile.getLayout());
  auto zero = parts.scores.getAcc().getDefiningOp<SplatOp>();
  Value acc = SplatOp::create(b, type, zero.getValue());
  return MmaOp::create(b, kHalf, map.lookupOrDefault(parts.scores.getB()), acc);
}

/// Raises registers `begin` to `end` of what the exponential has so far.
void ClusterWriter::exponentials(int64_t begin, int64_t end) {
  Value tile = map.contains(parts.exp.getRes())
                   ? map.lookup(parts.exp.getRes())
                   : map.lookup(parts.exp.getTile());
  if (begin < end)
    tile = Exp2Op::create(b, tile, begin, end);
  map.map(parts.exp.getRes(), tile);
}

/// Ranges are alike but for their masks: all have the limit, and where there is
/// no mask attn-rotate takes it off again.
void ClusterWriter::modifyScores() {
  auto modify = cast<ModifyScoresOp>(b.clone(*parts.modify, map));
  if (limit && !modify.getLimit())
    modify.getLimitMutable().assign(limit);
}

void ClusterWriter::writePart(TilePart part) {
  LoopParts &p = parts;
  int64_t registers = p.exp.getEnd(),
          head = std::min(recipe.expHead, registers);
  auto clone = [&](Operation *op) { b.clone(*op, map); };
  switch (part) {
  case TilePart::FetchQ:
  case TilePart::LandQ:
  case TilePart::ReadQ:
  case TilePart::PrepareQ:
    return;
  case TilePart::FetchK:
    kInflight = fetch(p.k, kSlot);
    return;
  case TilePart::FetchV:
    vInflight = fetch(p.v, vSlot);
    return;
  case TilePart::LandK:
    LandOp::create(b, kInflight, kSlot);
    return;
  case TilePart::LandV:
    LandOp::create(b, vInflight, vSlot);
    return;
  case TilePart::ReadK:
    map.map(p.k.getTile(), ReadOp::create(b, p.k.getTile().getType(), kSlot));
    return;
  case TilePart::ReadKHead:
    return readHalfOfK(0);
  case TilePart::ReadKTail:
    return readHalfOfK(1);
  case TilePart::ReadV:
    map.map(p.v.getTile(), ReadOp::create(b, p.v.getTile().getType(), vSlot));
    return;
  case TilePart::Scores:
    return clone(p.scores);
  case TilePart::ScoresHead:
    scoresHead = scoresOfHalf();
    return;
  case TilePart::ScoresTail:
    map.map(p.scores.getRes(), ConcatOp::create(b, p.scores.getRes().getType(),
                                                scoresHead, scoresOfHalf()));
    return;
  case TilePart::ModifyScores:
    if (p.modify)
      modifyScores();
    return;
  case TilePart::Mask:
    if (p.mask)
      clone(p.mask);
    return;
  case TilePart::RaiseMax:
    return clone(p.raiseMax);
  case TilePart::ShiftScores:
    return clone(p.shift);
  case TilePart::ExpHead:
    return exponentials(0, head);
  case TilePart::ExpTail:
    return exponentials(head, registers);
  case TilePart::Rescale:
    return clone(p.rescale);
  case TilePart::SumRows:
    return clone(p.sum);
  case TilePart::Pack:
    return clone(p.pack);
  case TilePart::Output:
    return clone(p.output);
  }
}

/// Gives the results of the new loop.
ValueRange ClusterWriter::write(scf::ForOp loop, ValueRange inits) {
  auto clustered = scf::ForOp::create(
      b, loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(clustered.getBody());
  map.map(loop.getInductionVar(), clustered.getInductionVar());
  map.map(loop.getRegionIterArgs(), clustered.getRegionIterArgs());
  for (Operation *scalar : parts.scalars)
    b.clone(*scalar, map);
  kSlot = CycleSlotsOp::create(b, kSlots);
  vSlot = CycleSlotsOp::create(b, vSlots);
  for (const ClusterRecipe &cluster : recipe.clusters) {
    if (llvm::all_of(cluster.parts, isOfQ))
      continue;
    ClusterOp op = createCluster(b, loop.getLoc(), cluster.kind, cluster.at);
    OpBuilder::InsertionGuard inCluster(b);
    b.setInsertionPoint(op.getBody().front().getTerminator());
    for (TilePart part : cluster.parts)
      if (!isOfQ(part))
        writePart(part);
  }
  SmallVector<Value> yields;
  for (Value value : loop.getYieldedValues())
    yields.push_back(map.lookupOrDefault(value));
  scf::YieldOp::create(b, yields);
  return clustered.getResults();
}

/// Turns a chain of loops, each starting with what the one before it gave, into
/// a pipeline.
static LogicalResult formPipeline(ArrayRef<scf::ForOp> chain,
                                  const ScheduleRecipe &recipe,
                                  ConfigAttr config) {
  SmallVector<LoopParts> parts(chain.size());
  for (auto [loop, loopParts] : llvm::zip(chain, parts))
    if (failed(loopParts.find(loop)))
      return failure();

  scf::ForOp first = chain.front(), last = chain.back();
  // What stands between the loops (bounds) only depends on what is before them.
  ImplicitLocOpBuilder b(last.getLoc(), last);
  Slots kSlots = allocateSlots(b, parts.front().k, "k", config);
  Slots vSlots = allocateSlots(b, parts.front().v, "v", config);
  auto pipeline = PipelineOp::create(
      b, last.getResultTypes(), b.getI32IntegerAttr(recipe.groups),
      b.getI32IntegerAttr(recipe.lag), b.getI32IntegerAttr(recipe.interval),
      ClusterKindAttr());
  if (recipe.priority)
    pipeline.setPriority(*recipe.priority);
  b.createBlock(&pipeline.getBody());
  stageRows(b, pipeline, parts.front().scores.getB(), config.getWaves(),
            recipe);
  Value limit;
  for (LoopParts &loopParts : parts)
    if (loopParts.modify && loopParts.modify.getLimit())
      limit = loopParts.modify.getLimit();
  ValueRange carried = first.getInitArgs();
  for (auto [loop, loopParts] : llvm::zip(chain, parts))
    carried = ClusterWriter(b, recipe, loopParts, kSlots, vSlots, limit)
                  .write(loop, carried);
  YieldOp::create(b, carried);
  closeClusters(pipeline);
  last.replaceAllUsesWith(pipeline.getResults());
  for (scf::ForOp loop : llvm::reverse(chain))
    loop.erase();
  return success();
}

namespace {
struct FormClusters : attn::impl::AttnFormClustersBase<FormClusters> {
  using AttnFormClustersBase::AttnFormClustersBase;

  void runOnOperation() override {
    if (!flyattn::findChip(chip)) {
      getOperation()->emitError() << "unknown chip '" << chip
                                  << "'; supported: " << flyattn::chipNames();
      return signalPassFailure();
    }
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      auto config = kernel->getAttrOfType<ConfigAttr>("attn.config");
      if (config && config.getSchedule() == Schedule::DualWave &&
          failed(formKernel(kernel, config)))
        return signalPassFailure();
    }
  }

  LogicalResult formKernel(gpu::GPUFuncOp kernel, ConfigAttr config) {
    SmallVector<scf::ForOp> loops;
    kernel.walk([&](scf::ForOp loop) {
      for (LoadOp load : loop.getBody()->getOps<LoadOp>())
        if (load.getRow() == loop.getInductionVar()) {
          loops.push_back(loop);
          return;
        }
    });
    while (!loops.empty()) {
      SmallVector<scf::ForOp> chain{loops.front()};
      loops.erase(loops.begin());
      while (!loops.empty() &&
             loops.front().getInitArgs() == chain.back().getResults()) {
        chain.push_back(loops.front());
        loops.erase(loops.begin());
      }
      int64_t headDim = 0, headDimV = 0;
      for (LoadOp load : chain.front().getBody()->getOps<LoadOp>())
        (load.getTransposed() ? headDimV : headDim) =
            load.getView().getType().getColumns();
      const ScheduleRecipe *recipe =
          findRecipe(chip, headDim, headDimV, config.getKvTile());
      if (!recipe)
        return kernel.emitOpError()
               << "no dual_wave schedule for head_dim " << headDim
               << ", head_dim_v " << headDimV << " and KV tiles of "
               << config.getKvTile() << " rows on " << chip;
      if (failed(formPipeline(chain, *recipe, config)))
        return failure();
    }
    return success();
  }
};
} // namespace
