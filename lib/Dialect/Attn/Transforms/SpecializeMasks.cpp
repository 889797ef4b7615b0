//===- SpecializeMasks.cpp - KV ranges that need no mask ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// For a loop over KV tiles that masks each tile at its counter:
//
//   1. find the KV rows that every query row of the workgroup sees; the rows
//      of its waves lie between the first row of wave 0 and the last row of
//      the last wave, so the answer is uniform;
//   2. round that range inwards to whole tiles, inside the loop's own bounds;
//   3. split the loop there; the range in the middle loses its mask.
//
//          kv ->    lo                  full end          hi
//   first row       |###################.                  |
//   ...             |######################.               |
//   last row        |######################################|
//                   | full, no mask     | masked           |  skipped

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNSPECIALIZEMASKS
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// The least that `value` is in any wave of the workgroup, as a value that is
/// uniform over it; null if that cannot be told. Values are uniform but for
/// what is added to them in proportion to the wave's number.
static Value leastOverWaves(ImplicitLocOpBuilder &b, Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return value;
  if (isa<gpu::SubgroupIdOp>(op))
    return arith::ConstantIndexOp::create(b, 0);
  if (isa<gpu::ThreadIdOp, gpu::LaneIdOp>(op))
    return nullptr;
  if (op->getNumOperands() == 0)
    return value;

  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(leastOverWaves(b, operand));
    if (!operands.back())
      return nullptr;
  }
  if (llvm::equal(operands, op->getOperands()))
    return value;
  // Only what grows with each operand that differs between waves.
  APInt factor;
  bool grows = isa<arith::AddIOp, arith::IndexCastOp>(op) ||
               (isa<arith::MulIOp>(op) &&
                matchPattern(op->getOperand(1), m_ConstantInt(&factor)) &&
                !factor.isNegative());
  if (!grows)
    return nullptr;
  IRMapping map;
  map.map(op->getOperands(), operands);
  return b.clone(*op, map)->getResult(0);
}

namespace {
/// A loop over KV tiles and the mask in it.
struct MaskedLoop {
  scf::ForOp loop;
  MaskOp mask;

  static std::optional<MaskedLoop> match(scf::ForOp loop);
  void split();

private:
  Value fullEnd(ImplicitLocOpBuilder &b);
  scf::ForOp cloneUnmasked(ImplicitLocOpBuilder &b, Value end);
};
} // namespace

std::optional<MaskedLoop> MaskedLoop::match(scf::ForOp loop) {
  auto masks = llvm::to_vector(loop.getBody()->getOps<MaskOp>());
  if (masks.size() != 1 || masks[0].getKv() != loop.getInductionVar())
    return std::nullopt;
  APInt step;
  if (!matchPattern(loop.getStep(), m_ConstantInt(&step)) ||
      step != uint64_t(masks[0].getTile().getType().getRows()))
    return std::nullopt;
  bool invariant =
      llvm::all_of(masks[0]->getOperands().drop_front(2), [&](Value value) {
        return loop.isDefinedOutsideOfLoop(value);
      });
  return invariant ? std::optional(MaskedLoop{loop, masks[0]}) : std::nullopt;
}

/// Where the whole tiles end that every row of the workgroup sees.
Value MaskedLoop::fullEnd(ImplicitLocOpBuilder &b) {
  Value visible = mask.getLimit();
  if (Value diagonal = mask.getDiagonal()) {
    // The first row sees least: up to and with column first + diagonal.
    Value first = leastOverWaves(b, mask.getQ());
    if (!first)
      return nullptr;
    Value one = arith::ConstantIntOp::create(b, b.getI32Type(), 1);
    Value end = arith::AddIOp::create(
        b, arith::AddIOp::create(b, first, diagonal).getResult(), one);
    visible = arith::MinSIOp::create(b, visible, end);
  }
  Value lower = loop.getLowerBound();
  visible = arith::MinSIOp::create(b, visible, loop.getUpperBound());
  Value zero = arith::ConstantIntOp::create(b, b.getI32Type(), 0);
  Value span = arith::MaxSIOp::create(
      b, arith::SubIOp::create(b, visible, lower).getResult(), zero);
  Value part = arith::RemUIOp::create(b, span, loop.getStep());
  return arith::AddIOp::create(
      b, lower, arith::SubIOp::create(b, span, part).getResult());
}

/// The loop up to `end`, without the mask.
scf::ForOp MaskedLoop::cloneUnmasked(ImplicitLocOpBuilder &b, Value end) {
  auto full = cast<scf::ForOp>(b.clone(*loop));
  full.setUpperBound(end);
  for (MaskOp copy : llvm::to_vector(full.getBody()->getOps<MaskOp>())) {
    copy.replaceAllUsesWith(copy.getTile());
    copy.erase();
  }
  return full;
}

void MaskedLoop::split() {
  ImplicitLocOpBuilder b(loop.getLoc(), loop);
  Value end = fullEnd(b);
  if (!end)
    return;
  scf::ForOp full = cloneUnmasked(b, end);
  loop.setLowerBound(end);
  loop.getInitArgsMutable().assign(full.getResults());
}

namespace {
struct SpecializeMasks : attn::impl::AttnSpecializeMasksBase<SpecializeMasks> {
  void runOnOperation() override {
    SmallVector<MaskedLoop> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (auto masked = MaskedLoop::match(loop))
        loops.push_back(*masked);
    });
    for (MaskedLoop &masked : loops)
      masked.split();
  }
};
} // namespace
