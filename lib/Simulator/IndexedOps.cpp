//===- IndexedOps.cpp - Registers whose number stands in M0 ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// s_movrel moves between scalar registers. Between s_set_gpr_idx_on and
// s_set_gpr_idx_off, M0[7:0] is added to the register numbers of those
// operands of vector instructions that M0[15:12] names. The decoder wraps the
// vector instructions between the two, so that all others cost nothing.
//
//===----------------------------------------------------------------------===//

#include "IndexedOps.h"

#include "ProgramImpl.h"
#include "VectorOp.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

constexpr uint32_t gprIndexEnabled = 1u << 27; ///< in MODE
constexpr unsigned scalarRegisters = 102;

void setIndex(Wave &w, uint32_t index) {
  w.s[SlotM0] = (w.s[SlotM0] & ~0xffu) | (index & 0xff);
}
void setOperands(Wave &w, unsigned operands) {
  w.s[SlotM0] = (w.s[SlotM0] & ~0xf000u) | (operands & 15) << 12;
}

const Inst *indexOn(Wave &w, const Inst *inst) {
  w.mode |= gprIndexEnabled;
  setIndex(w, w.s[inst->src[0]]);
  setOperands(w, unsigned(inst->imm));
  return inst + 1;
}
const Inst *indexOff(Wave &w, const Inst *inst) {
  w.mode &= ~gprIndexEnabled;
  return inst + 1;
}
const Inst *indexValue(Wave &w, const Inst *inst) {
  setIndex(w, w.s[inst->src[0]]);
  return inst + 1;
}
const Inst *indexMode(Wave &w, const Inst *inst) {
  setOperands(w, unsigned(inst->imm));
  return inst + 1;
}

bool buildOn(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  inst.fn = indexOn;
  inst.imm = b.encoding(0) >> 8 & 15;
  return !text.operands.empty() &&
         b.scalarSource(text.operands[0], 1, inst.src[0]);
}
bool buildOff(InstBuilder &, const AsmText &, Inst &inst, const void *) {
  inst.fn = indexOff;
  return true;
}
bool buildIndex(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  inst.fn = indexValue;
  return text.operands.size() == 1 &&
         b.scalarSource(text.operands[0], 1, inst.src[0]);
}
bool buildMode(InstBuilder &b, const AsmText &, Inst &inst, const void *) {
  inst.fn = indexMode;
  inst.imm = b.encoding(0) & 15;
  return true;
}

/// s_movrels: the source's number is relative to M0; s_movreld: the
/// destination's.
template <unsigned Registers, bool RelativeSource>
const Inst *moveRelative(Wave &w, const Inst *inst) {
  uint64_t from = inst->src[0], to = inst->dst;
  uint64_t &moved = RelativeSource ? from : to;
  moved += w.s[SlotM0];
  if (moved + Registers > scalarRegisters)
    return w.fail(inst, "scalar register " + Twine(moved) + " does not exist");
  std::memmove(w.s + to, w.s + from, Registers * 4);
  return inst + 1;
}

struct MoveOp {
  const char *name;
  uint8_t registers;
  Handler handler;
};
constexpr MoveOp moves[] = {
    {"s_movrels_b32", 1, moveRelative<1, true>},
    {"s_movrels_b64", 2, moveRelative<2, true>},
    {"s_movreld_b32", 1, moveRelative<1, false>},
    {"s_movreld_b64", 2, moveRelative<2, false>},
};

bool buildMove(InstBuilder &b, const AsmText &text, Inst &inst,
               const void *payload) {
  const auto &op = *static_cast<const MoveOp *>(payload);
  inst.fn = op.handler;
  return text.operands.size() == 2 &&
         b.scalarDest(text.operands[0], op.registers, inst.dst) &&
         b.scalarSource(text.operands[1], op.registers, inst.src[0]);
}

/// A vector instruction whose operands may be indexed: `registers` of each,
/// 0 if it is no vector register.
struct IndexedInst {
  Inst inner;
  uint8_t registers[4] = {}; ///< sources 0 to 2, destination
  bool readsDst;
  unsigned sources;
};

const Inst *indexed(Wave &w, const Inst *inst) {
  const auto &x = *static_cast<const IndexedInst *>(inst->ext);
  Inst moved = x.inner;
  uint32_t m0 = w.s[SlotM0], limit = w.group->program->info().vgprs;
  bool on = w.mode & gprIndexEnabled;
  for (unsigned n = 0; on && n < 4; ++n) {
    if (!(m0 >> (12 + n) & 1) || !x.registers[n])
      continue;
    uint16_t &reg = n < 3 ? moved.src[n] : moved.dst;
    reg = uint16_t(reg + (m0 & 0xff));
    if (reg + x.registers[n] > limit)
      return w.fail(inst, "indexed register v" + Twine(reg) +
                              " lies beyond the kernel's " + Twine(limit) +
                              " VGPRs");
  }
  if (x.readsDst)
    moved.src[x.sources - 1] = moved.dst;
  return moved.fn(w, &moved) ? inst + 1 : nullptr;
}

} // namespace

bool flyattn::sim::indexOperands(InstBuilder &b, const AsmText &text,
                                 Inst &inst) {
  if (text.base.starts_with("s_cbranch") || text.base == "s_branch" ||
      text.base == "s_setpc_b64" || text.base == "s_swappc_b64" ||
      text.base == "s_call_b64")
    return b.refuse("a branch between s_set_gpr_idx_on and _off");
  if (!text.base.starts_with("v_") || text.base == "v_nop")
    return true;
  const VectorOp *op = findVectorOp(text.base);
  bool value = op && op->form == VectorForm::Value;
  bool packed = text.base.starts_with("v_pk_");
  if (!(value || packed || text.base == "v_writelane_b32") || text.sdwa ||
      text.dpp)
    return b.refuse("this instruction under s_set_gpr_idx_on");
  auto *x = b.extension<IndexedInst>();
  x->inner = inst;
  x->readsDst = value && op->readsDst;
  x->sources = value ? op->sources : 0;
  for (unsigned n = 0; n < 4; ++n) {
    unsigned at = n < 3 ? n + 1 : 0;
    if (at >= text.operands.size())
      continue;
    const TextOperand &operand = text.operands[at];
    if (operand.kind == TextOperand::Vgpr || operand.kind == TextOperand::Agpr)
      x->registers[n] = uint8_t(operand.count);
  }
  inst.ext = x;
  inst.fn = indexed;
  return true;
}

void flyattn::sim::registerIndexedOps(OpTable &table) {
  table["s_set_gpr_idx_on"] = {buildOn, nullptr};
  table["s_set_gpr_idx_off"] = {buildOff, nullptr};
  table["s_set_gpr_idx_idx"] = {buildIndex, nullptr};
  table["s_set_gpr_idx_mode"] = {buildMode, nullptr};
  for (const MoveOp &op : moves)
    table[op.name] = {buildMove, &op};
}
