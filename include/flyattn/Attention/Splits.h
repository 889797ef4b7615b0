//===- Splits.h - Into how many parts KV is split -------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_SPLITS_H
#define FLYATTN_ATTENTION_SPLITS_H

#include "flyattn/Attention/Problem.h"

namespace flyattn {

/// Tiles of KV that some row of `problem` may see: more parts make no sense.
int64_t kvTiles(const Problem &problem, const KernelConfig &config);

/// Device memory for `splits` parts; 0 for one.
uint64_t workspaceBytes(const Problem &problem, int64_t splits);

/// Bytes of the larger of the views through which the parts of a batch and its
/// rows of O are combined.
uint64_t combineViewBytes(const Problem &problem);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_SPLITS_H
