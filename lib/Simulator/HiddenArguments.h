//===- HiddenArguments.h - What the runtime adds to a kernel's arguments --===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compilers append arguments to a kernel's own that no caller passes: the shape
// of the launch, and addresses that only the runtime has. The metadata calls
// them `hidden_*` (LLVM's AMDGPU usage page, code object V5).
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_HIDDENARGUMENTS_H
#define FLYATTN_LIB_SIMULATOR_HIDDENARGUMENTS_H

#include "flyattn/Simulator/Simulator.h"

namespace flyattn::sim {

/// Bytes of kernel arguments that the caller has to give.
uint32_t ownKernargSize(const KernelInfo &info);

/// Writes the hidden arguments behind the caller's bytes, `given`, as the HIP
/// runtime does; those of services that the simulator lacks (printf, malloc,
/// device queues) are 0.
void addHiddenArguments(const KernelInfo &info, const LaunchParams &params,
                        std::vector<uint8_t> &kernarg);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_HIDDENARGUMENTS_H
