//===- LowerPartials.cpp - Lowering of ops on parts of KV -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// f32 tiles to and from memory, and how the parts of a split KV sequence become
// one. Register r of an mfma_c block is element 8 (r / 4) + 4 (l / 32) + r % 4
// of its row in memory: four registers are 16 contiguous bytes.

#include "ViewRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;

static bool isPlainF32(TileType tile, ViewType view) {
  return tile.getLayout() == TileLayout::MfmaC && tile.getColumns() == 32 &&
         view.getElementType().isF32();
}

/// Byte offset of this lane's first four elements of row `row` + lane % 32.
static Value laneOffset(Leaf &b, const ViewRows &view, Value row) {
  Value half = b.mul(b.div(b.lane(), 32), 16);
  return b.add(view.offset(b, row), half);
}

namespace {
struct LowerLoadF32 : TilePattern<LoadOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType tile = op.getTile().getType();
    bool isColumn = tile.getLayout() == TileLayout::Columns;
    if (!op.getTransposed() || tile.getColumns() != 32 ||
        !(isColumn || isPlainF32(tile, op.getView().getType())))
      return failure();
    Leaf b = lowering.leaf(op, rewriter);
    ViewType type = op.getView().getType();
    ViewRows view(b, type, adaptor.getView(), adaptor.getRow().front());
    Value row = b.add(view.first, b.rem(b.lane(), 32));
    Value zero = b.i32(0);
    if (isColumn) {
      rewriter.replaceOp(
          op, b.load(b.getF32Type(), view.buffer, view.offset(b, row), zero));
      return success();
    }
    Value offset = laneOffset(b, view, row);
    auto four = VectorType::get(4, b.getF32Type());
    SmallVector<Value> blocks;
    int64_t columns = type.getColumns();
    for (int64_t block = 0; block < tile.getRows() / 32; ++block) {
      SmallVector<Value> parts;
      for (int64_t group = 0; group < 4; ++group)
        parts.push_back(32 * block + 8 * group < columns
                            ? b.load(four, view.buffer,
                                     b.add(offset, 128 * block + 32 * group),
                                     zero)
                            : vector::BroadcastOp::create(b, four, b.f32(0.0f))
                                  .getResult());
      blocks.push_back(
          b.concat(b.concat(parts[0], parts[1]), b.concat(parts[2], parts[3])));
    }
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }
};

struct LowerStoreF32 : TilePattern<StoreOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!isPlainF32(op.getTile().getType(), op.getView().getType()))
      return failure();
    Leaf b = lowering.leaf(op, rewriter);
    ViewType type = op.getView().getType();
    ViewRows view(b, type, adaptor.getView(), adaptor.getRow().front());
    Value row = b.add(view.first, b.rem(b.lane(), 32));
    Value offset = laneOffset(b, view, row);
    int64_t columns = type.getColumns();
    for (auto [index, block] : llvm::enumerate(adaptor.getTile()))
      for (int64_t group = 0; group < 4; ++group)
        if (int64_t(32 * index) + 8 * group < columns)
          b.store(b.slice(block, 4 * group, 4), view.buffer,
                  b.add(offset, 128 * index + 32 * group));
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerAddHalves : TilePattern<AddHalvesOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(AddHalvesOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    SmallVector<Value> sums;
    for (Value part : adaptor.getSum())
      sums.push_back(b.sumOfHalves(part));
    rewriter.replaceOpWithMultiple(op, {sums});
    return success();
  }
};

struct LowerMerge : TilePattern<MergeOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(MergeOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getMax().size() != 1)
      return rewriter.notifyMatchFailure(op, "a wave holds 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    Value max = adaptor.getMax().front(), sum = adaptor.getSum().front();
    Value partMax = adaptor.getPartMax().front(),
          partSum = adaptor.getPartSum().front();
    Value empty = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, partSum,
                                        b.f32(0.0f));
    Value none = b.f32(-std::numeric_limits<float>::infinity());
    partMax = arith::SelectOp::create(b, empty, none, partMax);
    Value newMax = arith::MaxNumFOp::create(b, max, partMax);
    // While nothing was seen all maxima are -inf: their weights are 0, not NaN.
    Value base = arith::MaxNumFOp::create(
        b, newMax, b.f32(std::numeric_limits<float>::lowest()));
    auto weightOf = [&](Value from) -> Value {
      Value distance = arith::SubFOp::create(b, from, base);
      return b.exp2(distance);
    };
    Value keep = weightOf(max), take = weightOf(partMax);
    auto merged = [&](Value a, Value part) -> Value {
      auto factor = [&](Value weight) -> Value {
        return isa<VectorType>(a.getType())
                   ? vector::BroadcastOp::create(b, a.getType(), weight)
                         .getResult()
                   : weight;
      };
      Value kept = arith::MulFOp::create(b, a, factor(keep));
      return LLVM::FMAOp::create(b, part, factor(take), kept);
    };
    SmallVector<Value> acc;
    for (auto [a, part] : llvm::zip(adaptor.getAcc(), adaptor.getPartAcc()))
      acc.push_back(merged(a, part));
    rewriter.replaceOpWithMultiple(op, {acc, {newMax}, {merged(sum, partSum)}});
    return success();
  }
};
} // namespace

void attn::populatePartialPatterns(RewritePatternSet &patterns,
                                   const TypeConverter &converter,
                                   const TileLowering &lowering) {
  patterns.add<LowerAddHalves, LowerMerge>(converter, patterns.getContext(),
                                           lowering);
  // Before the lowering of other tiles.
  patterns.add<LowerLoadF32, LowerStoreF32>(converter, patterns.getContext(),
                                            lowering, /*benefit=*/2);
}
