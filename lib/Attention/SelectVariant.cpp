//===- SelectVariant.cpp - Which kernel serves a problem ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/CostModel.h"
#include "flyattn/Attention/Plan.h"
#include "flyattn/Attention/Views.h"
#include "flyattn/Runtime/KernelCache.h"
#include "flyattn/Simulator/CodeObject.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstdlib>
#include <tuple>

using namespace llvm;

namespace flyattn {

static bool dualWaveDisabled() {
  const char *value = std::getenv("FLYATTN_DISABLE_DUAL_WAVE");
  return value && StringRef(value) == "1";
}

/// The mask to compile for: a window that is none, or a causal mask, needs no
/// kernel of its own.
static MaskKind kernelMask(const Problem &problem) {
  if (problem.mask != MaskKind::Window || problem.window->left != -1)
    return problem.mask;
  if (problem.window->right == -1)
    return MaskKind::None;
  return problem.window->right == 0 ? MaskKind::Causal : MaskKind::Window;
}

/// What is the same of every kernel that serves the problem.
static KernelVariant commonVariant(const Problem &problem) {
  KernelVariant variant;
  variant.elementType = problem.dtype;
  variant.headDim = unsigned(problem.headDim);
  if (problem.headDimOfV() != problem.headDim)
    variant.headDimV = unsigned(problem.headDimOfV());
  variant.mask = kernelMask(problem);
  variant.lse = problem.wantLse;
  variant.packed = problem.packed();
  variant.far = needsFarViews(problem);
  variant.softcap = problem.softcap.has_value();
  if (problem.bias)
    variant.bias = problem.bias->type;
  variant.alibi = problem.alibiSlopes.has_value();
  variant.sink = problem.sinks.has_value();
  variant.rounding = problem.rounding;
  variant.without = problem.without;
  variant.countRescales = problem.countRescales;
  return variant;
}

static std::vector<std::string> refusalsOf(const Problem &problem,
                                           StringRef chip,
                                           const KernelVariant &variant) {
  std::vector<std::string> reasons;
  auto asked = problem.schedule;
  if (asked != ScheduleKind::Auto && asked != variant.schedule)
    reasons.push_back(("schedule " + nameOf(asked) + " was asked for").str());
  if (variant.schedule == ScheduleKind::DualWave) {
    std::string why = whyNoDualWave(problem, chip);
    if (!why.empty())
      reasons.push_back(why);
    if (asked == ScheduleKind::Auto && dualWaveDisabled())
      reasons.push_back("FLYATTN_DISABLE_DUAL_WAVE is 1");
  }
  if (variant.packGqa && (!groupFitsView(problem, Operand::Q) ||
                          !groupFitsView(problem, Operand::O)))
    reasons.push_back("the query heads of a KV head span more than 2 GiB");
  return reasons;
}

/// Registers that the kernel keeps in memory for want of enough. A dual_wave
/// kernel has hardly any to spare, and what modifies scores takes some: which
/// kernels then spill is not for a table to say but for LLVM, so they are
/// compiled.
static Expected<unsigned> spillsOf(const KernelVariant &variant,
                                   StringRef chip) {
  auto kernel = KernelCache::global().get(variant, chip);
  if (!kernel)
    return kernel.takeError();
  const std::string &bytes = (*kernel)->output;
  auto object = sim::CodeObject::load(arrayRefFromStringRef(bytes));
  if (!object)
    return object.takeError();
  unsigned most = 0;
  for (const sim::KernelInfo &info : object->kernels())
    most = std::max(most, info.vgprSpills);
  return most;
}

/// `variant` with its configuration, splits and cost, or why it is refused.
static Alternative consider(const Problem &problem, StringRef chip,
                            const KernelVariant &variant) {
  Alternative result;
  result.variant = variant;
  result.refused = refusalsOf(problem, chip, variant);
  if (!result.refused.empty())
    return result;
  auto config = KernelCache::global().config(variant, chip);
  if (!config) {
    result.refused.push_back(toString(config.takeError()));
    return result;
  }
  result.config = *config;
  int64_t splits = problem.splits
                       ? *problem.splits
                       : chooseSplits(problem, chip, variant, *config);
  result.variant.splits = unsigned(splits);
  result.clocks = predictClocks(problem, chip, variant, *config, splits);
  // Who asks for the schedule gets it.
  if (variant.schedule != ScheduleKind::DualWave ||
      problem.schedule == ScheduleKind::DualWave || !problem.modifiesScores())
    return result;
  Expected<unsigned> spills = spillsOf(result.variant, chip);
  if (!spills)
    result.refused.push_back(toString(spills.takeError()));
  else if (*spills)
    result.refused.push_back("it would spill " + std::to_string(*spills) +
                             " registers, and be slow");
  return result;
}

/// Whether the query heads of a KV head fill tiles together that each leaves
/// mostly empty, so that half of the workgroups do.
static bool packingPays(const Problem &problem) {
  constexpr uint64_t blockRows = 128;
  auto group = uint64_t(problem.heads / problem.kvHeads);
  auto rows = uint64_t(problem.seqlenQ);
  return 2 * divideCeil(group * rows, blockRows) <=
         group * divideCeil(rows, blockRows);
}

std::vector<Alternative> alternatives(const Problem &problem, StringRef chip) {
  constexpr int64_t waveRows = 32;
  int64_t group = problem.heads / problem.kvHeads;
  std::vector<Alternative> all;
  auto refused = [](const Alternative &a) { return !a.refused.empty(); };
  KernelVariant variant = commonVariant(problem);
  variant.schedule = ScheduleKind::Generic;
  bool pays = packingPays(problem), taken = false, oneWave = false;
  for (bool packed : {true, false}) {
    if (packed && group == 1)
      continue;
    variant.packGqa = packed;
    int64_t rows = problem.seqlenQ * (packed ? group : 1);
    for (unsigned waves : {1u, 0u}) {
      if (waves && rows > waveRows)
        continue;
      variant.waves = waves;
      all.push_back(consider(problem, chip, variant));
      if (refused(all.back()))
        continue;
      if (packed && !pays)
        all.back().refused = {"packing does not halve the workgroups"};
      else if (taken)
        all.back().refused = {waves || rows > waveRows
                                  ? "packing halves the workgroups"
                                  : "one wave takes all rows"};
      taken |= !refused(all.back());
      oneWave |= waves && !refused(all.back());
    }
  }
  variant = commonVariant(problem);
  variant.schedule = ScheduleKind::DualWave;
  all.push_back(consider(problem, chip, variant));
  if (!refused(all.back()) && oneWave)
    all.back().refused = {"one wave takes all rows"};
  sort(all, [&](const Alternative &a, const Alternative &b) {
    auto key = [&](const Alternative &x) {
      return std::tuple(refused(x), x.clocks, x.variant.schedule,
                        x.variant.packGqa, x.variant.waves);
    };
    return key(a) < key(b);
  });
  all.front().chosen = !refused(all.front());
  return all;
}

KernelVariant selectVariant(const Problem &problem, StringRef chip) {
  std::vector<Alternative> all = alternatives(problem, chip);
  // If no kernel serves it, compiling the first one says why.
  return all.front().variant;
}

} // namespace flyattn
