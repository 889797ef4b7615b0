//===- LaunchTest.h - Launches of kernels that are given as text ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_SIMULATOR_LAUNCHTEST_H
#define FLYATTN_TEST_UNIT_SIMULATOR_LAUNCHTEST_H

#include "flyattn/Simulator/Reassemble.h"
#include "flyattn/Simulator/Simulator.h"

#include "gtest/gtest.h"

namespace flyattn::test {

using namespace flyattn::sim;

/// A launch of a kernel from text; its first argument is `out`.
struct Launch {
  std::string chip = "gfx950";
  LaunchParams params;
  Options options;
  KernelInfo info;
  std::vector<uint32_t> out; ///< its address is the first kernel argument
  std::string error;
  LaunchResult result;

  explicit Launch(size_t words = 4096) : out(words, 0xdeadbeef) {
    info.name = "kernel";
    info.vgprs = 64;
    info.accumOffset = 64;
    info.ldsSize = 4096;
    info.kernargSize = 8;
    info.rsrc1 = 0xf0u << 12;
    info.rsrc2 = 2u << 1 | 7u << 7; // two user SGPRs, workgroup ids
    info.codeProperties = 1u << 3;
    params.block = {64, 1, 1};
  }
  bool run(const std::string &text) {
    error.clear();
    auto code = assemble(chip, text);
    if (!code)
      return fail(code.takeError());
    auto program = Program::fromCode(chip, info, *code);
    if (!program)
      return fail(program.takeError());
    Memory memory;
    params.setKernarg(0, memory.bind(out.data(), out.size() * 4, "out"));
    auto outcome = launch(*program, memory, params, options);
    if (!outcome)
      return fail(outcome.takeError());
    result = *outcome;
    return true;
  }
  bool fail(llvm::Error why) {
    error = llvm::toString(std::move(why));
    return false;
  }
  bool errorHas(const std::string &part) const {
    return error.find(part) != std::string::npos;
  }
};

/// s[6:7] = out, v1 = byte offset of the work-item in the workgroup.
inline const std::string start = "s_load_dwordx2 s[6:7], s[0:1], 0x0\n"
                                 "v_and_b32 v2, 0x3ff, v0\n"
                                 "v_lshlrev_b32 v1, 2, v2\n"
                                 "s_waitcnt lgkmcnt(0)\n";

} // namespace flyattn::test

#endif // FLYATTN_TEST_UNIT_SIMULATOR_LAUNCHTEST_H
