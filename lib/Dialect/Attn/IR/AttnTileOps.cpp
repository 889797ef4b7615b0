//===- AttnTileOps.cpp - Verifiers of the tile-level ops ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Target/KernelABI.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;

#define GET_OP_CLASSES
#include "flyattn/Dialect/Attn/IR/AttnOps.cpp.inc"

static LogicalResult expectLayout(Operation *op, StringRef name, TileType tile,
                                  TileLayout layout) {
  if (tile.getLayout() == layout)
    return success();
  return op->emitOpError() << name << " must be an "
                           << stringifyTileLayout(layout) << " tile, got "
                           << tile;
}

static LogicalResult expectShape(Operation *op, StringRef name,
                                 ArrayRef<int64_t> shape, int64_t rows,
                                 int64_t columns) {
  if (shape[0] == rows && shape[1] == columns)
    return success();
  return op->emitOpError() << name << " must be " << rows << " x " << columns
                           << ", got " << shape[0] << " x " << shape[1];
}

static LogicalResult expectElement(Operation *op, Type got, Type expected) {
  if (got == expected)
    return success();
  return op->emitOpError() << "element types must agree, got " << got << " and "
                           << expected;
}

/// What takes the rows of `view` may be wider if whole pieces of 8 elements are
/// left out.
static LogicalResult expectWidth(Operation *op, ViewType view, int64_t width,
                                 StringRef taker) {
  int64_t columns = view.getColumns();
  if (width == columns || (width > columns && columns % 8 == 0))
    return success();
  InFlightDiagnostic diag = op->emitOpError()
                            << "a row of the view has " << columns
                            << " elements, " << taker << " " << width;
  if (width > columns)
    diag << "; to be wider, the view must have a multiple of 8";
  return diag;
}

LogicalResult ViewOp::verify() {
  if (getView().getType().isGrouped() == bool(getGroup()) &&
      bool(getGroup()) == bool(getInner()))
    return success();
  return emitOpError() << "a grouped view, and no other, has a group and an "
                          "inner stride, got "
                       << getView().getType();
}

/// What a wave's own rows of a slot pass on, or take, panel by panel.
static LogicalResult expectPanels(Operation *op, ViewType view, SlotType slot) {
  if (slot.getArrangement() != Arrangement::Rows)
    return op->emitOpError() << "rows go through a rows slot, got " << slot;
  if (failed(expectElement(op, slot.getElementType(), view.getElementType())))
    return failure();
  if (view.getColumns() % slot.getColumns() == 0)
    return success();
  return op->emitOpError() << "a row of the view has " << view.getColumns()
                           << " elements, no multiple of the "
                           << slot.getColumns() << " of a row of the slot";
}

void LoadOp::build(OpBuilder &, OperationState &state, Type tile, Value view,
                   Value row, bool transposed) {
  state.addOperands({view, row});
  auto &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes = {1, 1, 0, 0};
  if (transposed)
    properties.transposed = UnitAttr::get(tile.getContext());
  state.addTypes(tile);
}

void LoadOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  effects.emplace_back(MemoryEffects::Read::get());
  if (getSlot())
    effects.emplace_back(MemoryEffects::Write::get());
}

LogicalResult LoadOp::verify() {
  TileType tile = getTile().getType();
  ViewType view = getView().getType();
  if (failed(
          expectElement(*this, tile.getElementType(), view.getElementType())))
    return failure();
  if (getSlot()) {
    if (!getTransposed() || tile.getLayout() != TileLayout::MfmaB)
      return emitOpError() << "a transposed mfma_b tile goes through a slot, "
                              "got "
                           << tile;
    if (failed(expectPanels(*this, view, getSlot().getType())))
      return failure();
  }
  int64_t width = getTransposed() ? tile.getRows() : tile.getColumns();
  return expectWidth(*this, view, width, "the tile takes");
}

void StoreOp::build(OpBuilder &, OperationState &state, Value tile, Value view,
                    Value row) {
  state.addOperands({tile, view, row});
  state.getOrAddProperties<Properties>().operandSegmentSizes = {1, 1, 1, 0, 0};
}

LogicalResult StoreOp::verify() {
  TileType tile = getTile().getType();
  ViewType view = getView().getType();
  if (tile.getLayout() != TileLayout::MfmaC &&
      tile.getLayout() != TileLayout::Columns)
    return emitOpError() << "stores mfma_c and columns tiles, got " << tile;
  if (failed(expectWidth(*this, view, tile.getRows(), "a column of the tile")))
    return failure();
  if (getSlot()) {
    if (tile.getLayout() != TileLayout::MfmaC)
      return emitOpError() << "an mfma_c tile goes through a slot, got "
                           << tile;
    if (failed(expectPanels(*this, view, getSlot().getType())))
      return failure();
  }
  if (tile.getLayout() == TileLayout::Columns)
    return expectElement(*this, tile.getElementType(), view.getElementType());
  return success();
}

LogicalResult FetchOp::verify() {
  SlotType slot = getSlot().getType();
  ViewType view = getView().getType();
  InflightType inflight = getInflight().getType();
  if (failed(
          expectElement(*this, slot.getElementType(), view.getElementType())) ||
      failed(expectElement(*this, inflight.getElementType(),
                           view.getElementType())))
    return failure();
  if (failed(expectWidth(*this, view, slot.getColumns(), "a row of the slot")))
    return failure();
  if (slot.getColumns() % SlotType::kColumnBlock)
    return emitOpError() << "a slot for fetched tiles has a multiple of "
                         << SlotType::kColumnBlock << " columns, got "
                         << slot.getColumns();
  if (view.isFar() && slot.getRows() > flyattn::maxTileRows)
    return emitOpError() << "takes at most " << flyattn::maxTileRows
                         << " rows of a far view, got " << slot.getRows();
  return expectShape(*this, "the inflight tile", inflight.getShape(),
                     slot.getRows(), slot.getColumns());
}

LogicalResult LandOp::verify() {
  SlotType slot = getSlot().getType();
  InflightType inflight = getInflight().getType();
  if (failed(expectElement(*this, inflight.getElementType(),
                           slot.getElementType())))
    return failure();
  return expectShape(*this, "the inflight tile", inflight.getShape(),
                     slot.getRows(), slot.getColumns());
}

LogicalResult ReadOp::verify() {
  SlotType slot = getSlot().getType();
  TileType tile = getTile().getType();
  if (failed(
          expectElement(*this, tile.getElementType(), slot.getElementType())))
    return failure();
  if (getRow()) {
    if (slot.getArrangement() != Arrangement::Rows)
      return emitOpError() << "reads rows of a rows slot only, got " << slot;
    if (tile.getLayout() == TileLayout::MfmaA)
      return expectShape(*this, "the result", tile.getShape(), 32,
                         std::min(tile.getColumns(), slot.getColumns()));
    if (failed(expectLayout(*this, "the result", tile, TileLayout::MfmaB)))
      return failure();
    return expectShape(*this, "the result", tile.getShape(),
                       std::min(tile.getRows(), slot.getColumns()), 32);
  }
  if (failed(expectLayout(*this, "the result", tile, TileLayout::MfmaA)))
    return failure();
  // Columns of the slot may be left out.
  if (slot.getArrangement() == Arrangement::Rows)
    return expectShape(*this, "the result", tile.getShape(), slot.getRows(),
                       std::min(tile.getColumns(), slot.getColumns()));
  return expectShape(*this, "the result", tile.getShape(),
                     std::min(tile.getRows(), slot.getColumns()),
                     slot.getRows());
}

LogicalResult MmaOp::verify() {
  TileType a = getA().getType(), b = getB().getType(), acc = getAcc().getType();
  if (failed(expectLayout(*this, "a", a, TileLayout::MfmaA)) ||
      failed(expectLayout(*this, "b", b, TileLayout::MfmaB)) ||
      failed(expectLayout(*this, "acc", acc, TileLayout::MfmaC)) ||
      failed(expectElement(*this, b.getElementType(), a.getElementType())))
    return failure();
  if (a.getColumns() != b.getRows())
    return emitOpError() << "a's columns and b's rows must be equal, got "
                         << a.getColumns() << " and " << b.getRows();
  return expectShape(*this, "acc", acc.getShape(), a.getRows(), b.getColumns());
}

LogicalResult ConcatOp::verify() {
  TileType part = getTop().getType(), tile = getTile().getType();
  if (failed(expectLayout(*this, "a part", part, TileLayout::MfmaC)) ||
      failed(expectLayout(*this, "the result", tile, TileLayout::MfmaC)))
    return failure();
  return expectShape(*this, "the result", tile.getShape(), 2 * part.getRows(),
                     part.getColumns());
}

LogicalResult MaskOp::verify() {
  if (getChunk() && !getDiagonal())
    return emitOpError() << "a chunk needs a diagonal";
  return expectLayout(*this, "the tile", getTile().getType(),
                      TileLayout::MfmaC);
}

LogicalResult SoftmaxStepOp::verify() {
  TileType scores = getScores().getType(), p = getP().getType();
  if (failed(expectLayout(*this, "the scores", scores, TileLayout::MfmaC)) ||
      failed(expectLayout(*this, "max", getMax().getType(),
                          TileLayout::Columns)) ||
      failed(expectLayout(*this, "p", p, TileLayout::MfmaB)) ||
      failed(expectShape(*this, "max", getMax().getType().getShape(), 1,
                         scores.getColumns())))
    return failure();
  return expectShape(*this, "p", p.getShape(), scores.getRows(),
                     scores.getColumns());
}

/// `columns` must hold one value for each column of `tile`.
static LogicalResult expectColumnsOf(Operation *op, StringRef name,
                                     TileType columns, TileType tile) {
  if (failed(expectLayout(op, name, columns, TileLayout::Columns)))
    return failure();
  return expectShape(op, name, columns.getShape(), 1, tile.getColumns());
}

/// Are these the scores of a tile of which nothing is visible?
static bool isHidden(Value scores) {
  auto splat = scores.getDefiningOp<SplatOp>();
  return splat && matchPattern(splat.getValue(), m_NegInfFloat());
}

OpFoldResult RaiseMaxOp::fold(FoldAdaptor) {
  return isHidden(getScores()) ? getMax() : OpFoldResult();
}

OpFoldResult ShiftScoresOp::fold(FoldAdaptor) {
  return isHidden(getScores()) ? getScores() : OpFoldResult();
}

LogicalResult RescaleOp::fold(FoldAdaptor,
                              SmallVectorImpl<OpFoldResult> &results) {
  if (getMax() != getNewMax())
    return failure();
  llvm::append_range(results, getTiles());
  return success();
}

LogicalResult RaiseMaxOp::verify() {
  TileType scores = getScores().getType();
  if (!(getThreshold().convertToFloat() >= 0))
    return emitOpError() << "the threshold must be 0 or more, got "
                         << getThreshold().convertToFloat();
  if (failed(expectLayout(*this, "the scores", scores, TileLayout::MfmaC)))
    return failure();
  return expectColumnsOf(*this, "max", getMax().getType(), scores);
}

LogicalResult ShiftScoresOp::verify() {
  TileType scores = getScores().getType();
  if (failed(expectLayout(*this, "the scores", scores, TileLayout::MfmaC)))
    return failure();
  return expectColumnsOf(*this, "max", getMax().getType(), scores);
}

LogicalResult Exp2Op::verify() {
  TileType tile = getTile().getType();
  if (failed(expectLayout(*this, "the tile", tile, TileLayout::MfmaC)))
    return failure();
  int64_t registers = tile.getRows() * tile.getColumns() / 64;
  int64_t begin = getBegin(), end = getEnd();
  if (begin < 0 || begin > end || end > registers)
    return emitOpError() << "a lane holds registers 0 to " << registers
                         << " of the tile, got " << begin << " to " << end;
  return success();
}

LogicalResult SumRowsOp::verify() {
  TileType tile = getTile().getType();
  if (failed(expectLayout(*this, "the tile", tile, TileLayout::MfmaC)))
    return failure();
  return expectColumnsOf(*this, "the sum", getSum().getType(), tile);
}

LogicalResult PackOp::verify() {
  TileType tile = getTile().getType(), res = getRes().getType();
  if (failed(expectLayout(*this, "the tile", tile, TileLayout::MfmaC)) ||
      failed(expectLayout(*this, "the result", res, TileLayout::MfmaB)))
    return failure();
  return expectShape(*this, "the result", res.getShape(), tile.getRows(),
                     tile.getColumns());
}

LogicalResult RescaleOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location>,
                                          Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  llvm::append_range(types, TypeRange(adaptor.getTiles()));
  return success();
}

LogicalResult RescaleOp::verify() {
  for (Value value : getTiles()) {
    auto tile = cast<TileType>(value.getType());
    if (tile.getLayout() != TileLayout::MfmaC &&
        tile.getLayout() != TileLayout::Columns)
      return emitOpError() << "rescales mfma_c and columns tiles, got " << tile;
    if (failed(expectColumnsOf(*this, "max", getMax().getType(), tile)))
      return failure();
  }
  return success();
}

LogicalResult FinalizeOp::verify() {
  TileType acc = getAcc().getType(), max = getMax().getType();
  if (failed(expectLayout(*this, "acc", acc, TileLayout::MfmaC)) ||
      failed(expectLayout(*this, "max", max, TileLayout::Columns)))
    return failure();
  return expectShape(*this, "max", max.getShape(), 1, acc.getColumns());
}
