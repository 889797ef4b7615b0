//===- LowerSoftmax.cpp - Masks and the online softmax --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A lane holds one query column: lane % 32. Rows of a column are spread over
// registers and over the two half-waves, so a reduction is a chain of register
// operations and one exchange between the halves.

#include "TileConversion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;

static constexpr float infinity = std::numeric_limits<float>::infinity();

/// How far, in powers of two, scores may exceed the running maximum before it
/// follows (the lazy rescaling of FlashAttention-4). Weights up to 2^8 and
/// their sums are far from the end of f32's and f16's range.
static constexpr float lazyRescaleLog2 = 8.0f;

/// The registers of accumulator blocks, one f32 each.
static SmallVector<Value> unpack(Leaf &b, ValueRange blocks) {
  SmallVector<Value> registers;
  for (Value block : blocks)
    for (int64_t i = 0; i < 16; ++i)
      registers.push_back(vector::ExtractOp::create(b, block, i));
  return registers;
}

static Value pack(Leaf &b, ArrayRef<Value> registers) {
  auto type = VectorType::get(registers.size(), b.getF32Type());
  return vector::FromElementsOp::create(b, type, registers);
}

namespace {
struct LowerMask : TilePattern<MaskOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(MaskOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType tile = op.getTile().getType();
    if (tile.getColumns() != 32)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    Value kv = adaptor.getKv().front(), q = adaptor.getQ().front(),
          limit = adaptor.getLimit().front();
    Value diagonal =
        adaptor.getDiagonal().empty() ? Value() : adaptor.getDiagonal().front();

    // Query column 0 sees least; if it sees the whole tile, all do.
    Value least = firstHidden(b, limit, q, diagonal);
    Value needed = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt,
                                         b.add(kv, tile.getRows()), least);
    ValueRange blocks = adaptor.getTile();
    auto guard = scf::IfOp::create(b, TypeRange(blocks), needed,
                                   /*withElseRegion=*/true);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(guard.elseBlock());
    scf::YieldOp::create(b, blocks);
    b.setInsertionPointToStart(guard.thenBlock());
    Value column = b.add(q, b.rem(b.lane(), 32));
    Value hidden = firstHidden(b, limit, column, diagonal);
    scf::YieldOp::create(b, maskBlocks(b, blocks, kv, hidden));
    rewriter.replaceOpWithMultiple(op, {guard.getResults()});
    return success();
  }

  /// The first KV row that query row `q` does not see.
  static Value firstHidden(Leaf &b, Value limit, Value q, Value diagonal) {
    if (!diagonal)
      return limit;
    Value end = b.add(b.add(q, diagonal), 1);
    return arith::MinSIOp::create(b, limit, end);
  }

  /// Register r of block i is KV row kv + 32 i + 8 (r / 4) + 4 (l / 32) + r
  /// % 4.
  static SmallVector<Value> maskBlocks(Leaf &b, ValueRange blocks, Value kv,
                                       Value hidden) {
    Value first = b.add(kv, b.mul(b.div(b.lane(), 32), 4));
    Value visible = arith::SubIOp::create(b, hidden, first);
    Value minusInfinity = b.f32(-infinity);
    SmallVector<Value> masked;
    for (auto [i, block] : llvm::enumerate(blocks)) {
      SmallVector<Value> registers = unpack(b, block);
      for (auto [r, value] : llvm::enumerate(registers)) {
        Value row = b.i32(32 * i + 8 * (r / 4) + r % 4);
        Value keep =
            arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, visible);
        value = arith::SelectOp::create(b, keep, value, minusInfinity);
      }
      masked.push_back(pack(b, registers));
    }
    return masked;
  }
};

struct LowerSoftmaxStep : TilePattern<SoftmaxStepOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(SoftmaxStepOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getMax().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    b.closeSchedule();
    Value max = adaptor.getMax().front(), sum = adaptor.getSum().front(),
          scale = adaptor.getScale().front();
    SmallVector<Value> scores = unpack(b, adaptor.getScores());

    Value newMax = scores.front();
    for (Value score : ArrayRef<Value>(scores).drop_front())
      newMax = arith::MaxNumFOp::create(b, newMax, score);
    newMax = arith::MulFOp::create(b, b.maxOfHalves(newMax), scale);
    newMax = raiseMax(b, max, newMax);

    // Where nothing is visible yet, subtract 0 instead of -inf: no inf - inf.
    Value nothing = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, newMax,
                                          b.f32(-infinity));
    Value reference = arith::SelectOp::create(b, nothing, b.f32(0.0f), newMax);
    Value bias = arith::NegFOp::create(b, reference);
    auto weight = [&](Value score) {
      return b.exp2(LLVM::FMAOp::create(b, score, scale, bias));
    };

    Value correction =
        b.exp2(arith::SubFOp::create(b, max, reference).getResult());
    SmallVector<Value> weights;
    for (Value score : scores)
      weights.push_back(weight(score));
    Value newSum = arith::AddFOp::create(
        b, arith::MulFOp::create(b, sum, correction).getResult(),
        sumTree(b, weights));
    rewriter.replaceOpWithMultiple(
        op, {packP(b, weights, op.getP().getType().getElementType()),
             {newMax},
             {newSum},
             {correction}});
    return success();
  }

  /// The maximum to go on with: `max` until some column of the wave outgrows
  /// it by a factor of 2^lazyRescaleLog2.
  static Value raiseMax(Leaf &b, Value max, Value tileMax) {
    Value bound = arith::AddFOp::create(b, max, b.f32(lazyRescaleLog2));
    Value outgrown = b.any(
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, tileMax, bound));
    Value larger = arith::MaxNumFOp::create(b, max, tileMax);
    return arith::SelectOp::create(b, outgrown, larger, max);
  }

  static Value sumTree(Leaf &b, SmallVector<Value> values) {
    while (values.size() > 1) {
      SmallVector<Value> sums;
      for (size_t i = 0; i + 1 < values.size(); i += 2)
        sums.push_back(arith::AddFOp::create(b, values[i], values[i + 1]));
      values = sums;
    }
    return values.front();
  }

  /// Eight consecutive registers are the B operand of one 16-deep product. A
  /// weight that is a NaN makes its column's sum one, so P need not keep it.
  static SmallVector<Value> packP(Leaf &b, ArrayRef<Value> weights,
                                  Type element) {
    SmallVector<Value> blocks;
    for (size_t i = 0; i < weights.size(); i += 8)
      blocks.push_back(b.convertNumbers(pack(b, weights.slice(i, 8)), element));
    return blocks;
  }
};

struct LowerFinalize : TilePattern<FinalizeOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(FinalizeOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getMax().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    Value zero = b.f32(0.0f);
    Value sum = b.sumOfHalves(adaptor.getSum().front());
    Value empty =
        arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, sum, zero);
    Value inverse = arith::SelectOp::create(b, empty, zero, b.reciprocal(sum));
    SmallVector<Value> o;
    for (Value block : adaptor.getAcc()) {
      Value factor = vector::BroadcastOp::create(b, block.getType(), inverse);
      o.push_back(arith::MulFOp::create(b, block, factor));
    }

    Value lse = arith::AddFOp::create(b, adaptor.getMax().front(), b.log2(sum));
    lse = arith::MulFOp::create(b, lse, b.f32(0.69314718055994530942f));
    lse = arith::SelectOp::create(b, empty, b.f32(-infinity), lse);
    rewriter.replaceOpWithMultiple(op, {o, {lse}});
    return success();
  }
};
} // namespace

void attn::populateSoftmaxPatterns(RewritePatternSet &patterns,
                                   const TypeConverter &converter,
                                   const TileLowering &lowering) {
  patterns.add<LowerMask, LowerSoftmaxStep, LowerFinalize>(
      converter, patterns.getContext(), lowering);
}
