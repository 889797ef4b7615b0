//===- SkipHiddenTiles.cpp - KV tiles that a region hides as a whole ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// For a loop over KV tiles whose scores a region modifies at its counter:
//
//   1. the query rows of the workgroup are an interval, and so are the columns
//      of a tile;
//   2. interval arithmetic on the region tells, when the kernel runs, whether
//      some score of a tile may be more than -inf (ScoreIntervals.cpp);
//   3. from either end of the loop, tiles are left out until one may.
//
// That costs some scalar instructions for each tile that is left out.

#include "ScoreIntervals.h"
#include "WaveBounds.h"

#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNSKIPHIDDENTILES
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
/// A loop over KV tiles and the region in it.
class HidingLoop {
public:
  static std::optional<HidingLoop> match(scf::ForOp loop);
  void narrow();

private:
  HidingLoop(scf::ForOp loop, ModifyScoresOp modify)
      : loop(loop), modify(modify), b(loop.getLoc(), loop) {}

  Value i32(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  }
  Value add(Value a, Value c) { return arith::AddIOp::create(b, a, c); }
  Value index(Value value) {
    return arith::IndexCastOp::create(b, b.getIndexType(), value);
  }
  Value less(Value a, Value c) {
    return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, a, c);
  }
  bool placeRows();
  Value isHidden(Value kv);
  Value advance(Value from, Value distance,
                llvm::function_ref<Value(Value)> goesOn);

  scf::ForOp loop;
  ModifyScoresOp modify;
  ImplicitLocOpBuilder b;
  ScoreTile tile; ///< its columns are those of one tile at a time
};
} // namespace

std::optional<HidingLoop> HidingLoop::match(scf::ForOp loop) {
  auto found = llvm::to_vector(loop.getBody()->getOps<ModifyScoresOp>());
  if (found.size() != 1 || found[0].getKv() != loop.getInductionVar() ||
      !mayHideTiles(found[0]))
    return std::nullopt;
  APInt step;
  if (!matchPattern(loop.getStep(), m_ConstantInt(&step)) ||
      step != uint64_t(found[0].getTile().getType().getRows()))
    return std::nullopt;
  for (Value operand : found[0]->getOperands())
    if (operand != found[0].getTile() && operand != found[0].getKv() &&
        !loop.isDefinedOutsideOfLoop(operand))
      return std::nullopt;
  return HidingLoop(loop, found[0]);
}

/// The interval of the workgroup's query rows, and of its heads. False if it
/// cannot be told.
bool HidingLoop::placeRows() {
  Value first = boundOverWaves(b, modify.getQ(), Bound::Least),
        last = boundOverWaves(b, modify.getQ(), Bound::Greatest);
  if (!first || !last)
    return false;
  int64_t columns = modify.getTile().getType().getColumns();
  last = add(last, i32(columns - 1));
  Value end = add(modify.getRows(), i32(-1));
  first = arith::MinSIOp::create(b, first, end);
  last = arith::MinSIOp::create(b, last, end);
  Value head = modify.getHead(), lastHead = head;
  if (Value group = modify.getGroup()) {
    first = arith::DivUIOp::create(b, first, group);
    last = arith::DivUIOp::create(b, last, group);
    lastHead = add(head, add(group, i32(-1)));
  }
  Value batch = index(modify.getBatch());
  tile.batch = {batch, batch, true};
  Value headIndex = index(head);
  tile.head = {headIndex, lastHead == head ? headIndex : index(lastHead), true};
  tile.row = {index(first), index(last), true};
  return true;
}

/// Whether the region hides all of the tile at `kv`.
Value HidingLoop::isHidden(Value kv) {
  Value last = add(kv, add(loop.getStep(), i32(-1)));
  if (Value limit = modify.getLimit())
    last = arith::MinSIOp::create(b, last, add(limit, i32(-1)));
  tile.column = {index(kv), index(last), true};
  Value yes = arith::ConstantIntOp::create(b, b.getI1Type(), 1);
  return arith::XOrIOp::create(b, mayShow(b, modify, tile), yes);
}

/// Goes on from `from` by `distance` for as long as `goesOn` holds.
Value HidingLoop::advance(Value from, Value distance,
                          llvm::function_ref<Value(Value)> goesOn) {
  auto search =
      scf::WhileOp::create(b, TypeRange(from.getType()), ValueRange(from));
  OpBuilder::InsertionGuard guard(b);
  Block *before =
      b.createBlock(&search.getBefore(), {}, from.getType(), {loop.getLoc()});
  scf::ConditionOp::create(b, goesOn(before->getArgument(0)),
                           before->getArguments());
  Block *after =
      b.createBlock(&search.getAfter(), {}, from.getType(), {loop.getLoc()});
  scf::YieldOp::create(b, add(after->getArgument(0), distance));
  return search.getResult(0);
}

void HidingLoop::narrow() {
  if (!placeRows())
    return;
  Value step = loop.getStep(), upper = loop.getUpperBound();
  Value lower = advance(loop.getLowerBound(), step, [&](Value kv) -> Value {
    return arith::AndIOp::create(b, less(kv, upper), isHidden(kv));
  });
  // Whole tiles from there on.
  Value span = arith::SubIOp::create(b, upper, lower);
  span = arith::MaxSIOp::create(b, span, i32(0));
  Value whole = arith::CeilDivUIOp::create(b, span, step);
  whole = arith::MulIOp::create(b, whole, step);
  Value back = arith::SubIOp::create(b, i32(0), step);
  Value end = advance(add(lower, whole), back, [&](Value kv) -> Value {
    return arith::AndIOp::create(b, less(lower, kv), isHidden(add(kv, back)));
  });
  loop.setLowerBound(lower);
  loop.setUpperBound(arith::MinSIOp::create(b, upper, end));
}

namespace {
struct SkipHiddenTiles : attn::impl::AttnSkipHiddenTilesBase<SkipHiddenTiles> {
  void runOnOperation() override {
    SmallVector<HidingLoop> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (auto hiding = HidingLoop::match(loop))
        loops.push_back(*hiding);
    });
    for (HidingLoop &hiding : loops)
      hiding.narrow();
  }
};
} // namespace
