//===- Mfma.h - Decoded matrix instructions -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MFMA_H
#define FLYATTN_LIB_SIMULATOR_MFMA_H

#include "Inst.h"
#include "MfmaGeneral.h"
#include "MfmaKernel.h"
#include "ProgramImpl.h"

#include "llvm/ADT/SmallVector.h"

namespace flyattn::sim {

/// What a dense matrix instruction computes. Inst::src[0..2] are A, B and C.
struct MfmaDesc {
  unsigned dim, k;
  OperandShape a, b;
  Widen widenA, widenB;
  Multiply multiply;
  unsigned registersA, registersB, resultRegs;
  bool copiesC;       ///< C overlaps D, but is not D
  MatrixDesc general; ///< for other numerics than `fma`
};

constexpr unsigned maxOperand = 128 * 16; ///< 32 x 64 or 16 x 128 elements

/// Executes a dense matrix instruction: Inst::ext is its MfmaDesc.
const Inst *mfma(Wave &w, const Inst *inst);

/// Rewrites `insts`, a program's records, such that matrix instructions which
/// add to the same accumulator are performed by the last of them, in one
/// longer product: the host then loads and stores the sums once. No other
/// instruction can tell, and the bits are the same. Only for runs in which the
/// data of loads arrives when they are issued.
void joinMfmaChains(Program::Impl &program, std::vector<Inst> &insts);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MFMA_H
