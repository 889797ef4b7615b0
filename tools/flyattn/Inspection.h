//===- Inspection.h - What a kernel needs and holds -----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_INSPECTION_H
#define FLYATTN_TOOLS_INSPECTION_H

#include "flyattn/Simulator/Occupancy.h"
#include "flyattn/Simulator/Program.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace flyattn::driver {

/// What an instruction mostly occupies.
enum class InstClass {
  MFMA,
  Transcendental, ///< exp, log, rcp, rsq, sqrt, sin, cos
  VALU,
  SALU,
  ScalarMemory,
  LdsRead,
  LdsWrite,
  LdsOther, ///< permutes, atomics
  LdsDma,   ///< global memory to LDS
  GlobalRead,
  GlobalWrite,
  GlobalAtomic,
  Wait,
  Barrier,
  Branch,
  Other
};
inline constexpr unsigned kInstClasses = unsigned(InstClass::Other) + 1;
llvm::StringRef nameOf(InstClass type); ///< "mfma", "lds_read", ...

/// The class of an instruction as the disassembler prints it.
InstClass classify(llvm::StringRef text);

using InstMix = std::array<uint32_t, kInstClasses>;

/// A branch back to `begin` and all on the ways from there to the branch.
struct Loop {
  uint64_t begin,
      end;        ///< bytes from the kernel's entry; end is past the branch
  unsigned depth; ///< loops around it
  InstMix mix;    ///< static counts, inner loops included
};

struct Inspection {
  sim::KernelInfo info;
  sim::Occupancy occupancy;
  InstMix mix;
  std::vector<Loop> loops; ///< by `begin`, outer loops first
};

Inspection inspect(const sim::Program &program);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_INSPECTION_H
