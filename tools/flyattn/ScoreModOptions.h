//===- ScoreModOptions.h - What modifies scores, on the command line ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_SCOREMODOPTIONS_H
#define FLYATTN_TOOLS_SCOREMODOPTIONS_H

#include "flyattn/Attention/Reference.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

namespace flyattn::driver {

/// Where the values come from; empty: they are made.
struct ScoreModFiles {
  std::string bias, alibi, sink;
};
ScoreModFiles scoreModFiles();

/// Sets softcap, bias, slopes and sinks of `problem`, whose heads and type are
/// known, as the options say, sizes and types as their files do. Slopes and
/// sinks without a file are as many as the problem has heads.
llvm::Error takeScoreMods(Problem &problem);

/// Adds them to the problem's JSON.
void addScoreMods(llvm::json::Object &object, const Problem &problem);

/// " softcap 30 bias [1, 8, 1, 512] f32 alibi sink", or nothing.
std::string describeScoreMods(const Problem &problem);

/// The values of what `problem` has.
struct ScoreModInputs {
  std::vector<uint8_t> bias; ///< f32 or the element type
  std::vector<float> alibiSlopes, sinks;

  HostScoreMods host() const {
    return {bias.data(), alibiSlopes.data(), sinks.data()};
  }
};

/// Reads the files; what has none is made: a bias and sinks that are normal by
/// `seed`, slopes that fall by equal factors to 2^-8.
llvm::Expected<ScoreModInputs> makeScoreMods(const Problem &problem,
                                             const ScoreModFiles &files,
                                             uint64_t seed);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_SCOREMODOPTIONS_H
