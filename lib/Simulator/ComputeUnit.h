//===- ComputeUnit.h - A compute unit, cycle by cycle ---------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Execution-driven: an instruction is executed at the clock at which it issues,
// so waves interleave as on the chip. Four SIMDs take turns, one a clock; in
// its slot a SIMD issues at most one instruction a wave and one a category,
// waves of higher priority first, then older ones.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_COMPUTEUNIT_H
#define FLYATTN_LIB_SIMULATOR_COMPUTEUNIT_H

#include "LdsBanks.h"
#include "MemoryPath.h"
#include "TimingProfile.h"
#include "WorkgroupRunner.h"

#include <optional>

namespace flyattn::sim {

/// When the outstanding operations of a counter are complete.
class Outstanding {
public:
  void push(uint64_t completeAt) { times.push_back(completeAt); }
  /// The clock from which on at most `count` are outstanding; 0 if that is so
  /// at `now`.
  uint64_t downToAt(unsigned count, uint64_t now) {
    llvm::erase_if(times, [&](uint64_t time) { return time <= now; });
    if (times.size() <= count)
      return 0;
    auto sorted = times;
    auto at = sorted.begin() + (sorted.size() - 1 - count);
    std::nth_element(sorted.begin(), at, sorted.end());
    return *at;
  }
  uint64_t last() const {
    return times.empty() ? 0 : *std::max_element(times.begin(), times.end());
  }

private:
  llvm::SmallVector<uint64_t, 16> times;
};

/// What each instruction takes of the matrix and the vector unit.
std::vector<UnitCost> unitCosts(const Program &program,
                                const TimingConstants &constants);

/// How long a workgroup took, in clocks of its CU.
struct WorkgroupTime {
  uint64_t linear, begin, end;
};

class ComputeUnit : Observer {
public:
  /// `resident` workgroups at a time. `trace` records the clocks that the
  /// options ask for.
  ComputeUnit(const LaunchContext &context, unsigned resident, bool trace);

  /// Runs the workgroups, the next as soon as one ends.
  llvm::Error run(llvm::ArrayRef<uint64_t> workgroups, LaunchResult &result);

  CheckResults takeCheckResults();

  std::vector<WorkgroupTime> times;
  TimingProfile profile;

private:
  static constexpr unsigned simds = 4;

  struct TimedWave {
    Wave *wave = nullptr;
    unsigned slot = 0, simd = 0;
    uint64_t age = 0;
    unsigned priority = 0;
    uint64_t readyAt = 0; ///< for the next instruction
    uint64_t tryAt = 0;   ///< not before this can it issue
    Outstanding vm, lgkm;
    uint64_t lastLds = 0; ///< LDS completes in order, scalar loads do not
    Stall waitsFor = Stall::Fetch;
    std::vector<uint64_t> resultAt; ///< of VGPRs that an MFMA writes
    uint64_t latestResult = 0;
    uint64_t fetchedBlock = ~uint64_t(0);
    std::string track;
  };
  struct Slot {
    std::unique_ptr<WorkgroupRunner> runner;
    std::vector<std::unique_ptr<TimedWave>> waves;
    uint64_t linear = 0, begin = 0;
    bool working = false;
  };
  struct Simd {
    uint64_t valuFreeAt = 0, mfmaFreeAt = 0;
    uint64_t mfmaBusy = 0, valuBusy = 0;
    std::vector<TimedWave *> waves; ///< oldest first
  };

  void memory(const MemoryEvent &event) override;

  void start(Slot &slot, uint64_t linear, uint64_t now);
  void finish(Slot &slot, LaunchResult &result);
  llvm::Error issueSlot(Simd &simd, uint64_t now);
  /// What keeps a wave from issuing, at least until some clock.
  struct Obstacle {
    Stall cause;
    uint64_t until;
  };
  std::optional<Obstacle> obstacle(Simd &simd, TimedWave &wave,
                                   const InstInfo &info, uint64_t now);
  uint64_t resultsAt(TimedWave &wave, const InstInfo &info, uint64_t now) const;
  uint64_t fetchedAt(TimedWave &wave, uint64_t now);
  void issue(Simd &simd, TimedWave &wave, const InstInfo &info, uint64_t now);
  void issueVector(Simd &simd, TimedWave &wave, const InstInfo &info,
                   uint64_t now);
  void issueMemory(TimedWave &wave, const InstInfo &info, uint64_t now);
  void releaseBarriers(uint64_t now);
  unsigned categoryOf(Unit unit) const;
  uint64_t offsetOf(unsigned index) const {
    const auto &listing = context.program.disassembly();
    return index < listing.size() ? listing[index].offset : 0;
  }
  Slot &slotOf(const TimedWave &wave) { return slots[wave.slot]; }
  uint64_t nextReady(uint64_t now) const;
  LdsPort &portOf(const TimedWave &wave) { return ports[wave.simd / 2]; }

  const LaunchContext &context;
  const TimingConstants &constants;
  llvm::ArrayRef<InstInfo> infos;
  std::vector<UnitCost> costs;
  std::vector<Slot> slots;
  std::array<Simd, simds> units;
  std::array<LdsPort, 2> ports;
  VectorMemoryPath vectorMemory;
  ColdCache scalarCache, instructionCache;
  LdsCosts ldsCosts;
  uint64_t nextAge = 0, clock = 0;
  unsigned used = 0; ///< categories that the current slot has issued

  std::vector<Observer *> next; ///< of each slot, which see the same

  // The instruction that is being executed.
  TimedWave *executing = nullptr;
  uint64_t issuedAt = 0;
  Service service; ///< if it is one of memory
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_COMPUTEUNIT_H
