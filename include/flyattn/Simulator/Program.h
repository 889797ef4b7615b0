//===- Program.h - A decoded kernel ---------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_PROGRAM_H
#define FLYATTN_SIMULATOR_PROGRAM_H

#include "flyattn/Simulator/CodeObject.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <string>
#include <vector>

namespace flyattn::sim {

/// One instruction as LLVM's disassembler prints it.
struct DisassembledInst {
  uint64_t offset;  ///< bytes from the kernel's entry
  uint32_t size;    ///< bytes
  std::string text; ///< "v_add_f32_e32 v0, v1, v2", no leading blanks
};

/// A kernel decoded once, ready to be launched any number of times and from
/// any thread.
class Program {
public:
  /// Fails if `kernel` is not in the object (naming those that are). An
  /// instruction that the simulator does not implement fails only when it is
  /// executed: foreign kernels carry code paths that a launch never takes.
  static llvm::Expected<Program> decode(const CodeObject &object,
                                        llvm::StringRef kernel);

  Program(Program &&);
  Program &operator=(Program &&);
  ~Program();

  const KernelInfo &info() const;
  llvm::StringRef chip() const;
  /// The kernel's instructions in address order.
  const std::vector<DisassembledInst> &disassembly() const;
  /// Its machine code, from the entry.
  const std::vector<uint8_t> &code() const;

  /// Decodes raw machine code as a kernel with the properties of `info`.
  static llvm::Expected<Program> fromCode(llvm::StringRef chip, KernelInfo info,
                                          llvm::ArrayRef<uint8_t> code);

  struct Impl;
  const Impl &impl() const { return *pimpl; }

private:
  Program();
  std::unique_ptr<Impl> pimpl;
};

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_PROGRAM_H
