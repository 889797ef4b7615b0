//===- ScoreMods.h - What changes scores, verified ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_IR_SCOREMODS_H
#define FLYATTN_LIB_DIALECT_ATTN_IR_SCOREMODS_H

#include "ShapeContract.h"

namespace mlir::attn {

/// f32, rank 1, one for each head of `q`; contiguous if it must be.
LogicalResult verifyPerHead(Operation *op, QueryRows rows, Named operand,
                            bool contiguous);

/// Bias and slopes.
LogicalResult verifyModOperands(ForwardOp op, QueryRows rows);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_IR_SCOREMODS_H
