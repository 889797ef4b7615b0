//===- WaveStaging.cpp - Rows that a wave brings through LDS --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WaveStaging.h"

#include <optional>

using namespace mlir;
using namespace mlir::attn;

namespace {
/// How a wave accesses a panel row by row, so many elements a lane: a row takes
/// `lanes` lanes, and of two neighbouring ones the second is `apart` rows
/// behind the first.
struct Lines {
  Lines(Leaf &b, Value lane, const SlotRows &own, int64_t elements)
      : own(own), piece(2 * elements), lanes(own.type.getColumns() / elements),
        apart(own.access.freeDistance(piece)), row(rowOf(b, lane)),
        column(b.mul(b.rem(lane, lanes), elements)),
        address(own.access.address(b, own.slot, own.type, own.row, row, column,
                                   piece)) {}

  /// What is added to `row` in the accesses that take all 32 rows.
  SmallVector<int64_t> steps() const {
    SmallVector<int64_t> steps;
    for (int64_t first = 0; first < 32; first += 64 / lanes)
      steps.push_back(first / (2 * apart) * 2 * apart +
                      first % (2 * apart) / 2);
    return steps;
  }
  Value inSlot(Leaf &b, int64_t step) const {
    return b.ldsAddress(address, own.access.offset(own.type, step, 0, piece));
  }

  const SlotRows &own;
  const int64_t piece; ///< bytes of a lane
  const int64_t lanes, apart;
  const Value row, column; ///< this lane's, in the panel
  const Value address;     ///< in the slot

private:
  Value rowOf(Leaf &b, Value lane) const {
    Value n = b.div(lane, lanes);
    Value pair = b.div(n, 2), second = b.mul(b.rem(n, 2), apart);
    Value block = b.mul(b.div(pair, apart), 2 * apart);
    return b.add(b.add(block, b.rem(pair, apart)), second);
  }
};
} // namespace

/// Where lane l's row l % 32 is in the slot, and there the piece of so many
/// elements of its half-wave. What lies in the slot are pieces of `piece`
/// bytes.
static Value ownPiece(Leaf &b, Value lane, const SlotRows &own,
                      int64_t elements, int64_t piece) {
  return own.access.address(b, own.slot, own.type, own.row, b.rem(lane, 32),
                            b.mul(b.div(lane, 32), elements), piece);
}

SmallVector<Value> attn::loadThroughSlot(Leaf &b, Buffer buffer, Value row,
                                         int64_t columns, const SlotRows &own) {
  constexpr int64_t elements = 8;
  int64_t panel = own.type.getColumns();
  auto block = VectorType::get(elements, own.type.getElementType());
  auto words = VectorType::get(4, b.getI32Type());
  Value lane = b.lane();
  Lines lines(b, lane, own, elements);
  Value offset = b.mul(lines.row, buffer.stride);
  offset = b.add(offset, b.mul(lines.column, 2));
  SmallVector<Value> loaded;
  for (int64_t column = 0; column < columns; column += panel)
    for (int64_t step : lines.steps())
      loaded.push_back(b.load(words, buffer, b.add(offset, 2 * column),
                              b.mul(b.add(row, step), buffer.stride)));

  Value mine = ownPiece(b, lane, own, elements, lines.piece);
  SmallVector<Value> blocks;
  for (ArrayRef<Value> left = loaded; !left.empty();) {
    for (int64_t step : lines.steps()) {
      b.ldsWrite(left.front(), lines.inSlot(b, step));
      left = left.drop_front();
    }
    for (int64_t k = 0; k < panel; k += 16)
      blocks.push_back(b.ldsRead(
          block,
          b.ldsAddress(mine, own.access.offset(own.type, 0, k, lines.piece))));
  }
  return blocks;
}

void attn::storeThroughSlot(Leaf &b, ArrayRef<RowPiece> pieces, Buffer buffer,
                            Value row, const SlotRows &own) {
  int64_t panel = own.type.getColumns(), piece = b.chip.storeBytes;
  Value lane = b.laneAnew();
  Value mine = ownPiece(b, lane, own, pieces.front().elements(), piece);
  auto words = VectorType::get(piece / 4, b.getI32Type());
  std::optional<Lines> lines;
  Value offset;
  for (int64_t column = 0; !pieces.empty(); column += panel) {
    while (!pieces.empty() && pieces.front().column < column + panel) {
      int64_t inPanel = pieces.front().column - column;
      b.ldsWrite(
          pieces.front().words,
          b.ldsAddress(mine, own.access.offset(own.type, 0, inPanel, piece)));
      pieces = pieces.drop_front();
    }
    if (!lines) {
      lines.emplace(b, lane, own, piece / 2);
      offset = b.mul(b.add(row, lines->row), buffer.stride);
      offset = b.add(offset, b.mul(lines->column, 2));
    }
    for (int64_t step : lines->steps())
      b.store(b.ldsRead(words, lines->inSlot(b, step)), buffer,
              b.add(b.add(offset, 2 * column), b.mul(buffer.stride, step)));
  }
}
