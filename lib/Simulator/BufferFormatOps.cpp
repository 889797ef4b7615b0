//===- BufferFormatOps.cpp - Typed buffers (MUBUF formats, MTBUF) ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An element of one to four components becomes registers of f32 or integers
// (or, with d16, pairs of 16 bits), and back. buffer_*_format takes the format
// from the resource, tbuffer_* from the instruction. Raw buffers only.
//
//===----------------------------------------------------------------------===//

#include "Transfer.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>

using namespace llvm;
using namespace flyattn::sim;

namespace {

enum : uint16_t { Offen = 4, Idxen = 8, FromInst = 16 }; ///< Inst::flags

/// The components of a data format, from the lowest bit on.
struct DataFormat {
  unsigned components;
  uint8_t bits[4];
  unsigned bytes() const { return (bits[0] + bits[1] + bits[2] + bits[3]) / 8; }
};
/// By their number in resources; names list components from the highest bit.
constexpr DataFormat dataFormats[] = {
    {0, {}},
    {1, {8}},
    {1, {16}},
    {2, {8, 8}},
    {1, {32}},
    {2, {16, 16}},
    {3, {11, 11, 10}},    // 10_11_11
    {3, {10, 11, 11}},    // 11_11_10
    {4, {2, 10, 10, 10}}, // 10_10_10_2
    {4, {10, 10, 10, 2}}, // 2_10_10_10
    {4, {8, 8, 8, 8}},
    {2, {32, 32}},
    {4, {16, 16, 16, 16}},
    {3, {32, 32, 32}},
    {4, {32, 32, 32, 32}},
    {0, {}},
};

enum NumberFormat {
  Unorm,
  Snorm,
  Uscaled,
  Sscaled,
  Uint,
  Sint,
  Reserved,
  Real
};

/// What an access needs of its format; travels in Access::ldsAddress.
struct Format {
  unsigned data, number;
  unsigned select[4]; ///< 0 and 1: constants; 4 to 7: components
  uint32_t packed() const {
    uint32_t word = data | number << 4;
    for (unsigned n = 0; n < 4; ++n)
      word |= select[n] << (8 + 3 * n);
    return word;
  }
  static Format unpack(uint32_t word) {
    Format f = {word & 15, word >> 4 & 7, {}};
    for (unsigned n = 0; n < 4; ++n)
      f.select[n] = word >> (8 + 3 * n) & 7;
    return f;
  }
  const DataFormat &dataFormat() const { return dataFormats[data]; }
  bool isInteger() const { return number == Uint || number == Sint; }
  bool isKnown() const {
    const DataFormat &d = dataFormat();
    bool isReal = d.bits[0] >= 10 && d.bits[3] != 2;
    return d.components && number != Reserved && (number != Real || isReal);
  }
};

struct FormatOp {
  std::string name;
  unsigned components;
  bool store, d16, high;
  unsigned registers() const { return d16 ? (components + 1) / 2 : components; }
};

/// An unsigned float of 5 exponent bits.
float smallFloat(uint32_t code, unsigned mantissaBits) {
  uint32_t mantissa = code & ((1u << mantissaBits) - 1);
  unsigned exponent = code >> mantissaBits;
  if (exponent == 31)
    return mantissa ? NAN : INFINITY;
  float fraction = std::ldexp(float(mantissa), -int(mantissaBits));
  return exponent ? std::ldexp(1 + fraction, int(exponent) - 15)
                  : std::ldexp(fraction, -14);
}

/// A component as f32 bits, or as an integer.
uint32_t decode(uint32_t code, unsigned bits, unsigned number) {
  auto value = int32_t(code << (32 - bits)) >> (32 - bits);
  auto top = float((uint64_t(1) << (bits - 1)) - 1);
  float x = 0;
  switch (number) {
  case Unorm:
    x = float(code) / float((uint64_t(1) << bits) - 1);
    break;
  case Snorm:
    x = std::max(float(value) / top, -1.0f);
    break;
  case Uscaled:
    x = float(code);
    break;
  case Sscaled:
    x = float(value);
    break;
  case Uint:
    return code;
  case Sint:
    return uint32_t(value);
  default:
    if (bits == 32)
      return code;
    x = bits == 16 ? float(__builtin_bit_cast(_Float16, uint16_t(code)))
                   : smallFloat(code, bits - 5);
    break;
  }
  return __builtin_bit_cast(uint32_t, x);
}

/// The other way: clamped to the range, rounded to nearest even.
uint32_t encode(uint32_t word, unsigned bits, unsigned number) {
  auto x = __builtin_bit_cast(float, word);
  uint64_t all = (uint64_t(1) << bits) - 1;
  auto top = double(all >> 1);
  auto clamped = [&](double value, double low, double high) {
    value = value == value ? std::min(std::max(value, low), high) : 0;
    return uint32_t(int64_t(std::nearbyint(value)) & int64_t(all));
  };
  switch (number) {
  case Unorm:
    return clamped(double(x) * double(all), 0, double(all));
  case Snorm:
    return clamped(double(x) * top, -top, top);
  case Uscaled:
    return clamped(std::trunc(x), 0, double(all));
  case Sscaled:
    return clamped(std::trunc(x), -top - 1, top);
  case Uint:
    return clamped(double(word), 0, double(all));
  case Sint:
    return clamped(double(int32_t(word)), -top - 1, top);
  default:
    return bits == 32 ? word : __builtin_bit_cast(uint16_t, _Float16(x));
  }
}

/// d16: f32 to f16; integers keep their low half.
uint16_t toHalf(uint32_t word, bool integer) {
  auto x = __builtin_bit_cast(float, word);
  return integer ? uint16_t(word) : __builtin_bit_cast(uint16_t, _Float16(x));
}
uint32_t fromHalf(uint32_t half, unsigned number) {
  if (number == Uint)
    return half;
  if (number == Sint)
    return uint32_t(int32_t(int16_t(half)));
  auto x = float(__builtin_bit_cast(_Float16, uint16_t(half)));
  return __builtin_bit_cast(uint32_t, x);
}

/// Component `n` of the element at `address`.
uint32_t component(const uint8_t *address, const DataFormat &d, unsigned n) {
  unsigned at = 0;
  for (unsigned k = 0; k < n; ++k)
    at += d.bits[k];
  uint64_t bytes = 0;
  unsigned first = at / 8, last = (at + d.bits[n] + 7) / 8;
  std::memcpy(&bytes, address + first, last - first);
  return uint32_t(bytes >> at % 8 & ((uint64_t(1) << d.bits[n]) - 1));
}

void loadFormat(Wave &w, Access &a) {
  const auto &op = *static_cast<const FormatOp *>(a.inst->ext);
  Format f = Format::unpack(a.ldsAddress);
  const DataFormat &d = f.dataFormat();
  uint32_t one = f.isInteger() ? 1 : __builtin_bit_cast(uint32_t, 1.0f);
  uint32_t *dst = w.vgpr(a.inst->dst);
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1))
      continue;
    auto *from = reinterpret_cast<const uint8_t *>(a.at(i));
    for (unsigned n = 0; n < op.components; ++n) {
      unsigned select = f.select[n];
      uint32_t value = 0;
      if (a.valid[i] && select >= 4 && select - 4 < d.components)
        value = decode(component(from, d, select - 4), d.bits[select - 4],
                       f.number);
      else if (a.valid[i] && (select == 1 || select == 7))
        value = one; // a missing fourth component is 1
      if (!op.d16) {
        dst[n * waveSize + i] = value;
        continue;
      }
      unsigned shift = op.high || n % 2 ? 16 : 0;
      uint32_t &word = dst[n / 2 * waveSize + i];
      word = (word & ~(0xffffu << shift)) |
             uint32_t(toHalf(value, f.isInteger())) << shift;
    }
  }
}

void storeFormat(Wave &, Access &a) {
  const auto &op = *static_cast<const FormatOp *>(a.inst->ext);
  Format f = Format::unpack(a.ldsAddress);
  const DataFormat &d = f.dataFormat();
  for (unsigned i = 0; i < waveSize; ++i) {
    if (!(a.lanes >> i & 1) || !a.valid[i])
      continue;
    uint8_t element[16] = {};
    unsigned at = 0;
    for (unsigned n = 0; n < d.components; at += d.bits[n++]) {
      if (n >= op.components)
        continue; // missing components are 0
      uint32_t value = op.d16 ? fromHalf(a.data[n / 2 * waveSize + i] >>
                                                 (op.high || n % 2 ? 16 : 0) &
                                             0xffff,
                                         f.number)
                              : a.data[n * waveSize + i];
      uint64_t code = encode(value, d.bits[n], f.number), bytes = 0;
      unsigned size = (at % 8 + d.bits[n] + 7) / 8;
      std::memcpy(&bytes, element + at / 8, size);
      bytes |= code << at % 8;
      std::memcpy(element + at / 8, &bytes, size);
    }
    std::memcpy(reinterpret_cast<void *>(a.at(i)), element, d.bytes());
  }
}

/// From the instruction, or from the resource.
Format formatOf(const Wave &w, const Inst *inst) {
  if (inst->flags & FromInst)
    return {inst->count & 15u, inst->count >> 4 & 7u, {4, 5, 6, 7}};
  uint32_t word = w.s[inst->src[1] + 3];
  Format f = {word >> 15 & 15, word >> 12 & 7, {}};
  for (unsigned n = 0; n < 4; ++n)
    f.select[n] = word >> 3 * n & 7;
  return f;
}

const Inst *formatAccess(Wave &w, const Inst *inst) {
  const auto &op = *static_cast<const FormatOp *>(inst->ext);
  const uint32_t *srd = w.s + inst->src[1];
  Format f = formatOf(w, inst);
  bool structured = (srd[1] >> 16 & 0x3fff) && (inst->flags & Idxen);
  if (srd[1] >> 31 || structured || srd[3] >> 23 & 1)
    return w.fail(inst, "swizzled, structured or thread-id buffer resource is "
                        "not implemented");
  bool identity = f.select[0] == 4 && f.select[1] == 5 && f.select[2] == 6 &&
                  f.select[3] == 7;
  unsigned bits = f.dataFormat().bits[0];
  bool smallReal = f.number == Real && bits != 16 && bits != 32;
  if (!f.isKnown() || (op.store && (!identity || smallReal)))
    return w.fail(inst, "this buffer format is not implemented");
  bool delayed = w.delaysAll;
  Access &a = w.newAccess(inst, delayed);
  static constexpr uint32_t zeros[waveSize] = {};
  const uint32_t *offsets =
      inst->flags & Offen ? w.vgpr(inst->src[0] + (inst->flags & Idxen ? 1 : 0))
                          : zeros;
  uint64_t scalar = uint64_t(w.s[inst->src[2]]) + uint32_t(inst->imm);
  uint64_t base = srd[0] | uint64_t(srd[1] & 0xffff) << 32;
  a.setOffsets(base + scalar, offsets, delayed);
  a.whole = false;
  unsigned bytes = f.dataFormat().bytes();
  for (unsigned i = 0; i < waveSize; ++i) {
    a.valid[i] = scalar + offsets[i] + bytes <= srd[2];
    if (a.lanes >> i & 1 && a.valid[i] && !w.inMemory(a.at(i), bytes))
      return w.fail(inst, "access of " + Twine(bytes) + " bytes at 0x" +
                              utohexstr(a.at(i), /*LowerCase=*/true) +
                              " (lane " + Twine(i) +
                              ") is outside every allocation");
  }
  if (op.store)
    takeData(w, a, inst->src[3], op.registers(), delayed);
  a.ldsAddress = f.packed();
  a.perform = op.store ? storeFormat : loadFormat;
  w.issue(a, w.vm, maxVmCount, delayed);
  return inst + 1;
}

/// vdata, vaddr or off, srsrc, soffset.
bool build(InstBuilder &b, const AsmText &text, Inst &inst,
           const void *payload) {
  const auto &op = *static_cast<const FormatOp *>(payload);
  if (text.operands.size() != 4)
    return b.refuse("number of operands");
  if (text.has("tfe") || text.has("lds") || text.has("addr64"))
    return b.refuse("tfe, lds or addr64 of a typed buffer");
  if (text.base.starts_with("tbuffer_")) {
    inst.flags |= FromInst;
    inst.count = uint8_t(b.encoding(0) >> 19 & 0x7f);
  }
  bool offen = text.has("offen"), idxen = text.has("idxen");
  inst.flags |= (offen ? Offen : 0) | (idxen ? Idxen : 0);
  inst.imm = int32_t(text.number("offset"));
  inst.ext = &op;
  inst.fn = formatAccess;
  if ((offen || idxen) &&
      !b.vectorRegister(text.operands[1], unsigned(offen) + idxen, inst.src[0]))
    return false;
  return b.vectorRegister(text.operands[0], op.registers(),
                          op.store ? inst.src[3] : inst.dst) &&
         b.scalarDest(text.operands[2], 4, inst.src[1]) &&
         b.scalarSource(text.operands[3], 1, inst.src[2]);
}

const std::vector<FormatOp> &formatOps() {
  static const std::vector<FormatOp> table = [] {
    std::vector<FormatOp> all;
    for (std::string prefix : {"buffer_", "tbuffer_"})
      for (bool store : {false, true}) {
        std::string stem = prefix + (store ? "store" : "load") + "_format_";
        std::string components;
        for (unsigned n = 1; n <= 4; ++n) {
          components += "xyzw"[n - 1];
          all.push_back({stem + components, n, store, false, false});
          all.push_back({stem + "d16_" + components, n, store, true, false});
        }
        if (prefix == "buffer_")
          all.push_back({stem + "d16_hi_x", 1, store, true, true});
      }
    return all;
  }();
  return table;
}

} // namespace

void flyattn::sim::registerBufferFormatOps(OpTable &table) {
  for (const FormatOp &op : formatOps())
    table[op.name] = {build, &op};
}
