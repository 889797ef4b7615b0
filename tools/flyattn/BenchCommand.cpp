//===- BenchCommand.cpp - flyattn bench -----------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "ProblemSets.h"

#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <map>

using namespace llvm;

namespace flyattn::driver {

namespace {

template <typename T> struct BenchOption : cl::opt<T> {
  template <typename... Mods>
  BenchOption(StringRef name, Mods &&...mods)
      : cl::opt<T>(name, cl::cat(category()), cl::sub(benchSub()),
                   std::forward<Mods>(mods)...) {}
};

BenchOption<std::string> setOption(
    "set", cl::value_desc("set[,set...]"),
    cl::desc("Which problems: edges, odd, cross, sweep, large, "
             "splitk, video, varlen, varlen-cross; perf: beside "
             "foreign kernels, on the cycle model; perf-masks: masks and "
             "packed sequences over the same without"));
BenchOption<std::string> archOption("arch", cl::init("all"),
                                    cl::value_desc("chip|all"),
                                    cl::desc("gfx942, gfx950 or all (all)"));
BenchOption<std::string>
    dtypeOption("dtype", cl::init("all"), cl::value_desc("dtype|all"),
                cl::desc("bf16, f16, f32 or all: bf16 and f16 "
                         "(all)"));
BenchOption<std::string>
    headDimOption("head-dim", cl::init("all"), cl::value_desc("D|all"),
                  cl::desc("A head dim; all: 64 and 128, perf also 192 "
                           "and 128 (all)"));
BenchOption<std::string> maskOption("mask", cl::init("all"),
                                    cl::value_desc("mask|all"),
                                    cl::desc("none, causal or all (all)"));
BenchOption<std::string>
    scheduleOption("schedule", cl::init("auto"), cl::value_desc("schedule"),
                   cl::desc("auto, generic or dual_wave (auto)"));
BenchOption<std::string> withoutOption(
    "without", cl::value_desc("technique[,...]|all"),
    cl::desc("dual_wave: each problem as it is, then without each of these "
             "techniques (see flyattn run)"));
BenchOption<std::string> csvOption("csv", cl::value_desc("file|-"),
                                   cl::desc("Write the rows as CSV"));
BenchOption<std::string> jsonOption("json", cl::value_desc("file|-"),
                                    cl::desc("Write the rows as JSON"));
BenchOption<bool> timingOption("timing",
                               cl::desc("Run some compute units cycle by "
                                        "cycle; perf always does"));
BenchOption<unsigned>
    timingUnitsOption("timing-units", cl::init(8), cl::value_desc("n"),
                      cl::desc("Timing: compute units to run cycle by cycle, "
                               "fewer for large problems; 0: all (8)"));
BenchOption<unsigned>
    budgetOption("budget", cl::init(200), cl::value_desc("GFLOP"),
                 cl::desc("What a row may simulate before it is sampled; some "
                          "seconds' worth on two cores (200)"));
BenchOption<bool>
    sensitivityOption("sensitivity",
                      cl::desc("perf: the ratio for both ends of the range of "
                               "every uncertain constant"));
BenchOption<bool> listOption("list", cl::desc("Print the problems; run none"));

/// The options' values. LLD, which the compiler runs in process, sets every
/// cl::opt back to its default, so they are read once, before anything else.
struct Options {
  std::string sets = setOption, arch = archOption, dtype = dtypeOption,
              headDim = headDimOption, mask = maskOption,
              schedule = scheduleOption, without = withoutOption;
  std::string csv = csvOption, json = jsonOption;
  bool list = listOption;
  BenchSettings settings;

  bool printsTable() const { return csv != "-" && json != "-"; }
};

template <typename T>
std::string namesOf(ArrayRef<std::pair<StringRef, T>> known) {
  std::string text;
  for (const auto &[name, value] : known)
    text += (text.empty() ? "" : ", ") + name.str();
  return text;
}

Error unknown(StringRef option, StringRef given, const Twine &allowed) {
  return failure(BadUsage, "--" + option + ": '" + given +
                               "' was given; allowed are " + allowed);
}

/// The value that `given` names, or with "all" every one.
template <typename T>
Error choose(StringRef option, StringRef given,
             ArrayRef<std::pair<StringRef, T>> known, std::vector<T> &chosen) {
  for (const auto &[name, value] : known)
    if (given == "all" || given == name)
      chosen.push_back(value);
  return chosen.empty() ? unknown(option, given, namesOf(known) + ", all")
                        : Error::success();
}

Error chooseSets(StringRef given, std::vector<StringRef> &chosen) {
  std::vector<StringRef> known = problemSetNames();
  std::string allowed = join(known, ", ");
  if (given.empty())
    return failure(BadUsage, "--set is needed: one or more of " + allowed);
  for (StringRef name : split(given, ',')) {
    auto found = find(known, name);
    if (found == known.end())
      return unknown("set", name, allowed);
    if (!is_contained(chosen, *found))
      chosen.push_back(*found); // not the option's memory
  }
  return Error::success();
}

Error chooseHeadDims(StringRef given, ProblemChoice &choice) {
  int64_t headDim;
  choice.everyHeadDim = given == "all";
  if (choice.everyHeadDim)
    choice.headDims = {64, 128};
  else if (!given.getAsInteger(10, headDim) && headDim > 0)
    choice.headDims = {headDim};
  else
    return unknown("head-dim", given, "a positive number, all");
  return Error::success();
}

Error chooseSchedule(StringRef given, ScheduleKind &schedule) {
  const std::pair<StringRef, ScheduleKind> known[] = {
      {"auto", ScheduleKind::Auto},
      {"generic", ScheduleKind::Generic},
      {"dual_wave", ScheduleKind::DualWave}};
  for (const auto &[name, value] : known)
    if (given == name) {
      schedule = value;
      return Error::success();
    }
  return unknown("schedule", given, namesOf(ArrayRef(known)));
}

/// None first, to compare with.
Error chooseTechniques(StringRef given, ScheduleKind schedule,
                       std::vector<Technique> &chosen) {
  chosen = {Technique::None};
  if (given.empty())
    return Error::success();
  if (schedule != ScheduleKind::DualWave)
    return failure(BadUsage, "--without: '" + given +
                                 "' was given; only dual_wave has techniques "
                                 "to leave out: add --schedule dual_wave");
  if (given == "all")
    chosen.insert(chosen.end(), std::begin(kAllTechniques),
                  std::end(kAllTechniques));
  else
    for (StringRef name : split(given, ',')) {
      std::optional<Technique> technique = techniqueOf(name);
      if (!technique)
        return unknown("without", name, techniqueNames() + ", all");
      if (!is_contained(chosen, *technique))
        chosen.push_back(*technique);
    }
  return Error::success();
}

/// What the options ask for, perf last: its table has other columns.
Expected<std::vector<BenchJob>> jobsOf(const Options &options) {
  using Chip = std::pair<StringRef, StringRef>;
  std::vector<StringRef> sets, chips;
  ProblemChoice choice;
  ScheduleKind schedule = ScheduleKind::Auto;
  std::vector<Technique> techniques;
  std::vector<Chip> knownChips;
  for (StringRef chip : supportedChips())
    knownChips.push_back({chip, chip});
  const std::pair<StringRef, ElementType> dtypes[] = {
      {"bf16", ElementType::BF16}, {"f16", ElementType::F16}};
  const std::pair<StringRef, MaskKind> masks[] = {{"none", MaskKind::None},
                                                  {"causal", MaskKind::Causal}};
  Error error = chooseSets(options.sets, sets);
  auto also = [&](Error other) {
    error = joinErrors(std::move(error), std::move(other));
  };
  also(choose("arch", options.arch, ArrayRef(knownChips), chips));
  if (options.dtype == "f32")
    choice.dtypes = {ElementType::F32};
  else
    also(choose("dtype", options.dtype, ArrayRef(dtypes), choice.dtypes));
  also(chooseHeadDims(options.headDim, choice));
  also(choose("mask", options.mask, ArrayRef(masks), choice.masks));
  also(chooseSchedule(options.schedule, schedule));
  also(chooseTechniques(options.without, schedule, techniques));
  if (error)
    return std::move(error);
  std::vector<StringRef> perfSets;
  copy_if(sets, std::back_inserter(perfSets), isPerfSet);
  erase_if(sets, isPerfSet);
  append_range(sets, perfSets);
  std::vector<BenchJob> jobs;
  for (StringRef set : sets) {
    std::vector<Problem> problems = problemsOf(set, choice);
    if (problems.empty())
      return failure(BadUsage, "--set " + set +
                                   " has no problem of this --dtype, "
                                   "--head-dim and --mask; see --list");
    for (StringRef chip : chips)
      for (Problem &problem : problems) {
        problem.schedule = schedule;
        for (Technique technique : techniques) {
          problem.without = technique;
          jobs.push_back({set, chip.str(), problem});
        }
      }
  }
  return jobs;
}

Error checkOptions(const Options &options, ArrayRef<BenchJob> jobs) {
  if (options.csv == "-" && options.json == "-")
    return failure(BadUsage, "--csv - and --json - exclude each other: write "
                             "one of them to a file");
  auto compares = [](const BenchJob &job) { return job.set == kPerfSet; };
  if (options.settings.sensitivity && none_of(jobs, compares))
    return failure(BadUsage, "--sensitivity needs --set perf; use flyattn run "
                             "--timing --sensitivity for one problem");
  if (options.settings.budget <= 0)
    return failure(BadUsage, "--budget: 0 was given; it must be 1 or more");
  auto file = [](const std::string &path) {
    return path == "-" ? std::string() : path;
  };
  return checkOutputs({file(options.csv), file(options.json)});
}

/// Runs the jobs in turn, and prints each row when it is there.
class Bench {
public:
  Bench(const Options &options, ArrayRef<BenchJob> jobs)
      : options(options), count(jobs.size()),
        table(options.printsTable() ? outs() : nulls()) {
    for (const BenchJob &job : jobs)
      width = std::max(width, unsigned(titleOf(job).size()));
  }

  void run(const BenchJob &job) {
    std::string title =
        formatv("{0}/{1} {2}", ++started, count, titleOf(job)).str();
    if (isPerfSet(job.set))
      return runPerf(job, title);
    if (rows.empty())
      printHeader(table, width, options.settings.timing);
    rows.push_back(runJob(job, options.settings, title));
    print(table, rows.back(), width);
    table.flush();
  }

  std::vector<BenchRow> rows;

private:
  void runPerf(const BenchJob &job, StringRef title) {
    if (!perfStarted) {
      perfStarted = true;
      if (!rows.empty())
        table << '\n';
      printPerfHeader(table, width);
    }
    if (job.set == kPerfSet && !comparesStarted) {
      comparesStarted = true;
      kernels = aiter::findKernels();
      if (kernels.empty())
        errs() << "flyattn: no foreign kernels to compare with: set "
                  "FLYATTN_FOREIGN_KERNELS to a folder that holds AITER's "
                  "gfx942 and gfx950 folders of code objects\n";
    }
    BenchSettings settings = options.settings;
    settings.timing = settings.onlySampled = true;
    bool alone = job.set == kPerfMasksSet;
    settings.sensitivity &= !alone;
    auto beside = alone ? ArrayRef<aiter::Kernel>() : ArrayRef(kernels);
    for (BenchRow &row : runPerfJob(job, settings, beside, title)) {
      if (alone)
        compareWithDense(row);
      printPerf(table, row, width);
      rows.push_back(std::move(row));
    }
    table.flush();
  }

  /// The first one of a chip and head dim is that of the others.
  void compareWithDense(BenchRow &row) {
    const Problem &p = row.job.problem;
    bool isDense = p.mask == MaskKind::None && !p.packed();
    double here = row.flopsPerClockAndUnit();
    double &dense = denseRates[{row.job.chip, p.headDim}];
    if (isDense)
      dense = here;
    else if (dense > 0 && here > 0)
      row.ofDense = here / dense;
  }

  const Options &options;
  size_t count, started = 0;
  unsigned width = 0;
  bool perfStarted = false, comparesStarted = false;
  raw_ostream &table;
  std::vector<aiter::Kernel> kernels;
  /// FLOP/clk/CU without a mask, by chip and head dim.
  std::map<std::pair<std::string, int64_t>, double> denseRates;
};

Error writeFiles(const Options &options, ArrayRef<BenchRow> rows) {
  if (options.csv == "-")
    outs() << toCsv(rows);
  else if (!options.csv.empty()) {
    std::string text = toCsv(rows);
    if (Error error =
            writeFileAtomically(options.csv, arrayRefFromStringRef(text)))
      return withCode(BadUsage, std::move(error));
  }
  if (options.json.empty())
    return Error::success();
  return writeJson(options.json, toJson(rows));
}

Error runBench() {
  Options options;
  options.settings.timing = timingOption;
  options.settings.sensitivity = sensitivityOption;
  options.settings.timingUnits = timingUnitsOption;
  options.settings.budget = 1e9 * budgetOption;
  auto jobs = jobsOf(options);
  if (!jobs)
    return jobs.takeError();
  if (Error error = checkOptions(options, *jobs))
    return error;
  if (options.list) {
    for (const BenchJob &job : *jobs)
      outs() << formatv("{0,-13} {1}\n", job.set, titleOf(job));
    return Error::success();
  }
  Bench bench(options, *jobs);
  for (const BenchJob &job : *jobs)
    bench.run(job);
  printSummary(options.printsTable() ? outs() : errs(), bench.rows);
  if (Error error = writeFiles(options, bench.rows))
    return error;
  auto isBad = [](const BenchRow &row) {
    return !row.isForeign &&
           (row.verdict == Verdict::Wrong || row.verdict == Verdict::Failed);
  };
  if (auto bad = count_if(bench.rows, isBad))
    return failure(WrongResult, Twine(bad) + " of " + Twine(bench.rows.size()) +
                                    " rows are wrong or failed: see there");
  return Error::success();
}

} // namespace

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn bench --set edges,odd,cross
      short, odd and uneven lengths on both chips, bf16 and f16, head dims 64
      and 128, without a mask and causal, each against the f64 reference
  flyattn bench --set sweep --arch gfx950 --dtype bf16 --head-dim 128 --timing
      with clocks; large problems run a sample of their workgroups
  flyattn bench --set perf --csv perf.csv
      our kernels on the cycle model, beside AITER's where
      FLYATTN_FOREIGN_KERNELS names the folder of its code objects
  flyattn bench --set perf-masks --head-dim 128 --schedule dual_wave
      how much of the dense problem's rate masks and packed sequences keep
  flyattn bench --set perf --arch gfx950 --mask none --sensitivity
      the ratio over the ranges of the model's uncertain constants
  flyattn bench --set perf --head-dim 128 --schedule dual_wave --without all
      what each technique of the schedule gives
  flyattn bench --set sweep,perf --list

EXIT CODES:
  0 fine   1 a result is wrong, or a row failed   2 bad usage
  Problems that no kernel supports yet are listed as refused and are fine.
)";

const Command benchCommand = {benchSub, kExamples, runBench};

} // namespace flyattn::driver
