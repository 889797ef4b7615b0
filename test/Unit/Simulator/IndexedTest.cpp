//===- IndexedTest.cpp - Registers whose number stands in M0 --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InstructionTest.h"

using namespace flyattn::test;

namespace {

KernelText numbered(const char *chip) {
  KernelText k(chip);
  for (unsigned r = 0; r < KernelText::vgprs; ++r)
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[r][i] = 1000 * r + i;
  for (unsigned n = 0; n < KernelText::sgprs; ++n)
    k.sgpr[n] = 100 + n;
  return k;
}

TEST(Indexed, ScalarMoves) {
  KernelText k = numbered("gfx942");
  k.m0 = 3;
  ASSERT_TRUE(k.run("s_movrels_b32 s20, s30\ns_movreld_b32 s22, s40\n"
                    "s_mov_b32 m0, 4\n"
                    "s_movrels_b64 s[34:35], s[32:33]\n"
                    "s_movreld_b64 s[42:43], s[50:51]"))
      << k.error;
  EXPECT_EQ(k.s(20), 113u);
  EXPECT_EQ(k.s(25), 120u);
  EXPECT_EQ(k.s(34), 116u); // from s[36:37]
  EXPECT_EQ(k.s(35), 117u);
  EXPECT_EQ(k.s(46), 130u); // from s[50:51]
  EXPECT_EQ(k.s(47), 131u);
  k.m0 = 90;
  EXPECT_FALSE(k.run("s_movrels_b32 s20, s30"));
  EXPECT_NE(k.error.find("does not exist"), std::string::npos) << k.error;
}

TEST(Indexed, VectorOperands) {
  struct Case {
    const char *operands;
    unsigned dst, src0, src1;
  };
  // v_sub_u32 v4, v10, v20 with an index of 2.
  const Case cases[] = {{"SRC0", 4, 12, 20},
                        {"SRC1", 4, 10, 22},
                        {"DST", 6, 10, 20},
                        {"SRC0,SRC1,DST", 6, 12, 22}};
  for (const Case &c : cases) {
    KernelText k = numbered("gfx950"), was = k;
    k.s(20) = 0x102; // only the low byte counts
    ASSERT_TRUE(k.run(std::string("s_set_gpr_idx_on s20, gpr_idx(") +
                      c.operands +
                      ")\nv_sub_u32 v4, v10, v20\n"
                      "s_set_gpr_idx_off\nv_add_u32 v30, v31, v32"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      EXPECT_EQ(k.vgpr[c.dst][i], was.vgpr[c.src0][i] - was.vgpr[c.src1][i]);
      EXPECT_EQ(k.vgpr[30][i], was.vgpr[31][i] + was.vgpr[32][i]);
    }
    unsigned other = c.dst == 4 ? 6 : 4;
    EXPECT_EQ(k.vgpr[other], was.vgpr[other]) << c.operands;
  }
}

TEST(Indexed, IndexAndOperandsChange) {
  KernelText k = numbered("gfx942"), was = k;
  k.m0 = 0xabcd0000;
  ASSERT_TRUE(k.run("s_set_gpr_idx_on 1, gpr_idx(SRC0)\n"
                    "v_mov_b32 v0, v10\n"
                    "s_set_gpr_idx_idx 5\n"
                    "v_mov_b32 v1, v10\n"
                    "s_set_gpr_idx_mode gpr_idx(DST)\n"
                    "v_mov_b32 v2, v10\n"
                    "v_fmac_f32 v20, 0, 0\n"
                    "s_set_gpr_idx_off\nv_mov_b32 v3, v10"))
      << k.error;
  EXPECT_EQ(k.vgpr[0], was.vgpr[11]);
  EXPECT_EQ(k.vgpr[1], was.vgpr[15]);
  EXPECT_EQ(k.vgpr[7], was.vgpr[10]); // v2 + 5
  EXPECT_EQ(k.vgpr[3], was.vgpr[10]);
  // v_fmac accumulates into the register that it reads, v25.
  EXPECT_EQ(k.vgpr[25], was.vgpr[25]);
  EXPECT_EQ(k.vgpr[20], was.vgpr[20]);
  EXPECT_EQ(k.m0, 0xabcd8005u);
}

TEST(Indexed, PairsLanesAndAccumulators) {
  KernelText k = numbered("gfx950"), was = k;
  ASSERT_TRUE(k.run("s_set_gpr_idx_on 2, gpr_idx(SRC0)\n"
                    "v_pk_add_u16 v0, v10, v20\n"
                    "v_pk_mov_b32 v[4:5], v[30:31], v[40:41]\n"
                    "v_mov_b32 v7, s20\n" // no vector register: no index
                    "s_set_gpr_idx_mode gpr_idx(DST)\n"
                    "v_writelane_b32 v8, s21, 5\n"
                    "v_accvgpr_write_b32 a4, v11\n"
                    "s_set_gpr_idx_mode gpr_idx(SRC0)\n"
                    "v_accvgpr_read_b32 v9, a4\n"
                    "s_set_gpr_idx_off\n"
                    "v_accvgpr_read_b32 v6, a6"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    auto half = [](uint32_t a, uint32_t b, unsigned shift) {
      return ((a >> shift) + (b >> shift)) & 0xffff;
    };
    uint32_t a = was.vgpr[12][i], b = was.vgpr[20][i];
    EXPECT_EQ(k.vgpr[0][i], half(a, b, 0) | half(a, b, 16) << 16);
    EXPECT_EQ(k.vgpr[4][i], was.vgpr[32][i]);
    EXPECT_EQ(k.vgpr[5][i], was.vgpr[40][i]);
    EXPECT_EQ(k.vgpr[6][i], was.vgpr[11][i]);
    EXPECT_EQ(k.vgpr[7][i], was.s(20));
    EXPECT_EQ(k.vgpr[10][i], i == 5 ? was.s(21) : was.vgpr[10][i]);
    EXPECT_EQ(k.vgpr[9][i], was.vgpr[11][i]);
  }
  EXPECT_EQ(k.vgpr[8], was.vgpr[8]);
}

TEST(Indexed, Refusals) {
  KernelText k = numbered("gfx942");
  k.s(20) = 200;
  EXPECT_FALSE(k.run("s_set_gpr_idx_on s20, gpr_idx(SRC0)\n"
                     "v_mov_b32 v0, v10\ns_set_gpr_idx_off"));
  EXPECT_NE(k.error.find("beyond the kernel's"), std::string::npos) << k.error;
  k.s(20) = 1;
  EXPECT_FALSE(k.run("s_set_gpr_idx_on s20, gpr_idx(SRC0)\n"
                     "v_cmp_eq_u32 vcc, v2, v4\n"
                     "s_set_gpr_idx_off"));
  EXPECT_NE(k.error.find("s_set_gpr_idx_on"), std::string::npos) << k.error;
  EXPECT_FALSE(k.run("s_set_gpr_idx_on s20, gpr_idx(SRC0)\n"
                     "s_branch 1f\n1:\ns_set_gpr_idx_off"));
  EXPECT_NE(k.error.find("branch"), std::string::npos) << k.error;
}

} // namespace
