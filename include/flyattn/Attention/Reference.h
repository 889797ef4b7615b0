//===- Reference.h - The right answer, in f64 -----------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For chosen rows of a problem two answers are computed:
//
// 1. the reference: scores, softmax and PV in f64 of the rounded inputs;
// 2. the plain low-precision answer: scores and softmax in f32, P rounded to
//    the element type, PV accumulated in f32, O rounded to the element type.
//
// How far the second is from the first says what error the formats themselves
// cost; a kernel is right if its own error is at most twice that, plus a small
// floor (Compare.h). With f32 elements nothing is rounded but sums: the second
// answer then differs from the first by what f32 arithmetic in a plain order
// costs.
//
// Both are threaded and vectorised and give the same bits whatever the number
// of threads.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_REFERENCE_H
#define FLYATTN_ATTENTION_REFERENCE_H

#include "flyattn/Attention/Problem.h"

#include <cstdint>
#include <vector>

namespace flyattn {

/// Query rows of one (batch, head), ascending, counted from the first of its
/// sequence.
struct HeadRows {
  int64_t batch, head;
  std::vector<int64_t> rows;
};

struct RowSample {
  std::vector<HeadRows> heads;
  bool sampled = false; ///< false: every row of the problem is here

  uint64_t rowCount() const;
};

/// Chooses the rows to check: all of them if that costs at most `budget`
/// multiply-adds (about a second's worth by default), else some rows of some
/// heads. Of each chosen head those are always the first and the last row,
/// then rows at the borders of tiles of `tileRows`, and the rest by `seed`.
RowSample chooseRows(const Problem &problem, int64_t tileRows, uint64_t seed,
                     double budget = 3e9);

/// What the problem's scores are changed by; null for what it has not.
struct HostScoreMods {
  const uint8_t *bias = nullptr; ///< f32 or the element type
  const float *alibiSlopes = nullptr;
  const float *sinks = nullptr;
};

/// The inputs, in the element type of the problem and under its strides.
struct HostInputs {
  const void *q, *k, *v;
  HostScoreMods mods = {};
};

/// Answers for the rows of a sample, in its order.
struct ReferenceRows {
  std::vector<double> o;       ///< [rows][headDimOfV]
  std::vector<double> lse;     ///< [rows]; -inf if the row sees nothing
  std::vector<float> plainO;   ///< [rows][headDimOfV]
  std::vector<float> plainLse; ///< [rows]
};

/// `rounding` is how the plain answer makes bf16 of f32.
ReferenceRows computeReference(const Problem &problem, const HostInputs &inputs,
                               const RowSample &sample, Bf16Rounding rounding);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_REFERENCE_H
