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
SimulatorOption<sim::MfmaNumerics>
    mfma("mfma", cl::desc("Simulator: how matrix instructions add products"),
         cl::values(clEnumValN(sim::MfmaNumerics::Fma, "fma",
                               "one fused multiply-add after another"),
                    clEnumValN(sim::MfmaNumerics::Cdna3, "cdna3",
                               "in groups, as gfx942 was found to do (slow)")),
         cl::init(sim::MfmaNumerics::Fma));

} // namespace

sim::Options simulatorOptions() {
  sim::Options options;
  options.threads = threads;
  options.quantum = std::max(1u, quantum.getValue());
  options.order = waveOrder;
  options.seed = waveSeed;
  options.commit = commit;
  options.mfma = mfma;
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
