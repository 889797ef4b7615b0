//===- ProgramImpl.h - What a decoded kernel holds ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_PROGRAMIMPL_H
#define FLYATTN_LIB_SIMULATOR_PROGRAMIMPL_H

#include "Inst.h"
#include "InstInfo.h"

#include "flyattn/Simulator/Program.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace flyattn::sim {

struct Program::Impl {
  KernelInfo info;
  std::string chip;
  std::vector<uint8_t> code;
  std::vector<DisassembledInst> listing;
  /// One record an instruction, and a last one that reports a wave that ran
  /// past the end of the code.
  std::vector<Inst> insts;
  /// The same with chains of matrix instructions joined (see Mfma.h).
  std::vector<Inst> joined;
  /// The same with vector instructions that do nothing (see VectorSkip.h);
  /// empty if the program never skips them.
  std::vector<Inst> skipping;
  /// The initial values of the scalar slots from SlotConstants on.
  std::vector<uint32_t> constants;
  /// What Inst::ext points to.
  std::vector<std::shared_ptr<const void>> extensions;
  /// See instInfos, which fills it in on its first call.
  mutable std::vector<InstInfo> infos;
  mutable std::once_flag infosMade;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_PROGRAMIMPL_H
