//===- SpecializeMasks.cpp - KV ranges that need no mask ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// For a loop over KV tiles that masks each tile at its counter:
//
//   1. find the KV rows that every query row of the workgroup sees; the rows
//      of its waves lie between the first row of wave 0 and the last row of
//      the last wave, so the answer is uniform;
//   2. round that range inwards to whole tiles, inside the loop's own bounds;
//   3. split the loop there; the range in the middle loses its mask.
//
//   kv ->       lo           begin            end           hi
//   first row   |#############################.             |
//   ...         |      .########################.           |
//   last row    |            .##############################|
//     skipped   | masked     | full, no mask  | masked      |  skipped

#include "WaveBounds.h"

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNSPECIALIZEMASKS
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
/// A loop over KV tiles and the mask in it.
class MaskedLoop {
public:
  static std::optional<MaskedLoop> match(scf::ForOp loop);
  void split();

private:
  MaskedLoop(scf::ForOp loop, MaskOp mask)
      : loop(loop), mask(mask), b(loop.getLoc(), loop) {}

  Value i32(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  }
  /// Whether rows do not see all columns from the first one on.
  bool hidesFirst() { return mask.getLower() || mask.getChunk(); }
  /// The query row that the mask takes a row for.
  Value queryOf(Value row) {
    return mask.getGroup()
               ? arith::DivUIOp::create(b, row, mask.getGroup()).getResult()
               : row;
  }
  Value rowsFrom(Value lower, Value upper);
  Value firstVisible(Value query);
  Value fullBegin();
  Value fullEnd(Value begin);
  scf::ForOp cloneRange(Value end);
  void continueFrom(scf::ForOp range);

  scf::ForOp loop;
  MaskOp mask;
  ImplicitLocOpBuilder b;
};
} // namespace

std::optional<MaskedLoop> MaskedLoop::match(scf::ForOp loop) {
  auto masks = llvm::to_vector(loop.getBody()->getOps<MaskOp>());
  if (masks.size() != 1 || masks[0].getKv() != loop.getInductionVar())
    return std::nullopt;
  APInt step;
  if (!matchPattern(loop.getStep(), m_ConstantInt(&step)) ||
      step != uint64_t(masks[0].getTile().getType().getRows()))
    return std::nullopt;
  bool invariant =
      llvm::all_of(masks[0]->getOperands().drop_front(2), [&](Value value) {
        return loop.isDefinedOutsideOfLoop(value);
      });
  if (!invariant)
    return std::nullopt;
  return MaskedLoop(loop, masks[0]);
}

/// upper - lower, or 0 if that is negative.
Value MaskedLoop::rowsFrom(Value lower, Value upper) {
  Value rows = arith::SubIOp::create(b, upper, lower);
  return arith::MaxSIOp::create(b, rows, i32(0));
}

/// The first column that a query row sees.
Value MaskedLoop::firstVisible(Value query) {
  if (!mask.getChunk())
    return arith::AddIOp::create(b, query, mask.getLower());
  Value last = arith::AddIOp::create(b, query, mask.getDiagonal());
  last = arith::MaxSIOp::create(b, last, i32(0));
  Value part = arith::RemUIOp::create(b, last, mask.getChunk());
  return arith::SubIOp::create(b, last, part);
}

/// The first tile from which on no row's first columns are hidden. Not beyond
/// the loop's last tile.
Value MaskedLoop::fullBegin() {
  Value lower = loop.getLowerBound();
  if (!hidesFirst())
    return lower;
  // The last row's window begins last.
  Value last = boundOverWaves(b, mask.getQ(), Bound::Greatest);
  if (!last)
    return nullptr;
  int64_t columns = mask.getTile().getType().getColumns();
  last = queryOf(arith::AddIOp::create(b, last, i32(columns - 1)));
  Value first = firstVisible(last);
  first = arith::MinSIOp::create(b, first, loop.getUpperBound());
  Value rows = arith::AddIOp::create(
      b, rowsFrom(lower, first), i32(mask.getTile().getType().getRows() - 1));
  Value part = arith::RemUIOp::create(b, rows, loop.getStep());
  return arith::AddIOp::create(
      b, lower, arith::SubIOp::create(b, rows, part).getResult());
}

/// Where the whole tiles from `begin` on end that every row of the workgroup
/// sees.
Value MaskedLoop::fullEnd(Value begin) {
  Value visible = mask.getLimit();
  if (Value diagonal = mask.getDiagonal()) {
    // The first row's end first, behind column first + diagonal.
    Value first = boundOverWaves(b, mask.getQ(), Bound::Least);
    if (!first)
      return nullptr;
    Value end = arith::AddIOp::create(
        b, arith::AddIOp::create(b, queryOf(first), diagonal).getResult(),
        i32(1));
    visible = arith::MinSIOp::create(b, visible, end);
  }
  visible = arith::MinSIOp::create(b, visible, loop.getUpperBound());
  Value rows = rowsFrom(begin, visible);
  Value part = arith::RemUIOp::create(b, rows, loop.getStep());
  return arith::AddIOp::create(
      b, begin, arith::SubIOp::create(b, rows, part).getResult());
}

/// A copy of the loop before it, up to `end`.
scf::ForOp MaskedLoop::cloneRange(Value end) {
  auto range = cast<scf::ForOp>(b.clone(*loop));
  range.setUpperBound(end);
  return range;
}

void MaskedLoop::continueFrom(scf::ForOp range) {
  loop.setLowerBound(range.getUpperBound());
  loop.getInitArgsMutable().assign(range.getResults());
}

void MaskedLoop::split() {
  Value begin = fullBegin();
  Value end = begin ? fullEnd(begin) : Value();
  if (!end)
    return;
  if (hidesFirst())
    continueFrom(cloneRange(begin));
  scf::ForOp full = cloneRange(end);
  for (MaskOp copy : llvm::to_vector(full.getBody()->getOps<MaskOp>())) {
    copy.replaceAllUsesWith(copy.getTile());
    copy.erase();
  }
  // No column is beyond the limit there.
  for (auto copy : full.getBody()->getOps<ModifyScoresOp>())
    if (copy.getKv() == full.getInductionVar() &&
        copy.getLimit() == mask.getLimit())
      copy.getLimitMutable().clear();
  continueFrom(full);
}

namespace {
struct SpecializeMasks : attn::impl::AttnSpecializeMasksBase<SpecializeMasks> {
  void runOnOperation() override {
    SmallVector<MaskedLoop> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (auto masked = MaskedLoop::match(loop))
        loops.push_back(*masked);
    });
    for (MaskedLoop &masked : loops)
      masked.split();
  }
};
} // namespace
