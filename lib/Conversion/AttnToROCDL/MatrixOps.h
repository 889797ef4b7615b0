//===- MatrixOps.h - Matrix instructions among rocdl ops --------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_MATRIXOPS_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_MATRIXOPS_H

#include "mlir/IR/Operation.h"

namespace mlir::attn {

/// One op for each MFMA instruction; they share nothing but their prefix.
inline bool isMatrixOp(Operation *op) {
  return op->getName().getStringRef().starts_with("rocdl.mfma.");
}

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_MATRIXOPS_H
