//===- ViewRows.cpp - Where the rows of a lowered view are ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ViewRows.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::attn;

SmallVector<Type> ViewRows::types(ViewType view) {
  Type i32 = IntegerType::get(view.getContext(), 32);
  SmallVector<Type> types{LLVM::LLVMPointerType::get(view.getContext(), 8)};
  types.append(view.getGrouped() ? 4 : 1, i32);
  return types;
}

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
