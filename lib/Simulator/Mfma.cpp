//===- Mfma.cpp - Matrix instructions -------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mfma.h"

#include "Decode.h"
#include "Wave.h"

#include <optional>

using namespace llvm;
using namespace flyattn::sim;

const MfmaKernels &flyattn::sim::mfmaKernels() {
  static const MfmaKernels &kernels =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") &&
              __builtin_cpu_supports("avx512vl")
          ? avx512::mfmaKernels()
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("f16c")
          ? avx2::mfmaKernels()
          : portable::mfmaKernels();
  return kernels;
}

/// EXEC does not matter, nor does MODE.
const Inst *flyattn::sim::mfma(Wave &w, const Inst *inst) {
  const auto &m = *static_cast<const MfmaDesc *>(inst->ext);
  if (w.group->mfma != MfmaNumerics::Fma) [[unlikely]]
    return executeMatrix(w, inst, m.general);
  alignas(64) float a[maxOperand], b[maxOperand], copy[16 * waveSize];
  FpuScope scope(defaultFpu, w.fpu32);
  m.widenA(w.vgpr(inst->src[0]), m.a, a);
  m.widenB(w.vgpr(inst->src[1]), m.b, b);
  bool constantC = inst->scalars & 4;
  const float *c = copy;
  if (constantC) {
    float value = __builtin_bit_cast(float, w.s[inst->src[2]]);
    for (unsigned i = 0; i < waveSize; ++i)
      copy[i] = value;
  } else if (m.copiesC) {
    std::memcpy(copy, w.vgpr(inst->src[2]), m.resultRegs * waveSize * 4);
  } else {
    c = reinterpret_cast<const float *>(w.vgpr(inst->src[2]));
  }
  auto *d = reinterpret_cast<float *>(w.vgpr(inst->dst));
  m.multiply(a, b, m.k, c, constantC, d);
  return inst + 1;
}

namespace {

struct MfmaOp {
  const char *name;
  uint8_t dim, k;
  ElementFormat a, b;
};

using EF = ElementFormat;
/// The fp8 rows name the OCP formats; gfx942 has FNUZ in their place.
constexpr MfmaOp ops[] = {
    {"v_mfma_f32_32x32x2_f32", 32, 2, EF::F32, EF::F32},
    {"v_mfma_f32_16x16x4_f32", 16, 4, EF::F32, EF::F32},
    {"v_mfma_f32_32x32x8_f16", 32, 8, EF::F16, EF::F16},
    {"v_mfma_f32_16x16x16_f16", 16, 16, EF::F16, EF::F16},
    {"v_mfma_f32_32x32x8_bf16", 32, 8, EF::Bf16, EF::Bf16},
    {"v_mfma_f32_16x16x16_bf16", 16, 16, EF::Bf16, EF::Bf16},
    {"v_mfma_f32_32x32x16_f16", 32, 16, EF::F16, EF::F16},
    {"v_mfma_f32_16x16x32_f16", 16, 32, EF::F16, EF::F16},
    {"v_mfma_f32_32x32x16_bf16", 32, 16, EF::Bf16, EF::Bf16},
    {"v_mfma_f32_16x16x32_bf16", 16, 32, EF::Bf16, EF::Bf16},
    {"v_mfma_i32_32x32x16_i8", 32, 16, EF::I8, EF::I8},
    {"v_mfma_i32_16x16x32_i8", 16, 32, EF::I8, EF::I8},
    {"v_mfma_i32_32x32x32_i8", 32, 32, EF::I8, EF::I8},
    {"v_mfma_i32_16x16x64_i8", 16, 64, EF::I8, EF::I8},
    {"v_mfma_f32_32x32x16_fp8_fp8", 32, 16, EF::Fp8Ocp, EF::Fp8Ocp},
    {"v_mfma_f32_32x32x16_fp8_bf8", 32, 16, EF::Fp8Ocp, EF::Bf8Ocp},
    {"v_mfma_f32_32x32x16_bf8_fp8", 32, 16, EF::Bf8Ocp, EF::Fp8Ocp},
    {"v_mfma_f32_32x32x16_bf8_bf8", 32, 16, EF::Bf8Ocp, EF::Bf8Ocp},
    {"v_mfma_f32_16x16x32_fp8_fp8", 16, 32, EF::Fp8Ocp, EF::Fp8Ocp},
    {"v_mfma_f32_16x16x32_fp8_bf8", 16, 32, EF::Fp8Ocp, EF::Bf8Ocp},
    {"v_mfma_f32_16x16x32_bf8_fp8", 16, 32, EF::Bf8Ocp, EF::Fp8Ocp},
    {"v_mfma_f32_16x16x32_bf8_bf8", 16, 32, EF::Bf8Ocp, EF::Bf8Ocp},
    // The formats come from cbsz and blgp.
    {"v_mfma_f32_32x32x64_f8f6f4", 32, 64, EF::Fp8Ocp, EF::Fp8Ocp},
    {"v_mfma_f32_16x16x128_f8f6f4", 16, 128, EF::Fp8Ocp, EF::Fp8Ocp},
};

unsigned bitsOf(ElementFormat format) {
  switch (format) {
  case EF::F32:
    return 32;
  case EF::F16:
  case EF::Bf16:
    return 16;
  case EF::Fp6:
  case EF::Bf6:
    return 6;
  case EF::Fp4:
    return 4;
  default:
    return 8;
  }
}

std::optional<ElementFormat> formatOfField(int64_t field) {
  constexpr ElementFormat formats[] = {EF::Fp8Ocp, EF::Bf8Ocp, EF::Fp6, EF::Bf6,
                                       EF::Fp4};
  if (field < 0 || field > 4)
    return std::nullopt;
  return formats[field];
}

ElementFormat onChip(ElementFormat format, bool gfx950) {
  if (gfx950)
    return format;
  return format == EF::Fp8Ocp   ? EF::Fp8Fnuz
         : format == EF::Bf8Ocp ? EF::Bf8Fnuz
                                : format;
}

OperandShape shapeOf(unsigned dim, unsigned k, ElementFormat format) {
  unsigned perLane = k * dim / 64;
  // 8-bit operands of f8f6f4 come in two runs of 16; all others in one.
  bool twoRuns = perLane == 32 && bitsOf(format) == 8;
  return {dim, perLane, twoRuns ? 16 : perLane};
}

bool build(InstBuilder &b, const AsmText &text, Inst &inst,
           const void *payload) {
  const auto &op = *static_cast<const MfmaOp *>(payload);
  ElementFormat formatA = onChip(op.a, b.isGfx950());
  ElementFormat formatB = onChip(op.b, b.isGfx950());
  if (text.base.ends_with("_f8f6f4")) {
    auto fieldA = formatOfField(text.number("cbsz"));
    auto fieldB = formatOfField(text.number("blgp"));
    if (!fieldA || !fieldB)
      return b.refuse("cbsz or blgp");
    formatA = *fieldA;
    formatB = *fieldB;
  } else if (!text.modifiers.empty()) {
    return buildMatrix(b, text, inst, payload);
  }
  auto *m = b.extension<MfmaDesc>();
  if (!describeMatrix(b, text, m->general))
    return false;
  const MfmaKernels &kernels = mfmaKernels();
  m->dim = op.dim;
  m->k = op.k;
  m->a = shapeOf(op.dim, op.k, formatA);
  m->b = shapeOf(op.dim, op.k, formatB);
  m->widenA = kernels.widen[unsigned(formatA)];
  m->widenB = kernels.widen[unsigned(formatB)];
  if (formatA == EF::I8)
    m->multiply = op.dim == 32 ? kernels.integer32 : kernels.integer16;
  else
    m->multiply = op.dim == 32 ? kernels.multiply32 : kernels.multiply16;
  m->registersA = m->a.perLane * bitsOf(formatA) / 32;
  m->registersB = m->b.perLane * bitsOf(formatB) / 32;
  m->resultRegs = op.dim == 32 ? 16 : 4;
  if (text.operands.size() != 4 ||
      !b.vectorRegister(text.operands[0], m->resultRegs, inst.dst) ||
      !b.vectorRegister(text.operands[1], m->registersA, inst.src[0]) ||
      !b.vectorRegister(text.operands[2], m->registersB, inst.src[1]))
    return b.refuse("operands of a matrix instruction");
  const TextOperand &c = text.operands[3];
  if (c.kind == TextOperand::Integer || c.kind == TextOperand::Float) {
    if (!b.setSource(inst, 2, c, LaneType::F32))
      return false;
  } else if (!b.vectorRegister(c, m->resultRegs, inst.src[2])) {
    return false;
  }
  unsigned distance =
      inst.src[2] > inst.dst ? inst.src[2] - inst.dst : inst.dst - inst.src[2];
  m->copiesC = !(inst.scalars & 4) && distance && distance < m->resultRegs;
  inst.ext = m;
  inst.fn = mfma;
  return true;
}

} // namespace

void flyattn::sim::registerMfmaOps(OpTable &table) {
  for (const MfmaOp &op : ops)
    table[op.name] = {build, &op};
}
