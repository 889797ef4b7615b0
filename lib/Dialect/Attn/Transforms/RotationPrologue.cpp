//===- RotationPrologue.cpp - What is done before the loops ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What iterations before 0 do, in the order of time. Tiles before 0 are as if
// hidden by the mask, which adds nothing to any sum.

#include "Clusters.h"
#include "Rotation.h"

using namespace mlir;
using namespace mlir::attn;

/// An op of a tile before 0.
LogicalResult Rotation::writeHiddenOp(Stretch &stretch, Operation &op,
                                      int64_t tile) {
  if (auto mask = dyn_cast<MaskOp>(op)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(rotated);
    Value hidden = arith::ConstantOp::create(
        b, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
    stretch.values[{mask.getRes(), tile}] =
        SplatOp::create(b, mask.getRes().getType(), hidden);
    return success();
  }
  IRMapping map;
  if (auto fetch = dyn_cast<FetchOp>(op)) {
    // Before row 0 of the view, wherever the pipeline starts.
    OpBuilder::InsertionGuard guard(b);
    leaveCluster();
    map.map(fetch.getRow(),
            arith::MulIOp::create(b, tiles.step(), i32(tile)).getResult());
  }
  return cloneOp(stretch, op, tile, map);
}

void Rotation::writeOnce(Operation &op) {
  for (Value operand : op.getOperands())
    once.map(operand, once.lookupOrDefault(tiles.origin(operand, 0).first));
  b.clone(op, once);
}

Moment Rotation::momentAt(int64_t time) {
  Moment moment;
  for (ClusterOp cluster : tiles.firstClusters)
    if (*cluster.getTime() == time) {
      moment.kind = cluster.getKind();
      for (Operation &op : cluster.getBody().front().without_terminator())
        moment.ops.push_back({&op, std::nullopt});
    }
  for (ClusterOp cluster : tiles.clusters) {
    int64_t tile =
        llvm::divideFloorSigned(time - *cluster.getTime(), tiles.interval);
    if ((time - *cluster.getTime()) % tiles.interval != 0)
      continue;
    for (Operation &op : cluster.getBody().front().without_terminator())
      if (tile >= 0 || tiles.isNeededBefore(&op, tile)) {
        moment.kind = cluster.getKind();
        moment.ops.push_back({&op, tile});
      }
  }
  return moment;
}

/// Writes one cluster, fetches first.
LogicalResult Rotation::writeMoments(Stretch &stretch,
                                     ArrayRef<Moment> moments) {
  ClusterOp cluster =
      createCluster(b, tiles.loop.getLoc(), moments.front().kind);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(cluster.getBody().front().getTerminator());
  for (bool fetches : {true, false})
    for (const Moment &moment : moments)
      for (auto [op, tile] : moment.ops) {
        if (isa<FetchOp>(op) != fetches)
          continue;
        if (!tile)
          writeOnce(*op);
        else if (failed(*tile < 0
                            ? writeHiddenOp(stretch, *op, *tile)
                            : writeOp(stretch, *op, *tile, tiles.isMasked())))
          return failure();
      }
  return success();
}

/// Fetches for tiles before 0 bring nothing. They can wait for the last memory
/// cluster, where they stand in nobody's way.
static void deferHidden(SmallVectorImpl<Moment> &moments) {
  auto last = llvm::find_if(llvm::reverse(moments), [](const Moment &moment) {
    return moment.kind == ClusterKind::Memory;
  });
  if (last == moments.rend())
    return;
  auto isHidden = [](auto &entry) {
    return isa<FetchOp>(entry.first) && entry.second && *entry.second < 0;
  };
  for (Moment &moment : moments)
    if (&moment != &*last)
      for (auto &entry : moment.ops)
        if (isHidden(entry))
          last->ops.insert(last->ops.begin(), entry);
  for (Moment &moment : moments)
    if (&moment != &*last)
      llvm::erase_if(moment.ops, isHidden);
  llvm::erase_if(moments,
                 [](const Moment &moment) { return moment.ops.empty(); });
}

LogicalResult Rotation::writePrologue(Stretch &stretch) {
  // What the first tile takes over are the pipeline's own initial values.
  for (auto [argument, init] : llvm::zip(tiles.loop.getRegionIterArgs(),
                                         tiles.ranges.front().getInitArgs())) {
    auto [value, tile] = tiles.origin(argument, -tiles.maxStage);
    stretch.values[{value, tile}] = init;
  }
  int64_t begin = std::min<int64_t>(tiles.minStage, -1) * tiles.interval;
  SmallVector<Moment> moments;
  for (int64_t time = begin; time < 0; ++time)
    if (Moment moment = momentAt(time); !moment.ops.empty())
      moments.push_back(moment);
  deferHidden(moments);
  ArrayRef<Moment> rest = moments;
  ArrayRef<Moment> first =
      rest.take_while([](const Moment &moment) { return moment.onlyBrings(); });
  rest = rest.drop_front(first.size());
  if (!first.empty()) {
    if (failed(writeMoments(stretch, first)))
      return failure();
    // Nothing is read until the last group has done it.
    unsigned quiet = rest.take_while([](const Moment &moment) {
                           return moment.kind == ClusterKind::Compute;
                         })
                         .size();
    for (; quiet < (pipeline.getGroups() - 1) * pipeline.getLag(); ++quiet)
      createCluster(b, tiles.loop.getLoc(), ClusterKind::Compute);
  }
  for (const Moment &moment : rest)
    if (failed(writeMoments(stretch, moment)))
      return failure();
  return success();
}
