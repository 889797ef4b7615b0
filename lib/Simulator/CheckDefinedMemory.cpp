//===- CheckDefinedMemory.cpp - Undefined addresses, data and LDS bytes ---===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckDefined.h"

#include <bit>

using namespace llvm;
using namespace flyattn::sim;

/// Before it is issued: addresses. Results from memory are defined.
void DefinedCheck::checkAddress(const Site &site) {
  uint64_t exec = site.wave.exec();
  RegisterRange address = site.info.address;
  for (unsigned reg = address.first; reg < address.end(); ++reg)
    if (uint64_t lanes = site.state.vector[reg] & exec) [[unlikely]]
      report(site, lanes,
             "its address depends on " + reports.vectorName(reg) +
                 ", which is undefined");
  for (RegisterRange range : site.info.scalarReads)
    for (unsigned slot = range.first; slot < range.end(); ++slot)
      if (site.state.scalar[slot]) [[unlikely]]
        report(site, 0,
               "its address depends on " + CheckReports::scalarName(slot) +
                   ", which is undefined");
  if (site.info.unit == Unit::Lds)
    return; // see memory()
  for (RegisterRange range : site.info.vectorWrites)
    for (unsigned reg = range.first; reg < range.end(); ++reg)
      site.state.vector[reg] &= ~exec;
  setScalars(site, 0, false);
}

void DefinedCheck::memory(const MemoryEvent &event,
                          const Operation &operation) {
  WaveState &state = states[event.wave.id];
  const InstInfo &info = event.info;
  if (info.unit == Unit::Vmem && info.stores) {
    storeData(event, state);
    // What flat stores leave in LDS must be defined, as in memory.
    for (uint64_t left = event.lanes(); left; left &= left - 1) {
      unsigned lane = unsigned(std::countr_zero(left));
      if (event.inLds(lane))
        setBytes(event.ldsAddress(lane), event.memoryBytes(lane), true);
    }
    return;
  }
  if (info.unit == Unit::LdsDma) {
    for (uint64_t left = event.lanes(); left; left &= left - 1) {
      unsigned lane = unsigned(std::countr_zero(left));
      setBytes(operation.address[lane], operation.ldsBytes(), true);
    }
    return;
  }
  if (info.unit != Unit::Lds)
    return;
  if (info.permutes)
    return permute(event, state);
  if (info.stores)
    ldsWrite(operation, event.inst(), state);
  if (!info.vectorWrites.empty())
    ldsRead(operation, state);
}

/// Buffers drop what is out of range: that may be anything.
void DefinedCheck::storeData(const MemoryEvent &event, WaveState &state) {
  uint64_t lanes = 0;
  RegisterRange data = event.info.data;
  for (unsigned n = 0; n < data.count; ++n)
    lanes |= state.vector[data.first + n];
  lanes &= event.lanes();
  if (!lanes) [[likely]]
    return;
  const Inst *inst = event.inst();
  Site site = {event.wave, inst, event.info, traits[inst->index], state};
  for (unsigned n = 0; n < data.count; ++n) {
    uint64_t undefined = 0;
    for (uint64_t left = state.vector[data.first + n] & lanes; left;
         left &= left - 1) {
      unsigned lane = unsigned(std::countr_zero(left));
      undefined |= uint64_t(event.memoryBytes(lane) > 4 * n) << lane;
    }
    if (undefined)
      report(site, undefined,
             "stores " + reports.vectorName(data.first + n) +
                 ", which is undefined");
  }
}

void DefinedCheck::setBytes(uint32_t address, unsigned bytes, bool defined) {
  for (unsigned n = 0; n < bytes;) {
    uint32_t at = address + n;
    unsigned count = std::min(bytes - n, 64 - at % 64);
    uint64_t mask = (~uint64_t(0) >> (64 - count)) << at % 64;
    ldsDefined[at / 64] =
        defined ? ldsDefined[at / 64] | mask : ldsDefined[at / 64] & ~mask;
    n += count;
  }
}

bool DefinedCheck::bytesDefined(uint32_t address, unsigned bytes) const {
  if (address % 64 + bytes <= 64) [[likely]]
    return !(~ldsDefined[address / 64] >> address % 64 &
             ((uint64_t(1) << bytes) - 1));
  for (unsigned n = 0; n < bytes;) {
    uint32_t at = address + n;
    unsigned count = std::min(bytes - n, 64 - at % 64);
    uint64_t mask = (~uint64_t(0) >> (64 - count)) << at % 64;
    if (~ldsDefined[at / 64] & mask)
      return false;
    n += count;
  }
  return true;
}

void DefinedCheck::ldsWrite(const Operation &operation, const Inst *inst,
                            WaveState &state) {
  const InstInfo &info = *operation.info;
  for (unsigned half = 0; half < (info.pair ? 2 : 1); ++half) {
    // src[1] and src[2] are the data of the halves.
    unsigned data = info.addressInM0 ? inst->dst : inst->src[1 + half];
    for (uint64_t left = operation.lanes; left; left &= left - 1) {
      unsigned lane = unsigned(std::countr_zero(left));
      uint32_t address = operation.address[lane] + info.pairOffset[half];
      for (unsigned n = 0; n < info.bytes; n += 4) {
        // An atomic keeps what is there: it is defined only if both are.
        unsigned bytes = std::min<unsigned>(4, info.bytes - n);
        bool defined = !(state.vector[data + n / 4] >> lane & 1) &&
                       (!info.atomic || bytesDefined(address + n, bytes));
        setBytes(address + n, bytes, defined);
      }
    }
  }
}

/// The lanes of which some byte is undefined, `offset` behind their address.
uint64_t DefinedCheck::undefinedLanes(const Operation &operation,
                                      uint32_t offset) const {
  uint64_t undefined = 0;
  unsigned bytes = operation.info->bytes;
  for (uint64_t left = operation.lanes; left; left &= left - 1) {
    unsigned lane = unsigned(std::countr_zero(left));
    bool defined = bytesDefined(operation.address[lane] + offset, bytes);
    undefined |= uint64_t(!defined) << lane;
  }
  return undefined;
}

void DefinedCheck::ldsRead(const Operation &operation, WaveState &state) {
  const InstInfo &info = *operation.info;
  RegisterRange result = info.vectorWrites.front();
  uint64_t whole = undefinedLanes(operation, info.pairOffset[0]);
  if (info.pair)
    whole |= undefinedLanes(operation, info.pairOffset[1]);
  bool transposes = traits[operation.inst].transposes;
  unsigned perHalf = info.pair ? result.count / 2 : result.count;
  for (unsigned n = 0; n < result.count; ++n) {
    uint64_t undefined = 0;
    for (uint64_t left = whole; left; left &= left - 1) {
      unsigned lane = unsigned(std::countr_zero(left));
      uint32_t address = operation.address[lane] +
                         info.pairOffset[n / perHalf] + n % perHalf * 4;
      if (transposes) // an element of every lane of the group
        undefined |= uint64_t(0xffff) << (lane & ~15u);
      else if (!bytesDefined(address, std::min<unsigned>(4, info.bytes)))
        undefined |= uint64_t(1) << lane;
    }
    uint64_t &target = state.vector[result.first + n];
    target = (target & ~operation.lanes) | (undefined & operation.lanes);
  }
}

/// ds_bpermute and ds_swizzle read address[lane], ds_permute writes there.
void DefinedCheck::permute(const MemoryEvent &event, WaveState &state) {
  const Inst *inst = event.inst();
  uint64_t lanes = event.lanes();
  uint64_t data = state.vector[inst->src[1]] & lanes, moved = 0;
  bool pushes = event.info.pushes;
  for (unsigned lane = 0; data && lane < waveSize; ++lane) {
    uint64_t other = event.access.address[lane];
    if (pushes)
      moved |= (data >> lane & 1) << other;
    else
      moved |= (data >> other & 1) << lane;
  }
  uint64_t &target = state.vector[inst->dst];
  target = (target & ~lanes) | (moved & lanes);
}
