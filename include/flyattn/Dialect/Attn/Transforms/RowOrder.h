//===- RowOrder.h - In which order rows have their turn -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_TRANSFORMS_ROWORDER_H
#define FLYATTN_DIALECT_ATTN_TRANSFORMS_ROWORDER_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

namespace mlir::attn {

/// Whether the last rows see most of KV, so that the kernel's grid begins with
/// them: `lastRowsFirst` of flyattn::rowBlockOf.
bool takesLastRowsFirst(ForwardOp op);

} // namespace mlir::attn

#endif // FLYATTN_DIALECT_ATTN_TRANSFORMS_ROWORDER_H
