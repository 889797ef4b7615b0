//===- CodeGen.h - From LLVM IR to a code object, in process --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TARGET_CODEGEN_H
#define FLYATTN_TARGET_CODEGEN_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace flyattn {

/// LLVM's machine for `chip` at -O3. Fails for a chip LLVM does not know.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(llvm::StringRef chip);

/// Sets the module's triple and data layout and runs LLVM's O3 pipeline.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// The module as assembly text or as a relocatable object.
llvm::Expected<std::string> emit(llvm::Module &module,
                                 llvm::TargetMachine &machine,
                                 llvm::CodeGenFileType type);

/// Links a relocatable object into a code object with LLD. Serialised by a
/// lock, since LLD keeps global state. Uses a temporary directory, which never
/// shows in the output: the same object gives the same bytes.
llvm::Expected<std::string> linkCodeObject(llvm::StringRef object);

} // namespace flyattn

#endif // FLYATTN_TARGET_CODEGEN_H
