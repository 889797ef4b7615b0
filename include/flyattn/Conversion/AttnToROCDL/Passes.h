//===- Passes.h - From tile ops to a chip's own instructions --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_CONVERSION_ATTNTOROCDL_PASSES_H
#define FLYATTN_CONVERSION_ATTNTOROCDL_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::gpu {
class GPUModuleOp;
}

namespace mlir::attn {
#define GEN_PASS_DECL
#include "flyattn/Conversion/AttnToROCDL/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "flyattn/Conversion/AttnToROCDL/Passes.h.inc"
} // namespace mlir::attn

#endif // FLYATTN_CONVERSION_ATTNTOROCDL_PASSES_H
