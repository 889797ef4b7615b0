//===- Report.cpp - What the commands print -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"
#include "Driver.h"

#include "flyattn/Runtime/KernelCache.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

json::Object toJson(const KernelConfig &config) {
  return json::Object{{"schedule", nameOf(config.schedule)},
                      {"waves", config.waves},
                      {"rows_per_wave", config.rowsPerWave},
                      {"kv_tile", config.kvTile},
                      {"slots", config.slots}};
}

json::Object timesToJson(const CompiledKernel &kernel) {
  json::Object times;
  for (const LevelTime &time : kernel.times)
    times[nameOf(time.level)] = time.seconds;
  return times;
}

json::Object toJson(const Comparison &c) {
  json::Object errors{{"max_abs", toJson(c.o.maxAbs)},
                      {"max_rel", toJson(c.o.maxRel)},
                      {"rms", toJson(c.o.rms)},
                      {"relative_rms", toJson(c.o.relativeRms)},
                      {"min_row_cosine", toJson(c.o.minRowCosine)},
                      {"mismatches", int64_t(c.o.mismatches)},
                      {"bound", toJson(c.boundMaxAbs)},
                      {"bound_rms", toJson(c.boundRms)}};
  if (c.hasLse)
    errors["lse"] = json::Object{{"max_abs", toJson(c.lseMaxAbs)},
                                 {"bound", toJson(c.lseBound)},
                                 {"mismatches", int64_t(c.lseMismatches)}};
  return errors;
}

static json::Object toJson(const sim::CheckedInst &inst) {
  return json::Object{{"offset", int64_t(inst.offset)}, {"text", inst.text}};
}

json::Object toJson(const sim::CheckResults &checks) {
  json::Array reports, conflicts;
  for (const sim::CheckReport &report : checks.reports) {
    json::Object item{{"kind", sim::nameOf(report.kind)},
                      {"inst", toJson(report.inst)},
                      {"what", report.what},
                      {"count", int64_t(report.count)},
                      {"workgroup", json::Array(report.workgroup)},
                      {"wave", report.wave}};
    if (report.other)
      item["other"] = toJson(*report.other);
    if (report.lane >= 0)
      item["lane"] = report.lane;
    reports.push_back(std::move(item));
  }
  for (const sim::BankConflicts &item : checks.bankConflicts)
    conflicts.push_back(
        json::Object{{"inst", toJson(item.inst)},
                     {"executions", int64_t(item.executions)},
                     {"clocks", int64_t(item.clocks)},
                     {"conflict_clocks", int64_t(item.conflictClocks)}});
  return json::Object{
      {"reports", std::move(reports)},
      {"bank_conflicts", std::move(conflicts)},
      {"lds_clocks", int64_t(checks.ldsClocks)},
      {"lds_conflict_clocks", int64_t(checks.ldsConflictClocks)}};
}

void addStats(json::Object &object, const LaunchStats &stats) {
  object["seconds"] = stats.seconds;
  if (!stats.simulated)
    return;
  object["instructions"] = int64_t(stats.simulated->instructions);
  object["workgroups"] = int64_t(stats.simulated->workgroups);
  object["waves"] = int64_t(stats.simulated->waves);
}

std::string describe(const KernelConfig &config) {
  return formatv("{0}, {1} waves x {2} rows, KV tile {3}, {4} slots",
                 nameOf(config.schedule), config.waves, config.rowsPerWave,
                 config.kvTile, config.slots);
}

std::string describe(const LaunchStats &stats) {
  std::string text = formatv("{0:f3} s", stats.seconds);
  if (stats.simulated)
    text += formatv(", {0:N} instructions, {1:N} waves in {2:N} workgroups",
                    stats.simulated->instructions, stats.simulated->waves,
                    stats.simulated->workgroups);
  return text;
}

static void printLine(raw_ostream &os, StringRef name, double value,
                      double bound) {
  os << formatv("{0,-14} {1,-11:e2} {2,-11:e2} {3}\n", name, value, bound,
                value <= bound ? "ok" : "TOO LARGE");
}

void print(raw_ostream &os, const sim::CheckResults &checks) {
  os << formatv("checks   {0} reports, LDS bank conflicts {1:N} clocks on top "
                "of {2:N}\n",
                checks.reports.size(), checks.ldsConflictClocks,
                checks.ldsClocks);
  for (const sim::CheckReport &report : checks.reports)
    os << "  " << sim::describe(report) << '\n';
  auto worst = checks.bankConflicts;
  llvm::sort(worst, [](const auto &a, const auto &b) {
    return std::pair(b.conflictClocks, a.inst.offset) <
           std::pair(a.conflictClocks, b.inst.offset);
  });
  constexpr size_t shown = 8; // --json has them all
  for (const sim::BankConflicts &item : ArrayRef(worst).take_front(shown))
    os << formatv("  bank conflicts: offset {0:x}, `{1}`: {2:f1} clocks on top "
                  "of {3:f1} a wave\n",
                  item.inst.offset, item.inst.text,
                  double(item.conflictClocks) / double(item.executions),
                  double(item.clocks) / double(item.executions));
  if (worst.size() > shown)
    os << formatv("  bank conflicts: {0} more instructions\n",
                  worst.size() - shown);
}

void print(raw_ostream &os, const Comparison &c) {
  os << "               error       bound\n";
  printLine(os, "O max_abs", c.o.maxAbs, c.boundMaxAbs);
  printLine(os, "O rms", c.o.rms, c.boundRms);
  if (c.hasLse)
    printLine(os, "LSE max_abs", c.lseMaxAbs, c.lseBound);
  os << formatv("O max_rel {0:e2}, relative rms {1:e2}, least row cosine "
                "{2:f8}\n",
                c.o.maxRel, c.o.relativeRms, c.o.minRowCosine);
  if (uint64_t wrong = c.o.mismatches + c.lseMismatches)
    os << formatv("{0:N} values are nan, inf or not zero where the reference "
                  "says otherwise\n",
                  wrong);
}

} // namespace flyattn::driver
