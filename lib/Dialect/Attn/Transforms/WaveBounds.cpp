//===- WaveBounds.cpp - What values are over the waves of a workgroup -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WaveBounds.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;

Value attn::boundOverWaves(ImplicitLocOpBuilder &b, Value value, Bound bound) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return value;
  if (isa<gpu::SubgroupIdOp>(op)) {
    auto kernel = op->getParentOfType<gpu::GPUFuncOp>();
    std::optional<ArrayRef<int32_t>> block = kernel.getKnownBlockSize();
    if (bound == Bound::Greatest && !block)
      return nullptr;
    int64_t waves = block ? (*block)[0] / 64 : 0;
    return arith::ConstantIndexOp::create(b, bound == Bound::Least ? 0
                                                                   : waves - 1);
  }
  if (isa<gpu::ThreadIdOp, gpu::LaneIdOp>(op))
    return nullptr;
  if (op->getNumOperands() == 0)
    return value;

  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(boundOverWaves(b, operand, bound));
    if (!operands.back())
      return nullptr;
  }
  if (llvm::equal(operands, op->getOperands()))
    return value;
  // Only what grows with each operand that differs between waves.
  APInt factor;
  bool grows = isa<arith::AddIOp, arith::IndexCastOp>(op) ||
               (isa<arith::MulIOp>(op) &&
                matchPattern(op->getOperand(1), m_ConstantInt(&factor)) &&
                !factor.isNegative());
  if (!grows)
    return nullptr;
  IRMapping map;
  map.map(op->getOperands(), operands);
  return b.clone(*op, map)->getResult(0);
}
