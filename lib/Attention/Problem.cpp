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

double Problem::softmaxScale() const {
  return scale ? *scale : 1.0 / std::sqrt(double(headDim));
}

int64_t Problem::headsOf(Operand operand) const {
  return operand == Operand::K || operand == Operand::V ? kvHeads : heads;
}

int64_t Problem::seqlenOf(Operand operand) const {
  return operand == Operand::K || operand == Operand::V ? seqlenKv : seqlenQ;
}

std::vector<int64_t> Problem::shapeOf(Operand operand) const {
  int64_t h = headsOf(operand), s = seqlenOf(operand);
  if (layout == Layout::BSHD)
    return {batch, s, h, headDim};
  return {batch, h, s, headDim};
}

OperandStrides Problem::stridesOf(Operand operand) const {
  if (const auto &given = strides[unsigned(operand)])
    return *given;
  int64_t h = headsOf(operand), s = seqlenOf(operand);
  if (layout == Layout::BSHD)
    return {s * h * headDim, headDim, h * headDim};
  return {h * s * headDim, s * headDim, headDim};
}

uint64_t Problem::extentOf(Operand operand) const {
  OperandStrides stride = stridesOf(operand);
  return uint64_t((batch - 1) * stride.batch +
                  (headsOf(operand) - 1) * stride.head +
                  (seqlenOf(operand) - 1) * stride.seq + headDim);
}

ColumnRange Problem::visibleColumns(int64_t row) const {
  if (mask == MaskKind::None)
    return {0, seqlenKv};
  int64_t diagonal =
      mask == MaskKind::CausalTopLeft ? row : row + seqlenKv - seqlenQ;
  // No column is further from the diagonal than this.
  int64_t most = seqlenQ + seqlenKv;
  auto side = [&](int64_t bound) {
    return bound < 0 ? most : std::min(bound, most);
  };
  ColumnRange seen = {0, diagonal + 1};
  if (mask == MaskKind::Window)
    seen = {diagonal - side(window->left), diagonal + side(window->right) + 1};
  seen.end = std::clamp<int64_t>(seen.end, 0, seqlenKv);
  seen.begin = std::clamp<int64_t>(seen.begin, 0, seen.end);
  return seen;
}

double Problem::flops() const {
  double pairs = 0;
  if (mask == MaskKind::None)
    pairs = double(seqlenQ) * double(seqlenKv);
  else
    for (int64_t row = 0; row < seqlenQ; ++row)
      pairs += double(visibleColumns(row).size());
  return 4.0 * double(batch) * double(heads) * double(headDim) * pairs;
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
