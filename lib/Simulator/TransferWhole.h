//===- TransferWhole.h - Transfers in which all lanes take part -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The common case: 64 lanes, every dword in range. `dst` and `data` are
// registers, [register][64]; `dst` may hold the addresses.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_TRANSFERWHOLE_H
#define FLYATTN_LIB_SIMULATOR_TRANSFERWHOLE_H

#include "Wave.h"

namespace flyattn::sim {

void loadWhole2(uint32_t *dst, const Access &access);
void loadWhole4(uint32_t *dst, const Access &access);
void storeWhole2(const Access &access, const uint32_t *data);
void storeWhole4(const Access &access, const uint32_t *data);

/// The rule of transposed LDS reads is in Transfer.cpp.
void loadWholeTransposed16(uint32_t *dst, const Access &access);

/// 16 bytes of each lane, to bytes behind each other.
void gatherWhole16(uint8_t *to, const Access &access);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_TRANSFERWHOLE_H
