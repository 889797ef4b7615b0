//===- AttnOps.cpp - The shape contract of attn.forward -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;

float ForwardOp::getScaleOrDefault() {
  if (std::optional<APFloat> scale = getScale())
    return scale->convertToFloat();
  return 1.0f / std::sqrt(static_cast<float>(getHeadDim()));
}

void ForwardOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  for (OpOperand *input : getDpsInputOperands())
    if (isa<MemRefType>(input->get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), input);
  for (OpOperand &out : getDpsInitsMutable())
    if (isa<MemRefType>(out.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &out);
}

namespace {
/// An operand with its name in diagnostics.
struct Named {
  StringRef name;
  ShapedType type;
};
} // namespace

static bool differ(int64_t a, int64_t b) {
  return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b;
}

static LogicalResult verifySameDim(Operation *op, StringRef what, Named a,
                                   int64_t dimA, Named b, int64_t dimB) {
  int64_t sizeA = a.type.getDimSize(dimA), sizeB = b.type.getDimSize(dimB);
  if (!differ(sizeA, sizeB))
    return success();
  return op->emitOpError() << what << " of " << a.name << " and " << b.name
                           << " must be equal, got " << sizeA << " and "
                           << sizeB;
}

/// The rank, a 16-bit float type, and a contiguous last dimension.
static LogicalResult verifyOperand(ForwardOp op, Named operand,
                                   Type elementType) {
  int64_t rank = op.isPacked() ? 3 : 4;
  if (operand.type.getRank() != rank)
    return op->emitOpError() << operand.name << " must have rank " << rank
                             << ", got " << operand.type.getRank();
  Type type = operand.type.getElementType();
  if (!type.isBF16() && !type.isF16())
    return op->emitOpError()
           << operand.name << " must hold bf16 or f16, got " << type;
  if (type != elementType)
    return op->emitOpError() << operand.name << " must have q's element type "
                             << elementType << ", got " << type;
  if (auto memref = dyn_cast<MemRefType>(operand.type))
    if (memref.getStridesAndOffset().first.back() != 1)
      return op->emitOpError()
             << operand.name << " must be contiguous in its last dimension";
  return success();
}

static LogicalResult verifyLse(ForwardOp op, Named q, Named lse) {
  int64_t rank = op.isPacked() ? 2 : 3;
  if (lse.type.getRank() != rank)
    return op.emitOpError() << "lse must have rank " << rank
                            << (op.isPacked() ? " (heads x total_q)"
                                              : " (batch x heads x seqlen_q)")
                            << ", got rank " << lse.type.getRank();
  if (!lse.type.getElementType().isF32())
    return op.emitOpError()
           << "lse must hold f32, got " << lse.type.getElementType();
  if (auto memref = dyn_cast<MemRefType>(lse.type))
    if (memref.getStridesAndOffset().first.back() != 1)
      return op.emitOpError() << "lse must be contiguous in its last dimension";
  if (!op.isPacked() && failed(verifySameDim(op, "batch", q, 0, lse, 0)))
    return failure();
  if (failed(
          verifySameDim(op, "heads", q, op.getHeadDimIndex(), lse, rank - 2)) ||
      failed(verifySameDim(op, "seqlen_q", q, op.getSeqDim(), lse, rank - 1)))
    return failure();
  return success();
}

static LogicalResult verifySeqlens(ForwardOp op) {
  if (!op.isPacked())
    return success();
  if (op.getLayout() != Layout::BSHD)
    return op.emitOpError() << "packed sequences have the layout bshd";
  Named q{"cu_seqlens_q", cast<ShapedType>(op.getCuSeqlensQ().getType())};
  Named kv{"cu_seqlens_kv", cast<ShapedType>(op.getCuSeqlensKv().getType())};
  for (Named seqlens : {q, kv}) {
    if (seqlens.type.getRank() != 1 ||
        !seqlens.type.getElementType().isInteger(32))
      return op.emitOpError() << seqlens.name
                              << " must hold i32 in one "
                                 "dimension, got "
                              << seqlens.type;
    if (auto memref = dyn_cast<MemRefType>(seqlens.type))
      if (memref.getStridesAndOffset().first.back() != 1)
        return op.emitOpError() << seqlens.name << " must be contiguous";
  }
  return verifySameDim(op, "size", q, 0, kv, 0);
}

/// Operands are all tensors with a result for each destination, or all memrefs
/// without results.
static LogicalResult verifyForm(ForwardOp op) {
  bool tensors = isa<RankedTensorType>(op.getQ().getType());
  for (Value operand : op->getOperands())
    if (isa<ShapedType>(operand.getType()) &&
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

LogicalResult ForwardOp::verify() {
  if (getOuts().empty() || getOuts().size() > 2)
    return emitOpError() << "outs must be o, or o and lse, got "
                         << getOuts().size();
  if (failed(verifyForm(*this)) || failed(verifySeqlens(*this)))
    return failure();

  auto named = [](StringRef name, Value value) {
    return Named{name, cast<ShapedType>(value.getType())};
  };
  Named q = named("q", getQ()), k = named("k", getK()), v = named("v", getV()),
        o = named("o", getO());
  for (Named operand : {q, k, v, o})
    if (failed(verifyOperand(*this, operand, getElementType())))
      return failure();

  int64_t seq = getSeqDim(), heads = getHeadDimIndex();
  int64_t headDim = q.type.getRank() - 1;
  for (Named other : {k, v, o})
    if ((!isPacked() &&
         failed(verifySameDim(*this, "batch", q, 0, other, 0))) ||
        failed(verifySameDim(*this, "head_dim", q, headDim, other, headDim)))
      return failure();
  if (failed(verifySameDim(*this, "seqlen_q", q, seq, o, seq)) ||
      failed(verifySameDim(*this, "heads", q, heads, o, heads)) ||
      failed(verifySameDim(*this, "seqlen_kv", k, seq, v, seq)) ||
      failed(verifySameDim(*this, "kv_heads", k, heads, v, heads)))
    return failure();
  if (ShapedType::isDynamic(getHeadDim()))
    return emitOpError() << "head_dim of q must be static";

  int64_t numHeads = q.type.getDimSize(heads),
          kvHeads = k.type.getDimSize(heads);
  if (!ShapedType::isDynamic(kvHeads) && kvHeads == 0)
    return emitOpError() << "kv_heads must be positive";
  if (!ShapedType::isDynamic(numHeads) && !ShapedType::isDynamic(kvHeads) &&
      numHeads % kvHeads != 0)
    return emitOpError() << "kv_heads must divide heads, got " << kvHeads
                         << " and " << numHeads;
  if (std::optional<APFloat> scale = getScale(); scale && !scale->isFinite())
    return emitOpError() << "scale must be finite";
  return getLse() ? verifyLse(*this, q, named("lse", getLse())) : success();
}
