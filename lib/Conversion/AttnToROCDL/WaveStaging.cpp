//===- WaveStaging.cpp - Rows that a wave brings through LDS --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WaveStaging.h"

using namespace mlir;
using namespace mlir::attn;

namespace {
/// How a wave accesses a panel row by row, so many elements a lane.
struct Lines {
  Lines(Leaf &b, Value lane, const SlotRows &own, int64_t elements)
      : own(own), elements(elements), row(b.div(lane, lanes())),
        column(b.mul(b.rem(lane, lanes()), elements)),
        address(own.access.address(b, own.slot, own.type, b.add(own.row, row),
                                   column)) {}

  int64_t lanes() const { return own.type.getColumns() / elements; }
  int64_t rows() const { return 64 / lanes(); }
  Value inSlot(Leaf &b, int64_t rows) const {
    return b.ldsAddress(address, own.access.offset(own.type, rows, 0));
  }

  const SlotRows &own;
  const int64_t elements;
  const Value row, column; ///< this lane's, in the panel
  const Value address;     ///< in the slot
};
} // namespace

/// Where lane l's row l % 32 is in the slot, and there the piece of so many
/// elements of its half-wave.
static Value ownPiece(Leaf &b, Value lane, const SlotRows &own,
                      int64_t elements) {
  Value column = b.mul(b.div(lane, 32), elements);
  return own.access.address(b, own.slot, own.type,
                            b.add(own.row, b.rem(lane, 32)), column);
}

SmallVector<Value> attn::loadThroughSlot(Leaf &b, Buffer buffer, Value row,
                                         int64_t columns, const SlotRows &own) {
  int64_t panel = own.type.getColumns();
  auto block = VectorType::get(8, own.type.getElementType());
  auto words = VectorType::get(4, b.getI32Type());
  Value lane = b.lane();
  Lines lines(b, lane, own, /*elements=*/8);
  Value offset = b.mul(lines.row, buffer.stride);
  offset = b.add(offset, b.mul(lines.column, 2));
  SmallVector<Value> loaded;
  for (int64_t column = 0; column < columns; column += panel)
    for (int64_t first = 0; first < 32; first += lines.rows())
      loaded.push_back(b.load(words, buffer, b.add(offset, 2 * column),
                              b.mul(b.add(row, first), buffer.stride)));

  Value piece = ownPiece(b, lane, own, 8);
  SmallVector<Value> blocks;
  for (ArrayRef<Value> left = loaded; !left.empty();) {
    for (int64_t first = 0; first < 32; first += lines.rows()) {
      b.ldsWrite(left.front(), lines.inSlot(b, first));
      left = left.drop_front();
    }
    for (int64_t k = 0; k < panel; k += 16)
      blocks.push_back(b.ldsRead(
          block, b.ldsAddress(piece, own.access.offset(own.type, 0, k))));
  }
  return blocks;
}

void attn::storeThroughSlot(Leaf &b, ArrayRef<RowPiece> pieces, Buffer buffer,
                            Value row, const SlotRows &own) {
  int64_t panel = own.type.getColumns();
  Value lane = b.laneAnew();
  Value piece = ownPiece(b, lane, own, pieces.front().elements());
  auto words = VectorType::get(b.chip.storeBytes / 4, b.getI32Type());
  std::optional<Lines> lines;
  Value offset;
  for (int64_t column = 0; !pieces.empty(); column += panel) {
    while (!pieces.empty() && pieces.front().column < column + panel) {
      b.ldsWrite(pieces.front().words,
                 b.ldsAddress(
                     piece, own.access.offset(own.type, 0,
                                              pieces.front().column - column)));
      pieces = pieces.drop_front();
    }
    if (!lines) {
      lines.emplace(b, lane, own, b.chip.storeBytes / 2);
      offset = b.mul(b.add(row, lines->row), buffer.stride);
      offset = b.add(offset, b.mul(lines->column, 2));
    }
    for (int64_t first = 0; first < 32; first += lines->rows())
      b.store(b.ldsRead(words, lines->inSlot(b, first)), buffer,
              b.add(b.add(offset, 2 * column), b.mul(buffer.stride, first)));
  }
}
