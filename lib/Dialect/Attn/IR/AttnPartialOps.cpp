//===- AttnPartialOps.cpp - Verifiers of the ops on parts of KV -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Dialect/Attn/IR/Attn.h"

using namespace mlir;
using namespace mlir::attn;

static LogicalResult expectLayout(Operation *op, StringRef name, TileType tile,
                                  TileLayout layout) {
  if (tile.getLayout() == layout)
    return success();
  return op->emitOpError() << name << " must be of the layout "
                           << stringifyTileLayout(layout) << ", got " << tile;
}

LogicalResult AddHalvesOp::verify() {
  return expectLayout(*this, "the sum", getSum().getType(),
                      TileLayout::Columns);
}

LogicalResult MergeOp::verify() {
  TileType acc = getAcc().getType(), max = getMax().getType();
  if (failed(expectLayout(*this, "acc", acc, TileLayout::MfmaC)) ||
      failed(expectLayout(*this, "max", max, TileLayout::Columns)))
    return failure();
  if (acc.getColumns() == max.getColumns())
    return success();
  return emitOpError() << "acc and max must have as many columns, got "
                       << acc.getColumns() << " and " << max.getColumns();
}
