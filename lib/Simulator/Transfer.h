//===- Transfer.h - Moving data between registers and memory --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_TRANSFER_H
#define FLYATTN_LIB_SIMULATOR_TRANSFER_H

#include "Decode.h"
#include "Wave.h"

#include "llvm/ADT/ArrayRef.h"

namespace flyattn::sim {

/// What a load, store or atomic moves, whichever way it is addressed.
struct TransferOp {
  const char *suffix; ///< of the mnemonic: "dwordx4", "b128", ...
  uint8_t bytes;      ///< in memory, a lane
  uint8_t registers;  ///< of data: destination of a load, source of a store
  bool store;
  void (*perform)(Wave &, Access &);
};

/// For global, flat, scratch and buffer instructions: "load_dwordx4".
llvm::ArrayRef<TransferOp> memoryTransfers();
/// For LDS: "read_b128".
llvm::ArrayRef<TransferOp> ldsTransfers();

/// Copies store data of `registers` registers from `reg` on, if delayed.
inline void takeData(Wave &wave, Access &access, unsigned reg,
                     unsigned registers, bool delayed) {
  access.data = wave.vgpr(reg);
  if (!delayed)
    return;
  std::memcpy(access.copy, access.data, registers * waveSize * 4);
  access.data = access.copy;
}

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_TRANSFER_H
