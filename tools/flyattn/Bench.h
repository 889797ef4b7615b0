//===- Bench.h - The rows of flyattn bench --------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_BENCH_H
#define FLYATTN_TOOLS_BENCH_H

#include "AiterKernels.h"
#include "Driver.h"
#include "Execution.h"

#include "flyattn/Attention/Compare.h"
#include "flyattn/Attention/Plan.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <vector>

namespace flyattn::driver {

/// One problem to run on one chip.
struct BenchJob {
  llvm::StringRef set;
  std::string chip;
  Problem problem;
};

/// What the options say of every job.
struct BenchSettings {
  bool timing = false;
  bool sensitivity = false;
  bool onlySampled = false; ///< with timing: run the CUs that are timed only
  unsigned timingUnits = 8; ///< CUs to run cycle by cycle; 0: all
  double budget = 0; ///< FLOP that a row may simulate before it is sampled
};

enum class Verdict {
  Right,
  Wrong,
  Refused, ///< no kernel of ours does this problem
  Failed   ///< the compiler or the simulator reported an error
};
llvm::StringRef nameOf(Verdict verdict); ///< "ok", "wrong", ...

/// A kernel's main loop, in clk a KV tile of 64 columns.
struct LoopFacts {
  double clocks = 0;
  double mfmaBusy = 0; ///< share
  /// What one wave needs at the least: of the matrix unit, and of vector issue
  /// with the lead-ins of matrix instructions.
  double waveMfma = 0, waveValu = 0;
};

/// With another value of one timing constant.
struct RatioRow {
  llvm::StringRef constant;
  uint32_t value;
  uint64_t ours, foreign; ///< clk of the device
  double ratio() const { return double(foreign) / double(ours); }
};

/// What came of one kernel. Fields of what was not reached are empty.
struct BenchRow {
  BenchJob job;
  bool isForeign = false;
  Verdict verdict = Verdict::Failed;
  std::string reason; ///< of a refusal or a failure
  std::string kernel;
  std::optional<KernelConfig> config; ///< not of foreign kernels
  std::optional<sim::KernelInfo> info;
  /// Some workgroups only were run, or some rows only were checked.
  bool sampledWorkgroups = false, sampledRows = false;
  std::optional<Comparison> comparison;
  std::optional<sim::TimingResult> timing; ///< without instructions
  std::optional<LoopFacts> loop;
  double seconds = 0; ///< of the host, in the launch
  /// Foreign device clocks over ours, on our row.
  std::optional<double> ratio;
  /// FLOP/clk/CU over that of the dense problem without a mask.
  std::optional<double> ofDense;
  std::vector<RatioRow> sensitivity;

  bool sampled() const { return sampledWorkgroups || sampledRows; }
  /// "generic", "aiter".
  llvm::StringRef who() const;
  /// Of the problem, by the estimate of the device.
  double flopsPerClockAndUnit() const;
};

/// Simulator options of one job: those of large problems run a part of the
/// workgroups only, with timing all those of some CUs.
struct BenchSimulation {
  sim::Options options;
  bool sampled = false;
};
BenchSimulation simulationOf(const BenchJob &job, const Plan &plan,
                             const BenchSettings &settings, ProgressBar &bar);

/// The plan of `row`'s job, or none with the verdict said in `row`.
std::optional<Plan> planRow(BenchRow &row);

/// Random inputs, the same for every kernel of a job.
Tensor benchInput(const BenchJob &job, Operand operand);

/// Notes what `run` took and checks what it left on the simulated device.
/// `rowsPerWave` and `kvTile` are the kernel's.
void finishRow(BenchRow &row, const Execution &run, bool sampled,
               unsigned rowsPerWave, unsigned kvTile);

/// Ours alone.
BenchRow runJob(const BenchJob &job, const BenchSettings &settings,
                llvm::StringRef title);

/// Ours, always timed, then one of `kernels` that does the same, if any.
std::vector<BenchRow> runPerfJob(const BenchJob &job,
                                 const BenchSettings &settings,
                                 llvm::ArrayRef<aiter::Kernel> kernels,
                                 llvm::StringRef title);

/// "gfx950 bf16 B1 H8/8 Sq512 Skv512 D128 causal splits 4".
std::string titleOf(const BenchJob &job);

/// Tables, in which the problem takes `width` columns.
void printHeader(llvm::raw_ostream &os, unsigned width, bool timing);
void print(llvm::raw_ostream &os, const BenchRow &row, unsigned width);
void printPerfHeader(llvm::raw_ostream &os, unsigned width);
void printPerf(llvm::raw_ostream &os, const BenchRow &row, unsigned width);
/// Counts by verdict.
void printSummary(llvm::raw_ostream &os, llvm::ArrayRef<BenchRow> rows);

std::string toCsv(llvm::ArrayRef<BenchRow> rows);
llvm::json::Object toJson(llvm::ArrayRef<BenchRow> rows);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_BENCH_H
