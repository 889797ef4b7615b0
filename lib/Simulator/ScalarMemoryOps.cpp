//===- ScalarMemoryOps.cpp - Scalar memory (SMEM) -------------------------===//
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

enum : uint16_t { OffsetRegister = 2 }; ///< Inst::flags: src[1] is added

void loadScalars(Wave &w, Access &a) {
  for (unsigned n = 0; n < a.inst->count; ++n) {
    uint32_t value = 0;
    if (n < a.valid[0])
      std::memcpy(&value,
                  reinterpret_cast<const uint8_t *>(a.address[0]) + 4 * n, 4);
    w.s[a.inst->dst + n] = value;
  }
}

void storeScalars(Wave &, Access &a) {
  for (unsigned n = 0; n < a.valid[0]; ++n)
    std::memcpy(reinterpret_cast<uint8_t *>(a.address[0]) + 4 * n, &a.copy[n],
                4);
}

uint64_t offsetOf(const Wave &w, const Inst *inst) {
  uint64_t offset = uint64_t(int64_t(inst->imm));
  if (inst->flags & OffsetRegister)
    offset += w.s[inst->src[1]];
  return offset;
}

/// One instruction; `dwords` of memory, `data` registers that it takes.
struct ScalarMemoryOp {
  std::string name;
  uint8_t dwords, data;
  bool buffer;
  void (*perform)(Wave &, Access &);
};

/// Issues an access to `dwords` dwords at `address`.
const Inst *issueScalar(Wave &w, const Inst *inst, uint64_t address,
                        unsigned dwords) {
  const auto &op = *static_cast<const ScalarMemoryOp *>(inst->ext);
  if (dwords && !w.inMemory(address, 4 * dwords))
    return w.fail(inst, "access of " + Twine(4 * dwords) + " bytes at 0x" +
                            utohexstr(address, /*LowerCase=*/true) +
                            " is outside every allocation");
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  a.address[0] = address;
  a.valid[0] = uint8_t(dwords);
  std::memcpy(a.copy, w.s + inst->dst, op.data * 4);
  a.perform = op.perform;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

/// The two lowest address bits do not exist.
const Inst *access(Wave &w, const Inst *inst) {
  uint64_t address = (w.s64(inst->src[0]) + offsetOf(w, inst)) & ~uint64_t(3);
  return issueScalar(w, inst, address, inst->count);
}

/// Dwords beyond num_records read 0 and are not written.
const Inst *bufferAccess(Wave &w, const Inst *inst) {
  const uint32_t *srd = w.s + inst->src[0];
  uint64_t base = srd[0] | uint64_t(srd[1] & 0xffff) << 32;
  uint64_t stride = srd[1] >> 16 & 0x3fff;
  uint64_t size = srd[2] * (stride ? stride : 1);
  uint64_t offset = offsetOf(w, inst) & ~uint64_t(3);
  uint64_t dwords = offset < size ? (size - offset) / 4 : 0;
  // An atomic takes place as a whole or not at all.
  const auto &op = *static_cast<const ScalarMemoryOp *>(inst->ext);
  bool whole = op.perform != loadScalars && op.perform != storeScalars;
  if (dwords < inst->count && whole)
    dwords = 0;
  return issueScalar(w, inst, base + offset,
                     unsigned(std::min<uint64_t>(dwords, inst->count)));
}

/// s_load_dwordx4, s_buffer_store_dword, s_atomic_add_x2, ...
const std::vector<ScalarMemoryOp> &scalarMemoryOps() {
  static const std::vector<ScalarMemoryOp> table = [] {
    std::vector<ScalarMemoryOp> all;
    for (bool buffer : {false, true}) {
      std::string prefix = buffer ? "s_buffer_" : "s_";
      for (uint8_t n : {1, 2, 4, 8, 16}) {
        std::string width = n == 1 ? "dword" : "dwordx" + std::to_string(n);
        all.push_back({prefix + "load_" + width, n, 0, buffer, loadScalars});
        if (n <= 4)
          all.push_back(
              {prefix + "store_" + width, n, n, buffer, storeScalars});
      }
      for (const AtomicOp &op : memoryAtomics())
        if (op.performScalar)
          all.push_back({prefix + op.suffix, uint8_t(op.bytes / 4),
                         op.registers, buffer, op.performScalar});
    }
    return all;
  }();
  return table;
}

/// sdata, sbase, offset.
bool build(InstBuilder &b, const AsmText &text, Inst &inst,
           const void *payload) {
  const auto &op = *static_cast<const ScalarMemoryOp *>(payload);
  inst.fn = op.buffer ? bufferAccess : access;
  inst.ext = &op;
  inst.count = op.dwords;
  if (text.base.contains("_atomic_") && text.has("glc"))
    inst.flags |= ReturnsOld;
  if (text.operands.size() != 3 ||
      !b.scalarDest(text.operands[0], std::max(op.dwords, op.data), inst.dst) ||
      !b.scalarDest(text.operands[1], op.buffer ? 4 : 2, inst.src[0]))
    return b.refuse("operands");
  const TextOperand &offset = text.operands[2];
  inst.imm = int32_t(text.number("offset"));
  if (offset.kind == TextOperand::Integer) {
    inst.imm += int32_t(offset.integer);
    return true;
  }
  inst.flags |= OffsetRegister;
  return b.scalarDest(offset, 1, inst.src[1]);
}

/// s_memtime and s_memrealtime. No clock runs here: a workgroup's time goes on
/// whenever one of its waves asks for it.
void storeTime(Wave &w, Access &a) { w.setS64(a.inst->dst, a.base); }

const Inst *time(Wave &w, const Inst *inst) {
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  a.base = w.group->time += 64;
  a.perform = storeTime;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

bool buildTime(InstBuilder &b, const AsmText &text, Inst &inst, const void *) {
  inst.fn = time;
  return text.operands.size() == 1 &&
         b.scalarDest(text.operands[0], 2, inst.dst);
}

} // namespace

void flyattn::sim::registerScalarMemoryOps(OpTable &table) {
  for (const ScalarMemoryOp &op : scalarMemoryOps())
    table[op.name] = {build, &op};
  for (const char *name : {"s_memtime", "s_memrealtime"})
    table[name] = {buildTime, nullptr};
}
