//===- Outline.h - From an operator to the launch of a kernel -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_OUTLINE_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_OUTLINE_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::gpu {
class GPUFuncOp;
}

namespace mlir::attn {

/// An empty kernel in a gpu.module of its own.
gpu::GPUFuncOp createKernel(OpBuilder &builder, SymbolTable &symbols,
                            Location loc, StringRef name,
                            ArrayRef<Type> parameters, int64_t workItems);

/// "bf16" or "f16", for names of kernels.
StringRef elementName(Type element);

/// Computes kernel arguments at a launch from an op's memrefs.
struct OperandArguments {
  ImplicitLocOpBuilder b;
  SmallVector<Value> pointers, strides;

  OperandArguments(OpBuilder &builder, Location loc) : b(loc, builder) {}

  Value i32(Value index);
  Value i64(Value index);
  Value constantI64(int64_t value);
  Value dim(Value memref, int64_t index);
  /// Adds the address of element 0 and the strides of `dims`. A negative
  /// dimension is one that the operand does not have.
  void addOperand(Value memref, ArrayRef<int64_t> dims);
  void addNullPointer();
};

/// Replaces the op by a launch of a new kernel.
void outlineCombine(OpBuilder &builder, SymbolTable &symbols, CombineOp op);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_OUTLINE_H
