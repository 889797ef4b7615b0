//===- ScoreMods.cpp - What changes scores, verified ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreMods.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static bool isContiguous(Named operand) {
  auto memref = dyn_cast<MemRefType>(operand.type);
  return !memref || memref.getStridesAndOffset().first.back() == 1;
}

LogicalResult attn::verifyPerHead(Operation *op, QueryRows rows, Named operand,
                                  bool contiguous) {
  if (operand.type.getRank() != 1 || !operand.type.getElementType().isF32())
    return op->emitOpError() << operand.name
                             << " must hold f32 in one dimension, one a head, "
                                "got "
                             << operand.type;
  if (contiguous && !isContiguous(operand))
    return op->emitOpError() << operand.name << " must be contiguous";
  return verifySameDim(op, "heads", rows.operand, rows.heads, operand, 0);
}

/// Of [batch, heads, seqlen_q, seqlen_kv], all but the last may broadcast. The
/// lengths of packed sequences are not known.
static LogicalResult verifyBias(ForwardOp op, QueryRows rows, Named bias) {
  Type element = bias.type.getElementType();
  if (bias.type.getRank() != 4)
    return op.emitOpError() << "bias must have rank 4 (batch x heads x "
                               "seqlen_q x seqlen_kv), got rank "
                            << bias.type.getRank();
  if (!element.isF32() && element != op.getElementType())
    return op.emitOpError() << "bias must hold f32 or q's element type "
                            << op.getElementType() << ", got " << element;
  if (!isContiguous(bias))
    return op.emitOpError() << "bias must be contiguous in its last dimension";
  auto same = [&](StringRef what, Named operand, int64_t dim, int64_t mine) {
    if (mine != 3 && bias.type.getDimSize(mine) == 1)
      return success();
    return verifySameDim(op, what, operand, dim, bias, mine);
  };
  Named q = rows.operand, k{"k", cast<ShapedType>(op.getK().getType())};
  if (failed(same("heads", q, rows.heads, 1)))
    return failure();
  if (rows.packed)
    return success();
  if (failed(same("batch", q, 0, 0)) ||
      failed(same("seqlen_q", q, rows.seq, 2)))
    return failure();
  return same("seqlen_kv", k, rows.seq, 3);
}

LogicalResult attn::verifyModOperands(ForwardOp op, QueryRows rows) {
  auto named = [](StringRef name, Value value) {
    return Named{name, cast<ShapedType>(value.getType())};
  };
  if (Value bias = op.getBias())
    if (failed(verifyBias(op, rows, named("bias", bias))))
      return failure();
  if (Value slopes = op.getAlibiSlopes())
    if (failed(verifyPerHead(op, rows, named("alibi_slopes", slopes),
                             /*contiguous=*/false)))
      return failure();
  if (Value sink = op.getSink()) {
    if (op.isPartial())
      return op.emitOpError() << "has parts for outs, so the sink belongs to "
                                 "attn.combine";
    return verifyPerHead(op, rows, named("sink", sink), /*contiguous=*/true);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

/// What a region may hold: it is written out for each score.
static LogicalResult verifyBody(Operation *parent, StringRef name,
                                Block &block) {
  for (Operation &op : block.without_terminator()) {
    if (op.getNumRegions() != 0)
      return op.emitOpError()
             << "has a region: in " << name << " use arith.select instead";
    if (auto load = dyn_cast<memref::LoadOp>(op)) {
      auto memref = dyn_cast<BlockArgument>(load.getMemRef());
      if (memref && memref.getOwner() == &block)
        continue;
    } else if (isPure(&op)) {
      continue;
    }
    return op.emitOpError() << "is neither pure nor a memref.load of what was "
                               "captured, as "
                            << name << " wants it";
  }
  return success();
}

/// One block of the leading arguments and `captures` that yields one value.
static LogicalResult verifyRegion(Operation *op, StringRef name, Region &region,
                                  ArrayRef<Type> leading, TypeRange captures,
                                  Type result) {
  if (!region.hasOneBlock())
    return op->emitOpError() << name << " must be a single block";
  Block &block = region.front();
  SmallVector<Type> wanted(leading);
  llvm::append_range(wanted, captures);
  if (!llvm::equal(block.getArgumentTypes(), wanted)) {
    InFlightDiagnostic diag = op->emitOpError()
                              << name << " must take " << wanted << ", got ";
    diag << llvm::to_vector(block.getArgumentTypes());
    return diag;
  }
  auto yield = block.empty() ? nullptr : dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getNumOperands() != 1 ||
      yield.getOperand(0).getType() != result)
    return op->emitOpError()
           << name << " must end with an attn.yield of one " << result;
  return verifyBody(op, name, block);
}

LogicalResult ForwardOp::verifyRegions() {
  Builder b(getContext());
  SmallVector<Type> leading(5, b.getIndexType());
  leading[0] = b.getF32Type();
  TypeRange captures = getCaptures().getTypes();
  if (!getScoreMod().empty() &&
      failed(verifyRegion(*this, "score_mod", getScoreMod(), leading, captures,
                          b.getF32Type())))
    return failure();
  if (!getMaskMod().empty())
    return verifyRegion(*this, "mask_mod", getMaskMod(),
                        ArrayRef(leading).drop_front(), captures,
                        b.getI1Type());
  if (getScoreMod().empty() && !getCaptures().empty())
    return emitOpError() << "captures operands, but has no score_mod or "
                            "mask_mod to use them";
  return success();
}

/// The operands that make a value of `type` in the region.
static SmallVector<Type> flattened(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return {type};
  SmallVector<Type> types(memref.getRank() + 1,
                          IntegerType::get(type.getContext(), 64));
  types[0] = LLVM::LLVMPointerType::get(type.getContext(), 1);
  return types;
}

LogicalResult ModifyScoresOp::verifyRegions() {
  if (getTile().getType().getLayout() != TileLayout::MfmaC)
    return emitOpError() << "the tile must be an mfma_c tile, got "
                         << getTile().getType();
  Builder b(getContext());
  SmallVector<Type> leading(5, b.getIndexType());
  leading[0] = b.getF32Type();
  SmallVector<Type> types = llvm::to_vector(getBody().getArgumentTypes());
  ArrayRef<Type> captures =
      ArrayRef(types).drop_front(std::min(leading.size(), types.size()));
  if (failed(verifyRegion(*this, "the region", getBody(), leading, captures,
                          b.getF32Type())))
    return failure();
  SmallVector<Type> wanted;
  for (Type type : captures)
    llvm::append_range(wanted, flattened(type));
  if (llvm::equal(wanted, getCaptures().getTypes()))
    return success();
  InFlightDiagnostic diag = emitOpError() << "the region needs captures "
                                          << wanted << ", got ";
  diag << llvm::to_vector(getCaptures().getTypes());
  return diag;
}

LogicalResult AddSinkOp::verify() {
  TileType acc = getAcc().getType(), max = getMax().getType();
  if (acc.getLayout() != TileLayout::MfmaC ||
      max.getLayout() != TileLayout::Columns ||
      acc.getColumns() != max.getColumns())
    return emitOpError() << "acc must be an mfma_c tile and max a columns tile "
                            "of as many columns, got "
                         << acc << " and " << max;
  return success();
}
