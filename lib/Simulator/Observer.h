//===- Observer.h - Who wants to see the memory traffic of a launch -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The checks and the timing model watch memory instructions at their issue:
// which bytes each lane names. Wave::observer is null in functional runs, where
// all this costs one predictable branch a memory instruction.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_OBSERVER_H
#define FLYATTN_LIB_SIMULATOR_OBSERVER_H

#include "InstInfo.h"
#include "Wave.h"

namespace flyattn::sim {

/// One executed memory instruction, seen before it reads or writes anything.
/// `info` tells what it is: `unit`, `loads`, `stores`, `atomic`, `bytes`.
/// Lane permutes come as well (`info.permutes`); they touch no bytes.
struct MemoryEvent {
  const Wave &wave;
  const Access &access;
  const InstInfo &info;

  const Inst *inst() const { return access.inst; }
  /// Lanes that take part. A scalar load is all lane 0.
  uint64_t lanes() const { return info.unit == Unit::Smem ? 1 : access.lanes; }

  /// Vmem, LdsDma (its source) and Smem: the host address, which is the
  /// simulated one. Scratch lies in the workgroup's own allocation.
  uint64_t memoryAddress(unsigned lane) const { return access.at(lane); }
  /// Does a flat instruction's lane reach into LDS?
  bool inLds(unsigned lane) const {
    return memoryAddress(lane) - reinterpret_cast<uint64_t>(wave.lds) <
           wave.ldsSize;
  }
  /// Bytes that the lane really moves: buffers leave out what is out of range.
  unsigned memoryBytes(unsigned lane) const {
    if (info.unit == Unit::Smem)
      return 4u * access.valid[0];
    if (access.whole)
      return info.bytes;
    unsigned inRange = 4u * access.valid[lane];
    return inRange < info.bytes ? inRange : info.bytes;
  }

  /// Lds, and where LdsDma writes: byte address in the workgroup's LDS. Of
  /// ds_read2 and ds_write2 the one of `half`.
  uint32_t ldsAddress(unsigned lane, unsigned half = 0) const {
    if (info.addressInM0)
      return access.ldsAddress + lane * info.laneStride;
    return uint32_t(access.at(lane) - reinterpret_cast<uint64_t>(wave.lds)) +
           info.pairOffset[half];
  }
  /// The same of all lanes, of the first half before its offset.
  void ldsAddresses(uint32_t *addresses) const {
    if (info.addressInM0 || !access.offset) {
      for (unsigned lane = 0; lane < waveSize; ++lane)
        addresses[lane] = ldsAddress(lane) - info.pairOffset[0];
      return;
    }
    auto base = uint32_t(access.base - reinterpret_cast<uint64_t>(wave.lds));
    for (unsigned lane = 0; lane < waveSize; ++lane)
      addresses[lane] = base + access.offset[lane];
  }
  /// Bytes at each such address: DMA writes whole dwords.
  unsigned ldsBytes() const {
    return info.unit == Unit::LdsDma && info.bytes < 4 ? 4 : info.bytes;
  }
  unsigned ldsHalves() const { return info.pair ? 2 : 1; }
};

class Observer {
public:
  virtual ~Observer() = default;

  /// A memory instruction passed its range checks and is issued.
  virtual void memory(const MemoryEvent &event) = 0;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_OBSERVER_H
