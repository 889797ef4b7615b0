//===- Tile.cpp - Outline attn.forward as a kernel of tile ops ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Replaces attn.forward by a launch of a kernel whose body is the data flow of
// one wave. KernelBody.cpp writes that body; this file outlines and launches.
// attn.combine goes the same way in TileCombine.cpp and CombineBody.cpp.

#include "KernelBody.h"
#include "KernelParameters.h"
#include "Outline.h"

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

/// attn_fwd_bf16_d128_causal_lse or attn_fwd_f16_d192x128, say: what is fixed
/// in the kernel's code.
static std::string kernelName(ForwardOp op) {
  std::string name = "attn_fwd_" + elementName(op.getElementType()).str() +
                     "_d" + std::to_string(op.getHeadDim());
  if (op.getHeadDimV() != op.getHeadDim())
    name += "x" + std::to_string(op.getHeadDimV());
  Attribute mask = op.getMaskAttr();
  if (isa_and_nonnull<WindowAttr>(mask))
    name += "_window";
  else if (isa_and_nonnull<ChunkedAttr>(mask))
    name += "_chunked";
  else if (auto causal = dyn_cast_or_null<CausalAttr>(mask))
    name += causal.getAlignment() == CausalAlignment::BottomRight
                ? "_causal"
                : "_causal_top_left";
  if (!op.getScoreMod().empty())
    name += "_score_mod";
  if (op.getSink())
    name += "_sink";
  if (op.isPacked())
    name += "_varlen";
  if (op.getConfig()->getPackGqa())
    name += "_gqa";
  if (op.getConfig()->getFar())
    name += "_far";
  if (op.isPartial())
    name += "_split";
  if (op.getLse())
    name += "_lse";
  return name;
}

/// The empty kernel.
static gpu::GPUFuncOp createKernel(OpBuilder &builder, SymbolTable &symbols,
                                   ForwardOp op) {
  gpu::GPUFuncOp kernel =
      createKernel(builder, symbols, op.getLoc(), kernelName(op),
                   kernelParameterTypes(op), op.getConfig()->getWaves() * 64);
  kernel->setAttr("attn.config", *op.getConfig());
  return kernel;
}

namespace {
/// Computes the kernel's arguments at the launch from the op's memrefs.
struct LaunchArguments : OperandArguments {
  ForwardOp op;

  LaunchArguments(OpBuilder &builder, ForwardOp op)
      : OperandArguments(builder, op.getLoc()), op(op) {}

  void addMissingLse() {
    addNullPointer();
    strides.append(2, constantI64(0));
  }
  void addOutputs();
  void addCaptures(SmallVectorImpl<Value> &arguments);
  SmallVector<Value> build();
};
} // namespace

/// O and the LSE, or the parts of O and the maxima.
void LaunchArguments::addOutputs() {
  int64_t seq = op.getSeqDim(), head = op.getHeadDimIndex();
  int64_t batch = op.isPacked() ? -1 : 0;
  if (op.isPartial()) {
    int64_t partHead = op.isPacked() ? 1 : 2;
    int64_t partBatch = op.isPacked() ? -1 : 1;
    addOperand(op.getOuts()[0], {partBatch, partHead, partHead + 1});
    addOperand(op.getOuts()[1], {partBatch, partHead});
    return;
  }
  addOperand(op.getO(), {batch, head, seq});
  if (Value lse = op.getLse())
    addOperand(lse, {batch, batch + 1});
  else
    addMissingLse();
}

/// What stands behind the fixed arguments.
void LaunchArguments::addCaptures(SmallVectorImpl<Value> &arguments) {
  auto add = [&](Value operand, bool withStrides) {
    auto memref = dyn_cast<MemRefType>(operand.getType());
    if (!memref) {
      arguments.push_back(operand);
      return;
    }
    OperandArguments captured(b, op.getLoc());
    captured.addOperand(operand, llvm::to_vector(llvm::seq<int64_t>(
                                     0, withStrides ? memref.getRank() : 0)));
    llvm::append_range(arguments, captured.pointers);
    llvm::append_range(arguments, captured.strides);
  };
  if (op.isPacked()) { // the lengths are not known: the sequences in order
    OperandArguments order(b, op.getLoc());
    order.addNullPointer();
    llvm::append_range(arguments, order.pointers);
  }
  if (Value sink = op.getSink())
    add(sink, /*withStrides=*/false);
  for (Value operand : op.getCaptures())
    add(operand, /*withStrides=*/true);
}

/// In the order of flyattn::ForwardArgs and flyattn::PartialArgs.
SmallVector<Value> LaunchArguments::build() {
  int64_t seq = op.getSeqDim(), head = op.getHeadDimIndex();
  int64_t batch = op.isPacked() ? -1 : 0;
  for (Value operand : {op.getQ(), op.getK(), op.getV()})
    addOperand(operand, {batch, head, seq});
  addOutputs();

  Value ratio =
      arith::DivUIOp::create(b, dim(op.getQ(), head), dim(op.getK(), head));
  auto scale = flyattn::EncodedScale::of(
      op.getScaleOrDefault(), op.getElementType().getIntOrFloatBitWidth());
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
  auto chunked = dyn_cast_or_null<ChunkedAttr>(op.getMaskAttr());
  arguments.push_back(constant(window    ? window.getLeft()
                               : chunked ? chunked.getSize()
                                         : -1));
  llvm::append_range(arguments, strides);
  arguments.push_back(constant(window ? window.getRight() : -1));
  arguments.push_back(op.isPartial() ? i32(dim(op.getOuts()[0], 0))
                                     : constant(0));
  for (Value seqlens : {op.getCuSeqlensQ(), op.getCuSeqlensKv()})
    if (seqlens)
      addOperand(seqlens, {});
    else
      addNullPointer();
  llvm::append_range(arguments, pointers);
  if (op.isPartial()) {
    OperandArguments parts(b, op.getLoc());
    parts.addOperand(op.getOuts()[2], {});
    parts.addOperand(op.getOuts()[0], {0});
    parts.addOperand(op.getOuts()[1], {0});
    arguments.push_back(parts.pointers.front());
    llvm::append_range(arguments, parts.strides);
  }
  addCaptures(arguments);
  return arguments;
}

static void launchKernel(OpBuilder &builder, ForwardOp op,
                         gpu::GPUFuncOp kernel, bool ordered) {
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
  auto dim = [&](Value memref, int64_t which) -> Value {
    return memref::DimOp::create(b, memref, which);
  };
  Value heads = dim(op.getQ(), op.getHeadDimIndex());
  if (config.getPackGqa()) {
    Value kvHeads = dim(op.getK(), op.getHeadDimIndex());
    rows = arith::MulIOp::create(
        b, rows, arith::DivUIOp::create(b, heads, kvHeads).getResult());
    heads = kvHeads;
  }
  if (op.isPartial())
    batch = arith::MulIOp::create(b, batch, dim(op.getOuts()[0], 0));
  Value blocks = arith::CeilDivUIOp::create(
      b, rows, index(config.getWaves() * config.getRowsPerWave()));
  gpu::KernelDim3 grid{heads, blocks, batch};
  if (!ordered)
    std::swap(grid.x, grid.y);
  gpu::KernelDim3 block{index(config.getWaves() * 64), index(1), index(1)};
  gpu::LaunchFuncOp::create(b, kernel, grid, block,
                            /*dynamicSharedMemorySize=*/Value(), arguments);
}

namespace {
struct Tile : attn::impl::AttnTileBase<Tile> {
  using AttnTileBase::AttnTileBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    OpBuilder builder(&getContext());

    SmallVector<ForwardOp> ops;
    SmallVector<CombineOp> combines;
    module.walk([&](ForwardOp op) { ops.push_back(op); });
    module.walk([&](CombineOp op) { combines.push_back(op); });
    for (ForwardOp op : ops) {
      if (failed(checkTileable(op)))
        return signalPassFailure();
      builder.setInsertionPointToEnd(module.getBody());
      gpu::GPUFuncOp kernel = createKernel(builder, symbols, op);
      buildKernelBody(kernel, op, workgroupOrder);
      builder.setInsertionPoint(op);
      launchKernel(builder, op, kernel, workgroupOrder);
      op.erase();
    }
    for (CombineOp op : combines) {
      if (failed(checkTileable(op)))
        return signalPassFailure();
      outlineCombine(builder, symbols, op);
    }
    if (!ops.empty() || !combines.empty())
      module->setAttr(gpu::GPUDialect::getContainerModuleAttrName(),
                      builder.getUnitAttr());
  }

  static LogicalResult checkTileable(ForwardOp op) {
    if (!op.getConfig())
      return op.emitOpError() << "has no configuration; run "
                                 "--attn-select-config first";
    if (op.getConfig()->getSplits() > 1 && !op.isPartial())
      return op.emitOpError() << "has more than one split; run "
                                 "--attn-split-kv first";
    if (op.modifiesBeyondScoreMod())
      return op.emitOpError() << "modifies scores by more than its score_mod; "
                                 "run --attn-expand-score-mods first";
    if (failed(checkHeadDim(op, "head_dim", op.getHeadDim())))
      return failure();
    return checkOperands(op, op.getHeadDimV());
  }

  static LogicalResult checkTileable(CombineOp op) {
    return checkOperands(op, op.getHeadDim());
  }

  template <typename OpT>
  static LogicalResult checkOperands(OpT op, int64_t headDimV) {
    if (!isa<MemRefType>(op.getO().getType()))
      return op.emitOpError() << "is on tensors; run "
                                 "--one-shot-bufferize first";
    return checkHeadDim(op, "head_dim_v", headDimV);
  }

  static LogicalResult checkHeadDim(Operation *op, StringRef name,
                                    int64_t headDim) {
    if (headDim > 0 && headDim % 8 == 0)
      return success();
    return op->emitOpError()
           << name << " must be a positive multiple of 8, got " << headDim;
  }
};
} // namespace
