//===- ReferenceTest.cpp - Tests of the f64 reference and its measures ----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Reference.h"
#include "flyattn/Attention/Compare.h"
#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>

using namespace llvm;
using namespace flyattn;

namespace {

struct Tensors {
  std::vector<uint8_t> q, k, v;
  std::vector<float> bias, slopes, sinks;
  HostInputs host() const {
    return {q.data(),
            k.data(),
            v.data(),
            {reinterpret_cast<const uint8_t *>(bias.data()), slopes.data(),
             sinks.data()}};
  }
};

Tensors randomTensors(const Problem &p) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  Tensors t;
  for (auto [operand, tensor] :
       {std::pair(Operand::Q, &t.q), std::pair(Operand::K, &t.k),
        std::pair(Operand::V, &t.v)}) {
    tensor->resize(p.extentOf(operand) * sizeOf(p.dtype));
    for (uint64_t i = 0; i < p.extentOf(operand); ++i)
      storeElement(p.dtype, tensor->data(), i, normal(random));
  }
  for (uint64_t i = 0; p.bias && i < p.bias->elements(); ++i)
    t.bias.push_back(normal(random));
  for (int64_t head = 0; head < p.heads; ++head) {
    t.slopes.push_back(std::exp2(-float(head + 1)));
    t.sinks.push_back(normal(random));
  }
  return t;
}

double at(const Problem &p, const std::vector<uint8_t> &tensor, Operand operand,
          int64_t b, int64_t h, int64_t s, int64_t d) {
  return loadElement(p.dtype, tensor.data(),
                     p.offsetOf(operand, b, h) + s * p.stridesOf(operand).seq +
                         d);
}

/// Softmax attention of one row, straight from its definition.
std::pair<std::vector<double>, double> naiveRow(const Problem &p,
                                                const Tensors &t, int64_t b,
                                                int64_t h, int64_t row) {
  int64_t kvHead = h * p.kvHeads / p.heads;
  std::vector<long double> weights;
  long double total = 0;
  ColumnRange seen = p.visibleColumns(row, b);
  for (int64_t j = seen.begin; j < seen.end; ++j) {
    long double score = 0;
    for (int64_t d = 0; d < p.headDim; ++d)
      score += at(p, t.q, Operand::Q, b, h, row, d) *
               at(p, t.k, Operand::K, b, kvHead, j, d);
    score *= (long double)p.softmaxScale();
    if (p.softcap)
      score = *p.softcap * std::tanh(score / (long double)*p.softcap);
    if (p.bias) {
      auto [batch, head, rows, columns] = p.bias->shape;
      int64_t line = (b % batch * head + h % head) * rows + row % rows;
      score += t.bias[line * columns + j];
    }
    if (p.alibiSlopes)
      score -= t.slopes[h] *
               std::abs((long double)(row - j + p.rowsOf(Operand::K, b).length -
                                      p.rowsOf(Operand::Q, b).length));
    weights.push_back(std::exp(score));
    total += weights.back();
  }
  if (p.sinks)
    total += std::exp((long double)t.sinks[h]);
  std::vector<double> o(p.headDimOfV(), 0);
  for (int64_t d = 0; d < p.headDimOfV(); ++d) {
    long double sum = 0;
    for (size_t j = 0; j < weights.size(); ++j)
      sum += weights[j] *
             at(p, t.v, Operand::V, b, kvHead, seen.begin + int64_t(j), d);
    o[d] = weights.empty() ? 0 : double(sum / total);
  }
  return {o, double(std::log(total))};
}

Problem testProblem() {
  Problem p;
  p.batch = 2;
  p.heads = 4;
  p.kvHeads = 2;
  p.seqlenQ = 37;
  p.seqlenKv = 70;
  p.headDim = 64;
  return p;
}

void expectNaive(const Problem &p) {
  Tensors t = randomTensors(p);
  RowSample sample = chooseRows(p, 64, 0);
  ASSERT_FALSE(sample.sampled);
  ReferenceRows ref =
      computeReference(p, t.host(), sample, Bf16Rounding::NearestEven);
  size_t row = 0;
  for (const HeadRows &head : sample.heads)
    for (int64_t i : head.rows) {
      auto [o, lse] = naiveRow(p, t, head.batch, head.head, i);
      if (std::isinf(lse))
        EXPECT_EQ(ref.lse[row], lse);
      else
        EXPECT_NEAR(ref.lse[row], lse, 1e-13);
      double plain = p.dtype == ElementType::F32 ? 1e-5 : 0.05;
      for (int64_t d = 0; d < p.headDimOfV(); ++d) {
        EXPECT_NEAR(ref.o[row * p.headDimOfV() + d], o[d], 1e-13);
        EXPECT_NEAR(ref.plainO[row * p.headDimOfV() + d], o[d], plain);
      }
      ++row;
    }
  EXPECT_EQ(row, ref.lse.size());
}

TEST(Reference, AgreesWithTheDefinition) {
  for (MaskKind mask :
       {MaskKind::None, MaskKind::Causal, MaskKind::CausalTopLeft})
    for (ElementType dtype :
         {ElementType::BF16, ElementType::F16, ElementType::F32})
      for (auto [q, kv] : {std::pair(37, 70), std::pair(70, 37)}) {
        Problem p = testProblem();
        p.mask = mask;
        p.dtype = dtype;
        p.seqlenQ = q;
        p.seqlenKv = kv;
        expectNaive(p);
      }
}

TEST(Reference, AgreesWithTheDefinitionUnderWindows) {
  for (Window window : {Window{0, 0}, Window{5, 3}, Window{-1, 2},
                        Window{70, -1}, Window{3, 1000}})
    for (auto [q, kv] : {std::pair(37, 70), std::pair(150, 75)}) {
      Problem p = testProblem();
      p.mask = MaskKind::Window;
      p.window = window;
      p.seqlenQ = q;
      p.seqlenKv = kv;
      expectNaive(p);
    }
}

TEST(Reference, TakesPackedSequences) {
  for (MaskKind mask : {MaskKind::None, MaskKind::Causal}) {
    Problem p = testProblem();
    p.mask = mask;
    p.cuSeqlensQ = {0, 5, 5, 80, 90};
    p.cuSeqlensKv = {0, 66, 70, 100, 100};
    p.takeLengths();
    expectNaive(p);
  }
}

TEST(Reference, ModifiesScores) {
  for (int which = 0; which < 5; ++which) {
    Problem p = testProblem();
    p.mask = which % 2 ? MaskKind::Causal : MaskKind::None;
    if (which == 0 || which == 4)
      p.softcap = 0.7;
    if (which == 1 || which == 4)
      p.bias = Bias{{which == 4 ? 2 : 1, 4, which == 4 ? 1 : 37, 70}};
    if (which == 2 || which == 4)
      p.alibiSlopes = 4;
    if (which == 3 || which == 4)
      p.sinks = 4;
    expectNaive(p);
  }
}

TEST(Reference, TakesHeadDimsOfTheirOwn) {
  for (auto [qk, v] : {std::pair(72, 40), std::pair(8, 200)}) {
    Problem p = testProblem();
    p.mask = MaskKind::Causal;
    p.headDim = qk;
    p.headDimV = v;
    expectNaive(p);
  }
}

TEST(Reference, ModifiesScoresOfPackedSequences) {
  Problem p = testProblem();
  p.mask = MaskKind::Chunked;
  p.chunk = 20;
  p.cuSeqlensQ = {0, 5, 5, 80, 90};
  p.cuSeqlensKv = {0, 66, 70, 100, 100};
  p.takeLengths();
  p.softcap = 2;
  p.bias = Bias{{4, 1, 75, 66}};
  p.alibiSlopes = p.sinks = 4;
  expectNaive(p);
}

TEST(Reference, ABiasOfMinusInfinityHides) {
  Problem p = testProblem();
  p.bias = Bias{{1, 1, 37, 70}};
  Tensors t = randomTensors(p);
  std::fill(t.bias.begin() + 70, t.bias.begin() + 140, -INFINITY);
  RowSample sample = chooseRows(p, 64, 0);
  ReferenceRows ref =
      computeReference(p, t.host(), sample, Bf16Rounding::NearestEven);
  EXPECT_TRUE(std::isfinite(ref.lse[0]));
  EXPECT_EQ(ref.lse[1], -INFINITY);
  EXPECT_EQ(ref.o[p.headDim], 0);
  EXPECT_EQ(ref.plainO[p.headDim], 0);
}

TEST(Reference, TakesScaleAndLayout) {
  Problem p = testProblem();
  p.scale = -0.25;
  p.layout = Layout::BHSD;
  expectNaive(p);
}

TEST(Reference, PlainAnswerRoundsAsAsked) {
  Problem p = testProblem();
  Tensors t = randomTensors(p);
  RowSample sample = chooseRows(p, 64, 0);
  auto error = [&](Bf16Rounding rounding) {
    ReferenceRows r = computeReference(p, t.host(), sample, rounding);
    std::vector<double> plain(r.plainO.begin(), r.plainO.end());
    return measure(plain, r.o, p.headDim).relativeRms;
  };
  EXPECT_NEAR(error(Bf16Rounding::NearestEven), 2.3e-3, 0.5e-3);
  EXPECT_GT(error(Bf16Rounding::Truncate), 4e-3);
}

TEST(RowSample, TakesEveryRowOfSmallProblems) {
  RowSample sample = chooseRows(testProblem(), 64, 0);
  EXPECT_FALSE(sample.sampled);
  EXPECT_EQ(sample.rowCount(), 2u * 4 * 37);
}

TEST(RowSample, TakesRowsOfEachPackedSequence) {
  Problem p = testProblem();
  p.cuSeqlensQ = {0, 1000, 1000, 1003};
  p.cuSeqlensKv = {0, 70, 140, 210};
  p.takeLengths();
  EXPECT_EQ(chooseRows(p, 64, 0).rowCount(), 4u * 1003);
  RowSample sample = chooseRows(p, 256, 3, /*budget=*/64.0 * 2 * 70 * 160);
  EXPECT_TRUE(sample.sampled);
  EXPECT_EQ(sample.heads.size(), 8u); // the empty sequence has none
  for (const HeadRows &head : sample.heads) {
    EXPECT_EQ(head.rows.size(), head.batch == 0 ? 20u : 3u);
    EXPECT_EQ(head.rows.back(), head.batch == 0 ? 999 : 2);
  }
}

TEST(RowSample, KeepsFirstLastAndBorderRows) {
  Problem p = testProblem();
  p.seqlenQ = 1000;
  RowSample sample = chooseRows(p, 256, 3, /*budget=*/64.0 * 2 * 70 * 160);
  EXPECT_TRUE(sample.sampled);
  EXPECT_EQ(sample.heads.size(), 8u);
  for (const HeadRows &head : sample.heads) {
    EXPECT_TRUE(is_sorted(head.rows));
    EXPECT_EQ(head.rows.size(), 20u);
    for (int64_t row : {0, 255, 256, 767, 768, 999})
      EXPECT_TRUE(is_contained(head.rows, row)) << row;
  }
  RowSample again = chooseRows(p, 256, 3, 64.0 * 2 * 70 * 160);
  EXPECT_EQ(again.heads[0].rows, sample.heads[0].rows);
}

TEST(RowSample, StaysWithinABudgetOfRows) {
  Problem p = testProblem();
  p.batch = 16;
  p.heads = p.kvHeads = 64;
  p.seqlenQ = p.seqlenKv = 8192;
  RowSample sample = chooseRows(p, 256, 0);
  EXPECT_TRUE(sample.sampled);
  EXPECT_LE(double(sample.rowCount()) * 8192 * 64 * 2, 4e9);
  EXPECT_GE(sample.heads.size(), 16u);
}

TEST(Measure, NumbersAndMismatches) {
  const double nan = std::nan("");
  ErrorMeasures m = measure({1, 2, 3, 4}, {1, 2, 3, 3}, 2);
  EXPECT_DOUBLE_EQ(m.maxAbs, 1);
  EXPECT_DOUBLE_EQ(m.maxRel, 1.0 / 3);
  EXPECT_DOUBLE_EQ(m.rms, 0.5);
  EXPECT_EQ(m.mismatches, 0u);
  EXPECT_LT(m.minRowCosine, 1);
  EXPECT_EQ(measure({1, nan}, {1, 2}, 2).mismatches, 1u);
  EXPECT_EQ(measure({1, nan}, {1, nan}, 2).mismatches, 0u);
}

/// Outputs equal to the plain answer, to be spoilt by a test.
struct PlainOutputs {
  PlainOutputs() {
    p = testProblem();
    p.mask = MaskKind::Causal;
    p.seqlenQ = 80; // the first ten rows see nothing
    t = randomTensors(p);
    sample = chooseRows(p, 64, 0);
    ref = computeReference(p, t.host(), sample, Bf16Rounding::NearestEven);
    o.resize(p.extentOf(Operand::O));
    OperandStrides s = p.stridesOf(Operand::O);
    size_t row = 0;
    for (const HeadRows &head : sample.heads)
      for (int64_t i : head.rows) {
        lse.push_back(ref.plainLse[row]);
        for (int64_t d = 0; d < p.headDim; ++d)
          o[head.batch * s.batch + head.head * s.head + i * s.seq + d] =
              fromFloat(p.dtype, ref.plainO[row * p.headDim + d]);
        ++row;
      }
  }
  bool passes() const {
    return compare(p, sample, ref, {o.data(), lse.data()}).passed();
  }

  Problem p;
  Tensors t;
  RowSample sample;
  ReferenceRows ref;
  std::vector<uint16_t> o;
  std::vector<float> lse;
};

TEST(Compare, ThePlainAnswerPasses) { EXPECT_TRUE(PlainOutputs().passes()); }

/// With f32 elements, what bf16 would cost is far too much.
TEST(Compare, RoundedOutputsOfF32Fail) {
  Problem p = testProblem();
  p.dtype = ElementType::F32;
  Tensors t = randomTensors(p);
  RowSample sample = chooseRows(p, 64, 0);
  ReferenceRows ref =
      computeReference(p, t.host(), sample, Bf16Rounding::NearestEven);
  std::vector<float> o = ref.plainO; // as [batch, heads, seqlenQ, headDim]
  p.strides[unsigned(Operand::O)] = {4 * 37 * 64, 37 * 64, 64};
  EXPECT_TRUE(compare(p, sample, ref, {o.data(), nullptr}).passed());
  for (float &value : o)
    value = bf16ToFloat(floatToBf16(value));
  EXPECT_FALSE(compare(p, sample, ref, {o.data(), nullptr}).passed());
}

TEST(Compare, SpoiltOutputsFail) {
  PlainOutputs spoilt;
  spoilt.o.back() ^= 0x0040;
  EXPECT_FALSE(spoilt.passes());
  spoilt = PlainOutputs();
  spoilt.o.back() = 0x7FC0; // nan
  EXPECT_FALSE(spoilt.passes());
  spoilt = PlainOutputs();
  spoilt.o.front() = 0x0001; // a row that sees nothing is exactly 0
  EXPECT_FALSE(spoilt.passes());
  spoilt = PlainOutputs();
  spoilt.lse.front() = -1e30f;
  EXPECT_FALSE(spoilt.passes());
  spoilt = PlainOutputs();
  spoilt.lse.back() *= 1.0001f;
  EXPECT_FALSE(spoilt.passes());
}

TEST(Compare, AnAverageOfVFails) {
  PlainOutputs spoilt;
  Problem flat = spoilt.p;
  flat.scale = 0;
  ReferenceRows average = computeReference(flat, spoilt.t.host(), spoilt.sample,
                                           Bf16Rounding::NearestEven);
  Comparison c = compare(spoilt.p, spoilt.sample, spoilt.ref,
                         {spoilt.o.data(), nullptr}, average.o);
  EXPECT_FALSE(c.passed());
  EXPECT_GT(c.o.rms, 20 * c.boundRms);
}

} // namespace
