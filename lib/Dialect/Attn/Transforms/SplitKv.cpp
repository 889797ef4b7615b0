//===- SplitKv.cpp - Split the KV sequence over workgroups ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// attn.forward with splits in its configuration becomes its partial form and an
// attn.combine, with the parts between them in memory of the device.

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNSPLITKV
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// An f32 array of splits x batch (unless packed) x heads x rows x `columns`.
static Value allocateParts(ImplicitLocOpBuilder &b, ForwardOp op,
                           ArrayRef<int64_t> columns) {
  auto q = cast<MemRefType>(op.getQ().getType());
  SmallVector<int64_t> shape{op.getConfig()->getSplits()};
  SmallVector<Value> dynamic;
  SmallVector<int64_t, 3> dims{op.getHeadDimIndex(), op.getSeqDim()};
  if (!op.isPacked())
    dims.insert(dims.begin(), 0);
  for (int64_t dim : dims) {
    shape.push_back(q.getDimSize(dim));
    if (q.isDynamicDim(dim))
      dynamic.push_back(memref::DimOp::create(b, op.getQ(), dim));
  }
  llvm::append_range(shape, columns);
  return gpu::AllocOp::create(b, MemRefType::get(shape, b.getF32Type()),
                              /*asyncToken=*/Type(),
                              /*asyncDependencies=*/ValueRange(), dynamic,
                              /*symbolOperands=*/ValueRange())
      .getMemref();
}

static void split(ForwardOp op) {
  ImplicitLocOpBuilder b(op.getLoc(), op);
  SmallVector<Value> parts{allocateParts(b, op, op.getHeadDimV()),
                           allocateParts(b, op, {}), allocateParts(b, op, {})};
  auto forward = cast<ForwardOp>(b.clone(*op));
  forward.getOutsMutable().assign(parts);
  forward.getSinkMutable().clear();
  CombineOp::create(b, TypeRange(), parts[0], parts[1], parts[2], op.getSink(),
                    op.getOuts(), op.getLayout());
  for (Value part : parts)
    gpu::DeallocOp::create(b, /*asyncToken=*/Type(),
                           /*asyncDependencies=*/ValueRange(), part);
  op.erase();
}

namespace {
struct SplitKv : attn::impl::AttnSplitKvBase<SplitKv> {
  void runOnOperation() override {
    SmallVector<ForwardOp> ops;
    getOperation().walk([&](ForwardOp op) {
      if (op.getConfig() && op.getConfig()->getSplits() > 1 && !op.isPartial())
        ops.push_back(op);
    });
    for (ForwardOp op : ops) {
      if (!isa<MemRefType>(op.getQ().getType())) {
        op.emitOpError() << "is on tensors; run --one-shot-bufferize first";
        return signalPassFailure();
      }
      split(op);
    }
  }
};
} // namespace
