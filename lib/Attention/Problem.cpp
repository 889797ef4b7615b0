//===- Problem.cpp - What the caller asks ---------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Problem.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace flyattn {

char ProblemError::ID;

StringRef nameOf(Operand operand) {
  static constexpr StringRef names[] = {"q", "k", "v", "o"};
  return names[unsigned(operand)];
}

uint64_t Bias::elements() const {
  uint64_t count = 1;
  for (int64_t size : shape)
    count *= uint64_t(size);
  return count;
}

std::array<int64_t, 4> Bias::strides() const {
  std::array<int64_t, 4> strides = {};
  int64_t stride = 1;
  for (int dim = 3; dim >= 0; --dim) {
    strides[dim] = dim == 3 || shape[dim] > 1 ? stride : 0;
    stride *= shape[dim];
  }
  return strides;
}

double Problem::softmaxScale() const {
  return scale ? *scale : 1.0 / std::sqrt(double(headDim));
}

int64_t Problem::headsOf(Operand operand) const {
  return operand == Operand::K || operand == Operand::V ? kvHeads : heads;
}

int64_t Problem::seqlenOf(Operand operand) const {
  return operand == Operand::K || operand == Operand::V ? seqlenKv : seqlenQ;
}

int64_t Problem::headDimOf(Operand operand) const {
  return operand == Operand::V || operand == Operand::O ? headDimOfV()
                                                        : headDim;
}

const std::vector<int64_t> &Problem::cuSeqlensOf(Operand operand) const {
  return operand == Operand::K || operand == Operand::V ? cuSeqlensKv
                                                        : cuSeqlensQ;
}

void Problem::takeLengths() {
  auto longest = [](ArrayRef<int64_t> ends) {
    int64_t most = 0;
    for (size_t i = 1; i < ends.size(); ++i)
      most = std::max(most, ends[i] - ends[i - 1]);
    return most;
  };
  batch = int64_t(cuSeqlensQ.size()) - 1;
  seqlenQ = longest(cuSeqlensQ);
  seqlenKv = longest(cuSeqlensKv);
}

RowSpan Problem::rowsOf(Operand operand, int64_t batch) const {
  if (!packed())
    return {0, seqlenOf(operand)};
  const std::vector<int64_t> &ends = cuSeqlensOf(operand);
  return {ends[batch], ends[batch + 1] - ends[batch]};
}

int64_t Problem::totalRowsOf(Operand operand) const {
  return packed() ? cuSeqlensOf(operand).back() : seqlenOf(operand);
}

std::vector<int64_t> Problem::shapeOf(Operand operand) const {
  int64_t h = headsOf(operand), s = totalRowsOf(operand),
          d = headDimOf(operand);
  if (packed())
    return {s, h, d};
  if (layout == Layout::BSHD)
    return {batch, s, h, d};
  return {batch, h, s, d};
}

OperandStrides Problem::stridesOf(Operand operand) const {
  if (const auto &given = strides[unsigned(operand)])
    return *given;
  int64_t h = headsOf(operand), s = seqlenOf(operand), d = headDimOf(operand);
  if (packed())
    return {0, d, h * d};
  if (layout == Layout::BSHD)
    return {s * h * d, d, h * d};
  return {h * s * d, s * d, d};
}

int64_t Problem::offsetOf(Operand operand, int64_t batch, int64_t head) const {
  OperandStrides stride = stridesOf(operand);
  return (packed() ? rowsOf(operand, batch).first * stride.seq
                   : batch * stride.batch) +
         head * stride.head;
}

uint64_t Problem::extentOf(Operand operand) const {
  OperandStrides stride = stridesOf(operand);
  return uint64_t((packed() ? 0 : (batch - 1) * stride.batch) +
                  (headsOf(operand) - 1) * stride.head +
                  (totalRowsOf(operand) - 1) * stride.seq + headDimOf(operand));
}

std::vector<int64_t> Problem::lseShape() const {
  if (packed())
    return {heads, totalRowsOf(Operand::Q)};
  return {batch, heads, seqlenQ};
}

uint64_t Problem::lseIndex(int64_t batch, int64_t head, int64_t row) const {
  if (packed())
    return uint64_t(head * totalRowsOf(Operand::Q) +
                    rowsOf(Operand::Q, batch).first + row);
  return uint64_t((batch * heads + head) * seqlenQ + row);
}

ColumnRange Problem::visibleColumns(int64_t row, int64_t batch) const {
  int64_t lengthQ = rowsOf(Operand::Q, batch).length;
  int64_t lengthKv = rowsOf(Operand::K, batch).length;
  if (mask == MaskKind::None)
    return {0, lengthKv};
  int64_t diagonal =
      mask == MaskKind::CausalTopLeft ? row : row + lengthKv - lengthQ;
  // No column is further from the diagonal than this.
  int64_t most = lengthQ + lengthKv;
  auto side = [&](int64_t bound) {
    return bound < 0 ? most : std::min(bound, most);
  };
  ColumnRange seen = {0, diagonal + 1};
  if (mask == MaskKind::Window)
    seen = {diagonal - side(window->left), diagonal + side(window->right) + 1};
  if (mask == MaskKind::Chunked)
    seen.begin = diagonal - std::max<int64_t>(diagonal, 0) % *chunk;
  seen.end = std::clamp<int64_t>(seen.end, 0, lengthKv);
  seen.begin = std::clamp<int64_t>(seen.begin, 0, seen.end);
  return seen;
}

double Problem::flops() const {
  double pairs = 0;
  int64_t different = packed() ? batch : 1;
  for (int64_t b = 0; b < different; ++b)
    for (int64_t row = 0; row < rowsOf(Operand::Q, b).length; ++row)
      pairs += double(visibleColumns(row, b).size());
  return 2.0 * double(packed() ? 1 : batch) * double(heads) *
         double(headDim + headDimOfV()) * pairs;
}

bool ProblemError::isBadUsage() const {
  return any_of(diagnostics, [](const Diagnostic &d) {
    return d.kind == Diagnostic::Kind::BadUsage;
  });
}

void ProblemError::log(raw_ostream &os) const {
  ListSeparator newLine("\n");
  for (const Diagnostic &d : diagnostics)
    os << newLine << d.argument << ": " << d.message;
  if (refusals.empty())
    return;
  os << newLine << "every kernel, and why it was refused:";
  for (const Refusal &refusal : refusals) {
    os << newLine << "  " << refusal.kernel << ": ";
    if (refusal.reasons.empty())
      os << "can serve this problem";
    interleave(refusal.reasons, os, "; ");
  }
}

} // namespace flyattn
