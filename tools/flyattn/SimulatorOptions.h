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

namespace flyattn::driver {

/// What the options of `run` and `launch` say.
sim::Options simulatorOptions();

/// BadUsage if they do not fit the chip.
llvm::Error checkSimulatorOptions(llvm::StringRef chip);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_SIMULATOROPTIONS_H
