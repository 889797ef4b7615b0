//===- LongStridesTest.cpp - Operands far apart in memory -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SparseDevice.h"

#include <gtest/gtest.h>

using namespace flyattn;
using namespace llvm;

namespace {

struct Case {
  const char *chip, *name;
  int64_t headDim;
  int64_t rows;
  OperandStrides strides; ///< elements, of all operands
};

/// All heads and batches through one kernel, whose views are near.
class LongStrides : public testing::TestWithParam<Case> {};

TEST_P(LongStrides, AreReachedIn64Bits) {
  const Case &c = GetParam();
  Problem p;
  p.batch = p.heads = p.kvHeads = 2;
  p.seqlenQ = p.seqlenKv = c.rows;
  p.headDim = c.headDim;
  p.strides.fill(c.strides);
  Expected<Plan> made = plan(p, c.chip);
  ASSERT_TRUE(bool(made)) << toString(made.takeError());
  EXPECT_FALSE(made->variant.far);
  Expected<Comparison> found = runSparse(p, *made);
  ASSERT_TRUE(bool(found)) << toString(found.takeError());
  EXPECT_EQ(found->rows, uint64_t(4 * c.rows));
  EXPECT_TRUE(found->passed());
}

std::vector<Case> allCases() {
  std::vector<Case> cases;
  constexpr int64_t far = (int64_t(1) << 32) + 66;
  for (const char *chip : {"gfx942", "gfx950"}) {
    cases.push_back({chip, "batches", 128, 70, {far, 128, 256}});
    cases.push_back({chip, "heads", 128, 70, {70 * 128, far, 128}});
    // With a tile more a head's rows span 4 GiB, or 2 GiB.
    cases.push_back({chip, "rows", 128, 250, {256, 128, int64_t(1) << 22}});
    cases.push_back({chip, "rows_d72", 72, 250, {256, 128, int64_t(1) << 21}});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, LongStrides, testing::ValuesIn(allCases()),
                         [](const testing::TestParamInfo<Case> &info) {
                           return std::string(info.param.chip) + "_" +
                                  info.param.name;
                         });

} // namespace
