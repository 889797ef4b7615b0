//===- Checks.h - What the simulator's checks report ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With Options::checks a launch also looks for what real hardware may answer
// differently from run to run, whatever the order of waves was in this one.
// docs/Simulator.md says what each check means and what it does not see.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_CHECKS_H
#define FLYATTN_SIMULATOR_CHECKS_H

#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flyattn::sim {

enum class CheckKind : uint8_t {
  Pending,    ///< uses what an outstanding operation has yet to deliver
  Race,       ///< two waves, the same LDS bytes, no barrier between
  WaitStates, ///< too few instructions after one that hardware does not wait
              ///< for
  Undefined,  ///< a value that nothing has written matters
};

/// "pending", "race", "wait-states", "undefined".
llvm::StringRef nameOf(CheckKind kind);

/// A static instruction.
struct CheckedInst {
  uint64_t offset = 0; ///< bytes from the kernel's entry
  std::string text;    ///< its disassembly
};

/// All occurrences of one fault: a kind and one or two static instructions.
struct CheckReport {
  CheckKind kind = CheckKind::Pending;
  CheckedInst inst;                 ///< the one at fault
  std::optional<CheckedInst> other; ///< what it conflicts with
  uint64_t count = 0;               ///< occurrences
  // The first occurrence:
  std::array<uint32_t, 3> workgroup = {};
  unsigned wave = 0;
  int lane = -1; ///< -1: all, or none in particular
  std::string what;
};

/// "offset 0x1c, `v_mov_b32_e32 v1, v0`: what (workgroup ..., 3 times)".
std::string describe(const CheckReport &report);

/// LDS bank conflicts of one static instruction: a cost, not a fault.
struct BankConflicts {
  CheckedInst inst;
  uint64_t executions = 0;     ///< by waves
  uint64_t clocks = 0;         ///< of the LDS, without conflicts
  uint64_t conflictClocks = 0; ///< on top of these
};

/// What the checks of a launch found, ordered by offset.
struct CheckResults {
  std::vector<CheckReport> reports;
  std::vector<BankConflicts> bankConflicts; ///< only where there are any
  uint64_t ldsClocks = 0;         ///< of all LDS instructions, no conflicts
  uint64_t ldsConflictClocks = 0; ///< on top of these

  void merge(const CheckResults &other);
};

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_CHECKS_H
