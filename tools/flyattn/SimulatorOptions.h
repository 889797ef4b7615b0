//===- SimulatorOptions.h - The simulator's options on the command line ---===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_SIMULATOROPTIONS_H
#define FLYATTN_TOOLS_SIMULATOROPTIONS_H

#include "flyattn/Simulator/Simulator.h"

#include <string>

namespace flyattn::driver {

/// What the options of `run` and `launch` say.
sim::Options simulatorOptions();

/// BadUsage if they do not fit the chip.
llvm::Error checkSimulatorOptions(llvm::StringRef chip);

/// What the simulator's checks do: nothing, report what they find, or report
/// it and fail.
enum class Severity { Off, Report, Fail };

/// What --checks says; `bare` is its meaning without a value.
Severity checkSeverity(Severity bare);

/// What the options on timing ask for.
struct TimingSettings {
  bool on = false;
  bool sensitivity = false;
  std::string traceFile; ///< empty: no trace
};

/// Reads them for `chip` into `options`. Errors are BadUsage.
llvm::Expected<TimingSettings> timingSettings(llvm::StringRef chip,
                                              sim::Options &options);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_SIMULATOROPTIONS_H
