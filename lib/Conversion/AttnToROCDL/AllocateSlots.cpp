//===- AllocateSlots.cpp - Give LDS slots their places --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SlotAccess.h"

#include "flyattn/Conversion/AttnToROCDL/Passes.h"

#include "mlir/Interfaces/LoopLikeInterface.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNALLOCATESLOTS
#include "flyattn/Conversion/AttnToROCDL/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// The one pipeline in which a slot is used, or null.
static PipelineOp pipelineOf(AllocSlotOp slot) {
  PipelineOp only;
  for (Operation *user : slot->getUsers()) {
    auto pipeline = user->getParentOfType<PipelineOp>();
    if (!pipeline || (only && only != pipeline))
      return {};
    only = pipeline;
  }
  return only;
}

/// Is every use of `slot` behind the end of the pipeline, where all waves are
/// through with it?
static bool isUsedBehind(AllocSlotOp slot, PipelineOp pipeline) {
  return llvm::all_of(slot->getUsers(), [&](Operation *user) {
    Operation *before = user->getBlock()->findAncestorOpInBlock(*pipeline);
    return before && before != user && before->isBeforeInBlock(user) &&
           !user->getParentOfType<LoopLikeOpInterface>();
  });
}

/// Lets a slot take the place of an earlier one.
static void shareSlots(gpu::GPUFuncOp kernel) {
  SmallVector<AllocSlotOp> slots, places;
  kernel.walk([&](AllocSlotOp slot) { slots.push_back(slot); });
  for (AllocSlotOp slot : slots) {
    auto place = llvm::find_if(places, [&](AllocSlotOp earlier) {
      PipelineOp pipeline = pipelineOf(earlier);
      return earlier.getSlot().getType() == slot.getSlot().getType() &&
             earlier->getBlock() == slot->getBlock() && pipeline &&
             isUsedBehind(slot, pipeline);
    });
    if (place == places.end()) {
      places.push_back(slot);
    } else {
      slot.replaceAllUsesWith(place->getSlot());
      slot.erase();
    }
  }
}

/// Does the slot only make loads and stores faster? Then they do without it.
static bool giveUp(AllocSlotOp slot) {
  if (!llvm::all_of(slot->getUsers(), llvm::IsaPred<LoadOp, StoreOp>))
    return false;
  for (Operation *user : llvm::make_early_inc_range(slot->getUsers()))
    if (auto load = dyn_cast<LoadOp>(user)) {
      load.getSlotMutable().clear();
      load.getSlotRowMutable().clear();
    } else {
      cast<StoreOp>(user).getSlotMutable().clear();
      cast<StoreOp>(user).getSlotRowMutable().clear();
    }
  slot.erase();
  return true;
}

static LogicalResult fitSlots(gpu::GPUFuncOp kernel,
                              const flyattn::ChipInfo &chip, bool padded) {
  if (!kernel.getKnownBlockSize())
    return kernel.emitOpError() << "slots need a known_block_size";
  std::unique_ptr<SlotAccess> access = SlotAccess::create(chip, kernel, padded);
  int64_t total = 0;
  SmallVector<AllocSlotOp> slots;
  kernel.walk([&](AllocSlotOp op) { slots.push_back(op); });
  for (AllocSlotOp slot : slots)
    total += access->bytes(slot.getSlot().getType());
  for (AllocSlotOp slot : slots) {
    if (total <= chip.ldsBytes)
      return success();
    int64_t bytes = access->bytes(slot.getSlot().getType());
    if (giveUp(slot))
      total -= bytes;
  }
  if (total <= chip.ldsBytes)
    return success();
  return kernel.emitOpError()
         << "needs " << total << " bytes of LDS, " << chip.name << " has "
         << chip.ldsBytes << "; choose a smaller kv_tile";
}

namespace {
struct AllocateSlots : attn::impl::AttnAllocateSlotsBase<AllocateSlots> {
  using AttnAllocateSlotsBase::AttnAllocateSlotsBase;

  void runOnOperation() override {
    const flyattn::ChipInfo *info = flyattn::findChip(chip);
    if (!info) {
      getOperation().emitError() << "unknown chip '" << chip
                                 << "'; supported: " << flyattn::chipNames();
      return signalPassFailure();
    }
    for (auto kernel : getOperation().getOps<gpu::GPUFuncOp>()) {
      shareSlots(kernel);
      if (failed(fitSlots(kernel, *info, slotPadding)))
        return signalPassFailure();
    }
  }
};
} // namespace
