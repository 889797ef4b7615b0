//===- KernelParameters.h - The parameters of a forward kernel ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_KERNELPARAMETERS_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_KERNELPARAMETERS_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

namespace mlir::attn {

/// Indices of the parameters: the fields of flyattn::ForwardArgs, in its order,
/// and of the partial form those of flyattn::PartialArgs.
namespace forward_kernel {
enum Parameter : unsigned {
  Q,
  K,
  V,
  O,
  Lse,
  SeqlenQ,
  SeqlenKv,
  HeadsPerKvHead,
  ScaleLog2,
  QSignFlip,
  WindowLeft,
  QStrides, ///< batch, head, seq
  KStrides = QStrides + 3,
  VStrides = KStrides + 3,
  OStrides = VStrides + 3,
  LseStrides = OStrides + 3, ///< batch, head
  WindowRight = LseStrides + 2,
  Splits,
  CuSeqlensQ,
  CuSeqlensKv,
  NumParameters,
  RowSums = NumParameters,
  SplitStrides, ///< parts of O, rows
  NumPartialParameters = SplitStrides + 2,
};
} // namespace forward_kernel

// Where the parameters begin that not every kernel has: the order of packed
// sequences, the sink, then what the region captures.
unsigned sequenceOrderParameter(ForwardOp op);
unsigned sinkParameter(ForwardOp op);
unsigned firstCaptureParameter(ForwardOp op);

SmallVector<Type> kernelParameterTypes(ForwardOp op);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_KERNELPARAMETERS_H
