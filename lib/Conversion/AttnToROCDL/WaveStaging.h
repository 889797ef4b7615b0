//===- WaveStaging.h - Rows that a wave brings through LDS ------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In tiles a lane has a row, in memory a line has one: read or written
// straight, an access touches 32 rows and takes a piece of each. Through LDS
// neighbouring lanes take neighbouring pieces of a row.
//
// The 32 rows of the slot from `slotRow` on are the wave's own, and a wave's
// LDS operations stay in order, so nothing needs to be waited for in between.
// A slot with fewer columns than the rows passes them panel by panel.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_WAVESTAGING_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_WAVESTAGING_H

#include "SlotAccess.h"

namespace mlir::attn {

/// Contiguous 16-bit elements of a row that a lane holds.
struct RowPiece {
  int64_t column; ///< of the first element, in lanes of the lower half-wave
  Value words;

  int64_t elements() const {
    return 2 * cast<VectorType>(words.getType()).getNumElements();
  }
};

/// Rows of a rows slot.
struct SlotRows {
  const SlotAccess &access;
  Value slot; ///< !llvm.ptr<3>
  SlotType type;
  Value row; ///< i32, the first one, uniform
};

/// The mfma_b blocks of the 32 rows from `row` (uniform) on with the first
/// `columns`, of 16 bits each.
SmallVector<Value> loadThroughSlot(Leaf &b, Buffer buffer, Value row,
                                   int64_t columns, const SlotRows &own);

/// Lane l's pieces become those of row `row` + l % 32; the upper half-wave's
/// piece is the one behind the lower one's.
void storeThroughSlot(Leaf &b, ArrayRef<RowPiece> pieces, Buffer buffer,
                      Value row, const SlotRows &own);

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_WAVESTAGING_H
