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

// The same for a tile of K that does not fit the registers: its rows are read
// in two halves. In the steady loop (times modulo 6):
//
//   0 memory   read the head of K[t]; fetch V[t]
//   1 compute  head of S[t] = K Q; softmax[t-1]: the other exponentials
//   2 memory   read the tail of K[t]; land V[t-1]
//   3 compute  tail of S[t] = K Q; softmax[t-1]: sum, pack
//   4 memory   read V[t-1]; fetch K[t+2]; land K[t+1]; modify and mask S[t]
//   5 compute  O += V P[t-1]; head of softmax[t]: max, shift, exp; rescale
static std::vector<ClusterRecipe> dualWaveInHalves() {
  using enum TilePart;
  constexpr ClusterKind memory = ClusterKind::Memory,
                        compute = ClusterKind::Compute;
  return {
      {-8, memory, {FetchK}},
      {-2, memory, {LandK}},
      {0, memory, {ReadKHead, FetchV}},
      {1, compute, {ScoresHead}},
      {2, memory, {ReadKTail}},
      {3, compute, {ScoresTail}},
      {4, memory, {ModifyScores, Mask}},
      {5, compute, {RaiseMax, ShiftScores, ExpHead, Rescale}},
      {7, compute, {ExpTail}},
      {8, memory, {LandV}},
      {9, compute, {SumRows, Pack}},
      {10, memory, {ReadV}},
      {11, compute, {Output}},
  };
}

static const ScheduleRecipe recipes[] = {
    {"gfx950", 64, 64, 64, /*expHead=*/14, /*panelColumns=*/0, /*groups=*/2,
     /*lag=*/1, /*interval=*/4, dualWave(ClusterKind::Compute)},
    {"gfx950", 128, 128, 64, /*expHead=*/12, /*panelColumns=*/0, /*groups=*/2,
     /*lag=*/1, /*interval=*/4, dualWave(ClusterKind::Compute)},
    {"gfx950", 192, 192, 32, /*expHead=*/4, /*panelColumns=*/64, /*groups=*/2,
     /*lag=*/1, /*interval=*/4, dualWave(ClusterKind::Compute)},
    {"gfx950", 256, 128, 32, /*expHead=*/4, /*panelColumns=*/64, /*groups=*/2,
     /*lag=*/1, /*interval=*/4, dualWave(ClusterKind::Compute)},
    {"gfx950", 192, 128, 64, /*expHead=*/12, /*panelColumns=*/64, /*groups=*/2,
     /*lag=*/1, /*interval=*/6, dualWaveInHalves()},
    {"gfx942", 64, 64, 64, /*expHead=*/19, /*panelColumns=*/32, /*groups=*/2,
     /*lag=*/1, /*interval=*/4, dualWave(ClusterKind::Memory),
     ClusterKind::Memory},
    {"gfx942", 128, 128, 64, /*expHead=*/10, /*panelColumns=*/32, /*groups=*/2,
     /*lag=*/1, /*interval=*/4, dualWave(ClusterKind::Memory)},
    {"gfx942", 192, 128, 32, /*expHead=*/8, /*panelColumns=*/32, /*groups=*/2,
     /*lag=*/1, /*interval=*/4, dualWave(ClusterKind::Memory)},
};

const ScheduleRecipe *attn::findRecipe(StringRef chip, int64_t headDim,
                                       int64_t headDimV, int64_t kvTile) {
  auto *found = llvm::find_if(recipes, [&](const ScheduleRecipe &recipe) {
    return recipe.chip == chip && headDim <= recipe.headDim &&
           headDimV <= recipe.headDimV && kvTile <= recipe.kvTile;
  });
  return found == std::end(recipes) ? nullptr : found;
}
