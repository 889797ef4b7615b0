//===- MemoryPath.h - Timing of LDS, vector and scalar memory -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MEMORYPATH_H
#define FLYATTN_LIB_SIMULATOR_MEMORYPATH_H

#include "Observer.h"

#include "flyattn/Simulator/Timing.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

#include <deque>
#include <functional>
#include <queue>

namespace flyattn::sim {

/// From when to when a unit serves an instruction, and when its data is there.
struct Service {
  uint64_t begin = 0, end = 0, data = 0;
};

/// The half of the LDS that two SIMDs share: a queue, served in order.
class LdsPort {
public:
  explicit LdsPort(const TimingConstants &constants) : constants(constants) {}

  /// May SIMD `side` (0 or 1) of the pair not issue? Where both want to, they
  /// take turns.
  bool refuses(unsigned side, uint64_t now);
  /// An instruction of `phases` clocks of the whole LDS.
  Service issue(unsigned side, uint64_t now, unsigned phases);
  /// The data of an LDS DMA will be written from `arrival` on.
  void dmaArrives(uint64_t arrival, unsigned bytes);
  uint64_t busyClocks() const { return busy; }

private:
  void writeDma(uint64_t until);

  using Write = std::pair<uint64_t, uint64_t>; ///< arrival, clocks
  const TimingConstants &constants;
  std::deque<uint64_t> queue; ///< ends of service, oldest first
  std::priority_queue<Write, std::vector<Write>, std::greater<Write>> writes;
  uint64_t freeAt = 0, busy = 0;
  bool waits[2] = {}; ///< was refused, and has not issued since
  unsigned lastSide = 0;
};

/// Vector memory of a CU: the address and L1 pipe, and behind it L2 and HBM as
/// latencies with token buckets.
class VectorMemoryPath {
public:
  explicit VectorMemoryPath(const TimingConstants &constants)
      : constants(constants) {}

  bool full(uint64_t now);
  Service issue(uint64_t now, const MemoryEvent &event);
  uint64_t busyClocks() const { return busy; }

private:
  const TimingConstants &constants;
  std::deque<uint64_t> waiting; ///< begins of service, oldest first
  struct Flight {
    uint64_t end;
    unsigned bytes;
  };
  std::deque<Flight> flights;
  uint64_t bytesInFlight = 0;
  llvm::DenseSet<uint64_t> knownLines; ///< of 128 bytes
  uint64_t newLines = 0;
  uint64_t freeAt = 0, l2FreeAt = 0, hbmFreeAt = 0, busy = 0;
};

/// A cache that is cold at first and never full.
class ColdCache {
public:
  explicit ColdCache(unsigned blockBytes) : blockBytes(blockBytes) {}

  /// When the block of `address` is there: `miss` clocks behind the first
  /// access to it.
  uint64_t filledAt(uint64_t address, uint64_t now, unsigned miss) {
    return filled.try_emplace(address / blockBytes, now + miss).first->second;
  }

private:
  unsigned blockBytes;
  llvm::DenseMap<uint64_t, uint64_t> filled;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MEMORYPATH_H
