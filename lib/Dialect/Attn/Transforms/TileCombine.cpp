//===- TileCombine.cpp - Outline attn.combine as a kernel of tile ops -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CombineBody.h"
#include "Outline.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

using namespace mlir;
using namespace mlir::attn;

/// attn_combine_bf16_d128_lse, say.
static std::string kernelName(CombineOp op) {
  std::string name = "attn_combine_" + elementName(op.getElementType()).str() +
                     "_d" + std::to_string(op.getHeadDim());
  if (op.getSink())
    name += "_sink";
  return op.getLse() ? name + "_lse" : name;
}

/// The number of batches: packed sequences are one.
static Value batchOf(OperandArguments &arguments, CombineOp op) {
  return op.isPacked()
             ? arith::ConstantIndexOp::create(arguments.b, 1).getResult()
             : arguments.dim(op.getO(), 0);
}

/// In the order of flyattn::CombineArgs.
static SmallVector<Value> argumentsOf(OperandArguments &arguments,
                                      CombineOp op) {
  int64_t seq = op.getSeqDim(), head = op.getHeadDimIndex();
  int64_t batch = op.isPacked() ? -1 : 0;
  for (Value part : {op.getParts(), op.getMax(), op.getSum()})
    arguments.addOperand(part, {});
  arguments.addOperand(op.getO(), {batch, head, seq});
  if (Value lse = op.getLse()) {
    arguments.addOperand(lse, {batch, batch + 1});
  } else {
    arguments.addNullPointer();
    arguments.strides.append(2, arguments.constantI64(0));
  }
  SmallVector<Value> values = arguments.pointers;
  values.push_back(arguments.i32(arguments.dim(op.getParts(), 0)));
  values.push_back(arguments.i32(batchOf(arguments, op)));
  values.push_back(arguments.i32(arguments.dim(op.getO(), head)));
  values.push_back(arguments.i32(arguments.dim(op.getO(), seq)));
  llvm::append_range(values, arguments.strides);
  if (Value sink = op.getSink()) {
    OperandArguments behind(arguments.b, op.getLoc());
    behind.addOperand(sink, {});
    llvm::append_range(values, behind.pointers);
  }
  return values;
}

static void launchKernel(OpBuilder &builder, CombineOp op,
                         gpu::GPUFuncOp kernel) {
  OperandArguments arguments(builder, op.getLoc());
  ImplicitLocOpBuilder &b = arguments.b;
  SmallVector<Value> values = argumentsOf(arguments, op);
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  Value rows =
      arith::MulIOp::create(b, arguments.dim(op.getO(), op.getHeadDimIndex()),
                            arguments.dim(op.getO(), op.getSeqDim()));
  Value blocks = arith::CeilDivUIOp::create(b, rows, index(combineRows));
  gpu::KernelDim3 grid{blocks,
                       index(llvm::divideCeil(op.getHeadDim(), combineColumns)),
                       batchOf(arguments, op)};
  gpu::KernelDim3 block{index(64), index(1), index(1)};
  gpu::LaunchFuncOp::create(b, kernel, grid, block,
                            /*dynamicSharedMemorySize=*/Value(), values);
}

void attn::outlineCombine(OpBuilder &builder, SymbolTable &symbols,
                          CombineOp op) {
  builder.setInsertionPointToEnd(op->getParentOfType<ModuleOp>().getBody());
  gpu::GPUFuncOp kernel =
      createKernel(builder, symbols, op.getLoc(), kernelName(op),
                   combineParameterTypes(op), /*workItems=*/64);
  buildCombineBody(kernel, op);
  builder.setInsertionPoint(op);
  launchKernel(builder, op, kernel);
  op.erase();
}
