//===- VectorLoop.h - Handlers made from functions on one lane ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A vector instruction is a plain function on the values of one lane, such as
//
//   float addF32(float a, float b) { return a + b; }
//
// The types say how operands are read: float and double take sign modifiers,
// _Float16 and 16-bit integers one half of a register, 64-bit types a pair.
// `valueOp<addF32, Hot>` makes the table row: a loop over 64 lanes for every
// combination of vector and scalar operands (Hot), and one for all else.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_VECTORLOOP_H
#define FLYATTN_LIB_SIMULATOR_VECTORLOOP_H

#include "VectorGeneral.h"
#include "VectorOp.h"

#include <immintrin.h>
#include <type_traits>
#include <utility>

#define FLYATTN_PRAGMA(...) _Pragma(#__VA_ARGS__)
#if defined(__clang__)
#define FLYATTN_LANES                                                          \
  FLYATTN_PRAGMA(clang loop vectorize(assume_safety) interleave_count(4)       \
                     unroll(disable))                                          \
  for (unsigned i = 0; i < waveSize; ++i)
#define FLYATTN_VECTORISE                                                      \
  FLYATTN_PRAGMA(clang loop vectorize(assume_safety) unroll(disable))
// The functions on one lane between these two are inlined into their loops.
#define FLYATTN_LANE_FUNCTIONS                                                 \
  FLYATTN_PRAGMA(clang attribute push(__attribute__((always_inline)),          \
                                      apply_to = function))
#define FLYATTN_END_LANE_FUNCTIONS FLYATTN_PRAGMA(clang attribute pop)
#else
#define FLYATTN_LANES                                                          \
  FLYATTN_PRAGMA(GCC ivdep) for (unsigned i = 0; i < waveSize; ++i)
#define FLYATTN_VECTORISE FLYATTN_PRAGMA(GCC ivdep)
#define FLYATTN_LANE_FUNCTIONS
#define FLYATTN_END_LANE_FUNCTIONS
#endif

namespace flyattn::sim::FLYATTN_ISA {

enum Heat { Cold, Hot };

template <typename To, typename From> FLYATTN_ALWAYS_INLINE To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, from);
}

template <typename T> constexpr LaneType laneType() {
  if constexpr (std::is_same_v<T, float>)
    return LaneType::F32;
  else if constexpr (std::is_same_v<T, double>)
    return LaneType::F64;
  else if constexpr (std::is_same_v<T, _Float16>)
    return LaneType::F16;
  else if constexpr (sizeof(T) == 2)
    return LaneType::B16;
  else if constexpr (sizeof(T) == 8)
    return LaneType::B64;
  else
    return LaneType::B32;
}

/// Does the f16/f64 half of MODE govern the type?
template <typename T>
constexpr bool isWideFloat =
    std::is_same_v<T, double> || std::is_same_v<T, _Float16>;

template <typename T>
FLYATTN_ALWAYS_INLINE T fromBits(uint32_t low, uint32_t high) {
  if constexpr (sizeof(T) == 8)
    return bits<T>(uint64_t(low) | uint64_t(high) << 32);
  else if constexpr (sizeof(T) == 2)
    return bits<T>(uint16_t(low));
  else
    return bits<T>(low);
}

template <typename T>
FLYATTN_ALWAYS_INLINE void putLane(uint32_t *out, unsigned i, T value) {
  if constexpr (sizeof(T) == 8) {
    uint64_t all = bits<uint64_t>(value);
    out[i] = uint32_t(all);
    out[i + waveSize] = uint32_t(all >> 32);
  } else if constexpr (sizeof(T) == 2) {
    out[i] = bits<uint16_t>(value);
  } else {
    out[i] = bits<uint32_t>(value);
  }
}

/// One source operand of a loop: a value for all lanes, or 64 of them.
template <typename T, bool Scalar> struct Source;
template <typename T> struct Source<T, true> {
  T value;
  FLYATTN_ALWAYS_INLINE Source(const Wave &w, unsigned n)
      : value(fromBits<T>(w.s[n], sizeof(T) == 8 ? w.s[n + 1] : 0)) {}
  FLYATTN_ALWAYS_INLINE T operator[](unsigned) const { return value; }
};
template <typename T> struct Source<T, false> {
  const uint32_t *lanes;
  FLYATTN_ALWAYS_INLINE Source(const Wave &w, unsigned n) : lanes(w.vgpr(n)) {}
  FLYATTN_ALWAYS_INLINE explicit Source(const uint32_t *lanes) : lanes(lanes) {}
  FLYATTN_ALWAYS_INLINE T operator[](unsigned i) const {
    return fromBits<T>(lanes[i], sizeof(T) == 8 ? lanes[i + waveSize] : 0);
  }
};

/// Stores a loop's result under EXEC.
FLYATTN_ALWAYS_INLINE void blend(uint32_t *out, const uint32_t *result,
                                 const uint32_t *mask) {
  FLYATTN_LANES out[i] = (result[i] & mask[i]) | (out[i] & ~mask[i]);
}

/// The lane mask from 64 words that are 0 or ~0.
FLYATTN_ALWAYS_INLINE uint64_t packMask(const uint32_t *words) {
  uint64_t mask = 0;
  for (unsigned i = 0; i < waveSize; i += 4) {
    __m128 four = _mm_load_ps(reinterpret_cast<const float *>(words + i));
    mask |= uint64_t(_mm_movemask_ps(four)) << i;
  }
  return mask;
}

template <typename Fn> struct Signature;
template <typename R, typename... A> struct Signature<R (*)(A...)> {
  using Result = R;
  static constexpr unsigned sources = sizeof...(A);
  static constexpr bool wide = (isWideFloat<A> || ... || isWideFloat<R>);
  using Indices = std::make_index_sequence<sizeof...(A)>;
};

/// Handlers of an instruction without modifiers; bit n of Scalars tells that
/// source n is scalar.
template <auto Fn, unsigned Scalars> struct Plain {
  using Sig = Signature<decltype(Fn)>;
  using R = typename Sig::Result;

  template <typename... S>
  FLYATTN_ALWAYS_INLINE static void loop(uint32_t *out, S... source) {
    FLYATTN_LANES putLane<R>(out, i, Fn(source[i]...));
  }
  template <typename... A, size_t... I>
  FLYATTN_ALWAYS_INLINE static void sources(R (*)(A...), Wave &w,
                                            const Inst *inst, uint32_t *out,
                                            std::index_sequence<I...>) {
    loop(out, Source<A, (Scalars >> I & 1) != 0>(w, inst->src[I])...);
  }
  static const Inst *run(Wave &w, const Inst *inst) {
    uint32_t *dst = w.vgpr(inst->dst);
    if (w.exec() == allLanes) [[likely]] {
      sources(Fn, w, inst, dst, typename Sig::Indices());
      return inst + 1;
    }
    alignas(64) uint32_t result[waveSize];
    sources(Fn, w, inst, result, typename Sig::Indices());
    blend(dst, result, w.laneMask());
    return inst + 1;
  }
};

/// The handler for any operands and modifiers.
template <auto Fn> struct General {
  using Sig = Signature<decltype(Fn)>;
  using R = typename Sig::Result;
  static constexpr unsigned resultRegisters = sizeof(R) == 8 ? 2 : 1;

  template <typename... A, size_t... I>
  FLYATTN_ALWAYS_INLINE static void evaluate(R (*)(A...), Wave &w,
                                             const Inst *inst, uint32_t *out,
                                             std::index_sequence<I...>) {
    alignas(64) uint32_t buffer[sizeof...(A)][2 * waveSize];
    [&](auto... source) {
      FpuScope scope(Sig::wide ? w.fpu64 : w.fpu32, w.fpu32);
      FLYATTN_LANES putLane<R>(out, i, Fn(source[i]...));
    }(Source<A, false>(readSource(w, inst, I, laneType<A>(), buffer[I]))...);
  }
  static const Inst *run(Wave &w, const Inst *inst) {
    alignas(64) uint32_t result[2 * waveSize];
    evaluate(Fn, w, inst, result, typename Sig::Indices());
    writeResult(w, inst, laneType<R>(), result);
    return inst + 1;
  }
};

/// A source that is a register, or a scalar in all lanes of `buffer`.
FLYATTN_ALWAYS_INLINE const uint32_t *
sourceLanes(const Wave &w, const Inst *inst, unsigned n, uint32_t *buffer) {
  if (!(inst->scalars >> n & 1))
    return w.vgpr(inst->src[n]);
  uint32_t value = w.s[inst->src[n]];
  FLYATTN_LANES buffer[i] = value;
  return buffer;
}

/// An f32 source with signs.
struct SignedSource {
  const uint32_t *lanes;
  uint32_t keep, flip;
  FLYATTN_ALWAYS_INLINE SignedSource(const SourceModifiers &m,
                                     const uint32_t *lanes)
      : lanes(lanes), keep(m.abs ? 0x7fffffffu : ~0u),
        flip(m.neg ? 0x80000000u : 0) {}
  FLYATTN_ALWAYS_INLINE float operator[](unsigned i) const {
    return bits<float>((lanes[i] & keep) ^ flip);
  }
};

/// A byte, a word or all of a 32-bit integer source, as SDWA selects it.
struct PartSource {
  static constexpr uint8_t shifts[] = {0, 8, 16, 24, 0, 16, 0}; // as Sel
  const uint32_t *lanes;
  uint32_t shift, keep;
  FLYATTN_ALWAYS_INLINE PartSource(const SourceModifiers &m,
                                   const uint32_t *lanes)
      : lanes(lanes), shift(shifts[unsigned(m.sel)]),
        keep(m.sel == Sel::Dword   ? ~0u
             : m.sel >= Sel::Word0 ? 0xffff
                                   : 0xff) {}
  FLYATTN_ALWAYS_INLINE uint32_t operator[](unsigned i) const {
    return lanes[i] >> shift & keep;
  }
};

/// The handler for sources with modifiers of one kind and no other modifiers.
template <auto Fn, typename Operand> struct Modified {
  using Sig = Signature<decltype(Fn)>;
  using R = typename Sig::Result;

  template <typename... S>
  FLYATTN_ALWAYS_INLINE static void loop(uint32_t *out, S... source) {
    FLYATTN_LANES putLane<R>(out, i, Fn(source[i]...));
  }
  template <size_t... I>
  FLYATTN_ALWAYS_INLINE static void
  sources(Wave &w, const Inst *inst, uint32_t *out, std::index_sequence<I...>) {
    alignas(64) uint32_t buffer[sizeof...(I)][waveSize];
    const auto *m = static_cast<const VectorModifiers *>(inst->ext);
    loop(out, Operand(m->src[I], sourceLanes(w, inst, I, buffer[I]))...);
  }
  static const Inst *run(Wave &w, const Inst *inst) {
    uint32_t *dst = w.vgpr(inst->dst);
    if (w.exec() == allLanes) [[likely]] {
      sources(w, inst, dst, typename Sig::Indices());
      return inst + 1;
    }
    alignas(64) uint32_t result[waveSize];
    sources(w, inst, result, typename Sig::Indices());
    blend(dst, result, w.laneMask());
    return inst + 1;
  }
};

/// A compare: Fn returns bool, the result is a lane mask.
template <auto Fn, bool WritesExec, int Scalars> struct Compare {
  using Sig = Signature<decltype(Fn)>;

  template <typename... S>
  FLYATTN_ALWAYS_INLINE static uint64_t loop(S... source) {
    alignas(64) uint32_t words[waveSize];
    FLYATTN_LANES words[i] = Fn(source[i]...) ? ~0u : 0u;
    return packMask(words);
  }
  template <typename... A, size_t... I>
  FLYATTN_ALWAYS_INLINE static uint64_t evaluate(bool (*)(A...), Wave &w,
                                                 const Inst *inst,
                                                 std::index_sequence<I...>) {
    if constexpr (Scalars >= 0) {
      return loop(Source<A, (Scalars >> I & 1) != 0>(w, inst->src[I])...);
    } else {
      alignas(64) uint32_t buffer[sizeof...(A)][2 * waveSize];
      FpuScope scope(Sig::wide ? w.fpu64 : w.fpu32, w.fpu32);
      return loop(Source<A, false>(
          readSource(w, inst, I, laneType<A>(), buffer[I]))...);
    }
  }
  static const Inst *run(Wave &w, const Inst *inst) {
    uint64_t mask = evaluate(Fn, w, inst, typename Sig::Indices());
    mask &= Scalars >= 0 ? w.exec() : writtenLanes(w, inst);
    w.setS64(inst->sdst, mask);
    if (WritesExec)
      w.setS64(SlotExec, mask);
    return inst + 1;
  }
};

template <typename T, typename R, typename... A>
constexpr bool takesOnly(R (*)(A...)) {
  return (std::is_same_v<A, T> && ...);
}

template <typename R, typename... A>
constexpr void describeSources(VectorOp &op, R (*)(A...)) {
  op.sources = sizeof...(A);
  unsigned n = 0;
  ((op.src[n++] = laneType<A>()), ...);
  if constexpr (!std::is_same_v<R, bool>)
    op.dst = laneType<R>();
}

/// The table row of `vdst = Fn(sources)`.
template <auto Fn, Heat heat = Cold>
constexpr VectorOp valueOp(const char *name) {
  VectorOp op = {};
  op.name = name;
  op.form = VectorForm::Value;
  describeSources(op, Fn);
  op.general = &General<Fn>::run;
  using Sig = Signature<decltype(Fn)>;
  if constexpr (heat == Hot) {
    static_assert(!Sig::wide && sizeof(typename Sig::Result) == 4);
    if constexpr (takesOnly<float>(Fn))
      op.signs = &Modified<Fn, SignedSource>::run;
    if constexpr (takesOnly<uint32_t>(Fn) && Sig::sources <= 2)
      op.parts = &Modified<Fn, PartSource>::run;
    op.plain[0] = &Plain<Fn, 0>::run;
    op.plain[1] = &Plain<Fn, 1>::run;
    if constexpr (Sig::sources >= 2) {
      op.plain[2] = &Plain<Fn, 2>::run;
    }
    if constexpr (Sig::sources >= 3) {
      op.plain[4] = &Plain<Fn, 4>::run;
      op.plain[3] = &Plain<Fn, 3>::run;
      op.plain[5] = &Plain<Fn, 5>::run;
      op.plain[6] = &Plain<Fn, 6>::run;
    }
  }
  return op;
}

/// As valueOp, for a 16-bit result that keeps the other half of its register.
template <auto Fn> constexpr VectorOp keepHighOp(const char *name) {
  VectorOp op = valueOp<Fn>(name);
  op.keepsHigh = true;
  return op;
}

/// As valueOp, for a destination that is also the last source.
template <auto Fn, Heat heat = Cold>
constexpr VectorOp accumulateOp(const char *name) {
  VectorOp op = valueOp<Fn, heat>(name);
  op.readsDst = true;
  return op;
}

template <auto Fn, bool WritesExec, Heat heat = Cold>
constexpr VectorOp compareOp(const char *name) {
  VectorOp op = {};
  op.name = name;
  op.form = WritesExec ? VectorForm::CompareExec : VectorForm::Compare;
  describeSources(op, Fn);
  op.general = &Compare<Fn, WritesExec, -1>::run;
  if constexpr (heat == Hot) {
    op.plain[0] = &Compare<Fn, WritesExec, 0>::run;
    op.plain[1] = &Compare<Fn, WritesExec, 1>::run;
    op.plain[2] = &Compare<Fn, WritesExec, 2>::run;
  }
  return op;
}

} // namespace flyattn::sim::FLYATTN_ISA

#endif // FLYATTN_LIB_SIMULATOR_VECTORLOOP_H
