//===- ViewRows.cpp - Where the rows of a lowered view are ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ViewRows.h"

#include "flyattn/Target/KernelABI.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::attn;

SmallVector<Type> ViewRows::types(ViewType view) {
  MLIRContext *context = view.getContext();
  unsigned addressSpace = view.isFar() ? 1 : 8;
  SmallVector<Type> types{LLVM::LLVMPointerType::get(context, addressSpace)};
  unsigned numbers = view.isGrouped() ? 4 : view.isFar() ? 2 : 1;
  types.append(numbers, IntegerType::get(context, 32));
  return types;
}

/// As many rows of a far view as one access may take, from `row` on. Only the
/// address is computed in 64 bits; all of it is scalar.
static Value resourceAt(Leaf &b, ViewType type, ValueRange values, Value row) {
  Value base = values[0], stride = values[1], rows = values[2];
  auto wide = [&](Value value) -> Value {
    return arith::ExtUIOp::create(b, b.getI64Type(), value);
  };
  Value distance = b.mul(wide(row), wide(stride));
  Value start = LLVM::GEPOp::create(b, base.getType(), b.getI8Type(), base,
                                    ArrayRef<LLVM::GEPArg>{distance});
  Value left =
      arith::MinUIOp::create(b, arith::SubIOp::create(b, rows, row).getResult(),
                             b.i32(flyattn::maxTileRows));
  // The last row ends the buffer, not the stride behind it.
  Value size = b.mul(arith::SubIOp::create(b, left, b.i32(1)), stride);
  size = b.add(size, type.getColumns() *
                         type.getElementType().getIntOrFloatBitWidth() / 8);
  // Unsigned, so that there is nothing before row 0 either.
  Value present =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, rows);
  size = arith::SelectOp::create(b, present, size, b.i32(0));
  return b.makeResource(start, wide(size));
}

ViewRows::ViewRows(Leaf &b, ViewType type, ValueRange values, Value row)
    : buffer{type.isFar() ? resourceAt(b, type, values, row) : values[0],
             values[1]},
      first(type.isFar() ? b.i32(0) : row),
      grouping(type.isGrouped() ? values.drop_front(2) : ValueRange()) {}

Value ViewRows::offset(Leaf &b, Value row) const {
  if (!isGrouped())
    return b.mul(row, buffer.stride);
  Value group = grouping[0], inner = grouping[1], rows = grouping[2];
  Value place = arith::DivUIOp::create(b, row, group);
  Value inGroup = arith::SubIOp::create(b, row, b.mul(place, group));
  Value offset = b.add(b.mul(place, buffer.stride), b.mul(inGroup, inner));
  // A row too many may be where another is: rows of a group may be further
  // apart than groups.
  Value present =
      arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, rows);
  Value beyond = b.i32(static_cast<int32_t>(beyondViews));
  return arith::SelectOp::create(b, present, offset, beyond);
}
