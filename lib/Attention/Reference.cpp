//===- Reference.cpp - The right answer, in f64 ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Work is cut into blocks of rows of one head, which threads take one by one.
// A block goes over the KV sequence twice: once for the scores, which it keeps
// all, and once for P V. K and V are converted a KV block at a time.
//
//===----------------------------------------------------------------------===//

#include "HeadMods.h"

#include "flyattn/Attention/Reference.h"
#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/Support/Parallel.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace llvm;

namespace flyattn {

namespace {

constexpr int64_t kKvBlock = 64;
constexpr int64_t kRowStep = 4; ///< rows that one pass of `gemm` holds

/// C[rows][n] += A[rows][k] * B[k][n] for rows a multiple of kRowStep and n a
/// multiple of 16. Each sum runs over k in ascending order.
template <typename T>
[[gnu::always_inline]] inline void gemm(const T *a, int64_t lda, const T *b,
                                        int64_t ldb, T *c, int64_t ldc,
                                        int64_t rows, int64_t n, int64_t k) {
  typedef T Vec __attribute__((vector_size(64)));
  constexpr int64_t width = sizeof(Vec) / sizeof(T);
  for (int64_t row = 0; row < rows; row += kRowStep)
    for (int64_t column = 0; column < n; column += width) {
      Vec sum[kRowStep];
      for (int64_t i = 0; i < kRowStep; ++i)
        std::memcpy(&sum[i], c + (row + i) * ldc + column, sizeof(Vec));
      for (int64_t at = 0; at < k; ++at) {
        Vec vb;
        std::memcpy(&vb, b + at * ldb + column, sizeof(Vec));
        for (int64_t i = 0; i < kRowStep; ++i)
          sum[i] += a[(row + i) * lda + at] * vb;
      }
      for (int64_t i = 0; i < kRowStep; ++i)
        std::memcpy(c + (row + i) * ldc + column, &sum[i], sizeof(Vec));
    }
}

#define FLYATTN_CLONES                                                         \
  __attribute__((target_clones("default", "avx2", "avx512f")))

FLYATTN_CLONES void multiply(const double *a, int64_t lda, const double *b,
                             int64_t ldb, double *c, int64_t ldc, int64_t rows,
                             int64_t n, int64_t k) {
  gemm(a, lda, b, ldb, c, ldc, rows, n, k);
}

FLYATTN_CLONES void multiply(const float *a, int64_t lda, const float *b,
                             int64_t ldb, float *c, int64_t ldc, int64_t rows,
                             int64_t n, int64_t k) {
  gemm(a, lda, b, ldb, c, ldc, rows, n, k);
}

/// One (batch, head) of the inputs.
struct HeadView {
  ElementType type;
  int64_t headDim, headDimV, seqlenKv;
  const void *q, *k, *v;
  int64_t qFirst, kFirst, vFirst; ///< elements to row 0
  int64_t qSeq, kSeq, vSeq;       ///< elements
  double scale;
  HeadMods mods;
};

/// Rows of one head, computed in T.
template <typename T> class RowBlock {
public:
  RowBlock(const HeadView &head, ArrayRef<int64_t> rows,
           ArrayRef<ColumnRange> visible)
      : head(head), rows(rows), visible(visible),
        padded(alignTo(rows.size(), kRowStep)), columns(0) {
    for (ColumnRange seen : visible)
      columns = std::max<int64_t>(columns, alignTo(seen.end, kKvBlock));
  }

  /// Scores and softmax: fills p (not normalised), sum and lse.
  void softmax() {
    computeScores();
    sum.assign(rows.size(), 0);
    lse.assign(rows.size(), -std::numeric_limits<T>::infinity());
    for (size_t row = 0; row < rows.size(); ++row)
      softmaxRow(row);
  }

  template <typename Round> void roundP(Round round) {
    for (T &value : p)
      value = round(value);
  }

  /// o[row] = p[row] V / sum[row], or zeros for a row that sees nothing.
  void multiplyByV(T *o) {
    int64_t d = head.headDimV, wide = alignTo(d, 16);
    std::vector<T> acc(padded * wide, 0), block(kKvBlock * wide, 0);
    for (int64_t first = 0; first < columns; first += kKvBlock) {
      for (int64_t j = 0; j < kKvBlock; ++j)
        for (int64_t i = 0; i < d; ++i)
          block[j * wide + i] =
              first + j < head.seqlenKv
                  ? T(loadElement(head.type, head.v,
                                  head.vFirst + (first + j) * head.vSeq + i))
                  : T(0);
      multiply(p.data() + first, columns, block.data(), wide, acc.data(), wide,
               padded, wide, kKvBlock);
    }
    for (size_t row = 0; row < rows.size(); ++row)
      for (int64_t i = 0; i < d; ++i)
        o[row * d + i] =
            sum[row] == T(0) ? T(0) : acc[row * wide + i] / sum[row];
  }

  std::vector<T> sum, lse; ///< [rows]

private:
  void computeScores() {
    int64_t d = head.headDim;
    std::vector<T> q(padded * d, 0), block(d * kKvBlock);
    for (size_t row = 0; row < rows.size(); ++row)
      for (int64_t i = 0; i < d; ++i)
        q[row * d + i] = loadElement(head.type, head.q,
                                     head.qFirst + rows[row] * head.qSeq + i);
    p.assign(padded * columns, 0);
    for (int64_t first = 0; first < columns; first += kKvBlock) {
      int64_t count = std::min(kKvBlock, head.seqlenKv - first);
      for (int64_t j = 0; j < count; ++j)
        for (int64_t i = 0; i < d; ++i)
          block[i * kKvBlock + j] = loadElement(
              head.type, head.k, head.kFirst + (first + j) * head.kSeq + i);
      multiply(q.data(), d, block.data(), kKvBlock, p.data() + first, columns,
               padded, kKvBlock, d);
    }
  }

  /// Turns a row of scores into exp(scale * score - max).
  void softmaxRow(size_t row) {
    T *line = p.data() + row * columns;
    auto [begin, end] = visible[row];
    std::fill(line, line + begin, T(0));
    std::fill(line + end, line + columns, T(0));
    for (int64_t j = begin; j < end; ++j)
      line[j] = head.mods.modify(line[j] * T(head.scale), rows[row], j);
    T max = -std::numeric_limits<T>::infinity();
    if (begin != end)
      max = *std::max_element(line + begin, line + end);
    if (head.mods.sink)
      max = std::max(max, T(*head.mods.sink));
    if (max == -std::numeric_limits<T>::infinity()) {
      std::fill(line + begin, line + end, T(0));
      return;
    }
    T total = head.mods.sink ? std::exp(T(*head.mods.sink) - max) : T(0);
    for (int64_t j = begin; j < end; ++j) {
      line[j] = std::exp(line[j] - max);
      total += line[j];
    }
    sum[row] = total;
    lse[row] = max + std::log(total);
  }

  const HeadView &head;
  ArrayRef<int64_t> rows;
  ArrayRef<ColumnRange> visible;
  int64_t padded, columns;
  std::vector<T> p; ///< [padded][columns]
};

/// A piece of work: some rows of one head and where their answers go.
struct WorkItem {
  const HeadRows *head;
  size_t first, count; ///< in head->rows
  uint64_t result;     ///< row of the answers
};

std::vector<WorkItem> cutIntoItems(const RowSample &sample, int64_t seqlenKv) {
  // At most 8 MB of f64 scores a thread.
  size_t step =
      size_t(std::clamp<int64_t>((int64_t(1) << 20) / seqlenKv, kRowStep, 32));
  std::vector<WorkItem> items;
  uint64_t result = 0;
  for (const HeadRows &head : sample.heads)
    for (size_t first = 0; first < head.rows.size(); first += step) {
      size_t count = std::min(step, head.rows.size() - first);
      items.push_back({&head, first, count, result});
      result += count;
    }
  return items;
}

HeadView viewOf(const Problem &problem, const HostInputs &inputs,
                const HeadRows &rows) {
  int64_t kvHead = rows.head / (problem.heads / problem.kvHeads);
  auto first = [&](Operand operand, int64_t head) {
    return problem.offsetOf(operand, rows.batch, head);
  };
  return {problem.dtype,
          problem.headDim,
          problem.headDimOfV(),
          problem.rowsOf(Operand::K, rows.batch).length,
          inputs.q,
          inputs.k,
          inputs.v,
          first(Operand::Q, rows.head),
          first(Operand::K, kvHead),
          first(Operand::V, kvHead),
          problem.stridesOf(Operand::Q).seq,
          problem.stridesOf(Operand::K).seq,
          problem.stridesOf(Operand::V).seq,
          problem.softmaxScale(),
          HeadMods(problem, inputs.mods, rows.batch, rows.head)};
}

void computeItem(const Problem &problem, const HostInputs &inputs,
                 const WorkItem &item, Bf16Rounding rounding,
                 ReferenceRows &out) {
  HeadView head = viewOf(problem, inputs, *item.head);
  ArrayRef<int64_t> rows =
      ArrayRef(item.head->rows).slice(item.first, item.count);
  std::vector<ColumnRange> visible;
  for (int64_t row : rows)
    visible.push_back(problem.visibleColumns(row, item.head->batch));

  RowBlock<double> exact(head, rows, visible);
  exact.softmax();
  exact.multiplyByV(out.o.data() + item.result * problem.headDimOfV());
  copy(exact.lse, out.lse.begin() + item.result);

  auto round = [&](float value) {
    return roundTo(problem.dtype, rounding, value);
  };
  RowBlock<float> plain(head, rows, visible);
  plain.softmax();
  plain.roundP(round);
  float *o = out.plainO.data() + item.result * problem.headDimOfV();
  plain.multiplyByV(o);
  std::transform(o, o + item.count * problem.headDimOfV(), o, round);
  copy(plain.lse, out.plainLse.begin() + item.result);
}

} // namespace

ReferenceRows computeReference(const Problem &problem, const HostInputs &inputs,
                               const RowSample &sample, Bf16Rounding rounding) {
  uint64_t rows = sample.rowCount();
  ReferenceRows out;
  out.o.resize(rows * problem.headDimOfV());
  out.lse.resize(rows);
  out.plainO.resize(rows * problem.headDimOfV());
  out.plainLse.resize(rows);
  std::vector<WorkItem> items = cutIntoItems(sample, problem.seqlenKv);
  parallelFor(0, items.size(), [&](size_t i) {
    computeItem(problem, inputs, items[i], rounding, out);
  });
  return out;
}

} // namespace flyattn
