//===- CombineBody.cpp - The body of a combine kernel in tile ops ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A workgroup of one wave takes 32 rows of a batch, counted through its heads,
// by 32 columns of O, fewer at the end of a head dim that is no multiple of 32.
// The parts come a few at a time, so that their loads are
// under way together:
//
//   for s = 0 to splits step 8:
//     load part s .. s + 7       those that are not there have no rows, and
//     what
//                                is beyond a view is 0: parts without weight
//     merge them into (o, m, l)  in order: the same bits each time
//   finalize, store O; who has the first columns stores the LSE

#include "CombineBody.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;

// Indices of the kernel's parameters; they follow flyattn::CombineArgs.
namespace {
enum Parameter : unsigned {
  Parts,
  Max,
  Sum,
  O,
  Lse,
  Splits,
  Batch,
  Heads,
  SeqlenQ,
  OStrides,                  ///< batch, head, seq
  LseStrides = OStrides + 3, ///< batch, head
  NumParameters = LseStrides + 2
};

/// Parts whose loads are under way at a time.
constexpr int64_t partsAtOnce = 8;
} // namespace

SmallVector<Type> attn::combineParameterTypes(CombineOp op) {
  MLIRContext *context = op.getContext();
  Builder b(context);
  SmallVector<Type> types(5, LLVM::LLVMPointerType::get(context, 1));
  types.append(4, b.getI32Type());
  types.append(5, b.getI64Type());
  assert(types.size() == NumParameters);
  if (op.getSink())
    types.push_back(LLVM::LLVMPointerType::get(context, 1));
  return types;
}

namespace {
class CombineBody {
public:
  CombineBody(gpu::GPUFuncOp kernel, CombineOp op)
      : b(ImplicitLocOpBuilder::atBlockBegin(op.getLoc(),
                                             &kernel.getBody().front())),
        kernel(kernel), op(op) {}

  void build();

private:
  struct Part {
    Value o, max, sum;
  };

  Value param(unsigned index) { return kernel.getArgument(index); }
  Value i32(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  }
  Value i64(Value value) {
    return arith::ExtUIOp::create(b, b.getI64Type(), value);
  }
  Value toI32(Value index) {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  }
  Value splat(float value, TileType type) {
    Value constant = arith::ConstantOp::create(b, b.getF32FloatAttr(value));
    return SplatOp::create(b, type, constant);
  }
  TileType oType() {
    return TileType::get({combineColumns, combineRows}, b.getF32Type(),
                         TileLayout::MfmaC);
  }
  TileType columnType() {
    return TileType::get({1, combineRows}, b.getF32Type(), TileLayout::Columns);
  }
  void locate();
  Part load(Value split);
  Value loadRows(Value pointer, Value first, Value present, int64_t columns,
                 int64_t stride, TileType type);
  ValueRange mergeLoop();
  Value loadSink();
  Value outputView(unsigned pointer, Type element, int64_t columns,
                   unsigned strides, Value seqStride, Value column);
  void writeSlice();

  ImplicitLocOpBuilder b;
  gpu::GPUFuncOp kernel;
  CombineOp op;

  Value batch, row, slice; ///< i32, uniform: the first row; which columns
  Value rows;              ///< of the batch, through all heads
  Value column;            ///< of O, the first; i64
  int64_t columns = combineColumns; ///< of O, how many
};
} // namespace

void CombineBody::locate() {
  batch = toI32(gpu::BlockIdOp::create(b, gpu::Dimension::z));
  Value block = toI32(gpu::BlockIdOp::create(b, gpu::Dimension::x));
  row = arith::MulIOp::create(b, block, i32(combineRows));
  slice = toI32(gpu::BlockIdOp::create(b, gpu::Dimension::y));
  column = i64(arith::MulIOp::create(b, slice, i32(combineColumns)));
  rows = arith::MulIOp::create(b, param(Heads), param(SeqlenQ));
}

/// The workgroup's rows of one array of parts, of which the batch's `present`
/// rows begin at row `first`.
Value CombineBody::loadRows(Value pointer, Value first, Value present,
                            int64_t columns, int64_t stride, TileType type) {
  auto viewType =
      ViewType::get({ShapedType::kDynamic, columns}, b.getF32Type());
  Value wide = arith::ConstantIntOp::create(b, b.getI64Type(), stride);
  Value offset = arith::MulIOp::create(b, first, wide);
  if (type.getLayout() == TileLayout::MfmaC)
    offset = arith::AddIOp::create(b, offset, column);
  Value view = ViewOp::create(b, viewType, pointer, offset, present, wide);
  return LoadOp::create(b, type, view, row, /*transposed=*/true);
}

CombineBody::Part CombineBody::load(Value split) {
  Value exists =
      arith::CmpIOp::create(b, arith::CmpIPredicate::slt, split, param(Splits));
  Value present = arith::SelectOp::create(b, exists, rows, i32(0));
  Value before = arith::AddIOp::create(
      b, arith::MulIOp::create(b, i64(split), i64(param(Batch))).getResult(),
      i64(batch));
  Value first = arith::MulIOp::create(b, before, i64(rows));
  return {
      loadRows(param(Parts), first, present, columns, op.getHeadDim(), oType()),
      loadRows(param(Max), first, present, 1, 1, columnType()),
      loadRows(param(Sum), first, present, 1, 1, columnType())};
}

ValueRange CombineBody::mergeLoop() {
  SmallVector<Value> initial{
      splat(0.0f, oType()),
      splat(-std::numeric_limits<float>::infinity(), columnType()),
      splat(0.0f, columnType())};
  auto loop =
      scf::ForOp::create(b, i32(0), param(Splits), i32(partsAtOnce), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Part> parts;
  for (int64_t i = 0; i < partsAtOnce; ++i)
    parts.push_back(
        load(arith::AddIOp::create(b, loop.getInductionVar(), i32(i))));
  ValueRange state = loop.getRegionIterArgs();
  for (const Part &part : parts)
    state = MergeOp::create(b, state[0], state[1], state[2], part.o, part.max,
                            part.sum)
                .getResults();
  scf::YieldOp::create(b, state);
  return loop.getResults();
}

/// O or LSE of the batch: row r is row r % seqlen_q of head r / seqlen_q.
Value CombineBody::outputView(unsigned pointer, Type element, int64_t columns,
                              unsigned strides, Value seqStride,
                              Value firstColumn) {
  auto type = ViewType::get({ShapedType::kDynamic, columns}, element,
                            ViewKind::Grouped);
  Value offset = arith::MulIOp::create(b, i64(batch), param(strides));
  if (firstColumn)
    offset = arith::AddIOp::create(b, offset, firstColumn);
  return ViewOp::create(b, type, param(pointer), offset, rows,
                        param(strides + 1), param(SeqlenQ), seqStride);
}

/// Of each row, its head's.
Value CombineBody::loadSink() {
  auto i64Constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, b.getI64Type(), value);
  };
  auto type = ViewType::get({ShapedType::kDynamic, 1}, b.getF32Type(),
                            ViewKind::Grouped);
  Value view = ViewOp::create(b, type, param(NumParameters), i64Constant(0),
                              rows, /*stride=*/i64Constant(1), param(SeqlenQ),
                              /*inner=*/i64Constant(0));
  return LoadOp::create(b, columnType(), view, row, /*transposed=*/true);
}

/// What the wave does, for `columns` columns.
void CombineBody::writeSlice() {
  ValueRange state = mergeLoop();
  if (op.getSink())
    state = AddSinkOp::create(b, state[0], state[1], state[2], loadSink())
                .getResults();
  auto last = FinalizeOp::create(b, state[0], state[1], state[2],
                                 /*whole=*/true);
  Value o = outputView(O, op.getElementType(), columns, OStrides,
                       param(OStrides + 2), column);
  StoreOp::create(b, last.getO(), o, row);
  if (!op.getLse())
    return;
  Value one = arith::ConstantIntOp::create(b, b.getI64Type(), 1);
  Value lse = outputView(Lse, b.getF32Type(), 1, LseStrides, one,
                         /*firstColumn=*/Value());
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, slice, i32(0));
  auto guard = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard insertion(b);
  b.setInsertionPoint(guard.thenBlock()->getTerminator());
  StoreOp::create(b, last.getLse(), lse, row);
}

void CombineBody::build() {
  locate();
  int64_t whole = op.getHeadDim() / combineColumns,
          rest = op.getHeadDim() % combineColumns;
  if (rest == 0 || whole == 0) {
    columns = rest ? rest : combineColumns;
    writeSlice();
  } else {
    Value isWhole =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, slice, i32(whole));
    auto choice = scf::IfOp::create(b, isWhole, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPoint(choice.thenBlock()->getTerminator());
    writeSlice();
    columns = rest;
    b.setInsertionPoint(choice.elseBlock()->getTerminator());
    writeSlice();
  }
  gpu::ReturnOp::create(b);
}

void attn::buildCombineBody(gpu::GPUFuncOp kernel, CombineOp op) {
  CombineBody(kernel, op).build();
}
