//===- ScheduleRecipes.cpp - The table of schedules -----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScheduleRecipes.h"

using namespace mlir;
using namespace mlir::attn;

// The dual-wave order of HipKittens, OPUS (ROCm/aiter) and FlyDSL. A tile's
// exponentials are split between two compute clusters, so that each hides all
// of its vector instructions behind its matrix products. In the steady loop
// (times modulo 4):
//
//   0 memory   read K[t]; fetch V[t]; land V[t-1]
//   1 compute  S[t] = K Q; tail of softmax[t-1]: exp, sum, pack
//   2 memory   read V[t-1]; fetch K[t+2]; land K[t+1]; modify and mask S[t]
//   3 compute  O += V P[t-1]; head of softmax[t]: max, shift, exp; rescale
//
// Where half-waves exchange values through LDS, raising the maximum takes a
// branch, which would split a compute cluster: `raiseMax` puts it in 2.
static std::vector<ClusterRecipe> dualWave(ClusterKind raiseMax) {
  using enum TilePart;
  constexpr ClusterKind memory = ClusterKind::Memory,
                        compute = ClusterKind::Compute;
  std::vector<TilePart> mask{ModifyScores, Mask},
      head{ShiftScores, ExpHead, Rescale};
  if (raiseMax == memory)
    mask.push_back(RaiseMax);
  else
    head.insert(head.begin(), RaiseMax);
  return {
      {-6, memory, {FetchQ, FetchK, LandQ}},
      {-2, memory, {ReadQ, LandK}},
      {-1, compute, {PrepareQ}},
      {0, memory, {ReadK, FetchV}},
      {1, compute, {Scores}},
      {2, memory, mask},
      {3, compute, head},
      {4, memory, {LandV}},
      {5, compute, {ExpTail, SumRows, Pack}},
      {6, memory, {ReadV}},
      {7, compute, {Output}},
  };
}

static const ScheduleRecipe recipes[] = {
    {"gfx950", 128, /*expHead=*/12, Staging::Whole, /*groups=*/2, /*lag=*/1,
     /*interval=*/4, dualWave(ClusterKind::Compute)},
    {"gfx950", 64, /*expHead=*/14, Staging::Whole, /*groups=*/2, /*lag=*/1,
     /*interval=*/4, dualWave(ClusterKind::Compute)},
    {"gfx942", 128, /*expHead=*/10, Staging::Panels, /*groups=*/2, /*lag=*/1,
     /*interval=*/4, dualWave(ClusterKind::Memory)},
    {"gfx942", 64, /*expHead=*/19, Staging::Panels, /*groups=*/2, /*lag=*/1,
     /*interval=*/4, dualWave(ClusterKind::Memory), ClusterKind::Memory},
};

const ScheduleRecipe *attn::findRecipe(StringRef chip, int64_t headDim) {
  const ScheduleRecipe *least = nullptr;
  for (const ScheduleRecipe &recipe : recipes)
    if (recipe.chip == chip && recipe.headDim >= headDim &&
        (!least || recipe.headDim < least->headDim))
      least = &recipe;
  return least;
}
