//===- ProblemSets.cpp - Lists of problems to run -------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The shapes are those that the flash-attention harness of ROCm/FlyDSL runs;
// `perf` is ours: what the published comparisons of kernels use, a batch of
// short sequences, and one that fills the device several times. So is
// `perf-masks`: one size with masks and packed sequences of uneven lengths.
//
//===----------------------------------------------------------------------===//

#include "ProblemSets.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace flyattn::driver {

namespace {

using Lengths = std::vector<int64_t>;

/// Equal lengths of queries and keys.
struct SelfShape {
  int64_t batch;
  Lengths seqlens; ///< a problem each
  int64_t heads, kvHeads, splits = 1;
};

/// One sequence of `heads` query heads; or, with more lengths, packed ones.
struct CrossShape {
  Lengths seqlensQ, seqlensKv;
  int64_t heads, kvHeads;
};

struct PerfShape {
  int64_t batch;
  Lengths seqlens;
  int64_t heads, headDim, headDimV;
};

const SelfShape kEdges[] = {{3, {64, 1, 31, 33}, 4, 4},
                            {2, {63, 65, 127, 129}, 4, 4},
                            {1, {255, 257, 511, 513}, 4, 4}};

const SelfShape kOdd[] = {{1, {64, 30, 1}, 4, 4}, {2, {7}, 4, 4},
                          {3, {31}, 3, 3},        {5, {33}, 5, 5},
                          {5, {63}, 7, 7},        {3, {65}, 3, 3}};

const SelfShape kSweep[] = {
    {8, {128, 256, 512}, 64, 64},
    {1, {128, 256, 384, 512, 1024, 2048, 4096, 8192}, 64, 64},
    {4, {8192}, 64, 64},
    {1, {2048, 4096, 8192}, 32, 32},
    {8, {8192}, 32, 32},
    {16, {8192}, 16, 16},
    {1, {8192, 2048, 4096}, 16, 16},
    {1, {2048, 4096, 8192}, 8, 8},
    {32, {8192}, 8, 8}};

const SelfShape kLarge[] = {
    {16, {8192}, 64, 64}, {16, {8192}, 64, 8}, {2, {1024}, 64, 64}};

const SelfShape kSplitK[] = {
    {1, {8192, 4096}, 2, 2, 4}, {1, {2048}, 4, 4, 4}, {1, {8192}, 4, 4, 2}};

const SelfShape kVideo[] = {
    {1, {98144, 147216, 196288, 245360, 294432}, 3, 3, 5},
    {1, {12268, 18402, 24536}, 24, 24},
    {1, {30670, 36804}, 24, 24, 2},
    {1, {32768}, 24, 24},
    {1, {32768}, 32, 32}};

const CrossShape kCross[] = {{{31}, {65}, 64, 8},     {{63}, {33}, 64, 8},
                             {{129}, {255}, 64, 8},   {{257}, {127}, 64, 8},
                             {{1024}, {8192}, 64, 8}, {{8192}, {1024}, 64, 8}};

const CrossShape kVarlen[] = {
    {{1024, 1024}, {1024, 1024}, 64, 64},
    {{1024, 8192}, {1024, 8192}, 64, 8},
    {{1024, 8192, 3, 31, 65, 127}, {1024, 8192, 3, 31, 65, 127}, 64, 8},
    {{1, 3, 31, 33, 63, 65}, {1, 3, 31, 33, 63, 65}, 64, 64}};

const CrossShape kVarlenCross[] = {
    {{1024, 8192}, {8192, 1024}, 64, 8},
    {{31, 33, 63, 65}, {65, 63, 33, 31}, 64, 64},
    {{127, 129, 255, 257}, {257, 255, 129, 127}, 64, 8}};

const PerfShape kPerf[] = {{1, {8192}, 8, 128, 128},
                           {1, {8192}, 8, 64, 64},
                           {1, {256, 512, 1024}, 64, 128, 128},
                           {4, {8192}, 32, 128, 128},
                           {1, {8192}, 8, 192, 128},
                           {1, {1024}, 64, 192, 128}};

std::vector<Problem> problemsOf(ArrayRef<SelfShape> shapes) {
  std::vector<Problem> problems;
  for (const SelfShape &shape : shapes)
    for (int64_t seqlen : shape.seqlens) {
      Problem &p = problems.emplace_back();
      p.batch = shape.batch;
      p.seqlenQ = p.seqlenKv = seqlen;
      p.heads = shape.heads;
      p.kvHeads = shape.kvHeads;
      p.splits = shape.splits;
    }
  return problems;
}

/// Where each sequence begins, and the total.
std::vector<int64_t> cumulative(ArrayRef<int64_t> lengths) {
  std::vector<int64_t> starts = {0};
  for (int64_t length : lengths)
    starts.push_back(starts.back() + length);
  return starts;
}

std::vector<Problem> problemsOf(ArrayRef<CrossShape> shapes) {
  std::vector<Problem> problems;
  for (const CrossShape &shape : shapes) {
    Problem &p = problems.emplace_back();
    p.batch = int64_t(shape.seqlensQ.size());
    p.seqlenQ = *max_element(shape.seqlensQ);
    p.seqlenKv = *max_element(shape.seqlensKv);
    p.heads = shape.heads;
    p.kvHeads = shape.kvHeads;
    if (p.batch > 1) {
      p.cuSeqlensQ = cumulative(shape.seqlensQ);
      p.cuSeqlensKv = cumulative(shape.seqlensKv);
    }
  }
  return problems;
}

struct ProblemSet {
  StringRef name;
  std::vector<Problem> (*shapes)();
};

const ProblemSet kSets[] = {
    {"edges", [] { return problemsOf(kEdges); }},
    {"odd", [] { return problemsOf(kOdd); }},
    {"cross", [] { return problemsOf(kCross); }},
    {"sweep", [] { return problemsOf(kSweep); }},
    {"large", [] { return problemsOf(kLarge); }},
    {"splitk", [] { return problemsOf(kSplitK); }},
    {"video", [] { return problemsOf(kVideo); }},
    {"varlen", [] { return problemsOf(kVarlen); }},
    {"varlen-cross", [] { return problemsOf(kVarlenCross); }},
};

std::vector<Problem> perfProblems(const ProblemChoice &choice) {
  std::vector<Problem> problems;
  if (!is_contained(choice.dtypes, ElementType::BF16))
    return problems;
  for (const PerfShape &shape : kPerf)
    for (int64_t seqlen : shape.seqlens)
      for (MaskKind mask : choice.masks) {
        if (!choice.everyHeadDim &&
            !is_contained(choice.headDims, shape.headDim))
          continue;
        Problem &p = problems.emplace_back();
        p.batch = shape.batch;
        p.seqlenQ = p.seqlenKv = seqlen;
        p.heads = p.kvHeads = shape.heads;
        p.headDim = shape.headDim;
        if (shape.headDimV != shape.headDim)
          p.headDimV = shape.headDimV;
        p.mask = mask;
        p.wantLse = true;
      }
  return problems;
}

/// 32 heads: without a mask, causal, a window, and packed sequences whose
/// longest comes last, few of them and many.
std::vector<Problem> perfMasksProblems(const ProblemChoice &choice) {
  constexpr int64_t length = 8192;
  Lengths many(32, 1024);
  many.push_back(length);
  std::vector<Problem> problems;
  if (!is_contained(choice.dtypes, ElementType::BF16))
    return problems;
  for (int64_t headDim : choice.headDims) {
    auto add = [&](MaskKind mask, const Lengths &packed) {
      Problem &p = problems.emplace_back();
      p.seqlenQ = p.seqlenKv = length;
      p.heads = p.kvHeads = 32;
      p.headDim = headDim;
      p.mask = mask;
      if (mask == MaskKind::Window)
        p.window = Window{1023, 0};
      p.wantLse = true;
      p.batch = std::max<int64_t>(1, int64_t(packed.size()));
      if (!packed.empty())
        p.cuSeqlensQ = p.cuSeqlensKv = cumulative(packed);
    };
    add(MaskKind::None, {}); // what the others are compared with
    for (MaskKind mask : choice.masks) {
      if (mask == MaskKind::Causal) {
        add(mask, {});
        add(MaskKind::Window, {});
      }
      add(mask, {1024, 2048, 4096, length});
      add(mask, many);
    }
  }
  return problems;
}

} // namespace

std::vector<StringRef> problemSetNames() {
  std::vector<StringRef> names;
  for (const ProblemSet &set : kSets)
    names.push_back(set.name);
  names.push_back(kPerfSet);
  names.push_back(kPerfMasksSet);
  return names;
}

std::vector<Problem> problemsOf(StringRef name, const ProblemChoice &choice) {
  if (name == kPerfSet)
    return perfProblems(choice);
  if (name == kPerfMasksSet)
    return perfMasksProblems(choice);
  const ProblemSet *set =
      find_if(kSets, [&](const ProblemSet &s) { return s.name == name; });
  std::vector<Problem> problems;
  for (const Problem &shape : set->shapes())
    for (ElementType dtype : choice.dtypes)
      for (int64_t headDim : choice.headDims)
        for (MaskKind mask : choice.masks) {
          Problem &p = problems.emplace_back(shape);
          p.dtype = dtype;
          p.headDim = headDim;
          p.mask = mask;
          p.wantLse = true;
        }
  return problems;
}

} // namespace flyattn::driver
