//===- InstructionSet.h - What a chip has and the simulator runs ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The measure is LLVM's assembler for the chip: a mnemonic that it knows is an
// instruction of the chip. All encodings of an instruction (_e32, _e64, _dpp,
// _sdwa) are one mnemonic.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_INSTRUCTIONSET_H
#define FLYATTN_SIMULATOR_INSTRUCTIONSET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace flyattn::sim {

/// One instruction of a chip.
struct ChipInstruction {
  std::string mnemonic;
  llvm::StringRef family; ///< one of instructionFamilies()
  bool implemented;       ///< by the simulator, in its usual forms
};

/// "SOP", "SMEM", "VOP", "VOPC", "VOP3P", "MFMA", "DS", "MUBUF", ...
llvm::ArrayRef<llvm::StringRef> instructionFamilies();

/// All instructions of "gfx942" or "gfx950", in alphabetical order. Fails on
/// any other chip.
llvm::Expected<std::vector<ChipInstruction>>
instructionSet(llvm::StringRef chip);

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_INSTRUCTIONSET_H
