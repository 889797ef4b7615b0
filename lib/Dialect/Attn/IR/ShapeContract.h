//===- ShapeContract.h - What the operators' shapes must agree on ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_IR_SHAPECONTRACT_H
#define FLYATTN_LIB_DIALECT_ATTN_IR_SHAPECONTRACT_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

namespace mlir::attn {

/// An operand with its name in diagnostics.
struct Named {
  StringRef name;
  ShapedType type;
};

/// Q or O, and where its sizes are.
struct QueryRows {
  Named operand;
  bool packed;
  int64_t seq, heads; ///< dimensions

  template <typename OpT> static QueryRows of(OpT op, Named operand) {
    return {operand, op.isPacked(), op.getSeqDim(), op.getHeadDimIndex()};
  }
};

LogicalResult verifySameDim(Operation *op, StringRef what, Named a,
                            int64_t dimA, Named b, int64_t dimB);

/// The rank, bf16, f16 or f32, and a contiguous last dimension.
LogicalResult verifyOperand(Operation *op, Named operand, bool packed);

LogicalResult verifyLse(Operation *op, QueryRows rows, Named lse);

/// The partial form of O, of the maxima and of the sums. `columns` has the head
/// dim of O as its last dimension.
LogicalResult verifyParts(Operation *op, QueryRows rows, Named columns,
                          Named parts, Named max, Named sum);

/// Operands are all tensors with a result for each destination, or all memrefs
/// without results. What regions capture is memrefs in either case.
template <typename OpT> LogicalResult verifyForm(OpT op) {
  bool tensors = isa<RankedTensorType>(op->getOperand(0).getType());
  auto isCaptured = [&](Value operand) {
    if constexpr (requires { op.getCaptures(); })
      return llvm::is_contained(op.getCaptures(), operand);
    return false;
  };
  for (Value operand : op->getOperands())
    if (isa<ShapedType>(operand.getType()) && !isCaptured(operand) &&
        isa<RankedTensorType>(operand.getType()) != tensors)
      return op.emitOpError() << "operands must be all tensors or all memrefs";
  size_t expected = tensors ? op.getOuts().size() : 0;
  if (op->getNumResults() != expected)
    return op.emitOpError() << "expected " << expected << " results, got "
                            << op->getNumResults();
  for (auto [out, result] : llvm::zip(op.getOuts(), op.getResults()))
    if (out.getType() != result.getType())
      return op.emitOpError()
             << "result type " << result.getType()
             << " must be its destination's, " << out.getType();
  return success();
}

/// Inputs that are memrefs are read, such destinations written.
template <typename OpT>
void addMemoryEffects(
    OpT op, SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
                &effects) {
  for (OpOperand *input : op.getDpsInputOperands())
    if (isa<MemRefType>(input->get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), input);
  for (OpOperand &out : op.getDpsInitsMutable())
    if (isa<MemRefType>(out.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &out);
}

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_IR_SHAPECONTRACT_H
