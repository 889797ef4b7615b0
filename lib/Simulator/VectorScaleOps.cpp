//===- VectorScaleOps.cpp - Conversions with a scale, and stochastic ones -===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   v_cvt_scalef32_[sr_][pk_|pk32_|2xpk16_]<to>_<from>
//   v_cvt_sr_fp8_f32, v_cvt_sr_bf8_f32 (no scale)
//
// The scale is a power of two, the exponent of an f32: to a small format the
// value is divided by it, from a small format multiplied. sr: a random number
// is added below the last place, and the sum cut; each further element takes
// the next number of v_prng_b32. op_sel names the byte or half of a small
// source, and the byte or half of the destination, whose others stay.
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "SmallFloat.h"
#include "VectorGeneral.h"

#include <cmath>

using namespace llvm;
using namespace flyattn::sim;

namespace {

/// An element type at either side.
struct Format {
  const char *name;
  unsigned bits;
  const SmallFormat *small; ///< null: f32, f16 or bf16
};
constexpr Format formats[] = {
    {"f32", 32, nullptr}, {"f16", 16, nullptr}, {"bf16", 16, nullptr},
    {"fp8", 8, &fp8Ocp},  {"bf8", 8, &bf8Ocp},  {"fp6", 6, &fp6},
    {"bf6", 6, &bf6},     {"fp4", 4, &fp4},
};
constexpr Format fnuzFormats[] = {{"fp8", 8, &fp8Fnuz}, {"bf8", 8, &bf8Fnuz}};

struct ScaleDesc {
  const Format *to, *from;
  unsigned elements = 1;
  bool stochastic = false, scaled = true, saturates = false, twoSources = false;
  unsigned firstBit = 0;          ///< of a single small source in its register
  unsigned toBit = 0;             ///< and of the result
  uint16_t random = 0, scale = 0; ///< VGPRs or scalar slots
  bool randomScalar = false, scaleScalar = false;
  bool neg[2] = {}, abs[2] = {}; ///< of the sources
};

uint32_t readBits(const uint32_t *reg, unsigned lane, unsigned at,
                  unsigned bits) {
  uint64_t words = reg[at / 32 * waveSize + lane];
  if (at % 32 + bits > 32)
    words |= uint64_t(reg[(at / 32 + 1) * waveSize + lane]) << 32;
  return uint32_t(words >> at % 32 & ((uint64_t(1) << bits) - 1));
}
void writeBits(uint32_t *words, unsigned at, unsigned bits, uint32_t code) {
  uint64_t mask = ((uint64_t(1) << bits) - 1) << at % 32;
  uint64_t value = uint64_t(code) << at % 32;
  words[at / 32] = uint32_t((words[at / 32] & ~mask) | (value & mask));
  if (at % 32 + bits > 32)
    words[at / 32 + 1] =
        uint32_t((words[at / 32 + 1] & ~(mask >> 32)) | (value >> 32));
}

float half(uint32_t code) {
  return float(__builtin_bit_cast(_Float16, uint16_t(code)));
}

double valueOf(const Format &f, uint32_t code) {
  if (f.small)
    return double(smallToFloat(*f.small, code));
  if (f.bits == 32)
    return double(__builtin_bit_cast(float, code));
  return f.name[0] == 'b' ? double(bf16ToFloat(code)) : double(half(code));
}

/// A scale with the exponent of `word`, as E8M0.
double scaleOf(uint32_t word) {
  int exponent = int(word >> 23 & 255);
  return exponent == 255 ? NAN : std::ldexp(1.0, exponent - 127);
}

/// Adds `random` below the last place of the format, and cuts.
float withNoise(const Format &f, float x, uint32_t random) {
  unsigned mantissa = f.small->mantissaBits, dropped = 23 - mantissa;
  int lowest = 1 - f.small->bias; // denormals have fewer bits
  if (!std::isfinite(x) || x == 0)
    return x;
  // In units of the last place of x's place in the format.
  int unit = std::max(std::ilogb(x), lowest) - int(mantissa);
  double noise =
      std::ldexp(double(random & ((1u << dropped) - 1)), unit - int(dropped));
  double sum = std::fabs(double(x)) + noise;
  double kept = std::floor(std::ldexp(sum, -unit));
  return float(std::copysign(std::ldexp(kept, unit), double(x)));
}

uint32_t codeOf(const Format &f, double x, bool saturates, bool stochastic,
                uint32_t random) {
  auto single = float(x);
  // Beyond the range of f32 a number is still one.
  if (std::isinf(single) && std::isfinite(x))
    single = std::copysign(__FLT_MAX__, single);
  if (stochastic)
    single = withNoise(f, single, random);
  if (f.small)
    return floatToSmall(*f.small, single, saturates || f.bits < 8);
  if (f.bits == 32)
    return __builtin_bit_cast(uint32_t, float(x));
  return f.name[0] == 'b' ? floatToBf16(float(x))
                          : __builtin_bit_cast(uint16_t, _Float16(float(x)));
}

uint32_t operand(const Wave &w, uint16_t index, bool scalar, unsigned lane) {
  return scalar ? w.s[index] : w.vgpr(index)[lane];
}

/// The code of element `n` of lane `lane`.
uint32_t sourceCode(const Wave &w, const Inst *inst, const ScaleDesc &d,
                    unsigned n, unsigned lane) {
  unsigned bits = d.from->bits, which = d.twoSources ? n % 2 : 0;
  unsigned at = d.firstBit + (d.twoSources ? n / 2 : n) * bits;
  uint32_t code = inst->scalars >> which & 1
                      ? w.s[inst->src[which]] >> at % 32 &
                            uint32_t((uint64_t(1) << bits) - 1)
                      : readBits(w.vgpr(inst->src[which]), lane, at, bits);
  uint32_t sign = 1u << (bits - 1);
  code = d.abs[which] ? code & ~sign : code;
  return d.neg[which] ? code ^ sign : code;
}

const Inst *convert(Wave &w, const Inst *inst) {
  const auto &d = *static_cast<const ScaleDesc *>(inst->ext);
  unsigned registers = (d.elements * d.to->bits + 31) / 32;
  std::vector<uint32_t> result(registers * waveSize);
  FpuScope scope(defaultFpu, w.fpu32);
  for (unsigned lane = 0; lane < waveSize; ++lane) {
    uint32_t words[32];
    for (unsigned r = 0; r < registers; ++r)
      words[r] = w.vgpr(inst->dst + r)[lane];
    double scale =
        d.scaled ? scaleOf(operand(w, d.scale, d.scaleScalar, lane)) : 1.0;
    uint32_t random =
        d.stochastic ? operand(w, d.random, d.randomScalar, lane) : 0;
    for (unsigned n = 0; n < d.elements; ++n) {
      double x = valueOf(*d.from, sourceCode(w, inst, d, n, lane));
      x = d.from->small ? x * scale : x / scale;
      writeBits(words, d.toBit + n * d.to->bits, d.to->bits,
                codeOf(*d.to, x, d.saturates, d.stochastic, random));
      random = random << 1 ^ (random >> 31 ? 0xc5u : 0u);
    }
    for (unsigned r = 0; r < registers; ++r)
      result[r * waveSize + lane] = words[r];
  }
  writeLanes(w, inst->dst, registers, w.exec(), result.data());
  return inst + 1;
}

const Format *formatOf(StringRef name, bool gfx950) {
  if (!gfx950)
    for (const Format &f : fnuzFormats)
      if (name == f.name)
        return &f;
  for (const Format &f : formats)
    if (name == f.name)
      return &f;
  return nullptr;
}

/// Reads the mnemonic.
bool describe(InstBuilder &b, StringRef name, ScaleDesc &d) {
  name.consume_front("v_cvt_");
  d.scaled = name.consume_front("scalef32_");
  d.stochastic = name.consume_front("sr_");
  if (name.consume_front("2xpk16_"))
    d.elements = 32;
  else if (name.consume_front("pk32_"))
    d.elements = 32;
  else if (name.consume_front("pk_"))
    d.elements = 2;
  auto [to, from] = name.split('_');
  d.to = formatOf(to, b.isGfx950());
  d.from = formatOf(from, b.isGfx950());
  d.saturates = b.info().rsrc1 >> 26 & 1; // FP16_OVFL
  return d.to && d.from;
}

/// The entries of op_sel at `first` and behind it, as a number.
unsigned selection(const AsmText &text, unsigned first) {
  auto list = text.list("op_sel");
  unsigned result = 0;
  for (unsigned n = 0; list && n < 2 && first + n < list->size(); ++n)
    result |= unsigned((*list)[first + n]) << n;
  return result;
}

/// Where a small source or result lies in its register.
void readPlaces(const AsmText &text, ScaleDesc &d) {
  unsigned width = d.elements * d.from->bits;
  if (d.from->small && width <= 16) // a byte of four, or a half of two
    d.firstBit =
        width == 8 ? 8 * selection(text, 0) : 16 * (selection(text, 0) & 1);
  else if (!d.from->small && width == 16)
    d.firstBit = 16 * (selection(text, 0) & 1);
  width = d.elements * d.to->bits;
  auto list = text.list("op_sel");
  if (width == 8)
    d.toBit = 8 * selection(text, 2);
  else if (width == 16 && list && list->back())
    d.toBit = 16;
}

bool build(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  auto *d = b.extension<ScaleDesc>();
  if (!describe(b, text.base, *d))
    return b.refuse("types");
  for (const auto &[name, value] : text.modifiers)
    if (name != "op_sel")
      return b.refuse("modifier of a conversion with a scale");
  readPlaces(text, *d);
  // Two f32 sources in operands of their own; sr takes a pair instead.
  d->twoSources = !d->stochastic && d->elements > 1 && d->from->bits == 32;
  unsigned next = 0;
  unsigned registers = (d->elements * d->to->bits + 31) / 32;
  if (text.operands.size() != 2u + d->twoSources + d->stochastic + d->scaled)
    return b.refuse("number of operands");
  if (!b.vectorRegister(text.operands[next++], registers, inst.dst))
    return false;
  unsigned sources = d->twoSources ? 2 : 1;
  unsigned perSource = (d->elements * d->from->bits / sources + 31) / 32;
  for (unsigned n = 0; n < sources; ++n) {
    const TextOperand &op = text.operands[next++];
    d->neg[n] = op.neg;
    d->abs[n] = op.abs;
    bool single = perSource == 1;
    if (single ? !b.setSource(inst, n, op, LaneType::B32)
               : !b.vectorRegister(op, perSource, inst.src[n]))
      return false;
  }
  if (d->stochastic && !b.vectorSource(text.operands[next++], LaneType::B32,
                                       d->random, d->randomScalar))
    return false;
  if (d->scaled && !b.vectorSource(text.operands[next++], LaneType::F32,
                                   d->scale, d->scaleScalar))
    return false;
  inst.ext = d;
  inst.fn = convert;
  return true;
}

/// Every combination that exists.
std::vector<std::string> mnemonics() {
  std::vector<std::string> all = {"v_cvt_sr_fp8_f32", "v_cvt_sr_bf8_f32"};
  std::string v = "v_cvt_scalef32_";
  for (std::string wide : {"f32", "f16", "bf16"}) {
    for (std::string small : {"fp8", "bf8"}) {
      all.push_back(v + "pk_" + small + "_" + wide);
      all.push_back(v + "sr_" + small + "_" + wide);
      all.push_back(v + "pk_" + wide + "_" + small);
      if (wide != "bf16")
        all.push_back(v + wide + "_" + small);
    }
    for (std::string small : {"fp6", "bf6"}) {
      all.push_back(v + (wide == "f32" ? "2xpk16_" : "pk32_") + small + "_" +
                    wide);
      all.push_back(v + "sr_pk32_" + small + "_" + wide);
      all.push_back(v + "pk32_" + wide + "_" + small);
    }
    all.push_back(v + "pk_fp4_" + wide);
    all.push_back(v + "sr_pk_fp4_" + wide);
    all.push_back(v + "pk_" + wide + "_fp4");
  }
  return all;
}

} // namespace

void flyattn::sim::registerVectorScaleOps(OpTable &table) {
  for (const std::string &name : mnemonics())
    table[name] = {build, nullptr};
}
