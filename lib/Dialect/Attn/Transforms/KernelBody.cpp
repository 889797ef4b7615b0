//===- KernelBody.cpp - The body of a forward kernel in tile ops ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelBody.h"
#include "KernelParameters.h"

#include "flyattn/Dialect/Attn/Transforms/RowOrder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::forward_kernel;

bool attn::takesLastRowsFirst(ForwardOp op) {
  return isa_and_nonnull<CausalAttr, WindowAttr>(op.getMaskAttr());
}

namespace {
/// The rows of an operand that belong to this batch: `first` is null if they
/// are found by the batch stride.
struct Sequence {
  Value first, length; ///< i32
};

class KernelBody {
public:
  KernelBody(gpu::GPUFuncOp kernel, ForwardOp op, bool ordered)
      : b(ImplicitLocOpBuilder::atBlockBegin(op.getLoc(),
                                             &kernel.getBody().front())),
        kernel(kernel), op(op), ordered(ordered), config(*op.getConfig()),
        element(op.getElementType()), headDim(op.getHeadDim()),
        headDimV(op.getHeadDimV()) {}

  void build();

private:
  Value param(unsigned index) { return kernel.getArgument(index); }
  Value i32(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  }
  Value toI32(Value index) {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  }
  Value splat(float value, ArrayRef<int64_t> shape, TileLayout layout) {
    Value constant = arith::ConstantOp::create(b, b.getF32FloatAttr(value));
    return SplatOp::create(b, TileType::get(shape, b.getF32Type(), layout),
                           constant);
  }
  Value i64(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI64Type(), value);
  }
  int64_t rowsPerBlock() { return config.getWaves() * config.getRowsPerWave(); }
  /// Of views of one head.
  ViewKind headKind() {
    return config.getFar() ? ViewKind::Far : ViewKind::Plain;
  }
  Value rowBlock(Value n);
  Value loadEntry(Value list, Value index, int32_t next);
  Value sequenceAt(Value n);
  Value product(Value index, Value stride);
  Value packed(Value rows);
  Value queryOf(Value row);
  Value view(unsigned pointer, unsigned strides, int64_t columns, Value head,
             Sequence rows);
  Value queryView(unsigned pointer, Type element, int64_t columns,
                  Value batches, Value heads, Value seqStride,
                  Value offset = {});
  Value operandView(unsigned pointer, unsigned strides, int64_t columns,
                    Type element, Value offset = {});
  /// Tiles hold head dims up to whole MFMA blocks, beyond which they are 0.
  int64_t scoreDepth() { return llvm::alignTo(headDim, 16); }
  int64_t outputRows() { return llvm::alignTo(headDimV, 32); }
  Value rowsView(unsigned pointer, Value offset = {});
  void locate();
  Sequence sequence(unsigned seqlen, unsigned cuSeqlens);
  void writeRows();
  void placeDiagonals();
  void placeScale();
  Value kvBegin();
  Value kvEnd();
  std::pair<Value, Value> kvRange();
  ValueRange kvLoop(Value q);
  Value firstVisible(Value query);
  Value modify(Value scores, Value kvRow);
  void kvStep(Value q, Value kvRow, ValueRange carried);
  Value loadSink();
  void storeRows(ValueRange state);
  void storePart(ValueRange state);

  ImplicitLocOpBuilder b;
  gpu::GPUFuncOp kernel;
  ForwardOp op;
  bool ordered; ///< workgroups: see attn-tile
  ConfigAttr config;
  Type element;
  int64_t headDim, headDimV;

  Value batch, head, kvHead; ///< i32, uniform over the workgroup
  Value split;               ///< of KV; null without splits
  Value group; ///< heads that share the rows; null if one has them
  Sequence qSequence, kvSequence;
  Value blockRow;               ///< first query row of the workgroup
  Value row;                    ///< first query row of the wave
  Value diagonal, lower, chunk; ///< of the mask, if it has them, else null
  Value kvLimit; ///< the first KV row that no row sees, whatever the diagonals
  Value kView, vView;
  Value scoreScale;   ///< of natural scores; null if nothing modifies them
  Value softmaxScale; ///< to base 2
};
} // namespace

/// In 64 bits.
Value KernelBody::product(Value index, Value stride) {
  Value wide = arith::ExtUIOp::create(b, b.getI64Type(), index);
  return arith::MulIOp::create(b, wide, stride);
}

/// The rows of one head of one batch.
Value KernelBody::view(unsigned pointer, unsigned strides, int64_t columns,
                       Value headIndex, Sequence rows) {
  auto type =
      ViewType::get({ShapedType::kDynamic, columns}, element, headKind());
  Value seqStride = param(strides + 2);
  Value first = rows.first ? product(rows.first, seqStride)
                           : product(batch, param(strides));
  Value offset =
      arith::AddIOp::create(b, first, product(headIndex, param(strides + 1)));
  return ViewOp::create(b, type, param(pointer), offset, rows.length,
                        seqStride);
}

/// How many rows `rows` query rows are.
Value KernelBody::packed(Value rows) {
  return group ? arith::MulIOp::create(b, rows, group).getResult() : rows;
}

/// The query row of a row.
Value KernelBody::queryOf(Value row) {
  return group ? arith::DivUIOp::create(b, row, group).getResult() : row;
}

/// This workgroup's rows of something that has them by batch, head and query,
/// at strides of so much; `offset` moves it.
Value KernelBody::queryView(unsigned pointer, Type element, int64_t columns,
                            Value batches, Value heads, Value seqStride,
                            Value offset) {
  auto type = ViewType::get({ShapedType::kDynamic, columns}, element,
                            group ? ViewKind::Grouped : headKind());
  Value first = qSequence.first ? product(qSequence.first, seqStride)
                                : product(batch, batches);
  Value start = arith::AddIOp::create(b, first, product(head, heads));
  if (offset)
    start = arith::AddIOp::create(b, start, offset);
  return ViewOp::create(b, type, param(pointer), start,
                        packed(qSequence.length), seqStride, group,
                        group ? heads : Value());
}

/// Of Q or O.
Value KernelBody::operandView(unsigned pointer, unsigned strides,
                              int64_t columns, Type element, Value offset) {
  return queryView(pointer, element, columns, param(strides),
                   param(strides + 1), param(strides + 2), offset);
}

/// Of the LSE, or of what else there is one of a row, as a column.
Value KernelBody::rowsView(unsigned pointer, Value offset) {
  return queryView(pointer, b.getF32Type(), 1, param(LseStrides),
                   param(LseStrides + 1), i64(1), offset);
}

/// The rows of this batch: all of them, or, of packed sequences, those between
/// two entries of `cuSeqlens`.
Sequence KernelBody::sequence(unsigned seqlen, unsigned cuSeqlens) {
  if (!op.isPacked())
    return {Value(), param(seqlen)};
  Value first = loadEntry(param(cuSeqlens), batch, 0);
  Value end = loadEntry(param(cuSeqlens), batch, 1);
  return {first, arith::SubIOp::create(b, end, first)};
}

/// list[index + next] of a list of i32.
Value KernelBody::loadEntry(Value list, Value index, int32_t next) {
  Value wide = arith::ExtUIOp::create(b, b.getI64Type(), index);
  Value entry = LLVM::GEPOp::create(b, list.getType(), b.getI32Type(), list,
                                    ArrayRef<LLVM::GEPArg>{wide});
  Value address = LLVM::GEPOp::create(b, entry.getType(), b.getI32Type(), entry,
                                      ArrayRef<LLVM::GEPArg>{next});
  // Nothing writes there while the kernel runs.
  return LLVM::LoadOp::create(b, b.getI32Type(), address, /*alignment=*/4,
                              /*isVolatile=*/false, /*isNonTemporal=*/false,
                              /*isInvariant=*/true);
}

/// The packed sequence whose turn is the n-th.
Value KernelBody::sequenceAt(Value n) {
  Value order = param(sequenceOrderParameter(op));
  Value null = LLVM::ZeroOp::create(b, order.getType());
  Value isThere = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, order, null);
  auto choice = scf::IfOp::create(b, b.getI32Type(), isThere,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, loadEntry(order, n, 0));
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, n);
  return choice.getResult(0);
}

/// The block of rows for the n-th workgroup of a head: flyattn::rowBlockOf.
Value KernelBody::rowBlock(Value n) {
  if (!ordered || !takesLastRowsFirst(op))
    return n;
  Value blocks = arith::CeilDivUIOp::create(b, packed(param(SeqlenQ)),
                                            i32(rowsPerBlock()));
  Value last = arith::SubIOp::create(b, blocks, i32(1));
  return arith::SubIOp::create(b, last, n);
}

/// Which batch, head and rows this wave works on, of the grid that ForwardArgs
/// describes.
void KernelBody::locate() {
  auto blockId = [&](gpu::Dimension dim) {
    return toI32(gpu::BlockIdOp::create(b, dim));
  };
  batch = blockId(gpu::Dimension::z);
  if (op.isPartial()) {
    split = arith::RemUIOp::create(b, batch, param(Splits));
    batch = arith::DivUIOp::create(b, batch, param(Splits));
  }
  if (op.isPacked())
    batch = sequenceAt(batch);
  head = blockId(ordered ? gpu::Dimension::x : gpu::Dimension::y);
  if (config.getPackGqa()) {
    group = param(HeadsPerKvHead);
    kvHead = head;
    head = arith::MulIOp::create(b, kvHead, group);
  } else {
    kvHead = arith::DivUIOp::create(b, head, param(HeadsPerKvHead));
  }
  Value rows = blockId(ordered ? gpu::Dimension::y : gpu::Dimension::x);
  blockRow = arith::MulIOp::create(b, rowBlock(rows), i32(rowsPerBlock()));
  Value wave =
      toI32(gpu::SubgroupIdOp::create(b, /*upper_bound=*/IntegerAttr()));
  row = arith::AddIOp::create(
      b, blockRow,
      arith::MulIOp::create(b, wave, i32(config.getRowsPerWave())));
  qSequence = sequence(SeqlenQ, CuSeqlensQ);
  kvSequence = sequence(SeqlenKv, CuSeqlensKv);
}

/// Row i sees the columns from i + lower to i + diagonal.
void KernelBody::placeDiagonals() {
  Attribute mask = op.getMaskAttr();
  if (!mask)
    return;
  auto causal = dyn_cast<CausalAttr>(mask);
  if (causal && causal.getAlignment() == CausalAlignment::TopLeft) {
    diagonal = i32(0);
    return;
  }
  Value delta = arith::SubIOp::create(b, kvSequence.length, qSequence.length);
  diagonal = delta;
  if (causal)
    return;
  if (isa<ChunkedAttr>(mask)) {
    chunk = param(WindowLeft);
    return;
  }
  // No row is more than these lengths from the end of KV. Unsigned, so that -1
  // is unbounded.
  Value right = arith::MinUIOp::create(b, param(WindowRight), qSequence.length);
  Value left = arith::MinUIOp::create(b, param(WindowLeft), kvSequence.length);
  diagonal = arith::AddIOp::create(b, delta, right);
  lower = arith::SubIOp::create(b, delta, left);
}

/// The first column that a query row sees, under a mask that hides some before
/// it.
Value KernelBody::firstVisible(Value query) {
  Value first = arith::AddIOp::create(b, query, chunk ? diagonal : lower);
  first = arith::MaxSIOp::create(b, first, i32(0));
  if (!chunk)
    return first;
  Value part = arith::RemUIOp::create(b, first, chunk);
  return arith::SubIOp::create(b, first, part);
}

/// The first tile in which any query row of the workgroup sees something.
Value KernelBody::kvBegin() {
  if (!lower && !chunk)
    return i32(0);
  Value first = firstVisible(queryOf(blockRow));
  Value part = arith::RemUIOp::create(b, first, i32(config.getKvTile()));
  return arith::SubIOp::create(b, first, part);
}

/// The first KV row that no query row of the workgroup sees.
Value KernelBody::kvEnd() {
  if (!diagonal)
    return kvSequence.length;
  Value rowEnd = arith::AddIOp::create(b, blockRow, i32(rowsPerBlock()));
  if (group) // the query row behind that of the last row
    rowEnd = arith::CeilDivUIOp::create(b, rowEnd, group);
  rowEnd = arith::MinSIOp::create(b, qSequence.length, rowEnd);
  Value visible = arith::AddIOp::create(b, rowEnd, diagonal);
  visible = arith::MaxSIOp::create(b, visible, i32(0));
  return arith::MinSIOp::create(b, visible, kvSequence.length);
}

/// The KV rows that the workgroup goes through, from a whole tile on: those
/// that its rows see or, with splits, its share of their tiles. Shares differ
/// by no more than a tile; they are empty where there are fewer tiles than
/// splits.
std::pair<Value, Value> KernelBody::kvRange() {
  Value begin = kvBegin(), end = kvEnd();
  kvLimit = kvSequence.length;
  if (!split)
    return {begin, end};
  Value tile = i32(config.getKvTile());
  Value span = arith::SubIOp::create(b, end, begin);
  span = arith::MaxSIOp::create(b, span, i32(0));
  Value tiles = arith::CeilDivUIOp::create(b, span, tile);
  Value least = arith::DivUIOp::create(b, tiles, param(Splits));
  Value more = arith::RemUIOp::create(b, tiles, param(Splits));
  // The first ones have one more.
  auto startOf = [&](Value part) -> Value {
    Value before = arith::MulIOp::create(b, part, least);
    before = arith::AddIOp::create(
        b, before, arith::MinUIOp::create(b, part, more).getResult());
    return arith::AddIOp::create(
        b, begin, arith::MulIOp::create(b, before, tile).getResult());
  };
  Value next = arith::AddIOp::create(b, split, i32(1));
  // What is behind belongs to the next part: schedules may take a tile too
  // many.
  kvLimit = arith::MinSIOp::create(b, startOf(next), end);
  return {startOf(split), kvLimit};
}

/// What score_mod makes of the scores.
Value KernelBody::modify(Value scores, Value kvRow) {
  auto captures = kernel.getArguments().drop_front(firstCaptureParameter(op));
  auto modified = ModifyScoresOp::create(
      b, scores.getType(), scores, scoreScale, kvRow, row,
      packed(qSequence.length), kvLimit, batch, head, group, captures);
  IRMapping map;
  op.getScoreMod().cloneInto(&modified.getBody(), map);
  return modified;
}

/// One KV tile: S^T = K Q^T, softmax, O^T += V^T P^T.
void KernelBody::kvStep(Value q, Value kvRow, ValueRange carried) {
  Value o = carried[0], max = carried[1], sum = carried[2];
  int64_t tile = config.getKvTile(), rows = config.getRowsPerWave();

  auto kType = TileType::get({tile, scoreDepth()}, element, TileLayout::MfmaA);
  Value k = LoadOp::create(b, kType, kView, kvRow, /*transposed=*/false);
  Value zero = splat(0.0f, {tile, rows}, TileLayout::MfmaC);
  Value scores = MmaOp::create(b, k, q, zero);
  if (scoreScale)
    scores = modify(scores, kvRow);
  scores = MaskOp::create(b, scores, kvRow, row, kvLimit, diagonal, lower,
                          diagonal ? group : Value(), chunk);

  auto pType = TileType::get({tile, rows}, element, TileLayout::MfmaB);
  Type column = max.getType();
  auto step = SoftmaxStepOp::create(b, pType, column, column, scores, max, sum,
                                    softmaxScale);
  auto vType = TileType::get({outputRows(), tile}, element, TileLayout::MfmaA);
  Value v = LoadOp::create(b, vType, vView, kvRow, /*transposed=*/true);
  o = RescaleOp::create(b, o, max, step.getNewMax()).getResult(0);
  o = MmaOp::create(b, v, step.getP(), o);
  scf::YieldOp::create(b, ValueRange{o, step.getNewMax(), step.getNewSum()});
}

/// Runs over the KV tiles that any row of the workgroup sees; gives O, max and
/// sum.
ValueRange KernelBody::kvLoop(Value q) {
  int64_t rows = config.getRowsPerWave();
  float infinity = std::numeric_limits<float>::infinity();
  SmallVector<Value> initial{
      splat(0.0f, {outputRows(), rows}, TileLayout::MfmaC),
      splat(-infinity, {1, rows}, TileLayout::Columns),
      splat(0.0f, {1, rows}, TileLayout::Columns)};
  auto [begin, end] = kvRange();
  auto loop =
      scf::ForOp::create(b, begin, end, i32(config.getKvTile()), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  kvStep(q, loop.getInductionVar(), loop.getRegionIterArgs());
  return loop.getResults();
}

/// Of each row of the wave, its head's.
Value KernelBody::loadSink() {
  auto type = ViewType::get({ShapedType::kDynamic, 1}, b.getF32Type(),
                            group ? ViewKind::Grouped : ViewKind::Plain);
  Value first = arith::ExtUIOp::create(b, b.getI64Type(), head);
  Value view = ViewOp::create(b, type, param(sinkParameter(op)), first,
                              packed(qSequence.length), /*stride=*/i64(0),
                              group, group ? i64(1) : Value());
  auto tile = TileType::get({1, config.getRowsPerWave()}, b.getF32Type(),
                            TileLayout::Columns);
  return LoadOp::create(b, tile, view, row, /*transposed=*/true);
}

void KernelBody::storeRows(ValueRange state) {
  bool whole = false;
  if (op.getSink()) {
    Value sum = AddHalvesOp::create(b, state[2]);
    state =
        AddSinkOp::create(b, state[0], state[1], sum, loadSink()).getResults();
    whole = true;
  }
  auto last = FinalizeOp::create(b, state[0], state[1], state[2], whole);
  StoreOp::create(b, last.getO(), operandView(O, OStrides, headDimV, element),
                  row);
  if (op.getLse())
    StoreOp::create(b, last.getLse(), rowsView(Lse), row);
}

/// What attn.combine needs to know of this part of KV.
void KernelBody::storePart(ValueRange state) {
  Value oOffset = product(split, param(SplitStrides));
  Value offset = product(split, param(SplitStrides + 1));
  StoreOp::create(b, state[0],
                  operandView(O, OStrides, headDimV, b.getF32Type(), oOffset),
                  row);
  StoreOp::create(b, state[1], rowsView(Lse, offset), row);
  Value sum = AddHalvesOp::create(b, state[2]);
  StoreOp::create(b, sum, rowsView(RowSums, offset), row);
}

/// Scores are scaled in the softmax, and to base 2 at once, if nothing wants to
/// know them before.
void KernelBody::placeScale() {
  softmaxScale = param(ScaleLog2);
  if (op.getScoreMod().empty())
    return;
  auto f32 = [&](float value) -> Value {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  };
  constexpr float ln2 = 0.69314718055994530942f,
                  log2e = 1.44269504088896340736f;
  scoreScale = arith::MulFOp::create(b, softmaxScale, f32(ln2));
  softmaxScale = f32(log2e);
}

/// All that a workgroup with rows does.
void KernelBody::writeRows() {
  placeDiagonals();
  Value qView = operandView(Q, QStrides, headDim, element);
  kView = view(K, KStrides, headDim, kvHead, kvSequence);
  vView = view(V, VStrides, headDimV, kvHead, kvSequence);
  auto qType = TileType::get({scoreDepth(), config.getRowsPerWave()}, element,
                             TileLayout::MfmaB);
  Value q = LoadOp::create(b, qType, qView, row, /*transposed=*/true);
  q = FlipSignOp::create(b, q, param(QSignFlip));
  placeScale();

  ValueRange state = kvLoop(q);
  if (op.isPartial())
    storePart(state);
  else
    storeRows(state);
}

void KernelBody::build() {
  locate();
  if (!op.isPacked()) {
    writeRows();
    gpu::ReturnOp::create(b);
    return;
  }
  // The grid is that of the longest sequence.
  Value present = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, blockRow,
                                        packed(qSequence.length));
  auto guard = scf::IfOp::create(b, present, /*withElseRegion=*/false);
  gpu::ReturnOp::create(b);
  b.setInsertionPoint(guard.thenBlock()->getTerminator());
  writeRows();
}

void attn::buildKernelBody(gpu::GPUFuncOp kernel, ForwardOp op, bool ordered) {
  KernelBody(kernel, op, ordered).build();
}
