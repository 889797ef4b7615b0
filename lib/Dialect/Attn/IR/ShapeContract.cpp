//===- ShapeContract.cpp - What the operators' shapes must agree on -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ShapeContract.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;
using namespace mlir::attn;

static bool differ(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

LogicalResult attn::verifySameDim(Operation *op, StringRef what, Named a,
                                  int64_t dimA, Named b, int64_t dimB) {
  int64_t sizeA = a.type.getDimSize(dimA), sizeB = b.type.getDimSize(dimB);
  if (!differ(sizeA, sizeB))
    return success();
  return op->emitOpError() << what << " of " << a.name << " and " << b.name
                           << " must be equal, got " << sizeA << " and "
                           << sizeB;
}

LogicalResult attn::verifyOperand(Operation *op, Named operand, bool packed) {
  int64_t rank = packed ? 3 : 4;
  if (operand.type.getRank() != rank)
    return op->emitOpError() << operand.name << " must have rank " << rank
                             << ", got " << operand.type.getRank();
  Type type = operand.type.getElementType();
  if (!type.isBF16() && !type.isF16() && !type.isF32())
    return op->emitOpError()
           << operand.name << " must hold bf16, f16 or f32, got " << type;
  if (auto memref = dyn_cast<MemRefType>(operand.type))
    if (memref.getStridesAndOffset().first.back() != 1)
      return op->emitOpError()
             << operand.name << " must be contiguous in its last dimension";
  return success();
}

LogicalResult attn::verifyLse(Operation *op, QueryRows rows, Named lse) {
  int64_t rank = rows.packed ? 2 : 3;
  if (lse.type.getRank() != rank)
    return op->emitOpError() << "lse must have rank " << rank
                             << (rows.packed ? " (heads x total_q)"
                                             : " (batch x heads x seqlen_q)")
                             << ", got rank " << lse.type.getRank();
  if (!lse.type.getElementType().isF32())
    return op->emitOpError()
           << "lse must hold f32, got " << lse.type.getElementType();
  if (auto memref = dyn_cast<MemRefType>(lse.type))
    if (memref.getStridesAndOffset().first.back() != 1)
      return op->emitOpError()
             << "lse must be contiguous in its last dimension";
  Named q = rows.operand;
  if (!rows.packed && failed(verifySameDim(op, "batch", q, 0, lse, 0)))
    return failure();
  if (failed(verifySameDim(op, "heads", q, rows.heads, lse, rank - 2)) ||
      failed(verifySameDim(op, "seqlen_q", q, rows.seq, lse, rank - 1)))
    return failure();
  return success();
}

/// One array of parts: splits, batch unless packed, heads, rows.
static LogicalResult verifyPart(Operation *op, QueryRows rows, Named part,
                                int64_t rank) {
  if (part.type.getRank() != rank)
    return op->emitOpError() << part.name << " must have rank " << rank
                             << ", got " << part.type.getRank();
  if (!part.type.getElementType().isF32())
    return op->emitOpError()
           << part.name << " must hold f32, got " << part.type.getElementType();
  if (auto memref = dyn_cast<MemRefType>(part.type))
    if (!memref.getLayout().isIdentity())
      return op->emitOpError() << part.name << " must be contiguous";
  Named q = rows.operand;
  int64_t heads = rows.packed ? 1 : 2;
  if (!rows.packed && failed(verifySameDim(op, "batch", q, 0, part, 1)))
    return failure();
  if (failed(verifySameDim(op, "heads", q, rows.heads, part, heads)) ||
      failed(verifySameDim(op, "seqlen_q", q, rows.seq, part, heads + 1)))
    return failure();
  return success();
}

LogicalResult attn::verifyParts(Operation *op, QueryRows rows, Named columns,
                                Named parts, Named max, Named sum) {
  int64_t rank = rows.packed ? 4 : 5;
  if (failed(verifyPart(op, rows, parts, rank)) ||
      failed(verifyPart(op, rows, max, rank - 1)) ||
      failed(verifyPart(op, rows, sum, rank - 1)) ||
      failed(verifySameDim(op, "splits", parts, 0, max, 0)) ||
      failed(verifySameDim(op, "splits", parts, 0, sum, 0)))
    return failure();
  return verifySameDim(op, "head_dim_v", columns, columns.type.getRank() - 1,
                       parts, rank - 1);
}
