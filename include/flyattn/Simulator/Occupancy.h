//===- Occupancy.h - How much of a kernel fits a compute unit -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_OCCUPANCY_H
#define FLYATTN_SIMULATOR_OCCUPANCY_H

#include "flyattn/Simulator/CodeObject.h"

namespace flyattn::sim {

/// Bytes of LDS a CU of `chip`.
uint32_t ldsBytesOf(llvm::StringRef chip);

struct Occupancy {
  unsigned workgroups;   ///< resident in a CU at a time
  unsigned wavesPerSimd; ///< of the fullest SIMD
  llvm::StringRef limit; ///< "waves", "VGPRs" or "LDS"
};

/// For workgroups of `waves` waves and `ldsSize` bytes of LDS.
Occupancy occupancyOf(const KernelInfo &info, llvm::StringRef chip,
                      unsigned waves, uint32_t ldsSize);

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_OCCUPANCY_H
