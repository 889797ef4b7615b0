//===- Inst.h - The record that an instruction is decoded to --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_INST_H
#define FLYATTN_LIB_SIMULATOR_INST_H

#include <cstdint>

namespace flyattn::sim {

struct Wave;
struct Inst;

/// Executes one instruction; returns the next one, or null if the wave cannot
/// go on for now (it ended, waits at a barrier, or failed: see Wave::state).
using Handler = const Inst *(*)(Wave &, const Inst *);

/// Numbers in a wave's scalar file: the encodings of the ISA document, and
/// behind them the constants of the kernel.
enum ScalarSlot : uint16_t {
  SlotVcc = 106,
  SlotM0 = 124,
  SlotScc = 125, ///< unused as an encoding on these chips
  SlotExec = 126,
  SlotConstants = 128,
};

/// One static instruction. Register numbers of VGPRs count in the unified file
/// of architectural and accumulation registers.
struct Inst {
  Handler fn = nullptr;
  uint16_t dst = 0;     ///< VGPR, or scalar slot
  uint16_t sdst = 0;    ///< scalar slot of a second result
  uint16_t src[4] = {}; ///< VGPR or scalar slot
  uint8_t scalars = 0;  ///< bit n: source n is scalar
  uint8_t count = 0;    ///< registers, or what the handler makes of it
  uint16_t flags = 0;   ///< what the handler makes of it
  int32_t imm = 0;      ///< offset, branch distance in instructions, counts
  uint32_t index = 0;   ///< of the static instruction
  const void *ext = nullptr; ///< what else the handler needs
};

/// The type of a vector operand, as far as modifiers and constants depend on
/// it.
enum class LaneType : uint8_t { B32, B64, F32, F64, B16, F16 };

inline unsigned registersOf(LaneType type) {
  return type == LaneType::B64 || type == LaneType::F64 ? 2 : 1;
}

/// SDWA selections, in their encoding.
enum class Sel : uint8_t { Byte0, Byte1, Byte2, Byte3, Word0, Word1, Dword };

struct SourceModifiers {
  bool neg = false, abs = false, sext = false;
  Sel sel = Sel::Dword;
};

/// The modifiers of a vector instruction that has any.
struct VectorModifiers {
  SourceModifiers src[3];
  uint8_t omod = 0; ///< 0 none, 1 *2, 2 *4, 3 /2
  bool clamp = false;
  Sel dstSel = Sel::Dword;
  uint8_t dstUnused = 0; ///< SDWA: 0 pad with zeros, 1 sign-extend, 2 preserve
  bool dpp = false;
  uint16_t dppCtrl = 0;
  uint8_t rowMask = 15, bankMask = 15;
  bool boundCtrl = false;
  /// DPP: the lane that each lane reads, and whether there is one.
  uint8_t dppLane[64] = {};
  uint64_t dppExists = 0;
  LaneType types[3] = {};
  LaneType dstType = LaneType::B32;
  bool keepsHigh = false; ///< a 16-bit result leaves the other half alone
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_INST_H
