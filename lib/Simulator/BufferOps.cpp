//===- BufferOps.cpp - Buffer memory (MUBUF) ------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Raw buffers: the byte offset soffset + voffset + instruction offset is
// checked against num_records dword by dword. Structured ones, with an index
// and a stride: num_records counts elements, and the index is checked. What is
// out of range loads 0 and is not stored.
//
//===----------------------------------------------------------------------===//

#include "Atomics.h"
#include "LdsDma.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

enum : uint16_t { Offen = 4, Idxen = 8 }; ///< Inst::flags

/// The four dwords of a buffer resource.
struct Resource {
  uint64_t base;
  uint32_t stride, records;
  bool swizzled, addsThreadId;
  Resource(const Wave &w, unsigned slot) {
    const uint32_t *d = w.s + slot;
    base = d[0] | uint64_t(d[1] & 0xffff) << 32;
    stride = d[1] >> 16 & 0x3fff;
    swizzled = d[1] >> 31;
    records = d[2];
    addsThreadId = d[3] >> 23 & 1;
  }
};

void failOutside(Wave &w, const Inst *inst, const Access &a, unsigned lane,
                 unsigned bytes) {
  w.fail(inst, "access of " + Twine(bytes) + " bytes at 0x" +
                   utohexstr(a.at(lane), /*LowerCase=*/true) + " (lane " +
                   Twine(lane) + ") is outside every allocation");
}

/// Marks the dwords in range, and checks those against the allocations.
/// `scalar` is the part of the offsets that all lanes share.
bool checkLanes(Wave &w, const Inst *inst, Access &a, const Resource &srd,
                uint64_t scalar, unsigned bytes) {
  unsigned unit = bytes < 4 ? bytes : 4;
  for (unsigned i = 0; i < waveSize; ++i) {
    uint64_t offset = scalar + a.offset[i];
    uint64_t room = offset < srd.records ? srd.records - offset : 0;
    uint64_t units = room / unit;
    unsigned wanted = bytes / unit;
    a.valid[i] = uint8_t(units < wanted ? units : wanted);
    if (!(a.lanes >> i & 1) || !a.valid[i] ||
        w.inMemory(a.at(i), a.valid[i] * unit))
      continue;
    failOutside(w, inst, a, i, a.valid[i] * unit);
    return false;
  }
  return true;
}

/// The same for a structured buffer: lanes whose index is an element's are
/// whole, the others out of range.
bool structuredLanes(Wave &w, const Inst *inst, Access &a, const Resource &srd,
                     uint64_t scalar, unsigned bytes) {
  const uint32_t *index = w.vgpr(inst->src[0]);
  const uint32_t *offset = inst->flags & Offen ? index + waveSize : nullptr;
  uint8_t all = uint8_t(bytes < 4 ? 1 : bytes / 4);
  a.whole = a.lanes == allLanes;
  for (unsigned i = 0; i < waveSize; ++i) {
    a.address[i] = srd.base + scalar + uint64_t(index[i]) * srd.stride +
                   (offset ? offset[i] : 0);
    a.valid[i] = index[i] < srd.records ? all : 0;
    a.whole &= a.valid[i] != 0;
    if (a.lanes >> i & 1 && a.valid[i] && !w.inMemory(a.address[i], bytes)) {
      failOutside(w, inst, a, i, bytes);
      return false;
    }
  }
  return true;
}

/// Fills in addresses and ranges.
bool bufferAddresses(Wave &w, const Inst *inst, Access &a, unsigned bytes,
                     bool delayed) {
  static constexpr uint32_t zeros[waveSize] = {};
  Resource srd(w, inst->src[1]);
  if (srd.swizzled || srd.addsThreadId) {
    w.fail(inst, "swizzled or thread-id buffer resource is not implemented");
    return false;
  }
  uint64_t scalar = uint64_t(w.s[inst->src[2]]) + uint32_t(inst->imm);
  if (srd.stride && inst->flags & Idxen)
    return structuredLanes(w, inst, a, srd, scalar, bytes);
  // With an index as well, the offset is the second register.
  const uint32_t *offsets =
      inst->flags & Offen ? w.vgpr(inst->src[0] + (inst->flags & Idxen ? 1 : 0))
                          : zeros;
  a.setOffsets(srd.base + scalar, offsets, delayed);
  // The common case: every lane whole and in one allocation.
  uint32_t high = largestOf(offsets);
  a.whole = a.lanes == allLanes && scalar + high + bytes <= srd.records &&
            w.inMemory(a.base, uint64_t(high) + bytes);
  return a.whole || checkLanes(w, inst, a, srd, scalar, bytes);
}

/// Loops walk through memory in equal steps: asks for the host's cache lines
/// of the address that this instruction will probably load from next. Lanes
/// lie behind each other, or each in a row of its own.
void prefetchNext(Wave &w, const Inst *inst, const Access &a, unsigned bytes) {
  uint64_t &last = w.loadBases[inst->index % std::size(w.loadBases)];
  uint64_t step = a.base - last;
  last = a.base;
  constexpr unsigned line = 64;
  unsigned lanes = a.at(1) - a.at(0) < line ? line / bytes : 1;
  for (unsigned i = 0; i < waveSize; i += lanes)
    __builtin_prefetch(reinterpret_cast<const void *>(a.at(i) + step));
}

const Inst *bufferTransfer(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const TransferOp *>(inst->ext);
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  if (!bufferAddresses(w, inst, a, op.bytes, delayed))
    return nullptr;
  if (op.store)
    takeData(w, a, inst->src[3], op.registers, delayed);
  else if (a.whole)
    prefetchNext(w, inst, a, op.bytes);
  a.perform = op.perform;
  w.issue(a, w.vm, maxVmCount, delayed);
  return inst + 1;
}

const Inst *bufferDma(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const DmaOp *>(inst->ext);
  bool delayed = w.delaysDma;
  Access &a = w.newAccess(inst, delayed);
  if (!bufferAddresses(w, inst, a, op.bytes, delayed))
    return nullptr;
  return issueDma(w, inst, op, a, delayed);
}

/// vaddr or off, srsrc, soffset from operand `next` on, and the modifiers.
bool readAddress(InstBuilder &b, const AsmText &text, Inst &inst,
                 unsigned next) {
  if (text.operands.size() != next + 3)
    return b.refuse("number of operands");
  if (text.has("addr64"))
    return b.refuse("addr64");
  bool offen = text.has("offen"), idxen = text.has("idxen");
  inst.flags |= (offen ? Offen : 0) | (idxen ? Idxen : 0);
  inst.imm = int32_t(text.number("offset"));
  const TextOperand &vaddr = text.operands[next];
  if ((offen || idxen) &&
      !b.vectorRegister(vaddr, unsigned(offen) + idxen, inst.src[0]))
    return false;
  return b.scalarDest(text.operands[next + 1], 4, inst.src[1]) &&
         b.scalarSource(text.operands[next + 2], 1, inst.src[2]);
}

bool buildDma(InstBuilder &b, const AsmText &text, Inst &inst) {
  for (const DmaOp &op : dmaOps()) {
    if (text.base.substr(strlen("buffer_")) != op.suffix)
      continue;
    inst.ext = &op;
    inst.fn = bufferDma;
    if (b.isGfx950())
      inst.flags |= WideM0;
    return readAddress(b, text, inst, 0);
  }
  return b.refuse("LDS DMA of this width");
}

bool buildTransfer(InstBuilder &b, const AsmText &text, Inst &inst,
                   const void *payload) {
  const auto &op = *static_cast<const TransferOp *>(payload);
  if (text.has("tfe"))
    return b.refuse("tfe");
  if (text.has("lds"))
    return buildDma(b, text, inst);
  inst.ext = &op;
  inst.fn = bufferTransfer;
  return !text.operands.empty() &&
         b.vectorRegister(text.operands[0], op.registers,
                          op.store ? inst.src[3] : inst.dst) &&
         readAddress(b, text, inst, 1);
}

/// The data register is the result with sc0.
bool buildAtomic(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload) {
  if (!buildTransfer(b, text, inst, payload))
    return false;
  inst.dst = inst.src[3];
  if (text.has("sc0"))
    inst.flags |= ReturnsOld;
  return true;
}

} // namespace

void flyattn::sim::registerBufferOps(OpTable &table) {
  for (const TransferOp &op : memoryTransfers())
    table[std::string("buffer_") + op.suffix] = {buildTransfer, &op};
  for (const TransferOp &op : memoryAtomics())
    table[std::string("buffer_") + op.suffix] = {buildAtomic, &op};
}
