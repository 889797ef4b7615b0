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
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"

namespace flyattn::sim {

/// LLVM's descriptions of one chip.
struct ChipDescription {
  const llvm::Target *target = nullptr;
  llvm::MCTargetOptions options;
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> asmInfo;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;

  static llvm::Expected<std::unique_ptr<ChipDescription>>
  create(llvm::StringRef chip);
};

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
