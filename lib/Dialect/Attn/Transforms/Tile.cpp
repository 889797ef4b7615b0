//===- Tile.cpp - Outline attn.forward as a kernel of tile ops ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Replaces attn.forward by a launch of a kernel whose body is the data flow of
// one wave. KernelBody.cpp writes that body; this file outlines and launches.

#include "KernelBody.h"

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"
#include "flyattn/Target/KernelABI.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNTILE
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// attn_fwd_bf16_d128_causal_lse, say: what is fixed in the kernel's code.
static std::string kernelName(ForwardOp op) {
  std::string name =
      op.getElementType().isBF16() ? "attn_fwd_bf16_d" : "attn_fwd_f16_d";
  name += std::to_string(op.getHeadDim());
  Attribute mask = op.getMaskAttr();
  if (isa_and_nonnull<WindowAttr>(mask))
    name += "_window";
  else if (auto causal = dyn_cast_or_null<CausalAttr>(mask))
    name += causal.getAlignment() == CausalAlignment::BottomRight
                ? "_causal"
                : "_causal_top_left";
  if (op.isPacked())
    name += "_varlen";
  if (op.getLse())
    name += "_lse";
  return name;
}

/// The empty kernel in a gpu.module of its own.
static gpu::GPUFuncOp createKernel(OpBuilder &builder, SymbolTable &symbols,
                                   ForwardOp op) {
  Location loc = op.getLoc();
  std::string name = kernelName(op);
  auto module = gpu::GPUModuleOp::create(builder, loc, name + "_module");
  symbols.insert(module);

  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(module.getBody());
  auto type = builder.getFunctionType(
      kernelParameterTypes(builder.getContext()), TypeRange());
  auto kernel = gpu::GPUFuncOp::create(builder, loc, name, type);
  kernel->setAttr(gpu::GPUDialect::getKernelFuncAttrName(),
                  builder.getUnitAttr());
  kernel->setAttr("attn.config", *op.getConfig());
  int32_t workItems = op.getConfig()->getWaves() * 64;
  kernel.setKnownBlockSizeAttr(builder.getDenseI32ArrayAttr({workItems, 1, 1}));
  return kernel;
}

namespace {
/// Computes the kernel's arguments at the launch from the op's memrefs.
struct LaunchArguments {
  ImplicitLocOpBuilder b;
  ForwardOp op;
  SmallVector<Value> pointers, strides;

  LaunchArguments(OpBuilder &builder, ForwardOp op)
      : b(op.getLoc(), builder), op(op) {}

  Value i32(Value index) {
    return arith::IndexCastOp::create(b, b.getI32Type(), index);
  }
  Value i64(Value index) {
    return arith::IndexCastOp::create(b, b.getI64Type(), index);
  }

  /// Adds the address of element 0 and the strides of `dims`. A negative
  /// dimension is one that the operand does not have.
  void addOperand(Value memref, ArrayRef<int64_t> dims) {
    auto type = cast<MemRefType>(memref.getType());
    auto metadata = memref::ExtractStridedMetadataOp::create(b, memref);
    Value base = i64(memref::ExtractAlignedPointerAsIndexOp::create(b, memref));
    Value bytes = arith::ConstantIntOp::create(
        b, b.getI64Type(), type.getElementTypeBitWidth() / 8);
    Value offset = arith::MulIOp::create(b, i64(metadata.getOffset()), bytes);
    Value address = arith::AddIOp::create(b, base, offset);
    pointers.push_back(LLVM::IntToPtrOp::create(
        b, LLVM::LLVMPointerType::get(b.getContext(), 1), address));
    for (int64_t dim : dims)
      strides.push_back(
          dim < 0
              ? arith::ConstantIntOp::create(b, b.getI64Type(), 0).getResult()
              : i64(metadata.getStrides()[dim]));
  }

  void addNullPointer() {
    auto pointer = LLVM::LLVMPointerType::get(b.getContext(), 1);
    pointers.push_back(LLVM::ZeroOp::create(b, pointer));
  }

  void addMissingLse() {
    addNullPointer();
    Value zero = arith::ConstantIntOp::create(b, b.getI64Type(), 0);
    strides.append({zero, zero});
  }

  SmallVector<Value> build();
};
} // namespace

/// In the order of flyattn::ForwardArgs.
SmallVector<Value> LaunchArguments::build() {
  int64_t seq = op.getSeqDim(), head = op.getHeadDimIndex();
  int64_t batch = op.isPacked() ? -1 : 0;
  for (Value operand : {op.getQ(), op.getK(), op.getV(), op.getO()})
    addOperand(operand, {batch, head, seq});
  if (Value lse = op.getLse())
    addOperand(lse, {batch, batch + 1});
  else
    addMissingLse();

  auto dim = [&](Value memref, int64_t index) -> Value {
    return memref::DimOp::create(b, memref, index);
  };
  Value ratio =
      arith::DivUIOp::create(b, dim(op.getQ(), head), dim(op.getK(), head));
  auto scale = flyattn::EncodedScale::of(op.getScaleOrDefault());
  SmallVector<Value> arguments;
  std::swap(arguments, pointers);
  arguments.push_back(i32(dim(op.getQ(), seq)));
  arguments.push_back(i32(dim(op.getK(), seq)));
  arguments.push_back(i32(ratio));
  arguments.push_back(
      arith::ConstantOp::create(b, b.getF32FloatAttr(scale.scaleLog2)));
  auto constant = [&](int32_t value) -> Value {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  };
  arguments.push_back(constant(static_cast<int32_t>(scale.qSignFlip)));
  auto window = dyn_cast_or_null<WindowAttr>(op.getMaskAttr());
  arguments.push_back(constant(window ? window.getLeft() : -1));
  llvm::append_range(arguments, strides);
  arguments.push_back(constant(window ? window.getRight() : -1));
  arguments.push_back(constant(0));
  for (Value seqlens : {op.getCuSeqlensQ(), op.getCuSeqlensKv()})
    if (seqlens)
      addOperand(seqlens, {});
    else
      addNullPointer();
  llvm::append_range(arguments, pointers);
  return arguments;
}

static void launchKernel(OpBuilder &builder, ForwardOp op,
                         gpu::GPUFuncOp kernel) {
  ImplicitLocOpBuilder b(op.getLoc(), builder);
  ConfigAttr config = *op.getConfig();
  SmallVector<Value> arguments = LaunchArguments(builder, op).build();
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(b, value);
  };
  Value rows = op.isPacked()
                   ? op.getMaxSeqlenQ()
                   : memref::DimOp::create(b, op.getQ(), op.getSeqDim());
  Value batch =
      op.isPacked()
          ? arith::SubIOp::create(
                b, memref::DimOp::create(b, op.getCuSeqlensQ(), 0), index(1))
                .getResult()
          : memref::DimOp::create(b, op.getQ(), 0);
  Value blocks = arith::CeilDivUIOp::create(
      b, rows, index(config.getWaves() * config.getRowsPerWave()));
  gpu::KernelDim3 grid{
      memref::DimOp::create(b, op.getQ(), op.getHeadDimIndex()), blocks, batch};
  gpu::KernelDim3 block{index(config.getWaves() * 64), index(1), index(1)};
  gpu::LaunchFuncOp::create(b, kernel, grid, block,
                            /*dynamicSharedMemorySize=*/Value(), arguments);
}

namespace {
struct Tile : attn::impl::AttnTileBase<Tile> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    OpBuilder builder(&getContext());

    SmallVector<ForwardOp> ops;
    module.walk([&](ForwardOp op) { ops.push_back(op); });
    for (ForwardOp op : ops) {
      if (failed(checkTileable(op)))
        return signalPassFailure();
      builder.setInsertionPointToEnd(module.getBody());
      gpu::GPUFuncOp kernel = createKernel(builder, symbols, op);
      buildKernelBody(kernel, op);
      builder.setInsertionPoint(op);
      launchKernel(builder, op, kernel);
      op.erase();
    }
    if (!ops.empty())
      module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                      builder.getUnitAttr());
  }

  static LogicalResult checkTileable(ForwardOp op) {
    if (!op.getConfig())
      return op.emitOpError() << "has no configuration; run "
                                 "--attn-select-config first";
    if (!isa<MemRefType>(op.getQ().getType()))
      return op.emitOpError() << "is on tensors; run "
                                 "--one-shot-bufferize first";
    if (op.getHeadDim() % 64 != 0)
      return op.emitOpError()
             << "head_dim must be a multiple of 64, got " << op.getHeadDim();
    return success();
  }
};
} // namespace
