//===- ClusterGraph.h - The order of a pipeline's clusters ------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_CLUSTERGRAPH_H
#define FLYATTN_DIALECT_ATTN_IR_CLUSTERGRAPH_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace mlir::attn {

/// The clusters of a pipeline, and for each the clusters that a wave may run
/// next: through loops, past loops that take no turn, and down both branches.
class ClusterGraph {
public:
  explicit ClusterGraph(PipelineOp pipeline);

  struct Node {
    ClusterOp cluster;
    SmallVector<unsigned, 2> successors, predecessors;
  };
  ArrayRef<Node> nodes() const { return graph; }
  /// Clusters that may be a wave's last.
  ArrayRef<unsigned> exits() const { return last; }

  /// Calls `visit` for every cluster that a wave may run 1 to `steps` clusters
  /// after cluster `from`; stops where `visit` gives false.
  void visitWithin(
      unsigned from, unsigned steps,
      llvm::function_ref<bool(unsigned node, unsigned distance)> visit) const;

private:
  SmallVector<unsigned> add(Block &block, ArrayRef<unsigned> before);
  void connect(ArrayRef<unsigned> from, unsigned to);

  std::vector<Node> graph;
  SmallVector<unsigned> last;
};

} // namespace mlir::attn

#endif // FLYATTN_DIALECT_ATTN_IR_CLUSTERGRAPH_H
