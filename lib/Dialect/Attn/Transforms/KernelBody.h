//===- KernelBody.h - The body of a forward kernel in tile ops ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_KERNELBODY_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_KERNELBODY_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

namespace mlir::gpu {
class GPUFuncOp;
}

namespace mlir::attn {

/// Writes the data flow of one wave of `op` into the empty kernel. `ordered` is
/// the workgroup-order of attn-tile.
void buildKernelBody(gpu::GPUFuncOp kernel, ForwardOp op, bool ordered);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_KERNELBODY_H
