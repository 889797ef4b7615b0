//===- CheckRaces.h - LDS accesses of two waves with no barrier between ---===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Barriers are the only clock that the waves of a workgroup share. An access
// lasts from its issue to the s_waitcnt that covers it; between two barriers
// lies an interval, and the access touches every interval in that span:
//
//   interval      0          |          1          |          2
//   wave 0    DMA issued     |       s_waitcnt     |
//   wave 1    ds_read        |        ds_read      |       ds_read
//              conflict      |       conflict      |          fine
//
// Two accesses of different waves to one byte conflict if they share an
// interval and one writes, whatever the order was in which they ran here. All
// waves are in the same interval at any time, so a shadow of LDS needs to
// remember only the current one; at a barrier the operations that are still
// outstanding are entered again for the next.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_CHECKRACES_H
#define FLYATTN_LIB_SIMULATOR_CHECKRACES_H

#include "CheckPending.h"

namespace flyattn::sim {

class RaceCheck {
public:
  RaceCheck(uint32_t ldsSize, CheckReports &reports)
      : reports(reports), shadow(ldsSize / 4 + 2) {}

  void beginWorkgroup() { ++interval; }
  /// A barrier let the waves go on; `pending` knows what is outstanding.
  void barrier(PendingCheck &pending);
  /// Enters the LDS bytes of an operation in the current interval.
  void touch(const Operation &operation);

private:
  /// An access to a dword in `interval`.
  struct Mark {
    uint32_t interval = 0;
    uint32_t inst : 22 = 0, wave : 5 = 0, bytes : 4 = 0, atomic : 1 = 0;
  };
  /// Two readers of different waves are enough: a writer differs from one.
  struct Dword {
    Mark write, read[2];
  };

  void touchDword(Dword &dword, Mark mark, bool writes, uint32_t address,
                  unsigned lane);
  void conflict(const Mark &earlier, bool earlierWrites, const Mark &mark,
                bool writes, uint32_t address, unsigned lane);

  CheckReports &reports;
  std::vector<Dword> shadow;
  uint32_t interval = 0;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_CHECKRACES_H
