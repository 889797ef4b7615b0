//===- ViewRows.h - Where the rows of a lowered view are ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_VIEWROWS_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_VIEWROWS_H

#include "TileConversion.h"

namespace mlir::attn {

/// The rows of a view for one access to it.
///
/// A view is lowered to its resource and the stride in bytes and, if it is
/// grouped, the group's size, its inner stride and the number of rows. Of a far
/// one there are the address of row 0, the stride and the number of rows: each
/// access makes a resource of its own, which begins at its first row, from
/// where on 32-bit offsets reach.
class ViewRows {
public:
  /// For an access whose first row is `row`, which is uniform.
  ViewRows(Leaf &b, ViewType type, ValueRange values, Value row);

  const Buffer buffer;
  const Value first; ///< the access's first row, counted from that of `buffer`

  /// The lowered types of a view.
  static SmallVector<Type> types(ViewType view);

  /// Byte offset of `row` of `buffer`, which may be another in each lane.
  /// Behind the last row it is beyond the buffer.
  Value offset(Leaf &b, Value row) const;

private:
  bool isGrouped() const { return !grouping.empty(); }

  ValueRange grouping; ///< group, inner stride in bytes, rows; i32
};

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_VIEWROWS_H
