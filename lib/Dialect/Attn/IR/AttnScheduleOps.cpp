//===- AttnScheduleOps.cpp - Verifiers of the schedule-level ops ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Time is counted in clusters: a wave of group g runs its n-th cluster at time
// n + g * lag, and all waves pass from one time to the next together. So of two
// clusters of different waves the one that is d behind the other in program
// order runs at least d - (groups - 1) * lag later. What a wave does in a
// cluster is done by the cluster's end.

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/IR/ClusterGraph.h"

#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::attn;

LogicalResult CycleSlotsOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location> loc,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  if (adaptor.getSlots().empty())
    return emitOptionalError(loc, "needs at least one slot");
  types.push_back(adaptor.getSlots().front().getType());
  return success();
}

LogicalResult CycleSlotsOp::verify() {
  for (Value slot : getSlots())
    if (slot.getType() != getSlot().getType())
      return emitOpError() << "slots must have one type, got " << slot.getType()
                           << " and " << getSlot().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// What may stand where
//===----------------------------------------------------------------------===//

/// Does the op work on tiles or memory, so that it needs a cluster?
static bool isWork(Operation &op) {
  auto isTile = [](Type type) { return isa<TileType, InflightType>(type); };
  return llvm::any_of(op.getOperandTypes(), isTile) ||
         llvm::any_of(op.getResultTypes(), isTile) || !isMemoryEffectFree(&op);
}

static LogicalResult verifyCluster(ClusterOp cluster, bool rotated) {
  if (rotated && cluster.getTime())
    return cluster.emitOpError() << "has a time, but the pipeline has no "
                                    "interval: it is rotated";
  if (!rotated && cluster->getParentOfType<scf::ForOp>() && !cluster.getTime())
    return cluster.emitOpError()
           << "needs a time: the pipeline is not rotated yet";
  bool compute = cluster.getKind() == ClusterKind::Compute;
  WalkResult result = cluster.getBody().walk([&](Operation *op) {
    if (isa<ClusterOp, PipelineOp>(op)) {
      op->emitOpError() << "cannot stand in a cluster";
      return WalkResult::interrupt();
    }
    if (compute && isa<AttnDialect>(op->getDialect()) &&
        !op->hasTrait<OpTrait::IsTerminator>() && !isMemoryEffectFree(op)) {
      op->emitOpError() << "touches memory in a compute cluster";
      return WalkResult::interrupt();
    }
    if (!compute && isa<MmaOp>(op)) {
      op->emitOpError() << "multiplies matrices in a memory cluster";
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

/// Fails if `value` may differ between the waves of a workgroup.
static LogicalResult verifyUniform(Operation *op, StringRef what, Value value) {
  SetVector<Operation *> slice;
  BackwardSliceOptions options;
  options.omitBlockArguments = true;
  options.omitUsesFromAbove = false;
  (void)getBackwardSlice(value, &slice, options);
  if (Operation *def = value.getDefiningOp())
    slice.insert(def);
  for (Operation *source : slice)
    if (isa<gpu::ThreadIdOp, gpu::SubgroupIdOp, gpu::LaneIdOp>(source))
      return op->emitOpError()
             << what << " differs between waves: they would pass different "
             << "numbers of borders";
  return success();
}

static LogicalResult verifyBlock(Block &block, bool rotated) {
  for (Operation &op : block) {
    if (auto cluster = dyn_cast<ClusterOp>(op)) {
      if (failed(verifyCluster(cluster, rotated)))
        return failure();
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      if (failed(
              verifyUniform(loop, "the lower bound", loop.getLowerBound())) ||
          failed(
              verifyUniform(loop, "the upper bound", loop.getUpperBound())) ||
          failed(verifyUniform(loop, "the step", loop.getStep())) ||
          failed(verifyBlock(*loop.getBody(), rotated)))
        return failure();
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      if (failed(verifyUniform(branch, "the condition", branch.getCondition())))
        return failure();
      for (Region &region : branch->getRegions())
        if (!region.empty() && failed(verifyBlock(region.front(), rotated)))
          return failure();
    } else if (!op.hasTrait<OpTrait::IsTerminator>() && isWork(op)) {
      return op.emitOpError() << "must stand in a cluster";
    }
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Slots, before rotation: times modulo the interval
//===----------------------------------------------------------------------===//

namespace {
/// When a tile uses its slot, in clusters from where the tile starts.
struct SlotTimes {
  std::optional<int64_t> fetch, land, firstRead, lastRead;
  int64_t slots = 1;
};
} // namespace

static LogicalResult verifyTimes(PipelineOp pipeline, scf::ForOp loop) {
  int64_t behind = int64_t(pipeline.getGroups() - 1) * pipeline.getLag();
  llvm::MapVector<Value, SlotTimes> uses;
  auto use = [&](Value slot) -> SlotTimes & {
    auto cycle = slot.getDefiningOp<CycleSlotsOp>();
    SlotTimes &times = uses[cycle ? cycle.getSlots().front() : slot];
    times.slots = cycle ? cycle.getSlots().size() : 1;
    return times;
  };
  for (auto cluster : loop.getBody()->getOps<ClusterOp>()) {
    int64_t at = *cluster.getTime();
    for (Operation &op : cluster.getBody().front()) {
      if (auto fetch = dyn_cast<FetchOp>(op))
        use(fetch.getSlot()).fetch = at;
      else if (auto land = dyn_cast<LandOp>(op))
        use(land.getSlot()).land = at;
      else if (auto read = dyn_cast<ReadOp>(op)) {
        SlotTimes &times = use(read.getSlot());
        times.firstRead = std::min(times.firstRead.value_or(at), at);
        times.lastRead = std::max(times.lastRead.value_or(at), at);
      }
    }
  }
  for (auto &[slot, times] : uses) {
    if (!times.fetch || !times.land || !times.firstRead)
      return loop.emitOpError()
             << "fetches, lands or reads a slot, but does not do all three";
    if (*times.land < *times.fetch)
      return loop.emitOpError() << "lands a slot at " << *times.land
                                << ", before its fetch at " << *times.fetch;
    if (*times.firstRead - *times.land <= behind)
      return loop.emitOpError() << "reads a slot at " << *times.firstRead
                                << ", but a wave that is " << behind
                                << " behind lands its share at " << *times.land
                                << ": read " << behind + 1 << " clusters after";
    int64_t next = *times.fetch + times.slots * *pipeline.getInterval();
    if (next - *times.lastRead <= behind)
      return loop.emitOpError()
             << "fetches over a slot at " << next << ", but a wave that is "
             << behind << " behind reads it at " << *times.lastRead
             << ": use more slots, or fetch later";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Slots, after rotation: every path
//===----------------------------------------------------------------------===//

namespace {
/// The ops of one cluster on each slot, in order.
using SlotOps = llvm::MapVector<Value, SmallVector<Operation *>>;
} // namespace

static SlotOps slotOps(ClusterOp cluster) {
  SlotOps ops;
  for (Operation &op : cluster.getBody().front()) {
    if (auto fetch = dyn_cast<FetchOp>(op))
      ops[fetch.getSlot()].push_back(fetch);
    else if (auto land = dyn_cast<LandOp>(op))
      ops[land.getSlot()].push_back(land);
    else if (auto read = dyn_cast<ReadOp>(op))
      ops[read.getSlot()].push_back(read);
  }
  return ops;
}

/// The first op of a kind in the ops on a slot, or null.
template <typename OpT> static OpT firstOf(const SlotOps &ops, Value slot) {
  auto entry = ops.find(slot);
  if (entry != ops.end())
    for (Operation *op : entry->second)
      if (auto found = dyn_cast<OpT>(op))
        return found;
  return nullptr;
}

namespace {
class SlotVerifier {
public:
  explicit SlotVerifier(PipelineOp pipeline)
      : graph(pipeline),
        behind((pipeline.getGroups() - 1) * pipeline.getLag()) {
    for (const ClusterGraph::Node &node : graph.nodes())
      ops.push_back(slotOps(node.cluster));
  }

  LogicalResult verify() const {
    for (unsigned node = 0; node < ops.size(); ++node)
      for (auto &[slot, list] : ops[node])
        for (Operation *op : list)
          if (failed(verifyOp(node, slot, op)))
            return failure();
    return success();
  }

private:
  LogicalResult verifyOp(unsigned node, Value slot, Operation *op) const {
    // No wave may start to overwrite what a slower one still reads.
    if (isa<ReadOp>(op))
      return verifyDistance<FetchOp>(node, slot, op,
                                     "is overwritten by a fetch");
    // Nobody may read before the slowest wave's share has landed.
    if (isa<LandOp>(op))
      return verifyDistance<ReadOp>(node, slot, op, "is read");
    return verifyFetch(node, slot, op);
  }
  template <typename OpT>
  LogicalResult verifyDistance(unsigned node, Value slot, Operation *op,
                               StringRef what) const;
  LogicalResult verifyFetch(unsigned node, Value slot, Operation *fetch) const;
  LogicalResult clash(Operation *op, Operation *other, unsigned distance,
                      StringRef what) const;

  ClusterGraph graph;
  unsigned behind; ///< clusters between the first and the last group
  std::vector<SlotOps> ops;
};
} // namespace

LogicalResult SlotVerifier::clash(Operation *op, Operation *other,
                                  unsigned distance, StringRef what) const {
  InFlightDiagnostic diag =
      op->emitOpError() << what << " " << distance
                        << " clusters later, but waves are up to " << behind
                        << " behind: at least " << behind + 1 << " are needed";
  diag.attachNote(other->getLoc()) << "here";
  return diag;
}

/// No `OpT` on the slot may come less than `behind` + 1 clusters after `op`.
template <typename OpT>
LogicalResult SlotVerifier::verifyDistance(unsigned node, Value slot,
                                           Operation *op,
                                           StringRef what) const {
  if (auto found = firstOf<OpT>(ops[node], slot))
    return clash(op, found, 0, what);
  LogicalResult result = success();
  graph.visitWithin(node, behind, [&](unsigned next, unsigned distance) {
    if (auto found = firstOf<OpT>(ops[next], slot); found && succeeded(result))
      result = clash(op, found, distance, what);
    return succeeded(result);
  });
  return result;
}

/// Every path from a fetch to a read passes a land.
LogicalResult SlotVerifier::verifyFetch(unsigned node, Value slot,
                                        Operation *fetch) const {
  for (Operation *op : ops[node].find(slot)->second)
    if (isa<LandOp>(op) && fetch->isBeforeInBlock(op))
      return success();
  LogicalResult result = success();
  graph.visitWithin(node, graph.nodes().size(), [&](unsigned next, unsigned) {
    if (auto read = firstOf<ReadOp>(ops[next], slot); read && succeeded(result))
      result = fetch->emitOpError() << "may be read before it has landed";
    return succeeded(result) && !firstOf<LandOp>(ops[next], slot) &&
           !firstOf<FetchOp>(ops[next], slot);
  });
  return result;
}

LogicalResult PipelineOp::verifyRegions() {
  bool rotated = !getInterval();
  if (failed(verifyBlock(getBody().front(), rotated)))
    return failure();
  if (getBody().front().getTerminator()->getOperandTypes() != getResultTypes())
    return emitOpError() << "must yield its results' types";
  ClusterGraph graph(*this);
  for (const ClusterGraph::Node &node : graph.nodes()) {
    ClusterOp cluster = node.cluster;
    if (cluster.getBody().front().getTerminator()->getOperandTypes() !=
        cluster.getResultTypes())
      return cluster.emitOpError() << "must yield its results' types";
  }
  if (rotated)
    return SlotVerifier(*this).verify();
  for (auto loop : getBody().front().getOps<scf::ForOp>())
    if (failed(verifyTimes(*this, loop)))
      return failure();
  return success();
}
