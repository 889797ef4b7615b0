//===- CheckHazardsTest.cpp - Wait states that software has to keep -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChecksTest.h"

using namespace flyattn::test;

namespace {

struct HazardCase {
  const char *chip, *maker, *user;
  unsigned states;
};

/// One fewer is reported, and exactly once; enough is not.
TEST(WaitStatesCheck, Table) {
  const char *big942 =
      "v_mfma_f32_32x32x8_bf16 v[16:31], v[8:9], v[10:11], v[16:31]";
  const char *small =
      "v_mfma_f32_16x16x16_f16 v[16:19], v[8:9], v[10:11], v[16:19]";
  const char *big950 =
      "v_mfma_f32_32x32x16_bf16 v[16:31], v[8:11], v[12:15], v[16:31]";
  const char *single = "v_mfma_f32_32x32x2_f32 v[16:31], v8, v9, v[16:31]";
  const HazardCase cases[] = {
      {"gfx942", big942, "v_mov_b32 v7, v31", 11},
      {"gfx942", big942, "v_mov_b32 v16, 0", 11},
      {"gfx942", big942, "ds_write_b32 v1, v20", 11},
      {"gfx942", big942, "global_store_dword v1, v20, s[6:7]", 11},
      {"gfx942", big942,
       "v_mfma_f32_16x16x16_f16 v[40:43], v[16:17], v[10:11], v[40:43]", 11},
      {"gfx942", big942,
       "v_mfma_f32_16x16x16_f16 v[40:43], v[8:9], v[10:11], v[18:21]", 9},
      {"gfx942", small, "v_mov_b32 v7, v16", 7},
      {"gfx942", single, "v_mov_b32 v7, v16", 18},
      {"gfx950", big950, "v_mov_b32 v7, v31", 12},
      {"gfx950", big950,
       "v_mfma_f32_16x16x16_f16 v[40:43], v[8:9], v[10:11], v[18:21]", 10},
      {"gfx950", small, "v_mov_b32 v7, v16", 8},
      // C is read for as long as the passes last.
      {"gfx942", "v_mfma_f32_32x32x8_bf16 v[40:55], v[8:9], v[10:11], v[16:31]",
       "v_mov_b32 v16, 0", 7},
      {"gfx942", "v_mov_b32 v8, 0", small, 2},
      {"gfx942", "v_mov_b32 v16, 0", small, 2},
      {"gfx942", "v_exp_f32 v8, v9", "v_mov_b32 v10, v8", 1},
      {"gfx942", "v_mov_b32 v8, 0",
       "v_mov_b32_dpp v9, v8 quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf",
       2},
      {"gfx950", "v_mov_b32 v8, 0", "v_permlane32_swap_b32 v8, v9", 2},
      {"gfx942", "v_mov_b32 v8, 0", "v_readfirstlane_b32 s8, v8", 1},
      {"gfx942", "v_cmp_eq_u32 vcc, v1, v2", "v_cndmask_b32 v8, v1, v2, vcc",
       2},
      {"gfx942", "v_cmp_eq_u32 s[8:9], v1, v2",
       "v_cndmask_b32 v8, v1, v2, s[8:9]", 2},
      {"gfx942", "v_readfirstlane_b32 s8, v2", "v_readlane_b32 s9, v2, s8", 4},
      {"gfx942", "v_readfirstlane_b32 s8, v2", "v_writelane_b32 v3, s8, 1", 2},
      {"gfx942", "v_readfirstlane_b32 s20, v1",
       "buffer_load_dword v8, v2, s[12:15], s20 offen", 5},
      {"gfx942", "s_mov_b32 m0, 0", "global_load_lds_dword v1, s[6:7]", 1},
      {"gfx942", "global_store_dwordx4 v1, v[8:11], s[6:7]", "v_mov_b32 v9, 0",
       2},
      {"gfx950", "buffer_store_dwordx4 v[8:11], v2, s[12:15], 0 offen",
       "v_mov_b32 v9, 0", 2},
      {"gfx950", "buffer_store_dwordx4 v[8:11], v2, s[12:15], s20 offen",
       "v_mov_b32 v9, 0", 1},
  };
  // Everything is defined and old.
  std::string before;
  for (unsigned reg = 3; reg < 56; ++reg)
    before += "v_mov_b32 v" + std::to_string(reg) + ", 0\n";
  before += "s_mov_b64 s[12:13], s[6:7]\n"
            "s_mov_b32 s14, 0x1000\n"
            "s_mov_b32 s15, 0x20000\n"
            "s_mov_b32 s20, 0\n"
            "s_nop 7\n";
  const std::string after = "s_nop 15\ns_nop 15\ns_waitcnt vmcnt(0) "
                            "lgkmcnt(0)\n";
  for (const HazardCase &c : cases) {
    auto with = [&](unsigned states) {
      std::string text = before + c.maker + "\n";
      for (unsigned n = 0; n < states; ++n)
        text += n % 2 ? "s_nop 0\n" : "s_setprio 0\n"; // any instruction counts
      return check(text + c.user + "\n" + after, 1, c.chip);
    };
    Lines few = with(c.states - 1);
    EXPECT_EQ(few.size(), 1u) << c.chip << ' ' << c.maker << " -> " << c.user;
    for (const std::string &line : few)
      EXPECT_EQ(line.substr(0, 12), "wait-states:") << line;
    EXPECT_EQ(with(c.states), none)
        << c.chip << ' ' << c.maker << " -> " << c.user;
  }
}

/// Accumulating into the same registers needs no wait.
TEST(WaitStatesCheck, SameAccumulator) {
  std::string before;
  for (unsigned reg = 8; reg < 32; ++reg)
    before += "v_mov_b32 v" + std::to_string(reg) + ", 0\n";
  before += "s_nop 1\n";
  const std::string mfma =
      "v_mfma_f32_32x32x8_bf16 v[16:31], v[8:9], v[10:11], v[16:31]\n";
  EXPECT_EQ(check(before + mfma + mfma, 1, "gfx942"), none);
}

TEST(WaitStatesCheck, NopCounts) {
  const std::string use = "v_mov_b32 v10, v8\n";
  EXPECT_EQ(check("v_exp_f32 v8, v2\ns_nop 0\n" + use), none);
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v1, v2\ns_nop 1\n"
                  "v_cndmask_b32 v8, v1, v2, vcc\n"),
            none);
}

} // namespace
