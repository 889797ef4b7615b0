//===- VectorGeneral.h - Operands and results with modifiers --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_VECTORGENERAL_H
#define FLYATTN_LIB_SIMULATOR_VECTORGENERAL_H

#include "Wave.h"

namespace flyattn::sim {

/// Works out which lane reads which from dppCtrl.
void setDppLanes(VectorModifiers &modifiers);

/// Source `n` as 64 lanes (of one or two registers): the register itself, or
/// `buffer` after broadcasting a scalar, DPP, SDWA and sign modifiers.
const uint32_t *readSource(const Wave &wave, const Inst *inst, unsigned n,
                           LaneType type, uint32_t *buffer);

/// Output modifiers, SDWA and DPP destinations, and the store under EXEC.
void writeResult(Wave &wave, const Inst *inst, LaneType type, uint32_t *result);

/// Stores `registers` registers of `result` to the destination under `lanes`.
void writeLanes(Wave &wave, unsigned dst, unsigned registers, uint64_t lanes,
                const uint32_t *result);

/// The lanes that a compare or carry may write: EXEC and the DPP masks.
uint64_t writtenLanes(const Wave &wave, const Inst *inst);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_VECTORGENERAL_H
