//===- SlotAccess.h - How KV tiles pass through LDS -----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SLOTACCESS_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SLOTACCESS_H

#include "Leaf.h"

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <memory>

namespace mlir::attn {

/// Where an element of a KV tile lies in its LDS slot, and how it gets there
/// and back. One implementation for chips that copy straight into LDS
/// (DmaSlots.cpp), one for those that go through registers
/// and for f32 (RegisterSlots.cpp).
class SlotAccess {
public:
  SlotAccess(unsigned workItems, bool padded)
      : workItems(workItems), padded(padded) {}
  virtual ~SlotAccess() = default;

  /// Bytes of LDS for a slot.
  virtual int64_t bytes(SlotType slot) const = 0;
  /// Can the workgroup's work-items copy the slot in equal shares?
  virtual bool sharesOut(SlotType slot) const = 0;
  /// The registers that a fetch holds until it lands.
  virtual SmallVector<Type> inflightTypes(InflightType type) const = 0;
  /// Of a view of `columns`; what is behind them in the slot becomes 0.
  virtual SmallVector<Value> fetch(Leaf &b, Buffer buffer, int64_t columns,
                                   Value row, Value slot,
                                   SlotType type) const = 0;
  /// Does a fetch reach the slot without its land?
  virtual bool arrivesUnaided() const = 0;
  virtual void land(Leaf &b, ValueRange inflight, Value slot,
                    SlotType type) const = 0;
  /// The blocks of the mfma_a tile with the first `columns` of the slot.
  virtual SmallVector<Value> read(Leaf &b, Value slot, SlotType type,
                                  int64_t columns) const = 0;

  /// The blocks of the mfma_b tile of 32 rows from `row` (a multiple of 32) on
  /// with the first `columns` of the slot.
  virtual SmallVector<Value> readRows(Leaf &b, Value slot, SlotType type,
                                      Value row, int64_t columns) const = 0;
  // What a wave brings through 32 rows of a rows slot that are its own, in
  // pieces of `piece` bytes, 8 or 16; the layout may be another for each.

  /// Where an element is: `row` counts from `first`, a multiple of 32; `column`
  /// is that of a piece.
  virtual Value address(Leaf &b, Value slot, SlotType type, Value first,
                        Value row, Value column, int64_t piece) const = 0;
  /// Bytes from there to the element so many rows and columns on, among the 64
  /// columns from a multiple of 64 on; `columns` beyond that must be a multiple
  /// of 64 more.
  virtual int64_t offset(SlotType type, int64_t rows, int64_t columns,
                         int64_t piece) const = 0;
  /// Two rows that are so far apart can be accessed at once without a bank
  /// conflict.
  virtual int64_t freeDistance(int64_t piece) const = 0;

  /// For the slots of a kernel; only `padded` ones are free of bank conflicts.
  static std::unique_ptr<SlotAccess> create(const flyattn::ChipInfo &chip,
                                            gpu::GPUFuncOp kernel, bool padded);

protected:
  const unsigned workItems;
  const bool padded;
};

std::unique_ptr<SlotAccess> createDmaSlots(unsigned workItems, bool padded);
std::unique_ptr<SlotAccess> createRegisterSlots(unsigned workItems,
                                                bool padded);

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_SLOTACCESS_H
