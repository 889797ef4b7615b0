//===- RegisterSlots.cpp - KV tiles that reach LDS through registers ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Row slots keep rows 16 bytes longer than their data, so that neighbouring
// rows start in different banks:
//
//   address(row, column) = row * (2 * columns + 16) + 2 * column
//
// Transposed slots hold the transpose, so that the reader finds its 8 rows of
// one column in 16 contiguous bytes. Each work-item loads 4 rows x 4 columns,
// or x 2 where the workgroup is large for the tile, transposes them in
// registers and writes, for each column, the 4 rows as 8 bytes. The
// accumulator's order of k (see !attn.tile) is kept by where a group of 4 rows
// goes: group g = 4 k + 2 b + h goes to place p = 4 k + 2 h + b.
//
//   address(row, column) = column * (2 * rows + 16) + 8 * p(row / 4) + 2 * (row
//   % 4)

#include "SlotAccess.h"

#include <numeric>

using namespace mlir;
using namespace mlir::attn;

namespace {
class RegisterSlots : public SlotAccess {
public:
  using SlotAccess::SlotAccess;

  int64_t bytes(SlotType slot) const override {
    return slot.getArrangement() == Arrangement::Rows
               ? slot.getRows() * pitch(slot.getColumns())
               : slot.getColumns() * pitch(slot.getRows());
  }
  bool sharesOut(SlotType slot) const override;
  SmallVector<Type> inflightTypes(InflightType type) const override {
    auto part = VectorType::get(8, type.getElementType());
    int64_t elements = type.getShape()[0] * type.getShape()[1];
    return SmallVector<Type>(elements / (8 * workItems), part);
  }
  SmallVector<Value> fetch(Leaf &b, Buffer buffer, Value row, Value slot,
                           SlotType type) const override;
  bool arrivesUnaided() const override { return false; }
  void land(Leaf &b, ValueRange inflight, Value slot,
            SlotType type) const override;
  SmallVector<Value> read(Leaf &b, Value slot, SlotType type) const override {
    bool rows = type.getArrangement() == Arrangement::Rows;
    return readRuns(b, slot, rows ? type.getRows() : type.getColumns(),
                    rows ? type.getColumns() : type.getRows(),
                    type.getElementType());
  }
  SmallVector<Value> readRows(Leaf &b, Value slot, SlotType type,
                              Value row) const override {
    return readRuns(b, address(b, slot, type, row, b.i32(0)), 32,
                    type.getColumns(), type.getElementType());
  }
  Value address(Leaf &b, Value slot, SlotType type, Value row,
                Value column) const override {
    return b.ldsAddress(
        slot, b.add(b.mul(row, pitch(type.getColumns())), b.mul(column, 2)));
  }
  int64_t offset(SlotType type, int64_t rows, int64_t columns) const override {
    return rows * pitch(type.getColumns()) + columns * 2;
  }

private:
  /// Bytes between two runs of `length` elements.
  static int64_t pitch(int64_t length) { return 2 * length + 16; }
  SmallVector<Value> readRuns(Leaf &b, Value slot, int64_t runs, int64_t length,
                              Type element) const;
  void landRows(Leaf &b, ValueRange inflight, Value slot, SlotType type) const;
  void landTransposed(Leaf &b, ValueRange inflight, Value slot,
                      SlotType type) const;
};

/// How a tile is shared out: each work-item takes `count` shares of `height` x
/// `width` elements; from one share of a work-item to its next the step is
/// `rowStep` rows. Neighbouring work-items take neighbouring columns, but where
/// the tile is transposed on its way, first `below` shares below each other:
/// written as columns, these are runs of 8 * `below` bytes, and the runs of 16
/// work-items, which write together, fill the banks.
struct Shares {
  Shares(SlotType type, unsigned workItems)
      : Shares(type, workItems,
               type.getArrangement() == Arrangement::Transposed) {}

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
      : height(transposed ? 4 : 1),
        width(transposed ? transposedWidth(type, workItems) : 8),
        perRow(type.getColumns() / width),
        count(type.getRows() / height * perRow / workItems),
        rowStep(workItems / perRow * height),
        below(transposed ? std::gcd<int64_t>(2 * width, workItems / perRow)
                         : 1) {}

  /// 4 columns, or 2 if there are fewer shares of 4 x 4 than work-items.
  static int64_t transposedWidth(SlotType type, int64_t workItems) {
    return type.getRows() * type.getColumns() >= 16 * workItems ? 4 : 2;
  }
};
} // namespace

bool RegisterSlots::sharesOut(SlotType slot) const {
  Shares shares(slot, workItems);
  return workItems % shares.perRow == 0 && shares.count > 0 &&
         slot.getRows() % shares.rowStep == 0;
}

/// Row slots take 8 elements of one row a share. Transposed slots take 4 x 4 or
/// 4 x 2, row by row in two values or one.
SmallVector<Value> RegisterSlots::fetch(Leaf &b, Buffer buffer, Value row,
                                        Value, SlotType type) const {
  Shares shares(type, workItems);
  auto elements = VectorType::get(shares.width, type.getElementType());
  auto words = shares.width == 2
                   ? elements
                   : VectorType::get(shares.width / 2, b.getI32Type());
  Value offset =
      b.add(b.mul(shares.row(b), buffer.stride), b.mul(shares.column(b), 2));
  SmallVector<Value> loaded;
  for (int64_t index = 0; index < shares.count; ++index)
    for (int64_t i = 0; i < shares.height; ++i) {
      Value uniform =
          b.mul(b.add(row, index * shares.rowStep + i), buffer.stride);
      loaded.push_back(
          b.bitcast(b.load(words, buffer, offset, uniform), elements));
    }
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
  int64_t rowPitch = pitch(type.getColumns());
  Value address =
      b.add(b.mul(shares.row(b), rowPitch), b.mul(shares.column(b), 2));
  address = b.ldsAddress(slot, address);
  for (auto [index, value] : llvm::enumerate(inflight))
    b.ldsWrite(value, b.ldsAddress(address, index * shares.rowStep * rowPitch));
}

void RegisterSlots::landTransposed(Leaf &b, ValueRange inflight, Value slot,
                                   SlotType type) const {
  Shares shares(type, workItems);
  int64_t columnPitch = pitch(type.getRows());
  int64_t width = shares.width, values = width / 2;
  for (int64_t index = 0; index < shares.count; ++index) {
    Value group = b.div(b.add(shares.row(b), index * shares.rowStep), 4);
    Value place = b.mul(b.div(group, 4), 4);
    place = b.add(place, b.mul(b.rem(group, 2), 2));
    place = b.add(place, b.rem(b.div(group, 2), 2));
    Value address =
        b.add(b.mul(shares.column(b), columnPitch), b.mul(place, 8));
    address = b.ldsAddress(slot, address);
    Value first = inflight[values * index],
          last = inflight[values * index + values - 1];
    for (int64_t column = 0; column < width; ++column)
      b.ldsWrite(b.shuffle(first, last,
                           {column, column + width, column + 2 * width,
                            column + 3 * width}),
                 b.ldsAddress(address, column * columnPitch));
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
/// the block, 16 bytes at 16 * (l / 32).
SmallVector<Value> RegisterSlots::readRuns(Leaf &b, Value slot, int64_t runs,
                                           int64_t length, Type element) const {
  auto block = VectorType::get(8, element);
  Value lane = b.lane();
  Value address =
      b.add(b.mul(b.rem(lane, 32), pitch(length)), b.mul(b.div(lane, 32), 16));
  address = b.ldsAddress(slot, address);

  SmallVector<Value> blocks;
  for (int64_t run = 0; run < runs; run += 32)
    for (int64_t k = 0; k < length; k += 16)
      blocks.push_back(
          b.ldsRead(block, b.ldsAddress(address, run * pitch(length) + 2 * k)));
  return blocks;
}

std::unique_ptr<SlotAccess> attn::createRegisterSlots(unsigned workItems) {
  return std::make_unique<RegisterSlots>(workItems);
}

std::unique_ptr<SlotAccess> SlotAccess::create(const flyattn::ChipInfo &chip,
                                               unsigned workItems) {
  return chip.ldsDmaBytes >= 16 && chip.transposedLdsRead
             ? createDmaSlots(workItems)
             : createRegisterSlots(workItems);
}
