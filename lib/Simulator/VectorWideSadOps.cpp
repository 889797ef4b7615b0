//===- VectorWideSadOps.cpp - v_mqsad_u32_u8, of four registers -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "VectorGeneral.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

/// The four dwords that start at bytes 0 to 3 of a 64-bit source, against b:
/// sums of absolute differences where b's byte is not 0.
const Inst *maskedQuadSad(Wave &w, const Inst *inst) {
  alignas(64) uint32_t result[4 * waveSize];
  for (unsigned i = 0; i < waveSize; ++i) {
    const uint32_t *a = w.vgpr(inst->src[0]), *c = w.vgpr(inst->src[2]);
    uint64_t bytes = a[i] | uint64_t(a[waveSize + i]) << 32;
    uint32_t b =
        inst->scalars & 2 ? w.s[inst->src[1]] : w.vgpr(inst->src[1])[i];
    for (unsigned n = 0; n < 4; ++n) {
      uint32_t sum = c[n * waveSize + i];
      for (unsigned k = 0; k < 4; ++k) {
        int x = int(bytes >> 8 * (n + k) & 255), y = int(b >> 8 * k & 255);
        sum += y ? uint32_t(x > y ? x - y : y - x) : 0;
      }
      result[n * waveSize + i] = sum;
    }
  }
  writeLanes(w, inst->dst, 4, w.exec(), result);
  return inst + 1;
}

bool build(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  inst.fn = maskedQuadSad;
  if (text.operands.size() != 4 || !text.modifiers.empty())
    return b.refuse("operands");
  return b.vectorRegister(text.operands[0], 4, inst.dst) &&
         b.vectorRegister(text.operands[1], 2, inst.src[0]) &&
         b.setSource(inst, 1, text.operands[2], LaneType::B32) &&
         b.vectorRegister(text.operands[3], 4, inst.src[2]);
}

} // namespace

void flyattn::sim::registerVectorWideSadOps(OpTable &table) {
  table["v_mqsad_u32_u8"] = {build, nullptr};
}
