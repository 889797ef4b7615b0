//===- VectorMaskOps.cpp - Vector instructions of their own kind ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Selects, carries, the steps of a division that use VCC, and bit counts below
// the lane. Inst::src[3] is the scalar slot of the mask that is read.
//
//===----------------------------------------------------------------------===//

#include "FloatFunctions.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

/// v_cndmask without modifiers.
template <unsigned Scalars> const Inst *selectPlain(Wave &w, const Inst *inst) {
  Source<uint32_t, (Scalars & 1) != 0> a(w, inst->src[0]);
  Source<uint32_t, (Scalars & 2) != 0> b(w, inst->src[1]);
  uint32_t low = w.s[inst->src[3]], high = w.s[inst->src[3] + 1];
  alignas(64) uint32_t result[waveSize];
  uint32_t *dst = w.vgpr(inst->dst);
  auto select = [&](uint32_t *out) {
    // One loop for each half of the mask, in arithmetic that vectorises.
    constexpr unsigned half = waveSize / 2;
    for (unsigned h = 0; h < waveSize; h += half) {
      uint32_t word = h ? high : low;
      FLYATTN_VECTORISE
      for (unsigned i = 0; i < half; ++i) {
        uint32_t chosen = 0u - (word >> i & 1);
        out[h + i] = (b[h + i] & chosen) | (a[h + i] & ~chosen);
      }
    }
  };
  if (w.exec() == allLanes) {
    select(dst);
    return inst + 1;
  }
  select(result);
  blend(dst, result, w.laneMask());
  return inst + 1;
}

const Inst *selectGeneral(Wave &w, const Inst *inst) {
  alignas(64) uint32_t buffer[2][2 * waveSize], result[2 * waveSize];
  const uint32_t *a = readSource(w, inst, 0, LaneType::F32, buffer[0]);
  const uint32_t *b = readSource(w, inst, 1, LaneType::F32, buffer[1]);
  uint64_t mask = w.s64(inst->src[3]);
  for (unsigned i = 0; i < waveSize; ++i)
    result[i] = mask >> i & 1 ? b[i] : a[i];
  writeResult(w, inst, LaneType::F32, result);
  return inst + 1;
}

/// Carry instructions: Fn(a, b, carry in, carry out).
template <uint32_t (*Fn)(uint32_t, uint32_t, bool, bool &), bool CarryIn>
const Inst *carry(Wave &w, const Inst *inst) {
  alignas(64) uint32_t buffer[2][2 * waveSize], result[2 * waveSize];
  const uint32_t *a = readSource(w, inst, 0, LaneType::B32, buffer[0]);
  const uint32_t *b = readSource(w, inst, 1, LaneType::B32, buffer[1]);
  uint64_t in = CarryIn ? w.s64(inst->src[3]) : 0, out = 0;
  for (unsigned i = 0; i < waveSize; ++i) {
    bool carryOut;
    result[i] = Fn(a[i], b[i], in >> i & 1, carryOut);
    out |= uint64_t(carryOut) << i;
  }
  uint64_t lanes = writtenLanes(w, inst);
  writeResult(w, inst, LaneType::B32, result);
  w.setS64(inst->sdst, out & lanes);
  return inst + 1;
}

uint32_t add(uint32_t a, uint32_t b, bool in, bool &out) {
  uint64_t sum = uint64_t(a) + b + in;
  out = sum >> 32;
  return uint32_t(sum);
}
uint32_t sub(uint32_t a, uint32_t b, bool in, bool &out) {
  out = uint64_t(b) + in > a;
  return a - b - in;
}
uint32_t subrev(uint32_t a, uint32_t b, bool in, bool &out) {
  return sub(b, a, in, out);
}

/// v_mad_u64_u32 and v_mad_i64_i32: 32 x 32 + 64 bits with carry out.
template <bool Signed> const Inst *mad64(Wave &w, const Inst *inst) {
  alignas(64) uint32_t buffer[3][2 * waveSize], result[2 * waveSize];
  const uint32_t *a = readSource(w, inst, 0, LaneType::B32, buffer[0]);
  const uint32_t *b = readSource(w, inst, 1, LaneType::B32, buffer[1]);
  const uint32_t *c = readSource(w, inst, 2, LaneType::B64, buffer[2]);
  uint64_t out = 0;
  for (unsigned i = 0; i < waveSize; ++i) {
    uint64_t addend = fromBits<uint64_t>(c[i], c[i + waveSize]);
    uint64_t sum;
    bool overflow;
    if constexpr (Signed) {
      int64_t product = int64_t(int32_t(a[i])) * int32_t(b[i]), total;
      overflow = __builtin_add_overflow(product, int64_t(addend), &total);
      sum = uint64_t(total);
    } else {
      overflow = __builtin_add_overflow(uint64_t(a[i]) * b[i], addend, &sum);
    }
    putLane(result, i, sum);
    out |= uint64_t(overflow) << i;
  }
  uint64_t lanes = w.exec();
  writeResult(w, inst, LaneType::B64, result);
  w.setS64(inst->sdst, out & lanes);
  return inst + 1;
}

/// Bits of a below this lane, plus b.
template <bool High> const Inst *mbcnt(Wave &w, const Inst *inst) {
  alignas(64) uint32_t buffer[2][2 * waveSize], result[2 * waveSize];
  const uint32_t *a = readSource(w, inst, 0, LaneType::B32, buffer[0]);
  const uint32_t *b = readSource(w, inst, 1, LaneType::B32, buffer[1]);
  for (unsigned i = 0; i < waveSize; ++i) {
    uint64_t below = (uint64_t(1) << i) - 1;
    uint32_t mask = uint32_t(High ? below >> 32 : below);
    result[i] = uint32_t(__builtin_popcount(a[i] & mask)) + b[i];
  }
  writeResult(w, inst, LaneType::B32, result);
  return inst + 1;
}

/// v_bitop3: the truth table is Inst::imm; a, b, c are bits 2, 1, 0 of the
/// index into it.
const Inst *bitop3(Wave &w, const Inst *inst) {
  alignas(64) uint32_t buffer[3][2 * waveSize], result[2 * waveSize];
  const uint32_t *p[3];
  for (unsigned n = 0; n < 3; ++n)
    p[n] = readSource(w, inst, n, LaneType::B32, buffer[n]);
  uint32_t table[8];
  for (unsigned n = 0; n < 8; ++n)
    table[n] = 0u - (uint32_t(inst->imm) >> n & 1);
  FLYATTN_LANES {
    uint32_t a = p[0][i], b = p[1][i], c = p[2][i];
    uint32_t whenB = (c & table[3]) | (~c & table[2]);
    uint32_t whenNone = (c & table[1]) | (~c & table[0]);
    uint32_t whenAB = (c & table[7]) | (~c & table[6]);
    uint32_t whenA = (c & table[5]) | (~c & table[4]);
    result[i] = (a & ((b & whenAB) | (~b & whenA))) |
                (~a & ((b & whenB) | (~b & whenNone)));
  }
  writeResult(w, inst, LaneType::B32, result);
  return inst + 1;
}

/// v_cvt_pk_f16_f32 rounds as MODE says for f16.
const Inst *cvtPkF16(Wave &w, const Inst *inst) {
  alignas(64) uint32_t buffer[2][2 * waveSize], result[2 * waveSize];
  const uint32_t *a = readSource(w, inst, 0, LaneType::F32, buffer[0]);
  const uint32_t *b = readSource(w, inst, 1, LaneType::F32, buffer[1]);
  {
    FpuScope scope(w.fpu64, w.fpu32);
    FLYATTN_LANES result[i] =
        bits<uint16_t>(_Float16(bits<float>(a[i]))) |
        uint32_t(bits<uint16_t>(_Float16(bits<float>(b[i])))) << 16;
  }
  writeResult(w, inst, LaneType::B32, result);
  return inst + 1;
}

/// What v_div_scale depends on, by type.
template <typename F> struct DivisionLimits;
template <> struct DivisionLimits<float> {
  static constexpr int nearMax = 96, shift = 64, tinyExponent = 23,
                       mantissaBits = 23, exponentMask = 255;
};
template <> struct DivisionLimits<double> {
  static constexpr int nearMax = 768, shift = 128, tinyExponent = 53,
                       mantissaBits = 52, exponentMask = 2047;
};

template <typename F> int biasedExponent(F x) {
  using L = DivisionLimits<F>;
  return int(bits<typename FloatBits<F>::Word>(x) >> L::mantissaBits &
             L::exponentMask);
}

template <typename F> bool isDenormal(F x) {
  return x != 0 && biasedExponent(x) == 0;
}

/// v_div_scale: `x` is one of `denominator` and `numerator`, scaled if the
/// division would leave the range of normal numbers.
template <typename F> F divScale(F x, F denominator, F numerator, bool &vcc) {
  using L = DivisionLimits<F>;
  auto scaled = [&](int n) { return F(__builtin_ldexp(double(x), n)); };
  vcc = false;
  if (numerator == 0 || denominator == 0)
    return F(__builtin_nan(""));
  bool quotientDenormal = isDenormal(F(numerator / denominator));
  bool inverseDenormal = isDenormal(F(1 / denominator));
  if (biasedExponent(numerator) - biasedExponent(denominator) >= L::nearMax) {
    vcc = true;
    return x == denominator ? scaled(L::shift) : x;
  }
  if (isDenormal(denominator))
    return scaled(L::shift);
  if (inverseDenormal && quotientDenormal) {
    vcc = true;
    return x == denominator ? scaled(L::shift) : x;
  }
  if (inverseDenormal)
    return scaled(-L::shift);
  if (quotientDenormal) {
    vcc = true;
    return x == numerator ? scaled(L::shift) : x;
  }
  if (biasedExponent(numerator) <= L::tinyExponent)
    return scaled(L::shift);
  return x;
}

template <typename F> const Inst *divScaleOp(Wave &w, const Inst *inst) {
  constexpr LaneType type = laneType<F>();
  alignas(64) uint32_t buffer[3][2 * waveSize], result[2 * waveSize];
  const uint32_t *p[3];
  for (unsigned n = 0; n < 3; ++n)
    p[n] = readSource(w, inst, n, type, buffer[n]);
  uint64_t out = 0;
  {
    FpuScope scope(defaultFpu, w.fpu32); // the tests must see denormals
    Source<F, false> x(p[0]), denominator(p[1]), numerator(p[2]);
    for (unsigned i = 0; i < waveSize; ++i) {
      bool vcc;
      putLane(result, i, divScale(x[i], denominator[i], numerator[i], vcc));
      out |= uint64_t(vcc) << i;
    }
  }
  uint64_t lanes = w.exec();
  writeResult(w, inst, type, result);
  w.setS64(inst->sdst, out & lanes);
  return inst + 1;
}

/// v_div_fmas: fma; where VCC says so, v_div_scale's scaling is undone: the
/// quotient's exponent tells which operand had been scaled.
float divFmas(float a, float b, float c, bool vcc) {
  if (!vcc)
    return __builtin_fmaf(a, b, c);
  int shift = biasedExponent(c) > 127 ? 64 : -64;
  // In f64, so that a denormal result is rounded once.
  return float(__builtin_ldexp(__builtin_fma(a, b, c), shift));
}
double divFmas(double a, double b, double c, bool vcc) {
  double sum = __builtin_fma(a, b, c);
  return vcc ? __builtin_ldexp(sum, biasedExponent(c) > 1023 ? 128 : -128)
             : sum;
}

template <typename F> const Inst *divFmasOp(Wave &w, const Inst *inst) {
  constexpr LaneType type = laneType<F>();
  alignas(64) uint32_t buffer[3][2 * waveSize], result[2 * waveSize];
  const uint32_t *p[3];
  for (unsigned n = 0; n < 3; ++n)
    p[n] = readSource(w, inst, n, type, buffer[n]);
  uint64_t vcc = w.s64(SlotVcc);
  {
    FpuScope scope(sizeof(F) == 8 ? w.fpu64 : w.fpu32, w.fpu32);
    Source<F, false> a(p[0]), b(p[1]), c(p[2]);
    for (unsigned i = 0; i < waveSize; ++i)
      putLane(result, i, divFmas(a[i], b[i], c[i], vcc >> i & 1));
  }
  writeResult(w, inst, type, result);
  return inst + 1;
}

constexpr VectorOp maskRow(const char *name, VectorForm form, Handler handler,
                           LaneType type = LaneType::B32,
                           unsigned sources = 2) {
  VectorOp op = {};
  op.name = name;
  op.form = form;
  op.sources = uint8_t(sources);
  op.dst = type;
  for (LaneType &source : op.src)
    source = type;
  op.general = handler;
  return op;
}

constexpr VectorOp selectRow() {
  VectorOp op = maskRow("v_cndmask_b32", VectorForm::Select, selectGeneral,
                        LaneType::F32);
  op.plain[0] = selectPlain<0>;
  op.plain[1] = selectPlain<1>;
  op.plain[2] = selectPlain<2>;
  op.plain[3] = selectPlain<3>;
  return op;
}

constexpr VectorOp mad64Row(const char *name, Handler handler) {
  VectorOp op = maskRow(name, VectorForm::CarryOut, handler, LaneType::B32, 3);
  op.dst = op.src[2] = LaneType::B64;
  return op;
}

/// The 16-bit form keeps the other half of its register.
constexpr VectorOp bitop3HalfRow() {
  VectorOp op =
      maskRow("v_bitop3_b16", VectorForm::Value, bitop3, LaneType::B16, 3);
  op.keepsHigh = true;
  return op;
}

constexpr VectorOp cvtPkF16Row() {
  VectorOp op =
      maskRow("v_cvt_pk_f16_f32", VectorForm::Value, cvtPkF16, LaneType::F32);
  op.dst = LaneType::B32;
  op.makesHalf = true;
  return op;
}

constexpr auto carryOut = VectorForm::CarryOut;
constexpr auto carryInOut = VectorForm::CarryInOut;

constexpr VectorOp ops[] = {
    selectRow(),
    maskRow("v_add_co_u32", carryOut, carry<add, false>),
    maskRow("v_sub_co_u32", carryOut, carry<sub, false>),
    maskRow("v_subrev_co_u32", carryOut, carry<subrev, false>),
    maskRow("v_addc_co_u32", carryInOut, carry<add, true>),
    maskRow("v_subb_co_u32", carryInOut, carry<sub, true>),
    maskRow("v_subbrev_co_u32", carryInOut, carry<subrev, true>),
    mad64Row("v_mad_u64_u32", mad64<false>),
    mad64Row("v_mad_i64_i32", mad64<true>),
    maskRow("v_bitop3_b32", VectorForm::Value, bitop3, LaneType::B32, 3),
    bitop3HalfRow(),
    cvtPkF16Row(),
    maskRow("v_mbcnt_lo_u32_b32", VectorForm::Value, mbcnt<false>),
    maskRow("v_mbcnt_hi_u32_b32", VectorForm::Value, mbcnt<true>),
    maskRow("v_div_scale_f32", carryOut, divScaleOp<float>, LaneType::F32, 3),
    maskRow("v_div_scale_f64", carryOut, divScaleOp<double>, LaneType::F64, 3),
    maskRow("v_div_fmas_f32", VectorForm::Value, divFmasOp<float>,
            LaneType::F32, 3),
    maskRow("v_div_fmas_f64", VectorForm::Value, divFmasOp<double>,
            LaneType::F64, 3),
};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::maskOps() { return ops; }
