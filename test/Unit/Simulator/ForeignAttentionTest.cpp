//===- ForeignAttentionTest.cpp - Kernels that others compiled ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs every fmha_v3_fwd code object below $FLYATTN_FOREIGN_KERNELS on a small
// problem with ragged lengths and grouped heads, and compares O and LSE with
// attention in double precision. Skipped without that folder.
//
//===----------------------------------------------------------------------===//

#include "ForeignAttention.h"

#include "flyattn/Simulator/Reassemble.h"

#include "gtest/gtest.h"

using namespace flyattn;
using namespace flyattn::aiter;

namespace {

class ForeignAttention : public testing::TestWithParam<Kernel> {};

std::string testName(const testing::TestParamInfo<Kernel> &info) {
  return nameOf(info.param);
}

TEST_P(ForeignAttention, MatchesDoublePrecision) {
  auto outcome = runKernel(GetParam(), sim::Options());
  ASSERT_TRUE(bool(outcome)) << llvm::toString(outcome.takeError());
  Errors errors = outcome->errors, bounds = boundsOf(GetParam());
  RecordProperty("o", std::to_string(errors.o));
  RecordProperty("lse", std::to_string(errors.lse));
  EXPECT_LE(errors.o, bounds.o);
  EXPECT_LE(errors.lse, bounds.lse);
}

TEST_P(ForeignAttention, Reassembles) {
  auto object = loadObject(GetParam());
  ASSERT_TRUE(bool(object)) << llvm::toString(object.takeError());
  auto program = sim::Program::decode(*object, object->kernels()[0].name);
  ASSERT_TRUE(bool(program)) << llvm::toString(program.takeError());
  llvm::Error error = sim::checkReassembly(*program);
  EXPECT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

// Without the folder there is nothing to instantiate; this test says so.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ForeignAttention);
INSTANTIATE_TEST_SUITE_P(Aiter, ForeignAttention,
                         testing::ValuesIn(findKernels()), testName);

TEST(ForeignAttentionFolder, HoldsAllKernels) {
  if (!std::getenv("FLYATTN_FOREIGN_KERNELS"))
    GTEST_SKIP() << "set FLYATTN_FOREIGN_KERNELS to AITER's hsa folder";
  EXPECT_EQ(findKernels().size(), 72u);
}

} // namespace
