//===- Mutants.h - Small faults put into a kernel's machine code ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_CHECKS_MUTANTS_H
#define FLYATTN_TEST_UNIT_CHECKS_MUTANTS_H

#include "flyattn/Simulator/Program.h"

#include <string>
#include <vector>

namespace flyattn::test {

/// One instruction, or two neighbours, replaced by others of the same size.
struct Mutant {
  std::string kind;
  uint64_t offset;    ///< bytes from the kernel's entry
  uint32_t size;      ///< bytes replaced
  std::string before; ///< disassembly
  std::string after;  ///< one instruction a line
  // Its neighbours, which stay.
  std::string previous, next;
};

/// The kinds of mutations, in a fixed order.
const std::vector<std::string> &mutationKinds();

/// Every site at which `kind` applies to the kernel, in address order.
std::vector<Mutant> mutantsOf(const sim::Program &program,
                              const std::string &kind);

/// At most `most` of `all`, spread evenly, first and last included.
std::vector<Mutant> spread(const std::vector<Mutant> &all, size_t most);

/// The kernel with the fault. Fails if it does not assemble to that size.
llvm::Expected<sim::Program> apply(const sim::Program &program,
                                   const Mutant &mutant);

} // namespace flyattn::test

#endif // FLYATTN_TEST_UNIT_CHECKS_MUTANTS_H
