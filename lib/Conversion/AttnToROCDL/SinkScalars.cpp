//===- SinkScalars.cpp - Compute addresses where they are used ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SinkScalars.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

void attn::sinkScalars(Block *block, Operation *end) {
  SmallVector<Operation *> ops;
  for (Operation &op : *block) {
    if (&op == end)
      break;
    if (isMemoryEffectFree(&op) && op.getNumRegions() == 0 && !op.use_empty())
      ops.push_back(&op);
  }
  for (Operation *op : llvm::reverse(ops)) {
    Operation *first = nullptr;
    for (Operation *user : op->getUsers()) {
      Operation *ancestor = block->findAncestorOpInBlock(*user);
      if (!first || ancestor->isBeforeInBlock(first))
        first = ancestor;
    }
    op->moveBefore(first->isBeforeInBlock(end) ? first : end);
  }
}
