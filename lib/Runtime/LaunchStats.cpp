//===- LaunchStats.cpp - The statistics of launches in a row --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/Device.h"

namespace flyattn {

static void add(sim::TimingResult &total, const sim::TimingResult &next) {
  double share =
      double(next.deviceClocks) /
      double(std::max<uint64_t>(total.deviceClocks + next.deviceClocks, 1));
  auto average = [share](double &own, double other) {
    own += share * (other - own);
  };
  average(total.deviceMfmaBusy, next.deviceMfmaBusy);
  average(total.mfmaBusy, next.mfmaBusy);
  average(total.valuBusy, next.valuBusy);
  average(total.ldsBusy, next.ldsBusy);
  average(total.vmemBusy, next.vmemBusy);
  total.deviceClocks += next.deviceClocks;
  total.unitClocks += next.unitClocks;
}

void LaunchStats::add(LaunchStats next) {
  seconds += next.seconds;
  if (!simulated || !next.simulated)
    return;
  simulated->addCounts(*next.simulated);
  simulated->checks.merge(next.simulated->checks);
  if (simulated->timing && next.simulated->timing)
    flyattn::add(*simulated->timing, *next.simulated->timing);
}

} // namespace flyattn
