//===- ProblemOptions.h - PROBLEM on the command line ---------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_PROBLEMOPTIONS_H
#define FLYATTN_TOOLS_PROBLEMOPTIONS_H

#include "flyattn/Attention/Problem.h"
#include "flyattn/Runtime/Npy.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace flyattn::driver {

/// The problem that the options of `compile` and `run` describe, but for what
/// modifies scores: see takeScoreMods.
llvm::Expected<Problem> problemFromOptions();

/// Appends the integers of "a,b,..." to `list`; a bad usage of `option` if some
/// item is none.
llvm::Error parseList(llvm::StringRef option, llvm::StringRef text,
                      std::vector<int64_t> &list);

/// The chip of --arch.
llvm::Expected<std::string> archFromOptions();

/// Takes batch, heads, lengths, head dims and dtype from the arrays (rank 4,
/// bf16, f16 or f32, in the order of --layout) where no option gave them.
/// Options that were given are left as they are.
void fillFromFiles(Problem &problem, const std::optional<NpyArray> &q,
                   const std::optional<NpyArray> &k,
                   const std::optional<NpyArray> &v);

/// The problem as an object for --json.
llvm::json::Object toJson(const Problem &problem);

std::string splitsName(const Problem &problem); ///< "4" or "auto"

/// "gfx950 bf16 B2 H8/2 Sq512 Skv512 D128 causal".
std::string describe(const Problem &problem, llvm::StringRef chip);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_PROBLEMOPTIONS_H
