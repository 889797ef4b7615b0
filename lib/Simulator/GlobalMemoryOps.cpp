//===- GlobalMemoryOps.cpp - Global, flat and scratch memory --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Apertures.h"
#include "Atomics.h"
#include "LdsDma.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

constexpr uint16_t noRegister = 0xffff;

enum : uint16_t { Flat = 4 }; ///< Inst::flags: apertures count

/// The addresses of a global or flat instruction: a 64-bit vector address, or
/// a scalar one with a 32-bit vector offset (src[1] tells).
void globalAddresses(Wave &w, const Inst *inst, Access &a, bool delayed) {
  const uint32_t *low = w.vgpr(inst->src[0]);
  auto offset = uint64_t(int64_t(inst->imm));
  if (inst->src[1] == noRegister) {
    const uint32_t *high = low + waveSize;
    for (unsigned i = 0; i < waveSize; ++i)
      a.address[i] = (low[i] | uint64_t(high[i]) << 32) + offset;
    return;
  }
  a.setOffsets(w.s64(inst->src[1]) + offset, low, delayed);
}

/// Ends the launch: lane `lane` reaches beyond the `size` bytes of `where`.
void failBeyond(Wave &w, const Inst *inst, const char *what, unsigned bytes,
                int64_t offset, unsigned lane, uint32_t size,
                const char *where) {
  w.fail(inst, Twine(what) + " access of " + Twine(bytes) +
                   " bytes at offset " + Twine(offset) + " (lane " +
                   Twine(lane) + ") is outside the " + Twine(size) +
                   " bytes of " + where);
}

/// Flat addresses in apertures become the host's of LDS and scratch. Takes
/// the lanes that have one off `left`.
bool resolveApertures(Wave &w, const Inst *inst, Access &a, unsigned bytes,
                      uint64_t &left) {
  for (unsigned i = 0; i < waveSize; ++i) {
    bool shared = inAperture(a.address[i], sharedAperture);
    if (!(a.lanes >> i & 1) ||
        (!shared && !inAperture(a.address[i], privateAperture)))
      continue;
    left &= ~(uint64_t(1) << i);
    auto offset = uint32_t(a.address[i]);
    uint32_t size = shared ? w.ldsSize : w.scratchSize;
    if (uint64_t(offset) + bytes > size) {
      failBeyond(w, inst, shared ? "LDS" : "scratch", bytes, offset, i, size,
                 shared ? "LDS" : "a work-item");
      return false;
    }
    a.address[i] = shared ? reinterpret_cast<uint64_t>(w.lds) + offset
                          : reinterpret_cast<uint64_t>(w.scratch) +
                                uint64_t(i) * w.scratchSize + offset;
  }
  return true;
}

/// Are the bytes of every lane of `a` inside the allocations?
bool checkMemory(Wave &w, const Inst *inst, Access &a, unsigned bytes) {
  a.whole = a.lanes == allLanes;
  // The common case, without branches: all in the allocation hit last.
  if (a.whole && bytes <= w.hitSize) {
    uint64_t last = w.hitSize - bytes;
    bool outside = false;
    if (a.offset)
      outside = a.base < w.hitAddress ||
                a.base - w.hitAddress + largestOf(a.offset) > last;
    else
      for (unsigned i = 0; i < waveSize; ++i)
        outside |= a.address[i] - w.hitAddress > last;
    if (!outside)
      return true;
  }
  std::memset(a.valid, 4, waveSize);
  uint64_t left = a.lanes;
  if (inst->flags & Flat && !resolveApertures(w, inst, a, bytes, left))
    return false;
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(left >> i & 1) || w.inMemory(a.at(i), bytes))
      continue;
    w.fail(inst, "access of " + Twine(bytes) + " bytes at 0x" +
                     utohexstr(a.at(i), /*LowerCase=*/true) + " (lane " +
                     Twine(i) + ") is outside every allocation");
    return false;
  }
  return true;
}

const Inst *globalTransfer(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const TransferOp *>(inst->ext);
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  globalAddresses(w, inst, a, delayed);
  if (!checkMemory(w, inst, a, op.bytes))
    return nullptr;
  if (op.store)
    takeData(w, a, inst->src[2], op.registers, delayed);
  a.perform = op.perform;
  w.issue(a, w.vm, maxVmCount, delayed);
  return inst + 1;
}

const Inst *globalDma(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const DmaOp *>(inst->ext);
  bool delayed = w.delaysDma;
  Access &a = w.newAccess(inst, delayed);
  globalAddresses(w, inst, a, delayed);
  if (!checkMemory(w, inst, a, op.bytes))
    return nullptr;
  return issueDma(w, inst, op, a, delayed);
}

/// Scratch: an offset into the lane's private segment.
bool scratchAddresses(Wave &w, const Inst *inst, Access &a, unsigned bytes) {
  a.whole = a.lanes == allLanes;
  std::memset(a.valid, 4, waveSize);
  int64_t base = inst->imm;
  if (inst->src[1] != noRegister)
    base += w.s[inst->src[1]];
  const uint32_t *offsets =
      inst->src[0] == noRegister ? nullptr : w.vgpr(inst->src[0]);
  for (unsigned i = 0; i < waveSize; ++i) {
    int64_t offset = base + (offsets ? offsets[i] : 0);
    a.address[i] = reinterpret_cast<uint64_t>(w.scratch) +
                   uint64_t(i) * w.scratchSize + uint64_t(offset);
    if (!(a.lanes >> i & 1) ||
        (offset >= 0 && offset + bytes <= int64_t(w.scratchSize)))
      continue;
    failBeyond(w, inst, "scratch", bytes, offset, i, w.scratchSize,
               "a work-item");
    return false;
  }
  return true;
}

const Inst *scratchTransfer(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const TransferOp *>(inst->ext);
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  if (!scratchAddresses(w, inst, a, op.bytes))
    return nullptr;
  if (op.store)
    takeData(w, a, inst->src[2], op.registers, delayed);
  a.perform = op.perform;
  w.issue(a, w.vm, maxVmCount, delayed);
  return inst + 1;
}

const Inst *scratchDma(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const DmaOp *>(inst->ext);
  bool delayed = w.delaysDma;
  Access &a = w.newAccess(inst, delayed);
  if (!scratchAddresses(w, inst, a, op.bytes))
    return nullptr;
  return issueDma(w, inst, op, a, delayed);
}

/// The address operands of a global or flat instruction, from number `next`.
bool readAddress(InstBuilder &b, const AsmText &text, Inst &inst,
                 unsigned vaddr, bool flat) {
  inst.imm = int32_t(text.number("offset"));
  inst.src[1] = noRegister;
  inst.flags |= flat ? Flat : 0;
  if (text.operands.size() <= vaddr + !flat)
    return b.refuse("too few operands");
  if (flat || text.operands.back().kind == TextOperand::Off)
    return b.vectorRegister(text.operands[vaddr], 2, inst.src[0]);
  return b.vectorRegister(text.operands[vaddr], 1, inst.src[0]) &&
         b.scalarSource(text.operands.back(), 2, inst.src[1]);
}

/// Loads: vdst, vaddr, saddr. Stores: vaddr, vdata, saddr.
bool buildTransfer(InstBuilder &b, const AsmText &text, Inst &inst,
                   const void *payload) {
  const auto &op = *static_cast<const TransferOp *>(payload);
  bool flat = text.base.starts_with("flat_");
  inst.ext = &op;
  inst.fn = globalTransfer;
  unsigned data = op.store ? 1 : 0;
  if (text.operands.size() != (flat ? 2u : 3u))
    return b.refuse("number of operands");
  return b.vectorRegister(text.operands[data], op.registers,
                          op.store ? inst.src[2] : inst.dst) &&
         readAddress(b, text, inst, op.store ? 0 : 1, flat);
}

/// With sc0 the old value is returned: vdst, vaddr, vdata, saddr.
bool buildAtomic(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload) {
  const auto &op = *static_cast<const TransferOp *>(payload);
  bool flat = text.base.starts_with("flat_");
  bool returns = text.operands.size() == (flat ? 3u : 4u);
  if (!returns && text.operands.size() != (flat ? 2u : 3u))
    return b.refuse("number of operands");
  inst.ext = &op;
  inst.fn = globalTransfer;
  if (returns) {
    inst.flags |= ReturnsOld;
    if (!b.vectorRegister(text.operands[0], op.bytes / 4, inst.dst))
      return false;
  }
  return b.vectorRegister(text.operands[returns + 1], op.registers,
                          inst.src[2]) &&
         readAddress(b, text, inst, returns, flat);
}

bool buildDma(InstBuilder &b, const AsmText &text, Inst &inst,
              const void *payload) {
  inst.ext = payload;
  inst.fn = globalDma;
  if (b.isGfx950())
    inst.flags |= WideM0;
  return readAddress(b, text, inst, 0, /*flat=*/false);
}

/// vaddr or off and saddr or off.
bool readScratchAddress(InstBuilder &b, const TextOperand &vaddr,
                        const TextOperand &saddr, Inst &inst) {
  inst.src[0] = inst.src[1] = noRegister;
  if (vaddr.kind != TextOperand::Off &&
      !b.vectorRegister(vaddr, 1, inst.src[0]))
    return false;
  return saddr.kind == TextOperand::Off ||
         b.scalarSource(saddr, 1, inst.src[1]);
}

bool buildScratchDma(InstBuilder &b, const AsmText &text, Inst &inst,
                     const void *payload) {
  inst.ext = payload;
  inst.fn = scratchDma;
  inst.imm = int32_t(text.number("offset"));
  if (b.isGfx950())
    inst.flags |= WideM0;
  if (text.operands.size() != 2)
    return b.refuse("number of operands");
  return readScratchAddress(b, text.operands[0], text.operands[1], inst);
}

/// Loads: vdst, vaddr or off, saddr or off. Stores: vaddr, vdata, saddr.
bool buildScratch(InstBuilder &b, const AsmText &text, Inst &inst,
                  const void *payload) {
  const auto &op = *static_cast<const TransferOp *>(payload);
  inst.ext = &op;
  inst.fn = scratchTransfer;
  inst.imm = int32_t(text.number("offset"));
  if (text.operands.size() != 3)
    return b.refuse("number of operands");
  if (!readScratchAddress(b, text.operands[op.store ? 0 : 1], text.operands[2],
                          inst))
    return false;
  return b.vectorRegister(text.operands[op.store ? 1 : 0], op.registers,
                          op.store ? inst.src[2] : inst.dst);
}

} // namespace

void flyattn::sim::registerGlobalMemoryOps(OpTable &table) {
  for (const TransferOp &op : memoryTransfers()) {
    table[std::string("global_") + op.suffix] = {buildTransfer, &op};
    table[std::string("flat_") + op.suffix] = {buildTransfer, &op};
    table[std::string("scratch_") + op.suffix] = {buildScratch, &op};
  }
  for (const TransferOp &op : memoryAtomics()) {
    table[std::string("global_") + op.suffix] = {buildAtomic, &op};
    table[std::string("flat_") + op.suffix] = {buildAtomic, &op};
  }
  for (const DmaOp &op : dmaOps()) {
    StringRef width = StringRef(op.suffix).substr(strlen("load_"));
    table[("global_load_lds_" + width).str()] = {buildDma, &op};
    if (op.bytes <= 4)
      table[("scratch_load_lds_" + width).str()] = {buildScratchDma, &op};
  }
}
