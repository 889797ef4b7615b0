//===- Leaf.h - The instructions that tile lowering emits -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_LEAF_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_LEAF_H

#include "flyattn/Target/ChipInfo.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <utility>

namespace mlir::attn {

/// An offset (bytes) behind the end of every view: what is read there is 0,
/// what is written there is dropped. No view with columns to leave out reaches
/// it, and an offset below it more does not wrap. Of far views that holds for
/// what an access takes.
constexpr int64_t beyondViews = int64_t(1) << 31;

/// A matrix in global memory: a buffer resource and the bytes between rows.
struct Buffer {
  Value resource; ///< !llvm.ptr<8>
  Value stride;   ///< i32, bytes
};

/// Emits single instructions, chosen by the chip's facts. All rocdl ops are
/// made here.
class Leaf : public ImplicitLocOpBuilder {
public:
  Leaf(Location loc, OpBuilder &builder, const flyattn::ChipInfo &chip,
       bool bf16Truncate)
      : ImplicitLocOpBuilder(loc, builder), chip(chip),
        bf16Truncate(bf16Truncate) {}

  const flyattn::ChipInfo &chip;
  const bool bf16Truncate;

  // Integers (i32).
  Value i32(int64_t value);
  Value add(Value a, Value b);
  Value add(Value a, int64_t b);
  Value mul(Value a, Value b);
  Value mul(Value a, int64_t b);
  Value div(Value a, int64_t b); ///< unsigned
  Value rem(Value a, int64_t b); ///< unsigned

  // Where this work-item is.
  Value workItem(); ///< in the workgroup
  Value lane();     ///< in the wave
  /// The same, computed here: no register holds it from the kernel's start on.
  Value laneAnew();
  Value wave(); ///< in the workgroup, known to be uniform
  /// Does the condition hold in any lane of the wave? Uniform.
  Value any(Value condition);
  /// Adds one to a performance counter of the wave's CU.
  void count(unsigned counter);
  /// The condition, which LLVM may take to be false as a rule.
  Value unlikely(Value condition);

  // f32.
  Value f32(float value);
  Value exp2(Value x);
  Value log2(Value x);
  Value reciprocal(Value x);
  /// max or sum of x and the same lane of the other half-wave.
  Value maxOfHalves(Value x);
  Value sumOfHalves(Value x);
  /// vector<Nxf32> to N 16-bit floats.
  Value convert(Value vector, Type element);
  /// The same for values that are no NaNs, in fewer instructions on a chip
  /// without a conversion to bf16.
  Value convertNumbers(Value vector, Type element);

  // Vectors.
  Value bitcast(Value vector, VectorType type);
  Value slice(Value vector, int64_t offset, int64_t size);
  Value concat(Value a, Value b);
  Value shuffle(Value a, Value b, ArrayRef<int64_t> elements);

  // Global memory; offsets in bytes, `uniform` the same in all lanes. Beyond
  // the buffer's end reads give 0 and writes are dropped.
  Value load(Type type, Buffer buffer, Value offset, Value uniform);
  void store(Value value, Buffer buffer, Value offset);
  /// Copies 16 bytes a lane to lds + 16 * lane; `lds` is uniform.
  void copyToLds(Buffer buffer, Value offset, Value uniform, Value lds);
  Value makeResource(Value pointer, Value bytes);
  /// `offset` in lanes whose `column` is among the first `columns`, in others
  /// one that is beyond the buffer.
  Value ifInside(Value offset, Value column, int64_t columns);

  // LDS (!llvm.ptr<3>). What is read or written is aligned to its size, but to
  // no more than 16 bytes.
  Value ldsAddress(Value slot, Value bytes);
  Value ldsAddress(Value address, int64_t bytes);
  Value ldsRead(VectorType type, Value address);
  void ldsWrite(Value value, Value address);
  /// 4 16-bit elements a lane, transposed within 16 lanes.
  Value ldsReadTransposed(VectorType type, Value address);
  /// Keeps LLVM from moving memory and matrix instructions across.
  void fenceSchedule();
  /// Keeps LLVM from moving anything across.
  void closeSchedule();
  /// The value (f32), which LLVM computes before the next branch even if it is
  /// used behind it. Costs no instruction.
  Value anchor(Value value);
  /// Waits for this wave's memory operations, then for all waves.
  void sync();

  /// acc + a b for one 32 x 32 x 16 block; 8 elements a lane of a and of b, of
  /// 16 bits or f32.
  Value mma(Value a, Value b, Value acc);
  /// Swaps x's upper half-wave with y's lower one; i32.
  std::pair<Value, Value> swapHalves(Value x, Value y);

private:
  std::pair<Value, Value> bothHalves(Value x);
  Value truncate(Value vector, Type element);
};

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_LEAF_H
