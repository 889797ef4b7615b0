//===- LdsCounterOps.cpp - DS instructions addressed by M0 ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// ds_append and ds_consume: one counter for the wave, which grows or shrinks
// by the number of active lanes. ds_read_addtid and ds_write_addtid: lane n
// has dword n.
//
//===----------------------------------------------------------------------===//

#include "LdsDma.h"
#include "Transfer.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

enum class CounterKind { Append, Consume };

template <CounterKind kind> void count(Wave &w, Access &a) {
  uint32_t old;
  auto lanes = uint32_t(llvm::popcount(a.lanes));
  std::memcpy(&old, w.lds + a.ldsAddress, 4);
  uint32_t fresh = kind == CounterKind::Append ? old + lanes : old - lanes;
  std::memcpy(w.lds + a.ldsAddress, &fresh, 4);
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i)
    if (a.lanes >> i & 1)
      dst[i] = old;
}

void readByLane(Wave &w, Access &a) {
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i)
    if (a.lanes >> i & 1)
      std::memcpy(&dst[i], w.lds + a.ldsAddress + 4 * i, 4);
}

void writeByLane(Wave &w, Access &a) {
  for (unsigned i = 0; i < waveSize; ++i)
    if (a.lanes >> i & 1)
      std::memcpy(w.lds + a.ldsAddress + 4 * i, &a.data[i], 4);
}

/// Addresses are M0 and the instruction's offset; `Bytes` from there on.
template <void (*Perform)(Wave &, Access &), uint32_t Bytes, bool Store>
const Inst *atM0(Wave &w, const Inst *inst) {
  bool delayed = w.delaysAll;
  uint32_t m0 = w.s[SlotM0] & (inst->flags & WideM0 ? 0x3ffff : 0xffff);
  uint64_t address = uint64_t(m0) + uint32_t(inst->imm);
  if (address + Bytes > w.ldsSize)
    return w.fail(inst,
                  "LDS access at 0x" + utohexstr(address, /*LowerCase=*/true) +
                      " is outside the " + Twine(w.ldsSize) + " bytes of LDS");
  Access &a = w.newAccess(inst, delayed);
  a.ldsAddress = uint32_t(address);
  if (Store)
    takeData(w, a, inst->dst, 1, delayed);
  a.perform = Perform;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

struct CounterOp {
  const char *name;
  Handler handler;
};
constexpr CounterOp ops[] = {
    {"ds_append", atM0<count<CounterKind::Append>, 4, false>},
    {"ds_consume", atM0<count<CounterKind::Consume>, 4, false>},
    {"ds_read_addtid_b32", atM0<readByLane, 4 * waveSize, false>},
    {"ds_write_addtid_b32", atM0<writeByLane, 4 * waveSize, true>},
};

bool build(InstBuilder &b, const AsmText &text, Inst &inst,
           const void *payload) {
  inst.fn = static_cast<const CounterOp *>(payload)->handler;
  inst.imm = int32_t(text.number("offset"));
  if (b.isGfx950())
    inst.flags |= WideM0;
  if (text.has("gds"))
    return b.refuse("gds");
  return text.operands.size() == 1 &&
         b.vectorRegister(text.operands[0], 1, inst.dst);
}

} // namespace

void flyattn::sim::registerLdsCounterOps(OpTable &table) {
  for (const CounterOp &op : ops)
    table[op.name] = {build, &op};
}
