//===- RunCommand.cpp - flyattn run ---------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Execution.h"
#include "Inputs.h"
#include "ProblemOptions.h"
#include "Report.h"
#include "SimulatorOptions.h"
#include "TimingReport.h"

#include "flyattn/Attention/Compare.h"
#include "flyattn/Attention/Plan.h"
#include "flyattn/Attention/RowSelection.h"
#include "flyattn/Runtime/Npy.h"

#include "llvm/Support/FormatVariadic.h"

#include <chrono>

using namespace llvm;

namespace flyattn::driver {

namespace {

enum class Check { Reference, None };

template <typename T> struct RunOption : cl::opt<T> {
  template <typename... Mods>
  RunOption(StringRef name, Mods &&...mods)
      : cl::opt<T>(name, cl::cat(category()), cl::sub(runSub()),
                   std::forward<Mods>(mods)...) {}
};

const auto kNpy = cl::value_desc("file.npy");

RunOption<std::string> qFileOption("q", kNpy,
                                   cl::desc("Read q (random without)"));
RunOption<std::string> kFileOption("k", kNpy, cl::desc("Read k"));
RunOption<std::string> vFileOption("v", kNpy, cl::desc("Read v"));
RunOption<std::string> outFileOption("out", kNpy, cl::desc("Write O"));
RunOption<std::string>
    lseFileOption("lse", kNpy,
                  cl::desc("Write the LSE, f32 [B, H, Sq], or "
                           "[H, total] of packed sequences"));
RunOption<std::string> expectedFileOption(
    "expected", kNpy,
    cl::desc("Compare O with this array (bf16, f16, f32 or f64) "
             "instead of the f64 reference; the bounds stay"));
RunOption<std::string> jsonFileOption("json", cl::value_desc("file|-"),
                                      cl::desc("Write the result as JSON"));
RunOption<bool> noLseOption("no-lse", cl::desc("Run the kernel without LSE"));
RunOption<unsigned long long>
    seedOption("seed", cl::init(0), cl::value_desc("n"),
               cl::desc("Seed of the random inputs and of "
                        "the choice of rows (0)"));
RunOption<Init> initOption(
    "init", cl::desc("How random inputs are made (normal)"),
    cl::values(clEnumValN(Init::Normal, "normal", "variance 1"),
               clEnumValN(Init::Uniform, "uniform", "in [-1, 1)"),
               clEnumValN(Init::Large, "large", "scores beyond +-80"),
               clEnumValN(Init::LateMax, "late-max",
                          "the maximum of a row comes late"),
               clEnumValN(Init::ConstantV, "constant-v",
                          "v is the same at every KV position")),
    cl::init(Init::Normal));
RunOption<DeviceKind> deviceOption(
    "device", cl::desc("Where to run (auto)"),
    cl::values(clEnumValN(DeviceKind::Auto, "auto",
                          "a GPU of the chip if there is one, else the "
                          "simulator"),
               clEnumValN(DeviceKind::Simulated, "sim", "the simulator"),
               clEnumValN(DeviceKind::Hip, "hip", "a GPU, through HIP")),
    cl::init(DeviceKind::Auto));
RunOption<Check> checkOption(
    "check", cl::desc("What the result is compared with (reference)"),
    cl::values(clEnumValN(Check::Reference, "reference",
                          "an f64 reference; large problems by a sample of "
                          "rows"),
               clEnumValN(Check::None, "none", "nothing")),
    cl::init(Check::Reference));

RunOption<std::string>
    rowsOption("rows", cl::value_desc("i,j,..."),
               cl::desc("Run and check only the workgroups that own these "
                        "query rows, in every batch and head (simulator); the "
                        "other rows of O and LSE mean nothing"));
RunOption<std::string>
    rowHeadsOption("row-heads", cl::value_desc("h,g,..."),
                   cl::desc("With --rows: only in these query heads"));

/// The options' values. LLD, which the compiler runs in process, sets every
/// cl::opt back to its default, so they are read once, before anything else.
struct Settings {
  std::string q = qFileOption, k = kFileOption, v = vFileOption;
  std::string out = outFileOption, lse = lseFileOption;
  std::string expected = expectedFileOption, json = jsonFileOption;
  std::string rows = rowsOption, rowHeads = rowHeadsOption;
  ScoreModFiles mods = scoreModFiles();
  bool noLse = noLseOption;
  uint64_t seed = seedOption;
  Init init = initOption;
  DeviceKind device = deviceOption;
  Check check = checkOption;
  sim::Options simulator = simulatorOptions();
  TimingSettings timing;
  Severity checks = checkSeverity(Severity::Fail);
};

/// All that a run has made so far.
struct Run {
  Settings settings;
  std::string chip;
  Problem problem;
  Inputs inputs;
  ScoreModInputs mods;
  std::optional<std::vector<double>> expected; ///< dense, in the layout
  RowSelection selection;                      ///< with --rows
  Plan plan;
  std::string deviceName;
  LaunchStats stats;
  Tensor o;
  std::vector<float> lse;
  RowSample sample;
  std::optional<Comparison> comparison;
  std::vector<SensitivityRow> sensitivity;
};

DType npyTypeOf(ElementType type) {
  return type == ElementType::BF16  ? DType::BF16
         : type == ElementType::F16 ? DType::F16
                                    : DType::F32;
}

/// A tensor file that says sizes and type of the problem.
Expected<std::optional<NpyArray>> readOperand(const std::string &file,
                                              size_t rank) {
  if (file.empty())
    return std::nullopt;
  Expected<NpyArray> array = readNpy(file);
  if (!array)
    return withCode(BadUsage, array.takeError());
  if (array->shape.size() != rank)
    return failure(BadUsage, formatv("'{0}': has rank {1} {2}, but rank {3} is "
                                     "wanted{4}",
                                     file, array->shape.size(),
                                     shapeToString(array->shape), rank,
                                     rank == 3 ? " for packed sequences" : ""));
  if (array->type == DType::U16)
    array->type = DType::BF16;
  if (array->type != DType::BF16 && array->type != DType::F16 &&
      array->type != DType::F32)
    return failure(BadUsage, formatv("'{0}': holds {1}, but bf16, f16 or f32 "
                                     "is wanted",
                                     file, array->describe()));
  return std::move(*array);
}

/// Copies the file into `tensor` after comparing it with the problem.
Error useOperand(StringRef file, const std::optional<NpyArray> &array,
                 const Problem &problem, Operand operand, Tensor &tensor) {
  if (!array)
    return Error::success();
  DType type = npyTypeOf(problem.dtype);
  std::vector<int64_t> shape = problem.shapeOf(operand);
  if (problem.packed() && array->shape[0] != shape[0])
    return failure(BadUsage,
                   formatv("--cu-seqlens-{0} ends at {1}, but '{2}' has {3} "
                           "rows; the last entry must be the number of rows",
                           operand == Operand::Q ? "q" : "kv", shape[0], file,
                           array->shape[0]));
  if (array->type != type || array->shape != shape)
    return failure(BadUsage, formatv("'{0}': holds {1}, but {2} {3} is wanted",
                                     file, array->describe(), nameOf(type),
                                     shapeToString(shape)));
  tensor.assign(array->data.begin(), array->data.end());
  return Error::success();
}

/// Problem and inputs, from options and files.
Error setUpProblem(Run &run) {
  Expected<std::string> chip = archFromOptions();
  Expected<Problem> problem = problemFromOptions();
  if (Error error = joinErrors(chip.takeError(), problem.takeError()))
    return error;
  run.chip = *chip;
  run.problem = *problem;
  run.problem.wantLse = !run.settings.noLse;
  if (run.settings.noLse && !run.settings.lse.empty())
    return failure(BadUsage, "--lse and --no-lse exclude each other");
  if (run.settings.check == Check::None && !run.settings.expected.empty())
    return failure(BadUsage, "--expected asks for a check: leave out --check "
                             "none");
  auto timing = timingSettings(run.chip, run.settings.simulator);
  if (!timing)
    return timing.takeError();
  run.settings.timing = *timing;
  if (run.settings.checks != Severity::Off || timing->on ||
      run.problem.countRescales) {
    if (run.settings.device == DeviceKind::Hip)
      return failure(BadUsage,
                     "--checks, --timing and --count-rescales need the "
                     "simulator: leave out --device hip");
    run.settings.device = DeviceKind::Simulated;
  }
  if (Error error =
          checkOutputs({run.settings.out, run.settings.lse, run.settings.json,
                        run.settings.timing.traceFile}))
    return error;

  size_t rank = run.problem.packed() ? 3 : 4;
  auto q = readOperand(run.settings.q, rank),
       k = readOperand(run.settings.k, rank),
       v = readOperand(run.settings.v, rank);
  if (Error error =
          joinErrors(joinErrors(q.takeError(), k.takeError()), v.takeError()))
    return error;
  fillFromFiles(run.problem, *q, *k, *v);
  if (Error error = takeScoreMods(run.problem))
    return error;
  if (Error error = checkProblem(run.problem, run.chip))
    return error;
  auto mods = makeScoreMods(run.problem, run.settings.mods, run.settings.seed);
  if (!mods)
    return mods.takeError();
  run.mods = std::move(*mods);
  if (!*q || !*k || !*v)
    run.inputs = makeInputs(run.problem, run.settings.init, run.settings.seed);
  Error error =
      useOperand(run.settings.q, *q, run.problem, Operand::Q, run.inputs.q);
  error =
      joinErrors(std::move(error), useOperand(run.settings.k, *k, run.problem,
                                              Operand::K, run.inputs.k));
  return joinErrors(
      std::move(error),
      useOperand(run.settings.v, *v, run.problem, Operand::V, run.inputs.v));
}

/// Numbers below `count` of what `option` names.
Error readSelection(StringRef option, StringRef text, StringRef what,
                    int64_t count, std::vector<int64_t> &list) {
  if (Error error = parseList(option, text, list))
    return error;
  for (int64_t number : list)
    if (number < 0 || number >= count)
      return failure(BadUsage, formatv("--{0}: {1} was given; {2} are 0 to {3}",
                                       option, number, what, count - 1));
  return Error::success();
}

Error selectRows(Run &run) {
  const Settings &settings = run.settings;
  if (settings.rows.empty())
    return settings.rowHeads.empty()
               ? Error::success()
               : failure(BadUsage, "--row-heads needs --rows: say which rows "
                                   "of these heads");
  if (settings.timing.on)
    return failure(BadUsage, "--rows and --timing exclude each other: a timed "
                             "launch needs all workgroups");
  if (settings.device == DeviceKind::Hip)
    return failure(BadUsage, "--rows needs the simulator: leave out --device "
                             "hip");
  if (settings.checks != Severity::Off && run.problem.splits != 1)
    return failure(BadUsage, "--rows with --splits and --checks exclude each "
                             "other: parts of rows that were not run are "
                             "undefined to the kernel that merges them");
  run.settings.device = DeviceKind::Simulated;
  if (Error error = readSelection("rows", settings.rows, "query rows",
                                  run.problem.seqlenQ, run.selection.rows))
    return error;
  return readSelection("row-heads", settings.rowHeads, "query heads",
                       run.problem.heads, run.selection.heads);
}

Error readExpected(Run &run) {
  if (run.settings.expected.empty())
    return Error::success();
  Expected<NpyArray> array = readNpy(run.settings.expected);
  if (!array)
    return withCode(BadUsage, array.takeError());
  if (array->type == DType::U16)
    array->type = DType::BF16;
  std::vector<int64_t> shape = run.problem.shapeOf(Operand::O);
  constexpr DType floats[] = {DType::BF16, DType::F16, DType::F32, DType::F64};
  if (!is_contained(floats, array->type) || array->shape != shape)
    return failure(BadUsage, formatv("'{0}': holds {1}, but bf16, f16, f32 or "
                                     "f64 {2} is wanted",
                                     run.settings.expected, array->describe(),
                                     shapeToString(shape)));
  run.expected = toDoubles(*array);
  return Error::success();
}

template <typename T>
Error download(Device &device, const DeviceBuffer &buffer,
               std::vector<T> &out) {
  out.resize(buffer.size / sizeof(T));
  return device.read(buffer, 0,
                     {reinterpret_cast<uint8_t *>(out.data()), buffer.size});
}

/// Runs the plan; every error here is the device's.
Error execute(Run &run, Device &device) {
  run.deviceName = device.name().str();
  // Without a reference to compute, the host needs no copy of its own.
  bool keeps =
      run.settings.check != Check::None || run.settings.timing.sensitivity;
  auto done = driver::execute(
      run.problem, run.plan, device,
      [&](Operand operand) {
        Tensor &tensor = run.inputs.of(operand);
        return keeps ? tensor : std::move(tensor);
      },
      run.mods);
  if (!done)
    return done.takeError();
  run.stats = std::move(done->stats);
  if (done->buffers.lse)
    if (Error error = download(device, *done->buffers.lse, run.lse))
      return error;
  return download(device, done->buffers.o, run.o);
}

KvTileFacts kvTileFacts(const Run &run) {
  const KernelConfig &config = run.plan.kernel->config;
  return driver::kvTileFacts(run.chip, run.problem, config.rowsPerWave,
                             config.kvTile);
}

Error rerunForSensitivity(Run &run) {
  ProgressBar bar("sensitivity");
  uint64_t done = 0;
  auto rows = runSensitivity(
      *run.settings.simulator.timing,
      [&](sim::TimingOptions timing) -> Expected<sim::TimingResult> {
        sim::Options options = run.settings.simulator;
        options.timing = timing;
        options.checks = false;
        auto device = createSimulatedDevice(run.chip, options);
        Run again = run;
        if (Error error = execute(again, *device))
          return std::move(error);
        bar.update(++done, 2 * sim::timingConstants().size());
        return std::move(*again.stats.simulated->timing);
      });
  if (!rows)
    return withCode(DeviceFailure, rows.takeError());
  run.sensitivity = std::move(*rows);
  return Error::success();
}

Error writeOutputs(const Run &run) {
  const Problem &p = run.problem;
  DType type = npyTypeOf(p.dtype);
  if (!run.settings.timing.traceFile.empty())
    if (Error error = writeTrace(run.settings.timing.traceFile,
                                 *run.stats.simulated->timing))
      return error;
  if (!run.settings.out.empty())
    if (Error error =
            writeNpy(run.settings.out, type, p.shapeOf(Operand::O), run.o))
      return withCode(BadUsage, std::move(error));
  if (run.settings.lse.empty())
    return Error::success();
  ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t *>(run.lse.data()),
                          run.lse.size() * sizeof(float));
  return withCode(BadUsage,
                  writeNpy(run.settings.lse, DType::F32, p.lseShape(), bytes));
}

void checkResult(Run &run) {
  if (run.settings.rows.empty())
    run.sample =
        chooseRows(run.problem, run.plan.kernel->config.rowsPerWorkgroup(),
                   run.settings.seed);
  HostInputs inputs = run.inputs.host();
  inputs.mods = run.mods.host();
  ReferenceRows reference =
      computeReference(run.problem, inputs, run.sample,
                       effectiveRounding(run.problem, run.chip));
  std::vector<double> expected;
  if (run.expected)
    expected = gatherRows(run.problem, run.sample, run.expected->data());
  HostOutputs outputs = {run.o.data(),
                         run.settings.noLse ? nullptr : run.lse.data()};
  run.comparison =
      compare(run.problem, run.sample, reference, outputs, expected);
}

bool failsChecks(const Run &run) {
  return run.settings.checks == Severity::Fail &&
         !run.stats.simulated->checks.reports.empty();
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

json::Object resultOf(const Run &run) {
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

void printRun(raw_ostream &os, const Run &run) {
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
    print(os, *run.stats.simulated->timing, kvTileFacts(run));
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

Error runRun() {
  Run run;
  if (Error error = setUpProblem(run))
    return error;
  if (Error error = checkSimulatorOptions(run.chip))
    return error;
  if (Error error = selectRows(run))
    return error;
  if (Error error = readExpected(run))
    return error;
  {
    ProgressBar bar("running");
    sim::Options options = run.settings.simulator;
    auto made = plan(run.problem, run.chip);
    if (!made)
      return withCode(Unsupported, made.takeError());
    run.plan = std::move(*made);
    if (!run.settings.rows.empty()) {
      run.sample = sampleOf(run.problem, run.selection);
      options.workgroups = workgroupsOf(run.plan, run.problem, run.sample);
    }
    options.progress = [&](uint64_t done, uint64_t total) {
      bar.update(done, total);
    };
    auto device = openDevice(run.chip, run.settings.device, options);
    if (!device)
      return withCode(DeviceFailure, device.takeError());
    if (Error error = execute(run, **device))
      return withCode(DeviceFailure, std::move(error));
  }
  if (run.settings.timing.sensitivity)
    if (Error error = rerunForSensitivity(run))
      return error;
  if (Error error = writeOutputs(run))
    return error;
  if (run.settings.check == Check::Reference)
    checkResult(run);
  if (run.settings.json != "-")
    printRun(outs(), run);
  if (!run.settings.json.empty())
    if (Error error = writeJson(run.settings.json, resultOf(run)))
      return error;
  if (run.comparison && !run.comparison->passed())
    return failure(WrongResult,
                   "the result is wrong: see its errors and bounds");
  if (failsChecks(run))
    return failure(WrongResult, "the checks found faults: see their reports");
  return Error::success();
}

} // namespace

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn run --arch gfx950 --heads 8 --seqlen-q 1024 --mask causal
      random inputs on a GPU or, without one, on the simulator; the result is
      compared with an f64 reference
  flyattn run --arch gfx942 --heads 8 --kv-heads 2 --seqlen-q 1 --seqlen-kv 300 --dtype f16
      one query row against 300 keys, four query heads to a KV head
  flyattn run --arch gfx950 --heads 64 --kv-heads 8 --seqlen-q 1 --seqlen-kv 8192 --splits auto
      a decoding step: KV in as many parts as fill the device, the heads of a
      KV head in one tile
  flyattn run --arch gfx950 --heads 8 --seqlen-q 4096 --mask window:511,0
      causal, and no more than 512 columns a row
  flyattn run --arch gfx950 --heads 8 --seqlen-q 2048 --mask chunked:512
      causal within chunks of 512 columns
  flyattn run --arch gfx950 --heads 8 --seqlen-q 300 --softcap 30 --bias 1,8,300,300 --alibi --sink
      modified scores: softcap, a random bias for each head, ALiBi; and a sink
  flyattn run --arch gfx950 --heads 8 --cu-seqlens-q 0,100,100,357 --mask causal
      three packed sequences, one of them empty
  flyattn run --arch gfx950 --q q.npy --k k.npy --v v.npy --out o.npy --lse lse.npy
      sizes and type come from the files (bf16 as <u2 bit patterns or <V2)
  flyattn run --arch gfx950 --device sim --quantum 1 --wave-order random --commit late
      other orders of execution; a right kernel gives the same bits
  flyattn run --arch gfx950 --heads 8 --seqlen-q 2048 --check none --timing --trace t.json
      cycles, loops and stalls of the kernel; t.json opens in ui.perfetto.dev
  flyattn run --arch gfx950 --heads 3 --seqlen-q 294432 --rows 0,150000,294431
      a video's length; only the workgroups of three rows a head run
  flyattn run --arch gfx942 --heads 4 --head-dim 192 --head-dim-v 128 --dtype f32
      v narrower than q and k, in f32
  flyattn run --arch gfx950 --seqlen-q 300 --checks
      also look for races, missing waits and wait states, undefined values;
      anything found fails the run (--checks=report only prints it)
)";

const Command runCommand = {runSub, kExamples, runRun};

} // namespace flyattn::driver
