//===- HeadMods.h - What changes the scores of one head -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_ATTENTION_HEADMODS_H
#define FLYATTN_LIB_ATTENTION_HEADMODS_H

#include "flyattn/Attention/Reference.h"
#include "flyattn/Runtime/NumericFormats.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace flyattn {

/// What changes the scores of one (batch, head).
class HeadMods {
public:
  HeadMods(const Problem &problem, const HostScoreMods &mods, int64_t batch,
           int64_t head)
      : softcap(problem.softcap), dtype(problem.dtype),
        distance(problem.rowsOf(Operand::K, batch).length -
                 problem.rowsOf(Operand::Q, batch).length) {
    if (problem.bias) {
      biasType = problem.bias->type;
      strides = problem.bias->strides();
      bias = mods.bias + (batch * strides[0] + head * strides[1]) * biasBytes();
    }
    if (problem.alibiSlopes)
      slope = mods.alibiSlopes[head];
    if (problem.sinks)
      sink = mods.sinks[head];
  }

  template <typename T> T modify(T score, int64_t row, int64_t column) const {
    if (softcap)
      score = T(*softcap) * std::tanh(score / T(*softcap));
    if (bias)
      score += T(biasAt(row, column));
    if (slope)
      score -= T(*slope) * T(std::abs(row + distance - column));
    return score;
  }

  std::optional<float> sink;

private:
  int64_t biasBytes() const { return biasType == BiasType::F32 ? 4 : 2; }
  float biasAt(int64_t row, int64_t column) const {
    const uint8_t *at = bias + (row * strides[2] + column) * biasBytes();
    if (biasType == BiasType::F32) {
      float value;
      std::memcpy(&value, at, sizeof(value));
      return value;
    }
    uint16_t bits;
    std::memcpy(&bits, at, sizeof(bits));
    return toFloat(dtype, bits);
  }

  std::optional<double> softcap;
  ElementType dtype;
  int64_t distance;
  const uint8_t *bias = nullptr;
  BiasType biasType = BiasType::F32;
  std::array<int64_t, 4> strides = {};
  std::optional<float> slope;
};

} // namespace flyattn

#endif // FLYATTN_LIB_ATTENTION_HEADMODS_H
