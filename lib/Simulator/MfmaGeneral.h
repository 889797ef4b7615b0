//===- MfmaGeneral.h - Matrix instructions of every shape and type --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MFMAGENERAL_H
#define FLYATTN_LIB_SIMULATOR_MFMAGENERAL_H

#include "Decode.h"
#include "MfmaLayout.h"
#include "MfmaNumerics.h"

namespace flyattn::sim {

/// An element type of A or B.
struct MatrixType {
  const char *name; ///< in mnemonics
  unsigned bits;
  double (*value)(uint64_t code); ///< exact
  int lowestExponent;             ///< of a normal number
};

enum class MatrixResult : uint8_t { F32, F64, I32 };

/// What a mnemonic and its modifiers say.
struct MatrixDesc {
  MatrixShape shape;
  MatrixResult result;
  const MatrixType *a, *b;
  bool sparse = false; ///< A holds two of every four elements of k
  bool scaled = false; ///< blocks of 32 elements of k have scales
  uint8_t cbsz = 0, abid = 0, blgp = 0;
  uint16_t scale[2] = {};     ///< registers (constant slots) of scales
  bool scaleConstant[2] = {}; ///< of A and B
  uint8_t scaleByte[2] = {};
  Cdna3Rule rule = {};

  unsigned storedK() const { return sparse ? shape.k / 2 : shape.k; }
};

/// Reads shape and types from the text. False, with a reason, if it cannot.
bool describeMatrix(InstBuilder &b, const AsmText &text, MatrixDesc &desc);

/// Makes an instruction that `executeMatrix` executes.
bool buildMatrix(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload);

/// dst, src[0..2] = D, A, B, C (the index of a sparse A in src[3]).
const Inst *executeMatrix(Wave &w, const Inst *inst, const MatrixDesc &desc);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MFMAGENERAL_H
