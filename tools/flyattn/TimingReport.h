//===- TimingReport.h - What the commands print of timing -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_TIMINGREPORT_H
#define FLYATTN_TOOLS_TIMINGREPORT_H

#include "flyattn/Simulator/Simulator.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace flyattn::driver {

/// One rerun with another value of a constant.
struct SensitivityRow {
  llvm::StringRef constant;
  uint32_t value;
  sim::TimingResult result; ///< without instructions
};

/// Calls `rerun` for both ends of the range of every uncertain constant, all
/// others as in `base`.
llvm::Expected<std::vector<SensitivityRow>> runSensitivity(
    const sim::TimingOptions &base,
    llvm::function_ref<llvm::Expected<sim::TimingResult>(sim::TimingOptions)>
        rerun);

/// What a KV tile means for a kernel whose problem is known.
struct KvTileFacts {
  unsigned columns;           ///< KV columns of a tile
  double mfmaClocksPerColumn; ///< of a wave
};

void print(llvm::raw_ostream &os, const sim::TimingResult &timing,
           const std::optional<KvTileFacts> &tile);
void print(llvm::raw_ostream &os, const sim::TimingResult &base,
           llvm::ArrayRef<SensitivityRow> rows);

/// `timing` of --json.
llvm::json::Object toJson(const sim::TimingResult &timing);
llvm::json::Array toJson(llvm::ArrayRef<SensitivityRow> rows);

/// Writes the trace; errors are BadUsage.
llvm::Error writeTrace(llvm::StringRef path, const sim::TimingResult &timing);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_TIMINGREPORT_H
