//===- ScalarOp.h - Scalar instructions made from functions ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instruction is a function of its source values; a trailing `uint32_t &`
// is SCC. The types tell the sizes of the operands.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_SCALAROP_H
#define FLYATTN_LIB_SIMULATOR_SCALAROP_H

#include "Decode.h"
#include "Wave.h"

#include <type_traits>
#include <utility>

namespace flyattn::sim {

using Scc = uint32_t &;

template <typename T> T readScalar(Wave &w, unsigned slot) {
  if constexpr (std::is_same_v<T, Scc>)
    return w.scc();
  else if constexpr (sizeof(T) == 8)
    return T(w.s64(slot));
  else
    return T(w.s[slot]);
}

template <typename T> void writeScalar(Wave &w, unsigned slot, T value) {
  if constexpr (sizeof(T) == 8)
    w.setS64(slot, uint64_t(value));
  else
    w.s[slot] = uint32_t(value);
}

struct ScalarOp {
  const char *name;
  Handler handler;
  uint8_t dst;           ///< registers of the result; 0 = none
  uint8_t src[3];        ///< registers of each source; 0 = none
  bool readsDst = false; ///< the destination is also the first source
};

template <auto Fn> struct Op {
  template <typename R, typename... A, size_t... N>
  static void apply(R (*)(A...), Wave &w, const Inst *inst,
                    std::index_sequence<N...>) {
    if constexpr (std::is_void_v<R>)
      Fn(readScalar<A>(w, inst->src[N])...);
    else
      writeScalar<R>(w, inst->dst, Fn(readScalar<A>(w, inst->src[N])...));
  }
  template <typename R, typename... A>
  static constexpr auto indices(R (*)(A...)) {
    return std::make_index_sequence<sizeof...(A)>();
  }
  static const Inst *run(Wave &w, const Inst *inst) {
    apply(Fn, w, inst, indices(Fn));
    return inst + 1;
  }
};

template <typename T> constexpr uint8_t registers() {
  if constexpr (std::is_void_v<T> || std::is_reference_v<T>)
    return 0;
  else
    return sizeof(T) / 4;
}

template <typename R, typename... A>
constexpr ScalarOp describe(const char *name, Handler handler, R (*)(A...)) {
  ScalarOp op = {name, handler, registers<R>(), {}};
  unsigned n = 0;
  ((registers<A>() ? void(op.src[n++] = registers<A>()) : void()), ...);
  return op;
}

template <auto Fn> constexpr ScalarOp row(const char *name) {
  return describe(name, &Op<Fn>::run, Fn);
}

/// SOPK: the destination is the first source, the immediate the second.
template <auto Fn> constexpr ScalarOp rowK(const char *name) {
  ScalarOp op = row<Fn>(name);
  op.readsDst = true;
  return op;
}

/// The destination, if any, then the sources.
bool buildScalar(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_SCALAROP_H
