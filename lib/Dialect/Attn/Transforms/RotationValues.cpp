//===- RotationValues.cpp - The values of a rotated loop ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A value is known by its place in the loop that is rotated and by its tile.
// What is made in one iteration and used in a later one is carried by the
// loops.

#include "Rotation.h"

using namespace mlir;
using namespace mlir::attn;

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
