//===- ScoreMath.cpp - Functions of scores in instructions ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::attn;

static constexpr float log2e = 1.44269504088896340736f,
                       ln2 = 0.69314718055994530942f;

bool attn::isMath(Operation *op) {
  return isa_and_nonnull<math::MathDialect>(op->getDialect());
}

Value attn::writeTanh(Leaf &b, Value x) {
  auto fma = [&](Value a, Value c, Value d) -> Value {
    return LLVM::FMAOp::create(b, a, c, d);
  };
  Value size = LLVM::FAbsOp::create(b, x);
  // (1 - e) / (1 + e), e = exp(-2 |x|), loses the last places of small x to the
  // subtraction.
  Value e =
      b.exp2(arith::MulFOp::create(b, size, b.f32(-2 * log2e)).getResult());
  Value one = b.f32(1.0f);
  Value below = arith::SubFOp::create(b, one, e);
  Value above = arith::AddFOp::create(b, one, e);
  Value far = arith::MulFOp::create(b, below, b.reciprocal(above));
  far = LLVM::CopySignOp::create(b, far, x);
  // Up to 1/4 the series to x^9 is exact to 1e-8 of the value.
  Value square = arith::MulFOp::create(b, x, x);
  Value series = fma(square, b.f32(62.0f / 2835), b.f32(-17.0f / 315));
  series = fma(series, square, b.f32(2.0f / 15));
  series = fma(series, square, b.f32(-1.0f / 3));
  Value cube = arith::MulFOp::create(b, square, x);
  Value near = fma(series, cube, x);
  Value isNear =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, size, b.f32(0.25f));
  return arith::SelectOp::create(b, isNear, near, far);
}

FailureOr<Value> attn::writeMath(Leaf &b, Operation *op, Value x) {
  auto scaled = [&](Value value, float factor) -> Value {
    return arith::MulFOp::create(b, value, b.f32(factor));
  };
  if (op->getResult(0).getType().isF32() && op->getNumOperands() == 1) {
    if (isa<math::AbsFOp>(op))
      return Value(LLVM::FAbsOp::create(b, x));
    if (isa<math::Exp2Op>(op))
      return b.exp2(x);
    if (isa<math::ExpOp>(op))
      return b.exp2(scaled(x, log2e));
    if (isa<math::Log2Op>(op))
      return b.log2(x);
    if (isa<math::LogOp>(op))
      return scaled(b.log2(x), ln2);
    if (isa<math::TanhOp>(op))
      return writeTanh(b, x);
  }
  return op->emitOpError() << "has no instructions here; on f32 there are "
                              "math.absf, exp, exp2, log, log2 and tanh";
}
