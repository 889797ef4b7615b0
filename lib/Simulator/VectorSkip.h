//===- VectorSkip.h - Waves that skip their vector instructions -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// While s_setvskip has set MODE's VSKIP bit, a wave issues no vector, LDS or
// vector memory instruction; they raise no counter either. Such a wave goes on
// in a second copy of the program, whose vector instructions do nothing, so
// that all others pay nothing for the mode.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_VECTORSKIP_H
#define FLYATTN_LIB_SIMULATOR_VECTORSKIP_H

#include "Inst.h"
#include "ProgramImpl.h"

namespace flyattn::sim {

/// Makes Program::Impl::skipping if the program has an s_setvskip.
void makeSkippingCopy(Program::Impl &program);

/// Is `inst` a vector instruction of that copy?
bool isSkipped(const Inst *inst);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_VECTORSKIP_H
