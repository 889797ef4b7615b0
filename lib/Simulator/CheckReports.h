//===- CheckReports.h - Gathers what the checks find ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_CHECKREPORTS_H
#define FLYATTN_LIB_SIMULATOR_CHECKREPORTS_H

#include "InstInfo.h"

#include "flyattn/Simulator/Checks.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>
#include <tuple>

namespace flyattn::sim {

/// Where and with what a fault was seen.
struct Finding {
  CheckKind kind;
  unsigned wave;
  uint32_t inst;      ///< Inst::index
  int64_t other = -1; ///< Inst::index, or -1
  int lane = -1;
};

/// One report for each kind and pair of static instructions; the rest counts.
class CheckReports {
public:
  explicit CheckReports(const Program &program) : program(program) {}

  void beginWorkgroup(std::array<uint32_t, 3> id) { workgroup = id; }
  /// `what` is asked for its text the first time only.
  void add(const Finding &finding, llvm::function_ref<std::string()> what);

  std::vector<CheckReport> take();
  CheckedInst inst(uint32_t index) const;
  /// "v3", "a0"; "s4", "vcc_lo".
  std::string vectorName(unsigned reg) const;
  static std::string scalarName(unsigned slot);

private:
  const Program &program;
  std::array<uint32_t, 3> workgroup = {};
  std::map<std::tuple<uint32_t, CheckKind, int64_t>, CheckReport> reports;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_CHECKREPORTS_H
