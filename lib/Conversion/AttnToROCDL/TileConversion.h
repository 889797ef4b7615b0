//===- TileConversion.h - Patterns and types of the tile lowering ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_CONVERSION_ATTNTOROCDL_TILECONVERSION_H
#define FLYATTN_LIB_CONVERSION_ATTNTOROCDL_TILECONVERSION_H

#include "SlotAccess.h"

#include "mlir/Transforms/DialectConversion.h"

namespace mlir::attn {

/// All that a pattern needs besides its op.
struct TileLowering {
  const flyattn::ChipInfo &chip;
  bool bf16Truncate;
  bool countRescales;
  std::unique_ptr<SlotAccess> slots;

  Leaf leaf(Operation *op, OpBuilder &builder) const {
    return Leaf(op->getLoc(), builder, chip, bf16Truncate);
  }
};

/// A tile becomes its blocks, row by row: vectors of 8 16-bit elements for
/// mfma_a and mfma_b, of 16 f32 for mfma_c, one f32 for columns. A view becomes
/// what ViewRows says, a slot a pointer to LDS, a tile in flight what the
/// chip's slots say.
class TileTypeConverter : public TypeConverter {
public:
  explicit TileTypeConverter(const TileLowering &lowering);
};

/// A conversion pattern that knows the chip.
template <typename OpT> struct TilePattern : OpConversionPattern<OpT> {
  TilePattern(const TypeConverter &converter, MLIRContext *context,
              const TileLowering &lowering, PatternBenefit benefit = 1)
      : OpConversionPattern<OpT>(converter, context, benefit),
        lowering(lowering) {}
  const TileLowering &lowering;
};

void populateMemoryPatterns(RewritePatternSet &patterns,
                            const TypeConverter &converter,
                            const TileLowering &lowering);
void populateStorePatterns(RewritePatternSet &patterns,
                           const TypeConverter &converter,
                           const TileLowering &lowering);
void populateRegisterPatterns(RewritePatternSet &patterns,
                              const TypeConverter &converter,
                              const TileLowering &lowering);
void populateSoftmaxPatterns(RewritePatternSet &patterns,
                             const TypeConverter &converter,
                             const TileLowering &lowering);
void populateScoreModPatterns(RewritePatternSet &patterns,
                              const TypeConverter &converter,
                              const TileLowering &lowering);
/// Pipelines and clusters stay, with the registers of their tiles as results.
void populatePartialPatterns(RewritePatternSet &patterns,
                             const TypeConverter &converter,
                             const TileLowering &lowering);
void populateSchedulePatterns(RewritePatternSet &patterns,
                              const TypeConverter &converter,
                              ConversionTarget &target);

} // namespace mlir::attn

#endif // FLYATTN_LIB_CONVERSION_ATTNTOROCDL_TILECONVERSION_H
