//===- CostModel.cpp - Clocks that a kernel will take ---------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/CostModel.h"

#include "flyattn/Attention/Splits.h"
#include "flyattn/Target/ChipInfo.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <tuple>

using namespace llvm;

namespace flyattn {

namespace {
/// What a workgroup of a kernel takes. Of n workgroups on a CU, each needs
/// start + rows * max(alone, n * busy) clocks for its KV rows.
struct KernelCost {
  StringRef chip;
  ScheduleKind schedule;
  bool oneWave;
  int64_t elementBytes, headDim;
  double start;     ///< until the first tile, and for the last and O
  double alone;     ///< a KV row, of a workgroup that has a CU for itself
  double busy;      ///< the same, over as many as fit, a workgroup
  int64_t resident; ///< how many fit a CU
};

/// What a modification of scores adds to a KV row.
struct ModCost {
  double alone, busy; ///< as in KernelCost
};
struct ModCosts {
  StringRef chip;
  ScheduleKind schedule;
  int64_t headDim;
  ModCost softcap, alibi, bias;
};

/// What the kernel behind splits takes: start + splits * part.
struct CombineCost {
  StringRef chip;
  double start, part;
};

#include "KernelCosts.inc"

/// KV rows that workgroups read, whole tiles each.
struct Work {
  uint64_t workgroups = 0;
  double rows = 0, longest = 0;
  bool uniform = true;

  void add(uint64_t count, double each) {
    uniform &= !workgroups || each == longest;
    workgroups += count;
    rows += double(count) * each;
    longest = std::max(longest, each);
  }
};
} // namespace

/// The row of the table that is nearest: of the schedule at least, then of the
/// elements' size, of as many waves, and of the mean of the head dims or the
/// next one above it.
static const KernelCost &costOf(StringRef chip, const KernelVariant &variant) {
  auto dim = int64_t(variant.headDim + variant.dimV()) / 2;
  int64_t bytes = variant.elementType == ElementType::F32 ? 4 : 2;
  auto distance = [&](const KernelCost &row) {
    return std::tuple(row.chip != chip, row.schedule != variant.schedule,
                      row.elementBytes != bytes,
                      row.oneWave != (variant.waves == 1), row.headDim < dim,
                      std::abs(row.headDim - dim));
  };
  return *min_element(kKernelCosts,
                      [&](const KernelCost &a, const KernelCost &b) {
                        return distance(a) < distance(b);
                      });
}

/// What softcap, ALiBi and a bias add, by the nearest head dim. They were
/// measured with all waves of a workgroup; of one wave little is known, and
/// there is no choice to make.
static ModCost modCostOf(StringRef chip, const KernelVariant &variant) {
  ModCost sum = {0, 0};
  if (variant.waves == 1)
    return sum;
  auto distance = [&](const ModCosts &row) {
    return std::tuple(row.chip != chip, row.schedule != variant.schedule,
                      std::abs(row.headDim - int64_t(variant.headDim)));
  };
  const ModCosts &costs =
      *min_element(kModCosts, [&](const ModCosts &a, const ModCosts &b) {
        return distance(a) < distance(b);
      });
  auto add = [&](bool isThere, ModCost cost) {
    if (isThere)
      sum = {sum.alone + cost.alone, sum.busy + cost.busy};
  };
  add(variant.softcap, costs.softcap);
  add(variant.alibi, costs.alibi);
  add(variant.bias.has_value(), costs.bias);
  return sum;
}

static Work workOf(const Problem &problem, const KernelVariant &variant,
                   const KernelConfig &config) {
  Work work;
  int64_t group = variant.packGqa ? problem.heads / problem.kvHeads : 1;
  int64_t block = config.rowsPerWorkgroup(), tile = config.kvTile;
  int64_t batches = problem.packed() ? problem.batch : 1;
  auto heads =
      uint64_t(problem.heads / group * (problem.packed() ? 1 : problem.batch));
  for (int64_t b = 0; b < batches; ++b) {
    int64_t rows = problem.rowsOf(Operand::Q, b).length * group;
    for (int64_t row = 0; row < rows; row += block) {
      int64_t last = std::min(row + block, rows) - 1;
      ColumnRange from = problem.visibleColumns(row / group, b);
      ColumnRange to = problem.visibleColumns(last / group, b);
      int64_t begin = from.begin / tile * tile;
      work.add(heads,
               double(alignTo(uint64_t(std::max<int64_t>(to.end - begin, 0)),
                              uint64_t(tile))));
    }
  }
  return work;
}

namespace {
/// What is the same for every number of splits.
class Forecast {
public:
  Forecast(const Problem &problem, StringRef chip, const KernelVariant &variant,
           const KernelConfig &config)
      : problem(problem), chip(*findChip(chip)), cost(costOf(chip, variant)),
        combine(*find_if(kCombineCosts,
                         [&](const auto &row) { return row.chip == chip; })),
        kvTile(config.kvTile), work(workOf(problem, variant, config)) {
    ModCost mods = modCostOf(chip, variant);
    cost.alone += mods.alone;
    cost.busy += mods.busy;
  }

  double clocks(int64_t splits) const;

private:
  double workgroupClocks(double together, double rows) const {
    return cost.start + rows * std::max(cost.alone, together * cost.busy);
  }
  double forwardClocks(int64_t splits) const;
  double combineClocks(int64_t splits) const {
    return combine.start + combine.part * double(splits) +
           double(workspaceBytes(problem, splits)) /
               (double(chip.hbmBytesPerClock) * double(chip.computeUnits));
  }

  const Problem &problem;
  const ChipInfo &chip;
  KernelCost cost; ///< with modifications of scores
  const CombineCost &combine;
  double kvTile;
  Work work;
};
} // namespace

double Forecast::forwardClocks(int64_t splits) const {
  auto partOf = [&](double rows) {
    return std::ceil(rows / kvTile / double(splits)) * kvTile;
  };
  double mean = partOf(work.rows / double(work.workgroups));
  auto fit = double(cost.resident);
  double perUnit =
      double(work.workgroups) * double(splits) / double(chip.computeUnits);
  if (work.uniform) {
    double rest = std::fmod(std::ceil(perUnit), fit);
    return std::floor(std::ceil(perUnit) / fit) * workgroupClocks(fit, mean) +
           (rest > 0 ? workgroupClocks(rest, mean) : 0);
  }
  return std::max(std::max(perUnit / fit, 1.0) *
                      workgroupClocks(std::min(std::ceil(perUnit), fit), mean),
                  workgroupClocks(1, partOf(work.longest)));
}

double Forecast::clocks(int64_t splits) const {
  if (!work.workgroups)
    return 0;
  return forwardClocks(splits) + (splits > 1 ? combineClocks(splits) : 0);
}

double predictClocks(const Problem &problem, StringRef chip,
                     const KernelVariant &variant, const KernelConfig &config,
                     int64_t splits) {
  return Forecast(problem, chip, variant, config).clocks(splits);
}

int64_t chooseSplits(const Problem &problem, StringRef chip,
                     const KernelVariant &variant, const KernelConfig &config) {
  // A combine kernel's workgroup goes over the parts one by one: more of them
  // only make it longer.
  constexpr int64_t maxSplits = 128;
  constexpr uint64_t maxWorkspace = uint64_t(1) << 30;
  if (combineViewBytes(problem) > INT32_MAX)
    return 1;
  int64_t most =
      std::min({kvTiles(problem, config), maxSplits, 65535 / problem.batch});
  int64_t best = 1;
  Forecast forecast(problem, chip, variant, config);
  double least = forecast.clocks(1);
  for (int64_t splits = 2; splits <= most; ++splits) {
    if (workspaceBytes(problem, splits) > maxWorkspace)
      break;
    double clocks = forecast.clocks(splits);
    if (clocks < least) {
      least = clocks;
      best = splits;
    }
  }
  return best;
}

} // namespace flyattn
