//===- Clusters.h - Helpers to build pipelines ------------------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_CLUSTERS_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_CLUSTERS_H

#include "flyattn/Dialect/Attn/IR/Attn.h"

namespace mlir::attn {

/// A cluster with an empty body; `at` may be absent.
ClusterOp createCluster(OpBuilder &builder, Location loc, ClusterKind kind,
                        std::optional<int64_t> at = std::nullopt);

/// Makes every value of a cluster of `pipeline` that is used outside of the
/// cluster one of its results. Until then passes may use such values as they
/// are.
void closeClusters(PipelineOp pipeline);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_CLUSTERS_H
