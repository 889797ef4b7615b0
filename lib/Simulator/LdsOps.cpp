//===- LdsOps.cpp - LDS reads, writes and atomics, and lane permutes (DS) -===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Atomics.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

enum : uint16_t { NeedsAllLanes = 16 }; ///< Inst::flags

/// Fills in addresses; `reach` is the end of the last byte that the
/// instruction touches beyond the address register.
bool ldsAddresses(Wave &w, const Inst *inst, Access &a, uint32_t offset,
                  uint32_t reach, bool delayed) {
  const uint32_t *v = w.vgpr(inst->src[0]);
  a.setOffsets(reinterpret_cast<uint64_t>(w.lds) + offset, v, delayed);
  a.whole = a.lanes == allLanes;
  if (!a.whole)
    std::memset(a.valid, 4, waveSize);
  if (uint64_t(largestOf(v)) + reach <= w.ldsSize)
    return true;
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1) || uint64_t(v[i]) + reach <= w.ldsSize)
      continue;
    w.fail(inst, "LDS access at 0x" +
                     utohexstr(uint64_t(v[i]) + offset, /*LowerCase=*/true) +
                     " (lane " + Twine(i) + ") is outside the " +
                     Twine(w.ldsSize) + " bytes of LDS");
    return false;
  }
  return true;
}

const Inst *ldsTransfer(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const TransferOp *>(inst->ext);
  bool delayed = w.delaysAll;
  if ((inst->flags & NeedsAllLanes) && w.exec() != allLanes)
    return w.fail(inst, "transposed read with inactive lanes");
  Access &a = w.newAccess(inst, delayed);
  if (!ldsAddresses(w, inst, a, uint32_t(inst->imm),
                    uint32_t(inst->imm) + op.bytes, delayed))
    return nullptr;
  if (op.store)
    takeData(w, a, inst->src[1], op.registers, delayed);
  a.perform = op.perform;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

/// read2/write2: the two offsets, in bytes.
struct PairOffsets {
  uint32_t offset[2];
  uint32_t reach() const {
    return offset[0] > offset[1] ? offset[0] : offset[1];
  }
};
const PairOffsets &pairOf(const Inst *inst) {
  return *static_cast<const PairOffsets *>(inst->ext);
}

template <unsigned N> void readPair(Wave &w, Access &a) {
  const PairOffsets &pair = pairOf(a.inst);
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    uint64_t address = a.at(i); // dst may be the address register
    for (unsigned n = 0; n < 2 * N; ++n)
      std::memcpy(&dst[n * waveSize + i],
                  reinterpret_cast<const uint8_t *>(address) +
                      pair.offset[n / N] + 4 * (n % N),
                  4);
  }
}

template <unsigned N> void writePair(Wave &, Access &a) {
  const PairOffsets &pair = pairOf(a.inst);
  if (N == 2 && a.whole) {
    const uint32_t *d = a.data;
    for (unsigned i = 0; i < waveSize; ++i) {
      auto *lds = reinterpret_cast<uint8_t *>(a.at(i));
      uint64_t first = d[i] | uint64_t(d[waveSize + i]) << 32;
      uint64_t second = d[2 * waveSize + i] | uint64_t(d[3 * waveSize + i])
                                                  << 32;
      std::memcpy(lds + pair.offset[0], &first, 8);
      std::memcpy(lds + pair.offset[1], &second, 8);
    }
    return;
  }
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    for (unsigned n = 0; n < 2 * N; ++n)
      std::memcpy(reinterpret_cast<uint8_t *>(a.at(i)) + pair.offset[n / N] +
                      4 * (n % N),
                  &a.data[n * waveSize + i], 4);
  }
}

/// Exchanges two places lane after lane; `dst` may be the address register.
template <unsigned N> void exchangePair(Wave &w, Access &a) {
  const PairOffsets &pair = pairOf(a.inst);
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    auto *lds = reinterpret_cast<uint8_t *>(a.at(i));
    for (unsigned n = 0; n < 2 * N; ++n) {
      uint8_t *place = lds + pair.offset[n / N] + 4 * (n % N);
      std::memcpy(&dst[n * waveSize + i], place, 4);
      std::memcpy(place, &a.data[n * waveSize + i], 4);
    }
  }
}

/// Copies the data of two separate operands behind each other.
void takePairData(Wave &w, Access &a, const Inst *inst, unsigned registers) {
  for (unsigned n = 0; n < 2; ++n)
    std::memcpy(a.copy + n * registers * waveSize, w.vgpr(inst->src[1 + n]),
                registers * waveSize * 4);
  a.data = a.copy;
}

template <unsigned N, bool TakesData, void (*Perform)(Wave &, Access &)>
const Inst *pairTransfer(Wave &w, const Inst *inst) {
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  if (!ldsAddresses(w, inst, a, 0, pairOf(inst).reach() + 4 * N, delayed))
    return nullptr;
  if (TakesData)
    takePairData(w, a, inst, N);
  a.perform = Perform;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

/// Atomics with two operands, such as ds_cmpst.
const Inst *twoOperandAtomic(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const TransferOp *>(inst->ext);
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  if (!ldsAddresses(w, inst, a, uint32_t(inst->imm),
                    uint32_t(inst->imm) + op.bytes, delayed))
    return nullptr;
  takePairData(w, a, inst, op.registers);
  a.perform = op.perform;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

// Permutes go through the LDS unit: they count and land as LDS operations.

void permute(Wave &w, Access &a) {
  uint32_t moved[waveSize] = {};
  for (unsigned i = 0; i < waveSize; ++i) // the highest lane wins
    if (a.lanes >> i & 1)
      moved[a.address[i]] = a.data[i];
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i)
    if (a.lanes >> i & 1)
      dst[i] = moved[i];
}

/// bpermute and swizzle: lane i gets the data of lane address[i], 0 if that
/// one is inactive.
void gather(Wave &w, Access &a) {
  uint32_t result[waveSize];
  for (unsigned i = 0; i < waveSize; ++i) {
    uint64_t from = a.address[i];
    result[i] = a.lanes >> from & 1 ? a.data[from] : 0;
  }
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i)
    if (a.lanes >> i & 1)
      dst[i] = result[i];
}

template <void (*Perform)(Wave &, Access &)>
const Inst *permuteOp(Wave &w, const Inst *inst) {
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  const uint32_t *v = w.vgpr(inst->src[0]);
  for (unsigned i = 0; i < waveSize; ++i)
    a.address[i] = (v[i] + uint32_t(inst->imm)) / 4 % waveSize;
  takeData(w, a, inst->src[1], 1, delayed);
  a.perform = Perform;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

/// The lane that ds_swizzle's 16-bit offset makes lane `lane` read.
unsigned swizzleSource(unsigned offset, unsigned lane) {
  if (offset & 0x8000) // quad permute
    return (lane & ~3u) + (offset >> 2 * (lane & 3) & 3);
  unsigned andMask = offset & 31, orMask = offset >> 5 & 31,
           xorMask = offset >> 10 & 31;
  return (lane & 32) + (((lane & andMask) | orMask) ^ xorMask);
}

const Inst *swizzleOp(Wave &w, const Inst *inst) {
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  for (unsigned i = 0; i < waveSize; ++i)
    a.address[i] = swizzleSource(unsigned(inst->imm), i);
  takeData(w, a, inst->src[1], 1, delayed);
  a.perform = gather;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

bool noGds(InstBuilder &b, const AsmText &text) {
  return !text.has("gds") || b.refuse("gds");
}

bool buildTransfer(InstBuilder &b, const AsmText &text, Inst &inst,
                   const void *payload) {
  const auto &op = *static_cast<const TransferOp *>(payload);
  inst.ext = &op;
  inst.fn = ldsTransfer;
  inst.imm = int32_t(text.number("offset"));
  if (text.base.contains("_tr_"))
    inst.flags |= NeedsAllLanes;
  if (text.operands.size() != 2)
    return b.refuse("number of operands");
  return noGds(b, text) &&
         b.vectorRegister(text.operands[op.store ? 1 : 0], op.registers,
                          op.store ? inst.src[1] : inst.dst) &&
         b.vectorRegister(text.operands[op.store ? 0 : 1], 1, inst.src[0]);
}

bool hasTwoOperands(StringRef name) {
  return name.contains("cmpst") || name.contains("mskor") ||
         name.contains("wrap");
}

/// vaddr, data..., or vdst, vaddr, data... for the forms that return.
bool buildAtomic(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload) {
  const auto &op = *static_cast<const TransferOp *>(payload);
  bool two = hasTwoOperands(text.base);
  bool returns = text.base.contains("_rtn_");
  inst.ext = &op;
  inst.fn = two ? twoOperandAtomic : ldsTransfer;
  inst.imm = int32_t(text.number("offset"));
  unsigned next = returns;
  if (text.operands.size() != next + 2 + two)
    return b.refuse("number of operands");
  if (returns) {
    inst.flags |= ReturnsOld;
    if (!b.vectorRegister(text.operands[0], op.registers, inst.dst))
      return false;
  }
  return noGds(b, text) &&
         b.vectorRegister(text.operands[next], 1, inst.src[0]) &&
         b.vectorRegister(text.operands[next + 1], op.registers, inst.src[1]) &&
         (!two ||
          b.vectorRegister(text.operands[next + 2], op.registers, inst.src[2]));
}

struct PairOp {
  const char *name;
  uint8_t registers; ///< of one half
  uint8_t scale;     ///< elements in a unit of the offsets
  bool reads, writes;
  Handler handler;
};
template <unsigned N> constexpr PairOp readOp(const char *name, uint8_t scale) {
  return {name, N, scale, true, false, pairTransfer<N, false, readPair<N>>};
}
template <unsigned N>
constexpr PairOp writeOp(const char *name, uint8_t scale) {
  return {name, N, scale, false, true, pairTransfer<N, true, writePair<N>>};
}
template <unsigned N>
constexpr PairOp exchangeOp(const char *name, uint8_t scale) {
  return {name, N, scale, true, true, pairTransfer<N, true, exchangePair<N>>};
}
constexpr PairOp pairOps[] = {
    readOp<1>("ds_read2_b32", 1),
    readOp<2>("ds_read2_b64", 1),
    readOp<1>("ds_read2st64_b32", 64),
    readOp<2>("ds_read2st64_b64", 64),
    writeOp<1>("ds_write2_b32", 1),
    writeOp<2>("ds_write2_b64", 1),
    writeOp<1>("ds_write2st64_b32", 64),
    writeOp<2>("ds_write2st64_b64", 64),
    exchangeOp<1>("ds_wrxchg2_rtn_b32", 1),
    exchangeOp<2>("ds_wrxchg2_rtn_b64", 1),
    exchangeOp<1>("ds_wrxchg2st64_rtn_b32", 64),
    exchangeOp<2>("ds_wrxchg2st64_rtn_b64", 64),
};

bool buildPair(InstBuilder &b, const AsmText &text, Inst &inst,
               const void *payload) {
  const auto &op = *static_cast<const PairOp *>(payload);
  auto *offsets = b.extension<PairOffsets>();
  unsigned unit = op.registers * 4 * op.scale;
  offsets->offset[0] = uint32_t(text.number("offset0")) * unit;
  offsets->offset[1] = uint32_t(text.number("offset1")) * unit;
  inst.ext = offsets;
  inst.fn = op.handler;
  unsigned next = op.reads;
  if (!noGds(b, text) || text.operands.size() != next + (op.writes ? 3u : 1u))
    return b.refuse("operands");
  if (op.reads &&
      !b.vectorRegister(text.operands[0], 2 * op.registers, inst.dst))
    return false;
  if (!b.vectorRegister(text.operands[next], 1, inst.src[0]))
    return false;
  return !op.writes ||
         (b.vectorRegister(text.operands[next + 1], op.registers,
                           inst.src[1]) &&
          b.vectorRegister(text.operands[next + 2], op.registers, inst.src[2]));
}

bool buildPermute(InstBuilder &b, const AsmText &text, Inst &inst,
                  const void *) {
  bool swizzle = text.base == "ds_swizzle_b32";
  if (text.operands.size() != (swizzle ? 2u : 3u))
    return b.refuse("number of operands");
  inst.fn = swizzle                          ? swizzleOp
            : text.base == "ds_bpermute_b32" ? permuteOp<gather>
                                             : permuteOp<permute>;
  inst.imm = int32_t(swizzle ? b.encoding(0) & 0xffff : text.number("offset"));
  if (!b.vectorRegister(text.operands[0], 1, inst.dst) ||
      !b.vectorRegister(text.operands.back(), 1, inst.src[1]))
    return false;
  return swizzle || b.vectorRegister(text.operands[1], 1, inst.src[0]);
}

} // namespace

void flyattn::sim::registerLdsOps(OpTable &table) {
  for (const TransferOp &op : ldsTransfers())
    table[std::string("ds_") + op.suffix] = {buildTransfer, &op};
  for (const TransferOp &op : ldsAtomics()) {
    table[std::string("ds_") + op.suffix] = {buildAtomic, &op};
    if (StringRef(op.suffix).contains("_rtn_"))
      continue;
    // ds_add_u32 becomes ds_add_rtn_u32.
    auto [name, type] = StringRef(op.suffix).rsplit('_');
    table[("ds_" + name + "_rtn_" + type).str()] = {buildAtomic, &op};
  }
  for (const PairOp &op : pairOps)
    table[op.name] = {buildPair, &op};
  for (const char *name :
       {"ds_permute_b32", "ds_bpermute_b32", "ds_swizzle_b32"})
    table[name] = {buildPermute, nullptr};
}
