//===- Register.cpp - Registration of dialects, passes and pipelines ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Conversion/AttnToROCDL/Passes.h"
#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"
#include "flyattn/Pipelines/Pipelines.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVM/ROCDL/Target.h"

using namespace mlir;

void flyattn::registerDialects(DialectRegistry &registry) {
  registry.insert<arith::ArithDialect, attn::AttnDialect, func::FuncDialect,
                  gpu::GPUDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, ROCDL::ROCDLDialect, scf::SCFDialect,
                  vector::VectorDialect>();
  attn::registerBufferizableOpInterfaceModels(registry);
  ROCDL::registerROCDLTargetInterfaceExternalModels(registry);
  arith::registerConvertArithToLLVMInterface(registry);
  cf::registerConvertControlFlowToLLVMInterface(registry);
  vector::registerConvertVectorToLLVMInterface(registry);
}

/// One pipeline from attn.forward to the end of `stages`.
using Stage = void (*)(OpPassManager &, const flyattn::PipelineOptions &);

template <Stage... stages>
static void registerPipeline(StringRef name, StringRef description) {
  PassPipelineRegistration<flyattn::PipelineOptions>(
      name, description,
      [](OpPassManager &pm, const flyattn::PipelineOptions &options) {
        (stages(pm, options), ...);
      });
}

void flyattn::registerPassesAndPipelines() {
  attn::registerAttnTransformsPasses();
  attn::registerAttnToROCDLPasses();
  registerPipeline<buildAttnToTilePipeline>(
      "attn-to-tile", "attn.forward to kernels of tile ops");
  registerPipeline<buildAttnToTilePipeline, buildTileToSchedulePipeline>(
      "attn-to-schedule", "attn.forward to scheduled kernels of tile ops");
  registerPipeline<buildAttnToTilePipeline, buildTileToSchedulePipeline,
                   buildScheduleToROCDLPipeline>(
      "attn-to-rocdl", "attn.forward to one chip's instructions");
  registerPipeline<buildAttnToLLVMPipeline>("attn-to-llvm",
                                            "attn.forward to the LLVM dialect");
}
