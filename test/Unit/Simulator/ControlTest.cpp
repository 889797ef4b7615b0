//===- ControlTest.cpp - Branches, hints and scalar loads -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InstructionTest.h"

using namespace flyattn::test;

namespace {

using W = uint32_t;

TEST(Control, Branches) {
  struct Case {
    const char *branch, *setup;
    bool taken;
  };
  const Case cases[] = {
      {"s_branch", "", true},
      {"s_cbranch_scc0", "s_cmp_eq_u32 0, 1", true},
      {"s_cbranch_scc0", "s_cmp_eq_u32 0, 0", false},
      {"s_cbranch_scc1", "s_cmp_eq_u32 0, 0", true},
      {"s_cbranch_scc1", "s_cmp_eq_u32 0, 1", false},
      {"s_cbranch_vccz", "s_mov_b64 vcc, 0", true},
      {"s_cbranch_vccz", "s_mov_b64 vcc, 1", false},
      {"s_cbranch_vccnz", "s_mov_b64 vcc, 1", true},
      {"s_cbranch_vccnz", "s_mov_b64 vcc, 0", false},
      {"s_cbranch_execz", "s_mov_b64 exec, 0", true},
      {"s_cbranch_execz", "s_mov_b64 exec, 1", false},
      {"s_cbranch_execnz", "s_mov_b64 exec, 1", true},
      {"s_cbranch_execnz", "s_mov_b64 exec, 0", false},
  };
  for (const Case &c : cases) {
    KernelText k("gfx950");
    ASSERT_TRUE(k.run(std::string(c.setup) + "\n" + c.branch +
                      " 1f\ns_mov_b32 s20, 1\n1:\ns_mov_b32 s21, 1"))
        << k.error;
    EXPECT_EQ(k.s(20), c.taken ? 0u : 1u) << c.branch << c.setup;
    EXPECT_EQ(k.s(21), 1u);
  }
}

// While bit S1[4:0] of S0 is set, vector, LDS and vector memory instructions do
// nothing and raise no counter; scalar ones and branches go on.
TEST(Control, VectorSkip) {
  for (const char *chip : {"gfx942", "gfx950"}) {
    for (bool skip : {true, false}) {
      KernelText k(chip);
      k.data.resize(64);
      k.s(20) = skip ? 1u << 5 : ~(1u << 5);
      k.s(21) = 32 + 5; // modulo 32
      k.vgpr[1].fill(7);
      k.vgpr[2].fill(0);
      ASSERT_TRUE(k.run("s_setvskip s20, s21\n"
                        "v_mov_b32 v3, v1\n"
                        "v_cmp_eq_u32 vcc, v1, v1\n"
                        "ds_write_b32 v2, v1\n"
                        "global_atomic_add v2, v1, s[4:5]\n"
                        "v_readfirstlane_b32 s22, v1\n"
                        "s_mov_b32 s23, 3\n"
                        "1:\ns_sub_u32 s23, s23, 1\n"
                        "v_add_u32 v4, v4, v1\n"
                        "s_cmp_lg_u32 s23, 0\ns_cbranch_scc1 1b\n"
                        "s_getreg_b32 s24, hwreg(HW_REG_MODE, 28, 1)\n"
                        "s_setvskip 0, 0\n"
                        "ds_read_b32 v5, v2\n"
                        "s_waitcnt vmcnt(0) lgkmcnt(0)\n"
                        "v_mov_b32 v6, v1"))
          << k.error;
      uint32_t written = skip ? 0 : 7;
      EXPECT_EQ(k.vgpr[3][9], written);
      EXPECT_EQ(k.vcc, skip ? 0 : ~uint64_t(0));
      EXPECT_EQ(k.vgpr[4][9], 3 * written);
      EXPECT_EQ(k.data[0] | k.data[1] << 8, skip ? 0 : 64 * 7);
      EXPECT_EQ(k.s(22), written);
      EXPECT_EQ(k.s(23), 0u); // the loop went its way
      EXPECT_EQ(k.s(24), skip ? 1u : 0u);
      EXPECT_EQ(k.vgpr[5][9], skip ? ~0u : 7u); // LDS begins as NaN
      EXPECT_EQ(k.vgpr[6][9], 7u);
    }
  }
}

TEST(Control, BackwardBranchAndHints) {
  KernelText k("gfx950");
  ASSERT_TRUE(k.run("s_mov_b32 s20, 5\n1:\ns_add_u32 s21, s21, 3\n"
                    "s_nop 3\ns_setprio 2\ns_sleep 1\nv_nop\n"
                    "s_sub_u32 s20, s20, 1\ns_cmp_lg_u32 s20, 0\n"
                    "s_cbranch_scc1 1b\n"
                    "s_icache_inv\ns_dcache_inv\ns_dcache_wb\n"
                    "s_dcache_inv_vol\ns_dcache_wb_vol\n"
                    "buffer_inv sc1\nbuffer_wbl2 sc1\ns_ttracedata\n"
                    "s_incperflevel 1\ns_decperflevel 1\ns_wakeup\n"
                    "s_sendmsg sendmsg(MSG_INTERRUPT)\nv_clrexcp\nds_nop\n"
                    "s_dcache_discard s[4:5], 0x0\n"
                    "s_dcache_discard_x2 s[4:5], 0x0\n"
                    "s_atc_probe 7, s[4:5], 0x0\n"
                    "s_atc_probe_buffer 7, s[8:11], 0x0"))
      << k.error;
  EXPECT_EQ(k.s(21), 15u);
}

// Without a debugger these conditions never hold.
TEST(Control, DebuggerBranches) {
  for (const char *branch :
       {"s_cbranch_cdbgsys", "s_cbranch_cdbguser", "s_cbranch_cdbgsys_or_user",
        "s_cbranch_cdbgsys_and_user"}) {
    KernelText k("gfx942");
    ASSERT_TRUE(k.run(std::string(branch) + " 1f\ns_mov_b32 s20, 1\n1:\n"))
        << k.error;
    EXPECT_EQ(k.s(20), 1u) << branch;
  }
}

TEST(Control, CallAndReturn) {
  KernelText k("gfx950");
  // A subroutine that doubles s20, called in two ways.
  ASSERT_TRUE(k.run("s_mov_b32 s20, 3\ns_call_b64 s[30:31], 2f\n"
                    "s_add_u32 s20, s20, 1\n"
                    "s_getpc_b64 s[32:33]\n1:\n"
                    "s_add_u32 s32, s32, 2f-1b\ns_addc_u32 s33, s33, 0\n"
                    "s_swappc_b64 s[30:31], s[32:33]\n"
                    "s_mov_b32 s21, 1\ns_branch 3f\n"
                    "2:\ns_lshl_b32 s20, s20, 1\ns_setpc_b64 s[30:31]\n"
                    "s_mov_b32 s22, 1\n3:\n"))
      << k.error;
  EXPECT_EQ(k.s(20), 14u); // (3 * 2 + 1) * 2
  EXPECT_EQ(k.s(21), 1u);
  EXPECT_EQ(k.s(22), 0u); // behind the return
}

// The source of s_swappc is read before the destination is written.
TEST(Control, SwapWithItself) {
  KernelText k("gfx942");
  ASSERT_TRUE(k.run("s_getpc_b64 s[30:31]\n1:\ns_add_u32 s30, s30, 2f-1b\n"
                    "s_addc_u32 s31, s31, 0\ns_swappc_b64 s[30:31], s[30:31]\n"
                    "s_mov_b32 s20, 1\ns_branch 3f\n"
                    "2:\ns_setpc_b64 s[30:31]\n3:\n"))
      << k.error;
  EXPECT_EQ(k.s(20), 1u);
}

TEST(Control, JumpOutOfTheCodeIsAnError) {
  KernelText k("gfx942");
  EXPECT_FALSE(k.run("s_mov_b64 s[20:21], 0x1000\ns_setpc_b64 s[20:21]"));
  EXPECT_NE(k.error.find("jumps out of the kernel's code"), std::string::npos)
      << k.error;
}

TEST(Control, SavedEndOfProgram) {
  KernelText k("gfx950");
  k.data.assign(4, 0);
  ASSERT_TRUE(k.run("v_mov_b32 v0, 0\nv_mov_b32 v1, 7\n"
                    "global_store_dword v0, v1, s[4:5]\ns_endpgm_saved"))
      << k.error;
  EXPECT_EQ(k.data[0], 7);
}

TEST(Control, TrapIsAnError) {
  KernelText k("gfx950");
  EXPECT_FALSE(k.run("s_trap 2"));
  EXPECT_NE(k.error.find("the kernel traps"), std::string::npos) << k.error;
}

TEST(Control, GetpcPointsAtTheNextInstruction) {
  KernelText k("gfx950");
  // The word behind s_getpc is the first instruction's encoding.
  ASSERT_TRUE(k.run("s_getpc_b64 s[20:21]\ns_load_dword s22, s[20:21], 0x0\n"
                    "s_waitcnt lgkmcnt(0)"))
      << k.error;
  auto code = llvm::cantFail(
      flyattn::sim::assemble("gfx950", "s_load_dword s22, s[20:21], 0x0"));
  W first;
  std::memcpy(&first, code.data(), 4);
  EXPECT_EQ(k.s(22), first);
}

TEST(Control, ConditionCodeAsAnOperand) {
  KernelText k("gfx950");
  ASSERT_TRUE(k.run("s_cmp_eq_u32 0, 0\ns_add_u32 s20, src_scc, 4")) << k.error;
  EXPECT_EQ(k.s(20), 5u);
}

TEST(ScalarMemory, LoadsOfEveryWidth) {
  for (unsigned n : {1, 2, 4, 8, 16}) {
    KernelText k("gfx950");
    for (unsigned i = 0; i < 256; ++i)
      k.data.push_back(uint8_t(i * 7 + 1));
    k.s(51) = 36;
    std::string width = n == 1 ? "" : "x" + std::to_string(n);
    std::string dst = n == 1 ? "s20" : "s[20:" + std::to_string(19 + n) + "]";
    for (const char *offset : {"0x24", "s51", "s51 offset:0x10", "-0x0"}) {
      ASSERT_TRUE(k.run("s_load_dword" + width + " " + dst + ", s[4:5], " +
                        offset + "\ns_waitcnt lgkmcnt(0)"))
          << k.error;
      unsigned from = std::string(offset) == "-0x0" ? 0
                      : strlen(offset) > 4          ? 52
                                                    : 36;
      for (unsigned i = 0; i < n; ++i) {
        W want;
        std::memcpy(&want, &k.data[from + 4 * i], 4);
        EXPECT_EQ(k.s(20 + i), want) << offset << n;
      }
    }
  }
}

// Dwords beyond num_records read 0.
TEST(ScalarMemory, BufferLoadsAreClamped) {
  for (unsigned n : {1, 2, 4, 8, 16}) {
    KernelText k("gfx950");
    k.data.assign(256, 0x5a);
    std::string width = n == 1 ? "" : "x" + std::to_string(n);
    std::string dst = n == 1 ? "s20" : "s[20:" + std::to_string(19 + n) + "]";
    ASSERT_TRUE(k.run("s_mov_b32 s48, s4\ns_mov_b32 s49, s5\n"
                      "s_mov_b32 s50, 20\ns_mov_b32 s51, 0x20000\n"
                      "s_buffer_load_dword" +
                      width + " " + dst + ", s[48:51], 0x8\n" +
                      "s_waitcnt lgkmcnt(0)"))
        << k.error;
    for (unsigned i = 0; i < n; ++i)
      EXPECT_EQ(k.s(20 + i), i < 3 ? 0x5a5a5a5au : 0u) << n << " " << i;
  }
}

TEST(ScalarMemory, StoresOfEveryWidth) {
  for (bool buffer : {false, true})
    for (unsigned n : {1u, 2u, 4u}) {
      KernelText k("gfx942");
      k.data.assign(64, 0xee);
      for (unsigned i = 0; i < 4; ++i)
        k.s(20 + i) = 0x11111111 * (i + 1);
      k.s(28) = 8;
      std::string data =
          n == 1 ? "s20" : "s[20:" + std::to_string(19 + n) + "]";
      std::string name =
          std::string(buffer ? "s_buffer_store_dword" : "s_store_dword") +
          (n == 1 ? "" : "x" + std::to_string(n)) + " ";
      std::string text =
          buffer ? "s_mov_b32 s48, s4\ns_mov_b32 s49, s5\ns_mov_b32 s50, 20\n"
                   "s_mov_b32 s51, 0\n" +
                       name + data + ", s[48:51], s28"
                 : name + data + ", s[4:5], 0x8";
      ASSERT_TRUE(k.run(text)) << text << k.error;
      for (unsigned i = 0; i < 16; ++i) {
        W got;
        std::memcpy(&got, &k.data[4 * i], 4);
        // The buffer ends after 20 bytes.
        bool written = i >= 2 && i < 2 + n && (!buffer || i < 5);
        EXPECT_EQ(got, written ? 0x11111111 * (i - 1) : 0xeeeeeeeeu) << text;
      }
    }
}

// Time goes on between two readings.
TEST(ScalarMemory, Time) {
  for (const char *name : {"s_memtime", "s_memrealtime"}) {
    KernelText k("gfx950");
    ASSERT_TRUE(k.run(std::string(name) + " s[20:21]\ns_waitcnt lgkmcnt(0)\n" +
                      name + " s[22:23]\ns_waitcnt lgkmcnt(0)"))
        << k.error;
    EXPECT_GT(k.s64(22), k.s64(20)) << name;
  }
}

} // namespace
