//===- TimedLaunch.h - The device estimated from some compute units -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_TIMEDLAUNCH_H
#define FLYATTN_LIB_SIMULATOR_TIMEDLAUNCH_H

#include "ComputeUnit.h"

#include <optional>
#include <vector>

namespace flyattn::sim {

/// Workgroup w goes to XCD w % xcds, and there to one CU after another. Each
/// sampled CU runs all of its workgroups, as many at a time as fit. The times
/// of the others are interpolated along one axis of the grid, the one that the
/// sampled times depend on most (under a mask, that of the rows), and
/// workgroups start in order wherever a place in their XCD is free.
class TimedLaunch {
public:
  TimedLaunch(const LaunchContext &context, uint64_t total);

  /// The workgroups of all sampled CUs, ascending.
  std::vector<uint64_t> workgroups() const;

  /// The first one of each sampled CU, ascending.
  std::vector<uint64_t> firstWorkgroups() const;

  struct SampledUnit {
    std::vector<uint64_t> workgroups;
    std::optional<TimingProfile> profile; ///< once it has run
    std::vector<WorkgroupTime> times;
  };
  /// The sampled CU whose first workgroup this is, or null.
  SampledUnit *unitOf(uint64_t first);
  /// Runs all its workgroups and adds to `sum`. Different CUs may run on
  /// different threads.
  llvm::Error run(SampledUnit &unit, LaunchResult &sum);

  /// The device by the CUs, all of which have run.
  TimingResult result() const;

private:
  std::vector<double> workgroupTimes(llvm::ArrayRef<WorkgroupTime> times) const;
  uint64_t deviceClocks(llvm::ArrayRef<double> times) const;

  const LaunchContext &context;
  const TimingConstants &constants;
  uint64_t total;
  unsigned resident;
  std::vector<SampledUnit> units;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_TIMEDLAUNCH_H
