//===- RowStaging.h - Q and O through LDS -----------------------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_ROWSTAGING_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_ROWSTAGING_H

#include "ScheduleRecipes.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::attn {

/// Brings `q`, which `pipeline` reads, and what the kernel stores through LDS,
/// as `recipe` says; the parts of Q that it has times for are written at `b`'s
/// place, the begin of the pipeline. Rows that do not fill the columns of a
/// slot, and grouped ones, stay as they are.
void stageRows(ImplicitLocOpBuilder &b, PipelineOp pipeline, Value q,
               unsigned waves, const ScheduleRecipe &recipe);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_ROWSTAGING_H
