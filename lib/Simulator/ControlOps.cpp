//===- ControlOps.cpp - SOPP: branches, waits, barriers; and MODE ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "Wave.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

const Inst *nothing(Wave &, const Inst *inst) { return inst + 1; }

const Inst *endProgram(Wave &w, const Inst *inst) {
  w.landUntil(w.vm, 0);
  w.landUntil(w.lgkm, 0);
  w.state = WaveState::Ended;
  w.pc = inst;
  return nullptr;
}

const Inst *barrier(Wave &w, const Inst *inst) {
  w.state = WaveState::AtBarrier;
  w.pc = inst; // the workgroup lets it go on behind
  return nullptr;
}

/// vmcnt = [3:0] | [15:14] << 4, lgkmcnt = [11:8].
const Inst *waitcnt(Wave &w, const Inst *inst) {
  unsigned imm = unsigned(inst->imm);
  w.landUntil(w.vm, (imm & 15) | (imm >> 10 & 0x30));
  w.landUntil(w.lgkm, imm >> 8 & 15);
  return inst + 1;
}

const Inst *branch(Wave &, const Inst *inst) { return inst + inst->imm; }

template <typename Condition> const Inst *branchIf(Wave &w, const Inst *inst) {
  return Condition::holds(w) ? inst + inst->imm : inst + 1;
}
struct Scc0 {
  static bool holds(Wave &w) { return !w.scc(); }
};
struct Scc1 {
  static bool holds(Wave &w) { return w.scc(); }
};
struct Vccz {
  static bool holds(Wave &w) { return w.s64(SlotVcc) == 0; }
};
struct Vccnz {
  static bool holds(Wave &w) { return w.s64(SlotVcc) != 0; }
};
struct Execz {
  static bool holds(Wave &w) { return w.exec() == 0; }
};
struct Execnz {
  static bool holds(Wave &w) { return w.exec() != 0; }
};

const Inst *trap(Wave &w, const Inst *inst) {
  return w.fail(inst, "the kernel traps");
}

/// hwreg(HW_REG_MODE, offset, width): the fields of the 16-bit immediate.
struct HwregField {
  unsigned id, offset, width;
  explicit HwregField(unsigned imm)
      : id(imm & 63), offset(imm >> 6 & 31), width((imm >> 11 & 31) + 1) {}
  uint32_t mask() const {
    return uint32_t(((uint64_t(1) << width) - 1) << offset);
  }
};
constexpr unsigned hwregMode = 1;

const Inst *setMode(Wave &w, const Inst *inst, uint32_t value) {
  HwregField field(unsigned(inst->imm));
  uint32_t fresh =
      (w.mode & ~field.mask()) | (value << field.offset & field.mask());
  // Rounding and denormal bits (7:0) are obeyed; the decoder chose by others.
  uint32_t changed = fresh ^ w.mode;
  if (changed & ~0xffu)
    return w.fail(inst, "changes MODE beyond rounding and denormals");
  if ((changed & 0xc0) && (fresh & 0xc0) != 0xc0)
    return w.fail(inst, "f16 denormals cannot be turned off");
  w.setMode(fresh);
  return inst + 1;
}
const Inst *setreg(Wave &w, const Inst *inst) {
  return setMode(w, inst, w.s[inst->src[0]]);
}
const Inst *getreg(Wave &w, const Inst *inst) {
  HwregField field(unsigned(inst->imm));
  w.s[inst->dst] = (w.mode & field.mask()) >> field.offset;
  return inst + 1;
}
/// s_getpc_b64: the address of the next instruction.
const Inst *getpc(Wave &w, const Inst *inst) {
  w.setS64(inst->dst, w.group->codeAddress + uint64_t(inst->imm));
  return inst + 1;
}

/// Goes on at a simulated address; Inst::ext maps dwords to instructions.
const Inst *jump(Wave &w, const Inst *inst, uint64_t address) {
  const auto &map = *static_cast<const std::vector<int32_t> *>(inst->ext);
  uint64_t offset = address - w.group->codeAddress;
  if (offset % 4 || offset / 4 >= map.size() || map[offset / 4] < 0)
    return w.fail(inst, "jumps out of the kernel's code, to 0x" +
                            utohexstr(address, /*LowerCase=*/true));
  return inst - inst->index + map[offset / 4];
}
const Inst *setpc(Wave &w, const Inst *inst) {
  return jump(w, inst, w.s64(inst->src[0]));
}
const Inst *swappc(Wave &w, const Inst *inst) {
  uint64_t target = w.s64(inst->src[0]); // may be the destination
  getpc(w, inst);
  return jump(w, inst, target);
}
/// src[0] is a constant: the distance in bytes.
const Inst *call(Wave &w, const Inst *inst) {
  getpc(w, inst);
  return jump(w, inst, w.s64(inst->dst) + w.s64(inst->src[0]));
}

/// SIMM16[3:0] is the counter.
template <int change> const Inst *countPerformance(Wave &w, const Inst *inst) {
  w.group->performanceCounters[inst->imm & 15] += change;
  return inst + 1;
}

struct ControlOp {
  const char *name;
  Handler handler;
};

constexpr ControlOp plainOps[] = {
    {"s_nop", nothing},
    {"s_sleep", nothing},
    {"s_setprio", nothing},
    {"s_icache_inv", nothing},
    {"s_ttracedata", nothing},
    {"s_dcache_inv", nothing},
    {"s_dcache_wb", nothing},
    {"s_dcache_inv_vol", nothing},
    {"s_dcache_wb_vol", nothing},
    {"buffer_wbl2", nothing},
    {"buffer_inv", nothing},
    {"s_endpgm", endProgram},
    {"s_barrier", barrier},
    {"s_trap", trap},
    {"v_nop", nothing},
    {"s_waitcnt", waitcnt},
    {"s_incperflevel", countPerformance<1>},
    {"s_decperflevel", countPerformance<-1>},
    {"s_wakeup", nothing},
    {"s_sendmsg", nothing},
    {"s_endpgm_saved", endProgram},
    {"s_dcache_discard", nothing},
    {"s_dcache_discard_x2", nothing},
    {"s_atc_probe", nothing},
    {"s_atc_probe_buffer", nothing},
    {"v_clrexcp", nothing},
    {"ds_nop", nothing},
    // No debugger is attached, so these never branch.
    {"s_cbranch_cdbgsys", nothing},
    {"s_cbranch_cdbguser", nothing},
    {"s_cbranch_cdbgsys_or_user", nothing},
    {"s_cbranch_cdbgsys_and_user", nothing},
};

constexpr ControlOp branchOps[] = {
    {"s_branch", branch},
    {"s_cbranch_scc0", branchIf<Scc0>},
    {"s_cbranch_scc1", branchIf<Scc1>},
    {"s_cbranch_vccz", branchIf<Vccz>},
    {"s_cbranch_vccnz", branchIf<Vccnz>},
    {"s_cbranch_execz", branchIf<Execz>},
    {"s_cbranch_execnz", branchIf<Execnz>},
};

constexpr ControlOp modeOps[] = {{"s_setreg_b32", setreg},
                                 {"s_setreg_imm32_b32", setreg},
                                 {"s_getreg_b32", getreg}};

bool buildPlain(InstBuilder &b, const AsmText &, Inst &inst,
                const void *payload) {
  inst.fn = static_cast<const ControlOp *>(payload)->handler;
  inst.imm = b.encoding(0) & 0xffff;
  return true;
}

bool buildBranch(InstBuilder &b, const AsmText &, Inst &inst,
                 const void *payload) {
  inst.fn = static_cast<const ControlOp *>(payload)->handler;
  return b.branchTarget(int16_t(b.encoding(0)), inst.imm);
}

bool buildMode(InstBuilder &b, const AsmText &text, Inst &inst,
               const void *payload) {
  inst.fn = static_cast<const ControlOp *>(payload)->handler;
  inst.imm = b.encoding(0) & 0xffff;
  if (HwregField(unsigned(inst.imm)).id != hwregMode)
    return b.refuse("hardware register other than MODE");
  if (text.operands.size() != 2)
    return b.refuse("operands");
  if (text.base == "s_getreg_b32")
    return b.scalarDest(text.operands[0], 1, inst.dst);
  return b.scalarSource(text.operands[1], 1, inst.src[0]);
}

bool buildGetpc(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  inst.fn = getpc;
  inst.imm = int32_t(b.nextOffset());
  return b.scalarDest(text.operands[0], 2, inst.dst);
}

bool buildJump(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  bool returns = text.base != "s_setpc_b64";
  inst.fn = returns ? swappc : setpc;
  inst.imm = int32_t(b.nextOffset());
  inst.ext = b.instructionMap();
  return text.operands.size() == 1u + returns &&
         (!returns || b.scalarDest(text.operands[0], 2, inst.dst)) &&
         b.scalarSource(text.operands[returns], 2, inst.src[0]);
}

bool buildCall(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  inst.fn = call;
  inst.imm = int32_t(b.nextOffset());
  inst.ext = b.instructionMap();
  inst.src[0] = b.constant(uint64_t(4 * int64_t(int16_t(b.encoding(0)))));
  return !text.operands.empty() && b.scalarDest(text.operands[0], 2, inst.dst);
}

} // namespace

void flyattn::sim::registerControlOps(OpTable &table) {
  for (const ControlOp &op : plainOps)
    table[op.name] = {buildPlain, &op};
  for (const ControlOp &op : branchOps)
    table[op.name] = {buildBranch, &op};
  for (const ControlOp &op : modeOps)
    table[op.name] = {buildMode, &op};
  table["s_getpc_b64"] = {buildGetpc, nullptr};
  table["s_setpc_b64"] = {buildJump, nullptr};
  table["s_swappc_b64"] = {buildJump, nullptr};
  table["s_call_b64"] = {buildCall, nullptr};
}
