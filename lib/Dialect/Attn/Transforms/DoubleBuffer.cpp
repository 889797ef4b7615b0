//===- DoubleBuffer.cpp - Stage KV tiles through two LDS slots ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The generic schedule, for a loop over KV tiles:
//
//   1. find the loads whose row is the loop's counter: K and V;
//   2. give each two LDS slots;
//   3. before the loop, fetch the first tile into slot 0;
//   4. unroll the loop by two: while tile t is computed from one slot, tile
//      t + 1 is on its way into the other.
//
//   slot 0:  | fetch 0 | compute 0 | fetch 2 | compute 2 | ...
//   slot 1:            | fetch 1   | compute 1 | fetch 3 | ...
//                      ^ sync      ^ sync    ^ sync
//
// With one slot, a tile waits in registers until the one before has been read:
// the chip must take tiles through registers. That halves the LDS, so that more
// workgroups share a CU.
//
// A chain of loops over the same loads, each starting where the one before ends
// and with its results (attn-specialize-masks), is one stream of tiles. Each
// loop takes pairs of tiles, so the next always finds its first tile in slot 0.
// A tile may be computed with the mask even if it needs none, but not without
// one if it needs it: a masked loop may take a tile of the next range, the
// others leave a single last tile to it.

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNDOUBLEBUFFER
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
/// Where a staged load reads, and its two slots, which may be the same.
struct StagedLoad {
  Value view;
  std::array<Value, 2> slots;
};

/// Loops that read one stream of tiles, in order.
class DoubleBufferedStream {
public:
  explicit DoubleBufferedStream(SmallVector<scf::ForOp> stream)
      : b(stream.front().getLoc(), stream.front()), loops(std::move(stream)) {
    auto kernel = loops.front()->getParentOfType<gpu::GPUFuncOp>();
    if (auto config = kernel->getAttrOfType<ConfigAttr>("attn.config"))
      count = config.getSlots();
    allocateSlots(loadsAtCounter(loops.front()));
  }

  void rewrite();

  static SmallVector<LoadOp> loadsAtCounter(scf::ForOp loop);

private:
  void allocateSlots(ArrayRef<LoadOp> loads);
  SmallVector<Value> fetch(Value row, unsigned slot);
  void land(ValueRange inflight, unsigned slot);
  SmallVector<Value> step(scf::ForOp loop, Value row, ValueRange carried,
                          unsigned slot);
  Value pairsEnd(scf::ForOp loop, Value lower, Value step2);
  scf::ForOp pairTiles(scf::ForOp loop, Value lower, Value upper, Value step2);

  ImplicitLocOpBuilder b;
  unsigned count = 2; ///< slots
  SmallVector<scf::ForOp> loops;
  SmallVector<StagedLoad> staged;
};
} // namespace

SmallVector<LoadOp> DoubleBufferedStream::loadsAtCounter(scf::ForOp loop) {
  SmallVector<LoadOp> loads;
  for (LoadOp load : loop.getBody()->getOps<LoadOp>())
    if (load.getRow() == loop.getInductionVar())
      loads.push_back(load);
  return loads;
}

void DoubleBufferedStream::allocateSlots(ArrayRef<LoadOp> loads) {
  for (LoadOp load : loads) {
    TileType tile = load.getTile().getType();
    int64_t rows = tile.getRows(), columns = tile.getColumns();
    Arrangement arrangement = Arrangement::Rows;
    if (load.getTransposed()) {
      std::swap(rows, columns);
      arrangement = Arrangement::Transposed;
    }
    auto type = SlotType::get(
        {rows, int64_t(llvm::alignTo(columns, SlotType::kColumnBlock))},
        tile.getElementType(), arrangement);
    StagedLoad entry{load.getView(), {}};
    for (unsigned slot = 0; slot < count; ++slot) {
      std::string name = "tile" + std::to_string(staged.size()) + "_slot" +
                         std::to_string(slot);
      entry.slots[slot] = AllocSlotOp::create(b, type, name);
    }
    if (count == 1)
      entry.slots[1] = entry.slots[0];
    staged.push_back(entry);
  }
}

/// Starts to bring the tiles at `row` into the slots; gives what is in flight.
SmallVector<Value> DoubleBufferedStream::fetch(Value row, unsigned slot) {
  SmallVector<Value> inflight;
  for (StagedLoad &entry : staged) {
    auto slotType = cast<SlotType>(entry.slots[slot].getType());
    auto type =
        InflightType::get(slotType.getShape(), slotType.getElementType());
    inflight.push_back(
        FetchOp::create(b, type, entry.view, row, entry.slots[slot]));
  }
  return inflight;
}

void DoubleBufferedStream::land(ValueRange inflight, unsigned slot) {
  for (auto [entry, value] : llvm::zip(staged, inflight))
    LandOp::create(b, value, entry.slots[slot]);
  SyncOp::create(b);
}

/// The loop's body for the tile at `row`, read from `slot`, while the next tile
/// goes to the other slot. Gives what the body yields.
SmallVector<Value> DoubleBufferedStream::step(scf::ForOp loop, Value row,
                                              ValueRange carried,
                                              unsigned slot) {
  unsigned other = 1 - slot;
  Value next = arith::AddIOp::create(b, row, loop.getStep());
  SmallVector<Value> inflight = fetch(next, other);

  IRMapping map;
  map.map(loop.getInductionVar(), row);
  map.map(loop.getRegionIterArgs(), carried);
  SmallVector<LoadOp> loads = loadsAtCounter(loop);
  for (Operation &op : loop.getBody()->without_terminator()) {
    auto load = llvm::find(loads, dyn_cast<LoadOp>(&op));
    if (load == loads.end()) {
      b.clone(op, map);
      continue;
    }
    Value tile = (*load).getTile();
    Value source = staged[load - loads.begin()].slots[slot];
    map.map(tile, ReadOp::create(b, tile.getType(), source).getTile());
  }
  if (count == 1) // until every wave has read the tile
    SyncOp::create(b);
  land(inflight, other);
  return llvm::map_to_vector(
      loop.getBody()->getTerminator()->getOperands(),
      [&](Value value) { return map.lookupOrDefault(value); });
}

/// Where the pairs of tiles end that `loop` takes from `lower` on, if another
/// loop follows: see the top.
Value DoubleBufferedStream::pairsEnd(scf::ForOp loop, Value lower,
                                     Value step2) {
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(lower.getType()));
  Value span = arith::SubIOp::create(b, loop.getUpperBound(), lower);
  span = arith::MaxSIOp::create(b, span, zero);
  if (!loop.getBody()->getOps<MaskOp>().empty()) {
    Value one = arith::ConstantOp::create(b, b.getOneAttr(lower.getType()));
    span = arith::AddIOp::create(b, span, step2);
    span = arith::SubIOp::create(b, span, one);
  }
  Value part = arith::RemUIOp::create(b, span, step2);
  span = arith::SubIOp::create(b, span, part);
  return arith::AddIOp::create(b, lower, span);
}

scf::ForOp DoubleBufferedStream::pairTiles(scf::ForOp loop, Value lower,
                                           Value upper, Value step2) {
  auto pair = scf::ForOp::create(b, lower, upper, step2, loop.getInitArgs());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(pair.getBody());
  Value row = pair.getInductionVar();
  SmallVector<Value> carried = step(loop, row, pair.getRegionIterArgs(), 0);
  Value next = arith::AddIOp::create(b, row, loop.getStep());
  carried = step(loop, next, carried, 1);
  scf::YieldOp::create(b, carried);
  return pair;
}

void DoubleBufferedStream::rewrite() {
  scf::ForOp first = loops.front();
  land(fetch(first.getLowerBound(), 0), 0);
  Value step2 = arith::AddIOp::create(b, first.getStep(), first.getStep());
  Value lower = first.getLowerBound();
  for (scf::ForOp loop : loops) {
    b.setInsertionPoint(loop);
    Value upper = loop == loops.back() ? loop.getUpperBound()
                                       : pairsEnd(loop, lower, step2);
    scf::ForOp pair = pairTiles(loop, lower, upper, step2);
    loop.replaceAllUsesWith(pair.getResults());
    loop.erase();
    lower = upper;
  }
}

/// Whether `loop` goes on with the tiles of `before`.
static bool continues(scf::ForOp loop, scf::ForOp before) {
  auto sameSource = [](LoadOp a, LoadOp b) {
    return a.getView() == b.getView() &&
           a.getTransposed() == b.getTransposed() &&
           a.getTile().getType() == b.getTile().getType();
  };
  return loop->getBlock() == before->getBlock() &&
         loop.getLowerBound() == before.getUpperBound() &&
         loop.getStep() == before.getStep() &&
         llvm::equal(loop.getInitArgs(), before.getResults()) &&
         llvm::all_of(before.getResults(),
                      [](Value value) { return value.hasOneUse(); }) &&
         llvm::equal(DoubleBufferedStream::loadsAtCounter(loop),
                     DoubleBufferedStream::loadsAtCounter(before), sameSource);
}

namespace {
struct DoubleBuffer : attn::impl::AttnDoubleBufferBase<DoubleBuffer> {
  void runOnOperation() override {
    SmallVector<SmallVector<scf::ForOp>> streams;
    getOperation().walk([&](scf::ForOp loop) {
      if (DoubleBufferedStream::loadsAtCounter(loop).empty())
        return;
      if (streams.empty() || !continues(loop, streams.back().back()))
        streams.emplace_back();
      streams.back().push_back(loop);
    });
    for (SmallVector<scf::ForOp> &stream : streams)
      DoubleBufferedStream(std::move(stream)).rewrite();
  }
};
} // namespace
