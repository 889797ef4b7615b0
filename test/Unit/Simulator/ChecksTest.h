//===- ChecksTest.h - Small kernels with one fault each -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_SIMULATOR_CHECKSTEST_H
#define FLYATTN_TEST_UNIT_SIMULATOR_CHECKSTEST_H

#include "LaunchTest.h"

namespace flyattn::test {

/// One line a report: "kind: `inst` / `other`: count".
inline std::vector<std::string> summary(const CheckResults &checks) {
  std::vector<std::string> lines;
  for (const CheckReport &report : checks.reports) {
    std::string line = nameOf(report.kind).str() + ": " + report.inst.text;
    if (report.other)
      line += " / " + report.other->text;
    lines.push_back(line + ": " + std::to_string(report.count));
  }
  return lines;
}

using Lines = std::vector<std::string>;

/// Runs `text` behind `start` and before s_endpgm; `waves` in one workgroup.
inline Lines check(const std::string &text, unsigned waves = 1,
                   const std::string &chip = "gfx950",
                   Options options = Options()) {
  Launch launch;
  launch.chip = chip;
  launch.params.block = {64 * waves, 1, 1};
  launch.options = options;
  launch.options.checks = true;
  EXPECT_TRUE(launch.run(start + text + "s_endpgm\n")) << launch.error;
  return summary(launch.result.checks);
}
inline const Lines none;

/// v2 is the work-item, v1 four times that; s[6:7] the output.
inline const std::string load = "global_load_dword v3, v1, s[6:7]\n";

inline const std::string dma = "s_mov_b32 m0, 0\n"
                               "s_nop 0\n"
                               "global_load_lds_dword v1, s[6:7]\n";

} // namespace flyattn::test

#endif // FLYATTN_TEST_UNIT_SIMULATOR_CHECKSTEST_H
