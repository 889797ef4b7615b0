//===- SinkScalars.h - Compute addresses where they are used ----*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SINKSCALARS_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SINKSCALARS_H

#include "mlir/IR/Block.h"

namespace mlir::attn {

/// Moves each pure op before `end` to where it is first used in the block, or
/// to `end`: what comes first then waits for nothing but its own operands.
void sinkScalars(Block *block, Operation *end);

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SINKSCALARS_H
