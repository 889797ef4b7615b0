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

/// A view as its lowered values: the resource and the stride in bytes and, of a
/// grouped view, the group's size, its inner stride and the number of rows.
class ViewRows {
public:
  explicit ViewRows(ValueRange values)
      : buffer{values[0], values[1]}, grouping(values.drop_front(2)) {}

  const Buffer buffer;

  /// The lowered types of a view.
  static SmallVector<Type> types(ViewType view);

  /// Byte offset of `row`, which may be another in each lane. Behind the last
  /// row it is beyond the buffer.
  Value offset(Leaf &b, Value row) const;

private:
  bool isGrouped() const { return !grouping.empty(); }

  ValueRange grouping; ///< group, inner stride in bytes, rows; i32
};

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_VIEWROWS_H
