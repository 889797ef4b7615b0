//===- CheckPending.h - Uses of what is still on its way ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers and LDS bytes that an outstanding operation will write belong to
// nobody until an s_waitcnt covers it. Reported are:
//  - a read or an overwrite of a register before that;
//  - an LDS access of the same wave to bytes that its own DMA will write;
//  - a DMA into bytes that an outstanding LDS access of the same wave names.
// Two loads of one in-order counter may name the same register. The data
// registers of stores may be overwritten at once: LLVM's
// GCNSubtarget::vmemWriteNeedsExpWaitcnt says so of all chips since gfx8.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_CHECKPENDING_H
#define FLYATTN_LIB_SIMULATOR_CHECKPENDING_H

#include "CheckReports.h"
#include "Observer.h"

#include <deque>

namespace flyattn::sim {

/// A memory operation between its issue and the wait that covers it.
struct Operation {
  const InstInfo *info = nullptr;
  uint32_t inst = 0; ///< Inst::index
  uint8_t wave = 0;
  uint8_t queues = 0; ///< counters that it still waits for; flat has both
  // LDS bytes, if it touches any: [low, high) holds all of them.
  uint64_t lanes = 0;
  uint32_t low = 0, high = 0;
  uint32_t misaligned = 0;         ///< the low bits of any address
  uint32_t address[waveSize] = {}; ///< before the offsets of a pair

  bool touchesLds() const { return high > low; }
  bool writesLds() const { return info->stores || info->unit == Unit::LdsDma; }
  unsigned ldsBytes() const {
    return info->unit == Unit::LdsDma && info->bytes < 4 ? 4 : info->bytes;
  }
  /// The first lane of this operation that touches a byte of `dma`.
  int firstLaneIn(const Operation &dma) const;
};

class PendingCheck {
public:
  PendingCheck(const Program &program, unsigned waves, CheckReports &reports);

  void beginWorkgroup();
  /// Before the instruction is executed: its registers, and waits.
  void step(const Wave &wave, const Inst *inst, const InstInfo &info);
  /// Notes the operation; it stays valid until the next call for that wave.
  const Operation &memory(const MemoryEvent &event);
  /// Calls `visit` with each outstanding operation that touches LDS.
  void forOutstandingLds(llvm::function_ref<void(const Operation &)> visit);

private:
  struct WaveState {
    std::deque<Operation *> vm, lgkm; ///< oldest first
    std::vector<Operation *> vector;  ///< who will write a register, or null
    std::vector<Operation *> scalar;
    unsigned loads = 0; ///< outstanding ones with a register as result
    unsigned dmas = 0;
  };

  void checkRegisters(WaveState &state, const Wave &wave, const Inst *inst,
                      const InstInfo &info);
  void checkLds(WaveState &state, const Operation &operation);
  void checkEnd(const WaveState &state, const Wave &wave, const Inst *inst);
  void claim(WaveState &state, Operation &operation);
  void release(WaveState &state, Operation *operation);
  void waitVm(WaveState &state, unsigned left);
  void waitLgkm(WaveState &state, unsigned left);
  Operation &newOperation();

  CheckReports &reports;
  std::vector<WaveState> states;
  std::vector<std::unique_ptr<Operation>> pool;
  std::vector<Operation *> unused;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_CHECKPENDING_H
