//===- VectorGeneral.cpp - Operands and results with modifiers ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorGeneral.h"

using namespace flyattn::sim;

namespace {

/// Where lane `lane` of a DPP source comes from; negative if nowhere.
int dppSourceLane(unsigned ctrl, unsigned lane) {
  unsigned row = lane & ~15u, inRow = lane & 15;
  unsigned amount = ctrl & 15;
  if (ctrl < 0x100) // quad_perm
    return (lane & ~3u) + (ctrl >> 2 * (lane & 3) & 3);
  switch (ctrl & 0x1f0) {
  case 0x100: // row_shl: data moves to lower lanes
    return inRow + amount < 16 ? int(lane + amount) : -1;
  case 0x110: // row_shr
    return inRow >= amount ? int(lane - amount) : -1;
  case 0x120: // row_ror
    return row + ((inRow + 16 - amount) & 15);
  case 0x150: // row_newbcast
    return row + amount;
  default:
    break;
  }
  switch (ctrl) {
  case 0x130: // wave_shl
    return lane < 63 ? int(lane + 1) : -1;
  case 0x134: // wave_rol
    return (lane + 1) & 63;
  case 0x138: // wave_shr
    return int(lane) - 1;
  case 0x13c: // wave_ror
    return (lane + 63) & 63;
  case 0x140: // row_mirror
    return row + 15 - inRow;
  case 0x141: // row_half_mirror
    return (lane & ~7u) + 7 - (lane & 7);
  case 0x142: // row_bcast15: the last lane of a row to the next row
    return lane >= 16 ? int(row - 1) : -1;
  case 0x143: // row_bcast31: lane 31 to rows 2 and 3
    return lane >= 32 ? 31 : -1;
  default:
    return -1;
  }
}

/// The lanes whose DPP source exists and is active.
uint64_t dppValid(const VectorModifiers &m, uint64_t exec) {
  uint64_t valid = 0;
  for (unsigned lane = 0; lane < waveSize; ++lane)
    valid |= (exec >> m.dppLane[lane] & 1) << lane;
  return valid & m.dppExists;
}

/// The lanes that a DPP instruction writes.
uint64_t dppLanes(const Wave &wave, const VectorModifiers &m) {
  uint64_t exec = wave.exec(), lanes = 0;
  if (m.rowMask == 15 && m.bankMask == 15)
    lanes = allLanes;
  else
    for (unsigned lane = 0; lane < waveSize; ++lane)
      if (m.rowMask >> lane / 16 & 1 && m.bankMask >> (lane / 4 & 3) & 1)
        lanes |= uint64_t(1) << lane;
  if (!m.boundCtrl)
    lanes &= exec == allLanes ? m.dppExists : dppValid(m, exec);
  return lanes & exec;
}

uint32_t selectPart(uint32_t value, Sel sel, bool sext) {
  switch (sel) {
  case Sel::Dword:
    return value;
  case Sel::Word0:
  case Sel::Word1: {
    uint32_t half = value >> (sel == Sel::Word1 ? 16 : 0) & 0xffff;
    return sext ? uint32_t(int32_t(int16_t(half))) : half;
  }
  default: {
    uint32_t byte = value >> 8 * unsigned(sel) & 0xff;
    return sext ? uint32_t(int32_t(int8_t(byte))) : byte;
  }
  }
}

uint32_t signBit(LaneType type) {
  switch (type) {
  case LaneType::F16:
  case LaneType::B16:
    return 0x8000;
  default:
    return 0x80000000;
  }
}

template <typename T> T clampUnit(T x) {
  return x > T(0) ? (x < T(1) ? x : T(1)) : T(0); // NaN becomes 0
}

template <typename T, typename Bits>
Bits outputModifiers(Bits bits, unsigned omod, bool clamp) {
  T value;
  std::memcpy(&value, &bits, sizeof(T));
  if (omod)
    value = T(value * (omod == 1 ? T(2) : omod == 2 ? T(4) : T(0.5)));
  if (clamp)
    value = clampUnit(value);
  std::memcpy(&bits, &value, sizeof(T));
  return bits;
}

/// Multiplies by omod and clamps, in place.
void modifyOutput(Wave &wave, const VectorModifiers &m, LaneType type,
                  uint32_t *result) {
  // Output multipliers are ignored where denormal results are kept.
  unsigned denormals = wave.mode >> (type == LaneType::F32 ? 4 : 6) & 3;
  unsigned omod = denormals & 2 ? 0 : m.omod;
  FpuScope scope(type == LaneType::F32 ? wave.fpu32 : wave.fpu64, wave.fpu32);
  for (unsigned i = 0; i < waveSize; ++i) {
    if (type == LaneType::F32) {
      result[i] = outputModifiers<float>(result[i], omod, m.clamp);
    } else if (type == LaneType::F16) {
      result[i] = outputModifiers<_Float16>(uint16_t(result[i]), omod, m.clamp);
    } else {
      uint64_t bits = result[i] | uint64_t(result[i + waveSize]) << 32;
      bits = outputModifiers<double>(bits, omod, m.clamp);
      result[i] = uint32_t(bits);
      result[i + waveSize] = uint32_t(bits >> 32);
    }
  }
}

/// Puts the part of `value` that `m` selects into the place it selects.
uint32_t placePart(uint32_t old, uint32_t value, const VectorModifiers &m) {
  unsigned shift, bits;
  switch (m.dstSel) {
  case Sel::Dword:
    return value;
  case Sel::Word0:
  case Sel::Word1:
    shift = m.dstSel == Sel::Word1 ? 16 : 0;
    bits = 16;
    break;
  default:
    shift = 8 * unsigned(m.dstSel);
    bits = 8;
    break;
  }
  uint32_t low = (uint32_t(1) << bits) - 1, part = value & low;
  if (m.dstUnused == 2)
    return (old & ~(low << shift)) | part << shift;
  if (m.dstUnused == 1) // sign-extend
    return uint32_t(int32_t(part << (32 - bits)) >> (32 - bits)) << shift;
  return part << shift;
}

} // namespace

void flyattn::sim::setDppLanes(VectorModifiers &m) {
  for (unsigned lane = 0; lane < waveSize; ++lane) {
    int from = dppSourceLane(m.dppCtrl, lane);
    m.dppLane[lane] = uint8_t(from < 0 ? 0 : from);
    m.dppExists |= uint64_t(from >= 0) << lane;
  }
}

const uint32_t *flyattn::sim::readSource(const Wave &wave, const Inst *inst,
                                         unsigned n, LaneType type,
                                         uint32_t *buffer) {
  unsigned registers = registersOf(type);
  bool scalar = inst->scalars >> n & 1;
  const auto *m = static_cast<const VectorModifiers *>(inst->ext);
  const uint32_t *from = wave.vgpr(inst->src[n]);
  if (scalar) {
    for (unsigned r = 0; r < registers; ++r)
      for (unsigned i = 0; i < waveSize; ++i)
        buffer[r * waveSize + i] = wave.s[inst->src[n] + r];
    from = buffer;
  }
  if (!m)
    return from;
  bool dpp = m->dpp && n == 0;
  const SourceModifiers &mods = m->src[n];
  if (!dpp && !mods.neg && !mods.abs && mods.sel == Sel::Dword)
    return from;
  uint32_t top = signBit(type);
  uint32_t keep = mods.abs ? ~top : ~0u, flip = mods.neg ? top : 0;
  if (!dpp && mods.sel == Sel::Dword && registers == 1) {
    for (unsigned i = 0; i < waveSize; ++i)
      buffer[i] = (from[i] & keep) ^ flip;
    return buffer;
  }
  uint64_t valid = dpp ? dppValid(*m, wave.exec()) : allLanes;
  for (unsigned r = 0; r < registers; ++r) {
    bool holdsSign = r + 1 == registers;
    for (unsigned i = 0; i < waveSize; ++i) {
      uint32_t value = from[r * waveSize + (dpp ? m->dppLane[i] : i)];
      value = valid >> i & 1 ? value : 0;
      value = selectPart(value, mods.sel, mods.sext);
      buffer[r * waveSize + i] = holdsSign ? (value & keep) ^ flip : value;
    }
  }
  return buffer;
}

uint64_t flyattn::sim::writtenLanes(const Wave &wave, const Inst *inst) {
  const auto *m = static_cast<const VectorModifiers *>(inst->ext);
  return m && m->dpp ? dppLanes(wave, *m) : wave.exec();
}

void flyattn::sim::writeLanes(Wave &wave, unsigned dst, unsigned registers,
                              uint64_t lanes, const uint32_t *result) {
  uint32_t *out = wave.vgpr(dst);
  if (lanes == allLanes) {
    std::memcpy(out, result, registers * waveSize * 4);
    return;
  }
  for (unsigned r = 0; r < registers; ++r)
    for (unsigned i = 0; i < waveSize; ++i)
      if (lanes >> i & 1)
        out[r * waveSize + i] = result[r * waveSize + i];
}

void flyattn::sim::writeResult(Wave &wave, const Inst *inst, LaneType type,
                               uint32_t *result) {
  const auto *m = static_cast<const VectorModifiers *>(inst->ext);
  uint64_t lanes = writtenLanes(wave, inst);
  if (m) {
    if (m->omod || m->clamp)
      modifyOutput(wave, *m, type, result);
    if (m->dstSel != Sel::Dword) {
      const uint32_t *old = wave.vgpr(inst->dst);
      for (unsigned i = 0; i < waveSize; ++i)
        result[i] = placePart(old[i], result[i], *m);
    }
  }
  writeLanes(wave, inst->dst, registersOf(type), lanes, result);
}
