//===- Outline.cpp - From an operator to the launch of a kernel -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Outline.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::attn;

gpu::GPUFuncOp attn::createKernel(OpBuilder &builder, SymbolTable &symbols,
                                  Location loc, StringRef name,
                                  ArrayRef<Type> parameters,
                                  int64_t workItems) {
  auto module =
      gpu::GPUModuleOp::create(builder, loc, (name + "_module").str());
  symbols.insert(module);

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(module.getBody());
  auto kernel = gpu::GPUFuncOp::create(
      builder, loc, name, builder.getFunctionType(parameters, TypeRange()));
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                  builder.getUnitAttr());
  kernel.setKnownBlockSizeAttr(
      builder.getDenseI32ArrayAttr({int32_t(workItems), 1, 1}));
  return kernel;
}

StringRef attn::elementName(Type element) {
  return element.isBF16() ? "bf16" : element.isF16() ? "f16" : "f32";
}

Value OperandArguments::i32(Value index) {
  return arith::IndexCastOp::create(b, b.getI32Type(), index);
}

Value OperandArguments::i64(Value index) {
  return arith::IndexCastOp::create(b, b.getI64Type(), index);
}

Value OperandArguments::constantI64(int64_t value) {
  return arith::ConstantIntOp::create(b, b.getI64Type(), value);
}

Value OperandArguments::dim(Value memref, int64_t index) {
  return memref::DimOp::create(b, memref, index);
}

void OperandArguments::addOperand(Value memref, ArrayRef<int64_t> dims) {
  auto type = cast<MemRefType>(memref.getType());
  auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
  Value base = i64(memref::ExtractAlignedPointerAsIndexOp::create(b, memref));
  Value bytes = constantI64(type.getElementTypeBitWidth() / 8);
  Value offset = arith::MulIOp::create(b, i64(metadata.getOffset()), bytes);
  Value address = arith::AddIOp::create(b, base, offset);
  pointers.push_back(LLVM::IntToPtrOp::create(
      b, LLVM::LLVMPointerType::get(b.getContext(), 1), address));
  for (int64_t dim : dims)
    strides.push_back(dim < 0 ? constantI64(0)
                              : i64(metadata.getStrides()[dim]));
}

void OperandArguments::addNullPointer() {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), 1);
  pointers.push_back(LLVM::ZeroOp::create(b, pointer));
}
