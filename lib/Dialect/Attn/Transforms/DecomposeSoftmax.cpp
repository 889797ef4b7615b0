//===- DecomposeSoftmax.cpp - Split a softmax step into its parts ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNDECOMPOSESOFTMAX
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// The rescaling from the step's old maximum to its new one, or null.
static RescaleOp findRescale(SoftmaxStepOp step) {
  for (Operation *user : step.getNewMax().getUsers())
    if (auto rescale = dyn_cast<RescaleOp>(user))
      if (rescale.getMax() == step.getMax() &&
          rescale.getNewMax() == step.getNewMax() &&
          rescale->getBlock() == step->getBlock())
        return rescale;
  return nullptr;
}

static void decompose(SoftmaxStepOp step, float threshold) {
  ImplicitLocOpBuilder b(step.getLoc(), step);
  Value scale = step.getScale(), oldMax = step.getMax();
  Value max = RaiseMaxOp::create(b, oldMax, step.getScores(), scale,
                                 APFloat(threshold));
  auto scores = step.getScores().getType();
  int64_t registers = scores.getRows() * scores.getColumns() / 64;
  Value weights = ShiftScoresOp::create(b, step.getScores(), max, scale);
  weights = Exp2Op::create(b, weights, 0, registers);
  Value p = PackOp::create(b, step.getP().getType(), weights);

  RescaleOp rescale = findRescale(step);
  SmallVector<Value> tiles;
  if (rescale) {
    tiles = llvm::to_vector(rescale.getTiles());
    b.setInsertionPoint(rescale);
  }
  tiles.push_back(step.getSum());
  auto both = RescaleOp::create(b, tiles, oldMax, max);
  Value sum = SumRowsOp::create(b, weights, both->getResults().back());
  if (rescale) {
    rescale.replaceAllUsesWith(both->getResults().drop_back());
    rescale.erase();
  }
  step.replaceAllUsesWith(ValueRange{p, max, sum});
  step.erase();
}

namespace {
struct DecomposeSoftmax
    : attn::impl::AttnDecomposeSoftmaxBase<DecomposeSoftmax> {
  using AttnDecomposeSoftmaxBase::AttnDecomposeSoftmaxBase;

  void runOnOperation() override {
    SmallVector<SoftmaxStepOp> steps;
    getOperation().walk([&](SoftmaxStepOp step) { steps.push_back(step); });
    for (SoftmaxStepOp step : steps)
      decompose(step, threshold);
  }
};
} // namespace
