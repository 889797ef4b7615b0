//===- CheckRaces.cpp - LDS accesses of two waves with no barrier between -===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckRaces.h"

#include "llvm/ADT/StringExtras.h"

#include <bit>

using namespace llvm;
using namespace flyattn::sim;

RaceCheck::RaceCheck(const Program &program, uint32_t ldsSize,
                     CheckReports &reports)
    : reports(reports) {
  for (const InstInfo &info : instInfos(program))
    if ((info.unit == Unit::Lds || info.unit == Unit::LdsDma) &&
        !info.permutes && info.bytes % 8)
      granuleSize = 4, granuleShift = 2;
  shadow.resize(ldsSize / granuleSize + 2);
  second.resize(shadow.size());
}

RaceCheck::Mark RaceCheck::Mark::make(uint32_t interval,
                                      const Operation &operation) {
  return {uint64_t(interval) << 32 | uint64_t(operation.wave) << 27 |
          (operation.info->atomic ? atomicBit : 0) |
          (operation.inst & instBits)};
}

void RaceCheck::barrier(PendingCheck &pending) {
  ++interval;
  pending.forOutstandingLds(
      [&](const Operation &operation) { touch(operation); });
}

/// The writer is the one at fault; of two, the first in the code.
void RaceCheck::conflict(Mark earlier, bool earlierWrites, Mark mark,
                         bool writes, uint32_t address, unsigned lane) {
  bool swap = !writes || (earlierWrites && earlier.inst() < mark.inst());
  Mark first = swap ? earlier : mark, second = swap ? mark : earlier;
  bool both = writes && earlierWrites;
  // The lane is known of the later access only.
  Finding finding = {CheckKind::Race, first.wave(), first.inst(), second.inst(),
                     swap ? -1 : int(lane)};
  reports.add(finding, [&] {
    return "writes LDS byte 0x" + utohexstr(address, /*LowerCase=*/true) +
           ", which wave " + std::to_string(second.wave()) +
           (both ? " writes" : " reads") + " with no barrier between";
  });
}

inline void RaceCheck::enter(uint32_t number, Mark mark, bool writes,
                             uint32_t address, unsigned lane) {
  Granule &granule = shadow[number];
  if (granule.write.conflicts(mark)) [[unlikely]]
    conflict(granule.write, true, mark, writes, address, lane);
  if (!writes) {
    bool taken =
        granule.read.sameInterval(mark) && !granule.read.sameWave(mark);
    Mark &slot = taken ? second[number] : granule.read;
    slot = mark.after(slot);
    return;
  }
  for (Mark read : {granule.read, second[number]})
    if (read.conflicts(mark)) [[unlikely]]
      conflict(read, false, mark, writes, address, lane);
  granule.write = mark.after(granule.write);
}

/// Whole granules, as nearly all accesses have them.
template <bool Writes>
void RaceCheck::touchWhole(const Operation &operation, unsigned half,
                           Mark mark) {
  mark.bits |= ((uint64_t(1) << granuleSize) - 1) << 18;
  unsigned count = operation.ldsBytes() >> granuleShift;
  uint32_t offset = operation.info->pairOffset[half];
  for (uint64_t left = operation.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(std::countr_zero(left));
    uint32_t address = operation.address[lane] + offset;
    for (unsigned n = 0; n < count; ++n)
      enter((address >> granuleShift) + n, mark, Writes,
            address + n * granuleSize, lane);
  }
}

void RaceCheck::touchParts(const Operation &operation, unsigned half,
                           Mark mark) {
  for (uint64_t left = operation.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(std::countr_zero(left));
    uint32_t address =
        operation.address[lane] + operation.info->pairOffset[half];
    uint32_t end = address + operation.ldsBytes();
    for (uint32_t at = address & ~(granuleSize - 1); at < end;
         at += granuleSize) {
      uint32_t from = std::max(at, address),
               to = std::min(at + granuleSize, end);
      uint64_t touched = ((uint64_t(1) << (to - from)) - 1) << (from - at);
      enter(at >> granuleShift, {mark.bits | touched << 18},
            operation.writesLds(), from, lane);
    }
  }
}

void RaceCheck::touch(const Operation &operation) {
  Mark mark = Mark::make(interval, operation);
  for (unsigned half = 0; half < (operation.info->pair ? 2 : 1); ++half) {
    uint32_t odd = operation.misaligned | operation.info->pairOffset[half] |
                   operation.ldsBytes();
    if (odd & (granuleSize - 1))
      touchParts(operation, half, mark);
    else if (operation.writesLds())
      touchWhole<true>(operation, half, mark);
    else
      touchWhole<false>(operation, half, mark);
  }
}
