//===- LdsBanks.h - What LDS bank conflicts cost --------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The LDS serves an instruction in phases, each a fixed set of lanes. Lanes of
// a phase that name different dwords of one bank wait for each other: a phase
// takes as many clocks as its busiest bank holds different dwords. Lanes that
// name the same dword share it for nothing.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_LDSBANKS_H
#define FLYATTN_LIB_SIMULATOR_LDSBANKS_H

#include "Observer.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace flyattn::sim {

/// The phases of one width and direction on one chip.
struct LdsPhases {
  unsigned banks; ///< of 4 bytes
  /// One mask of lanes a phase; without conflicts a phase takes 1 clock of the
  /// CU's LDS.
  llvm::ArrayRef<uint64_t> lanes;
};

struct LdsCost {
  uint32_t clocks = 0;         ///< without conflicts: the phases
  uint32_t conflictClocks = 0; ///< on top of these
  bool operator==(const LdsCost &) const = default;
};

/// `bytes` a lane: 1, 2, 4, 8, 12 or 16.
LdsPhases ldsPhases(llvm::StringRef chip, bool write, unsigned bytes);

/// The cost of an access of `bytes` at 64 byte addresses.
LdsCost ldsCost(const LdsPhases &phases, unsigned bytes,
                const uint32_t *addresses, uint64_t lanes);

/// The same for executed instructions of one program: remembers the last cost
/// of each static one, since the pattern of the addresses seldom changes and
/// conflicts do not depend on where it starts.
class LdsCosts {
public:
  explicit LdsCosts(const Program &program);
  /// Of a ds instruction; both halves of a pair. A permute takes the phases of
  /// a dword read and has no conflicts.
  LdsCost of(const MemoryEvent &event);

private:
  struct Last {
    uint64_t lanes = 0;
    LdsCost cost;
    uint32_t pattern[waveSize] = {}; ///< relative to the first active lane
  };
  LdsCost compute(const MemoryEvent &event, const uint32_t *addresses) const;

  const Program &program;
  std::vector<std::unique_ptr<Last>> last; ///< by Inst::index
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_LDSBANKS_H
