//===- Decode.cpp - From assembler text to instruction records ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

#include "IndexedOps.h"

#include "llvm/Support/Endian.h"

using namespace llvm;
using namespace flyattn::sim;

const OpTable &flyattn::sim::opTable() {
  static const OpTable table = [] {
    OpTable all;
    registerScalarOps(all);
    registerScalarMaskOps(all);
    registerIndexedOps(all);
    registerScalarMemoryOps(all);
    registerControlOps(all);
    registerVectorOps(all);
    registerVectorScaleOps(all);
    registerVectorSkipOps(all);
    registerVectorWideSadOps(all);
    registerCrossLaneOps(all);
    registerLdsOps(all);
    registerLdsCounterOps(all);
    registerGlobalMemoryOps(all);
    registerBufferOps(all);
    registerBufferFormatOps(all);
    registerMfmaOps(all);
    registerGeneralMfmaOps(all);
    return all;
  }();
  return table;
}

uint16_t InstBuilder::constant(uint64_t value) {
  auto [it, isNew] = constantSlots.try_emplace(value, 0);
  if (isNew) {
    it->second = uint16_t(SlotConstants + program.constants.size());
    program.constants.push_back(uint32_t(value));
    program.constants.push_back(uint32_t(value >> 32));
  }
  return it->second;
}

static double doubleOfInline(uint32_t floatBits) {
  // 1/(2 pi) is the one inline constant that is not the same value as f64.
  if ((floatBits & 0x7fffffff) == 0x3e22f983)
    return floatBits >> 31 ? -0.15915494309189532 : 0.15915494309189532;
  float value;
  std::memcpy(&value, &floatBits, 4);
  return value;
}

/// The bits of a constant in an operand of `type`.
static uint64_t constantBits(const TextOperand &op, LaneType type) {
  bool isFloat = op.kind == TextOperand::Float;
  switch (type) {
  case LaneType::B32:
  case LaneType::F32:
    return isFloat ? op.floatBits : uint32_t(op.integer);
  case LaneType::B16:
  case LaneType::F16: {
    if (!isFloat)
      return uint32_t(op.integer);
    _Float16 half = _Float16(doubleOfInline(op.floatBits));
    uint16_t bits;
    std::memcpy(&bits, &half, 2);
    return bits;
  }
  case LaneType::B64:
  case LaneType::F64: {
    if (isFloat) {
      double value = doubleOfInline(op.floatBits);
      uint64_t bits;
      std::memcpy(&bits, &value, 8);
      return bits;
    }
    // A literal is the high half of a double.
    if (op.hex && type == LaneType::F64)
      return uint64_t(uint32_t(op.integer)) << 32;
    return op.hex ? uint32_t(op.integer) : uint64_t(op.integer);
  }
  }
  return 0;
}

bool InstBuilder::scalarSource(const TextOperand &op, unsigned registers,
                               uint16_t &slot) {
  if (op.neg || op.abs || op.sext)
    return refuse("modifier on scalar operand '" + op.text + "'");
  if (op.kind == TextOperand::Integer || op.kind == TextOperand::Float) {
    slot = constant(
        constantBits(op, registers == 2 ? LaneType::B64 : LaneType::B32));
    return true;
  }
  if (op.kind == TextOperand::Wide)
    return wideConstant(op, registers, slot);
  return scalarDest(op, registers, slot);
}

bool InstBuilder::wideConstant(const TextOperand &op, unsigned registers,
                               uint16_t &slot) {
  // LLVM's AMDGPU backend says that 32-bit reads of apertures are wrong on the
  // hardware, and avoids them.
  if (registers != 2)
    return refuse("'" + op.text + "' in an operand of 32 bits");
  slot = constant(uint64_t(op.integer));
  return true;
}

bool InstBuilder::scalarDest(const TextOperand &op, unsigned registers,
                             uint16_t &slot) {
  if (op.kind != TextOperand::Scalar)
    return refuse("operand '" + op.text + "' is not implemented here");
  if (op.count < registers || op.reg + registers > SlotConstants)
    return refuse("operand '" + op.text + "' has the wrong size");
  slot = op.reg;
  return true;
}

bool InstBuilder::vectorRegister(const TextOperand &op, unsigned registers,
                                 uint16_t &reg) {
  if (op.kind != TextOperand::Vgpr && op.kind != TextOperand::Agpr)
    return refuse("operand '" + op.text + "' is not a vector register");
  if (op.count != registers)
    return refuse("operand '" + op.text + "' has the wrong size");
  unsigned first =
      op.reg + (op.kind == TextOperand::Agpr ? info().accumOffset : 0);
  if (first + registers > info().vgprs)
    return refuse("operand '" + op.text + "' lies beyond the kernel's " +
                  Twine(info().vgprs) + " VGPRs");
  reg = uint16_t(first);
  return true;
}

bool InstBuilder::vectorSource(const TextOperand &op, LaneType type,
                               uint16_t &index, bool &scalar) {
  scalar = true;
  unsigned registers = registersOf(type);
  switch (op.kind) {
  case TextOperand::Vgpr:
  case TextOperand::Agpr:
    scalar = false;
    return vectorRegister(op, registers, index);
  case TextOperand::Integer:
  case TextOperand::Float:
    index = constant(constantBits(op, type));
    return true;
  case TextOperand::Wide:
    return wideConstant(op, registers, index);
  default:
    return scalarDest(op, registers, index);
  }
}

bool InstBuilder::setSource(Inst &inst, unsigned n, const TextOperand &op,
                            LaneType type) {
  bool scalar;
  if (!vectorSource(op, type, inst.src[n], scalar))
    return false;
  inst.scalars |= scalar << n;
  return true;
}

uint32_t InstBuilder::encoding(unsigned n) const {
  const DisassembledInst &inst = program.listing[current];
  uint64_t at = inst.offset + 4 * n;
  if (at + 4 > program.code.size() || 4 * n >= inst.size)
    return 0;
  return support::endian::read32le(program.code.data() + at);
}

bool InstBuilder::branchTarget(int32_t distance, int32_t &relative) {
  const DisassembledInst &inst = program.listing[current];
  int64_t dword = int64_t(inst.offset + inst.size) / 4 + distance;
  if (dword < 0 || dword >= int64_t(instAtDword.size()) ||
      instAtDword[dword] < 0)
    return refuse("branch out of the kernel's code");
  relative = instAtDword[dword] - int32_t(current);
  return true;
}

const std::vector<int32_t> *InstBuilder::instructionMap() {
  if (!sharedMap) {
    auto *copy = extension<std::vector<int32_t>>();
    *copy = instAtDword;
    sharedMap = copy;
  }
  return sharedMap;
}

/// What an instruction becomes that is not implemented: `ext` is the reason.
static const Inst *refused(Wave &wave, const Inst *inst) {
  return wave.fail(inst, *static_cast<const std::string *>(inst->ext));
}

void InstBuilder::build(unsigned index) {
  current = index;
  reason.clear();
  AsmText text = parseAsmText(program.listing[index].text);
  Inst inst;
  inst.index = index;
  const OpTable &table = opTable();
  auto it = table.find(text.base);
  bool known = it != table.end();
  if (!known)
    refuse("instruction is not implemented");
  if (text.base == "s_set_gpr_idx_off")
    indexing = false;
  if (!known || !it->second.build(*this, text, inst, it->second.payload) ||
      (indexing && !indexOperands(*this, text, inst))) {
    inst = Inst();
    inst.index = index;
    inst.fn = refused;
    auto *why = extension<std::string>();
    *why = known ? "form is not implemented: " + reason : reason;
    inst.ext = why;
  }
  program.insts.push_back(inst);
  if (text.base == "s_set_gpr_idx_on")
    indexing = true;
}

static const Inst *pastTheEnd(Wave &wave, const Inst *inst) {
  return wave.fail(inst, "the wave ran past the end of the code");
}

void InstBuilder::run() {
  instAtDword.assign(program.code.size() / 4, -1);
  for (unsigned i = 0; i < program.listing.size(); ++i)
    instAtDword[program.listing[i].offset / 4] = int32_t(i);
  program.insts.reserve(program.listing.size() + 1);
  for (unsigned i = 0; i < program.listing.size(); ++i)
    build(i);
  Inst last;
  last.fn = pastTheEnd;
  last.index = uint32_t(program.listing.size());
  program.insts.push_back(last);
}
