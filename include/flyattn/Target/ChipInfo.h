//===- ChipInfo.h - What the compiler must know of each chip --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TARGET_CHIPINFO_H
#define FLYATTN_TARGET_CHIPINFO_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace flyattn {

/// Facts of a chip that decide how tiles are lowered. One row a chip in
/// ChipInfo.cpp; passes ask for a fact, never for a name.
struct ChipInfo {
  llvm::StringRef name;
  uint32_t ldsBytes;         ///< LDS of a CU
  unsigned computeUnits;     ///< of the whole device
  unsigned hbmBytesPerClock; ///< of HBM, for each CU, at the peak clock
  unsigned mfmaK;            ///< k of the full-rate 32x32 16-bit MFMA
  unsigned ldsDmaBytes;      ///< widest global -> LDS copy, bytes a lane
  bool transposedLdsRead;    ///< ds_read_b64_tr_b16
  bool packedBf16Convert;    ///< v_cvt_pk_bf16_f32
  bool permlaneSwap;         ///< v_permlane32_swap_b32
  unsigned storeBytes;       ///< that a lane stores of O at a time
  // What the interleaving of vector with matrix instructions goes by, in clk.
  unsigned mfmaShadow;     ///< beside one 32x32 MFMA, for vector instructions
  unsigned vectorClocks;   ///< a plain vector instruction
  unsigned exp2Clocks;     ///< v_exp_f32
  unsigned permlaneClocks; ///< v_permlane32_swap_b32
};

/// The chip's facts, or null for a chip we do not compile for.
const ChipInfo *findChip(llvm::StringRef name);

llvm::ArrayRef<ChipInfo> allChips();

/// "gfx942, gfx950", for messages.
std::string chipNames();

} // namespace flyattn

#endif // FLYATTN_TARGET_CHIPINFO_H
