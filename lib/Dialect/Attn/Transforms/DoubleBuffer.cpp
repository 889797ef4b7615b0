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
/// A load that is staged, with its two slots.
struct StagedLoad {
  LoadOp load;
  std::array<Value, 2> slots;
};

class DoubleBufferedLoop {
public:
  DoubleBufferedLoop(scf::ForOp loop, ArrayRef<LoadOp> loads)
      : b(loop.getLoc(), loop), loop(loop) {
    allocateSlots(loads);
  }

  void rewrite();

private:
  void allocateSlots(ArrayRef<LoadOp> loads);
  SmallVector<Value> fetch(Value row, unsigned slot);
  void land(ValueRange inflight, unsigned slot);
  SmallVector<Value> step(Value row, ValueRange carried, unsigned slot);

  ImplicitLocOpBuilder b;
  scf::ForOp loop;
  SmallVector<StagedLoad> staged;
};
} // namespace

void DoubleBufferedLoop::allocateSlots(ArrayRef<LoadOp> loads) {
  for (LoadOp load : loads) {
    TileType tile = load.getTile().getType();
    int64_t rows = tile.getRows(), columns = tile.getColumns();
    Arrangement arrangement = Arrangement::Rows;
    if (load.getTransposed()) {
      std::swap(rows, columns);
      arrangement = Arrangement::Transposed;
    }
    auto type =
        SlotType::get({rows, columns}, tile.getElementType(), arrangement);
    StagedLoad entry{load, {}};
    for (unsigned slot : {0, 1}) {
      std::string name = "tile" + std::to_string(staged.size()) + "_slot" +
                         std::to_string(slot);
      entry.slots[slot] = AllocSlotOp::create(b, type, name);
    }
    staged.push_back(entry);
  }
}

/// Starts to bring the tiles at `row` into the slots; gives what is in flight.
SmallVector<Value> DoubleBufferedLoop::fetch(Value row, unsigned slot) {
  SmallVector<Value> inflight;
  for (StagedLoad &entry : staged) {
    auto slotType = cast<SlotType>(entry.slots[slot].getType());
    auto type =
        InflightType::get(slotType.getShape(), slotType.getElementType());
    inflight.push_back(
        FetchOp::create(b, type, entry.load.getView(), row, entry.slots[slot]));
  }
  return inflight;
}

void DoubleBufferedLoop::land(ValueRange inflight, unsigned slot) {
  for (auto [entry, value] : llvm::zip(staged, inflight))
    LandOp::create(b, value, entry.slots[slot]);
  SyncOp::create(b);
}

/// The loop's body for the tile at `row`, read from `slot`, while the next tile
/// goes to the other slot. Gives what the body yields.
SmallVector<Value> DoubleBufferedLoop::step(Value row, ValueRange carried,
                                            unsigned slot) {
  unsigned other = 1 - slot;
  Value next = arith::AddIOp::create(b, row, loop.getStep());
  SmallVector<Value> inflight = fetch(next, other);

  IRMapping map;
  map.map(loop.getInductionVar(), row);
  map.map(loop.getRegionIterArgs(), carried);
  for (Operation &op : loop.getBody()->without_terminator()) {
    auto entry = llvm::find_if(
        staged, [&](StagedLoad &entry) { return entry.load == &op; });
    if (entry == staged.end())
      b.clone(op, map);
    else
      map.map(
          entry->load.getTile(),
          ReadOp::create(b, entry->load.getTile().getType(), entry->slots[slot])
              .getTile());
  }
  land(inflight, other);
  return llvm::map_to_vector(
      loop.getBody()->getTerminator()->getOperands(),
      [&](Value value) { return map.lookupOrDefault(value); });
}

void DoubleBufferedLoop::rewrite() {
  land(fetch(loop.getLowerBound(), 0), 0);
  Value step2 = arith::AddIOp::create(b, loop.getStep(), loop.getStep());
  auto pair = scf::ForOp::create(b, loop.getLowerBound(), loop.getUpperBound(),
                                 step2, loop.getInitArgs());
  b.setInsertionPointToStart(pair.getBody());
  Value row = pair.getInductionVar();
  SmallVector<Value> carried = step(row, pair.getRegionIterArgs(), 0);
  Value next = arith::AddIOp::create(b, row, loop.getStep());
  carried = step(next, carried, 1);
  scf::YieldOp::create(b, carried);
  loop.replaceAllUsesWith(pair.getResults());
  loop.erase();
}

namespace {
struct DoubleBuffer : attn::impl::AttnDoubleBufferBase<DoubleBuffer> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops) {
      SmallVector<LoadOp> loads;
      for (LoadOp load : loop.getBody()->getOps<LoadOp>())
        if (load.getRow() == loop.getInductionVar())
          loads.push_back(load);
      if (!loads.empty())
        DoubleBufferedLoop(loop, loads).rewrite();
    }
  }
};
} // namespace
