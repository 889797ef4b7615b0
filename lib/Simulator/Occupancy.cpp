//===- Occupancy.cpp - How much of a kernel fits a compute unit -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/Occupancy.h"

#include "llvm/Support/MathExtras.h"

using namespace llvm;
using namespace flyattn::sim;

uint32_t flyattn::sim::ldsBytesOf(StringRef chip) {
  return chip == "gfx950" ? 160 * 1024 : 64 * 1024;
}

/// CDNA3 and CDNA4: 512 VGPRs a lane and at most 8 waves a SIMD, four SIMDs a
/// CU; VGPRs are allocated in eights.
Occupancy flyattn::sim::occupancyOf(const KernelInfo &info, StringRef chip,
                                    unsigned waves, uint32_t ldsSize) {
  constexpr unsigned vgprs = 512, maxWaves = 8, simds = 4;
  unsigned byVgprs = vgprs / unsigned(alignTo(std::max(info.vgprs, 8u), 8));
  unsigned perSimd = std::min(maxWaves, byVgprs);
  StringRef limit = byVgprs < maxWaves ? "VGPRs" : "waves";
  // Workgroups of fewer waves than there are SIMDs take turns with them.
  unsigned wavesOfOne = unsigned(divideCeil(waves, simds));
  unsigned workgroups = waves && waves < simds
                            ? perSimd * simds / waves
                            : std::max(1u, perSimd / std::max(1u, wavesOfOne));
  if (ldsSize && ldsBytesOf(chip) / ldsSize < workgroups) {
    workgroups = std::max(1u, ldsBytesOf(chip) / ldsSize);
    limit = "LDS";
  }
  unsigned resident = waves < simds
                          ? unsigned(divideCeil(workgroups * waves, simds))
                          : workgroups * wavesOfOne;
  return {workgroups, resident, limit};
}
