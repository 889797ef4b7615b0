//===- LdsBanksTest.cpp - What LDS bank conflicts cost --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LdsBanks.h"

#include "gtest/gtest.h"

#include <array>

using namespace flyattn::sim;

namespace {

template <typename Fn>
LdsCost cost(llvm::StringRef chip, bool write, unsigned bytes, Fn address,
             uint64_t lanes = allLanes) {
  std::array<uint32_t, waveSize> addresses;
  for (unsigned lane = 0; lane < waveSize; ++lane)
    addresses[lane] = address(lane);
  return ldsCost(ldsPhases(chip, write, bytes), bytes, addresses.data(), lanes);
}

auto stride(unsigned bytes) {
  return [=](unsigned lane) { return lane * bytes; };
}

TEST(LdsBanks, ConsecutiveAccessesHaveNoConflicts) {
  struct Row {
    const char *chip;
    bool write;
    unsigned bytes, clocks;
  };
  const Row rows[] = {
      {"gfx950", false, 4, 1},  {"gfx950", false, 8, 2},
      {"gfx950", false, 16, 4}, {"gfx950", true, 8, 4},
      {"gfx942", false, 4, 2},  {"gfx942", false, 16, 8},
      {"gfx942", true, 16, 8},
  };
  for (const Row &row : rows)
    EXPECT_EQ(cost(row.chip, row.write, row.bytes, stride(row.bytes)),
              (LdsCost{row.clocks, 0}))
        << row.chip << ' ' << row.bytes;
  EXPECT_EQ(cost("gfx950", false, 12, stride(16)), (LdsCost{8, 0}));
}

TEST(LdsBanks, PhasesHoldEachLaneOnce) {
  for (const char *chip : {"gfx942", "gfx950"})
    for (bool write : {false, true})
      for (unsigned bytes : {1, 2, 4, 8, 12, 16}) {
        uint64_t lanes = 0;
        for (uint64_t phase : ldsPhases(chip, write, bytes).lanes) {
          EXPECT_EQ(lanes & phase, 0u);
          lanes |= phase;
        }
        EXPECT_EQ(lanes, allLanes) << chip << ' ' << bytes;
      }
}

TEST(LdsBanks, SameAddressIsShared) {
  EXPECT_EQ(cost("gfx950", false, 16, [](unsigned) { return 64u; }),
            (LdsCost{4, 0}));
}

/// All lanes in bank 0: a phase of n lanes takes n clocks.
TEST(LdsBanks, OneBankForAll) {
  EXPECT_EQ(cost("gfx950", false, 4, stride(256)), (LdsCost{1, 63}));
  EXPECT_EQ(cost("gfx950", false, 8, stride(256)), (LdsCost{2, 2 * 31}));
  EXPECT_EQ(cost("gfx950", false, 16, stride(256)), (LdsCost{4, 4 * 15}));
  EXPECT_EQ(cost("gfx942", false, 16, stride(256)), (LdsCost{8, 8 * 7}));
  EXPECT_EQ(cost("gfx950", true, 8, stride(128)), (LdsCost{4, 4 * 15}));
}

/// gfx950, 128-bit reads: lanes 0 and 12 share a phase, lanes 0 and 4 do not.
TEST(LdsBanks, PhasesDecideWhoMeets) {
  auto meets = [](unsigned other) {
    return cost("gfx950", false, 16, stride(256), 1 | uint64_t(1) << other)
        .conflictClocks;
  };
  EXPECT_EQ(meets(12), 1u);
  EXPECT_EQ(meets(27), 1u);
  EXPECT_EQ(meets(4), 0u);
  EXPECT_EQ(meets(32), 0u);
}

/// Rows of 256 bytes, read 8 bytes wide by 32 rows at a time: conflicts that
/// 8 bytes of padding a row remove.
TEST(LdsBanks, PaddingRemovesConflicts) {
  auto rows = [](unsigned pitch) {
    return [=](unsigned lane) { return lane % 32 * pitch + lane / 32 * 8; };
  };
  EXPECT_EQ(cost("gfx950", false, 8, rows(256)), (LdsCost{2, 2 * 31}));
  EXPECT_EQ(cost("gfx950", false, 8, rows(256 + 8)), (LdsCost{2, 0}));
}

TEST(LdsBanks, InactiveLanesTakeNoPart) {
  EXPECT_EQ(cost("gfx950", false, 4, stride(256), 1), (LdsCost{1, 0}));
}

} // namespace
