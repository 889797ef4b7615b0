//===- VectorSkip.cpp - Waves that skip their vector instructions ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorSkip.h"

#include "Decode.h"
#include "Wave.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

constexpr uint32_t vectorSkip = 1u << 28; ///< in MODE

const Inst *skipped(Wave &, const Inst *inst) { return inst + 1; }

/// VSKIP = S0[S1[4:0]].
const Inst *setVectorSkip(Wave &w, const Inst *inst) {
  bool skip = w.s[inst->src[0]] >> (w.s[inst->src[1]] & 31) & 1;
  w.mode = skip ? w.mode | vectorSkip : w.mode & ~vectorSkip;
  const Inst *copy = skip ? w.group->program->impl().skipping.data() : w.insts;
  return copy + inst->index + 1;
}

bool buildSetVectorSkip(InstBuilder &b, const AsmText &text, Inst &inst,
                        const void *) {
  inst.fn = setVectorSkip;
  return text.operands.size() == 2 &&
         b.scalarSource(text.operands[0], 1, inst.src[0]) &&
         b.scalarSource(text.operands[1], 1, inst.src[1]);
}

} // namespace

void flyattn::sim::makeSkippingCopy(Program::Impl &program) {
  bool sets = any_of(program.insts,
                     [](const Inst &inst) { return inst.fn == setVectorSkip; });
  if (!sets)
    return;
  program.skipping = program.insts;
  for (auto [inst, listed] : zip(program.skipping, program.listing))
    if (!StringRef(listed.text).starts_with("s_"))
      inst.fn = skipped;
}

bool flyattn::sim::isSkipped(const Inst *inst) { return inst->fn == skipped; }

void flyattn::sim::registerVectorSkipOps(OpTable &table) {
  table["s_setvskip"] = {buildSetVectorSkip, nullptr};
}
