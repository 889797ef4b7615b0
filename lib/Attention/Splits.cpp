//===- Splits.cpp - Into how many parts KV is split -----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Splits.h"

#include "flyattn/Runtime/NumericFormats.h"
#include "flyattn/Target/ChipInfo.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace llvm;

namespace flyattn {

int64_t kvTiles(const Problem &problem, const KernelConfig &config) {
  return int64_t(
      divideCeil(uint64_t(problem.seqlenKv), uint64_t(config.kvTile)));
}

/// Rows of O in all.
static uint64_t rowsOf(const Problem &problem) {
  return uint64_t((problem.packed() ? 1 : problem.batch) * problem.heads *
                  problem.totalRowsOf(Operand::O));
}

uint64_t workspaceBytes(const Problem &problem, int64_t splits) {
  if (splits <= 1)
    return 0;
  return uint64_t(splits) * rowsOf(problem) *
         uint64_t(problem.headDimOfV() + 2) * sizeof(float);
}

uint64_t combineViewBytes(const Problem &problem) {
  OperandStrides strides = problem.stridesOf(Operand::O);
  uint64_t rows = uint64_t(problem.totalRowsOf(Operand::O));
  uint64_t heads = uint64_t(problem.heads),
           dim = uint64_t(problem.headDimOfV());
  uint64_t o =
      uint64_t(sizeOf(problem.dtype)) *
      (rows * uint64_t(strides.seq) + (heads - 1) * uint64_t(strides.head));
  return std::max(o, rows * heads * dim * sizeof(float));
}

} // namespace flyattn
