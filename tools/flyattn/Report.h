//===- Report.h - What the commands print ---------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_REPORT_H
#define FLYATTN_TOOLS_REPORT_H

#include "flyattn/Attention/Compare.h"
#include "flyattn/Runtime/Device.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace flyattn::driver {

llvm::json::Object toJson(const KernelConfig &config);
/// Seconds by level: {"attn": 0.01, ...}.
llvm::json::Object timesToJson(const CompiledKernel &kernel);
/// `errors` of --json.
llvm::json::Object toJson(const Comparison &comparison);
/// `checks` of --json.
llvm::json::Object toJson(const sim::CheckResults &checks);
/// Adds what `stats` holds to the top level of --json.
void addStats(llvm::json::Object &object, const LaunchStats &stats);

/// "generic, 4 waves x 32 rows, KV tile 64, 2 slots".
std::string describe(const KernelConfig &config);
/// "0.113 s, 1234567 instructions, 32 workgroups".
std::string describe(const LaunchStats &stats);
/// The reports of the checks, and the worst bank conflicts.
void print(llvm::raw_ostream &os, const sim::CheckResults &checks);
/// A table of measures against bounds.
void print(llvm::raw_ostream &os, const Comparison &comparison);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_REPORT_H
