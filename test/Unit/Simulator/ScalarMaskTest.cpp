//===- ScalarMaskTest.cpp - Scalar instructions that change EXEC ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InstructionTest.h"

using namespace flyattn::test;

namespace {

using D = uint64_t;

TEST(ScalarMask, SavesAndWritesExec) {
  const D a = 0x00ff00ff12345678, exec = 0x0f0f0f0fffff0000;
  struct Case {
    const char *mnemonic;
    D fresh;
  };
  const Case saves[] = {
      {"s_and_saveexec_b64", a & exec},    {"s_or_saveexec_b64", a | exec},
      {"s_xor_saveexec_b64", a ^ exec},    {"s_andn2_saveexec_b64", a & ~exec},
      {"s_orn2_saveexec_b64", a | ~exec},  {"s_nand_saveexec_b64", ~(a & exec)},
      {"s_nor_saveexec_b64", ~(a | exec)}, {"s_xnor_saveexec_b64", ~(a ^ exec)},
      {"s_andn1_saveexec_b64", ~a & exec}, {"s_orn1_saveexec_b64", ~a | exec}};
  for (const Case &c : saves) {
    KernelText k("gfx950");
    k.setS64(20, a);
    k.exec = exec;
    ASSERT_TRUE(k.run(std::string(c.mnemonic) + " s[22:23], s[20:21]"))
        << k.error;
    EXPECT_EQ(k.s64(22), exec) << c.mnemonic;
    EXPECT_EQ(k.exec, c.fresh) << c.mnemonic;
    EXPECT_EQ(k.scc, 1u);
  }
  const Case writes[] = {{"s_andn1_wrexec_b64", ~a & exec},
                         {"s_andn2_wrexec_b64", a & ~exec}};
  for (const Case &c : writes) {
    KernelText k("gfx950");
    k.setS64(20, a);
    k.exec = exec;
    ASSERT_TRUE(k.run(std::string(c.mnemonic) + " s[22:23], s[20:21]"))
        << k.error;
    EXPECT_EQ(k.s64(22), c.fresh) << c.mnemonic;
    EXPECT_EQ(k.exec, c.fresh) << c.mnemonic;
  }
}

} // namespace
