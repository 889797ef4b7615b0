//===- MfmaLayout.h - Where the elements of matrices lie ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layouts of AMD's matrix instruction calculator for CDNA3, as formulas
// over the shape: `blocks` products of dim x k by k x dim at once.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MFMALAYOUT_H
#define FLYATTN_LIB_SIMULATOR_MFMALAYOUT_H

namespace flyattn::sim {

struct MatrixShape {
  unsigned dim, k, blocks;
};

/// A lane, and the number of an element in the registers of that lane.
struct MatrixPlace {
  unsigned lane, element;
};

/// Elements of k that a lane holds of an operand with `k` of them.
inline unsigned elementsPerLane(const MatrixShape &shape, unsigned k) {
  return k * shape.dim * shape.blocks / 64;
}

/// Element `n` of `k` in row (of A) or column (of B) `i` of a block: lanes run
/// through rows, blocks, and parts of k.
inline MatrixPlace operandPlace(const MatrixShape &shape, unsigned k,
                                unsigned block, unsigned i, unsigned n) {
  unsigned perLane = elementsPerLane(shape, k);
  return {i + shape.dim * (block + shape.blocks * (n / perLane)), n % perLane};
}

/// The same for operands of 32 bytes a lane: two runs of 16 bytes, `run`
/// elements each.
inline MatrixPlace splitPlace(const MatrixShape &shape, unsigned run,
                              unsigned i, unsigned n) {
  unsigned groups = 64 / shape.dim, group = n / run % groups;
  return {i + shape.dim * group, run * (n / run / groups) + n % run};
}

/// Element (i, j) of a block of the result. `rows` rows follow each other in a
/// lane's registers: 4, but 1 of f64.
inline MatrixPlace resultPlace(const MatrixShape &shape, unsigned rows,
                               unsigned block, unsigned i, unsigned j) {
  unsigned lanesOfBlock = shape.dim * shape.dim / rows;
  unsigned blocksAtOnce = lanesOfBlock < 64 ? 64 / lanesOfBlock : 1;
  unsigned rowGroups = 64 / blocksAtOnce / shape.dim; // side by side in lanes
  unsigned deep = shape.dim / (rows * rowGroups);     // row groups in registers
  unsigned group = i / rows;
  unsigned column = block % blocksAtOnce + blocksAtOnce * (group % rowGroups);
  unsigned row = group / rowGroups + deep * (block / blocksAtOnce);
  return {j + shape.dim * column, i % rows + rows * row};
}

/// BLGP: the lane whose part of B lane `lane` gets.
inline unsigned swizzledLane(unsigned blgp, unsigned lane) {
  switch (blgp) {
  case 0:
    return lane;
  case 1: // the lower half for both
    return lane % 32;
  case 2: // the upper half for both
    return 32 + lane % 32;
  case 3: // rotated by 16 lanes
    return (lane + 16) % 64;
  default: // one group of 16 lanes for all
    return 16 * (blgp - 4) + lane % 16;
  }
}

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MFMALAYOUT_H
