//===- InstInfo.h - Static facts of each instruction ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the checks and the timing model need to know of an instruction and its
// execution does not: the unit it occupies, the registers it touches, the
// counters it raises. One record a static instruction, beside the table of
// Inst, made from LLVM's instruction descriptions on first use.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_INSTINFO_H
#define FLYATTN_LIB_SIMULATOR_INSTINFO_H

#include "Inst.h"

#include "flyattn/Simulator/Program.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace flyattn::sim {

/// What executes an instruction.
enum class Unit : uint8_t {
  Salu,
  Smem,           ///< s_load, s_buffer_load, s_memtime
  Valu,           ///< vector instructions that are none of the next three
  Transcendental, ///< v_exp, v_log, v_rcp, v_rsq, v_sqrt, v_sin, v_cos
  PackedMath,     ///< v_pk_{mul,add,fma}_f32
  Mfma,           ///< v_mfma and v_smfmac
  Lds,            ///< ds_*, lane permutes included
  Vmem,           ///< buffer, global, flat and scratch
  LdsDma,         ///< loads from memory straight into LDS
  Branch,
  Barrier,
  Wait, ///< s_waitcnt
  Nop,  ///< s_nop
  SetPriority,
  End,
  Other ///< messages, sleep, cache control, counters
};

/// Do the vector ALUs execute it?
inline bool isVectorAlu(Unit unit) {
  return unit >= Unit::Valu && unit <= Unit::Mfma;
}
/// Does it move data between registers or LDS and memory, or LDS and registers?
inline bool isVectorMemory(Unit unit) {
  return unit >= Unit::Lds && unit <= Unit::LdsDma;
}

/// Registers [first, first + count).
struct RegisterRange {
  uint16_t first = 0, count = 0;

  unsigned end() const { return unsigned(first) + count; }
  bool overlaps(RegisterRange other) const {
    return first < other.end() && other.first < end();
  }
  bool operator==(const RegisterRange &) const = default;
};
using RegisterRanges = llvm::SmallVector<RegisterRange, 3>;

/// The slot of MODE in ranges of scalar registers; the others are ScalarSlot's.
constexpr uint16_t SlotMode = 128;
/// Slots that such ranges can name.
constexpr unsigned scalarRegisters = 129;

struct InstInfo {
  Unit unit = Unit::Other;
  bool raisesVm = false, raisesLgkm = false; ///< counters, at issue
  bool loads = false, stores = false;        ///< an atomic does both
  bool atomic = false;
  bool dpp = false;
  bool indexed = false;   ///< names registers by M0 as well: see no ranges here
  bool permutes = false;  ///< ds_permute and the like touch no LDS bytes
  bool pushes = false;    ///< ds_permute: lanes say where to, not where from
  bool keepsPart = false; ///< writes part of a register, the rest stays
  uint8_t waitStates = 1; ///< that it counts for; s_nop n: n + 1
  uint8_t vmWait = 0xff;  ///< s_waitcnt: vmcnt (63 = any)
  uint8_t lgkmWait = 0xff; ///< s_waitcnt: lgkmcnt (15 = any)
  /// In memory or LDS: of a lane, of one half for ds_read2 and ds_write2, of
  /// the whole for scalar loads.
  uint8_t bytes = 0;
  bool addressInM0 = false;    ///< LDS: lane n is at M0 + n * laneStride
  uint8_t laneStride = 0;      ///< bytes
  bool pair = false;           ///< ds_read2, ds_write2
  uint32_t pairOffset[2] = {}; ///< bytes from the address register
  uint8_t passes = 0;          ///< MFMA: 1 pass = 4 clocks
  bool xdl = false;            ///< MFMA: not one of f32 or f64 operands
  RegisterRange srcA, srcB;    ///< MFMA
  RegisterRange srcC;          ///< MFMA; no registers if it is a constant
  RegisterRange address;       ///< vector memory: the address registers
  RegisterRange data;          ///< vector stores and atomics
  /// In the unified file of architectural and accumulation VGPRs. Operands tied
  /// to results are reads as well.
  RegisterRanges vectorReads, vectorWrites;
  /// By ScalarSlot; VCC, EXEC, M0, SCC and MODE included where they are
  /// implicit. MFMA ignores EXEC, and LDS instructions M0, so neither is named.
  RegisterRanges scalarReads, scalarWrites;
};

/// One record for each of Program::Impl::insts, by Inst::index. Made on the
/// first call; any thread may call.
llvm::ArrayRef<InstInfo> instInfos(const Program &program);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_INSTINFO_H
