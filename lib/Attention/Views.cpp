//===- Views.cpp - How far kernels reach in memory ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Views.h"

#include "flyattn/Runtime/NumericFormats.h"
#include "flyattn/Target/KernelABI.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace flyattn {

/// What offsets tell apart. Where a head dim leaves columns of a tile empty,
/// their upper half stands for what is beyond the view.
static uint64_t offsetsOf(const Problem &problem, Operand operand) {
  constexpr int64_t columnBlock = 64;
  bool leavesColumns = problem.headDimOf(operand) % columnBlock != 0;
  return uint64_t(1) << (leavesColumns ? 31 : 32);
}

/// Bytes from row to row.
static uint64_t rowStep(const Problem &problem, Operand operand) {
  return uint64_t(problem.stridesOf(operand).seq) *
         uint64_t(sizeOf(problem.dtype));
}

/// Schedules fetch tiles beyond the end and before row 0. Their offsets must
/// not come back into the view.
static bool isNear(const Problem &problem, Operand operand) {
  uint64_t rows = alignTo(uint64_t(problem.seqlenOf(operand)), maxTileRows);
  return SaturatingMultiply(rows + maxTileRows, rowStep(problem, operand)) <=
         offsetsOf(problem, operand);
}

bool needsFarViews(const Problem &problem) {
  return !all_of(kAllOperands,
                 [&](Operand operand) { return isNear(problem, operand); });
}

int64_t maxSeqStride(const Problem &problem, Operand operand) {
  return int64_t(offsetsOf(problem, operand)) / maxTileRows /
         sizeOf(problem.dtype);
}

bool groupFitsView(const Problem &problem, Operand operand) {
  OperandStrides strides = problem.stridesOf(operand);
  int64_t group = problem.heads / problem.kvHeads;
  double elements = double(strides.seq) * double(problem.seqlenQ) +
                    double(strides.head) * double(group);
  return double(sizeOf(problem.dtype)) * elements < double(INT32_MAX);
}

} // namespace flyattn
