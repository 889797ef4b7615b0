//===- MfmaNumerics.h - Sums of products as matrix units form them --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MFMANUMERICS_H
#define FLYATTN_LIB_SIMULATOR_MFMANUMERICS_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace flyattn::sim {

/// One product of an element of A and one of B, both exact in f64.
struct MatrixProduct {
  double a, b;
};

/// c + the products, one f32 fused multiply-add after another.
float sumByFma(float c, llvm::ArrayRef<MatrixProduct> products);

/// The same with products that need not lie in the range of f32: each sum is
/// rounded once.
float sumRounded(float c, llvm::ArrayRef<double> products);

/// What the fused sums of CDNA3 depend on.
struct Cdna3Rule {
  unsigned group; ///< products that are added at once; 0: fused multiply-adds
  bool pairs;     ///< even and odd products apart (8-bit operands)
  int lowestA, lowestB; ///< exponents of the smallest normal numbers
};

/// c + the products, as MMA-Sim (arXiv 2511.10909) found CDNA3 to add them.
float sumAsCdna3(const Cdna3Rule &rule, float c,
                 llvm::ArrayRef<MatrixProduct> products);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MFMANUMERICS_H
