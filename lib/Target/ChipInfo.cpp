//===- ChipInfo.cpp - The table of chips ----------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Target/ChipInfo.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace flyattn;

// Sources: AMD CDNA3 and CDNA4 ISA documents and white papers; LLVM's
// AMDGPUUsage for the features; for the clocks those of the simulator's table
// (TimingConstants.cpp).
static const ChipInfo chips[] = {
    {.name = "gfx942",
     .ldsBytes = 64 * 1024,
     .computeUnits = 304,
     .hbmBytesPerClock = 8,
     .mfmaK = 8,
     .ldsDmaBytes = 4,
     .transposedLdsRead = false,
     .packedBf16Convert = false,
     .permlaneSwap = false,
     .storeBytes = 8,
     .mfmaShadow = 28,
     .vectorClocks = 4,
     .exp2Clocks = 16,
     .permlaneClocks = 8},
    {.name = "gfx950",
     .ldsBytes = 160 * 1024,
     .computeUnits = 256,
     .hbmBytesPerClock = 13,
     .mfmaK = 16,
     .ldsDmaBytes = 16,
     .transposedLdsRead = true,
     .packedBf16Convert = true,
     .permlaneSwap = true,
     .storeBytes = 16,
     .mfmaShadow = 24,
     .vectorClocks = 4,
     .exp2Clocks = 8,
     .permlaneClocks = 8},
};

llvm::ArrayRef<ChipInfo> flyattn::allChips() { return chips; }

const ChipInfo *flyattn::findChip(llvm::StringRef name) {
  const ChipInfo *chip = llvm::find_if(
      chips, [&](const ChipInfo &chip) { return chip.name == name; });
  return chip == std::end(chips) ? nullptr : chip;
}

std::string flyattn::chipNames() {
  return llvm::join(
      llvm::map_range(allChips(),
                      [](const ChipInfo &chip) { return chip.name.str(); }),
      ", ");
}
