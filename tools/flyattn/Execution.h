//===- Execution.h - One launch of a plan ---------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_EXECUTION_H
#define FLYATTN_TOOLS_EXECUTION_H

#include "Inputs.h"
#include "ScoreModOptions.h"
#include "TimingReport.h"

#include "flyattn/Attention/Plan.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <vector>

namespace flyattn::driver {

/// What a launch leaves on its device.
struct Execution {
  ForwardBuffers buffers;
  std::array<uint32_t, 3> grid; ///< workgroups
  uint64_t combining = 0;       ///< workgroups of the kernel behind
  LaunchStats stats;
};

/// Gives the elements of q, k or v; called once for each, in this order.
using InputSource = llvm::function_ref<Tensor(Operand)>;

/// Sends the inputs to `device` and runs `plan` of `problem` there; every
/// error is the device's. `mods` must have what the problem has.
llvm::Expected<Execution> execute(const Problem &problem, const Plan &plan,
                                  Device &device, InputSource input,
                                  const ScoreModInputs &mods = {});

/// The rounding that the chip's kernel really uses.
Bf16Rounding effectiveRounding(const Problem &problem, llvm::StringRef chip);

/// What a KV tile of `columns` means for waves of `rows` query rows: 4 D FLOP
/// for each row and column.
KvTileFacts kvTileFacts(llvm::StringRef chip, const Problem &problem,
                        unsigned rows, unsigned columns);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_EXECUTION_H
