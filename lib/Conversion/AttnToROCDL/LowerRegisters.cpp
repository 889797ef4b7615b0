//===- LowerRegisters.cpp - Matrix products and tiles in registers --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileConversion.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

namespace {
struct LowerSplat : TilePattern<SplatOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(SplatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    if (failed(getTypeConverter()->convertType(op.getTile().getType(), types)))
      return failure();
    SmallVector<Value> blocks;
    for (Type type : types)
      blocks.push_back(isa<VectorType>(type) ? vector::BroadcastOp::create(
                                                   rewriter, op.getLoc(), type,
                                                   adaptor.getValue())
                                                   .getResult()
                                             : adaptor.getValue());
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }
};

/// Block (i, j) += sum over k of block (i, k) of a times block (k, j) of b.
struct LowerMma : TilePattern<MmaOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(MmaOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    TileType aType = op.getA().getType(), bType = op.getB().getType();
    int64_t rows = aType.getRows() / 32, depth = aType.getColumns() / 16,
            columns = bType.getColumns() / 32;
    SmallVector<Value> acc = llvm::to_vector(adaptor.getAcc());
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        for (int64_t k = 0; k < depth; ++k)
          acc[i * columns + j] =
              b.mma(adaptor.getA()[i * depth + k],
                    adaptor.getB()[k * columns + j], acc[i * columns + j]);
    rewriter.replaceOpWithMultiple(op, {acc});
    return success();
  }
};

struct LowerConcat : TilePattern<ConcatOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ConcatOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> blocks = llvm::to_vector(adaptor.getTop());
    llvm::append_range(blocks, adaptor.getBottom());
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }
};

struct LowerFlipSign : TilePattern<FlipSignOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(FlipSignOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    Value mask = adaptor.getMask().front();
    Value flips =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, mask, b.i32(0));
    ValueRange blocks = adaptor.getTile();
    auto guard = scf::IfOp::create(b, TypeRange(blocks), b.unlikely(flips),
                                   /*withElseRegion=*/true);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(guard.elseBlock());
    scf::YieldOp::create(b, blocks);
    b.setInsertionPointToStart(guard.thenBlock());
    Type element = op.getTile().getType().getElementType();
    auto words = VectorType::get(element.getIntOrFloatBitWidth() / 4,
                                 b.getI32Type()); // of 8 elements
    mask = vector::BroadcastOp::create(b, words, mask);
    SmallVector<Value> flipped;
    for (Value block : blocks)
      flipped.push_back(
          b.bitcast(arith::XOrIOp::create(b, b.bitcast(block, words), mask),
                    cast<VectorType>(block.getType())));
    scf::YieldOp::create(b, flipped);
    blocks = guard.getResults();
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }
};
} // namespace

void attn::populateRegisterPatterns(RewritePatternSet &patterns,
                                    const TypeConverter &converter,
                                    const TileLowering &lowering) {
  patterns.add<LowerSplat, LowerMma, LowerConcat, LowerFlipSign>(
      converter, patterns.getContext(), lowering);
}
