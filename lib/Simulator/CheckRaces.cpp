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

void RaceCheck::barrier(PendingCheck &pending) {
  ++interval;
  pending.forOutstandingLds(
      [&](const Operation &operation) { touch(operation); });
}

/// The writer is the one at fault; of two, the first in the code.
void RaceCheck::conflict(const Mark &earlier, bool earlierWrites,
                         const Mark &mark, bool writes, uint32_t address,
                         unsigned lane) {
  bool swap = !writes || (earlierWrites && earlier.inst < mark.inst);
  const Mark &first = swap ? earlier : mark, &second = swap ? mark : earlier;
  bool both = writes && earlierWrites;
  // The lane is known of the later access only.
  Finding finding = {CheckKind::Race, first.wave, first.inst, second.inst,
                     swap ? -1 : int(lane)};
  reports.add(finding, [&] {
    return "writes LDS byte 0x" + utohexstr(address, /*LowerCase=*/true) +
           ", which wave " + std::to_string(second.wave) +
           (both ? " writes" : " reads") + " with no barrier between";
  });
}

void RaceCheck::touchDword(Dword &dword, Mark mark, bool writes,
                           uint32_t address, unsigned lane) {
  auto conflicts = [&](const Mark &earlier) {
    return earlier.interval == interval && earlier.wave != mark.wave &&
           (earlier.bytes & mark.bytes) && !(earlier.atomic && mark.atomic);
  };
  if (conflicts(dword.write)) [[unlikely]]
    conflict(dword.write, true, mark, writes, address, lane);
  // Bytes of the same wave and interval add up.
  auto enter = [&](Mark &slot) {
    if (slot.interval == interval && slot.wave == mark.wave)
      mark.bytes |= slot.bytes;
    slot = mark;
  };
  if (writes) {
    for (const Mark &read : dword.read)
      if (conflicts(read)) [[unlikely]]
        conflict(read, false, mark, writes, address, lane);
    enter(dword.write);
    return;
  }
  bool firstIsOther =
      dword.read[0].interval == interval && dword.read[0].wave != mark.wave;
  enter(dword.read[firstIsOther]);
}

void RaceCheck::touch(const Operation &operation) {
  const InstInfo &info = *operation.info;
  Mark mark;
  mark.interval = interval;
  mark.inst = operation.inst;
  mark.wave = operation.wave;
  mark.atomic = info.atomic;
  bool writes = operation.writesLds();
  for (unsigned half = 0; half < (info.pair ? 2 : 1); ++half)
    for (uint64_t left = operation.lanes; left; left &= left - 1) {
      unsigned lane = unsigned(std::countr_zero(left));
      uint32_t address = operation.address[lane] + info.pairOffset[half];
      uint32_t end = address + operation.ldsBytes();
      for (uint32_t at = address & ~3u; at < end; at += 4) {
        uint32_t from = std::max(at, address), to = std::min(at + 4, end);
        mark.bytes = (((1u << (to - from)) - 1) << (from - at)) & 15;
        touchDword(shadow[at / 4], mark, writes, from, lane);
      }
    }
}
