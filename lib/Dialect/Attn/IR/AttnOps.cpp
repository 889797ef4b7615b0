//===- AttnOps.cpp - The shape contract of attn.forward -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreMods.h"

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
  addMemoryEffects(*this, effects);
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

LogicalResult ForwardOp::verify() {
  if (getOuts().empty() || getOuts().size() > 3)
    return emitOpError() << "outs must be o, or o and lse, or parts of o, max "
                            "and sum, got "
                         << getOuts().size();
  if (failed(verifyForm(*this)) || failed(verifySeqlens(*this)))
    return failure();

  auto named = [](StringRef name, Value value) {
    return Named{name, cast<ShapedType>(value.getType())};
  };
  Named q = named("q", getQ()), k = named("k", getK()), v = named("v", getV());
  SmallVector<Named> operands{q, k, v};
  if (!isPartial())
    operands.push_back(named("o", getO()));
  for (Named operand : operands) {
    if (failed(verifyOperand(*this, operand, isPacked())))
      return failure();
    Type type = operand.type.getElementType();
    if (type != getElementType())
      return emitOpError() << operand.name << " must have q's element type "
                           << getElementType() << ", got " << type;
  }

  int64_t seq = getSeqDim(), heads = getHeadDimIndex();
  int64_t headDim = q.type.getRank() - 1;
  if (failed(verifySameDim(*this, "head_dim", q, headDim, k, headDim)))
    return failure();
  for (Named other : ArrayRef(operands).drop_front())
    if (!isPacked() && failed(verifySameDim(*this, "batch", q, 0, other, 0)))
      return failure();
  if (!isPartial() && failed(verifySameDim(*this, "head_dim_v", v, headDim,
                                           operands[3], headDim)))
    return failure();
  if (!isPartial() &&
      (failed(verifySameDim(*this, "seqlen_q", q, seq, operands[3], seq)) ||
       failed(verifySameDim(*this, "heads", q, heads, operands[3], heads))))
    return failure();
  if (failed(verifySameDim(*this, "seqlen_kv", k, seq, v, seq)) ||
      failed(verifySameDim(*this, "kv_heads", k, heads, v, heads)))
    return failure();
  if (ShapedType::isDynamic(getHeadDim()))
    return emitOpError() << "head_dim of q must be static";
  if (ShapedType::isDynamic(getHeadDimV()))
    return emitOpError() << "head_dim_v of v must be static";

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
  QueryRows rows = QueryRows::of(*this, q);
  if (failed(verifyModOperands(*this, rows)))
    return failure();
  if (isPartial())
    return verifyParts(*this, rows, v, named("parts", getOuts()[0]),
                       named("max", getOuts()[1]), named("sum", getOuts()[2]));
  return getLse() ? verifyLse(*this, rows, named("lse", getLse())) : success();
}
