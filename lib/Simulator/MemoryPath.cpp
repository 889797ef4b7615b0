//===- MemoryPath.cpp - Timing of LDS, vector and scalar memory -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryPath.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <bit>

using namespace llvm;
using namespace flyattn::sim;

//===----------------------------------------------------------------------===//
// LDS
//===----------------------------------------------------------------------===//

bool LdsPort::refuses(unsigned side, uint64_t now) {
  while (!queue.empty() && queue.front() <= now)
    queue.pop_front();
  bool full = queue.size() >= constants.ldsQueue;
  bool othersTurn = waits[!side] && lastSide == side;
  waits[side] |= full || othersTurn;
  return full || othersTurn;
}

/// Data from memory goes first, once it is there.
void LdsPort::writeDma(uint64_t until) {
  while (!writes.empty() && writes.top().first <= until) {
    auto [arrival, clocks] = writes.top();
    writes.pop();
    freeAt = std::max(freeAt, arrival) + clocks;
    busy += clocks;
  }
}

Service LdsPort::issue(unsigned side, uint64_t now, unsigned phases) {
  waits[side] = false;
  lastSide = side;
  writeDma(std::max(now, freeAt));
  Service service;
  service.begin = std::max(now, freeAt);
  uint64_t clocks = uint64_t(phases) * constants.ldsPairClocksPerPhase;
  service.end = service.begin + clocks;
  service.data = service.end + constants.ldsLatency;
  freeAt = service.end;
  busy += clocks;
  queue.push_back(service.end);
  return service;
}

void LdsPort::dmaArrives(uint64_t arrival, unsigned bytes) {
  // The pair writes with half of the width.
  uint64_t clocks =
      divideCeil(uint64_t(bytes) * constants.ldsPairClocksPerPhase,
                 constants.dmaWriteBytesPerClock);
  writes.push({arrival, clocks});
}

//===----------------------------------------------------------------------===//
// Vector memory
//===----------------------------------------------------------------------===//

constexpr unsigned lineBytes = 128;

bool VectorMemoryPath::full(uint64_t now) {
  while (!waiting.empty() && waiting.front() <= now)
    waiting.pop_front();
  while (!flights.empty() && flights.front().end <= now) {
    bytesInFlight -= flights.front().bytes;
    flights.pop_front();
  }
  return waiting.size() >= constants.vmemQueue ||
         bytesInFlight >= constants.vmemBytesInFlight;
}

/// The lines that the lanes touch, each once, in ascending order.
static SmallVector<uint64_t, 64> linesOf(const MemoryEvent &event,
                                         unsigned &bytes) {
  SmallVector<uint64_t, 64> lines;
  bytes = 0;
  for (uint64_t left = event.lanes(); left; left &= left - 1) {
    unsigned lane = unsigned(std::countr_zero(left));
    unsigned size = event.memoryBytes(lane);
    if (!size)
      continue;
    bytes += size;
    uint64_t address = event.memoryAddress(lane);
    for (uint64_t line = address / lineBytes;
         line <= (address + size - 1) / lineBytes; ++line)
      if (lines.empty() || lines.back() != line)
        lines.push_back(line);
  }
  sort(lines);
  lines.erase(llvm::unique(lines), lines.end());
  return lines;
}

Service VectorMemoryPath::issue(uint64_t now, const MemoryEvent &event) {
  unsigned bytes;
  SmallVector<uint64_t, 64> lines = linesOf(event, bytes);
  // Every l2.sharers-th line that is new to this CU has to come from HBM; the
  // others were asked for by its neighbours.
  unsigned fromHbm = 0;
  for (uint64_t line : lines)
    if (knownLines.insert(line).second)
      fromHbm += newLines++ % constants.lineSharers == 0;

  Service service;
  service.begin = std::max(now, freeAt);
  uint64_t clocks = std::max<uint64_t>(
      lines.size() * divideCeil(lineBytes, constants.vmemBytesPerClock),
      constants.issueClocks);
  service.end = service.begin + clocks;
  freeAt = service.end;
  busy += clocks;

  uint64_t lineTraffic = uint64_t(lines.size()) * lineBytes;
  l2FreeAt = std::max(l2FreeAt, service.begin) +
             divideCeil(lineTraffic, constants.l2BytesPerClock);
  service.data = std::max(service.end, l2FreeAt) + constants.l2Latency;
  if (fromHbm) {
    hbmFreeAt =
        std::max(hbmFreeAt, service.begin) +
        divideCeil(uint64_t(fromHbm) * lineBytes, constants.hbmBytesPerClock);
    service.data = std::max(service.data, std::max(service.end, hbmFreeAt) +
                                              constants.hbmLatency);
  }
  waiting.push_back(service.begin);
  // Data returns in the order of issue.
  if (!flights.empty())
    service.data = std::max(service.data, flights.back().end);
  flights.push_back({service.data, bytes});
  bytesInFlight += bytes;
  return service;
}
