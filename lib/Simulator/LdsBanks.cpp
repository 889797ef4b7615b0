//===- LdsBanks.cpp - What LDS bank conflicts cost ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sources: (P) measured phases of gfx950, HazyResearch/HipKittens
// analysis/paper_experiments/phases; (S) AMD's ROCm blog on bank conflicts in
// CK-Tile for the 128-bit phases of gfx942; (?) follows from the bandwidth
// (256 B/clk reads and 128 B/clk writes on gfx950, 128 B/clk on gfx942) with
// consecutive lanes.
//
//===----------------------------------------------------------------------===//

#include "LdsBanks.h"

#include "ProgramImpl.h"

#include <bit>

using namespace llvm;
using namespace flyattn::sim;

namespace {

/// Lanes first..last.
constexpr uint64_t range(unsigned first, unsigned last) {
  return (~uint64_t(0) >> (63 - (last - first))) << first;
}

constexpr uint64_t all64[] = {~uint64_t(0)};
constexpr uint64_t by32[] = {range(0, 31), range(32, 63)};
constexpr uint64_t by16[] = {range(0, 15), range(16, 31), range(32, 47),
                             range(48, 63)};
constexpr uint64_t by8[] = {range(0, 7),   range(8, 15),  range(16, 23),
                            range(24, 31), range(32, 39), range(40, 47),
                            range(48, 55), range(56, 63)};

constexpr uint64_t crossed16First = range(0, 3) | range(12, 15) | range(20, 27);
constexpr uint64_t crossed16Second =
    range(4, 11) | range(16, 19) | range(28, 31);
constexpr uint64_t crossed16[] = {crossed16First, crossed16Second,
                                  crossed16First << 32, crossed16Second << 32};

constexpr uint64_t crossed8Half[] = {
    range(0, 3) | range(20, 23), range(4, 7) | range(16, 19),
    range(8, 11) | range(28, 31), range(12, 15) | range(24, 27)};
constexpr uint64_t crossed8[] = {crossed8Half[0],       crossed8Half[1],
                                 crossed8Half[2],       crossed8Half[3],
                                 crossed8Half[0] << 32, crossed8Half[1] << 32,
                                 crossed8Half[2] << 32, crossed8Half[3] << 32};

struct PhaseRow {
  bool gfx950, write;
  uint8_t bytes; ///< up to
  unsigned banks;
  ArrayRef<uint64_t> lanes;
};

/// The first row that fits decides.
const PhaseRow phaseTable[] = {
    {true, false, 4, 64, all64},      // (?)
    {true, false, 8, 64, by32},       // (P)
    {true, false, 12, 32, crossed8},  // (P)
    {true, false, 16, 64, crossed16}, // (P)
    {true, true, 4, 32, by32},        // (?)
    {true, true, 8, 32, by16},        // (P)
    {true, true, 16, 32, by8},        // (?)
    {false, false, 4, 32, by32},      // (?)
    {false, false, 8, 32, by16},      // (?)
    {false, false, 16, 32, crossed8}, // (S)
    {false, true, 4, 32, by32},       // (?)
    {false, true, 8, 32, by16},       // (?)
    {false, true, 16, 32, by8},       // (S)
};

/// The most different dwords that the lanes name in one bank.
unsigned busiestBank(unsigned banks, unsigned bytes, const uint32_t *addresses,
                     uint64_t lanes) {
  // A phase holds 64 lanes of a dword or 16 of four: at most 64 dwords.
  uint32_t seen[64][64];
  uint8_t count[64] = {};
  unsigned most = 0;
  for (; lanes; lanes &= lanes - 1) {
    uint32_t address = addresses[std::countr_zero(lanes)];
    uint32_t last = (address + bytes - 1) / 4;
    for (uint32_t dword = address / 4; dword <= last; ++dword) {
      unsigned bank = dword % banks;
      bool isNew = std::find(seen[bank], seen[bank] + count[bank], dword) ==
                   seen[bank] + count[bank];
      if (!isNew || count[bank] == 64)
        continue;
      seen[bank][count[bank]++] = dword;
      most = std::max<unsigned>(most, count[bank]);
    }
  }
  return most;
}

} // namespace

LdsPhases flyattn::sim::ldsPhases(StringRef chip, bool write, unsigned bytes) {
  for (const PhaseRow &row : phaseTable)
    if (row.gfx950 == (chip == "gfx950") && row.write == write &&
        bytes <= row.bytes)
      return {row.banks, row.lanes};
  llvm_unreachable("no LDS instruction moves more than 16 bytes a lane");
}

LdsCost flyattn::sim::ldsCost(const LdsPhases &phases, unsigned bytes,
                              const uint32_t *addresses, uint64_t lanes) {
  LdsCost cost;
  for (uint64_t phase : phases.lanes) {
    unsigned most = busiestBank(phases.banks, bytes, addresses, phase & lanes);
    cost.clocks += 1;
    cost.conflictClocks += most > 1 ? most - 1 : 0;
  }
  return cost;
}

LdsCosts::LdsCosts(const Program &program)
    : program(program), last(program.impl().insts.size()) {}

LdsCost LdsCosts::compute(const MemoryEvent &event,
                          const uint32_t *addresses) const {
  const InstInfo &info = event.info;
  LdsPhases phases = ldsPhases(program.chip(), info.stores, info.bytes);
  LdsCost cost = ldsCost(phases, info.bytes, addresses, event.lanes());
  // The second half names the same pattern, moved.
  return info.pair ? LdsCost{2 * cost.clocks, 2 * cost.conflictClocks} : cost;
}

LdsCost LdsCosts::of(const MemoryEvent &event) {
  if (event.info.permutes)
    return {uint32_t(ldsPhases(program.chip(), false, 4).lanes.size()), 0};
  uint64_t lanes = event.lanes();
  if (!lanes)
    return {};
  uint32_t addresses[waveSize], pattern[waveSize];
  event.ldsAddresses(addresses);
  // Banks are dwords: a move by whole dwords only rotates them.
  uint32_t first = addresses[std::countr_zero(lanes)] & ~3u;
  for (unsigned lane = 0; lane < waveSize; ++lane)
    pattern[lane] = addresses[lane] - first;
  std::unique_ptr<Last> &known = last[event.inst()->index];
  if (!known)
    known = std::make_unique<Last>();
  else if (known->lanes == lanes &&
           !std::memcmp(known->pattern, pattern, sizeof(pattern)))
    return known->cost;
  known->lanes = lanes;
  std::memcpy(known->pattern, pattern, sizeof(pattern));
  known->cost = compute(event, addresses);
  return known->cost;
}
