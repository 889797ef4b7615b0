//===- ForeignChecksTest.cpp - What the checks say of AITER's kernels -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// These kernels are tuned on hardware and lean on its timing; docs/Simulator.md
// explains each class of findings. Skipped without $FLYATTN_FOREIGN_KERNELS.
//
//===----------------------------------------------------------------------===//

#include "ForeignAttention.h"

#include "gtest/gtest.h"

using namespace flyattn;
using namespace flyattn::aiter;
using sim::CheckKind;
using sim::CheckReport;

namespace {

/// One of each kind of kernel: gfx942's differ by rounding and by the chip's
/// size only in code that the checks do not tell apart.
std::vector<Kernel> chosenKernels() {
  std::vector<Kernel> chosen;
  for (const Kernel &kernel : findKernels()) {
    bool isMi300 = kernel.path.string().find("MI300") != std::string::npos;
    if (kernel.gfx950 || (isMi300 && kernel.rounding == Kernel::NearestEven))
      chosen.push_back(kernel);
  }
  return chosen;
}

/// The rules that these kernels undercut; see the table in the document.
bool isKnownBreach(const Kernel &kernel, llvm::StringRef what) {
  if (what.starts_with("M0 of a scalar instruction in m0 needs 1") ||
      what.starts_with("a scalar result of a vector instruction in "))
    return true;
  if (kernel.gfx950 && what.starts_with("a vector result, in a lane swap in "))
    return true;
  return what.starts_with("a matrix result in ") &&
         (!kernel.gfx950 || kernel.fp8);
}

class ForeignChecks : public testing::TestWithParam<Kernel> {};

TEST_P(ForeignChecks, FindWhatIsKnown) {
  const Kernel &kernel = GetParam();
  sim::Options options;
  options.checks = true;
  auto outcome = runKernel(kernel, options);
  ASSERT_TRUE(bool(outcome)) << llvm::toString(outcome.takeError());
  unsigned races = 0, pending = 0;
  for (const CheckReport &report : outcome->result.checks.reports) {
    llvm::StringRef inst = report.inst.text;
    llvm::StringRef other;
    if (report.other)
      other = report.other->text;
    bool dma = inst.contains(" lds") || inst.contains("_lds_");
    switch (report.kind) {
    case CheckKind::Race:
      ++races;
      // Of a workgroup's second tile with the first one's, DMA meets DMA.
      EXPECT_TRUE(dma && (other.starts_with("ds_read") ||
                          (kernel.causal && other.contains(" lds"))))
          << describe(report);
      break;
    case CheckKind::Pending:
      ++pending;
      EXPECT_TRUE(inst.starts_with("v_mfma") &&
                  other.starts_with("ds_read_b64_tr_b8"))
          << describe(report);
      break;
    case CheckKind::WaitStates:
      EXPECT_TRUE(isKnownBreach(kernel, report.what)) << describe(report);
      break;
    case CheckKind::Undefined:
      ADD_FAILURE() << describe(report);
    }
  }
  bool isPlain = kernel.headDimQk == 128 && !kernel.fp8 && !kernel.causal;
  EXPECT_EQ(races > 0, kernel.gfx950 && !isPlain) << races << " races";
  EXPECT_EQ(pending > 0, kernel.gfx950 && kernel.fp8) << pending << " pending";
  RecordProperty("races", std::to_string(races));
  RecordProperty("pending", std::to_string(pending));
}

std::string testName(const testing::TestParamInfo<Kernel> &info) {
  return nameOf(info.param);
}

// Without the folder there is nothing to instantiate; the last test says so.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ForeignChecks);
INSTANTIATE_TEST_SUITE_P(Aiter, ForeignChecks,
                         testing::ValuesIn(chosenKernels()), testName);

TEST(ForeignChecksFolder, HoldsTheKernels) {
  if (!std::getenv("FLYATTN_FOREIGN_KERNELS"))
    GTEST_SKIP() << "set FLYATTN_FOREIGN_KERNELS to AITER's hsa folder";
  EXPECT_EQ(chosenKernels().size(), 28u);
}

} // namespace
