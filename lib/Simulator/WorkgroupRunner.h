//===- WorkgroupRunner.h - Runs one workgroup after another ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_WORKGROUPRUNNER_H
#define FLYATTN_LIB_SIMULATOR_WORKGROUPRUNNER_H

#include "Checks.h"
#include "Wave.h"

#include "flyattn/Simulator/Simulator.h"

#include <random>

namespace flyattn::sim {

/// What all workgroups of a launch have in common.
struct LaunchContext {
  const Program &program;
  const LaunchParams &params;
  const Options &options;
  const Memory &memory; ///< with kernarg, packet and code
  uint64_t kernargAddress = 0;
  uint64_t packetAddress = 0; ///< of the AQL dispatch packet
  uint64_t codeAddress = 0;
  uint32_t ldsSize = 0; ///< bytes a workgroup

  unsigned workItems() const {
    return params.block[0] * params.block[1] * params.block[2];
  }
  unsigned waves() const { return (workItems() + waveSize - 1) / waveSize; }
};

/// The registers and LDS of one workgroup, used by one host thread for one
/// workgroup after another.
class WorkgroupRunner {
public:
  explicit WorkgroupRunner(const LaunchContext &context);

  /// From now on `observer` sees the memory instructions of all waves.
  void observe(Observer *observer) { this->observer = observer; }

  /// Runs workgroup `linear`; adds to `result`.
  llvm::Error run(uint64_t linear, LaunchResult &result);

  /// What the checks found in all workgroups so far.
  CheckResults takeCheckResults();

private:
  void reset(uint64_t linear);
  void initialise(Wave &wave, unsigned index);
  void setScalars(Wave &wave);
  void setWorkItems(Wave &wave, unsigned index);
  void takeTurn(Wave &wave);
  void takeCheckedTurn(Wave &wave);
  /// Lets the waves go on if all that are left wait at a barrier.
  void passBarrier();
  void chooseOrder();
  llvm::Error overBudget() const;

  const LaunchContext &context;
  Workgroup group;
  std::vector<Wave> waves;
  std::vector<unsigned> order;
  Observer *observer = nullptr;
  std::unique_ptr<Checks> checks; ///< if Options::checks asks for them
  std::mt19937_64 random;
  unsigned scalarSlots;
  uint64_t executed = 0; ///< instructions of the current workgroup
  std::vector<uint32_t> vectorFile, scalarFile;
  std::vector<uint8_t> lds, scratch;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_WORKGROUPRUNNER_H
