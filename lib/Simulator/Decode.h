//===- Decode.h - From assembler text to instruction records --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every family of instructions registers its mnemonics with a function that
// fills in an Inst from the text. A function that returns false has said by
// `refuse` why the simulator does not implement this form: the instruction
// then becomes one that fails, with that reason, when it is executed.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_DECODE_H
#define FLYATTN_LIB_SIMULATOR_DECODE_H

#include "AsmText.h"
#include "Inst.h"
#include "ProgramImpl.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"

#include <map>
#include <memory>

namespace flyattn::sim {

class InstBuilder {
public:
  explicit InstBuilder(Program::Impl &program) : program(program) {}

  const KernelInfo &info() const { return program.info; }
  bool isGfx950() const { return program.chip == "gfx950"; }

  /// Returns false. The first reason, the most particular one, is kept.
  bool refuse(const llvm::Twine &why) {
    if (reason.empty())
      reason = why.str();
    return false;
  }

  /// The slot of a constant of one or two registers.
  uint16_t constant(uint64_t value);
  /// A scalar register of at least `registers`, or a constant.
  bool scalarSource(const TextOperand &op, unsigned registers, uint16_t &slot);
  bool scalarDest(const TextOperand &op, unsigned registers, uint16_t &slot);
  /// Vector or accumulation registers.
  bool vectorRegister(const TextOperand &op, unsigned registers, uint16_t &reg);
  /// A vector operand: `scalar` tells which file `index` counts in.
  bool vectorSource(const TextOperand &op, LaneType type, uint16_t &index,
                    bool &scalar);
  /// Source `n` of `inst`.
  bool setSource(Inst &inst, unsigned n, const TextOperand &op, LaneType type);

  /// The dword `n` of the instruction's encoding.
  uint32_t encoding(unsigned n) const;
  /// The number of the instruction `distance` dwords behind the end of this
  /// one, or nothing if none starts there.
  bool branchTarget(int32_t distance, int32_t &relative);
  /// For each dword of the code, the number of the instruction that starts
  /// there, or a negative number. Lives as long as the program.
  const std::vector<int32_t> *instructionMap();

  /// Bytes from the entry to the next instruction.
  uint64_t nextOffset() const {
    return program.listing[current].offset + program.listing[current].size;
  }

  template <typename T> T *extension() {
    auto ext = std::make_shared<T>();
    T *result = ext.get();
    program.extensions.push_back(std::move(ext));
    return result;
  }

  void run(); ///< decodes the whole program

private:
  void build(unsigned index);
  /// The slot of a named constant in an operand of so many registers.
  bool wideConstant(const TextOperand &op, unsigned registers, uint16_t &slot);

  Program::Impl &program;
  unsigned current = 0;
  std::string reason;
  std::map<uint64_t, uint16_t> constantSlots;
  std::vector<int32_t> instAtDword;
  const std::vector<int32_t> *sharedMap = nullptr;
  bool indexing = false; ///< behind an s_set_gpr_idx_on
};

using BuildFn = bool (*)(InstBuilder &, const AsmText &, Inst &,
                         const void *payload);

struct OpEntry {
  BuildFn build = nullptr;
  const void *payload = nullptr; ///< the family's own table row
};

using OpTable = llvm::StringMap<OpEntry>;

/// All implemented mnemonics (without _e32 and the like).
const OpTable &opTable();

void registerScalarOps(OpTable &table);
void registerScalarMaskOps(OpTable &table);
void registerScalarMemoryOps(OpTable &table);
void registerIndexedOps(OpTable &table);
void registerControlOps(OpTable &table);
void registerVectorOps(OpTable &table);
void registerVectorSkipOps(OpTable &table);
void registerVectorScaleOps(OpTable &table);
void registerVectorWideSadOps(OpTable &table);
void registerCrossLaneOps(OpTable &table);
void registerLdsOps(OpTable &table);
void registerLdsCounterOps(OpTable &table);
void registerGlobalMemoryOps(OpTable &table);
void registerBufferOps(OpTable &table);
void registerBufferFormatOps(OpTable &table);
void registerMfmaOps(OpTable &table);
void registerGeneralMfmaOps(OpTable &table);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_DECODE_H
