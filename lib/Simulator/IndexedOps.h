//===- IndexedOps.h - Registers whose number stands in M0 -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_INDEXEDOPS_H
#define FLYATTN_LIB_SIMULATOR_INDEXEDOPS_H

#include "Decode.h"
#include "Wave.h"

namespace flyattn::sim {

/// Makes `inst`, which stands behind an s_set_gpr_idx_on, one that adds M0's
/// index to its vector registers. False, with a reason, where it cannot.
bool indexOperands(InstBuilder &b, const AsmText &text, Inst &inst);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_INDEXEDOPS_H
