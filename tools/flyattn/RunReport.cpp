//===- RunReport.cpp - What flyattn run prints ----------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "Run.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace flyattn;
using namespace flyattn::driver;

bool flyattn::driver::failsChecks(const Run &run) {
  return run.settings.checks == Severity::Fail &&
         !run.stats.simulated->checks.reports.empty();
}

namespace {

KvTileFacts factsOf(const Run &run) {
  const KernelConfig &config = run.plan.kernel->config;
  return kvTileFacts(run.chip, run.problem, config.rowsPerWave, config.kvTile);
}

StringRef statusOf(const Run &run) {
  if (run.comparison && !run.comparison->passed())
    return "wrong result";
  if (failsChecks(run))
    return "failed checks";
  return run.comparison ? "ok" : "not checked";
}

/// The configuration, and into how many parts KV is split.
json::Object configOf(const Run &run) {
  json::Object config = toJson(run.plan.kernel->config);
  config["splits"] = run.plan.splits;
  config["pack_gqa"] = run.plan.variant.packGqa;
  config["far"] = run.plan.variant.far;
  return config;
}

struct RescaleCounts {
  int64_t checks, taken;
};

RescaleCounts rescaleCounts(const Run &run) {
  const auto &counters = run.stats.simulated->performanceCounters;
  return {counters[unsigned(PerformanceCounter::RescaleChecks)],
          counters[unsigned(PerformanceCounter::Rescales)]};
}

} // namespace

json::Object flyattn::driver::resultOf(const Run &run) {
  json::Object object{{"status", statusOf(run)},
                      {"arch", run.chip},
                      {"problem", toJson(run.problem)},
                      {"kernel", run.plan.kernel->kernelName},
                      {"config", configOf(run)},
                      {"compile_seconds", timesToJson(*run.plan.kernel)},
                      {"device", run.deviceName},
                      {"seed", int64_t(run.settings.seed)}};
  addStats(object, run.stats);
  if (run.problem.countRescales) {
    RescaleCounts counts = rescaleCounts(run);
    object["rescales"] =
        json::Object{{"checks", counts.checks}, {"taken", counts.taken}};
  }
  object["sampled"] = !run.settings.rows.empty();
  if (run.settings.checks != Severity::Off)
    object["checks"] = toJson(run.stats.simulated->checks);
  if (run.settings.timing.on)
    object["timing"] = toJson(*run.stats.simulated->timing);
  if (run.settings.timing.sensitivity)
    object["sensitivity"] = toJson(run.sensitivity);
  if (run.comparison) {
    object["errors"] = toJson(*run.comparison);
    object["rows_checked"] = int64_t(run.comparison->rows);
    object["rows_sampled"] = run.sample.sampled;
    object["compared_with"] = run.expected ? "expected" : "reference";
  }
  return object;
}

void flyattn::driver::printRun(raw_ostream &os, const Run &run) {
  os << describe(run.problem, run.chip) << '\n'
     << "kernel   " << run.plan.kernel->kernelName << ": "
     << describe(run.plan.kernel->config) << '\n';
  if (run.plan.combine)
    os << formatv("splits   {0} parts of KV, merged by {1} through a workspace "
                  "of {2:N} bytes; counts and clocks are those of both "
                  "kernels\n",
                  run.plan.splits, run.plan.kernel->combineName,
                  run.plan.workspaceBytes);
  os << "ran on   " << run.deviceName << ": " << describe(run.stats) << '\n';
  if (run.problem.countRescales) {
    RescaleCounts counts = rescaleCounts(run);
    os << formatv("rescaled {0:N} of {1:N} times ({2:f2}%) that a wave had "
                  "added a KV tile\n",
                  counts.taken, counts.checks,
                  100.0 * double(counts.taken) /
                      double(std::max<int64_t>(counts.checks, 1)));
  }
  if (!run.settings.rows.empty())
    os << formatv("sampled  only the workgroups that own the chosen rows ran; "
                  "the launch has {0:N}\n",
                  uint64_t(run.plan.shape.grid[0]) * run.plan.shape.grid[1] *
                      run.plan.shape.grid[2]);
  if (run.settings.checks != Severity::Off)
    print(os, run.stats.simulated->checks);
  if (run.settings.timing.on)
    print(os, *run.stats.simulated->timing, factsOf(run));
  if (run.settings.timing.sensitivity)
    print(os, *run.stats.simulated->timing, run.sensitivity);
  if (run.comparison) {
    os << formatv(
        "checked  {0} {1:N} rows against {2}\n",
        run.sample.sampled ? "a sample of" : "all", run.comparison->rows,
        run.expected ? StringRef(run.settings.expected) : "an f64 reference");
    print(os, *run.comparison);
  }
  os << "result   " << statusOf(run) << '\n';
}
