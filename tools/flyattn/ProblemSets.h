//===- ProblemSets.h - Lists of problems to run ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_PROBLEMSETS_H
#define FLYATTN_TOOLS_PROBLEMSETS_H

#include "flyattn/Attention/Problem.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <vector>

namespace flyattn::driver {

/// The set of bench's comparison with foreign kernels.
inline constexpr llvm::StringLiteral kPerfSet = "perf";
/// The set that compares masks and packed sequences with the dense problem that
/// comes first in it.
inline constexpr llvm::StringLiteral kPerfMasksSet = "perf-masks";

/// Whether its problems are always timed, and its table is that of `perf`.
inline bool isPerfSet(llvm::StringRef name) {
  return name == kPerfSet || name == kPerfMasksSet;
}

/// "edges", "odd", ...
std::vector<llvm::StringRef> problemSetNames();

/// Which problems of a set to take.
struct ProblemChoice {
  std::vector<ElementType> dtypes;
  std::vector<int64_t> headDims;
  bool everyHeadDim = false; ///< no one is asked for: `perf` has its own
  std::vector<MaskKind> masks;
};

/// The problems of the set `name`, which must be known: every shape with every
/// choice. The sets `perf` and `perf-masks` say the type themselves, `perf` the
/// head dimension too, and the choice only filters. All want the LSE.
std::vector<Problem> problemsOf(llvm::StringRef name,
                                const ProblemChoice &choice);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_PROBLEMSETS_H
