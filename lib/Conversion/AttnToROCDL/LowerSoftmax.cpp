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

#include "flyattn/Target/KernelABI.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;

static constexpr float infinity = std::numeric_limits<float>::infinity();

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

/// 16 registers a block.
static SmallVector<Value> packBlocks(Leaf &b, ArrayRef<Value> registers) {
  SmallVector<Value> blocks;
  for (size_t i = 0; i < registers.size(); i += 16)
    blocks.push_back(pack(b, registers.slice(i, 16)));
  return blocks;
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
    auto optional = [](ValueRange value) {
      return value.empty() ? Value() : value.front();
    };
    Value diagonal = optional(adaptor.getDiagonal()),
          group = optional(adaptor.getGroup());

    // Query column 0 ends first; if it sees to the end of the tile, all do.
    Value least = firstHidden(b, limit, queryOf(b, q, group), diagonal);
    Value needed = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt,
                                         b.add(kv, tile.getRows()), least);
    ValueRange blocks =
        guarded(b, needed, adaptor.getTile(), [&](ValueRange in) {
          Value column = queryOf(b, b.add(q, b.rem(b.lane(), 32)), group);
          return keepRows(b, in, kv, arith::CmpIPredicate::slt,
                          firstHidden(b, limit, column, diagonal));
        });
    Value lower = optional(adaptor.getLower()),
          chunk = optional(adaptor.getChunk());
    auto hideBefore = [&](llvm::function_ref<Value(Value)> firstOf) {
      // The last column begins last.
      Value last = firstOf(queryOf(b, b.add(q, tile.getColumns() - 1), group));
      needed = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, kv, last);
      blocks = guarded(b, needed, blocks, [&](ValueRange in) {
        Value column = queryOf(b, b.add(q, b.rem(b.lane(), 32)), group);
        return keepRows(b, in, kv, arith::CmpIPredicate::sge, firstOf(column));
      });
    };
    if (lower)
      hideBefore([&](Value query) { return b.add(query, lower); });
    if (chunk)
      hideBefore([&](Value query) {
        return chunkBegin(b, b.add(query, diagonal), chunk);
      });
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }

  /// What `mask` makes of the blocks if `needed`, else the blocks.
  static ValueRange
  guarded(Leaf &b, Value needed, ValueRange blocks,
          llvm::function_ref<SmallVector<Value>(ValueRange)> mask) {
    auto guard = scf::IfOp::create(b, TypeRange(blocks), needed,
                                   /*withElseRegion=*/true);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(guard.elseBlock());
    scf::YieldOp::create(b, blocks);
    b.setInsertionPointToStart(guard.thenBlock());
    scf::YieldOp::create(b, mask(blocks));
    return guard.getResults();
  }

  /// The query row of a row.
  static Value queryOf(Leaf &b, Value row, Value group) {
    return group ? arith::DivUIOp::create(b, row, group).getResult() : row;
  }

  /// The first KV row of the chunk that has `row`.
  static Value chunkBegin(Leaf &b, Value row, Value chunk) {
    row = arith::MaxSIOp::create(b, row, b.i32(0));
    Value part = arith::RemUIOp::create(b, row, chunk);
    return arith::SubIOp::create(b, row, part);
  }

  /// The first KV row that query row `q` does not see.
  static Value firstHidden(Leaf &b, Value limit, Value q, Value diagonal) {
    if (!diagonal)
      return limit;
    Value end = b.add(b.add(q, diagonal), 1);
    return arith::MinSIOp::create(b, limit, end);
  }

  /// Keeps the KV rows that compare as `keeps` with `border`. Register r of
  /// block i is row kv + 32 i + 8 (r / 4) + 4 (l / 32) + r % 4.
  static SmallVector<Value> keepRows(Leaf &b, ValueRange blocks, Value kv,
                                     arith::CmpIPredicate keeps, Value border) {
    Value first = b.add(kv, b.mul(b.div(b.lane(), 32), 4));
    Value relative = arith::SubIOp::create(b, border, first);
    Value minusInfinity = b.f32(-infinity);
    SmallVector<Value> masked;
    for (auto [i, block] : llvm::enumerate(blocks)) {
      SmallVector<Value> registers = unpack(b, block);
      for (auto [r, value] : llvm::enumerate(registers)) {
        Value row = b.i32(32 * i + 8 * (r / 4) + r % 4);
        Value keep = arith::CmpIOp::create(b, keeps, row, relative);
        value = arith::SelectOp::create(b, keep, value, minusInfinity);
      }
      masked.push_back(pack(b, registers));
    }
    return masked;
  }
};

/// Whether a pass of our own decides where the op's instructions go. Elsewhere
/// LLVM's scheduler does, and is kept from two habits: it mixes the softmax
/// with the products of Q and K, whose results it would wait for one by one,
/// and it moves the sum of a tile's weights into the next tile, which keeps all
/// of them in registers.
static bool isClustered(Operation *op) {
  return op->getParentOfType<ClusterOp>() != nullptr;
}

struct LowerRaiseMax : TilePattern<RaiseMaxOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(RaiseMaxOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getMax().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    if (!isClustered(op))
      b.closeSchedule();
    Value max = adaptor.getMax().front();
    SmallVector<Value> scores = unpack(b, adaptor.getScores());
    Value tileMax = scores.front();
    for (Value score : ArrayRef<Value>(scores).drop_front())
      tileMax = arith::MaxNumFOp::create(b, tileMax, score);
    Value scale = adaptor.getScale().front();
    Value bound = arith::AddFOp::create(
        b, max, b.f32(op.getThreshold().convertToFloat()));
    if (op->getParentOfType<ClusterOp>() && !b.chip.permlaneSwap) {
      rewriter.replaceOp(op, raiseRarely(b, max, tileMax, scale, bound));
      return success();
    }
    tileMax = arith::MulFOp::create(b, b.maxOfHalves(tileMax), scale);
    Value outgrown = b.any(
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, tileMax, bound));
    Value larger = arith::MaxNumFOp::create(b, max, tileMax);
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, outgrown, larger, max);
    return success();
  }

  /// The same where half-waves exchange values through LDS: what they find in
  /// the other half only matters if some lane outgrew the bound.
  static Value raiseRarely(Leaf &b, Value max, Value laneMax, Value scale,
                           Value bound) {
    laneMax = arith::MulFOp::create(b, laneMax, scale);
    Value outgrown = b.unlikely(b.any(
        arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, laneMax, bound)));
    auto guard = scf::IfOp::create(b, max.getType(), outgrown,
                                   /*withElseRegion=*/true);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(guard.elseBlock());
    scf::YieldOp::create(b, max);
    b.setInsertionPointToStart(guard.thenBlock());
    Value tileMax = b.maxOfHalves(laneMax);
    scf::YieldOp::create(b,
                         arith::MaxNumFOp::create(b, max, tileMax).getResult());
    return guard.getResult(0);
  }
};

/// What to subtract under the maximum `max`: where nothing is visible yet, the
/// least finite number instead of -inf. Scores of -inf stay so: no inf - inf.
static Value subtrahend(Leaf &b, Value max) {
  return arith::MaxNumFOp::create(b, max,
                                  b.f32(std::numeric_limits<float>::lowest()));
}

struct LowerShiftScores : TilePattern<ShiftScoresOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ShiftScoresOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getMax().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    Value bias =
        arith::NegFOp::create(b, subtrahend(b, adaptor.getMax().front()));
    SmallVector<Value> shifted = unpack(b, adaptor.getScores());
    for (Value &score : shifted)
      score = LLVM::FMAOp::create(b, score, adaptor.getScale().front(), bias);
    rewriter.replaceOpWithMultiple(op, {packBlocks(b, shifted)});
    return success();
  }
};

struct LowerExp2 : TilePattern<Exp2Op> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(Exp2Op op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    SmallVector<Value> registers = unpack(b, adaptor.getTile());
    for (int64_t i = op.getBegin(); i < int64_t(op.getEnd()); ++i)
      registers[i] = b.exp2(registers[i]);
    rewriter.replaceOpWithMultiple(op, {packBlocks(b, registers)});
    return success();
  }
};

struct LowerSumRows : TilePattern<SumRowsOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(SumRowsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getSum().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    Value sum = arith::AddFOp::create(b, adaptor.getSum().front(),
                                      sumTree(b, unpack(b, adaptor.getTile())));
    rewriter.replaceOp(op, isClustered(op) ? sum : b.anchor(sum));
    return success();
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
};

/// Eight registers rounded to 16 bits, two by two, so that a schedule can place
/// each conversion.
static Value packOperand(Leaf &b, ArrayRef<Value> registers, Type element) {
  SmallVector<Value> words;
  auto word = VectorType::get(1, b.getI32Type());
  for (size_t i = 0; i < registers.size(); i += 2) {
    Value pair = b.convertNumbers(pack(b, registers.slice(i, 2)), element);
    words.push_back(vector::ExtractOp::create(b, b.bitcast(pair, word), 0));
  }
  auto type = VectorType::get(words.size(), b.getI32Type());
  return b.bitcast(vector::FromElementsOp::create(b, type, words),
                   VectorType::get(registers.size(), element));
}

/// Eight consecutive registers are the B operand of one 16-deep product, those
/// of f32 as they are.
struct LowerPack : TilePattern<PackOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(PackOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    Type element = op.getRes().getType().getElementType();
    SmallVector<Value> weights = unpack(b, adaptor.getTile()), blocks;
    for (size_t i = 0; i < weights.size(); i += 8) {
      auto eight = ArrayRef<Value>(weights).slice(i, 8);
      blocks.push_back(element.isF32() ? pack(b, eight)
                                       : packOperand(b, eight, element));
    }
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }
};

/// Where no maximum was raised, which is the rule with a lazy one, the wave
/// branches around the products.
struct LowerRescale : TilePattern<RescaleOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(RescaleOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    if (adaptor.getMax().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Value max = adaptor.getMax().front(), newMax = adaptor.getNewMax().front();
    SmallVector<Value> values;
    for (ValueRange tile : adaptor.getTiles())
      llvm::append_range(values, tile);
    Value raised = b.unlikely(b.any(
        arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, max, newMax)));
    if (lowering.countRescales)
      b.count(unsigned(flyattn::PerformanceCounter::RescaleChecks));
    auto guard = scf::IfOp::create(b, TypeRange(ValueRange(values)), raised,
                                   /*withElseRegion=*/true);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(guard.elseBlock());
    scf::YieldOp::create(b, values);
    b.setInsertionPointToStart(guard.thenBlock());
    if (lowering.countRescales)
      b.count(unsigned(flyattn::PerformanceCounter::Rescales));
    Value factor = b.exp2(
        arith::SubFOp::create(b, max, subtrahend(b, newMax)).getResult());
    for (Value &value : values) {
      Value factors = factor;
      if (isa<VectorType>(value.getType()))
        factors = vector::BroadcastOp::create(b, value.getType(), factor);
      value = arith::MulFOp::create(b, value, factors);
    }
    scf::YieldOp::create(b, values);

    SmallVector<ValueRange> results;
    ValueRange rest = guard.getResults();
    for (ValueRange tile : adaptor.getTiles()) {
      results.push_back(rest.take_front(tile.size()));
      rest = rest.drop_front(tile.size());
    }
    rewriter.replaceOpWithMultiple(op, results);
    return success();
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
    Value sum = adaptor.getSum().front();
    if (!op.getWhole())
      sum = b.sumOfHalves(sum);
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
  patterns.add<LowerMask, LowerRaiseMax, LowerShiftScores, LowerExp2,
               LowerSumRows, LowerPack, LowerRescale, LowerFinalize>(
      converter, patterns.getContext(), lowering);
}
