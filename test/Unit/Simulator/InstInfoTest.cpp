//===- InstInfoTest.cpp - Static facts of each instruction ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InstInfo.h"
#include "LaunchTest.h"

using namespace flyattn::test;

namespace {

/// The facts of one instruction, in a kernel of 256 registers, the last 128 of
/// which are accumulation registers.
InstInfo infoOf(const std::string &text, const std::string &chip = "gfx950") {
  auto code = assemble(chip, text);
  if (!code) {
    ADD_FAILURE() << llvm::toString(code.takeError());
    return {};
  }
  KernelInfo info;
  info.name = "kernel";
  info.vgprs = 256;
  info.accumOffset = 128;
  auto program = llvm::cantFail(Program::fromCode(chip, info, *code));
  auto infos = instInfos(program);
  EXPECT_EQ(infos.size(), 2u) << text; // the instruction, and past the end
  return infos[0];
}

using Ranges = std::vector<RegisterRange>;
Ranges list(const RegisterRanges &ranges) {
  return {ranges.begin(), ranges.end()};
}
constexpr RegisterRange execRange = {SlotExec, 2}, vccRange = {SlotVcc, 2},
                        sccRange = {SlotScc, 1}, modeRange = {SlotMode, 1},
                        m0Range = {SlotM0, 1};

TEST(InstInfo, Units) {
  const std::pair<const char *, Unit> cases[] = {
      {"s_add_u32 s0, s1, s2", Unit::Salu},
      {"s_load_dwordx4 s[0:3], s[4:5], 0x0", Unit::Smem},
      {"v_add_f32 v0, v1, v2", Unit::Valu},
      {"v_accvgpr_read_b32 v0, a0", Unit::Valu},
      {"v_exp_f32 v0, v1", Unit::Transcendental},
      {"v_rcp_iflag_f32 v0, v1", Unit::Transcendental},
      {"v_pk_mul_f32 v[0:1], v[2:3], v[4:5]", Unit::PackedMath},
      {"v_pk_add_f16 v0, v1, v2", Unit::Valu},
      {"v_mfma_f32_32x32x8_f16 a[0:15], v[0:1], v[2:3], a[0:15]", Unit::Mfma},
      {"ds_bpermute_b32 v0, v1, v2", Unit::Lds},
      {"buffer_load_dwordx4 v[0:3], v4, s[0:3], 0 offen", Unit::Vmem},
      {"scratch_load_dword v0, off, s1", Unit::Vmem},
      {"buffer_load_dword v4, s[0:3], 0 offen lds", Unit::LdsDma},
      {"global_load_lds_dword v[0:1], off", Unit::LdsDma},
      {"s_cbranch_scc0 0", Unit::Branch},
      {"s_barrier", Unit::Barrier},
      {"s_waitcnt vmcnt(0)", Unit::Wait},
      {"s_nop 0", Unit::Nop},
      {"s_setprio 1", Unit::SetPriority},
      {"s_sleep 1", Unit::Other},
      {"s_endpgm", Unit::End},
  };
  for (auto [text, unit] : cases)
    EXPECT_EQ(infoOf(text).unit, unit) << text;
}

TEST(InstInfo, Registers) {
  InstInfo add = infoOf("v_add_f32 v5, s3, v7");
  EXPECT_EQ(list(add.vectorWrites), (Ranges{{5, 1}}));
  EXPECT_EQ(list(add.vectorReads), (Ranges{{7, 1}}));
  EXPECT_EQ(list(add.scalarReads), (Ranges{{3, 1}, modeRange, execRange}));
  EXPECT_TRUE(add.scalarWrites.empty());

  InstInfo select = infoOf("v_cndmask_b32 v0, v1, v2, vcc");
  EXPECT_EQ(list(select.scalarReads), (Ranges{vccRange, execRange}));

  InstInfo compare = infoOf("v_cmp_lt_u32 vcc, v0, v1");
  EXPECT_EQ(list(compare.scalarWrites), (Ranges{vccRange}));

  InstInfo saveExec = infoOf("s_and_saveexec_b64 s[4:5], vcc");
  EXPECT_EQ(list(saveExec.scalarWrites), (Ranges{{4, 2}, execRange, sccRange}));
  EXPECT_EQ(list(saveExec.scalarReads), (Ranges{vccRange, execRange}));

  InstInfo load = infoOf("s_load_dwordx8 s[8:15], s[4:5], s2");
  EXPECT_EQ(list(load.scalarWrites), (Ranges{{8, 8}}));
  EXPECT_EQ(list(load.scalarReads), (Ranges{{4, 2}, {2, 1}}));
  EXPECT_EQ(load.bytes, 32);
}

TEST(InstInfo, TiedOperandsAreRead) {
  EXPECT_EQ(list(infoOf("v_fmac_f32 v0, v1, v2").vectorReads),
            (Ranges{{1, 1}, {2, 1}, {0, 1}}));
  InstInfo swap = infoOf("v_permlane32_swap_b32 v3, v4");
  EXPECT_EQ(list(swap.vectorReads), (Ranges{{3, 1}, {4, 1}}));
  EXPECT_EQ(list(swap.vectorWrites), (Ranges{{3, 1}, {4, 1}}));
  InstInfo dpp = infoOf("v_mov_b32_dpp v0, v1 quad_perm:[0,1,2,3] "
                        "row_mask:0xf bank_mask:0xf");
  EXPECT_TRUE(dpp.dpp);
  EXPECT_EQ(list(dpp.vectorReads), (Ranges{{0, 1}, {1, 1}}));
  InstInfo keeps =
      infoOf("v_add_f32_sdwa v0, v1, v2 dst_sel:WORD_1 "
             "dst_unused:UNUSED_PRESERVE src0_sel:DWORD src1_sel:DWORD");
  EXPECT_TRUE(keeps.keepsPart);
  EXPECT_EQ(list(keeps.vectorReads), (Ranges{{1, 1}, {2, 1}, {0, 1}}));
  EXPECT_TRUE(infoOf("v_cvt_pk_fp8_f32 v0, v1, v2").keepsPart);
}

TEST(InstInfo, MatrixInstructions) {
  InstInfo mfma =
      infoOf("v_mfma_f32_32x32x16_bf16 a[0:15], v[0:3], a[16:19], a[32:47]");
  EXPECT_EQ(mfma.srcA, (RegisterRange{0, 4}));
  EXPECT_EQ(mfma.srcB, (RegisterRange{144, 4}));
  EXPECT_EQ(mfma.srcC, (RegisterRange{160, 16}));
  EXPECT_EQ(list(mfma.vectorWrites), (Ranges{{128, 16}}));
  EXPECT_EQ(list(mfma.scalarReads), (Ranges{modeRange})); // EXEC is ignored
  EXPECT_EQ(infoOf("v_mfma_f32_32x32x8_f16 v[0:15], v[0:1], v[2:3], 0").srcC,
            (RegisterRange{0, 0}));
}

/// machine facts of both chips: one pass is 4 clocks.
TEST(InstInfo, Passes) {
  struct Row {
    const char *chip, *text;
    unsigned passes;
    bool xdl;
  };
  const Row rows[] = {
      {"gfx942", "v_mfma_f32_32x32x8_bf16 a[0:15], v[0:1], v[2:3], a[0:15]", 8,
       true},
      {"gfx942", "v_mfma_f32_16x16x16_f16 a[0:3], v[0:1], v[2:3], a[0:3]", 4,
       true},
      {"gfx942", "v_mfma_f32_32x32x16_fp8_fp8 a[0:15], v[0:1], v[2:3], a[0:15]",
       8, true},
      {"gfx942", "v_mfma_f32_32x32x2_f32 a[0:15], v0, v2, a[0:15]", 16, false},
      {"gfx942", "v_mfma_f32_16x16x4_f32 a[0:3], v0, v2, a[0:3]", 8, false},
      {"gfx942", "v_mfma_f32_4x4x4_16b_f16 a[0:3], v[0:1], v[2:3], a[0:3]", 2,
       true},
      {"gfx950", "v_mfma_f32_32x32x8_bf16 a[0:15], v[0:1], v[2:3], a[0:15]", 8,
       true},
      {"gfx950", "v_mfma_f32_32x32x16_f16 a[0:15], v[0:3], v[4:7], a[0:15]", 8,
       true},
      {"gfx950", "v_mfma_f32_16x16x32_bf16 a[0:3], v[0:3], v[4:7], a[0:3]", 4,
       true},
      {"gfx950", "v_mfma_f32_16x16x32_fp8_fp8 a[0:3], v[0:1], v[4:5], a[0:3]",
       4, true},
      {"gfx950", "v_mfma_f32_32x32x64_f8f6f4 a[0:15], v[0:7], v[8:15], a[0:15]",
       16, true},
      {"gfx950",
       "v_mfma_f32_32x32x64_f8f6f4 a[0:15], v[0:3], v[8:11], a[0:15] cbsz:4 "
       "blgp:4",
       8, true},
      {"gfx950",
       "v_mfma_f32_16x16x128_f8f6f4 a[0:3], v[0:7], v[8:13], a[0:3] blgp:2", 8,
       true},
      {"gfx950",
       "v_mfma_f32_16x16x128_f8f6f4 a[0:3], v[0:5], v[8:13], a[0:3] cbsz:2 "
       "blgp:3",
       4, true},
  };
  for (const Row &row : rows) {
    InstInfo info = infoOf(row.text, row.chip);
    EXPECT_EQ(info.passes, row.passes) << row.chip << ' ' << row.text;
    EXPECT_EQ(info.xdl, row.xdl) << row.chip << ' ' << row.text;
  }
}

TEST(InstInfo, CountersAndWaits) {
  for (const char *text : {"buffer_load_dword v0, v4, s[0:3], 0 offen",
                           "buffer_store_dword v0, v4, s[0:3], 0 offen",
                           "buffer_load_dword v4, s[0:3], 0 offen lds",
                           "global_atomic_add_f32 v[0:1], v2, off"}) {
    EXPECT_TRUE(infoOf(text).raisesVm) << text;
    EXPECT_FALSE(infoOf(text).raisesLgkm) << text;
  }
  for (const char *text : {"ds_read_b32 v0, v1", "ds_permute_b32 v0, v1, v2",
                           "s_load_dword s0, s[4:5], 0x0"}) {
    EXPECT_FALSE(infoOf(text).raisesVm) << text;
    EXPECT_TRUE(infoOf(text).raisesLgkm) << text;
  }
  InstInfo flat = infoOf("flat_load_dword v0, v[2:3]");
  EXPECT_TRUE(flat.raisesVm && flat.raisesLgkm);

  InstInfo wait = infoOf("s_waitcnt vmcnt(37) lgkmcnt(9)");
  EXPECT_EQ(wait.vmWait, 37);
  EXPECT_EQ(wait.lgkmWait, 9);
  InstInfo only = infoOf("s_waitcnt lgkmcnt(0)");
  EXPECT_EQ(only.vmWait, 63);
  EXPECT_EQ(only.lgkmWait, 0);
  EXPECT_EQ(infoOf("s_nop 7").waitStates, 8);
  EXPECT_EQ(infoOf("s_waitcnt vmcnt(0)").waitStates, 1);
}

TEST(InstInfo, Memory) {
  InstInfo read = infoOf("ds_read_b64_tr_b16 v[0:1], v4 offset:16");
  EXPECT_TRUE(read.loads && !read.stores && !read.atomic);
  EXPECT_EQ(read.bytes, 8);
  EXPECT_EQ(read.address, (RegisterRange{4, 1}));
  EXPECT_EQ(list(read.scalarReads), (Ranges{execRange})); // not M0

  InstInfo pair = infoOf("ds_write2st64_b64 v0, v[2:3], v[6:7] offset1:2");
  EXPECT_TRUE(pair.pair && pair.stores && !pair.loads);
  EXPECT_EQ(pair.bytes, 8);
  EXPECT_EQ(pair.pairOffset[0], 0u);
  EXPECT_EQ(pair.pairOffset[1], 1024u);

  InstInfo atomic = infoOf("ds_add_u32 v0, v1");
  EXPECT_TRUE(atomic.atomic && atomic.loads && atomic.stores);
  InstInfo returns = infoOf("ds_add_rtn_u32 v0, v1, v2");
  EXPECT_TRUE(returns.atomic);
  EXPECT_EQ(returns.address, (RegisterRange{1, 1}));
  EXPECT_EQ(returns.data, (RegisterRange{2, 1}));

  InstInfo permute = infoOf("ds_bpermute_b32 v0, v1, v2");
  EXPECT_TRUE(permute.permutes && !permute.atomic);

  InstInfo dma = infoOf("buffer_load_dwordx4 v4, s[0:3], s5 offen lds");
  EXPECT_EQ(dma.bytes, 16);
  EXPECT_TRUE(dma.loads && !dma.stores && dma.vectorWrites.empty());
  EXPECT_EQ(dma.address, (RegisterRange{4, 1}));
  EXPECT_TRUE(llvm::is_contained(dma.scalarReads, m0Range));

  InstInfo store = infoOf("global_store_dwordx4 v[0:1], v[4:7], off");
  EXPECT_TRUE(store.stores && !store.loads);
  EXPECT_EQ(store.address, (RegisterRange{0, 2}));
  EXPECT_EQ(store.data, (RegisterRange{4, 4}));

  InstInfo buffer = infoOf("buffer_store_dwordx2 v[6:7], v2, s[0:3], s9 offen");
  EXPECT_EQ(buffer.data, (RegisterRange{6, 2}));
  EXPECT_EQ(buffer.address, (RegisterRange{2, 1}));
}

} // namespace
