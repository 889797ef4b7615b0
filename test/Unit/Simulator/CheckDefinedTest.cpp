//===- CheckDefinedTest.cpp - Values that nothing has written -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChecksTest.h"

using namespace flyattn::test;

namespace {

/// v_and with a constant keeps an undefined register an undefined, but valid,
/// address.
const std::string undefinedAddress = "v_and_b32 v8, 0xfc, v9\n";

TEST(UndefinedCheck, Addresses) {
  EXPECT_EQ(check(undefinedAddress + "global_load_dword v3, v8, s[6:7]\n"),
            (Lines{"undefined: global_load_dword v3, v8, s[6:7]: 1"}));
  EXPECT_EQ(check(undefinedAddress + "ds_read_b32 v3, v8\n").size(), 1u);
  EXPECT_EQ(check("s_and_b32 s9, s20, 4\ns_load_dword s8, s[0:1], s9\n").size(),
            1u);
  EXPECT_EQ(check("s_and_b32 m0, s20, 0xff\ns_nop 0\n"
                  "global_load_lds_dword v1, s[6:7]\n"
                  "s_waitcnt vmcnt(0)\n")
                .size(),
            1u);
}

TEST(UndefinedCheck, Branches) {
  EXPECT_EQ(check("s_cmp_eq_u32 s20, 0\ns_cbranch_scc1 0\n"),
            (Lines{"undefined: s_cbranch_scc1 0: 1"}));
  EXPECT_EQ(check("s_cmp_eq_u32 s2, 0\ns_cbranch_scc1 0\n"), none);
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v9, v2\ns_cbranch_vccnz 0\n").size(), 1u);
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v1, v2\ns_cbranch_vccnz 0\n"), none);
}

TEST(UndefinedCheck, StoredData) {
  EXPECT_EQ(check("global_store_dword v1, v9, s[6:7]\n"),
            (Lines{"undefined: global_store_dword v1, v9, s[6:7]: 1"}));
  EXPECT_EQ(check("global_store_dword v1, v2, s[6:7]\n"), none);
  // What a buffer drops may be anything.
  const std::string buffer = "s_mov_b64 s[12:13], s[6:7]\n"
                             "s_mov_b32 s15, 0x20000\n";
  const std::string store = "buffer_store_dword v9, v1, s[12:15], 0 offen\n";
  EXPECT_EQ(check(buffer + "s_mov_b32 s14, 0\n" + store), none);
  EXPECT_EQ(check(buffer + "s_mov_b32 s14, 4\n" + store).size(), 1u);
}

TEST(UndefinedCheck, Exec) {
  EXPECT_EQ(check("v_cmp_eq_u32 vcc, v9, v2\ns_and_saveexec_b64 s[8:9], vcc\n")
                .size(),
            1u);
  EXPECT_EQ(check("s_mov_b64 exec, s[20:21]\ns_mov_b64 exec, -1\n").size(), 1u);
  // Bits that a known 0 decides are defined.
  EXPECT_EQ(check("s_mov_b32 s8, 0\ns_mov_b32 s9, 0\n"
                  "s_and_b64 s[10:11], s[20:21], s[8:9]\n"
                  "s_mov_b64 exec, s[10:11]\ns_mov_b64 exec, -1\n"),
            none);
}

/// Undefined values pass through instructions, lane by lane.
TEST(UndefinedCheck, ThroughInstructions) {
  const std::string store = "s_nop 4\nglobal_store_dword v1, v8, s[6:7]\n";
  const std::string odd = "s_mov_b32 s8, 0xaaaaaaaa\n"
                          "s_mov_b32 s9, 0xaaaaaaaa\n";
  // v10 is defined in odd lanes only.
  const std::string half = odd + "s_mov_b64 exec, s[8:9]\nv_mov_b32 v10, 0\n"
                                 "s_mov_b64 exec, -1\n";
  EXPECT_EQ(check("v_add_f32 v8, v9, v2\n" + store).size(), 1u);
  EXPECT_EQ(check(half + "v_add_f32 v8, v10, v2\n" + store).size(), 1u);
  EXPECT_EQ(check(half + "v_cndmask_b32 v8, v2, v10, s[8:9]\n" + store), none);
  EXPECT_EQ(check(half + "v_cndmask_b32 v8, v10, v2, s[8:9]\n" + store).size(),
            1u);
  EXPECT_EQ(check(half +
                  "v_add_f32 v8, v10, v2\n"
                  "s_mov_b64 exec, s[8:9]\n" +
                  store),
            none);
  // From the odd neighbour by DPP.
  const std::string dpp = " row_mask:0xf bank_mask:0xf\n";
  EXPECT_EQ(check(half + "s_nop 1\nv_mov_b32_dpp v8, v10 quad_perm:[1,1,3,3]" +
                  dpp + store),
            none);
  EXPECT_EQ(check(half + "s_nop 1\nv_mov_b32_dpp v8, v10 quad_perm:[0,0,2,2]" +
                  dpp + store)
                .size(),
            1u);
  // A lane of its own.
  EXPECT_EQ(check(half +
                  "s_nop 1\nv_readlane_b32 s10, v10, 1\ns_nop 4\n"
                  "v_mov_b32 v8, s10\n" +
                  store),
            none);
  EXPECT_EQ(check(half +
                  "s_nop 1\nv_readlane_b32 s10, v10, 2\ns_nop 4\n"
                  "v_mov_b32 v8, s10\n" +
                  store)
                .size(),
            1u);
  // Of a pair, packed math reads the words that op_sel and op_sel_hi choose.
  const std::string words = "v_mov_b32 v10, 0\nv_mov_b32 v11, 0\n"
                            "v_mov_b32 v12, 0\n";
  EXPECT_EQ(check(words +
                  "v_pk_mul_f32 v[8:9], v[10:11], v[12:13] op_sel_hi:[1,0]\n" +
                  store),
            none);
  EXPECT_EQ(check(words + "v_pk_mul_f32 v[8:9], v[10:11], v[12:13]\n" + store +
                  "global_store_dword v1, v9, s[6:7]\n")
                .size(),
            2u);
  // Both halves of a register, one after the other.
  EXPECT_EQ(check("v_cvt_pk_fp8_f32 v8, v1, v2\n"
                  "v_cvt_pk_fp8_f32 v8, v1, v2 op_sel:[0,0,1]\n" +
                  store),
            none);
}

TEST(UndefinedCheck, LdsBytes) {
  const std::string store = "s_waitcnt lgkmcnt(0)\n"
                            "global_store_dword v1, v8, s[6:7]\n";
  EXPECT_EQ(check("ds_read_b32 v8, v1\n" + store).size(), 1u);
  EXPECT_EQ(check("ds_write_b32 v1, v2\nds_read_b32 v8, v1\n" + store), none);
  EXPECT_EQ(check("ds_write_b16 v1, v2\nds_read_b32 v8, v1\n" + store).size(),
            1u);
  EXPECT_EQ(check("ds_write_b32 v1, v9\nds_read_b32 v8, v1\n" + store).size(),
            1u);
  EXPECT_EQ(check(dma + "s_waitcnt vmcnt(0)\nds_read_b32 v8, v1\n" + store),
            none);
  // With no active lane nothing is written, whatever was before.
  EXPECT_EQ(check("ds_write_b32 v1, v9 offset:1024\n"
                  "s_waitcnt lgkmcnt(0)\n"
                  "s_mov_b64 exec, 0\nds_write_b32 v1, v2\n"
                  "s_waitcnt lgkmcnt(0)\n"
                  "s_mov_b64 exec, -1\nds_read_b32 v8, v1\n" +
                  store)
                .size(),
            1u);
  // A dword of two.
  EXPECT_EQ(check("v_lshlrev_b32 v4, 3, v2\n"
                  "ds_write_b32 v4, v2\n"
                  "ds_read_b64 v[8:9], v4\n" +
                  store),
            none);
}

TEST(UndefinedCheck, LdsAddressesInM0) {
  const std::string store = "s_waitcnt lgkmcnt(0)\n"
                            "global_store_dword v1, v8, s[6:7]\n";
  const std::string address = "s_mov_b32 m0, 256\ns_nop 0\n";
  EXPECT_EQ(check(address +
                  "ds_write_addtid_b32 v2 offset:4\n"
                  "ds_read_addtid_b32 v8 offset:4\n" +
                  store),
            none);
  EXPECT_EQ(check(address +
                  "ds_write_addtid_b32 v2\n"
                  "ds_read_addtid_b32 v8 offset:4\n" +
                  store)
                .size(),
            1u); // the last lane's
  EXPECT_EQ(check("s_and_b32 m0, s20, 0xfc\ns_nop 0\n"
                  "ds_read_addtid_b32 v8\ns_waitcnt lgkmcnt(0)\n"),
            (Lines{"undefined: ds_read_addtid_b32 v8: 1"}));
}

/// An undefined column of B makes a column of the result undefined.
TEST(UndefinedCheck, MatrixColumns) {
  std::string before;
  for (unsigned reg = 10; reg < 32; ++reg)
    before += "v_mov_b32 v" + std::to_string(reg) + ", 0\n";
  // Lane 5 of B is undefined: column 5.
  before += "s_mov_b64 exec, 32\nv_mov_b32 v12, v9\ns_mov_b64 exec, -1\n";
  const std::string mfma =
      "s_nop 2\n"
      "v_mfma_f32_32x32x8_f16 v[16:31], v[10:11], v[12:13], v[16:31]\n"
      "s_nop 15\n";
  const std::string store = "s_nop 1\nglobal_store_dword v1, v31, s[6:7]\n";
  auto lanes = [&](const char *mask) {
    return check(before + mfma + "s_mov_b32 s8, " + mask + "\ns_mov_b32 s9, " +
                     mask + "\ns_mov_b64 exec, s[8:9]\n" + store,
                 1, "gfx942")
        .size();
  };
  EXPECT_EQ(lanes("32"), 1u);
  EXPECT_EQ(lanes("0xffffffdf"), 0u);
}

TEST(UndefinedCheck, FlatStoresDefineLds) {
  std::string read = "ds_read_b32 v3, v1\ns_waitcnt lgkmcnt(0)\n"
                     "global_store_dword v1, v3, s[6:7]\n";
  EXPECT_EQ(check("s_mov_b64 s[10:11], src_shared_base\n"
                  "v_mov_b32 v4, v1\nv_mov_b32 v5, s11\n"
                  "flat_store_dword v[4:5], v2\n"
                  "s_waitcnt vmcnt(0) lgkmcnt(0)\n" +
                  read),
            none);
  EXPECT_EQ(check(read).size(), 1u);
}

} // namespace
