//===- Apertures.h - LDS and scratch in the flat address space ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Flat instructions reach LDS and scratch through windows of 4 GiB in their
// address space. Where they lie is for the driver to choose; these are the
// places of Linux's amdkfd for GFX9 (kfd_flat_memory.c), behind all that a
// pointer of 48 bits reaches.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_APERTURES_H
#define FLYATTN_LIB_SIMULATOR_APERTURES_H

#include <cstdint>

namespace flyattn::sim {

constexpr uint64_t sharedAperture = uint64_t(1) << 48;  ///< LDS
constexpr uint64_t privateAperture = uint64_t(2) << 48; ///< scratch

/// The last byte of an aperture.
constexpr uint64_t apertureLimit(uint64_t aperture) {
  return aperture | 0xffffffff;
}

/// Does `address` lie in `aperture`? Its low half is the offset then.
constexpr bool inAperture(uint64_t address, uint64_t aperture) {
  return address >> 32 == aperture >> 32;
}

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_APERTURES_H
