//===- CombineBody.h - The body of a combine kernel in tile ops -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_COMBINEBODY_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_COMBINEBODY_H

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Target/KernelABI.h"

namespace mlir::gpu {
class GPUFuncOp;
}

namespace mlir::attn {

/// Rows and columns of O that a wave merges.
constexpr int64_t combineRows = flyattn::CombineArgs::rowsPerWorkgroup,
                  combineColumns = flyattn::CombineArgs::columnsPerWorkgroup;

/// The kernel's parameters: the fields of flyattn::CombineArgs, in its order.
SmallVector<Type> combineParameterTypes(CombineOp op);

/// Writes the data flow of one wave of `op`, which is a workgroup, into the
/// empty kernel.
void buildCombineBody(gpu::GPUFuncOp kernel, CombineOp op);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_COMBINEBODY_H
