//===- DmaSlots.cpp - KV tiles copied straight into LDS -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// A wave's DMA writes 1024 contiguous bytes of LDS, 16 a lane: a "line". It
// takes 64 columns (128 bytes) of 8 rows. With L = rows / 8 lines for each 64
// columns, line w holds rows w, w + L, w + 2L, ..., so that neighbouring rows
// lie in neighbouring lines, and the pitch between lines alone decides the bank
// of a row:
//
//   address(row, column) = ((column / 64) * L + row % L) * pitch
//                          + (row / L) * 128 + (column % 64) * 2
//
// A pitch of 1024 + 16 spreads the 16-byte reads of 8 rows over all 64 banks,
// one of 1024 + 64 the 8-byte transposed reads of 4 rows (checked by
// enumeration against the phases of ds_read_b128 and ds_read_b64).
//
// With fewer lines in a group than there are waves, the waves take lines of
// several groups at once, and the last of them lines that nobody reads. Rows
// 2 L = 8 apart would meet in a bank. There, with a pitch of 1024 + 32, every
// other 2 L rows of a rows slot have their neighbouring 16 bytes swapped:
//
//   piece(row, column) = (column % 64) / 8 ^ (row / (2 L)) % 2
//
// The order is left as it is where all waves find lines in a group of 4: those
// are kernels of 4 waves or fewer, which wait for memory there, and gain
// nothing.

#include "SlotAccess.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::attn;

namespace {
constexpr int64_t lineBytes = 1024, lineRows = 8, lineColumns = 64;

class DmaSlots : public SlotAccess {
public:
  using SlotAccess::SlotAccess;

  int64_t bytes(SlotType slot) const override {
    int64_t lines = lineGroups(slot) * linesPerGroup(slot);
    return int64_t(llvm::alignTo(lines, waves())) * pitch(slot);
  }
  bool sharesOut(SlotType slot) const override {
    int64_t perGroup = linesPerGroup(slot);
    return perGroup % waves() == 0 || waves() % perGroup == 0;
  }
  SmallVector<Type> inflightTypes(InflightType) const override { return {}; }
  SmallVector<Value> fetch(Leaf &b, Buffer buffer, int64_t columns, Value row,
                           Value slot, SlotType type) const override;
  bool arrivesUnaided() const override { return true; }
  void land(Leaf &, ValueRange, Value, SlotType) const override {}
  SmallVector<Value> read(Leaf &b, Value slot, SlotType type,
                          int64_t columns) const override {
    return type.getArrangement() == Arrangement::Rows
               ? readBlocks(b, slot, type, type.getRows(), columns)
               : readTransposed(b, slot, type, columns);
  }
  SmallVector<Value> readRows(Leaf &b, Value slot, SlotType type, Value row,
                              int64_t columns) const override {
    // Rows from a multiple of 32 on lie as those from 0 on do.
    assert((linesPerGroup(type) % 32 == 0 || 32 % linesPerGroup(type) == 0) &&
           "the lines of 32 rows are whole groups or part of one");
    return readBlocks(b, address(b, slot, type, row, b.i32(0)), type, 32,
                      columns);
  }
  Value address(Leaf &b, Value slot, SlotType type, Value first, Value row,
                Value column, int64_t) const override {
    return address(b, slot, type, b.add(first, row), column);
  }
  int64_t offset(SlotType type, int64_t rows, int64_t columns,
                 int64_t) const override {
    assert(linesPerGroup(type) % 32 == 0 && "32 rows are 32 lines");
    return columns / lineColumns * linesPerGroup(type) * pitch(type) +
           columns % lineColumns * 2 + rows * pitch(type);
  }
  /// 128 bytes of a line are half of the banks. From line to line they move by
  /// 16 bytes, so 8 lines on begins the other half.
  int64_t freeDistance(int64_t) const override { return 8; }

private:
  Value address(Leaf &b, Value slot, SlotType type, Value row,
                Value column) const {
    int64_t perGroup = linesPerGroup(type);
    Value bytes = b.mul(b.div(column, lineColumns), perGroup * pitch(type));
    bytes = b.add(bytes, b.mul(b.rem(column, lineColumns), 2));
    bytes = b.add(bytes, b.mul(b.rem(row, perGroup), pitch(type)));
    bytes = b.add(bytes, b.mul(b.div(row, perGroup), 128));
    return b.ldsAddress(slot, bytes);
  }
  int64_t waves() const { return workItems / 64; }
  int64_t pitch(SlotType slot) const {
    if (!padded)
      return lineBytes;
    if (slot.getArrangement() == Arrangement::Transposed)
      return lineBytes + 64;
    return lineBytes + (swapsPieces(slot) ? 32 : 16);
  }
  /// Are neighbouring pieces of 16 bytes swapped in half of the rows?
  bool swapsPieces(SlotType slot) const {
    return slot.getArrangement() == Arrangement::Rows &&
           linesPerGroup(slot) < waves();
  }
  static int64_t lineGroups(SlotType slot) {
    return slot.getColumns() / lineColumns;
  }
  static int64_t linesPerGroup(SlotType slot) {
    return slot.getRows() / lineRows;
  }
  SmallVector<Value> readBlocks(Leaf &b, Value slot, SlotType type,
                                int64_t rows, int64_t columns) const;
  SmallVector<Value> readTransposed(Leaf &b, Value slot, SlotType type,
                                    int64_t columns) const;
};
} // namespace

SmallVector<Value> DmaSlots::fetch(Leaf &b, Buffer buffer, int64_t columns,
                                   Value row, Value slot, SlotType type) const {
  int64_t perGroup = linesPerGroup(type), lines = lineGroups(type) * perGroup;
  Value lane = b.lane(), wave = b.wave();
  // Lane l of wave w takes 16 bytes of row w % L + L * (l / 8), column
  // 64 * (w / L) + 8 * (l % 8); from line to line the step is uniform, so one
  // vector register serves all.
  int64_t together = std::max<int64_t>(waves() / perGroup, 1); // groups
  Value laneRow = b.mul(b.div(lane, 8), perGroup);
  laneRow = b.add(laneRow, together > 1 ? b.rem(wave, perGroup) : wave);
  Value piece = b.rem(lane, 8);
  if (together > 1)
    piece = b.add(piece, b.mul(b.div(wave, perGroup), lineColumns / 8));
  if (swapsPieces(type))
    piece = arith::XOrIOp::create(b, piece, b.rem(b.div(lane, 16), 2));
  Value source = b.add(b.mul(laneRow, buffer.stride), b.mul(piece, 16));
  // Columns behind those of the view are beyond it.
  SmallVector<Value> sources;
  for (int64_t left = columns; left > columns - type.getColumns();
       left -= together * lineColumns)
    sources.push_back(
        left < together * lineColumns
            ? b.ifInside(source, piece, std::max<int64_t>(left, 0) / 8)
            : source);
  Value waveLine = b.ldsAddress(slot, b.mul(wave, pitch(type)));
  for (int64_t line = 0; line < lines; line += waves()) {
    int64_t group = line / perGroup;
    Value uniform = b.mul(b.add(row, line % perGroup), buffer.stride);
    uniform = b.add(uniform, group * lineColumns * 2);
    b.copyToLds(buffer, sources[group / together], uniform,
                b.ldsAddress(waveLine, line * pitch(type)));
  }
  return {};
}

/// So many rows and columns. Lane l of block (i, k): row 32 i + l % 32, columns
/// 16 k + 8 (l / 32) + 0..7.
SmallVector<Value> DmaSlots::readBlocks(Leaf &b, Value slot, SlotType type,
                                        int64_t rows, int64_t columns) const {
  int64_t perGroup = linesPerGroup(type);
  auto block = VectorType::get(8, type.getElementType());
  Value lane = b.lane();
  Value laneRow = b.rem(lane, 32), half = b.div(lane, 32);
  Value address = b.mul(b.rem(laneRow, perGroup), pitch(type));
  address = b.add(address, b.mul(b.div(laneRow, perGroup), 128));
  if (swapsPieces(type))
    half =
        arith::XOrIOp::create(b, half, b.rem(b.div(laneRow, 2 * perGroup), 2));
  address = b.ldsAddress(slot, b.add(address, b.mul(half, 16)));

  SmallVector<Value> blocks;
  for (int64_t row = 0; row < rows; row += 32)
    for (int64_t column = 0; column < columns; column += 16) {
      int64_t offset = (column / lineColumns) * perGroup * pitch(type) +
                       (row / perGroup) * 128 + (column % lineColumns) * 2;
      blocks.push_back(b.ldsRead(block, b.ldsAddress(address, offset)));
    }
  return blocks;
}

/// Lane l of block (i, k), with h = l / 32: column 32 i + l % 32; elements 0..3
/// are rows 16 k + 4 h + 0..3, elements 4..7 rows 16 k + 8 + 4 h + 0..3. Each
/// transposed read gives 4 of them: 16 lanes read 4 rows x 16 columns, lane n
/// gets column n.
SmallVector<Value> DmaSlots::readTransposed(Leaf &b, Value slot, SlotType type,
                                            int64_t columns) const {
  int64_t perGroup = linesPerGroup(type);
  auto part = VectorType::get(4, type.getElementType());
  Value lane = b.lane();
  Value laneRow = b.add(b.mul(b.div(lane, 32), 4), b.div(b.rem(lane, 16), 4));
  Value laneColumn =
      b.add(b.mul(b.rem(b.div(lane, 16), 2), 16), b.mul(b.rem(lane, 4), 4));
  Value address = b.mul(b.rem(laneRow, perGroup), pitch(type));
  address = b.add(address, b.mul(b.div(laneRow, perGroup), 128));
  address = b.ldsAddress(slot, b.add(address, b.mul(laneColumn, 2)));

  SmallVector<Value> blocks;
  for (int64_t column = 0; column < columns; column += 32)
    for (int64_t row = 0; row < type.getRows(); row += 16) {
      SmallVector<Value> parts;
      for (int64_t partRow : {row, row + 8}) {
        int64_t line = (column / lineColumns) * perGroup + partRow % perGroup;
        int64_t offset = line * pitch(type) + (partRow / perGroup) * 128 +
                         (column % lineColumns) * 2;
        parts.push_back(
            b.ldsReadTransposed(part, b.ldsAddress(address, offset)));
      }
      blocks.push_back(b.concat(parts[0], parts[1]));
    }
  return blocks;
}

std::unique_ptr<SlotAccess> attn::createDmaSlots(unsigned workItems,
                                                 bool padded) {
  return std::make_unique<DmaSlots>(workItems, padded);
}
