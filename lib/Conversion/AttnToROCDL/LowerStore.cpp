//===- LowerStore.cpp - Tiles to rows in global memory --------------------===//
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
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

namespace {
struct LowerStore : TilePattern<StoreOp> {
  using TilePattern::TilePattern;

  LogicalResult
  matchAndRewrite(StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    TileType tile = op.getTile().getType();
    if (tile.getColumns() != 32)
      return rewriter.notifyMatchFailure(op, "a wave stores 32 columns");
    Leaf b = lowering.leaf(op, rewriter);
    ViewType type = op.getView().getType();
    ViewRows view(b, type, adaptor.getView(), adaptor.getRow().front());
    Value row = view.first;
    if (tile.getLayout() == TileLayout::Columns) {
      storeColumns(b, adaptor.getTile().front(), view, row);
    } else {
      SmallVector<RowPiece> pieces =
          piecesOf(b, adaptor.getTile(), type.getElementType());
      if (op.getSlot())
        storeThroughSlot(b, pieces, view.buffer, row,
                         {*lowering.slots, adaptor.getSlot().front(),
                          op.getSlot().getType(),
                          adaptor.getSlotRow().front()});
      else if (b.chip.permlaneSwap)
        storePieces(b, mergePieces(b, pieces), view, row, type.getColumns());
      else
        storePieces(b, pieces, view, row, type.getColumns());
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  static void storeColumns(Leaf &b, Value value, const ViewRows &view,
                           Value row);
  static SmallVector<RowPiece> piecesOf(Leaf &b, ValueRange blocks,
                                        Type element);
  static SmallVector<RowPiece> mergePieces(Leaf &b, ArrayRef<RowPiece> pieces);
  static void storePieces(Leaf &b, ArrayRef<RowPiece> pieces,
                          const ViewRows &view, Value row, int64_t columns);
};
} // namespace

/// The half-waves hold the same values: the lower one stores.
void LowerStore::storeColumns(Leaf &b, Value value, const ViewRows &view,
                              Value row) {
  Value lane = b.laneAnew();
  Value lower =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, lane, b.i32(32));
  auto guard = scf::IfOp::create(b, lower, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPointToStart(guard.thenBlock());
  b.store(value, view.buffer, view.offset(b, b.add(row, b.rem(lane, 32))));
}

/// Register r of a block is element 8 (r / 4) + 4 (l / 32) + r % 4 of the row,
/// so four registers are 8 contiguous bytes. The upper half-wave's piece is the
/// one behind the lower one's.
SmallVector<RowPiece> LowerStore::piecesOf(Leaf &b, ValueRange blocks,
                                           Type element) {
  auto words = VectorType::get(2, b.getI32Type());
  SmallVector<RowPiece> pieces;
  for (auto [index, block] : llvm::enumerate(blocks))
    for (int64_t group = 0; group < 4; ++group)
      pieces.push_back(
          {int64_t(32 * index) + 8 * group,
           b.bitcast(b.convert(b.slice(block, 4 * group, 4), element), words)});
  return pieces;
}

/// With a swap of half-waves two pieces become 16 contiguous bytes a lane:
/// lower lanes get all 8 elements of the first, upper lanes those of the
/// second.
SmallVector<RowPiece> LowerStore::mergePieces(Leaf &b,
                                              ArrayRef<RowPiece> pieces) {
  SmallVector<RowPiece> merged;
  for (; !pieces.empty(); pieces = pieces.drop_front(2)) {
    SmallVector<Value> low, high;
    for (int64_t i : {0, 1}) {
      auto [own, other] =
          b.swapHalves(vector::ExtractOp::create(b, pieces[0].words, i),
                       vector::ExtractOp::create(b, pieces[1].words, i));
      low.push_back(own);
      high.push_back(other);
    }
    low.append(high);
    merged.push_back(
        {pieces[0].column, vector::FromElementsOp::create(
                               b, VectorType::get(4, b.getI32Type()), low)});
  }
  return merged;
}

/// Pieces behind the first `columns`, a multiple of 8, are left out.
void LowerStore::storePieces(Leaf &b, ArrayRef<RowPiece> pieces,
                             const ViewRows &view, Value row, int64_t columns) {
  Value lane = b.laneAnew();
  Value offset = view.offset(b, b.add(row, b.rem(lane, 32)));
  Value column = b.mul(b.div(lane, 32), pieces.front().elements());
  offset = b.add(offset, b.mul(column, 2));
  for (const RowPiece &piece : pieces) {
    if (piece.column >= columns)
      continue;
    Value place = b.add(offset, 2 * piece.column);
    if (piece.column + 2 * piece.elements() > columns)
      place = b.ifInside(place, b.add(column, piece.column), columns);
    b.store(piece.words, view.buffer, place);
  }
}

void attn::populateStorePatterns(RewritePatternSet &patterns,
                                 const TypeConverter &converter,
                                 const TileLowering &lowering) {
  patterns.add<LowerStore>(converter, patterns.getContext(), lowering);
}
