//===- LowerMemory.cpp - Views, loads and slots ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ViewRows.h"
#include "WaveStaging.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

namespace {
struct LowerView : TilePattern<ViewOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ViewOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    ViewType type = op.getView().getType();
    int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
    auto i64 = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, b.getI64Type(), value);
    };
    Value base = LLVM::GEPOp::create(
        b, adaptor.getBase().getType(), type.getElementType(),
        adaptor.getBase(), ArrayRef<LLVM::GEPArg>{adaptor.getOffset()});
    Value stride = b.mul(adaptor.getStride(), i64(bytes));
    auto narrow = [&](Value wide) -> Value {
      return arith::TruncIOp::create(b, b.getI32Type(), wide);
    };
    if (type.isFar()) {
      rewriter.replaceOpWithMultiple(
          op, {{base, narrow(stride), adaptor.getRows()}});
      return success();
    }
    // The last row ends the buffer, not the stride behind it.
    Value rows = arith::ExtUIOp::create(b, b.getI64Type(), adaptor.getRows());
    Value size = b.mul(arith::SubIOp::create(b, rows, i64(1)), stride);
    size = b.add(size, i64(type.getColumns() * bytes));
    Value empty =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rows, i64(0));
    size = arith::SelectOp::create(b, empty, i64(0), size);
    Value rowStride = narrow(stride);
    if (!op.getGroup()) {
      rewriter.replaceOpWithMultiple(op,
                                     {{b.makeResource(base, size), rowStride}});
      return success();
    }
    Value inner = b.mul(adaptor.getInner(), i64(bytes));
    size = groupedSize(b, rows, stride, adaptor.getGroup(), inner);
    size = b.add(size, i64(type.getColumns() * bytes));
    rewriter.replaceOpWithMultiple(
        op, {{b.makeResource(base, size), rowStride, adaptor.getGroup(),
              narrow(inner), adaptor.getRows()}});
    return success();
  }

  /// Bytes from the first to the last row: that of the last whole group, or of
  /// the rows that there are.
  static Value groupedSize(Leaf &b, Value rows, Value stride, Value group,
                           Value inner) {
    auto i64 = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(b, b.getI64Type(), value);
    };
    Value inGroup = arith::ExtUIOp::create(b, b.getI64Type(), group);
    Value last = arith::SubIOp::create(b, rows, i64(1));
    Value groups = b.mul(arith::DivUIOp::create(b, last, inGroup), stride);
    Value within = arith::SubIOp::create(b, inGroup, i64(1));
    return b.add(groups, b.mul(within, inner));
  }
};

/// Q as the B operand: lane l takes row l % 32, columns 16 k + 8 (l / 32)..+7.
struct LowerLoad : TilePattern<LoadOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType tile = op.getTile().getType();
    if (tile.getLayout() != TileLayout::MfmaB || !op.getTransposed() ||
        tile.getColumns() != 32)
      return op.emitOpError()
             << "only a transposed mfma_b tile of 32 columns is read straight "
                "into registers; stage other loads through LDS "
                "(--attn-double-buffer)";
    Leaf b = lowering.leaf(op, rewriter);
    ViewType type = op.getView().getType();
    ViewRows view(b, type, adaptor.getView(), adaptor.getRow().front());
    Value row = view.first, stride = view.buffer.stride;
    if (op.getSlot()) {
      SlotRows own{*lowering.slots, adaptor.getSlot().front(),
                   op.getSlot().getType(), adaptor.getSlotRow().front()};
      rewriter.replaceOpWithMultiple(
          op, {loadThroughSlot(b, view.buffer, row, tile.getRows(), own)});
      return success();
    }
    Value lane = b.lane();
    // The row is uniform; a lane's place in a grouped view is not a sum with
    // it.
    Value inTile = b.rem(lane, 32);
    Value offset = type.isGrouped() ? view.offset(b, b.add(row, inTile))
                                    : b.mul(inTile, stride);
    int64_t bytes = tile.getElementType().getIntOrFloatBitWidth() / 8;
    Value half = b.div(lane, 32), column = b.mul(half, 8);
    offset = b.add(offset, b.mul(half, 8 * bytes));
    Value uniform = type.isGrouped() ? b.i32(0) : b.mul(row, stride);
    SmallVector<Value> blocks;
    int64_t columns = type.getColumns();
    for (int64_t k = 0; k < tile.getRows(); k += 16) {
      Value place = b.add(offset, bytes * k);
      if (columns < k + 16)
        place = b.ifInside(place, b.add(column, k), columns);
      blocks.push_back(
          loadBlock(b, view.buffer, place, uniform, tile.getElementType()));
    }
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }

  /// 8 elements a lane, 16 bytes at a time.
  static Value loadBlock(Leaf &b, Buffer buffer, Value offset, Value uniform,
                         Type element) {
    auto words = VectorType::get(4, b.getI32Type());
    if (!element.isF32())
      return b.bitcast(b.load(words, buffer, offset, uniform),
                       VectorType::get(8, element));
    auto half = VectorType::get(4, element);
    Value low = b.bitcast(b.load(words, buffer, offset, uniform), half);
    Value high =
        b.bitcast(b.load(words, buffer, b.add(offset, 16), uniform), half);
    return b.concat(low, high);
  }
};

/// A slot is an LDS global of its own.
struct LowerAllocSlot : TilePattern<AllocSlotOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(AllocSlotOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto kernel = op->getParentOfType<gpu::GPUFuncOp>();
    std::string name = (kernel.getName() + "_" + op.getName()).str();
    int64_t bytes = lowering.slots->bytes(op.getSlot().getType());
    // LLVM lays LDS objects out by falling alignment. Large ones, which are
    // read once, go last: so the offsets in LDS instructions reach all others.
    int64_t alignment = bytes > 32 * 1024 ? 16 : 64;
    auto type = LLVM::LLVMArrayType::get(rewriter.getI8Type(), bytes);
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPoint(kernel);
      LLVM::GlobalOp::create(rewriter, op.getLoc(), type, /*isConstant=*/false,
                             LLVM::Linkage::Internal, name, Attribute(),
                             alignment, /*addrSpace=*/3);
    }
    rewriter.replaceOpWithNewOp<LLVM::AddressOfOp>(
        op, LLVM::LLVMPointerType::get(getContext(), 3), name);
    return success();
  }
};

struct LowerFetch : TilePattern<FetchOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(FetchOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    ViewType type = op.getView().getType();
    ViewRows view(b, type, adaptor.getView(), adaptor.getRow().front());
    SmallVector<Value> inflight = lowering.slots->fetch(
        b, view.buffer, type.getColumns(), view.first,
        adaptor.getSlot().front(), op.getSlot().getType());
    // LLVM would sink the loads to where registers are cheapest, and what they
    // bring would come late by as much.
    b.fenceSchedule();
    rewriter.replaceOpWithMultiple(op, {inflight});
    return success();
  }
};

struct LowerLand : TilePattern<LandOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(LandOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    // Who waits for copies that arrive on their own, attn-lower-schedule says.
    if (lowering.slots->arrivesUnaided() && op->getParentOfType<ClusterOp>())
      AwaitOp::create(rewriter, op.getLoc(), adaptor.getSlot().front());
    Leaf b = lowering.leaf(op, rewriter);
    lowering.slots->land(b, adaptor.getInflight(), adaptor.getSlot().front(),
                         op.getSlot().getType());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerSync : TilePattern<SyncOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(SyncOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    lowering.leaf(op, rewriter).sync();
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerRead : TilePattern<ReadOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(ReadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    Value slot = adaptor.getSlot().front();
    SlotType type = op.getSlot().getType();
    SmallVector<Value> blocks =
        op.getRow()
            ? lowering.slots->readRows(b, slot, type, adaptor.getRow().front(),
                                       columnsOf(op))
            : lowering.slots->read(b, slot, type, columnsOf(op));
    rewriter.replaceOpWithMultiple(op, {blocks});
    return success();
  }

  /// How many columns of its slot a tile takes, which may be the transpose of
  /// what the slot holds.
  static int64_t columnsOf(ReadOp op) {
    TileType tile = op.getTile().getType();
    return op.getSlot().getType().getArrangement() == Arrangement::Rows &&
                   tile.getLayout() == TileLayout::MfmaA
               ? tile.getColumns()
               : tile.getRows();
  }
};

/// The number of this wave in its workgroup, uniform.
struct LowerSubgroupId : TilePattern<gpu::SubgroupIdOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(gpu::SubgroupIdOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Leaf b = lowering.leaf(op, rewriter);
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, rewriter.getIndexType(),
                                                    b.wave());
    return success();
  }
};
} // namespace

void attn::populateMemoryPatterns(RewritePatternSet &patterns,
                                  const TypeConverter &converter,
                                  const TileLowering &lowering) {
  patterns.add<LowerView, LowerLoad, LowerAllocSlot, LowerFetch, LowerLand,
               LowerSync, LowerRead, LowerSubgroupId>(
      converter, patterns.getContext(), lowering);
}
