//===- CheckPending.cpp - Uses of what is still on its way ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckPending.h"

#include "ProgramImpl.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <bit>

using namespace llvm;
using namespace flyattn::sim;

PendingCheck::PendingCheck(const Program &program, unsigned waves,
                           CheckReports &reports)
    : reports(reports), states(waves) {
  for (WaveState &state : states) {
    state.vector.resize(program.info().vgprs);
    state.scalar.resize(scalarRegisters);
  }
}

void PendingCheck::beginWorkgroup() {
  for (WaveState &state : states) {
    std::fill(state.vector.begin(), state.vector.end(), nullptr);
    std::fill(state.scalar.begin(), state.scalar.end(), nullptr);
    state.vm.clear();
    state.lgkm.clear();
    state.loads = state.dmas = 0;
  }
  unused.clear();
  for (auto &operation : pool)
    unused.push_back(operation.get());
}

Operation &PendingCheck::newOperation() {
  if (unused.empty()) {
    pool.push_back(std::make_unique<Operation>());
    unused.push_back(pool.back().get());
  }
  Operation *operation = unused.back();
  unused.pop_back();
  return *operation;
}

int Operation::firstLaneIn(const Operation &dma) const {
  if (low >= dma.high || dma.low >= high)
    return -1;
  for (unsigned half = 0; half < (info->pair ? 2 : 1); ++half)
    for (uint64_t left = lanes; left; left &= left - 1) {
      unsigned lane = unsigned(std::countr_zero(left));
      uint32_t from = address[lane] + info->pairOffset[half];
      if (from < dma.high && dma.low < from + ldsBytes())
        return int(lane);
    }
  return -1;
}

/// May `later` name a register that `earlier` has yet to write? Loads of one
/// in-order counter arrive one after the other.
static bool arrivesInOrder(const InstInfo &earlier, const InstInfo &later) {
  bool bothVm = earlier.raisesVm && later.raisesVm && !earlier.raisesLgkm &&
                !later.raisesLgkm;
  return bothVm || (earlier.unit == Unit::Lds && later.unit == Unit::Lds);
}

void PendingCheck::checkRegisters(WaveState &state, const Wave &wave,
                                  const Inst *inst, const InstInfo &info) {
  auto report = [&](const Operation &by, const std::string &name,
                    const char *does) {
    reports.add({CheckKind::Pending, wave.id, inst->index, by.inst}, [&] {
      const char *counter = by.info->raisesVm ? "vmcnt" : "lgkmcnt";
      return does + name + ", which a load has yet to deliver: no s_waitcnt " +
             counter + " covers it";
    });
  };
  auto check = [&](const std::vector<Operation *> &pending,
                   const RegisterRanges &ranges, bool writes, auto nameOf) {
    for (RegisterRange range : ranges) {
      // Nearly always there is none: one loop without branches says so.
      bool any = false;
      for (unsigned reg = range.first; reg < range.end(); ++reg)
        any |= pending[reg] != nullptr;
      if (!any) [[likely]]
        continue;
      for (unsigned reg = range.first; reg < range.end(); ++reg)
        if (const Operation *by = pending[reg])
          if (!writes || !arrivesInOrder(*by->info, info))
            report(*by, nameOf(reg), writes ? "overwrites " : "reads ");
    }
  };
  auto vectorName = [&](unsigned reg) { return reports.vectorName(reg); };
  check(state.vector, info.vectorReads, false, vectorName);
  check(state.vector, info.vectorWrites, true, vectorName);
  check(state.scalar, info.scalarReads, false, CheckReports::scalarName);
  check(state.scalar, info.scalarWrites, true, CheckReports::scalarName);
}

void PendingCheck::step(const Wave &wave, const Inst *inst,
                        const InstInfo &info) {
  WaveState &state = states[wave.id];
  if (state.loads)
    checkRegisters(state, wave, inst, info);
  if (info.unit == Unit::Wait) {
    waitVm(state, info.vmWait);
    waitLgkm(state, info.lgkmWait);
  }
  if (info.unit == Unit::End && state.dmas)
    checkEnd(state, wave, inst);
}

/// The LDS of a wave that has ended may be that of another workgroup when the
/// copy arrives.
void PendingCheck::checkEnd(const WaveState &state, const Wave &wave,
                            const Inst *inst) {
  for (const Operation *operation : state.vm)
    if (operation->info->unit == Unit::LdsDma && operation->touchesLds())
      reports.add(
          {CheckKind::Pending, wave.id, inst->index, operation->inst}, [] {
            return std::string("ends the wave while a DMA of its has yet to "
                               "write LDS: no s_waitcnt vmcnt covers it");
          });
}

static bool writesRegisters(const InstInfo &info) {
  return !info.vectorWrites.empty() || !info.scalarWrites.empty();
}

void PendingCheck::claim(WaveState &state, Operation &operation) {
  for (RegisterRange range : operation.info->vectorWrites)
    std::fill_n(state.vector.begin() + range.first, range.count, &operation);
  for (RegisterRange range : operation.info->scalarWrites)
    std::fill_n(state.scalar.begin() + range.first, range.count, &operation);
  state.loads += writesRegisters(*operation.info);
  state.dmas += operation.info->unit == Unit::LdsDma;
}

/// One counter no longer holds the operation.
void PendingCheck::release(WaveState &state, Operation *operation) {
  if (--operation->queues)
    return;
  auto clear = [&](std::vector<Operation *> &owner,
                   const RegisterRanges &ranges) {
    for (RegisterRange range : ranges)
      for (unsigned reg = range.first; reg < range.end(); ++reg)
        if (owner[reg] == operation)
          owner[reg] = nullptr;
  };
  clear(state.vector, operation->info->vectorWrites);
  clear(state.scalar, operation->info->scalarWrites);
  state.loads -= writesRegisters(*operation->info);
  state.dmas -= operation->info->unit == Unit::LdsDma;
  unused.push_back(operation);
}

void PendingCheck::waitVm(WaveState &state, unsigned left) {
  while (state.vm.size() > left) {
    release(state, state.vm.front());
    state.vm.pop_front();
  }
}

/// LDS operations land in order among themselves. Scalar loads and the LDS
/// half of flat ones land at any time, so only a count of 0 is sure of those:
/// an LDS operation is done if fewer younger ones than `left` + 1 are there.
void PendingCheck::waitLgkm(WaveState &state, unsigned left) {
  if (state.lgkm.size() <= left)
    return;
  std::deque<Operation *> stays;
  unsigned younger = 0;
  for (auto it = state.lgkm.rbegin(); it != state.lgkm.rend(); ++it) {
    bool ordered = (*it)->info->unit == Unit::Lds;
    if (left && (!ordered || younger < left))
      stays.push_front(*it);
    else
      release(state, *it);
    younger += ordered;
  }
  state.lgkm = std::move(stays);
}

void PendingCheck::checkLds(WaveState &state, const Operation &operation) {
  bool dma = operation.info->unit == Unit::LdsDma;
  for (const Operation *other : dma ? state.lgkm : state.vm) {
    if (!other->touchesLds() || (!dma && other->info->unit != Unit::LdsDma))
      continue;
    int lane =
        dma ? other->firstLaneIn(operation) : operation.firstLaneIn(*other);
    if (lane < 0)
      continue;
    uint32_t address = (dma ? *other : operation).address[lane];
    Finding finding = {CheckKind::Pending, operation.wave, operation.inst,
                       other->inst, lane};
    reports.add(finding, [&] {
      std::string bytes = "LDS byte 0x" + utohexstr(address, true);
      if (dma)
        return "overwrites " + bytes +
               ", which an LDS access of the same "
               "wave may still need: no s_waitcnt lgkmcnt covers it";
      return std::string(operation.writesLds() ? "overwrites " : "reads ") +
             bytes +
             ", which a DMA of the same wave has yet to write: no "
             "s_waitcnt vmcnt covers it";
    });
  }
}

static void setLdsBytes(Operation &operation, const MemoryEvent &event) {
  event.ldsAddresses(operation.address);
  uint32_t low = ~0u, high = 0, bits = 0;
  auto include = [&](uint32_t address) {
    low = std::min(low, address);
    high = std::max(high, address);
    bits |= address;
  };
  if (operation.lanes == allLanes)
    for (uint32_t address : operation.address)
      include(address);
  else
    for (uint64_t left = operation.lanes; left; left &= left - 1)
      include(operation.address[std::countr_zero(left)]);
  const uint32_t *offsets = event.info.pairOffset;
  operation.misaligned = bits & 15;
  operation.low = low + std::min(offsets[0], offsets[1]);
  operation.high = high + std::max(offsets[0], offsets[1]) + event.ldsBytes();
}

const Operation &PendingCheck::memory(const MemoryEvent &event) {
  WaveState &state = states[event.wave.id];
  // The largest counts of the hardware: the next operation waits for room.
  if (event.info.raisesVm)
    waitVm(state, maxVmCount - 1);
  if (event.info.raisesLgkm)
    waitLgkm(state, maxLgkmCount - 1);
  Operation &operation = newOperation();
  operation.info = &event.info;
  operation.inst = event.inst()->index;
  operation.wave = event.wave.id;
  operation.queues = event.info.raisesVm + event.info.raisesLgkm;
  operation.lanes = event.lanes();
  operation.low = operation.high = 0;
  bool lds = event.info.unit == Unit::Lds && !event.info.permutes;
  if ((lds || event.info.unit == Unit::LdsDma) && operation.lanes) {
    setLdsBytes(operation, event);
    if (state.dmas || !lds)
      checkLds(state, operation);
  }
  if (!operation.queues) { // nothing waits for it
    unused.push_back(&operation);
    return operation;
  }
  claim(state, operation);
  if (event.info.raisesVm)
    state.vm.push_back(&operation);
  if (event.info.raisesLgkm)
    state.lgkm.push_back(&operation);
  return operation;
}

void PendingCheck::forOutstandingLds(
    function_ref<void(const Operation &)> visit) {
  for (WaveState &state : states) {
    for (const Operation *operation : state.vm)
      if (operation->touchesLds())
        visit(*operation);
    for (const Operation *operation : state.lgkm)
      if (operation->touchesLds())
        visit(*operation);
  }
}
