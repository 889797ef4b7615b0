//===- Clusters.cpp - Helpers to build pipelines --------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Clusters.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::attn;

ClusterOp attn::createCluster(OpBuilder &builder, Location loc,
                              ClusterKind kind, std::optional<int64_t> at) {
  auto cluster =
      ClusterOp::create(builder, loc, TypeRange(), kind,
                        at ? builder.getI32IntegerAttr(*at) : IntegerAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&cluster.getBody());
  YieldOp::create(builder, loc, ValueRange());
  return cluster;
}

static bool isOutside(ClusterOp cluster, OpOperand &use) {
  return !cluster.getBody().isAncestor(use.getOwner()->getParentRegion());
}

static void closeCluster(ClusterOp cluster) {
  Block &body = cluster.getBody().front();
  SmallVector<Value> values;
  for (Operation &op : body)
    for (Value value : op.getResults())
      if (llvm::any_of(value.getUses(),
                       [&](OpOperand &use) { return isOutside(cluster, use); }))
        values.push_back(value);
  if (values.empty())
    return;
  OpBuilder b(cluster);
  auto closed =
      ClusterOp::create(b, cluster.getLoc(), TypeRange(ValueRange(values)),
                        cluster.getKindAttr(), cluster.getAtAttr());
  closed.getBody().takeBody(cluster.getBody());
  for (auto [value, result] : llvm::zip(values, closed.getResults()))
    value.replaceUsesWithIf(
        result, [&](OpOperand &use) { return isOutside(closed, use); });
  auto yield = cast<YieldOp>(closed.getBody().front().getTerminator());
  yield.getValuesMutable().assign(values);
  cluster.erase();
}

void attn::closeClusters(PipelineOp pipeline) {
  SmallVector<ClusterOp> clusters;
  pipeline.walk([&](ClusterOp cluster) { clusters.push_back(cluster); });
  for (ClusterOp cluster : clusters)
    closeCluster(cluster);
}
