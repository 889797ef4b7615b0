//===- VectorPackedOps.cpp - Packed vector instructions (VOP3P) -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two halves are computed at once: the low half from the parts that op_sel
// selects, the high half from those of op_sel_hi. Inst::ext is a
// PackedModifiers.
//
//===----------------------------------------------------------------------===//

#include "FloatFunctions.h"
#include "HalfRounding.h"
#include "Packed.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

using H = _Float16;
using U16 = uint16_t;
using I16 = int16_t;

const PackedModifiers &modifiers(const Inst *inst) {
  return *static_cast<const PackedModifiers *>(inst->ext);
}

/// The 32-bit parts of one source for one half, as 64 lanes.
FLYATTN_ALWAYS_INLINE const uint32_t *wordPart(const Wave &w, const Inst *inst,
                                               unsigned n, bool high,
                                               uint32_t *buffer) {
  const PackedModifiers &m = modifiers(inst);
  bool part = high ? m.selectHigh[n] : m.selectLow[n];
  bool neg = high ? m.negHigh[n] : m.negLow[n];
  bool scalar = inst->scalars >> n & 1;
  if (!scalar && !neg)
    return w.vgpr(inst->src[n] + part);
  uint32_t flip = neg ? 0x80000000u : 0;
  if (scalar) {
    uint32_t value = w.s[inst->src[n] + part] ^ flip;
    FLYATTN_LANES buffer[i] = value;
  } else {
    const uint32_t *from = w.vgpr(inst->src[n] + part);
    FLYATTN_LANES buffer[i] = from[i] ^ flip;
  }
  return buffer;
}

/// v_pk_*_f32: a half is a register.
template <auto Fn> struct Words {
  template <typename R, typename... A, size_t... I>
  FLYATTN_ALWAYS_INLINE static void half(R (*)(A...), Wave &w, const Inst *inst,
                                         bool high, uint32_t *out,
                                         std::index_sequence<I...>) {
    alignas(64) uint32_t buffer[sizeof...(A)][waveSize];
    [&](auto... source) {
      FLYATTN_LANES putLane<R>(out, i, Fn(source[i]...));
    }(Source<A, false>(wordPart(w, inst, I, high, buffer[I]))...);
  }
  static const Inst *general(Wave &w, const Inst *inst) {
    alignas(64) uint32_t result[2 * waveSize];
    using Indices = typename Signature<decltype(Fn)>::Indices;
    half(Fn, w, inst, false, result, Indices());
    half(Fn, w, inst, true, result + waveSize, Indices());
    if (modifiers(inst).clamp)
      FLYATTN_LANES {
        for (unsigned h = 0; h < 2; ++h) {
          float x = bits<float>(result[h * waveSize + i]);
          x = x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
          result[h * waveSize + i] = bits<uint32_t>(x);
        }
      }
    writeLanes(w, inst->dst, 2, w.exec(), result);
    return inst + 1;
  }
  /// The low half's result is no source of the high half, and no clamp.
  static const Inst *plain(Wave &w, const Inst *inst) {
    if (w.exec() != allLanes)
      return general(w, inst);
    using Indices = typename Signature<decltype(Fn)>::Indices;
    half(Fn, w, inst, false, w.vgpr(inst->dst), Indices());
    half(Fn, w, inst, true, w.vgpr(inst->dst + 1), Indices());
    return inst + 1;
  }
};

/// The 16-bit part of source `n` for one half.
template <typename T>
FLYATTN_ALWAYS_INLINE T halfPart(uint32_t word, bool part, bool neg) {
  uint16_t value = uint16_t(word >> (part ? 16 : 0));
  return bits<T>(uint16_t(neg ? value ^ 0x8000 : value));
}

/// v_pk_*_f16, _i16, _u16, _b16: a half is 16 bits.
template <auto Fn> struct Halves {
  template <typename R, typename... A, size_t... I>
  static void lanes(R (*)(A...), Wave &w, const Inst *inst, uint32_t *result,
                    std::index_sequence<I...>) {
    const PackedModifiers &m = modifiers(inst);
    const uint32_t *p[sizeof...(A)];
    alignas(64) uint32_t buffer[sizeof...(A)][waveSize];
    for (unsigned n = 0; n < sizeof...(A); ++n) {
      p[n] = w.vgpr(inst->src[n]);
      if (!(inst->scalars >> n & 1))
        continue;
      for (unsigned i = 0; i < waveSize; ++i)
        buffer[n][i] = w.s[inst->src[n]];
      p[n] = buffer[n];
    }
    FpuScope scope(Signature<decltype(Fn)>::wide ? w.fpu64 : w.fpu32, w.fpu32);
    FLYATTN_LANES {
      R low = Fn(halfPart<A>(p[I][i], m.selectLow[I], m.negLow[I])...);
      R high = Fn(halfPart<A>(p[I][i], m.selectHigh[I], m.negHigh[I])...);
      if (std::is_same_v<R, H> && m.clamp) {
        low = low > R(0) ? (low < R(1) ? low : R(1)) : R(0);
        high = high > R(0) ? (high < R(1) ? high : R(1)) : R(0);
      }
      result[i] = bits<U16>(low) | uint32_t(bits<U16>(high)) << 16;
    }
  }
  static const Inst *run(Wave &w, const Inst *inst) {
    alignas(64) uint32_t result[waveSize];
    lanes(Fn, w, inst, result, typename Signature<decltype(Fn)>::Indices());
    writeLanes(w, inst->dst, 1, w.exec(), result);
    return inst + 1;
  }
};

/// v_fma_mix: each source is an f32, or a half of a register as f16.
enum class MixResult { F32, Low, High };
template <MixResult kind> const Inst *fmaMix(Wave &w, const Inst *inst) {
  const PackedModifiers &m = modifiers(inst);
  alignas(64) uint32_t result[waveSize];
  const uint32_t *old = w.vgpr(inst->dst);
  for (unsigned i = 0; i < waveSize; ++i) {
    float x[3];
    for (unsigned n = 0; n < 3; ++n) {
      uint32_t word =
          inst->scalars >> n & 1 ? w.s[inst->src[n]] : w.vgpr(inst->src[n])[i];
      // op_sel_hi: f16 instead of f32; op_sel: its high half.
      x[n] = m.selectHigh[n] ? float(halfPart<H>(word, m.selectLow[n], false))
                             : bits<float>(word);
      if (m.negHigh[n]) // neg_hi is |x| here
        x[n] = __builtin_fabsf(x[n]);
      if (m.negLow[n])
        x[n] = -x[n];
    }
    float sum = __builtin_fmaf(x[0], x[1], x[2]);
    if (m.clamp)
      sum = sum > 0.0f ? (sum < 1.0f ? sum : 1.0f) : 0.0f;
    if (kind == MixResult::F32) {
      result[i] = bits<uint32_t>(sum);
      continue;
    }
    uint32_t half = bits<U16>(H(sum));
    result[i] = kind == MixResult::Low ? (old[i] & 0xffff0000u) | half
                                       : (old[i] & 0xffffu) | half << 16;
  }
  writeLanes(w, inst->dst, 1, w.exec(), result);
  return inst + 1;
}

/// The low result from source 0, the high one from source 1, each from the
/// word that op_sel says.
const Inst *pkMov(Wave &w, const Inst *inst) {
  const PackedModifiers &m = modifiers(inst);
  alignas(64) uint32_t result[2 * waveSize];
  for (unsigned n = 0; n < 2; ++n)
    for (unsigned i = 0; i < waveSize; ++i)
      result[n * waveSize + i] = inst->scalars >> n & 1
                                     ? w.s[inst->src[n] + m.selectLow[n]]
                                     : w.vgpr(inst->src[n] + m.selectLow[n])[i];
  writeLanes(w, inst->dst, 2, w.exec(), result);
  return inst + 1;
}

FLYATTN_LANE_FUNCTIONS

float addF(float a, float b) { return a + b; }
float mulF(float a, float b) { return a * b; }
float fmaF(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

H addH(H a, H b) { return H(float(a) + float(b)); }
H mulH(H a, H b) { return H(float(a) * float(b)); }
H fmaH(H a, H b, H c) { return toHalf(double(a) * double(b) + double(c)); }
template <bool Max, bool Ieee> H extremumH(H a, H b) {
  return extremum<Max, Ieee>(a, b);
}
template <bool Max> H propagatingH(H a, H b, H c) {
  return propagatingExtremum<Max>(propagatingExtremum<Max>(a, b), c);
}
U16 addU(U16 a, U16 b) { return U16(a + b); }
U16 subU(U16 a, U16 b) { return U16(a - b); }
U16 mulU(U16 a, U16 b) { return U16(uint32_t(a) * b); }
U16 madU(U16 a, U16 b, U16 c) { return U16(uint32_t(a) * b + c); }
U16 lshlrev(U16 n, U16 a) { return U16(a << (n & 15)); }
U16 lshrrev(U16 n, U16 a) { return U16(a >> (n & 15)); }
I16 ashrrev(U16 n, I16 a) { return I16(a >> (n & 15)); }
U16 minU(U16 a, U16 b) { return a < b ? a : b; }
U16 maxU(U16 a, U16 b) { return a > b ? a : b; }
I16 minI(I16 a, I16 b) { return a < b ? a : b; }
I16 maxI(I16 a, I16 b) { return a > b ? a : b; }

FLYATTN_END_LANE_FUNCTIONS

template <auto Fn> constexpr PackedOp words(const char *name) {
  return {name, uint8_t(Signature<decltype(Fn)>::sources), LaneType::F32,
          &Words<Fn>::general, &Words<Fn>::plain};
}
template <auto Fn> constexpr PackedOp halves(const char *name) {
  constexpr bool isFloat =
      std::is_same_v<typename Signature<decltype(Fn)>::Result, H>;
  return {name, uint8_t(Signature<decltype(Fn)>::sources),
          isFloat ? LaneType::F16 : LaneType::B16, &Halves<Fn>::run, nullptr};
}

constexpr PackedOp ops[] = {
    words<addF>("v_pk_add_f32"),
    words<mulF>("v_pk_mul_f32"),
    words<fmaF>("v_pk_fma_f32"),
    {"v_pk_mov_b32", 2, LaneType::F32, pkMov, nullptr},
    halves<addH>("v_pk_add_f16"),
    halves<mulH>("v_pk_mul_f16"),
    halves<fmaH>("v_pk_fma_f16"),
    halves<extremumH<true, false>>("v_pk_max_f16"),
    halves<extremumH<false, false>>("v_pk_min_f16"),
    halves<extremumH<true, true>>("v_pk_max_f16.ieee"),
    halves<extremumH<false, true>>("v_pk_min_f16.ieee"),
    halves<propagatingH<true>>("v_pk_maximum3_f16"),
    halves<propagatingH<false>>("v_pk_minimum3_f16"),
    halves<addU>("v_pk_add_u16"),
    halves<addU>("v_pk_add_i16"),
    halves<subU>("v_pk_sub_u16"),
    halves<subU>("v_pk_sub_i16"),
    halves<mulU>("v_pk_mul_lo_u16"),
    halves<madU>("v_pk_mad_u16"),
    halves<madU>("v_pk_mad_i16"),
    halves<lshlrev>("v_pk_lshlrev_b16"),
    halves<lshrrev>("v_pk_lshrrev_b16"),
    halves<ashrrev>("v_pk_ashrrev_i16"),
    halves<minU>("v_pk_min_u16"),
    halves<maxU>("v_pk_max_u16"),
    halves<minI>("v_pk_min_i16"),
    halves<maxI>("v_pk_max_i16"),
    {"v_fma_mix_f32", 3, LaneType::B32, fmaMix<MixResult::F32>, nullptr},
    {"v_fma_mixlo_f16", 3, LaneType::B32, fmaMix<MixResult::Low>, nullptr},
    {"v_fma_mixhi_f16", 3, LaneType::B32, fmaMix<MixResult::High>, nullptr},
};

} // namespace

llvm::ArrayRef<PackedOp> FLYATTN_ISA::packedOps() { return ops; }
