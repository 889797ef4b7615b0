//===- Atomics.h - Read-modify-write of memory and LDS --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_ATOMICS_H
#define FLYATTN_LIB_SIMULATOR_ATOMICS_H

#include "Transfer.h"

namespace flyattn::sim {

enum : uint16_t { ReturnsOld = 1 }; ///< Inst::flags

/// An atomic takes `registers` registers of data and, if Inst::flags has
/// ReturnsOld, gives the old value, of `bytes` / 4 registers.
struct AtomicOp : TransferOp {
  /// As `perform`, for scalar memory: one address, data in Access::copy, the
  /// result in scalar registers. Null for floating point.
  void (*performScalar)(Wave &, Access &);
};

/// For global, flat, buffer and scalar instructions: "atomic_add_x2".
llvm::ArrayRef<AtomicOp> memoryAtomics();
/// For LDS: "add_u32". Those that always return have "_rtn" in their suffix.
llvm::ArrayRef<TransferOp> ldsAtomics();

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_ATOMICS_H
