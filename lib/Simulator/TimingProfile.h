//===- TimingProfile.h - What a timed compute unit records ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_TIMINGPROFILE_H
#define FLYATTN_LIB_SIMULATOR_TIMINGPROFILE_H

#include "flyattn/Simulator/Program.h"
#include "flyattn/Simulator/Timing.h"

#include <map>
#include <vector>

namespace flyattn::sim {

/// Clocks that an instruction takes of its SIMD's units.
struct UnitCost {
  unsigned mfma = 0, valu = 0;
};

/// Clocks that the units of a CU were taken, summed over SIMDs.
struct BusyClocks {
  uint64_t mfma = 0, valu = 0, lds = 0, vmem = 0;
};

/// Issues, stalls, loops and the trace of one CU, or of several after merging.
class TimingProfile {
public:
  explicit TimingProfile(size_t insts) : issued(insts), stalls(insts) {}

  void issue(unsigned inst) { ++issued[inst]; }
  void stall(unsigned inst, Stall cause, uint64_t clocks) {
    stalls[inst][unsigned(cause)] += clocks;
  }

  /// Wave `wave` took the branch `from` back to `to` at `now`; its SIMD's
  /// matrix unit has been taken for `mfmaBusy` clocks so far.
  void backEdge(uint64_t wave, unsigned from, unsigned to, uint64_t now,
                uint64_t mfmaBusy);
  /// A wave is done: its loops are closed.
  void endWave(uint64_t wave);

  bool traces(uint64_t now) const {
    return now >= traceWindow[0] && now < traceWindow[1];
  }
  void trace(llvm::StringRef track, uint64_t begin, uint64_t clocks,
             llvm::StringRef name, uint64_t offset) {
    events.push_back({track.str(), begin, clocks, name.str(), offset});
  }

  void merge(const TimingProfile &other);

  /// Loops and instructions of the result. `costs` gives the clocks that each
  /// instruction takes of the matrix unit and of the vector unit.
  void write(const Program &program, llvm::ArrayRef<UnitCost> costs,
             TimingResult &result) const;

  BusyClocks busy;
  uint64_t activeClocks = 0; ///< of the CU, from first issue to last
  std::array<uint64_t, 2> traceWindow = {0, 0};
  std::vector<TraceEvent> events;

private:
  struct Loop {
    uint64_t iterations = 0, clocks = 0, mfmaBusy = 0;
  };
  struct Visit {
    uint64_t first, last, firstBusy, lastBusy, iterations;
  };
  using Edge = std::pair<unsigned, unsigned>; ///< from, to
  void close(Edge edge, const Visit &visit);

  std::vector<uint64_t> issued;
  std::vector<std::array<uint64_t, stallCauses>> stalls;
  std::map<Edge, Loop> loops;
  std::map<std::pair<uint64_t, Edge>, Visit> open; ///< by wave
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_TIMINGPROFILE_H
