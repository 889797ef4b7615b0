//===- LaunchTest.cpp - The state a kernel starts in, and errors ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchTest.h"

using namespace flyattn::test;

namespace {

TEST(LaunchState, WorkgroupAndWorkItemIds) {
  Launch l;
  l.info.rsrc2 |= 2u << 11; // all three work-item ids
  l.params.grid = {2, 3, 2};
  l.params.block = {4, 3, 2};
  ASSERT_TRUE(l.run("s_load_dwordx2 s[6:7], s[0:1], 0x0\n"
                    // item = x + 4 (y + 3 z), group = x + 2 (y + 3 z)
                    "v_bfe_u32 v1, v0, 20, 10\nv_bfe_u32 v2, v0, 10, 10\n"
                    "v_and_b32 v3, 0x3ff, v0\n"
                    "v_mad_u32_u24 v2, v1, 3, v2\n"
                    "v_lshl_add_u32 v2, v2, 2, v3\n"
                    "s_mul_i32 s4, s4, 3\ns_add_u32 s3, s3, s4\n"
                    "s_lshl_b32 s3, s3, 1\ns_add_u32 s2, s2, s3\n"
                    "s_mul_i32 s3, s2, 24\nv_add_u32 v4, s3, v2\n"
                    "v_lshlrev_b32 v5, 2, v4\ns_waitcnt lgkmcnt(0)\n"
                    "global_store_dword v5, v4, s[6:7]\ns_endpgm\n"))
      << l.error;
  for (unsigned i = 0; i < 12 * 24; ++i)
    EXPECT_EQ(l.out[i], i);
  EXPECT_EQ(l.out[12 * 24], 0xdeadbeef);
  EXPECT_EQ(l.result.workgroups, 12u);
  EXPECT_EQ(l.result.waves, 12u);
}

TEST(LaunchState, PartialLastWave) {
  Launch l;
  l.params.block = {100, 1, 1};
  ASSERT_TRUE(l.run(start + "global_store_dword v1, v2, s[6:7]\ns_endpgm"))
      << l.error;
  for (unsigned i = 0; i < 128; ++i)
    EXPECT_EQ(l.out[i], i < 100 ? i : 0xdeadbeef);
  EXPECT_EQ(l.result.waves, 2u);
  EXPECT_EQ(l.result.instructions, 2u * 6);
}

TEST(LaunchState, UserScalarsInOrder) {
  Launch l;
  // Dispatch packet, kernarg, private segment size, two preloaded dwords.
  l.info.codeProperties = 1u << 1 | 1u << 3 | 1u << 6;
  l.info.kernargPreload = 2 | 2u << 7;
  l.info.scratchSize = 32;
  l.info.rsrc2 = 7u << 1 | 1u << 7;
  l.params.grid = {2, 1, 1};
  l.params.setKernarg(8, uint64_t(0x1122334455667788));
  ASSERT_TRUE(l.run("s_load_dwordx2 s[10:11], s[2:3], 0x0\n"
                    "s_load_dwordx2 s[12:13], s[0:1], 0x4\n" // sizes
                    "s_load_dword s14, s[0:1], 0xc\n"
                    "s_waitcnt lgkmcnt(0)\ns_cmp_eq_u32 s7, 1\n"
                    "s_cbranch_scc0 1f\nv_mov_b32 v1, 0\n"
                    "v_mov_b32 v2, s4\nv_mov_b32 v3, s5\nv_mov_b32 v4, s6\n"
                    "v_mov_b32 v5, s12\n"
                    "global_store_dwordx4 v1, v[2:5], s[10:11]\n"
                    "v_mov_b32 v2, s14\n"
                    "global_store_dword v1, v2, s[10:11] offset:16\n"
                    "1:\ns_endpgm"))
      << l.error;
  EXPECT_EQ(l.out[0], 32u);
  EXPECT_EQ(l.out[1], 0x55667788u);
  EXPECT_EQ(l.out[2], 0x11223344u);
  EXPECT_EQ(l.out[3], 64u | 1u << 16);
  EXPECT_EQ(l.out[4], 128u); // the grid in work-items
}

TEST(LaunchChecks, WhatDoesNotFitTheKernel) {
  Launch l;
  l.info.maxWorkgroupSize = 64;
  l.params.block = {65, 1, 1};
  EXPECT_FALSE(l.run("s_endpgm"));
  EXPECT_TRUE(l.errorHas("65 work-items; the kernel allows 64")) << l.error;
  l.params.block = {64, 0, 1};
  EXPECT_FALSE(l.run("s_endpgm"));
  l.params.block = {64, 1, 1};
  l.info.kernargSize = 16;
  EXPECT_FALSE(l.run("s_endpgm"));
  EXPECT_TRUE(l.errorHas("kernarg segment of 8 bytes")) << l.error;
  l.info.kernargSize = 8;
  l.params.dynamicLds = 160 * 1024;
  EXPECT_FALSE(l.run("s_endpgm"));
  EXPECT_TRUE(l.errorHas("gfx950 has 163840")) << l.error;
  l.params.dynamicLds = 0;
  l.options.workgroups = {1};
  EXPECT_FALSE(l.run("s_endpgm"));
}

TEST(LaunchChecks, ChosenWorkgroupsOnly) {
  Launch l;
  l.params.grid = {8, 1, 1};
  l.options.workgroups = {2, 5};
  ASSERT_TRUE(l.run(start + "s_lshl_b32 s2, s2, 2\nv_mov_b32 v1, s2\n"
                            "global_store_dword v1, v1, s[6:7]\ns_endpgm"))
      << l.error;
  for (unsigned i = 0; i < 8; ++i)
    EXPECT_EQ(l.out[i], i == 2 || i == 5 ? 4 * i : 0xdeadbeef);
}

TEST(LaunchState, PerformanceCountersSumOverWaves) {
  // SIMM16[3:0] is the counter's number. Two workgroups of three waves.
  Launch l;
  l.params.grid = {2, 1, 1};
  l.params.block = {192, 1, 1};
  ASSERT_TRUE(l.run("s_incperflevel 3\ns_incperflevel 0x13\n"
                    "s_decperflevel 15\ns_endpgm"))
      << l.error;
  std::array<int64_t, 16> expected = {};
  expected[3] = 12;
  expected[15] = -6;
  EXPECT_EQ(l.result.performanceCounters, expected);
}

TEST(LaunchChecks, DynamicLdsFollowsTheStatic) {
  Launch l;
  l.params.dynamicLds = 512;
  ASSERT_TRUE(l.run("v_mov_b32 v1, 0x11fc\nds_write_b32 v1, v1\ns_endpgm"))
      << l.error;
  EXPECT_FALSE(l.run("v_mov_b32 v1, 0x1200\nds_write_b32 v1, v1\ns_endpgm"));
}

TEST(Errors, UnknownInstructionOnlyWhenExecuted) {
  Launch l;
  std::string unknown = "s_rfe_b64 s[0:1]";
  EXPECT_TRUE(l.run("s_branch 1f\n" + unknown + "\n1:\ns_endpgm")) << l.error;
  EXPECT_FALSE(l.run("s_nop 0\n" + unknown + "\ns_endpgm"));
  EXPECT_EQ(l.error,
            "kernel 'kernel', offset 0x4, `s_rfe_b64 s[0:1]`: "
            "instruction is not implemented (workgroup 0,0,0, wave 0)");
}

TEST(Errors, UndecodableBytes) {
  Launch l;
  EXPECT_FALSE(l.run(".long 0xffffffff\ns_endpgm"));
  EXPECT_TRUE(l.errorHas("`.long 0xFFFFFFFF`")) << l.error;
}

TEST(Errors, RunningPastTheEnd) {
  Launch l;
  EXPECT_FALSE(l.run("s_nop 0"));
  EXPECT_TRUE(l.errorHas("past the end")) << l.error;
  EXPECT_FALSE(l.run("s_branch 100"));
  EXPECT_TRUE(l.errorHas("branch out of the kernel's code")) << l.error;
}

TEST(Errors, RegistersBeyondTheAllocation) {
  Launch l;
  EXPECT_FALSE(l.run("v_mov_b32 v64, 0\ns_endpgm"));
  EXPECT_TRUE(l.errorHas("beyond the kernel's 64 VGPRs")) << l.error;
}

TEST(Errors, AccessOutsideTheAllocations) {
  for (const char *access :
       {"global_store_dword v1, v2, s[6:7]", "global_load_dword v3, v1, s[6:7]",
        "global_atomic_add v1, v2, s[6:7]",
        "global_load_lds_dword v1, s[6:7]"}) {
    Launch l(65); // 256 bytes fit with offset 0, lane 61 is the first not to
    l.out.resize(60);
    l.params.block = {64, 1, 1};
    EXPECT_FALSE(l.run(start + "s_mov_b32 m0, 0\n" + access + "\ns_endpgm"));
    char address[32];
    std::snprintf(address, sizeof(address), "0x%lx",
                  reinterpret_cast<unsigned long>(l.out.data() + 60));
    EXPECT_TRUE(l.errorHas(std::string("`") + access + "`")) << l.error;
    EXPECT_TRUE(l.errorHas("kernel 'kernel', offset 0x")) << l.error;
    EXPECT_TRUE(l.errorHas(std::string("access of 4 bytes at ") + address +
                           " (lane 60) is outside every allocation"))
        << l.error;
  }
}

TEST(Errors, BufferAccessOutsideTheAllocations) {
  Launch l(16);
  EXPECT_FALSE(l.run(start + "s_mov_b32 s8, s6\ns_mov_b32 s9, s7\n"
                             "s_mov_b32 s10, 0x1000\ns_mov_b32 s11, 0\n"
                             "buffer_load_dword v3, v1, s[8:11], 0 offen\n"
                             "s_endpgm"));
  EXPECT_TRUE(l.errorHas("(lane 16)")) << l.error;
}

TEST(Errors, ScalarAndLdsAccess) {
  Launch l;
  EXPECT_FALSE(l.run("s_mov_b64 s[2:3], 64\ns_load_dword s4, s[2:3], 0x0\n"
                     "s_endpgm"));
  EXPECT_TRUE(l.errorHas("access of 4 bytes at 0x40 is outside")) << l.error;
  EXPECT_FALSE(l.run("v_mov_b32 v1, 0xffd\nds_read_b32 v2, v1\ns_endpgm"));
  EXPECT_TRUE(l.errorHas("LDS access at 0xffd (lane 0) is outside the 4096"))
      << l.error;
  // Inactive lanes may point anywhere.
  EXPECT_TRUE(l.run("v_lshlrev_b32 v1, 7, v0\ns_mov_b64 exec, 0xff\n"
                    "ds_read_b32 v2, v1\ns_endpgm"))
      << l.error;
}

TEST(Errors, TheFirstWorkgroupIsReported) {
  for (unsigned threads : {1, 2, 4}) {
    Launch l;
    l.params.grid = {64, 1, 1};
    l.options.threads = threads;
    EXPECT_FALSE(l.run("s_cmp_lt_u32 s2, 7\ns_cbranch_scc1 1f\n"
                       "s_rfe_b64 s[0:1]\n1:\ns_endpgm"));
    EXPECT_TRUE(l.errorHas("workgroup 7,0,0")) << l.error;
  }
}

/// Behind the caller's own 8 bytes of arguments: what the caller gives stands.
TEST(Launch, HiddenArgumentsAreFilledIn) {
  Launch l;
  l.info.kernargSize = 40;
  l.info.hiddenArguments = {
      {8, 4, "hidden_block_count_y"},     {12, 2, "hidden_group_size_x"},
      {14, 2, "hidden_remainder_x"},      {16, 2, "hidden_grid_dims"},
      {20, 4, "hidden_dynamic_lds_size"}, {24, 8, "hidden_heap_v1"}};
  l.params.grid = {1, 3, 1};
  l.params.dynamicLds = 512;
  const std::string text =
      start + "s_load_dwordx8 s[8:15], s[0:1], 0x8\ns_waitcnt lgkmcnt(0)\n"
              "v_mov_b32 v4, s8\nv_mov_b32 v5, s9\nv_mov_b32 v6, s10\n"
              "v_mov_b32 v7, s11\nv_mov_b32 v8, 0\n"
              "global_store_dwordx4 v8, v[4:7], s[6:7]\n"
              "v_mov_b32 v4, s12\nglobal_store_dword v8, v4, s[6:7] offset:16\n"
              "s_endpgm\n";
  ASSERT_TRUE(l.run(text)) << l.error;
  EXPECT_EQ(std::vector<uint32_t>(l.out.begin(), l.out.begin() + 5),
            (std::vector<uint32_t>{3, 64, 3, 512, 0}));
  l.params.setKernarg(8, uint32_t(77));
  ASSERT_TRUE(l.run(text)) << l.error;
  EXPECT_EQ(l.out[0], 77u);
  EXPECT_EQ(l.out[1], 64u);
  l.params.kernarg.resize(4);
  l.info.kernargSize = 16;
  l.info.hiddenArguments = {{12, 4, "hidden_block_count_x"}};
  EXPECT_FALSE(l.run(text));
  EXPECT_TRUE(l.errorHas("8 bytes; the kernel reads 12")) << l.error;
}

} // namespace
