//===- WaveBounds.h - What values are over the waves of a workgroup -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_WAVEBOUNDS_H
#define FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_WAVEBOUNDS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::attn {

enum class Bound { Least, Greatest };

/// The least or the greatest that `value` is in any wave of the workgroup, as a
/// value that is uniform over it; null if that cannot be told. Values are
/// uniform but for what is added to them in proportion to the wave's number.
Value boundOverWaves(ImplicitLocOpBuilder &b, Value value, Bound bound);

} // namespace mlir::attn

#endif // FLYATTN_LIB_DIALECT_ATTN_TRANSFORMS_WAVEBOUNDS_H
