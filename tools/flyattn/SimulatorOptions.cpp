//===- SimulatorOptions.cpp - The simulator's options on the command line -===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SimulatorOptions.h"
#include "Driver.h"

using namespace llvm;

namespace flyattn::driver {

namespace {

template <typename T> struct SimulatorOption : cl::opt<T> {
  template <typename... Mods>
  SimulatorOption(StringRef name, Mods &&...mods)
      : cl::opt<T>(name, cl::cat(category()), cl::sub(runSub()),
                   cl::sub(launchSub()), std::forward<Mods>(mods)...) {}
};

SimulatorOption<unsigned> threads("threads", cl::value_desc("n"),
                                  cl::desc("Simulator: host threads (0: one a "
                                           "core)"));
SimulatorOption<unsigned>
    quantum("quantum", cl::init(16), cl::value_desc("n"),
            cl::desc("Simulator: instructions that a wave runs before the next "
                     "takes over (16)"));
SimulatorOption<sim::WaveOrder> waveOrder(
    "wave-order", cl::desc("Simulator: the order of a workgroup's waves"),
    cl::values(clEnumValN(sim::WaveOrder::Forward, "forward", "wave 0 first"),
               clEnumValN(sim::WaveOrder::Reverse, "reverse", "wave 0 last"),
               clEnumValN(sim::WaveOrder::Random, "random", "by --wave-seed")),
    cl::init(sim::WaveOrder::Forward));
SimulatorOption<unsigned long long> waveSeed("wave-seed", cl::value_desc("n"),
                                             cl::desc("Simulator: seed of "
                                                      "--wave-order random"));
SimulatorOption<sim::CommitPolicy> commit(
    "commit",
    cl::desc("Simulator: when the data of a memory operation arrives"),
    cl::values(clEnumValN(sim::CommitPolicy::Early, "early", "at its issue"),
               clEnumValN(sim::CommitPolicy::LateDma, "late-dma",
                          "LDS DMA at the wait for it, the rest at its issue"),
               clEnumValN(sim::CommitPolicy::Late, "late",
                          "at the wait for it")),
    cl::init(sim::CommitPolicy::LateDma));
SimulatorOption<unsigned long long> instructionBudget(
    "instruction-budget", cl::init(sim::Options().instructionBudget),
    cl::value_desc("n"),
    cl::desc("Simulator: wave instructions after which a workgroup is given up "
             "as endless (2^30; 0: never)"));
SimulatorOption<sim::MfmaNumerics>
    mfma("mfma", cl::desc("Simulator: how matrix instructions add products"),
         cl::values(clEnumValN(sim::MfmaNumerics::Fma, "fma",
                               "one fused multiply-add after another"),
                    clEnumValN(sim::MfmaNumerics::Cdna3, "cdna3",
                               "in groups, as gfx942 was found to do (slow)")),
         cl::init(sim::MfmaNumerics::Fma));

/// Bare stands for --checks without a value.
enum class Checks { Bare, Off, Report, Fail };

SimulatorOption<Checks> checks(
    "checks", cl::ValueOptional,
    cl::desc("Simulator: look for LDS races, uses of data that is on its way, "
             "missing wait states and undefined values, and count LDS bank "
             "conflicts. Without a value: fail for run, report for launch"),
    cl::values(clEnumValN(Checks::Bare, "", ""),
               clEnumValN(Checks::Fail, "fail",
                          "print what is found; exit code 1 if there is any"),
               clEnumValN(Checks::Report, "report", "print what is found"),
               clEnumValN(Checks::Off, "off", "do not look (the default)")),
    cl::init(Checks::Off));

SimulatorOption<bool>
    timing("timing", cl::desc("Simulator: run some compute units cycle by "
                              "cycle: loops, stalls, a device estimate"));
SimulatorOption<unsigned>
    timingUnits("timing-units", cl::init(8), cl::value_desc("n"),
                cl::desc("--timing: compute units to run cycle by cycle; 0: "
                         "all (8)"));
struct TimingSets : cl::list<std::string> {
  TimingSets()
      : cl::list<std::string>(
            "timing-set", cl::value_desc("name=n"), cl::CommaSeparated,
            cl::desc("--timing: set a constant of the model (see flyattn "
                     "timing)"),
            cl::cat(category()), cl::sub(runSub()), cl::sub(launchSub())) {}
} timingSets;
SimulatorOption<bool>
    sensitivity("sensitivity",
                cl::desc("--timing: again for both ends of the range of every "
                         "uncertain constant"));
SimulatorOption<std::string>
    traceFile("trace", cl::value_desc("file.json"),
              cl::desc("--timing: write a trace of one compute unit for "
                       "Perfetto or chrome://tracing"));
SimulatorOption<std::string>
    traceClocks("trace-clocks", cl::init("0:20000"), cl::value_desc("from:to"),
                cl::desc("--trace: which clocks (0:20000)"));

} // namespace

Expected<TimingSettings> timingSettings(StringRef chip, sim::Options &options) {
  TimingSettings settings = {timing, sensitivity, traceFile};
  bool asksMore = sensitivity || !traceFile.empty() || !timingSets.empty();
  if (!timing) {
    if (asksMore)
      return failure(BadUsage, "--sensitivity, --trace and --timing-set need "
                               "--timing");
    return settings;
  }
  sim::TimingOptions wanted;
  wanted.constants = sim::TimingConstants::of(chip);
  wanted.sampledUnits = timingUnits;
  for (const std::string &assignment : timingSets)
    if (Error error = sim::setTimingConstant(wanted.constants, assignment))
      return failure(BadUsage, "--timing-set: " + toString(std::move(error)));
  auto [from, to] = StringRef(traceClocks).split(':');
  if (from.getAsInteger(10, wanted.trace[0]) ||
      to.getAsInteger(10, wanted.trace[1]) ||
      wanted.trace[0] >= wanted.trace[1])
    return failure(BadUsage, "--trace-clocks: '" + traceClocks +
                                 "' was given; write <from>:<to> in clocks, "
                                 "such as 0:20000");
  if (traceFile.empty())
    wanted.trace = {0, 0};
  options.timing = wanted;
  return settings;
}

Severity checkSeverity(Severity bare) {
  switch (checks) {
  case Checks::Bare:
    return bare;
  case Checks::Off:
    return Severity::Off;
  case Checks::Report:
    return Severity::Report;
  case Checks::Fail:
    return Severity::Fail;
  }
  return Severity::Off;
}

sim::Options simulatorOptions() {
  sim::Options options;
  options.threads = threads;
  options.quantum = std::max(1u, quantum.getValue());
  options.order = waveOrder;
  options.seed = waveSeed;
  options.commit = commit;
  options.checks = checkSeverity(Severity::Fail) != Severity::Off;
  options.mfma = mfma;
  options.instructionBudget = instructionBudget;
  return options;
}

Error checkSimulatorOptions(StringRef chip) {
  if (mfma == sim::MfmaNumerics::Cdna3 && chip != "gfx942")
    return failure(BadUsage, "--mfma cdna3: the sums of gfx942 are published, "
                             "those of " +
                                 chip + " are not; use --mfma fma");
  return Error::success();
}

} // namespace flyattn::driver
