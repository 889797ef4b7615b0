//===- ScalarMemoryOps.cpp - Scalar loads (SMEM) --------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "Wave.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

enum : uint16_t { OffsetRegister = 1 }; ///< Inst::flags: src[1] is added

void loadScalars(Wave &w, Access &a) {
  for (unsigned n = 0; n < a.inst->count; ++n) {
    uint32_t value = 0;
    if (n < a.valid[0])
      std::memcpy(&value,
                  reinterpret_cast<const uint8_t *>(a.address[0]) + 4 * n, 4);
    w.s[a.inst->dst + n] = value;
  }
}

uint64_t offsetOf(const Wave &w, const Inst *inst) {
  uint64_t offset = uint64_t(int64_t(inst->imm));
  if (inst->flags & OffsetRegister)
    offset += w.s[inst->src[1]];
  return offset;
}

/// The two lowest address bits do not exist.
const Inst *load(Wave &w, const Inst *inst) {
  bool delayed = w.delaysAll;
  uint64_t address = (w.s64(inst->src[0]) + offsetOf(w, inst)) & ~uint64_t(3);
  if (!w.inMemory(address, 4 * inst->count))
    return w.fail(inst, "access of " + Twine(4 * inst->count) + " bytes at 0x" +
                            utohexstr(address, /*LowerCase=*/true) +
                            " is outside every allocation");
  Access &a = w.newAccess(inst, delayed);
  a.address[0] = address;
  a.valid[0] = inst->count;
  a.perform = loadScalars;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

/// Dwords beyond num_records read 0.
const Inst *bufferLoad(Wave &w, const Inst *inst) {
  const uint32_t *srd = w.s + inst->src[0];
  uint64_t base = srd[0] | uint64_t(srd[1] & 0xffff) << 32;
  uint64_t stride = srd[1] >> 16 & 0x3fff;
  uint64_t size = srd[2] * (stride ? stride : 1);
  uint64_t offset = offsetOf(w, inst) & ~uint64_t(3);
  uint64_t dwords = offset < size ? (size - offset) / 4 : 0;
  if (dwords > inst->count)
    dwords = inst->count;
  if (dwords && !w.inMemory(base + offset, 4 * dwords))
    return w.fail(inst, "access of " + Twine(4 * dwords) + " bytes at 0x" +
                            utohexstr(base + offset, /*LowerCase=*/true) +
                            " is outside every allocation");
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  a.address[0] = base + offset;
  a.valid[0] = uint8_t(dwords);
  a.perform = loadScalars;
  w.issue(a, w.lgkm, maxLgkmCount, delayed);
  return inst + 1;
}

struct ScalarLoad {
  const char *name;
  uint8_t count;
  bool buffer;
};
constexpr ScalarLoad loads[] = {
    {"s_load_dword", 1, false},         {"s_load_dwordx2", 2, false},
    {"s_load_dwordx4", 4, false},       {"s_load_dwordx8", 8, false},
    {"s_load_dwordx16", 16, false},     {"s_buffer_load_dword", 1, true},
    {"s_buffer_load_dwordx2", 2, true}, {"s_buffer_load_dwordx4", 4, true},
    {"s_buffer_load_dwordx8", 8, true}, {"s_buffer_load_dwordx16", 16, true},
};

bool build(InstBuilder &b, const AsmText &text, Inst &inst,
           const void *payload) {
  const auto &op = *static_cast<const ScalarLoad *>(payload);
  inst.fn = op.buffer ? bufferLoad : load;
  inst.count = op.count;
  if (text.operands.size() != 3 ||
      !b.scalarDest(text.operands[0], op.count, inst.dst) ||
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

} // namespace

void flyattn::sim::registerScalarMemoryOps(OpTable &table) {
  for (const ScalarLoad &op : loads)
    table[op.name] = {build, &op};
}
