//===- VectorDotOps.cpp - Dot products with three sources (VOP3P) ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DotProducts.h"
#include "Packed.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

const PackedModifiers &modifiers(const Inst *inst) {
  return *static_cast<const PackedModifiers *>(inst->ext);
}

/// Source `n` of lane `i`; `flipLow` and `flipHigh` are the bits that its
/// signs change.
uint32_t source(const Wave &w, const Inst *inst, unsigned n, unsigned i,
                uint32_t flipLow, uint32_t flipHigh) {
  uint32_t word =
      inst->scalars >> n & 1 ? w.s[inst->src[n]] : w.vgpr(inst->src[n])[i];
  const PackedModifiers &m = modifiers(inst);
  return word ^ (m.negLow[n] ? flipLow : 0) ^ (m.negHigh[n] ? flipHigh : 0);
}

template <float (*Fn)(uint32_t, uint32_t, float)>
const Inst *floatDot(Wave &w, const Inst *inst) {
  alignas(64) uint32_t result[waveSize];
  for (unsigned i = 0; i < waveSize; ++i) {
    uint32_t a = source(w, inst, 0, i, 0x8000, 0x80000000);
    uint32_t b = source(w, inst, 1, i, 0x8000, 0x80000000);
    uint32_t c = source(w, inst, 2, i, 0x80000000, 0);
    float sum = Fn(a, b, bits<float>(c));
    if (modifiers(inst).clamp)
      sum = sum > 0.0f ? (sum < 1.0f ? sum : 1.0f) : 0.0f;
    result[i] = bits<uint32_t>(sum);
  }
  writeLanes(w, inst->dst, 1, w.exec(), result);
  return inst + 1;
}

template <unsigned Bits, bool Signed>
const Inst *integerDot(Wave &w, const Inst *inst) {
  alignas(64) uint32_t result[waveSize];
  bool clamp = modifiers(inst).clamp;
  for (unsigned i = 0; i < waveSize; ++i) {
    uint32_t a = source(w, inst, 0, i, 0, 0), b = source(w, inst, 1, i, 0, 0),
             c = source(w, inst, 2, i, 0, 0);
    result[i] = clamp ? dotSaturating<Bits, Signed>(a, b, c)
                      : dotWrapping<Bits, Signed>(a, b, c);
  }
  writeLanes(w, inst->dst, 1, w.exec(), result);
  return inst + 1;
}

constexpr PackedOp row(const char *name, Handler handler) {
  return {name, 3, LaneType::B32, handler, nullptr};
}

constexpr PackedOp ops[] = {
    row("v_dot2_f32_f16", floatDot<dotFloats<FromHalf>>),
    row("v_dot2_f32_bf16", floatDot<dotFloats<FromBrain>>),
    row("v_dot2_i32_i16", integerDot<16, true>),
    row("v_dot2_u32_u16", integerDot<16, false>),
    row("v_dot4_i32_i8", integerDot<8, true>),
    row("v_dot4_u32_u8", integerDot<8, false>),
    row("v_dot8_i32_i4", integerDot<4, true>),
    row("v_dot8_u32_u4", integerDot<4, false>),
};

} // namespace

llvm::ArrayRef<PackedOp> FLYATTN_ISA::dotOps() { return ops; }
