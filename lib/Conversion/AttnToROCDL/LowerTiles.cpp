//===- LowerTiles.cpp - Lower tile ops to one chip's instructions ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Converts each kernel of a gpu.module from tiles to vectors of registers. The
// patterns are in Lower{Memory,Store,Registers,Softmax,ScoreMods,Partials,
// Clusters}.cpp, the LDS layouts in DmaSlots.cpp and RegisterSlots.cpp, single
// instructions in Leaf.cpp.

#include "ViewRows.h"

#include "flyattn/Conversion/AttnToROCDL/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNLOWERTILES
#include "flyattn/Conversion/AttnToROCDL/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

static LogicalResult convertTile(TileType tile, SmallVectorImpl<Type> &types) {
  auto blocks = [&](int64_t rows, int64_t columns) {
    return (tile.getRows() / rows) * (tile.getColumns() / columns);
  };
  Type element = tile.getElementType();
  switch (tile.getLayout()) {
  case TileLayout::MfmaA:
    types.append(blocks(32, 16), VectorType::get(8, element));
    return success();
  case TileLayout::MfmaB:
    types.append(blocks(16, 32), VectorType::get(8, element));
    return success();
  case TileLayout::MfmaC:
    types.append(blocks(32, 32), VectorType::get(16, element));
    return success();
  case TileLayout::Columns:
    types.append(blocks(1, 32), element);
    return success();
  }
  return failure();
}

TileTypeConverter::TileTypeConverter(const TileLowering &lowering) {
  addConversion([](Type type) { return type; });
  addConversion([](TileType tile, SmallVectorImpl<Type> &types) {
    return convertTile(tile, types);
  });
  addConversion([](ViewType view, SmallVectorImpl<Type> &types) {
    llvm::append_range(types, ViewRows::types(view));
    return success();
  });
  addConversion([](SlotType slot) {
    return LLVM::LLVMPointerType::get(slot.getContext(), 3);
  });
  addConversion([&lowering](InflightType type, SmallVectorImpl<Type> &types) {
    llvm::append_range(types, lowering.slots->inflightTypes(type));
    return success();
  });
}

static LogicalResult checkSlots(gpu::GPUFuncOp kernel, unsigned workItems,
                                const TileLowering &lowering) {
  WalkResult result = kernel.walk([&](AllocSlotOp op) {
    SlotType slot = op.getSlot().getType();
    if (lowering.slots->sharesOut(slot))
      return WalkResult::advance();
    op.emitOpError() << "a tile of " << slot.getRows() << " x "
                     << slot.getColumns() << " does not share out over "
                     << workItems << " work-items on " << lowering.chip.name;
    return WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return failure();
  auto config = kernel->getAttrOfType<ConfigAttr>("attn.config");
  if (config && config.getSlots() == 1 && lowering.slots->arrivesUnaided())
    return kernel.emitOpError()
           << "has one slot, but tiles reach LDS on " << lowering.chip.name
           << " while the one before is read; choose 2 slots";
  return success();
}

static LogicalResult lowerKernel(gpu::GPUFuncOp kernel,
                                 const flyattn::ChipInfo &chip,
                                 bool bf16Truncate, bool countRescales,
                                 bool padded) {
  std::optional<ArrayRef<int32_t>> block = kernel.getKnownBlockSize();
  if (!block)
    return kernel.emitOpError() << "tile ops need a known_block_size";
  unsigned workItems = (*block)[0];
  TileLowering lowering{chip, bf16Truncate, countRescales,
                        SlotAccess::create(chip, kernel, padded)};
  if (failed(checkSlots(kernel, workItems, lowering)))
    return failure();

  MLIRContext *context = kernel.getContext();
  TileTypeConverter converter(lowering);
  RewritePatternSet patterns(context);
  ConversionTarget target(*context);
  target.addIllegalDialect<AttnDialect>();
  populateMemoryPatterns(patterns, converter, lowering);
  populateStorePatterns(patterns, converter, lowering);
  populateRegisterPatterns(patterns, converter, lowering);
  populateSoftmaxPatterns(patterns, converter, lowering);
  populateScoreModPatterns(patterns, converter, lowering);
  populatePartialPatterns(patterns, converter, lowering);
  populateSchedulePatterns(patterns, converter, target);
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                       target);
  populateFunctionOpInterfaceTypeConversionPattern<gpu::GPUFuncOp>(patterns,
                                                                   converter);
  target
      .addLegalDialect<arith::ArithDialect, gpu::GPUDialect, LLVM::LLVMDialect,
                       ROCDL::ROCDLDialect, vector::VectorDialect>();
  target.addIllegalOp<gpu::SubgroupIdOp>();
  target.addDynamicallyLegalOp<gpu::GPUFuncOp>([&](gpu::GPUFuncOp op) {
    return converter.isSignatureLegal(op.getFunctionType());
  });
  if (failed(applyPartialConversion(kernel, target, std::move(patterns))))
    return failure();

  // One register file, all of it architectural, unless 256 registers are too
  // few: LLVM otherwise splits it and copies between the halves. And no
  // quieting of signalling NaNs, which costs LLVM's maximum an instruction for
  // each operand.
  OpBuilder b(context);
  auto config = kernel->getAttrOfType<ConfigAttr>("attn.config");
  SmallVector<Attribute> passthrough;
  if (!config || !config.getAgprs())
    passthrough.push_back(b.getStrArrayAttr({"amdgpu-agpr-alloc", "0"}));
  passthrough.push_back(b.getStrArrayAttr({"amdgpu-ieee", "false"}));
  kernel->removeAttr("attn.config");
  kernel->setAttr("passthrough", b.getArrayAttr(passthrough));
  return success();
}

namespace {
struct LowerTiles : attn::impl::AttnLowerTilesBase<LowerTiles> {
  using AttnLowerTilesBase::AttnLowerTilesBase;

  void runOnOperation() override {
    const flyattn::ChipInfo *info = flyattn::findChip(chip);
    if (!info) {
      getOperation().emitError() << "unknown chip '" << chip
                                 << "'; supported: " << flyattn::chipNames();
      return signalPassFailure();
    }
    SmallVector<gpu::GPUFuncOp> kernels(
        getOperation().getOps<gpu::GPUFuncOp>());
    for (gpu::GPUFuncOp kernel : kernels)
      if (failed(lowerKernel(kernel, *info, bf16Truncate, countRescales,
                             slotPadding)))
        return signalPassFailure();
  }
};
} // namespace
