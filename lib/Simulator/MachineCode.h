//===- MachineCode.h - LLVM's AMDGPU disassembler and assembler -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MACHINECODE_H
#define FLYATTN_LIB_SIMULATOR_MACHINECODE_H

#include "flyattn/Simulator/Program.h"

#include "llvm/ADT/ArrayRef.h"

namespace flyattn::sim {

/// Disassembles `code` from its first byte to its last. What LLVM cannot
/// decode is listed as ".long 0x...", which no table implements.
llvm::Expected<std::vector<DisassembledInst>>
disassemble(llvm::StringRef chip, llvm::ArrayRef<uint8_t> code);

/// The mnemonics that LLVM's assembler has for `chip`, in order, without the
/// suffixes of their encodings (_e32, _e64, _sdwa, _dpp).
llvm::Expected<std::vector<std::string>>
assemblerMnemonics(llvm::StringRef chip);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MACHINECODE_H
