//===- LowerScoreMods.cpp - Modified scores and the sink ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A lane holds one query column of S^T, so that what a region does with batch,
// head and row is done once a tile; only what depends on the score or on the KV
// row is written out for each register.

#include "ScoreMath.h"
#include "TileConversion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;

namespace {
/// A memref of the region: a pointer and a stride for each dimension.
struct CapturedMemRef {
  Value pointer;
  SmallVector<Value> strides; ///< i64, elements
};

/// Writes a region out, score by score.
class ScoreRegion {
public:
  ScoreRegion(Leaf &b, ModifyScoresOp op, ValueRange captures);

  /// Once a tile, of each lane: all that does not depend on score and column.
  LogicalResult begin(Value batch, Value head, Value row);
  /// The new score.
  FailureOr<Value> write(Value score, Value column);

private:
  void findPerScoreOps();
  LogicalResult writeOp(Operation &op, IRMapping &values);
  Value load(memref::LoadOp op, IRMapping &values);

  Leaf &b;
  Block &block;
  DenseMap<Value, CapturedMemRef> memrefs;
  DenseSet<Operation *> perScore;
  IRMapping perLane;
};
} // namespace

ScoreRegion::ScoreRegion(Leaf &b, ModifyScoresOp op, ValueRange captures)
    : b(b), block(op.getBody().front()) {
  for (BlockArgument argument : block.getArguments().drop_front(5)) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type) {
      perLane.map(argument, captures.front());
      captures = captures.drop_front();
      continue;
    }
    CapturedMemRef &memref = memrefs[argument];
    memref.pointer = captures.front();
    auto [strides, offset] = type.getStridesAndOffset();
    for (auto [stride, value] :
         llvm::zip(strides, captures.drop_front().take_front(type.getRank())))
      memref.strides.push_back(
          ShapedType::isDynamic(stride)
              ? value
              : arith::ConstantIntOp::create(b, b.getI64Type(), stride)
                    .getResult());
    captures = captures.drop_front(1 + type.getRank());
  }
  findPerScoreOps();
}

void ScoreRegion::findPerScoreOps() {
  Value score = block.getArgument(0), column = block.getArgument(4);
  for (Operation &op : block)
    if (llvm::any_of(op.getOperands(), [&](Value operand) {
          return operand == score || operand == column ||
                 perScore.contains(operand.getDefiningOp());
        }))
      perScore.insert(&op);
}

/// Nothing writes to captured memory while the kernel runs.
Value ScoreRegion::load(memref::LoadOp op, IRMapping &values) {
  const CapturedMemRef &memref = memrefs[op.getMemRef()];
  Value offset = arith::ConstantIntOp::create(b, b.getI64Type(), 0);
  for (auto [index, stride] : llvm::zip(op.getIndices(), memref.strides)) {
    Value wide = arith::IndexCastOp::create(b, b.getI64Type(),
                                            values.lookupOrDefault(index));
    offset = b.add(offset, b.mul(wide, stride));
  }
  Type element = op.getType();
  Value address =
      LLVM::GEPOp::create(b, memref.pointer.getType(), element, memref.pointer,
                          ArrayRef<LLVM::GEPArg>{offset});
  unsigned bytes = std::max(1u, element.getIntOrFloatBitWidth() / 8);
  return LLVM::LoadOp::create(b, element, address, bytes, /*isVolatile=*/false,
                              /*isNonTemporal=*/false, /*isInvariant=*/true);
}

LogicalResult ScoreRegion::writeOp(Operation &op, IRMapping &values) {
  if (auto read = dyn_cast<memref::LoadOp>(op)) {
    values.map(read.getResult(), load(read, values));
    return success();
  }
  if (isMath(&op)) {
    FailureOr<Value> result =
        writeMath(b, &op, values.lookupOrDefault(op.getOperand(0)));
    if (succeeded(result))
      values.map(op.getResult(0), *result);
    return result;
  }
  b.clone(op, values);
  return success();
}

LogicalResult ScoreRegion::begin(Value batch, Value head, Value row) {
  Value arguments[] = {batch, head, row};
  for (auto [argument, value] :
       llvm::zip(block.getArguments().slice(1, 3), arguments))
    perLane.map(argument, value);
  for (Operation &op : block.without_terminator())
    if (!perScore.contains(&op) && failed(writeOp(op, perLane)))
      return failure();
  return success();
}

FailureOr<Value> ScoreRegion::write(Value score, Value column) {
  IRMapping values = perLane;
  values.map(block.getArgument(0), score);
  values.map(block.getArgument(4), column);
  for (Operation &op : block.without_terminator())
    if (perScore.contains(&op) && failed(writeOp(op, values)))
      return failure();
  return values.lookupOrDefault(block.getTerminator()->getOperand(0));
}

static Value optional(ValueRange value) {
  return value.empty() ? Value() : value.front();
}

static Value index(Leaf &b, Value value) {
  return arith::IndexCastOp::create(b, b.getIndexType(), value);
}

namespace {
struct LowerModifyScores : TilePattern<ModifyScoresOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ModifyScoresOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getTile().getType().getColumns() != 32)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    SmallVector<Value> captures;
    for (ValueRange value : adaptor.getCaptures())
      captures.push_back(value.front());
    ScoreRegion region(b, op, captures);

    Value head = adaptor.getHead().front();
    Value row = b.add(adaptor.getQ().front(), b.rem(b.lane(), 32));
    Value last = b.add(adaptor.getRows().front(), b.i32(-1));
    row = arith::MinSIOp::create(b, row, last);
    if (Value group = optional(adaptor.getGroup())) {
      Value query = arith::DivUIOp::create(b, row, group);
      head = b.add(head, arith::SubIOp::create(b, row, b.mul(query, group)));
      row = query;
    }
    if (failed(region.begin(index(b, adaptor.getBatch().front()),
                            index(b, head), index(b, row))))
      return failure();

    // See keepRows for which KV row a register is.
    Value first =
        index(b, b.add(adaptor.getKv().front(), b.mul(b.div(b.lane(), 32), 4)));
    Value limit = optional(adaptor.getLimit());
    Value lastColumn = limit ? index(b, b.add(limit, b.i32(-1))) : Value();
    SmallVector<Value> blocks;
    for (auto [i, block] : llvm::enumerate(adaptor.getTile())) {
      SmallVector<Value> registers;
      for (int64_t r = 0; r < 16; ++r) {
        Value column = columnAt(b, first, 32 * i + 8 * (r / 4) + r % 4);
        if (lastColumn)
          column = arith::MinSIOp::create(b, column, lastColumn);
        Value score = vector::ExtractOp::create(b, block, r);
        score = arith::MulFOp::create(b, score, adaptor.getScale().front());
        FailureOr<Value> modified = region.write(score, column);
        if (failed(modified))
          return failure();
        registers.push_back(*modified);
      }
      blocks.push_back(
          vector::FromElementsOp::create(b, block.getType(), registers));
    }
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }

  /// That it does not overflow lets LLVM read neighbouring columns at once.
  static Value columnAt(Leaf &b, Value first, int64_t distance) {
    Value constant = arith::ConstantIndexOp::create(b, distance);
    return arith::AddIOp::create(b, first, constant,
                                 arith::IntegerOverflowFlags::nsw);
  }
};

struct LowerAddSink : TilePattern<AddSinkOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(AddSinkOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getMax().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    Value max = adaptor.getMax().front(), sum = adaptor.getSum().front();
    Value sink = arith::MulFOp::create(b, adaptor.getSink().front(),
                                       b.f32(1.44269504088896340736f));
    Value newMax = arith::MaxNumFOp::create(b, max, sink);
    // Without anything seen, and with a sink of -inf, weights are 0, not NaN.
    Value base = arith::MaxNumFOp::create(
        b, newMax, b.f32(std::numeric_limits<float>::lowest()));
    auto weightOf = [&](Value from) -> Value {
      return b.exp2(arith::SubFOp::create(b, from, base).getResult());
    };
    Value keep = weightOf(max);
    sum = LLVM::FMAOp::create(b, sum, keep, weightOf(sink));
    SmallVector<Value> acc;
    for (Value block : adaptor.getAcc()) {
      Value factor = vector::BroadcastOp::create(b, block.getType(), keep);
      acc.push_back(arith::MulFOp::create(b, block, factor));
    }
    rewriter.replaceOpWithMultiple(op, {acc, {newMax}, {sum}});
    return success();
  }
};
} // namespace

void attn::populateScoreModPatterns(RewritePatternSet &patterns,
                                    const TypeConverter &converter,
                                    const TileLowering &lowering) {
  patterns.add<LowerModifyScores, LowerAddSink>(
      converter, patterns.getContext(), lowering);
}
