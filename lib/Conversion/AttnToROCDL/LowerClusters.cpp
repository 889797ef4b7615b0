//===- LowerClusters.cpp - Clusters that yield registers ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TileConversion.h"

using namespace mlir;
using namespace mlir::attn;

namespace {
/// A pipeline or cluster whose results are registers instead of tiles.
template <typename OpT> struct ConvertResults : OpConversionPattern<OpT> {
  using OpConversionPattern<OpT>::OpConversionPattern;
  using OneToNOpAdaptor = typename OpConversionPattern<OpT>::OneToNOpAdaptor;

  LogicalResult
  matchAndRewrite(OpT op, OneToNOpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Type> types;
    SmallVector<size_t> counts;
    for (Type type : op.getResultTypes()) {
      size_t before = types.size();
      if (failed(this->getTypeConverter()->convertType(type, types)))
        return failure();
      counts.push_back(types.size() - before);
    }
    auto converted = OpT::create(rewriter, op.getLoc(), types, ValueRange(),
                                 op.getProperties());
    rewriter.inlineRegionBefore(op.getBody(), converted.getBody(),
                                converted.getBody().end());
    SmallVector<ValueRange> results;
    ValueRange rest = converted.getResults();
    for (size_t count : counts) {
      results.push_back(rest.take_front(count));
      rest = rest.drop_front(count);
    }
    rewriter.replaceOpWithMultiple(op, results);
    return success();
  }
};

struct ConvertYield : OpConversionPattern<YieldOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(YieldOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> values;
    for (ValueRange registers : adaptor.getValues())
      llvm::append_range(values, registers);
    rewriter.replaceOpWithNewOp<YieldOp>(op, values);
    return success();
  }
};
} // namespace

void attn::populateSchedulePatterns(RewritePatternSet &patterns,
                                    const TypeConverter &converter,
                                    ConversionTarget &target) {
  patterns
      .add<ConvertResults<PipelineOp>, ConvertResults<ClusterOp>, ConvertYield>(
          converter, patterns.getContext());
  target.addDynamicallyLegalOp<PipelineOp, ClusterOp>(
      [&](Operation *op) { return converter.isLegal(op->getResultTypes()); });
  target.addDynamicallyLegalOp<YieldOp>(
      [&](YieldOp op) { return converter.isLegal(op->getOperandTypes()); });
  target.addLegalOp<AwaitOp>();
}
