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
  const Memory &memory;                 ///< with kernarg, packet and code
  llvm::ArrayRef<uint8_t> kernarg = {}; ///< hidden arguments included
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
  void observe(Observer *observer) { memoryObserver = observer; }

  Observer *observer() const { return memoryObserver; }

  /// Runs workgroup `linear`; adds to `result`.
  llvm::Error run(uint64_t linear, LaunchResult &result);

  // The same in steps, for who chooses the order of waves.
  void begin(uint64_t linear);
  llvm::MutableArrayRef<Wave> waves() { return allWaves; }
  /// Executes one instruction of a wave that is ready. Returns the next one, or
  /// null if the wave cannot go on: see Wave::state.
  const Inst *step(Wave &wave);
  /// Lets the waves go on if all that are left wait at a barrier.
  void passBarrier();
  /// Fails if the workgroup has executed more than Options::instructionBudget,
  /// telling where each wave is.
  llvm::Error checkBudget() const;
  /// All waves have ended.
  void end(LaunchResult &result);

  /// What the checks found in all workgroups so far.
  CheckResults takeCheckResults();

private:
  void initialise(Wave &wave, unsigned index);
  void setScalars(Wave &wave);
  void setWorkItems(Wave &wave, unsigned index);
  void takeTurn(Wave &wave);
  void takeCheckedTurn(Wave &wave);
  void chooseOrder();

  const LaunchContext &context;
  Workgroup group;
  std::vector<Wave> allWaves;
  std::vector<unsigned> order;
  Observer *memoryObserver = nullptr;
  std::unique_ptr<Checks> checks; ///< if Options::checks asks for them
  std::mt19937_64 random;
  unsigned scalarSlots;
  uint64_t executed = 0; ///< instructions of the current workgroup
  std::vector<uint32_t> vectorFile, scalarFile;
  std::vector<uint8_t> lds, scratch;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_WORKGROUPRUNNER_H
