//===- Packed.h - Modifiers of packed instructions ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_PACKED_H
#define FLYATTN_LIB_SIMULATOR_PACKED_H

namespace flyattn::sim {

/// For each source: which part feeds the low and the high result, and signs.
struct PackedModifiers {
  bool selectLow[3] = {}, selectHigh[3] = {true, true, true};
  bool negLow[3] = {}, negHigh[3] = {};
  bool clamp = false;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_PACKED_H
