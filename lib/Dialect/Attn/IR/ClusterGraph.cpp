//===- ClusterGraph.cpp - The order of a pipeline's clusters --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Dialect/Attn/IR/ClusterGraph.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace mlir::attn;

ClusterGraph::ClusterGraph(PipelineOp pipeline) {
  last = add(pipeline.getBody().front(), {});
}

void ClusterGraph::connect(ArrayRef<unsigned> from, unsigned to) {
  for (unsigned node : from)
    if (!llvm::is_contained(graph[node].successors, to)) {
      graph[node].successors.push_back(to);
      graph[to].predecessors.push_back(node);
    }
}

static void unite(SmallVectorImpl<unsigned> &into, ArrayRef<unsigned> other) {
  for (unsigned node : other)
    if (!llvm::is_contained(into, node))
      into.push_back(node);
}

/// Adds the clusters of `block`, which a wave enters behind any of `before`.
/// Gives those behind which it leaves.
SmallVector<unsigned> ClusterGraph::add(Block &block,
                                        ArrayRef<unsigned> before) {
  SmallVector<unsigned> current(before);
  for (Operation &op : block) {
    if (auto cluster = dyn_cast<ClusterOp>(op)) {
      unsigned node = graph.size();
      graph.push_back({cluster, {}, {}});
      connect(current, node);
      current = {node};
    } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
      unsigned first = graph.size();
      SmallVector<unsigned> end = add(*loop.getBody(), current);
      if (graph.size() > first)
        connect(end, first);
      unite(current, end);
    } else if (auto branch = dyn_cast<scf::IfOp>(op)) {
      SmallVector<unsigned> end = add(*branch.thenBlock(), current);
      unite(end,
            branch.elseBlock() ? add(*branch.elseBlock(), current) : current);
      current = end;
    }
  }
  return current;
}

void ClusterGraph::visitWithin(
    unsigned from, unsigned steps,
    llvm::function_ref<bool(unsigned, unsigned)> visit) const {
  SmallVector<unsigned> front{from};
  llvm::SmallSet<unsigned, 16> seen;
  for (unsigned distance = 1; distance <= steps && !front.empty(); ++distance) {
    SmallVector<unsigned> next;
    for (unsigned node : front)
      for (unsigned successor : graph[node].successors)
        if (seen.insert(successor).second && visit(successor, distance))
          next.push_back(successor);
    front = next;
  }
}
