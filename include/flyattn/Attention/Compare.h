//===- Compare.h - How far a result is from the reference -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The measures, over the checked rows:
//
//   max_abs         largest |o - ref|
//   max_rel         largest over rows of (max |o - ref|) / (max |ref|)
//   rms             root of the mean of (o - ref)^2
//   relative_rms    rms / root of the mean of ref^2
//   min_row_cosine  smallest cosine of a row with its reference
//   lse             largest |lse - ref|
//
// The bounds are twice the same measure of the plain low-precision answer
// (Reference.h) plus a floor: a quarter of the element type's rounding step at
// the largest |ref| for max_abs, a sixteenth of it at the root mean square of
// ref for rms (f32 has its own step, 2^-24); four f32 rounding steps at the
// largest |ref|, but at least at 1, for lse.
//
// Values that are not finite do not enter the measures. They must agree with
// the reference in place and kind (an LSE of -inf where a row sees nothing);
// each that does not is a mismatch, and so is a row that sees nothing and is
// not all zeros.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_COMPARE_H
#define FLYATTN_ATTENTION_COMPARE_H

#include "flyattn/Attention/Reference.h"

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace flyattn {

struct ErrorMeasures {
  double maxAbs = 0, maxRel = 0, rms = 0, relativeRms = 0;
  double minRowCosine = 1;
  uint64_t mismatches = 0; ///< see above
};

struct Comparison {
  ErrorMeasures o;
  double boundMaxAbs = 0, boundRms = 0;
  bool hasLse = false;
  double lseMaxAbs = 0, lseBound = 0;
  uint64_t lseMismatches = 0;
  uint64_t rows = 0; ///< checked

  bool passed() const;
};

/// Measures rows of `result` against rows of `reference`, both [rows][dim].
ErrorMeasures measure(llvm::ArrayRef<double> result,
                      llvm::ArrayRef<double> reference, int64_t dim);

/// What a kernel wrote, in host memory: `o` under the problem's strides, `lse`
/// f32 [batch, heads, seqlenQ] or null (of packed sequences [heads, total]).
struct HostOutputs {
  const void *o; ///< in the problem's element type
  const float *lse;
};

/// Compares outputs with the reference. If `expected` is not empty it replaces
/// the reference's O ([rows of the sample][headDimOfV]); the bounds stay.
Comparison compare(const Problem &problem, const RowSample &sample,
                   const ReferenceRows &reference, const HostOutputs &outputs,
                   llvm::ArrayRef<double> expected = {});

/// The rows of `sample` of an O in host memory under the problem's strides,
/// as [rows][headDimOfV].
std::vector<double> gatherRows(const Problem &problem, const RowSample &sample,
                               const void *o);
std::vector<double> gatherRows(const Problem &problem, const RowSample &sample,
                               const double *o);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_COMPARE_H
