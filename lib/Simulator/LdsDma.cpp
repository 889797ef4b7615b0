//===- LdsDma.cpp - Loads from memory straight into LDS -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LdsDma.h"

#include "TransferWhole.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

template <unsigned Dwords, unsigned Stride>
void moveDwords(Wave &w, Access &a) {
  uint8_t *lds = w.lds + a.ldsAddress;
  if (a.whole && Dwords == 4) {
    gatherWhole16(lds, a);
    return;
  }
  if (a.whole) {
    for (unsigned i = 0; i < waveSize; ++i)
      std::memcpy(lds + i * Stride, reinterpret_cast<const void *>(a.at(i)),
                  Dwords * 4);
    return;
  }
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    unsigned inRange = a.valid[i] < Dwords ? a.valid[i] : Dwords;
    std::memset(lds + i * Stride, 0, Dwords * 4);
    std::memcpy(lds + i * Stride, reinterpret_cast<const void *>(a.at(i)),
                inRange * 4);
  }
}

/// Bytes and words arrive as dwords.
template <typename T> void moveSmall(Wave &w, Access &a) {
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    T value = 0;
    if (a.validDwords(i))
      std::memcpy(&value, reinterpret_cast<const void *>(a.at(i)), sizeof(T));
    auto word = uint32_t(int32_t(value));
    std::memcpy(w.lds + a.ldsAddress + i * 4, &word, 4);
  }
}

constexpr DmaOp table[] = {
    {"load_dword", 4, 4, moveDwords<1, 4>},
    {"load_dwordx3", 12, 16, moveDwords<3, 16>},
    {"load_dwordx4", 16, 16, moveDwords<4, 16>},
    {"load_ubyte", 1, 4, moveSmall<uint8_t>},
    {"load_sbyte", 1, 4, moveSmall<int8_t>},
    {"load_ushort", 2, 4, moveSmall<uint16_t>},
    {"load_sshort", 2, 4, moveSmall<int16_t>},
};

} // namespace

ArrayRef<DmaOp> flyattn::sim::dmaOps() { return table; }

const Inst *flyattn::sim::issueDma(Wave &w, const Inst *inst, const DmaOp &op,
                                   Access &a, bool delayed) {
  uint32_t m0 = w.s[SlotM0] & (inst->flags & WideM0 ? 0x3ffff : 0xffff);
  int64_t first = int64_t(m0) + inst->imm;
  if (a.lanes) {
    unsigned low = unsigned(__builtin_ctzll(a.lanes));
    unsigned high = 63 - unsigned(__builtin_clzll(a.lanes));
    unsigned size = op.bytes < 4 ? 4 : op.bytes;
    int64_t from = first + low * op.stride;
    int64_t to = first + high * op.stride + size;
    if (from < 0 || to > int64_t(w.ldsSize))
      return w.fail(inst, "LDS DMA to bytes 0x" + utohexstr(uint64_t(from)) +
                              "..0x" + utohexstr(uint64_t(to)) +
                              " is outside the " + Twine(w.ldsSize) +
                              " bytes of LDS");
  }
  a.ldsAddress = uint32_t(first);
  a.perform = op.perform;
  // It lands at its wait: until then the host can fetch the lines.
  if (delayed && a.whole)
    for (unsigned i = 0; i < waveSize; i += 64 / op.stride)
      __builtin_prefetch(reinterpret_cast<const void *>(a.at(i)));
  w.issue(a, w.vm, maxVmCount, delayed);
  return inst + 1;
}
