//===- RegisterSlots.cpp - KV tiles that reach LDS through registers ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A run is what a reader finds in contiguous bytes: a row of a row slot, a
// column of a transposed one, which holds the transpose. Runs are 16 bytes
// longer than their data, so that neighbouring ones start in different banks.
// With elements of B bytes:
//
//   row slots:         address(row, column) = row * pitch + B * column
//   transposed slots:  address(row, column) = column * pitch
//                                  + 4 B * p(row / 4) + B * (row % 4)
//
// To transpose, each work-item loads 4 rows x 4 columns, or x 2 where the
// workgroup is large for the tile, and writes, for each column, the 4 rows next
// to each other. The accumulator's order of k (see !attn.tile) is kept by where
// a group of 4 rows goes: group g = 4 k + 2 b + h goes to place
// p = 4 k + 2 h + b.
//
// Columns that are no power of two are shared out in panels that are. Row slots
// go 8 elements of a row at a time, or 4 where a panel is small for the
// workgroup.

#include "SlotAccess.h"

#include <numeric>

using namespace mlir;
using namespace mlir::attn;

static int64_t bytesOf(Type element) {
  return element.getIntOrFloatBitWidth() / 8;
}

namespace {
class RegisterSlots : public SlotAccess {
public:
  using SlotAccess::SlotAccess;

  int64_t bytes(SlotType slot) const override {
    return runs(slot) * pitch(slot);
  }
  bool sharesOut(SlotType slot) const override;
  SmallVector<Type> inflightTypes(InflightType type) const override {
    int64_t elements = type.getShape()[0] * type.getShape()[1] / workItems;
    int64_t width = elements % 8 == 0 ? 8 : 4;
    auto part = VectorType::get(width, type.getElementType());
    return SmallVector<Type>(elements / width, part);
  }
  SmallVector<Value> fetch(Leaf &b, Buffer buffer, int64_t columns, Value row,
                           Value slot, SlotType type) const override;
  bool arrivesUnaided() const override { return false; }
  void land(Leaf &b, ValueRange inflight, Value slot,
            SlotType type) const override;
  SmallVector<Value> read(Leaf &b, Value slot, SlotType type,
                          int64_t columns) const override {
    bool rows = type.getArrangement() == Arrangement::Rows;
    return rows ? readRuns(b, slot, type, type.getRows(), columns)
                : readRuns(b, slot, type, columns, type.getRows());
  }
  SmallVector<Value> readRows(Leaf &b, Value slot, SlotType type, Value row,
                              int64_t columns) const override {
    return readRuns(b, b.ldsAddress(slot, b.mul(row, pitch(type))), type, 32,
                    columns);
  }
  Value address(Leaf &b, Value slot, SlotType type, Value first, Value row,
                Value column, int64_t piece) const override {
    Value own = b.ldsAddress(slot, b.mul(first, pitch(type)));
    Value bytes = b.mul(column, bytesOf(type.getElementType()));
    return b.ldsAddress(own, b.add(b.mul(row, piecePitch(type, piece)), bytes));
  }
  int64_t offset(SlotType type, int64_t rows, int64_t columns,
                 int64_t piece) const override {
    return rows * piecePitch(type, piece) +
           columns * bytesOf(type.getElementType());
  }
  /// 64 bytes a row are half of the banks: the other row must begin 64 bytes
  /// behind, modulo 128. A row of 128 and more needs them all.
  int64_t freeDistance(int64_t piece) const override { return 64 / piece; }

private:
  static int64_t runs(SlotType slot) {
    return slot.getArrangement() == Arrangement::Rows ? slot.getRows()
                                                      : slot.getColumns();
  }
  /// Bytes from run to run. Two slots of 32 KB are all of a 64 KB LDS: they
  /// have no room for the bytes between runs.
  int64_t pitch(SlotType slot) const {
    int64_t data =
        slot.getRows() * slot.getColumns() * bytesOf(slot.getElementType());
    return data / runs(slot) + (padded && data != 32 * 1024 ? 16 : 0);
  }
  /// The same of rows in a wave's part of the slot. One piece between rows
  /// spreads the pieces of a column over all banks.
  int64_t piecePitch(SlotType slot, int64_t piece) const {
    int64_t row = slot.getColumns() * bytesOf(slot.getElementType());
    return row + (padded ? piece : 0);
  }
  SmallVector<Value> readRuns(Leaf &b, Value slot, SlotType type, int64_t runs,
                              int64_t length) const;
  void landRows(Leaf &b, ValueRange inflight, Value slot, SlotType type) const;
  void landTransposed(Leaf &b, ValueRange inflight, Value slot,
                      SlotType type) const;
};

/// How a panel of a tile is shared out: each work-item takes `count` shares of
/// `height` x `width` elements; from one share of a work-item to its next the
/// step is `rowStep` rows. Neighbouring work-items take neighbouring columns,
/// but where the tile is transposed on its way, first `below` shares below each
/// other: written as columns, these are runs of 8 * `below` bytes (of 16-bit
/// elements), and the runs of 16 work-items, which write together, fill the
/// banks.
struct Shares {
  Shares(SlotType type, unsigned workItems)
      : Shares(type, workItems,
               type.getArrangement() == Arrangement::Transposed) {}

  const int64_t panelColumns, panels;
  const int64_t height, width, perRow, count, rowStep, below;

  /// The first row and column (i32) of this work-item's first share.
  Value row(Leaf &b) const {
    Value inBand = b.rem(b.workItem(), below);
    Value band = b.div(b.workItem(), below * perRow);
    return b.mul(b.add(b.mul(band, below), inBand), height);
  }
  Value column(Leaf &b) const {
    return b.mul(b.rem(b.div(b.workItem(), below), perRow), width);
  }

private:
  Shares(SlotType type, int64_t workItems, bool transposed)
      : panelColumns(type.getColumns() & -type.getColumns()),
        panels(type.getColumns() / panelColumns), height(transposed ? 4 : 1),
        width(transposed
                  ? transposedWidth(type.getRows() * panelColumns, workItems)
                  : rowsWidth(type.getRows() * panelColumns, workItems)),
        perRow(panelColumns / width),
        count(type.getRows() / height * perRow / workItems),
        rowStep(workItems / perRow * height),
        below(transposed ? std::gcd<int64_t>(2 * width, workItems / perRow)
                         : 1) {}

  /// 8 columns, or 4 if there are fewer shares of 8 than work-items.
  static int64_t rowsWidth(int64_t elements, int64_t workItems) {
    return elements >= 8 * workItems ? 8 : 4;
  }
  /// 4 columns, or 2 if there are fewer shares of 4 x 4 than work-items.
  static int64_t transposedWidth(int64_t elements, int64_t workItems) {
    return elements >= 16 * workItems ? 4 : 2;
  }
};
} // namespace

bool RegisterSlots::sharesOut(SlotType slot) const {
  Shares shares(slot, workItems);
  return workItems % shares.perRow == 0 && shares.count > 0 &&
         slot.getRows() % shares.rowStep == 0;
}

/// `width` elements, 16 bytes at a time at the most.
static Value loadElements(Leaf &b, Buffer buffer, Value offset, Value uniform,
                          int64_t width, Type element) {
  int64_t bytes = width * bytesOf(element);
  auto elements = VectorType::get(width, element);
  if (bytes == 4)
    return b.load(elements, buffer, offset, uniform);
  if (bytes <= 16) {
    auto words = VectorType::get(bytes / 4, b.getI32Type());
    return b.bitcast(b.load(words, buffer, offset, uniform), elements);
  }
  Value low = loadElements(b, buffer, offset, uniform, width / 2, element);
  return b.concat(low, loadElements(b, buffer, b.add(offset, bytes / 2),
                                    uniform, width / 2, element));
}

/// Row slots take 8 or 4 elements of one row a share. Transposed slots take
/// 4 x 4 or 4 x 2, row by row in two values or one.
SmallVector<Value> RegisterSlots::fetch(Leaf &b, Buffer buffer, int64_t columns,
                                        Value row, Value, SlotType type) const {
  Shares shares(type, workItems);
  Type element = type.getElementType();
  Value first = b.mul(shares.row(b), buffer.stride);
  Value column = shares.column(b);
  first = b.add(first, b.mul(column, bytesOf(element)));
  SmallVector<Value> loaded;
  for (int64_t panel = 0; panel < shares.panels; ++panel) {
    int64_t begin = panel * shares.panelColumns;
    Value offset = b.add(first, begin * bytesOf(element));
    if (columns < begin + shares.panelColumns)
      offset = b.ifInside(offset, b.add(column, begin), columns);
    for (int64_t index = 0; index < shares.count; ++index)
      for (int64_t i = 0; i < shares.height; ++i) {
        Value uniform =
            b.mul(b.add(row, index * shares.rowStep + i), buffer.stride);
        loaded.push_back(
            loadElements(b, buffer, offset, uniform, shares.width, element));
      }
  }
  if (shares.height == 1)
    return loaded;
  for (int64_t width = shares.width; width < 8; width *= 2) {
    SmallVector<Value> pairs;
    for (size_t i = 0; i < loaded.size(); i += 2)
      pairs.push_back(b.concat(loaded[i], loaded[i + 1]));
    loaded = pairs;
  }
  return loaded;
}

void RegisterSlots::landRows(Leaf &b, ValueRange inflight, Value slot,
                             SlotType type) const {
  Shares shares(type, workItems);
  Value own = b.mul(shares.row(b), pitch(type));
  own = b.add(own, b.mul(shares.column(b), bytesOf(type.getElementType())));
  own = b.ldsAddress(slot, own);
  for (int64_t panel = 0; panel < shares.panels; ++panel)
    for (int64_t index = 0; index < shares.count; ++index)
      b.ldsWrite(inflight[panel * shares.count + index],
                 b.ldsAddress(own, index * shares.rowStep * pitch(type) +
                                       panel * shares.panelColumns *
                                           bytesOf(type.getElementType())));
}

void RegisterSlots::landTransposed(Leaf &b, ValueRange inflight, Value slot,
                                   SlotType type) const {
  Shares shares(type, workItems);
  int64_t columnPitch = pitch(type);
  int64_t width = shares.width, values = width / 2;
  for (int64_t index = 0; index < shares.count; ++index) {
    Value group = b.div(b.add(shares.row(b), index * shares.rowStep), 4);
    Value place = b.mul(b.div(group, 4), 4);
    place = b.add(place, b.mul(b.rem(group, 2), 2));
    place = b.add(place, b.rem(b.div(group, 2), 2));
    Value address = b.add(b.mul(shares.column(b), columnPitch),
                          b.mul(place, 4 * bytesOf(type.getElementType())));
    address = b.ldsAddress(slot, address);
    for (int64_t panel = 0; panel < shares.panels; ++panel) {
      int64_t at = values * (panel * shares.count + index);
      Value first = inflight[at], last = inflight[at + values - 1];
      for (int64_t column = 0; column < width; ++column)
        b.ldsWrite(
            b.shuffle(first, last,
                      {column, column + width, column + 2 * width,
                       column + 3 * width}),
            b.ldsAddress(address,
                         (panel * shares.panelColumns + column) * columnPitch));
    }
  }
}

void RegisterSlots::land(Leaf &b, ValueRange inflight, Value slot,
                         SlotType type) const {
  if (type.getArrangement() == Arrangement::Rows)
    landRows(b, inflight, slot, type);
  else
    landTransposed(b, inflight, slot, type);
}

/// Both arrangements read alike: lane l finds its 8 elements at run l % 32 of
/// the block, the 8 elements from 8 * (l / 32) on.
SmallVector<Value> RegisterSlots::readRuns(Leaf &b, Value slot, SlotType type,
                                           int64_t runs, int64_t length) const {
  Type element = type.getElementType();
  auto block = VectorType::get(8, element);
  Value lane = b.lane();
  Value address = b.add(b.mul(b.rem(lane, 32), pitch(type)),
                        b.mul(b.div(lane, 32), 8 * bytesOf(element)));
  address = b.ldsAddress(slot, address);

  SmallVector<Value> blocks;
  for (int64_t run = 0; run < runs; run += 32)
    for (int64_t k = 0; k < length; k += 16)
      blocks.push_back(b.ldsRead(
          block,
          b.ldsAddress(address, run * pitch(type) + bytesOf(element) * k)));
  return blocks;
}

std::unique_ptr<SlotAccess> attn::createRegisterSlots(unsigned workItems,
                                                      bool padded) {
  return std::make_unique<RegisterSlots>(workItems, padded);
}

std::unique_ptr<SlotAccess> SlotAccess::create(const flyattn::ChipInfo &chip,
                                               gpu::GPUFuncOp kernel,
                                               bool padded) {
  unsigned workItems = (*kernel.getKnownBlockSize())[0];
  bool wide = false;
  kernel.walk([&](AllocSlotOp op) {
    wide |= op.getSlot().getType().getElementType().isF32();
  });
  // No transposed read moves 32-bit elements.
  return chip.ldsDmaBytes >= 16 && chip.transposedLdsRead && !wide
             ? createDmaSlots(workItems, padded)
             : createRegisterSlots(workItems, padded);
}
