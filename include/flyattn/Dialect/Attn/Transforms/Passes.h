//===- Passes.h - Passes on the attn dialect ------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_TRANSFORMS_PASSES_H
#define FLYATTN_DIALECT_ATTN_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class ModuleOp;
namespace gpu {
class GPUModuleOp;
}
} // namespace mlir

namespace mlir::attn {
#define GEN_PASS_DECL
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

#endif // FLYATTN_DIALECT_ATTN_TRANSFORMS_PASSES_H
