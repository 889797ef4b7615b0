//===- AsmText.h - An instruction's assembler text, taken apart -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   v_fma_f32 v0, -v1, |s2|, 1.0 clamp
//   mnemonic  operands ...       modifiers
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_ASMTEXT_H
#define FLYATTN_LIB_SIMULATOR_ASMTEXT_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace flyattn::sim {

struct TextOperand {
  enum Kind : uint8_t {
    Vgpr,    ///< vN, v[a:b]
    Agpr,    ///< aN, a[a:b]
    Scalar,  ///< sN, s[a:b], vcc, exec, m0, ttmpN and their halves
    Integer, ///< 42, -16, 0x3f800000
    Float,   ///< an inline constant: 1.0, 0.15915494
    Wide,    ///< a constant of 64 bits with a name: src_shared_base
    Off,
    Other
  };
  Kind kind = Other;
  bool neg = false, abs = false, sext = false;
  uint16_t reg = 0;   ///< number of the first register, or scalar slot
  uint16_t count = 1; ///< registers
  int64_t integer = 0;
  uint32_t floatBits = 0; ///< of the constant as f32
  bool hex = false;       ///< an Integer that was printed as a literal
  llvm::StringRef text;
};

struct AsmText {
  llvm::StringRef mnemonic; ///< as printed
  llvm::StringRef base;     ///< without _e32, _e64, _sdwa, _dpp
  bool sdwa = false, dpp = false;
  llvm::SmallVector<TextOperand, 6> operands;
  /// "offset:16" is {"offset", "16"}; "glc" is {"glc", ""}.
  llvm::SmallVector<std::pair<llvm::StringRef, llvm::StringRef>, 4> modifiers;

  bool has(llvm::StringRef modifier) const;
  /// The number behind a modifier, or `otherwise` without it.
  int64_t number(llvm::StringRef modifier, int64_t otherwise = 0) const;
  /// The entries of a list such as op_sel:[0,1], or nothing without it.
  std::optional<llvm::SmallVector<int64_t, 4>>
  list(llvm::StringRef modifier) const;
};

/// Takes `text`, which must outlive the result, apart.
AsmText parseAsmText(llvm::StringRef text);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_ASMTEXT_H
