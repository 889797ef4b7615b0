//===- KernelParameters.cpp - The parameters of a forward kernel ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelParameters.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::attn;

unsigned attn::sequenceOrderParameter(ForwardOp op) {
  return op.isPartial() ? forward_kernel::NumPartialParameters
                        : forward_kernel::NumParameters;
}

unsigned attn::sinkParameter(ForwardOp op) {
  return sequenceOrderParameter(op) + (op.isPacked() ? 1 : 0);
}

unsigned attn::firstCaptureParameter(ForwardOp op) {
  return sinkParameter(op) + (op.getSink() ? 1 : 0);
}

/// Of one captured operand: a memref is a pointer and its strides.
static void addCaptureTypes(Type type, SmallVectorImpl<Type> &types) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref) {
    types.push_back(type);
    return;
  }
  types.push_back(LLVM::LLVMPointerType::get(type.getContext(), 1));
  types.append(memref.getRank(), IntegerType::get(type.getContext(), 64));
}

SmallVector<Type> attn::kernelParameterTypes(ForwardOp op) {
  MLIRContext *context = op.getContext();
  Builder b(context);
  SmallVector<Type> types(5, LLVM::LLVMPointerType::get(context, 1));
  types.append(3, b.getI32Type());
  types.push_back(b.getF32Type());
  types.append(2, b.getI32Type());
  types.append(14, b.getI64Type());
  types.append(2, b.getI32Type());
  types.append(2, LLVM::LLVMPointerType::get(context, 1));
  if (op.isPartial()) {
    types.push_back(LLVM::LLVMPointerType::get(context, 1));
    types.append(2, b.getI64Type());
  }
  assert(types.size() == sequenceOrderParameter(op));
  if (op.isPacked())
    types.push_back(LLVM::LLVMPointerType::get(context, 1));
  if (op.getSink())
    types.push_back(LLVM::LLVMPointerType::get(context, 1));
  for (Value operand : op.getCaptures())
    addCaptureTypes(operand.getType(), types);
  return types;
}
