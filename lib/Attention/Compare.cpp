//===- Compare.cpp - How far a result is from the reference ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Compare.h"
#include "flyattn/Runtime/NumericFormats.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace flyattn {

/// Half the distance from 1 to the next number: the relative rounding step.
static double roundingStep(ElementType type) {
  return type == ElementType::BF16  ? 0x1p-8
         : type == ElementType::F16 ? 0x1p-11
                                    : 0x1p-24;
}

/// Whether `value` has to be and is the same as `wanted`, a value that is not
/// finite; finite values agree here whatever they are.
static bool agreesInKind(double value, double wanted) {
  if (std::isfinite(value) && std::isfinite(wanted))
    return true;
  return value == wanted || (std::isnan(value) && std::isnan(wanted));
}

static double largestMagnitude(ArrayRef<double> values) {
  double largest = 0;
  for (double value : values)
    if (std::isfinite(value))
      largest = std::max(largest, std::fabs(value));
  return largest;
}

static double rootMeanSquare(ArrayRef<double> values) {
  double squares = 0;
  for (double value : values)
    if (std::isfinite(value))
      squares += value * value;
  return std::sqrt(squares / std::max<double>(double(values.size()), 1));
}

static double cosine(ArrayRef<double> a, ArrayRef<double> b) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  if (aa == 0 && bb == 0)
    return 1;
  return aa == 0 || bb == 0 ? 0 : ab / std::sqrt(aa * bb);
}

ErrorMeasures measure(ArrayRef<double> result, ArrayRef<double> reference,
                      int64_t dim) {
  ErrorMeasures m;
  double squares = 0, referenceSquares = 0;
  for (size_t first = 0; first < result.size(); first += dim) {
    ArrayRef<double> row = result.slice(first, dim);
    ArrayRef<double> wanted = reference.slice(first, dim);
    double rowMax = 0;
    uint64_t mismatches = 0;
    for (int64_t i = 0; i < dim; ++i) {
      if (!agreesInKind(row[i], wanted[i]))
        ++mismatches;
      if (!std::isfinite(row[i]) || !std::isfinite(wanted[i]))
        continue;
      double error = std::fabs(row[i] - wanted[i]);
      rowMax = std::max(rowMax, error);
      squares += error * error;
      referenceSquares += wanted[i] * wanted[i];
    }
    m.maxAbs = std::max(m.maxAbs, rowMax);
    if (double largest = largestMagnitude(wanted); largest > 0)
      m.maxRel = std::max(m.maxRel, rowMax / largest);
    if (mismatches == 0 &&
        all_of(row, [](double x) { return std::isfinite(x); }))
      m.minRowCosine = std::min(m.minRowCosine, cosine(row, wanted));
    m.mismatches += mismatches;
  }
  double count = std::max<double>(double(result.size()), 1);
  m.rms = std::sqrt(squares / count);
  m.relativeRms =
      referenceSquares > 0 ? std::sqrt(squares / referenceSquares) : 0;
  return m;
}

/// `at` gives the element so many behind the first.
template <typename At>
static std::vector<double> gather(const Problem &problem,
                                  const RowSample &sample, At at) {
  OperandStrides s = problem.stridesOf(Operand::O);
  std::vector<double> rows;
  rows.reserve(sample.rowCount() * problem.headDimOfV());
  for (const HeadRows &head : sample.heads)
    for (int64_t row : head.rows) {
      int64_t first =
          problem.offsetOf(Operand::O, head.batch, head.head) + row * s.seq;
      for (int64_t i = 0; i < problem.headDimOfV(); ++i)
        rows.push_back(at(first + i));
    }
  return rows;
}

std::vector<double> gatherRows(const Problem &problem, const RowSample &sample,
                               const void *o) {
  return gather(problem, sample, [&](int64_t i) {
    return double(loadElement(problem.dtype, o, i));
  });
}

std::vector<double> gatherRows(const Problem &problem, const RowSample &sample,
                               const double *o) {
  return gather(problem, sample, [&](int64_t i) { return o[i]; });
}

static void compareLse(const Problem &problem, const RowSample &sample,
                       const ReferenceRows &reference, const float *lse,
                       Comparison &out) {
  out.hasLse = true;
  double plainError = 0;
  size_t at = 0;
  for (const HeadRows &head : sample.heads)
    for (int64_t row : head.rows) {
      double value = lse[problem.lseIndex(head.batch, head.head, row)];
      double wanted = reference.lse[at];
      if (!agreesInKind(value, wanted))
        ++out.lseMismatches;
      if (std::isfinite(wanted)) {
        plainError =
            std::max(plainError, std::fabs(reference.plainLse[at] - wanted));
        if (std::isfinite(value))
          out.lseMaxAbs = std::max(out.lseMaxAbs, std::fabs(value - wanted));
      }
      ++at;
    }
  double magnitude = std::max(largestMagnitude(reference.lse), 1.0);
  out.lseBound = 2 * plainError + 4 * 0x1p-23 * magnitude;
}

/// Elements that are not zero in rows that see nothing.
static uint64_t nonZerosInEmptyRows(ArrayRef<double> o,
                                    const ReferenceRows &reference,
                                    int64_t dim) {
  uint64_t count = 0;
  for (size_t row = 0; row < reference.lse.size(); ++row)
    if (std::isinf(reference.lse[row]) && reference.lse[row] < 0)
      count += count_if(o.slice(row * dim, dim),
                        [](double x) { return std::isfinite(x) && x != 0; });
  return count;
}

Comparison compare(const Problem &problem, const RowSample &sample,
                   const ReferenceRows &reference, const HostOutputs &outputs,
                   ArrayRef<double> expected) {
  int64_t dim = problem.headDimOfV();
  std::vector<double> ours = gatherRows(problem, sample, outputs.o);
  std::vector<double> plain(reference.plainO.begin(), reference.plainO.end());
  ErrorMeasures plainError = measure(plain, reference.o, dim);

  Comparison out;
  out.rows = sample.rowCount();
  out.o =
      measure(ours, expected.empty() ? ArrayRef(reference.o) : expected, dim);
  out.o.mismatches += nonZerosInEmptyRows(ours, reference, dim);
  double step = roundingStep(problem.dtype);
  out.boundMaxAbs =
      2 * plainError.maxAbs + step * largestMagnitude(reference.o) / 4;
  out.boundRms = 2 * plainError.rms + step * rootMeanSquare(reference.o) / 16;
  if (outputs.lse)
    compareLse(problem, sample, reference, outputs.lse, out);
  return out;
}

bool Comparison::passed() const {
  bool oRight =
      o.mismatches == 0 && o.maxAbs <= boundMaxAbs && o.rms <= boundRms;
  return oRight && lseMismatches == 0 && (!hasLse || lseMaxAbs <= lseBound);
}

} // namespace flyattn
