//===- ForeignTimingTest.cpp - Right in the order of the cycle model ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// AITER's kernels race in the letter of the ISA and are right on hardware. So
// they must be in the order in which the cycle model issues. Skipped without
// $FLYATTN_FOREIGN_KERNELS.
//
//===----------------------------------------------------------------------===//

#include "ForeignAttention.h"

#include "gtest/gtest.h"

using namespace flyattn;
using namespace flyattn::aiter;

namespace {

class ForeignTiming : public testing::TestWithParam<Kernel> {};

TEST_P(ForeignTiming, EveryWorkgroupTimedIsRight) {
  const Kernel &kernel = GetParam();
  sim::Options options;
  options.timing = sim::TimingOptions();
  options.timing->constants =
      sim::TimingConstants::of(kernel.gfx950 ? "gfx950" : "gfx942");
  options.timing->sampledUnits = 0;
  auto outcome = runKernel(kernel, options);
  ASSERT_TRUE(bool(outcome)) << llvm::toString(outcome.takeError());
  Errors bounds = boundsOf(kernel);
  EXPECT_LE(outcome->errors.o, bounds.o);
  EXPECT_LE(outcome->errors.lse, bounds.lse);
  ASSERT_TRUE(outcome->result.timing.has_value());
  EXPECT_EQ(outcome->result.timing->timedWorkgroups,
            outcome->result.workgroups);
  EXPECT_GT(outcome->result.timing->mfmaBusy, 0.01);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ForeignTiming);
INSTANTIATE_TEST_SUITE_P(Aiter, ForeignTiming, testing::ValuesIn(findKernels()),
                         [](const testing::TestParamInfo<Kernel> &info) {
                           return nameOf(info.param);
                         });

TEST(ForeignTimingFolder, HoldsAllKernels) {
  if (!std::getenv("FLYATTN_FOREIGN_KERNELS"))
    GTEST_SKIP() << "set FLYATTN_FOREIGN_KERNELS to AITER's hsa folder";
  EXPECT_EQ(findKernels().size(), 72u);
}

} // namespace
