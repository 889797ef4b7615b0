//===- ScoreMath.h - Functions of scores in instructions ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SCOREMATH_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SCOREMATH_H

#include "Leaf.h"

namespace mlir::attn {

/// Whether the op is of the math dialect.
bool isMath(Operation *op);

/// The math op of one f32 operand, `x`, in instructions of the chip: absf, exp,
/// exp2, log, log2, tanh. Emits an error for any other.
FailureOr<Value> writeMath(Leaf &b, Operation *op, Value x);

/// tanh, to a few units in the last place, near 0 too.
Value writeTanh(Leaf &b, Value x);

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SCOREMATH_H
