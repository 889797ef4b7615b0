//===- ProblemTest.cpp - Tests of problems and their validation -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Problem.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace flyattn;

namespace {

Problem smallProblem() {
  Problem p;
  p.batch = 2;
  p.heads = 8;
  p.kvHeads = 2;
  p.seqlenQ = 30;
  p.seqlenKv = 50;
  return p;
}

/// The one diagnostic of `p` on gfx950.
Diagnostic onlyDiagnostic(const Problem &p) {
  std::vector<Diagnostic> found = validate(p, "gfx950");
  EXPECT_EQ(found.size(), 1u);
  return found.empty() ? Diagnostic() : found.front();
}

void expectBad(const Problem &p, StringRef argument) {
  Diagnostic d = onlyDiagnostic(p);
  EXPECT_EQ(d.argument, argument);
  EXPECT_EQ(d.kind, Diagnostic::Kind::BadUsage) << d.message;
}

void expectUnsupported(const Problem &p, StringRef argument) {
  Diagnostic d = onlyDiagnostic(p);
  EXPECT_EQ(d.argument, argument);
  EXPECT_EQ(d.kind, Diagnostic::Kind::Unsupported) << d.message;
}

TEST(Problem, DefaultsAndShapes) {
  Problem p = smallProblem();
  EXPECT_TRUE(validate(p, "gfx942").empty());
  EXPECT_DOUBLE_EQ(p.softmaxScale(), 1 / std::sqrt(128.0));
  EXPECT_EQ(p.shapeOf(Operand::K), (std::vector<int64_t>{2, 50, 2, 128}));
  EXPECT_EQ(p.stridesOf(Operand::Q).seq, 8 * 128);
  EXPECT_EQ(p.extentOf(Operand::Q), 2u * 30 * 8 * 128);
  p.layout = Layout::BHSD;
  EXPECT_EQ(p.shapeOf(Operand::K), (std::vector<int64_t>{2, 2, 50, 128}));
  EXPECT_EQ(p.stridesOf(Operand::Q).seq, 128);
  EXPECT_EQ(p.stridesOf(Operand::Q).head, 30 * 128);
  EXPECT_TRUE(validate(p, "gfx950").empty());
}

TEST(Problem, MasksAlignAsTheirNamesSay) {
  Problem p = smallProblem();
  using Range = ColumnRange;
  EXPECT_EQ(p.visibleColumns(0), (Range{0, 50}));
  p.mask = MaskKind::Causal;
  EXPECT_EQ(p.visibleColumns(0), (Range{0, 21}));
  EXPECT_EQ(p.visibleColumns(29), (Range{0, 50}));
  p.mask = MaskKind::CausalTopLeft;
  EXPECT_EQ(p.visibleColumns(0), (Range{0, 1}));
  EXPECT_EQ(p.visibleColumns(29), (Range{0, 30}));
  std::swap(p.seqlenQ, p.seqlenKv);
  p.mask = MaskKind::Causal;
  EXPECT_EQ(p.visibleColumns(19), (Range{0, 0}));
  EXPECT_EQ(p.visibleColumns(20), (Range{0, 1}));
}

TEST(Problem, WindowsIncludeBothEndsAroundTheBottomRightDiagonal) {
  using Range = ColumnRange;
  Problem p = smallProblem(); // 30 x 50
  p.mask = MaskKind::Window;
  p.window = Window{3, 2};
  EXPECT_EQ(p.visibleColumns(0), (Range{17, 23}));
  EXPECT_EQ(p.visibleColumns(29), (Range{46, 50}));
  p.window = Window{-1, 2};
  EXPECT_EQ(p.visibleColumns(0), (Range{0, 23}));
  p.window = Window{3, -1};
  EXPECT_EQ(p.visibleColumns(0), (Range{17, 50}));
  p.window = Window{INT64_MAX, INT64_MAX};
  EXPECT_EQ(p.visibleColumns(0), (Range{0, 50}));
  p.window = Window{0, 0};
  EXPECT_EQ(p.visibleColumns(5), (Range{25, 26}));
  EXPECT_EQ(p.flops(), 4.0 * 2 * 8 * 128 * 30);
  std::swap(p.seqlenQ, p.seqlenKv);
  EXPECT_EQ(p.visibleColumns(19).size(), 0);
  EXPECT_EQ(p.visibleColumns(20), (Range{0, 1}));
}

Problem packedProblem() {
  Problem p = smallProblem();
  p.cuSeqlensQ = {0, 30, 30, 37};
  p.cuSeqlensKv = {0, 10, 15, 15};
  p.takeLengths();
  return p;
}

TEST(Problem, PackedSequences) {
  Problem p = packedProblem();
  EXPECT_TRUE(validate(p, "gfx942").empty());
  EXPECT_EQ(p.batch, 3);
  EXPECT_EQ(p.seqlenQ, 30);
  EXPECT_EQ(p.seqlenKv, 10);
  EXPECT_EQ(p.shapeOf(Operand::Q), (std::vector<int64_t>{37, 8, 128}));
  EXPECT_EQ(p.shapeOf(Operand::V), (std::vector<int64_t>{15, 2, 128}));
  EXPECT_EQ(p.extentOf(Operand::Q), 37u * 8 * 128);
  EXPECT_EQ(p.offsetOf(Operand::Q, 2, 3), 30 * 8 * 128 + 3 * 128);
  EXPECT_EQ(p.offsetOf(Operand::K, 1, 1), 10 * 2 * 128 + 128);
  EXPECT_EQ(p.lseShape(), (std::vector<int64_t>{8, 37}));
  EXPECT_EQ(p.lseIndex(2, 3, 4), 3u * 37 + 34);
  EXPECT_EQ(p.flops(), 4.0 * 8 * 128 * (30 * 10));
  p.mask = MaskKind::Causal;
  EXPECT_EQ(p.visibleColumns(29, 0), (ColumnRange{0, 10}));
  EXPECT_EQ(p.visibleColumns(20, 0), (ColumnRange{0, 1}));
  EXPECT_EQ(p.visibleColumns(6, 2).size(), 0);
}

TEST(Validate, PackedSequences) {
  Problem p = packedProblem();
  p.cuSeqlensQ = {0, 30, 29, 37};
  expectBad(p, "cu_seqlens_q");
  p.cuSeqlensQ = {1, 30, 30, 37};
  expectBad(p, "cu_seqlens_q");
  p.cuSeqlensQ = {0, 0, 0, 0};
  expectBad(p, "cu_seqlens_q");
  p = packedProblem();
  p.cuSeqlensKv = {0, 10, 15};
  expectBad(p, "cu_seqlens_kv");
  p = packedProblem();
  p.batch = 2;
  expectBad(p, "batch");
  p = packedProblem();
  p.seqlenQ = 29;
  expectBad(p, "seqlen_q");
  p.seqlenQ = 300; // longer than need be
  EXPECT_TRUE(validate(p, "gfx950").empty());
  p.heads = p.kvHeads = 1;
  p.headDim = 64;
  p.seqlenQ = 128 * 65535 + 1; // more blocks than a grid is high
  expectUnsupported(p, "seqlen_q");
}

TEST(Validate, BadUsage) {
  Problem p = smallProblem();
  p.kvHeads = 3;
  expectBad(p, "kv_heads");
  p = smallProblem();
  p.seqlenKv = 0;
  expectBad(p, "seqlen_kv");
  p = smallProblem();
  p.headDim = 0;
  expectBad(p, "head_dim");
  p = smallProblem();
  p.scale = std::nan("");
  expectBad(p, "scale");
  p.scale = -std::numeric_limits<double>::infinity();
  expectBad(p, "scale");
  p = smallProblem();
  p.splits = 0;
  expectBad(p, "splits");
  p.splits = 10000; // more than KV tiles
  expectBad(p, "splits");
  p = smallProblem();
  p.mask = MaskKind::Window;
  expectBad(p, "mask");
  p.window = Window{-2, 3};
  expectBad(p, "mask");
  p.window = Window{2, -3};
  expectBad(p, "mask");
  p.mask = MaskKind::Causal;
  expectBad(p, "mask");
  EXPECT_EQ(validate(smallProblem(), "gfx90a").front().argument, "arch");
}

TEST(Validate, ModifiedScores) {
  Problem p = smallProblem();
  for (double cap : {0.0, -1.0, std::nan(""), double(INFINITY)}) {
    p.softcap = cap;
    expectBad(p, "softcap");
  }
  p.softcap = 1e-31;
  expectUnsupported(p, "softcap");
  p = smallProblem();
  int64_t b = p.batch, h = p.heads, q = p.seqlenQ, kv = p.seqlenKv;
  for (std::array<int64_t, 4> shape :
       {std::array{b, h, q, kv}, std::array<int64_t, 4>{1, 1, 1, kv},
        std::array<int64_t, 4>{b, 1, q, kv}}) {
    p.bias = Bias{shape};
    EXPECT_TRUE(validate(p, "gfx950").empty());
  }
  p.bias->shape[3] = 1;
  expectBad(p, "bias");
  p.bias->shape = {b + 1, h, q, kv};
  expectBad(p, "bias");
  p = smallProblem();
  p.alibiSlopes = h + 1;
  expectBad(p, "alibi");
  p.alibiSlopes = h;
  EXPECT_TRUE(validate(p, "gfx950").empty());
  p.schedule = ScheduleKind::DualWave;
  EXPECT_TRUE(validate(p, "gfx942").empty());
  p = smallProblem();
  p.sinks = 0;
  expectBad(p, "sink");
  p = smallProblem();
  p.chunk = 5;
  expectBad(p, "mask");
  p.mask = MaskKind::Chunked;
  EXPECT_TRUE(validate(p, "gfx950").empty());
  p.chunk = 0;
  expectBad(p, "mask");
  p.chunk.reset();
  expectBad(p, "mask");
}

TEST(Problem, BiasesBroadcastByTheirStrides) {
  Bias bias{{2, 1, 3, 5}};
  EXPECT_EQ(bias.elements(), 30u);
  EXPECT_EQ(bias.strides(), (std::array<int64_t, 4>{15, 0, 5, 1}));
  bias.shape = {1, 1, 1, 1};
  EXPECT_EQ(bias.strides(), (std::array<int64_t, 4>{0, 0, 0, 1}));
}

TEST(Problem, RowsSeeTheirChunk) {
  Problem p = smallProblem();
  p.mask = MaskKind::Chunked;
  p.chunk = 4;
  p.seqlenQ = 8;
  p.seqlenKv = 10;
  for (auto [row, begin, end] :
       {std::tuple(0, 0, 3), {1, 0, 4}, {2, 4, 5}, {7, 8, 10}})
    EXPECT_EQ(p.visibleColumns(row), (ColumnRange{begin, end})) << row;
  p.seqlenKv = 6;
  EXPECT_EQ(p.visibleColumns(1).size(), 0);
  EXPECT_EQ(p.visibleColumns(2), (ColumnRange{0, 1}));
}

TEST(Validate, Unsupported) {
  Problem p = smallProblem();
  p.headDim = 100;
  expectUnsupported(p, "head_dim");
  p = smallProblem();
  p.headDimV = 264;
  expectUnsupported(p, "head_dim_v");
  p.headDimV = 136;
  EXPECT_TRUE(validate(p, "gfx950").empty());
  p.schedule = ScheduleKind::DualWave; // what its registers hold
  EXPECT_TRUE(validate(p, "gfx950").empty());
  EXPECT_EQ(validate(p, "gfx942").size(), 1u);
  p.headDim = 256;
  expectUnsupported(p, "schedule");
  p.headDimV = 128;
  EXPECT_TRUE(validate(p, "gfx950").empty());
  EXPECT_EQ(validate(p, "gfx942").size(), 1u);
  p.headDim = 192;
  EXPECT_TRUE(validate(p, "gfx942").empty());
  p = smallProblem();
  p.dtype = ElementType::F32;
  EXPECT_TRUE(validate(p, "gfx950").empty());
  p.schedule = ScheduleKind::DualWave;
  expectUnsupported(p, "schedule");
  p = smallProblem();
  p.seqlenKv = 1 << 20;
  p.batch = 60000;
  p.splits = 2; // a grid's depth
  expectUnsupported(p, "splits");
  p = packedProblem();
  p.layout = Layout::BHSD;
  expectUnsupported(p, "layout");
  p = smallProblem();
  p.scale = 1e38;
  p.scale = *p.scale * 1000;
  expectUnsupported(p, "scale");
}

TEST(Validate, Strides) {
  Problem p = smallProblem();
  auto &q = p.strides[unsigned(Operand::Q)];
  q = OperandStrides{30 * 8 * 128, 128, 8 * 128};
  EXPECT_TRUE(validate(p, "gfx950").empty());
  q->head = 129;
  expectUnsupported(p, "q_strides");
  q->head = 128;
  q->seq = 126;
  expectBad(p, "q_strides");
  q->seq = -1024;
  expectBad(p, "q_strides");
  q.reset();
  p.strides[unsigned(Operand::O)] = OperandStrides{0, 128, 8 * 128};
  expectBad(p, "o_strides");
}

/// A tile's rows are 256.
TEST(Validate, TilesBeyond32BitOffsets) {
  Problem p = smallProblem();
  auto &k = p.strides[unsigned(Operand::K)];
  k = OperandStrides{0, 128, (int64_t(1) << 32) / 256 / 2};
  EXPECT_TRUE(validate(p, "gfx950").empty());
  k->seq += 2;
  expectUnsupported(p, "k_strides");
  p.headDim = 72;
  k->seq = (int64_t(1) << 31) / 256 / 2;
  EXPECT_TRUE(validate(p, "gfx950").empty());
  k->seq += 2;
  expectUnsupported(p, "k_strides");
  p.dtype = ElementType::F32;
  k->seq = (int64_t(1) << 31) / 256 / 4 + 1;
  expectUnsupported(p, "k_strides");
}

TEST(Validate, GivesEveryErrorAtOnce) {
  Problem p = smallProblem();
  p.kvHeads = 3;
  p.headDim = 100;
  p.scale = std::nan("");
  p.seqlenQ = -1;
  EXPECT_EQ(validate(p, "gfx1100").size(), 5u);
}

TEST(Validate, RefusalsNameEveryKernel) {
  Problem p = smallProblem();
  p.headDim = 100;
  std::vector<Refusal> refusals = explainRefusals(p, "gfx942");
  EXPECT_EQ(refusals.size(), 5u);
  for (const Refusal &refusal : refusals)
    EXPECT_FALSE(refusal.reasons.empty()) << refusal.kernel;
  p.headDim = 64;
  EXPECT_EQ(count_if(explainRefusals(p, "gfx942"),
                     [](const Refusal &r) { return r.reasons.empty(); }),
            2)
      << "generic and dual_wave";
  p.schedule = ScheduleKind::DualWave;
  EXPECT_EQ(count_if(explainRefusals(p, "gfx942"),
                     [](const Refusal &r) { return r.reasons.empty(); }),
            1);
}

TEST(Validate, ErrorTellsBadUsageFromUnsupported) {
  Problem p = smallProblem();
  EXPECT_FALSE(errorToBool(checkProblem(p, "gfx950")));
  p.headDim = 100;
  auto isBadUsage = [&] {
    bool bad = false;
    handleAllErrors(checkProblem(p, "gfx950"),
                    [&](ProblemError &e) { bad = e.isBadUsage(); });
    return bad;
  };
  EXPECT_FALSE(isBadUsage());
  p.batch = 0;
  EXPECT_TRUE(isBadUsage());
}

} // namespace
