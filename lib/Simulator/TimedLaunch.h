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

#include <functional>
#include <mutex>

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

  /// Runs the sampled CUs, on `threads` host threads. `done` is called with
  /// the number of workgroups that came to their end.
  llvm::Error run(unsigned threads, LaunchResult &sum,
                  const std::function<void(uint64_t)> &done);

  TimingResult result() const;

private:
  std::vector<double> workgroupTimes() const;
  uint64_t deviceClocks(llvm::ArrayRef<double> times) const;

  const LaunchContext &context;
  const TimingConstants &constants;
  uint64_t total;
  unsigned resident;
  std::vector<std::vector<uint64_t>> units; ///< workgroups of each sampled CU
  TimingProfile profile;
  std::vector<WorkgroupTime> times;
  uint64_t longest = 0;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_TIMEDLAUNCH_H
