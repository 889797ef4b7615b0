//===- ScoreIntervals.cpp - What a score region may yield for a tile ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Interval arithmetic, written out as ops: batch, head, row and column are
// intervals, and each integer of the region becomes one, each condition a pair
// of "may hold" and "may fail". What is not understood may be anything.

#include "ScoreIntervals.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;

using arith::CmpIPredicate;

/// A selection of -inf that a condition decides.
static arith::SelectOp hidingSelect(Value score) {
  auto select = score.getDefiningOp<arith::SelectOp>();
  if (select && (matchPattern(select.getTrueValue(), m_NegInfFloat()) ||
                 matchPattern(select.getFalseValue(), m_NegInfFloat())))
    return select;
  return nullptr;
}

bool attn::mayHideTiles(ModifyScoresOp op) {
  return hidingSelect(op.getBody().front().getTerminator()->getOperand(0)) !=
         nullptr;
}

namespace {
/// May a condition hold, and may it fail? Null where nothing is known: yes.
struct Truth {
  Value mayHold, mayFail;
};

class Intervals {
public:
  Intervals(ImplicitLocOpBuilder &b, ModifyScoresOp op, const ScoreTile &tile);

  /// Null: yes.
  Value mayShow(Value score);

private:
  std::optional<Interval> intervalOf(Value value);
  std::optional<Interval> compute(Operation *op);
  std::optional<Interval> ofBinary(Operation *op);
  std::optional<Interval> ofLoad(memref::LoadOp op);
  Truth truthOf(Value condition);
  Truth ofCompare(arith::CmpIOp op);

  Value compare(CmpIPredicate predicate, Value a, Value c) {
    return arith::CmpIOp::create(b, predicate, a, c);
  }
  /// Of conditions of which null is true.
  Value both(Value a, Value c) {
    return !a ? c : !c ? a : arith::AndIOp::create(b, a, c).getResult();
  }
  Value either(Value a, Value c) {
    return !a || !c ? Value() : arith::OrIOp::create(b, a, c).getResult();
  }
  template <typename OpT> Interval eachEnd(Interval a, Interval c) {
    return {OpT::create(b, a.least, c.least),
            OpT::create(b, a.greatest, c.greatest),
            a.nonNegative && c.nonNegative};
  }

  ImplicitLocOpBuilder &b;
  DenseMap<Value, std::optional<Interval>> known;
  DenseMap<Value, ValueRange> memrefs; ///< pointer and strides
};
} // namespace

Intervals::Intervals(ImplicitLocOpBuilder &b, ModifyScoresOp op,
                     const ScoreTile &tile)
    : b(b) {
  Block &block = op.getBody().front();
  Interval places[] = {tile.batch, tile.head, tile.row, tile.column};
  for (auto [argument, place] :
       llvm::zip(block.getArguments().slice(1, 4), places))
    known[argument] = place;
  ValueRange captures = op.getCaptures();
  for (BlockArgument argument : block.getArguments().drop_front(5)) {
    auto memref = dyn_cast<MemRefType>(argument.getType());
    size_t count = memref ? memref.getRank() + 1 : 1;
    if (memref)
      memrefs[argument] = captures.take_front(count);
    else if (argument.getType().isInteger(32))
      known[argument] = Interval{captures.front(), captures.front()};
    captures = captures.drop_front(count);
  }
}

std::optional<Interval> Intervals::intervalOf(Value value) {
  auto found = known.find(value);
  if (found != known.end())
    return found->second;
  Operation *op = value.getDefiningOp();
  auto interval = op ? compute(op) : std::nullopt;
  return known[value] = interval;
}

/// An element that is the same for the whole tile.
std::optional<Interval> Intervals::ofLoad(memref::LoadOp op) {
  if (!op.getType().isInteger(32) && !op.getType().isInteger(64))
    return std::nullopt;
  auto type = op.getMemRefType();
  ValueRange memref = memrefs[op.getMemRef()];
  auto strides = type.getStridesAndOffset().first;
  auto i64 = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, b.getI64Type(), value);
  };
  Value offset = i64(0);
  for (auto [dim, index] : llvm::enumerate(op.getIndices())) {
    std::optional<Interval> at = intervalOf(index);
    if (!at || at->least != at->greatest)
      return std::nullopt;
    Value wide = arith::IndexCastOp::create(b, b.getI64Type(), at->least);
    Value stride = ShapedType::isDynamic(strides[dim]) ? memref[1 + dim]
                                                       : i64(strides[dim]);
    wide = arith::MulIOp::create(b, wide, stride);
    offset = arith::AddIOp::create(b, offset, wide);
  }
  Value address =
      LLVM::GEPOp::create(b, memref[0].getType(), op.getType(), memref[0],
                          ArrayRef<LLVM::GEPArg>{offset});
  Value element = LLVM::LoadOp::create(
      b, op.getType(), address, op.getType().getIntOrFloatBitWidth() / 8,
      /*isVolatile=*/false, /*isNonTemporal=*/false, /*isInvariant=*/true);
  return Interval{element, element};
}

std::optional<Interval> Intervals::ofBinary(Operation *op) {
  std::optional<Interval> a = intervalOf(op->getOperand(0)),
                          c = intervalOf(op->getOperand(1));
  if (!a || !c)
    return std::nullopt;
  if (isa<arith::AddIOp>(op))
    return eachEnd<arith::AddIOp>(*a, *c);
  if (isa<arith::MaxSIOp>(op))
    return eachEnd<arith::MaxSIOp>(*a, *c);
  if (isa<arith::MinSIOp>(op))
    return eachEnd<arith::MinSIOp>(*a, *c);
  if (isa<arith::SubIOp>(op))
    return Interval{arith::SubIOp::create(b, a->least, c->greatest),
                    arith::SubIOp::create(b, a->greatest, c->least)};
  // Products and quotients by a positive constant keep the order.
  APInt factor;
  if (!matchPattern(op->getOperand(1), m_ConstantInt(&factor)) ||
      !factor.isStrictlyPositive())
    return std::nullopt;
  if (isa<arith::MulIOp>(op))
    return eachEnd<arith::MulIOp>(*a, *c);
  if (isa<arith::DivSIOp>(op) || (isa<arith::DivUIOp>(op) && a->nonNegative))
    return eachEnd<arith::DivSIOp>(*a, *c);
  return std::nullopt;
}

std::optional<Interval> Intervals::compute(Operation *op) {
  APInt constant;
  if (matchPattern(op->getResult(0), m_ConstantInt(&constant))) {
    Value value = b.clone(*op)->getResult(0);
    return Interval{value, value, constant.isNonNegative()};
  }
  if (auto load = dyn_cast<memref::LoadOp>(op))
    return ofLoad(load);
  if (isa<arith::IndexCastOp>(op)) {
    std::optional<Interval> from = intervalOf(op->getOperand(0));
    if (!from)
      return std::nullopt;
    auto cast = [&](Value value) -> Value {
      return arith::IndexCastOp::create(b, op->getResult(0).getType(), value);
    };
    Value least = cast(from->least);
    return Interval{
        least, from->least == from->greatest ? least : cast(from->greatest),
        from->nonNegative};
  }
  if (op->getNumOperands() == 2 && op->getNumResults() == 1)
    return ofBinary(op);
  return std::nullopt;
}

Truth Intervals::ofCompare(arith::CmpIOp op) {
  std::optional<Interval> a = intervalOf(op.getLhs()),
                          c = intervalOf(op.getRhs());
  if (!a || !c)
    return {};
  switch (op.getPredicate()) {
  case CmpIPredicate::slt:
    return {compare(CmpIPredicate::slt, a->least, c->greatest),
            compare(CmpIPredicate::sge, a->greatest, c->least)};
  case CmpIPredicate::sle:
    return {compare(CmpIPredicate::sle, a->least, c->greatest),
            compare(CmpIPredicate::sgt, a->greatest, c->least)};
  case CmpIPredicate::sgt:
    return {compare(CmpIPredicate::sgt, a->greatest, c->least),
            compare(CmpIPredicate::sle, a->least, c->greatest)};
  case CmpIPredicate::sge:
    return {compare(CmpIPredicate::sge, a->greatest, c->least),
            compare(CmpIPredicate::slt, a->least, c->greatest)};
  case CmpIPredicate::eq:
  case CmpIPredicate::ne: {
    Value mayEqual = both(compare(CmpIPredicate::sle, a->least, c->greatest),
                          compare(CmpIPredicate::sle, c->least, a->greatest));
    // Equal for certain only if both are one and the same number.
    Value mayDiffer = either(compare(CmpIPredicate::ne, a->least, c->greatest),
                             compare(CmpIPredicate::ne, a->greatest, c->least));
    if (op.getPredicate() == CmpIPredicate::ne)
      return {mayDiffer, mayEqual};
    return {mayEqual, mayDiffer};
  }
  default:
    return {};
  }
}

Truth Intervals::truthOf(Value condition) {
  Operation *op = condition.getDefiningOp();
  if (auto comparison = dyn_cast_or_null<arith::CmpIOp>(op))
    return ofCompare(comparison);
  if (!isa_and_nonnull<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(op))
    return {};
  Truth a = truthOf(op->getOperand(0));
  if (isa<arith::XOrIOp>(op)) {
    // A negation.
    if (matchPattern(op->getOperand(1), m_One()))
      return {a.mayFail, a.mayHold};
    return {};
  }
  Truth c = truthOf(op->getOperand(1));
  if (isa<arith::AndIOp>(op))
    return {both(a.mayHold, c.mayHold), either(a.mayFail, c.mayFail)};
  return {either(a.mayHold, c.mayHold), both(a.mayFail, c.mayFail)};
}

Value Intervals::mayShow(Value score) {
  arith::SelectOp select = hidingSelect(score);
  if (!select)
    return {};
  Truth condition = truthOf(select.getCondition());
  bool hidesIfTrue = matchPattern(select.getTrueValue(), m_NegInfFloat());
  Value other = hidesIfTrue ? select.getFalseValue() : select.getTrueValue();
  return both(hidesIfTrue ? condition.mayFail : condition.mayHold,
              mayShow(other));
}

Value attn::mayShow(ImplicitLocOpBuilder &b, ModifyScoresOp op,
                    const ScoreTile &tile) {
  Value score = op.getBody().front().getTerminator()->getOperand(0);
  if (Value shown = Intervals(b, op, tile).mayShow(score))
    return shown;
  return arith::ConstantIntOp::create(b, b.getI1Type(), 1);
}
