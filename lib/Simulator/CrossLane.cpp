//===- CrossLane.cpp - Instructions that move data between lanes ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "Wave.h"

#include <utility>

using namespace llvm;
using namespace flyattn::sim;

namespace {

const Inst *readFirstLane(Wave &w, const Inst *inst) {
  uint64_t exec = w.exec();
  unsigned lane = exec ? unsigned(__builtin_ctzll(exec)) : 0;
  w.s[inst->dst] = w.vgpr(inst->src[0])[lane];
  return inst + 1;
}

// The lane number wraps; EXEC does not matter.
const Inst *readLane(Wave &w, const Inst *inst) {
  w.s[inst->dst] = w.vgpr(inst->src[0])[w.s[inst->src[1]] & 63];
  return inst + 1;
}
const Inst *writeLane(Wave &w, const Inst *inst) {
  w.vgpr(inst->dst)[w.s[inst->src[1]] & 63] = w.s[inst->src[0]];
  return inst + 1;
}

const Inst *swapRegisters(Wave &w, const Inst *inst) {
  uint32_t *a = w.vgpr(inst->dst), *b = w.vgpr(inst->src[0]);
  uint64_t exec = w.exec();
  for (unsigned i = 0; i < waveSize; ++i)
    if (exec >> i & 1)
      std::swap(a[i], b[i]);
  return inst + 1;
}

/// Blocks of Width lanes: the even blocks of vsrc with the odd ones of vdst.
template <unsigned Width> const Inst *swapBlocks(Wave &w, const Inst *inst) {
  if (w.exec() != allLanes)
    return w.fail(inst, "lane swap with inactive lanes is not implemented");
  uint32_t *vdst = w.vgpr(inst->dst), *vsrc = w.vgpr(inst->src[0]);
  for (unsigned block = 0; block < waveSize; block += 2 * Width)
    for (unsigned i = 0; i < Width; ++i)
      std::swap(vsrc[block + i], vdst[block + Width + i]);
  return inst + 1;
}

bool buildReadLane(InstBuilder &b, const AsmText &text, Inst &inst,
                   const void *) {
  bool first = text.base == "v_readfirstlane_b32";
  inst.fn = first ? readFirstLane : readLane;
  if (text.operands.size() != (first ? 2u : 3u))
    return b.refuse("number of operands");
  return b.scalarDest(text.operands[0], 1, inst.dst) &&
         b.vectorRegister(text.operands[1], 1, inst.src[0]) &&
         (first || b.scalarSource(text.operands[2], 1, inst.src[1]));
}

bool buildWriteLane(InstBuilder &b, const AsmText &text, Inst &inst,
                    const void *) {
  inst.fn = writeLane;
  if (text.operands.size() != 3)
    return b.refuse("number of operands");
  return b.vectorRegister(text.operands[0], 1, inst.dst) &&
         b.scalarSource(text.operands[1], 1, inst.src[0]) &&
         b.scalarSource(text.operands[2], 1, inst.src[1]);
}

bool buildSwap(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  inst.fn = text.base == "v_swap_b32"              ? swapRegisters
            : text.base == "v_permlane32_swap_b32" ? swapBlocks<32>
                                                   : swapBlocks<16>;
  if (text.operands.size() != 2 || !text.modifiers.empty())
    return b.refuse("modifiers");
  return b.vectorRegister(text.operands[0], 1, inst.dst) &&
         b.vectorRegister(text.operands[1], 1, inst.src[0]);
}

} // namespace

void flyattn::sim::registerCrossLaneOps(OpTable &table) {
  table["v_readfirstlane_b32"] = {buildReadLane, nullptr};
  table["v_readlane_b32"] = {buildReadLane, nullptr};
  table["v_writelane_b32"] = {buildWriteLane, nullptr};
  for (const char *name :
       {"v_swap_b32", "v_permlane32_swap_b32", "v_permlane16_swap_b32"})
    table[name] = {buildSwap, nullptr};
}
