//===- MfmaChainsTest.cpp - Joined matrix instructions change no bit ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Late commit runs every instruction by itself, the default joins: whatever
// stands between the links, memory must end the same. How many instructions
// were joined is counted in the records.
//
//===----------------------------------------------------------------------===//

#include "LaunchTest.h"

#include "ProgramImpl.h"

using namespace flyattn::test;

namespace {

/// v[8:39] = pairs of bf16 numbers that differ by lane, v[40:59] = 1; s2 = 1.
std::string prologue() {
  std::string text = start + "s_mov_b32 s2, 1\n";
  for (unsigned i = 0; i < 32; ++i) {
    std::string reg = "v" + std::to_string(i + 8);
    text += "v_add_u32 " + reg + ", " + std::to_string(i) + ", v2\n" +
            "v_mul_u32_u24 " + reg + ", 0x10003, " + reg + "\n" + "v_and_b32 " +
            reg + ", 0xff00ff, " + reg + "\n" + "v_or_b32 " + reg +
            ", 0x3f003f80, " + reg + "\n";
  }
  for (unsigned i = 40; i < 60; ++i)
    text += "v_mov_b32 v" + std::to_string(i) + ", 1.0\n";
  return text;
}

std::string epilogue() {
  std::string text = "s_nop 15\ns_nop 15\n";
  for (unsigned i = 8; i < 60; ++i)
    text += "global_store_dword v1, v" + std::to_string(i) + ", s[6:7]\n" +
            "v_add_u32 v1, 0x100, v1\n";
  return text + "s_endpgm\n";
}

/// The number of matrix instructions that `body` leaves to a later one, if it
/// has the same effect joined and not.
int joined(const std::string &body, const std::string &chip = "gfx950") {
  std::string text = prologue() + body + epilogue();
  std::vector<uint32_t> outs[2];
  for (unsigned i = 0; i < 2; ++i) {
    Launch launch;
    launch.chip = chip;
    launch.options.commit = i ? CommitPolicy::Late : CommitPolicy::LateDma;
    EXPECT_TRUE(launch.run(text)) << launch.error;
    outs[i] = launch.out;
  }
  EXPECT_EQ(outs[0], outs[1]) << body;
  Launch launch;
  auto code = assemble(chip, text);
  auto program = Program::fromCode(chip, launch.info, *code);
  const Program::Impl &impl = program->impl();
  int deferred = 0;
  for (size_t i = 0; i < impl.insts.size(); ++i)
    // The last link has a record of its own beside another handler.
    deferred += impl.insts[i].fn != impl.joined[i].fn &&
                impl.insts[i].ext == impl.joined[i].ext;
  return deferred;
}

std::string mfma(unsigned a, unsigned b, const std::string &c = "v[40:55]") {
  auto range = [](unsigned first) {
    return "v[" + std::to_string(first) + ":" + std::to_string(first + 3) + "]";
  };
  return "v_mfma_f32_32x32x16_bf16 v[40:55], " + range(a) + ", " + range(b) +
         ", " + c + "\n";
}

TEST(MfmaChains, JoinsWhatAddsToTheSameSums) {
  EXPECT_EQ(joined(mfma(8, 12) + mfma(16, 20) + mfma(24, 28)), 2);
  EXPECT_EQ(joined(mfma(8, 12, "0") + mfma(16, 20) + mfma(24, 28)), 2);
  EXPECT_EQ(joined(mfma(8, 12, "1.0") + "v_mov_b32 v32, 0\n" + mfma(16, 20)),
            1);
}

TEST(MfmaChains, StopsWhereTheSumsAreNamed) {
  EXPECT_EQ(joined(mfma(8, 12) + "s_nop 15\ns_nop 15\nv_mov_b32 v32, v41\n" +
                   mfma(16, 20)),
            0);
  EXPECT_EQ(joined(mfma(8, 12) + "s_nop 15\ns_nop 15\nv_mov_b32 v41, 2.0\n" +
                   mfma(16, 20)),
            0);
  EXPECT_EQ(joined(mfma(8, 12) + "s_nop 15\ns_nop 15\n" + mfma(44, 20)), 0);
}

TEST(MfmaChains, StopsWhereSourcesOfBothSidesAreOverwritten) {
  EXPECT_EQ(joined(mfma(8, 12) +
                   "s_nop 15\nv_mov_b32 v9, 2.0\nv_mov_b32 v17, 2.0\n"
                   "s_nop 1\n" +
                   mfma(16, 20)),
            0);
  EXPECT_EQ(joined(mfma(8, 12) +
                   "s_nop 15\nds_read_b32 v14, v1\nds_read_b32 v20, v1\n"
                   "s_waitcnt lgkmcnt(0)\n" +
                   mfma(16, 20)),
            0);
  // A matrix instruction with other sums that overwrites them.
  EXPECT_EQ(joined(mfma(8, 14) +
                   "v_mfma_f32_16x16x32_bf16 v[16:19], v[24:27], v[28:31], 0\n"
                   "s_nop 15\n" +
                   mfma(18, 22)),
            0);
}

TEST(MfmaChains, TheFirstLinkPerformsWhatReadsRegistersThatAreUsedAgain) {
  // Registers of the first link, but none of a later one.
  EXPECT_EQ(
      joined(mfma(8, 12) + "s_nop 15\nv_mov_b32 v9, 2.0\n" + mfma(16, 20)), 1);
  EXPECT_EQ(joined(mfma(8, 12) + "v_mov_b32 v9, 2.0\ns_nop 1\n" + mfma(16, 20) +
                   "v_mov_b32 v17, 2.0\ns_nop 1\n" + mfma(24, 28)),
            2);
  // Those of a later one: the last link performs it.
  EXPECT_EQ(
      joined(mfma(8, 12) + "v_mov_b32 v17, 2.0\ns_nop 1\n" + mfma(16, 20)), 1);
  // The sums may not be seen early.
  EXPECT_EQ(joined(mfma(8, 12) + "v_mov_b32 v9, 2.0\ns_nop 15\n" +
                   "v_mov_b32 v10, v41\n" + mfma(16, 20)),
            0);
}

TEST(MfmaChains, TwoSumsInTurns) {
  std::string other = "v_mfma_f32_16x16x32_bf16 v[56:59], v[16:19], v[20:23], "
                      "v[56:59]\n";
  EXPECT_EQ(joined(mfma(8, 12) + other + mfma(16, 20) + other), 2);
}

TEST(MfmaChains, StopsAtBlockBorders) {
  EXPECT_EQ(joined(mfma(8, 12) + "s_cbranch_scc1 1f\n1:\n" + mfma(16, 20)), 0);
  // A loop whose body begins between two of them.
  EXPECT_EQ(joined(mfma(8, 12) + "1:\n" + mfma(16, 20) +
                   "s_sub_u32 s2, s2, 1\ns_cbranch_scc0 1b\n"),
            0);
}

} // namespace
