//===- ScoreMods.cpp - What is wrong with what modifies scores ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Problem.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace llvm;

namespace flyattn {

using Kind = Diagnostic::Kind;

static void checkSoftcap(const Problem &p, std::vector<Diagnostic> &found) {
  // Kernels divide by it in f32.
  constexpr double least = 1e-30, most = 1e30;
  double cap = *p.softcap;
  std::string given = formatv("{0} was given; ", cap).str();
  if (!std::isfinite(cap) || cap <= 0)
    found.push_back({Kind::BadUsage, "softcap",
                     given + "it must be a positive, finite number"});
  else if (cap < least || cap > most)
    found.push_back(
        {Kind::Unsupported, "softcap", given + "1e-30 to 1e30 are supported"});
}

static std::string shapeName(ArrayRef<int64_t> shape) {
  return formatv("[{0:$[, ]}]", make_range(shape.begin(), shape.end())).str();
}

static void checkBias(const Problem &p, std::vector<Diagnostic> &found) {
  const std::array<int64_t, 4> &shape = p.bias->shape;
  const int64_t full[] = {p.batch, p.heads, p.seqlenQ, p.seqlenKv};
  bool fits = shape[3] == full[3];
  for (int dim = 0; dim < 3; ++dim)
    fits &= shape[dim] == full[dim] || shape[dim] == 1;
  if (!fits)
    found.push_back({Kind::BadUsage, "bias",
                     shapeName(shape) +
                         " was given, which does not broadcast to [batch, "
                         "heads, seqlen_q, seqlen_kv] = " +
                         shapeName(full) +
                         "; each size but the last may be 1 instead"});
  if (p.dtype == ElementType::F32 && p.bias->type == BiasType::Element)
    found.push_back({Kind::BadUsage, "bias_type",
                     "element was given, which of an f32 problem is f32: say "
                     "so"});
}

static void checkPerHead(const Problem &p, StringRef name, int64_t count,
                         std::vector<Diagnostic> &found) {
  if (count != p.heads)
    found.push_back({Kind::BadUsage, name.str(),
                     (Twine(count) + " were given; there must be one a head, " +
                      Twine(p.heads))
                         .str()});
}

/// Adds to `found` what is wrong with softcap, bias, slopes and sinks.
void checkScoreMods(const Problem &p, std::vector<Diagnostic> &found) {
  if (p.softcap)
    checkSoftcap(p, found);
  if (p.bias)
    checkBias(p, found);
  if (p.alibiSlopes)
    checkPerHead(p, "alibi", *p.alibiSlopes, found);
  if (p.sinks)
    checkPerHead(p, "sink", *p.sinks, found);
}

} // namespace flyattn
