//===- InstructionSetTest.cpp - What the simulator covers of each chip ----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/InstructionSet.h"

#include "InstructionTest.h"

#include <map>
#include <set>

using namespace flyattn::sim;
using namespace flyattn::test;

namespace {

std::map<std::string, ChipInstruction> instructionsOf(llvm::StringRef chip) {
  std::map<std::string, ChipInstruction> result;
  auto all = instructionSet(chip);
  EXPECT_TRUE(bool(all)) << llvm::toString(all.takeError());
  for (const ChipInstruction &instruction : *all)
    EXPECT_TRUE(result.emplace(instruction.mnemonic, instruction).second)
        << instruction.mnemonic;
  return result;
}

class InstructionSet : public testing::TestWithParam<const char *> {};

TEST_P(InstructionSet, NineTenthsAreImplemented) {
  auto all = instructionsOf(GetParam());
  size_t implemented = 0;
  for (const auto &[name, instruction] : all)
    implemented += instruction.implemented;
  EXPECT_GT(all.size(), 1100u);
  EXPECT_GE(implemented * 10, all.size() * 9);
}

TEST_P(InstructionSet, FamiliesAreKnown) {
  std::set<llvm::StringRef> families(instructionFamilies().begin(),
                                     instructionFamilies().end());
  for (const auto &[name, instruction] : instructionsOf(GetParam())) {
    EXPECT_TRUE(families.count(instruction.family)) << name;
    EXPECT_NE(instruction.family, "other") << name;
  }
}

/// The measure is honest: what it calls missing is refused, by name.
TEST_P(InstructionSet, MissingInstructionsAreRefused) {
  auto all = instructionsOf(GetParam());
  ASSERT_TRUE(all.count("s_rfe_b64"));
  EXPECT_FALSE(all.at("s_rfe_b64").implemented);
  KernelText k(GetParam());
  EXPECT_FALSE(k.run("s_rfe_b64 s[20:21]"));
  EXPECT_NE(k.error.find("s_rfe_b64"), std::string::npos) << k.error;
  EXPECT_NE(k.error.find("not implemented"), std::string::npos) << k.error;
}

INSTANTIATE_TEST_SUITE_P(Chips, InstructionSet,
                         testing::Values("gfx942", "gfx950"));

TEST(InstructionSetChips, DifferAsTheChipsDo) {
  auto old = instructionsOf("gfx942"), fresh = instructionsOf("gfx950");
  for (const char *both : {"v_add_f32", "s_endpgm", "ds_read_b128",
                           "v_mfma_f32_32x32x8_bf16", "buffer_load_dword"}) {
    EXPECT_TRUE(old.count(both)) << both;
    EXPECT_TRUE(fresh.count(both)) << both;
  }
  for (const char *only : {"v_mfma_f32_32x32x16_bf16", "v_permlane32_swap_b32",
                           "ds_read_b64_tr_b16", "v_prng_b32"}) {
    EXPECT_FALSE(old.count(only)) << only;
    EXPECT_TRUE(fresh.count(only)) << only;
  }
  EXPECT_TRUE(old.count("v_mfma_f32_32x32x4_xf32"));
  EXPECT_FALSE(fresh.count("v_mfma_f32_32x32x4_xf32"));
  // Neither encodings, nor spellings of other chips.
  for (const auto &[name, instruction] : fresh) {
    EXPECT_FALSE(llvm::StringRef(name).ends_with("_e64")) << name;
    EXPECT_FALSE(llvm::StringRef(name).ends_with("bf16_1k")) << name;
  }
}

TEST(InstructionSetChips, UnknownChipIsAnError) {
  auto none = instructionSet("gfx1100");
  ASSERT_FALSE(bool(none));
  EXPECT_NE(llvm::toString(none.takeError()).find("gfx1100"),
            std::string::npos);
}

} // namespace
