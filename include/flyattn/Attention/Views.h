//===- Views.h - How far kernels reach in memory --------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel reads and writes the rows of one head of one batch, a view, through
// buffer resources with 32-bit byte offsets. As a rule there is one a view. Far
// kernels make one for each tile, which costs them scalar arithmetic.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_VIEWS_H
#define FLYATTN_ATTENTION_VIEWS_H

#include "flyattn/Attention/Problem.h"

namespace flyattn {

/// Whether 32-bit offsets do not reach all rows of each view.
bool needsFarViews(const Problem &problem);

/// Elements from row to row, at the most: a tile must be within 32-bit offsets.
int64_t maxSeqStride(const Problem &problem, Operand operand);

/// Whether 31-bit offsets reach the rows of all heads that read a KV head.
bool groupFitsView(const Problem &problem, Operand operand);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_VIEWS_H
