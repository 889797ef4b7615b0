//===- ExpandScoreMods.cpp - Softcap, bias and ALiBi as a region ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Gathers all that attn.forward does to scores in its score_mod, so that the
// passes behind know a single form.

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <limits>

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNEXPANDSCOREMODS
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
/// Writes the region of one op.
class Expansion {
public:
  explicit Expansion(ForwardOp op) : host(op.getLoc(), op), op(op), b(host) {}

  void run();

private:
  Value capture(Value operand);
  void softcap();
  void addBias();
  void subtractDistance();
  Value lengthDifference();
  void inlineRegions(ArrayRef<Value> captured);
  Value inlined(Region &region, ArrayRef<Value> leading,
                ArrayRef<Value> captured);
  Value f32(float value) {
    return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
  }
  Value index(int64_t value) {
    return arith::ConstantIndexOp::create(b, value);
  }
  Value toI32(ImplicitLocOpBuilder &at, Value value) {
    return arith::IndexCastOp::create(at, at.getI32Type(), value);
  }

  ImplicitLocOpBuilder host; ///< before the op
  ForwardOp op;
  ImplicitLocOpBuilder b; ///< in the region
  Block *block = nullptr;
  SmallVector<Value> captures;
  Value score, batch, head, row, column;
};
} // namespace

/// The operand as the region sees it.
Value Expansion::capture(Value operand) {
  captures.push_back(operand);
  return block->addArgument(operand.getType(), op.getLoc());
}

void Expansion::softcap() {
  Value cap = capture(op.getSoftcap());
  // The same for all scores: one division a kernel.
  Value inverse = arith::DivFOp::create(b, f32(1.0f), cap);
  Value bounded = math::TanhOp::create(
      b, arith::MulFOp::create(b, score, inverse).getResult());
  score = arith::MulFOp::create(b, bounded, cap);
}

void Expansion::addBias() {
  Value bias = capture(op.getBias());
  auto type = cast<MemRefType>(bias.getType());
  SmallVector<Value> indices{batch, head, row, column};
  for (auto [dim, index] : llvm::enumerate(indices))
    if (dim != 3 && type.getDimSize(dim) == 1)
      index = this->index(0);
  Value added = memref::LoadOp::create(b, bias, indices);
  if (!type.getElementType().isF32())
    added = arith::ExtFOp::create(b, b.getF32Type(), added);
  score = arith::AddFOp::create(b, score, added);
}

/// seqlen_kv - seqlen_q of the sequence, i32.
Value Expansion::lengthDifference() {
  if (!op.isPacked()) {
    Value kv = memref::DimOp::create(host, op.getK(), op.getSeqDim());
    Value q = memref::DimOp::create(host, op.getQ(), op.getSeqDim());
    return capture(toI32(host, arith::SubIOp::create(host, kv, q).getResult()));
  }
  Value next = arith::AddIOp::create(b, batch, index(1));
  SmallVector<Value> lengths;
  for (Value seqlens : {op.getCuSeqlensQ(), op.getCuSeqlensKv()}) {
    Value ends = capture(seqlens);
    Value begin = memref::LoadOp::create(b, ends, batch);
    Value end = memref::LoadOp::create(b, ends, next);
    lengths.push_back(arith::SubIOp::create(b, end, begin));
  }
  return arith::SubIOp::create(b, lengths[1], lengths[0]);
}

void Expansion::subtractDistance() {
  Value slopes = capture(op.getAlibiSlopes());
  Value slope = memref::LoadOp::create(b, slopes, head);
  Value diagonal = arith::AddIOp::create(b, toI32(b, row), lengthDifference());
  Value steps = arith::SubIOp::create(b, diagonal, toI32(b, column));
  Value distance = arith::SIToFPOp::create(b, b.getF32Type(), steps);
  distance = math::AbsFOp::create(b, distance);
  Value penalty = arith::MulFOp::create(b, slope, distance);
  score = arith::SubFOp::create(b, score, penalty);
}

/// What a region of the op yields, computed here.
Value Expansion::inlined(Region &region, ArrayRef<Value> leading,
                         ArrayRef<Value> captured) {
  IRMapping map;
  SmallVector<Value> arguments(leading);
  llvm::append_range(arguments, captured);
  map.map(region.getArguments(), arguments);
  for (Operation &inner : region.front().without_terminator())
    b.clone(inner, map);
  return map.lookupOrDefault(region.front().getTerminator()->getOperand(0));
}

/// Those that the op had.
void Expansion::inlineRegions(ArrayRef<Value> captured) {
  if (!op.getScoreMod().empty())
    score =
        inlined(op.getScoreMod(), {score, batch, head, row, column}, captured);
  if (op.getMaskMod().empty())
    return;
  Value seen = inlined(op.getMaskMod(), {batch, head, row, column}, captured);
  score = arith::SelectOp::create(b, seen, score,
                                  f32(-std::numeric_limits<float>::infinity()));
}

void Expansion::run() {
  Region region;
  block = &region.emplaceBlock();
  score = block->addArgument(b.getF32Type(), op.getLoc());
  for (Value *value : {&batch, &head, &row, &column})
    *value = block->addArgument(b.getIndexType(), op.getLoc());
  b.setInsertionPointToStart(block);
  if (op.getSoftcap())
    softcap();
  if (op.getBias())
    addBias();
  if (op.getAlibiSlopes())
    subtractDistance();
  SmallVector<Value> captured;
  for (Value operand : op.getCaptures())
    captured.push_back(capture(operand));
  inlineRegions(captured);
  YieldOp::create(b, score);

  op.getSoftcapMutable().clear();
  op.getBiasMutable().clear();
  op.getAlibiSlopesMutable().clear();
  op.getCapturesMutable().assign(captures);
  op.getMaskMod().getBlocks().clear();
  op.getScoreMod().takeBody(region);
}

namespace {
struct ExpandScoreMods : attn::impl::AttnExpandScoreModsBase<ExpandScoreMods> {
  void runOnOperation() override {
    SmallVector<ForwardOp> ops;
    getOperation().walk([&](ForwardOp op) {
      if (op.modifiesBeyondScoreMod())
        ops.push_back(op);
    });
    for (ForwardOp op : ops) {
      if (!isa<MemRefType>(op.getQ().getType())) {
        op.emitOpError() << "is on tensors; run --one-shot-bufferize first";
        return signalPassFailure();
      }
      Expansion(op).run();
    }
  }
};
} // namespace
