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
  RaceCheck(const Program &program, uint32_t ldsSize, CheckReports &reports);

  void beginWorkgroup() { ++interval; }
  /// A barrier let the waves go on; `pending` knows what is outstanding.
  void barrier(PendingCheck &pending);
  /// Enters the LDS bytes of an operation in the current interval.
  void touch(const Operation &operation);

private:
  /// An access to a granule, packed for speed: interval, wave, whether it is
  /// atomic, bytes of the granule, instruction.
  struct Mark {
    static constexpr uint64_t waveBits = uint64_t(31) << 27,
                              atomicBit = uint64_t(1) << 26,
                              byteBits = uint64_t(255) << 18,
                              instBits = (uint64_t(1) << 18) - 1;
    uint64_t bits = 0;

    static Mark make(uint32_t interval, const Operation &operation);
    uint32_t inst() const { return bits & instBits; }
    unsigned wave() const { return unsigned((bits & waveBits) >> 27); }
    bool sameInterval(Mark other) const { return !((bits ^ other.bits) >> 32); }
    bool sameWave(Mark other) const {
      return !((bits ^ other.bits) & waveBits);
    }
    bool conflicts(Mark other) const {
      uint64_t both = bits & other.bits;
      return sameInterval(other) && !sameWave(other) && (both & byteBits) &&
             !(both & atomicBit);
    }
    /// Takes the place of `earlier`; bytes of one wave and interval add up.
    Mark after(Mark earlier) const {
      bool adds = sameInterval(earlier) && sameWave(earlier);
      return {bits | (adds ? earlier.bits & byteBits : 0)};
    }
  };
  /// Two readers of different waves are enough: a writer differs from one. The
  /// second stands apart, in `second`, as it is seldom needed.
  struct Granule {
    Mark write, read;
  };

  template <bool Writes>
  void touchWhole(const Operation &operation, unsigned half, Mark mark);
  void touchParts(const Operation &operation, unsigned half, Mark mark);
  void enter(uint32_t granule, Mark mark, bool writes, uint32_t address,
             unsigned lane);
  void conflict(Mark earlier, bool earlierWrites, Mark mark, bool writes,
                uint32_t address, unsigned lane);

  CheckReports &reports;
  /// Bytes of a granule: 4, or 8 if no access of the program is smaller.
  unsigned granuleSize = 8, granuleShift = 3;
  std::vector<Granule> shadow;
  std::vector<Mark> second;
  uint32_t interval = 0;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_CHECKRACES_H
