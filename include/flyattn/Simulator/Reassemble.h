//===- Reassemble.h - Text to machine code and back -----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What tests need of LLVM's assembler: a kernel made from text, and the proof
// that what a decoded kernel prints is what it holds.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_REASSEMBLE_H
#define FLYATTN_SIMULATOR_REASSEMBLE_H

#include "flyattn/Simulator/CodeObject.h"
#include "flyattn/Simulator/Program.h"

#include <vector>

namespace flyattn::sim {

/// Assembles `text` for `chip`; returns the bytes of the text section, which
/// Program::fromCode takes.
llvm::Expected<std::vector<uint8_t>> assemble(llvm::StringRef chip,
                                              llvm::StringRef text);

/// Assembles every printed instruction of `program` again. Fails, naming the
/// first one that does not give the bytes it was decoded from.
llvm::Error checkReassembly(const Program &program);

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_REASSEMBLE_H
