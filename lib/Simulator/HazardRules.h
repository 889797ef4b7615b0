//===- HazardRules.h - The table of wait states ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Source: llvm/lib/Target/AMDGPU/GCNHazardRecognizer.cpp, the paths for chips
// with the GFX940 and GFX950 instructions; the function is named at each group.
// They agree with the tables of required nops in AMD's CDNA3 ISA document.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_HAZARDRULES_H
#define FLYATTN_LIB_SIMULATOR_HAZARDRULES_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace flyattn::sim {

/// What makes a register dangerous, as bits.
enum HazardMaker : uint16_t {
  ByValu = 1,        ///< a vector instruction that is no matrix instruction
  ByValuNotDot = 2,  ///< and no v_dot
  ByTrans = 4,       ///< a transcendental one
  ByShift = 8,       ///< one that moves its result to a part of the register
  ByDot = 16,        ///< v_dot
  ByXdl = 32,        ///< a matrix instruction of 4 passes and more
  ByXdl2 = 64,       ///< of 2 passes
  ByFloatMfma = 128, ///< one of f32 operands
  ByDouble4 = 256,   ///< v_mfma_f64_4x4x4
  ByDouble16 = 512,  ///< v_mfma_f64_16x16x4
  BySalu = 1024,
  BySetreg = 2048,
  ByWideStore = 4096,        ///< a store of more than 8 bytes a lane
  ByWideStoreSoffset = 8192, ///< a buffer store with a register as soffset
};
constexpr uint16_t byAnyXdl = ByXdl | ByXdl2;

/// How a register is used, as bits.
enum HazardUse : uint16_t {
  InValu = 1,          ///< read by a vector instruction, no matrix one
  InValuNotTrans = 2,  ///< and no transcendental one; matrix ones too
  InVmem = 4,          ///< buffer, global, flat, scratch
  InLds = 8,           ///< ds
  InMfmaAB = 16,       ///< read as an A or B operand
  InXdlC = 32,         ///< read as C, not exactly the registers written
  InFloatC = 64,       ///< the same, by one of f32 operands
  InSameC = 128,       ///< read as C, exactly the registers written
  InDpp = 256,         ///< read by a DPP instruction
  InPermlane = 512,    ///< swapped between lanes
  InReadLane = 1024,   ///< the vector source of v_readlane, v_readfirstlane
  InLaneSelect = 2048, ///< read by v_readlane, v_writelane as the lane number
  InAnyLane = 4096,    ///< EXEC of v_readlane, v_readfirstlane, v_writelane
  InDivFmas = 8192,
  InLdsDma = 16384, ///< M0 of LDS DMA and messages
  InGetreg = 32768, ///< MODE of s_getreg and s_setreg
};
constexpr uint16_t inMemory = InVmem | InLds;
constexpr uint16_t inAnyC = InXdlC | InFloatC | InSameC;

struct HazardRule {
  uint16_t maker;
  uint16_t use;
  int8_t states[2]; ///< gfx942, gfx950; 0 = no rule
  bool passes;      ///< plus the passes of the matrix instruction
  const char *what;
};

constexpr int8_t onPasses = 0; ///< just the passes

// checkMAIHazards90A, checkMAIVALUHazards, checkVALUHazards, checkDPPHazards,
// checkPermlaneHazards.
constexpr HazardRule vectorReadRules[] = {
    {ByXdl, InValu | inMemory | InMfmaAB, {3, 4}, true, "a matrix result"},
    {ByXdl2, InValu | inMemory | InMfmaAB, {3, 3}, true, "a matrix result"},
    {ByFloatMfma,
     InValu | inMemory | InMfmaAB,
     {2, 2},
     true,
     "a matrix result"},
    {byAnyXdl,
     InXdlC | InFloatC,
     {1, 2},
     true,
     "a matrix result, as C in other registers"},
    {ByFloatMfma,
     InFloatC,
     {onPasses, onPasses},
     true,
     "a matrix result, as C in other registers"},
    {ByXdl2, InSameC, {2, 2}, false, "a matrix result, as C"},
    {ByDouble4, InValu | InMfmaAB, {6, 6}, false, "a matrix result"},
    {ByDouble4, inMemory, {9, 9}, false, "a matrix result"},
    {ByDouble16, InValu | InMfmaAB, {11, 19}, false, "a matrix result"},
    {ByDouble16, inMemory, {18, 18}, false, "a matrix result"},
    {ByValuNotDot,
     InMfmaAB | inAnyC,
     {2, 2},
     false,
     "a vector result, in a matrix instruction"},
    {ByDot, InValu | inMemory, {3, 3}, false, "a dot product"},
    {ByTrans, InValuNotTrans, {1, 1}, false, "a transcendental result"},
    {ByShift,
     InValuNotTrans | InValu,
     {1, 1},
     false,
     "a result in part of a register"},
    {ByValu, InDpp, {2, 2}, false, "a vector result, by DPP"},
    {ByValu, InPermlane, {0, 2}, false, "a vector result, in a lane swap"},
    {ByValu, InReadLane, {1, 1}, false, "a vector result, in a lane read"},
};

// checkMAIVALUHazards: overwriting the result.
constexpr HazardRule vectorOverwriteRules[] = {
    {ByXdl, InValu | inMemory, {3, 4}, true, "a matrix result"},
    {ByXdl2, InValu | inMemory, {3, 3}, true, "a matrix result"},
    {ByFloatMfma, InValu | inMemory, {2, 2}, true, "a matrix result"},
    {ByDouble4, InValu | inMemory, {6, 6}, false, "a matrix result"},
    {ByDouble16, InValu | inMemory, {11, 11}, false, "a matrix result"},
    {ByDot, InValu, {3, 3}, false, "a dot product"},
};

// checkMAIVALUHazards: overwriting what an XDL instruction reads as C.
constexpr HazardRule overwriteCRule = {byAnyXdl,
                                       InValu | inMemory,
                                       {-1, -1},
                                       true,
                                       "what a matrix instruction reads as C"};

// checkVALUHazards: overwriting the data of a store of more than 8 bytes. With
// a register as soffset a buffer store needs one state less; LLVM knows of that
// case since the release after 22, from gfx950 hardware.
constexpr HazardRule overwriteStoreRules[] = {
    {ByWideStore, InValu, {2, 2}, false, "the data of a wide store"},
    {ByWideStoreSoffset, InValu, {1, 1}, false, "the data of a wide store"},
};

// checkVALUHazards, checkVMEMHazards, checkRWLaneHazards, checkDPPHazards,
// checkDivFMasHazards, checkReadM0Hazards, checkSetRegHazards. Rules of EXEC,
// VCC, M0 and MODE carry uses that only these registers have.
constexpr HazardRule scalarReadRules[] = {
    {ByValu, InValu, {2, 2}, false, "a scalar result of a vector instruction"},
    {ByValu,
     InVmem,
     {5, 5},
     false,
     "a scalar result of a vector instruction, in a memory instruction"},
    {ByValu,
     InLaneSelect,
     {4, 4},
     false,
     "a scalar result of a vector instruction, as lane number"},
    {ByValu,
     InDivFmas,
     {4, 4},
     false,
     "a scalar result of a vector instruction, in v_div_fmas"},
    {ByValu, InDpp, {5, 5}, false, "EXEC of a vector instruction, by DPP"},
    {ByValu,
     InAnyLane,
     {4, 4},
     false,
     "EXEC of a vector instruction, in a lane access"},
    {ByValu,
     InPermlane,
     {0, 4},
     false,
     "EXEC of a vector instruction, in a lane swap"},
    {BySalu, InLdsDma, {1, 1}, false, "M0 of a scalar instruction"},
    {BySetreg, InGetreg, {2, 2}, false, "MODE of s_setreg"},
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_HAZARDRULES_H
