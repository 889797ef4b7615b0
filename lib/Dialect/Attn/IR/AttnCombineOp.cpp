//===- AttnCombineOp.cpp - The shape contract of attn.combine -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreMods.h"

using namespace mlir;
using namespace mlir::attn;

void CombineOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  addMemoryEffects(*this, effects);
}

LogicalResult CombineOp::verify() {
  if (getOuts().empty() || getOuts().size() > 2)
    return emitOpError() << "outs must be o, or o and lse, got "
                         << getOuts().size();
  if (failed(verifyForm(*this)))
    return failure();
  auto named = [](StringRef name, Value value) {
    return Named{name, cast<ShapedType>(value.getType())};
  };
  Named o = named("o", getO());
  if (failed(verifyOperand(*this, o, isPacked())))
    return failure();
  if (isPacked() && getLayout() != Layout::BSHD)
    return emitOpError() << "packed sequences have the layout bshd";
  if (ShapedType::isDynamic(getHeadDim()))
    return emitOpError() << "head_dim of o must be static";
  QueryRows rows = QueryRows::of(*this, o);
  if (failed(verifyParts(*this, rows, o, named("parts", getParts()),
                         named("max", getMax()), named("sum", getSum()))))
    return failure();
  if (Value sink = getSink())
    if (failed(verifyPerHead(*this, rows, named("sink", sink),
                             /*contiguous=*/true)))
      return failure();
  return getLse() ? verifyLse(*this, rows, named("lse", getLse())) : success();
}
