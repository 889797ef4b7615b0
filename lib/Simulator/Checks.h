//===- Checks.h - Watches the waves of one workgroup after another --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_CHECKS_H
#define FLYATTN_LIB_SIMULATOR_CHECKS_H

#include "CheckDefined.h"
#include "CheckHazards.h"
#include "CheckRaces.h"
#include "LdsBanks.h"

namespace flyattn::sim {

/// All checks of one host thread. It sees every instruction before it is
/// executed and every memory operation while it is issued.
class Checks final : public Observer {
public:
  Checks(const Program &program, unsigned waves, uint32_t ldsSize);

  void beginWorkgroup(std::array<uint32_t, 3> id);
  void step(const Wave &wave, const Inst *inst);
  void memory(const MemoryEvent &event) override;
  void barrier();

  CheckResults take();

private:
  llvm::ArrayRef<InstInfo> infos;
  CheckReports reports;
  PendingCheck pending;
  RaceCheck races;
  HazardCheck hazards;
  DefinedCheck defined;
  LdsCosts ldsCosts;
  std::vector<BankConflicts> conflicts; ///< by Inst::index
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_CHECKS_H
