//===- WaveTest.cpp - Orders of waves, commit policies, threads -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchTest.h"

using namespace flyattn::test;

namespace {

// Wave 1 writes, wave 0 reads behind the barrier.
const std::string handOver =
    start + "v_cmp_gt_u32 vcc, 64, v2\ns_cbranch_vccnz 1f\n"
            "v_sub_u32 v3, 127, v2\nv_lshlrev_b32 v3, 2, v3\n"
            "ds_write_b32 v3, v2\n"
            "1:\ns_waitcnt lgkmcnt(0)\ns_barrier\n"
            "v_and_b32 v3, 0xff, v1\nds_read_b32 v4, v3\n"
            "s_waitcnt lgkmcnt(0)\nglobal_store_dword v1, v4, s[6:7]\ns_endpgm";

TEST(Waves, BarrierOrdersThem) {
  for (WaveOrder order :
       {WaveOrder::Forward, WaveOrder::Reverse, WaveOrder::Random})
    for (CommitPolicy commit :
         {CommitPolicy::Early, CommitPolicy::LateDma, CommitPolicy::Late})
      for (unsigned quantum : {1, 3, 16, 1000, 0}) {
        Launch l;
        l.params.block = {128, 1, 1};
        l.options.order = order;
        l.options.commit = commit;
        l.options.quantum = quantum;
        l.options.seed = quantum;
        ASSERT_TRUE(l.run(handOver)) << l.error;
        for (unsigned i = 0; i < 128; ++i)
          EXPECT_EQ(l.out[i], 127 - i % 64);
      }
}

// Without the barrier the order of the waves shows: the test can tell them
// apart.
TEST(Waves, OrderAndQuantumAreVisible) {
  // Every wave appends its number to a list in LDS, twice.
  const std::string text =
      start + "v_lshrrev_b32 v3, 6, v2\nv_mov_b32 v4, 0\nv_mov_b32 v5, 4\n"
              "s_mov_b64 exec, 1\n"
              "ds_add_rtn_u32 v6, v4, v5 offset:512\ns_waitcnt lgkmcnt(0)\n"
              "ds_write_b32 v6, v3\nds_add_rtn_u32 v6, v4, v5 offset:512\n"
              "s_waitcnt lgkmcnt(0)\nds_write_b32 v6, v3\ns_endpgm";
  auto listOf = [&](WaveOrder order, unsigned quantum, uint64_t seed) {
    Launch l;
    l.params.block = {256, 1, 1};
    l.options.order = order;
    l.options.quantum = quantum;
    l.options.seed = seed;
    // A leading wave clears the counter; the list is read after a barrier.
    std::string body = text;
    body.replace(body.find("s_mov_b64 exec, 1\n"), 18,
                 "s_mov_b64 exec, 1\nds_write_b32 v4, v4 offset:512\n"
                 "s_waitcnt lgkmcnt(0)\ns_barrier\n");
    body.replace(body.find("s_endpgm"), 8,
                 "s_waitcnt lgkmcnt(0)\ns_barrier\ns_mov_b64 exec, 0xff\n"
                 "v_and_b32 v1, 0xff, v1\n"
                 "ds_read_b32 v7, v1\ns_waitcnt lgkmcnt(0)\n"
                 "global_store_dword v1, v7, s[6:7]\ns_endpgm");
    EXPECT_TRUE(l.run(body)) << l.error;
    return std::vector<uint32_t>(l.out.begin(), l.out.begin() + 8);
  };
  using List = std::vector<uint32_t>;
  EXPECT_EQ(listOf(WaveOrder::Forward, 100, 0), List({0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(listOf(WaveOrder::Reverse, 100, 0), List({3, 3, 2, 2, 1, 1, 0, 0}));
  EXPECT_EQ(listOf(WaveOrder::Forward, 1, 0), List({0, 1, 2, 3, 0, 1, 2, 3}));
  List random = listOf(WaveOrder::Random, 1, 1);
  EXPECT_EQ(random, listOf(WaveOrder::Random, 1, 1));
  bool differs = false;
  for (uint64_t seed = 2; seed < 8; ++seed)
    differs |= listOf(WaveOrder::Random, 1, seed) != random;
  EXPECT_TRUE(differs);
}

// What is not waited for arrives late, or at once.
TEST(Commit, LoadsLandAtTheirWait) {
  struct Case {
    CommitPolicy policy;
    bool lateLoad, lateDma;
  };
  for (const Case &c : {Case{CommitPolicy::Early, false, false},
                        Case{CommitPolicy::LateDma, false, true},
                        Case{CommitPolicy::Late, true, true}}) {
    Launch l;
    l.options.commit = c.policy;
    for (unsigned i = 0; i < 64; ++i)
      l.out[i] = 100 + i;
    ASSERT_TRUE(l.run(
        start + "v_mov_b32 v3, -1\nv_mov_b32 v4, -1\nv_mov_b32 v5, -1\n"
                "s_mov_b32 m0, 0\ns_mov_b32 s8, 7\n"
                "ds_write_b32 v1, v2 offset:1024\n"
                "s_waitcnt lgkmcnt(0)\n"
                "global_load_lds_dword v1, s[6:7]\n" // vm: 1
                "global_load_dword v3, v1, s[6:7]\n" // vm: 2
                "ds_read_b32 v4, v1 offset:1024\n"   // lgkm: 1
                "s_load_dword s8, s[6:7], 0x0\n"     // lgkm: 2
                "v_mov_b32 v10, v3\nv_mov_b32 v11, v4\nv_mov_b32 v12, s8\n"
                "s_waitcnt lgkmcnt(0)\n"
                "ds_read_b32 v13, v1\ns_waitcnt lgkmcnt(0)\n" // before the DMA
                "s_waitcnt vmcnt(1)\n" // the DMA, not the load
                "ds_read_b32 v14, v1\ns_waitcnt lgkmcnt(0)\nv_mov_b32 v15, v3\n"
                "s_waitcnt vmcnt(0)\nv_mov_b32 v16, v3\n"
                "global_store_dword v1, v10, s[6:7] offset:1024\n"
                "global_store_dword v1, v11, s[6:7] offset:1280\n"
                "global_store_dword v1, v12, s[6:7] offset:1536\n"
                "global_store_dword v1, v13, s[6:7] offset:1792\n"
                "global_store_dword v1, v14, s[6:7] offset:2048\n"
                "global_store_dword v1, v15, s[6:7] offset:2304\n"
                "global_store_dword v1, v16, s[6:7] offset:2560\ns_endpgm"))
        << l.error;
    auto at = [&](unsigned slot, unsigned lane) {
      return l.out[256 + 64 * slot + lane];
    };
    const uint32_t none = 0xffffffff;
    for (unsigned i : {0, 17, 63}) {
      EXPECT_EQ(at(0, i), c.lateLoad ? none : 100 + i);
      EXPECT_EQ(at(1, i), c.lateLoad ? none : i);
      EXPECT_EQ(at(2, i), c.lateLoad ? 7 : 100);
      EXPECT_EQ(at(3, i), c.lateDma ? none : 100 + i);
      EXPECT_EQ(at(4, i), 100 + i);
      EXPECT_EQ(at(5, i), c.lateLoad ? none : 100 + i);
      EXPECT_EQ(at(6, i), 100 + i);
    }
  }
}

TEST(Commit, StoresTakeTheirDataAtIssueAndLandLate) {
  for (bool late : {false, true}) {
    Launch l;
    l.options.commit = late ? CommitPolicy::Late : CommitPolicy::Early;
    ASSERT_TRUE(l.run(start + "v_mov_b32 v3, 5\n"
                              "global_store_dword v1, v3, s[6:7]\n"
                              "ds_write_b32 v1, v3\n"
                              "v_mov_b32 v3, 6\n" // too late to matter
                              "s_load_dword s8, s[6:7], 0x0\n"
                              "s_waitcnt lgkmcnt(0)\n" // the LDS write, too
                              "ds_read_b32 v5, v1\n"
                              "s_waitcnt lgkmcnt(0)\nv_mov_b32 v4, s8\n"
                              "global_store_dword v1, v4, s[6:7] offset:256\n"
                              "global_store_dword v1, v5, s[6:7] offset:512\n"
                              "s_endpgm"))
        << l.error;
    EXPECT_EQ(l.out[0], 5u); // ends of programs land everything
    EXPECT_EQ(l.out[64], late ? 0xdeadbeef : 5u);
    EXPECT_EQ(l.out[128], 5u);
  }
}

// The addresses of a delayed operation are those of its issue.
TEST(Commit, AddressesAreTakenAtIssue) {
  Launch l;
  l.options.commit = CommitPolicy::Late;
  for (unsigned i = 0; i < 64; ++i)
    l.out[i] = 100 + i;
  ASSERT_TRUE(l.run(start + "v_mov_b32 v4, v1\n"
                            "ds_write_b32 v4, v2\nv_mov_b32 v4, 0\n"
                            "s_waitcnt lgkmcnt(0)\nv_mov_b32 v5, v1\n"
                            "ds_read_b32 v6, v5\n"
                            "global_load_dword v7, v5, s[6:7]\n"
                            "v_mov_b32 v5, 0\n"
                            "s_waitcnt vmcnt(0) lgkmcnt(0)\n"
                            "global_store_dword v1, v6, s[6:7] offset:256\n"
                            "global_store_dword v1, v7, s[6:7] offset:512\n"
                            "s_endpgm"))
      << l.error;
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_EQ(l.out[64 + i], i);
    EXPECT_EQ(l.out[128 + i], 100 + i);
  }
}

// More operations than a counter holds: the oldest land.
TEST(Commit, CountersSaturate) {
  Launch l(16384);
  l.options.commit = CommitPolicy::Late;
  std::string text = start;
  for (unsigned n = 0; n < 100; ++n)
    text += "global_load_dword v3, v1, s[6:7] offset:" +
            std::to_string(4 * (n % 16)) + "\n";
  text += "v_mov_b32 v4, v3\ns_waitcnt vmcnt(0)\n"
          "global_store_dword v1, v4, s[6:7] offset:2048\ns_endpgm";
  for (unsigned i = 0; i < 512; ++i)
    l.out[i] = i;
  ASSERT_TRUE(l.run(text)) << l.error;
  // 63 are outstanding; number 36 (100 - 63 - 1) is the last that landed.
  EXPECT_EQ(l.out[512 + 5], 5u + 36 % 16);
}

TEST(Waves, AnEndedWaveNoLongerCounts) {
  Launch l;
  l.params.block = {128, 1, 1};
  ASSERT_TRUE(l.run(start + "v_cmp_gt_u32 vcc, 64, v2\n"
                            "s_cbranch_vccnz 1f\ns_barrier\ns_barrier\n"
                            "global_store_dword v1, v2, s[6:7]\n1:\ns_endpgm"))
      << l.error;
  EXPECT_EQ(l.out[64], 64u);
  EXPECT_EQ(l.out[0], 0xdeadbeef);
}

TEST(Waves, EndlessWaitSaysWhoWaitsWhere) {
  Launch l;
  l.params.block = {128, 1, 1};
  l.options.instructionBudget = 10000;
  EXPECT_FALSE(l.run(start + "v_cmp_gt_u32 vcc, 64, v2\n"
                             "s_cbranch_vccnz 1f\ns_barrier\ns_endpgm\n"
                             "1:\ns_nop 0\ns_branch 1b\n"));
  EXPECT_TRUE(l.errorHas("kernel 'kernel': workgroup 0,0,0 is not done after"))
      << l.error;
  EXPECT_TRUE(l.errorHas("wave 0 runs at offset 0x")) << l.error;
  EXPECT_TRUE(l.errorHas("wave 1 waits at the barrier at offset 0x"))
      << l.error;
  EXPECT_TRUE(l.errorHas("`s_barrier`")) << l.error;
}

TEST(Threads, DoNotChangeResults) {
  std::vector<uint32_t> first;
  for (unsigned threads : {1, 2, 3, 8}) {
    Launch l(65536);
    l.params.grid = {16, 4, 2};
    l.params.block = {256, 1, 1};
    l.options.threads = threads;
    uint64_t calls = 0, last = 0;
    if (threads == 1)
      l.options.progress = [&](uint64_t done, uint64_t total) {
        ++calls;
        last = done;
        EXPECT_EQ(total, 128u);
      };
    ASSERT_TRUE(l.run(start + "s_lshl_b32 s4, s4, 6\ns_lshl_b32 s3, s3, 4\n"
                              "s_add_u32 s2, s2, s3\ns_add_u32 s2, s2, s4\n"
                              "s_lshl_b32 s8, s2, 10\n"
                              "v_add_u32 v1, s8, v1\nv_cvt_f32_u32 v3, v1\n"
                              "v_exp_f32 v3, v3\nv_sqrt_f32 v4, v1\n"
                              "v_xor_b32 v3, v3, v4\n"
                              "global_store_dword v1, v3, s[6:7]\ns_endpgm"))
        << l.error;
    EXPECT_EQ(l.result.workgroups, 128u);
    if (threads == 1) {
      EXPECT_EQ(calls, 128u);
      EXPECT_EQ(last, 128u);
      first = l.out;
    }
    EXPECT_EQ(l.out, first);
  }
}

TEST(Memory, AllocationsAreNanFilledAndAligned) {
  Memory memory;
  uint64_t a = memory.allocate(1000, "a"), b = memory.allocate(10, "b");
  EXPECT_EQ(a % 256, 0u);
  EXPECT_EQ(b % 256, 0u);
  for (unsigned i = 0; i < 1000; ++i)
    EXPECT_EQ(reinterpret_cast<uint8_t *>(a)[i], 0xff);
  ASSERT_NE(memory.find(a + 996, 4), nullptr);
  EXPECT_EQ(memory.find(a + 996, 4)->name, "a");
  EXPECT_EQ(memory.find(a + 997, 4), nullptr);
  EXPECT_EQ(memory.find(a - 1, 2), nullptr);
  EXPECT_EQ(memory.allocations().size(), 2u);
}

} // namespace
