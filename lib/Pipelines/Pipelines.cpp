//===- Pipelines.cpp - The pass pipelines ---------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Pipelines/Pipelines.h"

#include "flyattn/Conversion/AttnToROCDL/Passes.h"
#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Conversion/GPUToROCDL/GPUToROCDLPass.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/GPU/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

static void addCleanup(OpPassManager &pm) {
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
}

void flyattn::buildSelectConfigPipeline(OpPassManager &pm,
                                        const PipelineOptions &options) {
  attn::AttnSelectConfigOptions select;
  select.chip = options.chip;
  select.schedule = options.schedule;
  select.waves = options.waves;
  select.splits = options.splits;
  select.packGqa = options.packGqa;
  select.far = options.far;
  pm.addPass(attn::createAttnSelectConfig(select));
}

void flyattn::buildAttnToTilePipeline(OpPassManager &pm,
                                      const PipelineOptions &options) {
  buildSelectConfigPipeline(pm, options);
  pm.addPass(attn::createAttnExpandScoreMods());
  pm.addPass(attn::createAttnSplitKv());
  attn::AttnTileOptions tile;
  tile.workgroupOrder = options.without != "workgroup-order";
  pm.addPass(attn::createAttnTile(tile));
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(attn::createAttnSkipHiddenTiles());
  kernels.addPass(attn::createAttnSpecializeMasks());
  addCleanup(pm);
}

void flyattn::buildTileToSchedulePipeline(OpPassManager &pm,
                                          const PipelineOptions &options) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  attn::AttnDecomposeSoftmaxOptions softmax;
  if (options.without == "lazy-rescale")
    softmax.threshold = 0;
  kernels.addPass(attn::createAttnDecomposeSoftmax(softmax));
  kernels.addPass(createLoopInvariantCodeMotionPass());
  attn::AttnFormClustersOptions form;
  form.chip = options.chip;
  kernels.addPass(attn::createAttnFormClusters(form));
  kernels.addPass(attn::createAttnRotate());
  kernels.addPass(attn::createAttnDoubleBuffer());
  attn::AttnAllocateSlotsOptions allocate;
  allocate.chip = options.chip;
  allocate.slotPadding = options.without != "slot-padding";
  kernels.addPass(attn::createAttnAllocateSlots(allocate));
  addCleanup(kernels);
}

void flyattn::buildScheduleToROCDLPipeline(OpPassManager &pm,
                                           const PipelineOptions &options) {
  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  attn::AttnLowerTilesOptions lower;
  lower.chip = options.chip;
  lower.bf16Truncate = options.bf16Truncate;
  lower.countRescales = options.countRescales;
  lower.slotPadding = options.without != "slot-padding";
  kernels.addPass(attn::createAttnLowerTiles(lower));
  addCleanup(kernels);
  attn::AttnInterleaveOptions interleave;
  interleave.chip = options.chip;
  if (options.without != "interleave")
    kernels.addPass(attn::createAttnInterleave(interleave));
  attn::AttnLowerScheduleOptions schedule;
  schedule.anchors = options.without != "anchors";
  schedule.fences = options.without != "fences";
  schedule.stagger = options.without != "stagger";
  schedule.countedWaits = options.without != "counted-waits";
  if (options.without == "priority")
    schedule.priority = "none";
  kernels.addPass(attn::createAttnLowerSchedule(schedule));
  kernels.addPass(createLoopInvariantCodeMotionPass());
  addCleanup(kernels);
}

void flyattn::buildROCDLToLLVMPipeline(OpPassManager &pm,
                                       const PipelineOptions &options) {
  GpuROCDLAttachTargetOptions attach;
  attach.chip = options.chip;
  attach.optLevel = 3;
  pm.addPass(createGpuROCDLAttachTarget(attach));

  OpPassManager &kernels = pm.nest<gpu::GPUModuleOp>();
  kernels.addPass(createSCFToControlFlowPass());
  ConvertGpuOpsToROCDLOpsOptions rocdl;
  rocdl.chipset = options.chip;
  rocdl.indexBitwidth = 32;
  rocdl.runtime = gpu::amd::Runtime::HIP;
  kernels.addPass(createConvertGpuOpsToROCDLOps(rocdl));
  kernels.addPass(createConvertVectorToLLVMPass());
  addCleanup(kernels);
  kernels.addPass(createReconcileUnrealizedCastsPass());
}

void flyattn::buildAttnToLLVMPipeline(OpPassManager &pm,
                                      const PipelineOptions &options) {
  buildAttnToTilePipeline(pm, options);
  buildTileToSchedulePipeline(pm, options);
  buildScheduleToROCDLPipeline(pm, options);
  buildROCDLToLLVMPipeline(pm, options);
}
