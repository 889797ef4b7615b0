//===- BenchReport.cpp - What flyattn bench prints and writes -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "ProblemOptions.h"
#include "Report.h"

#include "flyattn/Runtime/KernelCache.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

StringRef nameOf(Verdict verdict) {
  switch (verdict) {
  case Verdict::Right:
    return "ok";
  case Verdict::Wrong:
    return "wrong";
  case Verdict::Refused:
    return "refused";
  case Verdict::Failed:
    return "failed";
  }
  return "";
}

StringRef BenchRow::who() const {
  if (isForeign)
    return "aiter";
  return config ? nameOf(config->schedule) : "";
}

double BenchRow::flopsPerClockAndUnit() const {
  if (!timing || !timing->deviceClocks)
    return 0;
  return job.problem.flops() / double(timing->deviceClocks) /
         sim::TimingConstants::of(job.chip).computeUnits;
}

static std::string lengthsOf(ArrayRef<int64_t> starts) {
  std::string text;
  for (size_t i = 1; i < starts.size(); ++i)
    text += (i == 1 ? "" : "+") + std::to_string(starts[i] - starts[i - 1]);
  return text;
}

/// The same in less space: "32x1024+8192".
static std::string briefLengthsOf(ArrayRef<int64_t> starts) {
  std::vector<std::pair<int64_t, unsigned>> runs;
  for (size_t i = 1; i < starts.size(); ++i) {
    int64_t length = starts[i] - starts[i - 1];
    if (runs.empty() || runs.back().first != length)
      runs.push_back({length, 0});
    ++runs.back().second;
  }
  std::string text;
  for (auto [length, count] : runs)
    text += (text.empty() ? "" : "+") +
            (count > 1 ? std::to_string(count) + "x" : "") +
            std::to_string(length);
  return text;
}

std::string titleOf(const BenchJob &job) {
  const Problem &p = job.problem;
  std::string text = describe(p, job.chip);
  if (!p.cuSeqlensQ.empty())
    text += " q " + briefLengthsOf(p.cuSeqlensQ) + " kv " +
            briefLengthsOf(p.cuSeqlensKv);
  return text;
}

/// "ok, sampled", "WRONG".
static std::string verdictOf(const BenchRow &row) {
  std::string text =
      row.verdict == Verdict::Wrong || row.verdict == Verdict::Failed
          ? nameOf(row.verdict).upper()
          : nameOf(row.verdict).str();
  return text + (row.sampled() ? ", sampled" : "");
}

/// "generic 4x32 kv64 s2".
static std::string brief(const KernelConfig &config) {
  return formatv("{0} {1}x{2} kv{3} s{4}", nameOf(config.schedule),
                 config.waves, config.rowsPerWave, config.kvTile, config.slots);
}

static std::string percent(double share) {
  return formatv("{0:f1}%", 100 * share);
}

static constexpr const char *kColumns = "{0} {1,-21} {2,-12} {3,9} {4,9}";
static constexpr const char *kTimingColumns = " {0,14} {1,6} {2,9} {3,9}";

static void printLine(raw_ostream &os, StringRef line) {
  os << line.rtrim() << '\n';
}

static void printNotes(raw_ostream &os, const BenchRow &row) {
  if (!row.reason.empty())
    os << "  " << row.reason << '\n';
  if (row.verdict == Verdict::Wrong)
    print(os, *row.comparison);
}

void printHeader(raw_ostream &os, unsigned width, bool timing) {
  std::string line = formatv(kColumns, left_justify("problem", width), "kernel",
                             "verdict", "error", "bound");
  if (timing)
    line +=
        formatv(kTimingColumns, "device clk", "MFMA", "loop clk", "loop MFMA")
            .str();
  printLine(os, line);
}

void print(raw_ostream &os, const BenchRow &row, unsigned width) {
  auto number = [](double x) { return formatv("{0:e2}", x).str(); };
  const auto &c = row.comparison;
  std::string line =
      formatv(kColumns, left_justify(titleOf(row.job), width),
              row.config ? brief(*row.config) : "", verdictOf(row),
              c ? number(c->o.maxAbs) : "", c ? number(c->boundMaxAbs) : "");
  if (row.timing)
    line += formatv(kTimingColumns,
                    formatv("{0:N}", row.timing->deviceClocks).str(),
                    percent(row.timing->mfmaBusy),
                    row.loop ? formatv("{0:f0}", row.loop->clocks).str() : "",
                    row.loop ? percent(row.loop->mfmaBusy) : "")
                .str();
  printLine(os, line);
  printNotes(os, row);
}

static constexpr const char *kPerfColumns =
    "{0} {1,-9} {2,12} {3,10} {4,9} {5,6} {6,8} {7,9} {8,9} {9,11} {10,8} "
    "{11,5} {12,6}  {13}";

void printPerfHeader(raw_ostream &os, unsigned width) {
  printLine(os, formatv(kPerfColumns, left_justify("problem", width), "who",
                        "device clk", "aiter/ours", "loop MFMA", "MFMA",
                        "loop clk", "wave MFMA", "wave VALU", "FLOP/clk/CU",
                        "of dense", "VGPRs", "spills", "check")
                    .str());
}

static void printSensitivity(raw_ostream &os, ArrayRef<RatioRow> rows) {
  for (const RatioRow &row : rows)
    os << formatv("  {0,-26} {1,6}  ours {2,12:N} clk  aiter {3,12:N} clk  "
                  "aiter/ours {4:f3}\n",
                  row.constant, row.value, row.ours, row.foreign, row.ratio());
  auto byRatio = [](const RatioRow &a, const RatioRow &b) {
    return a.ratio() < b.ratio();
  };
  if (rows.empty())
    return;
  const RatioRow &least = *min_element(rows, byRatio),
                 &most = *max_element(rows, byRatio);
  os << formatv("  aiter/ours at the least {0:f3} ({1}={2}), at the most "
                "{3:f3} ({4}={5})\n",
                least.ratio(), least.constant, least.value, most.ratio(),
                most.constant, most.value);
}

void printPerf(raw_ostream &os, const BenchRow &row, unsigned width) {
  auto number = [](const char *format, std::optional<double> x) {
    return x ? formatv(false, format, *x).str() : std::string();
  };
  auto loop = [&](double LoopFacts::*field) {
    return row.loop ? std::optional((*row.loop).*field) : std::nullopt;
  };
  const auto &timing = row.timing;
  std::string line = formatv(
      kPerfColumns, left_justify(titleOf(row.job), width), row.who(),
      timing ? formatv("{0:N}", timing->deviceClocks).str() : "",
      number("{0:f3}", row.ratio), number("{0:P1}", loop(&LoopFacts::mfmaBusy)),
      timing ? percent(timing->mfmaBusy) : "",
      number("{0:f0}", loop(&LoopFacts::clocks)),
      number("{0:f0}", loop(&LoopFacts::waveMfma)),
      number("{0:f0}", loop(&LoopFacts::waveValu)),
      timing ? formatv("{0:f1}", row.flopsPerClockAndUnit()).str() : "",
      row.ofDense ? percent(*row.ofDense) : "",
      row.info ? std::to_string(row.info->vgprs) : "",
      row.info ? std::to_string(row.info->vgprSpills) : "", verdictOf(row));
  printLine(os, line);
  printNotes(os, row);
  printSensitivity(os, row.sensitivity);
}

static json::Object summaryOf(ArrayRef<BenchRow> rows) {
  auto count = [&](auto test) { return int64_t(count_if(rows, test)); };
  json::Object object;
  for (Verdict verdict :
       {Verdict::Right, Verdict::Wrong, Verdict::Refused, Verdict::Failed})
    object[nameOf(verdict)] =
        count([&](const BenchRow &row) { return row.verdict == verdict; });
  object["sampled"] = count([](const BenchRow &row) { return row.sampled(); });
  object["rows"] = int64_t(rows.size());
  return object;
}

void printSummary(raw_ostream &os, ArrayRef<BenchRow> rows) {
  json::Object counts = summaryOf(rows);
  auto of = [&](StringRef name) { return *counts.getInteger(name); };
  os << formatv("{0:N} rows: {1:N} ok, {2:N} wrong, {3:N} failed, {4:N} "
                "refused; {5:N} sampled\n",
                of("rows"), of("ok"), of("wrong"), of("failed"), of("refused"),
                of("sampled"));
}

static json::Object toJson(const RatioRow &row) {
  return json::Object{{"constant", row.constant},
                      {"value", row.value},
                      {"device_clocks", int64_t(row.ours)},
                      {"foreign_device_clocks", int64_t(row.foreign)},
                      {"ratio", toJson(row.ratio())}};
}

static json::Object timingOf(const BenchRow &row) {
  json::Object timing = toJson(*row.timing);
  timing.erase("instructions");
  timing["flops_per_clock_and_unit"] = toJson(row.flopsPerClockAndUnit());
  if (row.loop)
    timing["main_loop"] =
        json::Object{{"clocks_per_kv_tile", toJson(row.loop->clocks)},
                     {"kv_tile", 64},
                     {"mfma_busy", toJson(row.loop->mfmaBusy)},
                     {"wave_mfma_clocks", toJson(row.loop->waveMfma)},
                     {"wave_valu_clocks", toJson(row.loop->waveValu)}};
  return timing;
}

static json::Object toJson(const BenchRow &row) {
  json::Object problem = toJson(row.job.problem);
  if (!row.job.problem.cuSeqlensQ.empty()) {
    problem["cu_seqlens_q"] = json::Array(row.job.problem.cuSeqlensQ);
    problem["cu_seqlens_kv"] = json::Array(row.job.problem.cuSeqlensKv);
  }
  json::Object object{{"set", row.job.set},
                      {"arch", row.job.chip},
                      {"problem", std::move(problem)},
                      {"who", row.who()},
                      {"kernel", row.kernel},
                      {"status", nameOf(row.verdict)},
                      {"reason", row.reason},
                      {"workgroups_sampled", row.sampledWorkgroups},
                      {"rows_sampled", row.sampledRows},
                      {"seconds", row.seconds}};
  if (row.config)
    object["config"] = toJson(*row.config);
  if (row.comparison) {
    object["errors"] = toJson(*row.comparison);
    object["rows_checked"] = int64_t(row.comparison->rows);
  }
  if (row.timing)
    object["timing"] = timingOf(row);
  if (row.info) {
    object["vgprs"] = row.info->vgprs;
    object["vgpr_spills"] = row.info->vgprSpills;
    object["scratch_bytes"] = row.info->scratchSize;
  }
  if (row.ratio)
    object["ratio"] = toJson(*row.ratio);
  if (row.ofDense)
    object["of_dense"] = toJson(*row.ofDense);
  if (!row.sensitivity.empty()) {
    json::Array ratios;
    for (const RatioRow &ratio : row.sensitivity)
      ratios.push_back(toJson(ratio));
    object["sensitivity"] = std::move(ratios);
  }
  return object;
}

json::Object toJson(ArrayRef<BenchRow> rows) {
  json::Array array;
  for (const BenchRow &row : rows)
    array.push_back(toJson(row));
  return json::Object{{"rows", std::move(array)}, {"summary", summaryOf(rows)}};
}

static std::string csvCell(StringRef text) {
  if (text.find_first_of(",\"\n") == StringRef::npos)
    return text.str();
  std::string doubled;
  for (char c : text)
    doubled += c == '"' ? std::string("\"\"") : std::string(1, c);
  return '"' + doubled + '"';
}

/// Name and value of each column; the value is "" where there is none.
static std::vector<std::pair<StringRef, std::string>>
csvCells(const BenchRow &row) {
  const Problem &p = row.job.problem;
  const auto &c = row.comparison;
  const auto &timing = row.timing;
  auto real = [](bool known, auto get) {
    std::string text;
    if (known)
      raw_string_ostream(text) << format("%.6g", double(get()));
    return text;
  };
  auto whole = [](bool known, auto get) {
    return known ? std::to_string(get()) : std::string();
  };
  json::Object problem = toJson(p);
  return {
      {"set", row.job.set.str()},
      {"arch", row.job.chip},
      {"dtype", nameOf(p.dtype).str()},
      {"batch", std::to_string(p.batch)},
      {"heads", std::to_string(p.heads)},
      {"kv_heads", std::to_string(p.kvHeads)},
      {"seqlen_q", std::to_string(p.seqlenQ)},
      {"seqlen_kv", std::to_string(p.seqlenKv)},
      {"seqlens_q", lengthsOf(p.cuSeqlensQ)},
      {"seqlens_kv", lengthsOf(p.cuSeqlensKv)},
      {"head_dim", std::to_string(p.headDim)},
      {"head_dim_v", std::to_string(p.headDimOfV())},
      {"mask", problem.getString("mask")->str()},
      {"splits", splitsName(p)},
      {"without", nameOf(p.without).str()},
      {"who", row.who().str()},
      {"kernel", row.kernel},
      {"status", nameOf(row.verdict).str()},
      {"reason", row.reason},
      {"sampled", row.sampled() ? "1" : "0"},
      {"max_abs", real(bool(c), [&] { return c->o.maxAbs; })},
      {"bound", real(bool(c), [&] { return c->boundMaxAbs; })},
      {"device_clocks",
       whole(bool(timing), [&] { return timing->deviceClocks; })},
      {"ratio", real(bool(row.ratio), [&] { return *row.ratio; })},
      {"of_dense", real(bool(row.ofDense), [&] { return *row.ofDense; })},
      {"mfma_busy", real(bool(timing), [&] { return timing->mfmaBusy; })},
      {"loop_clocks_per_kv_tile",
       real(bool(row.loop), [&] { return row.loop->clocks; })},
      {"loop_mfma_busy",
       real(bool(row.loop), [&] { return row.loop->mfmaBusy; })},
      {"wave_mfma_clocks",
       real(bool(row.loop), [&] { return row.loop->waveMfma; })},
      {"wave_valu_clocks",
       real(bool(row.loop), [&] { return row.loop->waveValu; })},
      {"flops_per_clock_and_unit",
       real(bool(timing), [&] { return row.flopsPerClockAndUnit(); })},
      {"vgprs", whole(bool(row.info), [&] { return row.info->vgprs; })},
      {"vgpr_spills",
       whole(bool(row.info), [&] { return row.info->vgprSpills; })},
  };
}

std::string toCsv(ArrayRef<BenchRow> rows) {
  std::string text;
  for (const auto &[name, value] : csvCells(BenchRow()))
    text += (text.empty() ? "" : ",") + name.str();
  text += '\n';
  for (const BenchRow &row : rows) {
    ListSeparator comma(",");
    for (const auto &[name, value] : csvCells(row))
      text += StringRef(comma).str() + csvCell(value);
    text += '\n';
  }
  return text;
}

} // namespace flyattn::driver
