//===- VectorDecode.cpp - Decodes VOP1, VOP2, VOP3, VOPC and VOP3P --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decode.h"
#include "Packed.h"
#include "VectorGeneral.h"
#include "VectorOp.h"

using namespace llvm;
using namespace flyattn::sim;

const VectorTables &flyattn::sim::vectorTables() {
  static const VectorTables tables = [] {
    VectorTables t;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c")) {
      t.ops = {avx2::arithmeticOps(), avx2::integerOps(), avx2::convertOps(),
               avx2::halfOps(),       avx2::wideOps(),    avx2::compareOps(),
               avx2::maskOps(),       avx2::byteOps()};
      t.packed = {avx2::packedOps(), avx2::dotOps()};
    } else {
      t.ops = {baseline::arithmeticOps(), baseline::integerOps(),
               baseline::convertOps(),    baseline::halfOps(),
               baseline::wideOps(),       baseline::compareOps(),
               baseline::maskOps(),       baseline::byteOps()};
      t.packed = {baseline::packedOps(), baseline::dotOps()};
    }
    return t;
  }();
  return tables;
}

namespace {

/// The f16 and f64 denormal bits of MODE that a launch starts with.
bool flushesHalfDenormals(const KernelInfo &info) {
  return (info.rsrc1 >> 18 & 3) != 3;
}
bool clampsHalfOverflow(const KernelInfo &info) { return info.rsrc1 >> 26 & 1; }
bool isIeee(const KernelInfo &info) { return info.rsrc1 >> 23 & 1; }

/// Rows whose name carries what they depend on besides the mnemonic.
template <typename Row>
const Row *variantOf(const Row *row, const InstBuilder &b,
                     const StringMap<const Row *> &variants) {
  StringRef name(row->name);
  std::string base = name.split('.').first.str();
  std::string suffix;
  if (name.ends_with(".ieee") || variants.count(base + ".ieee"))
    suffix = isIeee(b.info()) ? ".ieee" : "";
  else if (variants.count(base + ".ocp")) {
    suffix = b.isGfx950() ? ".ocp" : ".fnuz";
    if (clampsHalfOverflow(b.info()) && variants.count(base + suffix + ".sat"))
      suffix += ".sat";
  }
  auto it = variants.find(base + suffix);
  return it == variants.end() ? row : it->second;
}

const StringMap<const VectorOp *> &vectorVariants() {
  static const StringMap<const VectorOp *> map = [] {
    StringMap<const VectorOp *> all;
    for (ArrayRef<VectorOp> table : vectorTables().ops)
      for (const VectorOp &op : table)
        all[op.name] = &op;
    return all;
  }();
  return map;
}

const StringMap<const PackedOp *> &packedVariants() {
  static const StringMap<const PackedOp *> map = [] {
    StringMap<const PackedOp *> all;
    for (ArrayRef<PackedOp> table : vectorTables().packed)
      for (const PackedOp &op : table)
        all[op.name] = &op;
    return all;
  }();
  return map;
}

bool usesHalf(const VectorOp &op) {
  bool half = op.dst == LaneType::F16 || op.makesHalf;
  for (unsigned n = 0; n < op.sources; ++n)
    half |= op.src[n] == LaneType::F16;
  return half;
}

unsigned omodOf(const AsmText &text) {
  if (text.has("div"))
    return 3;
  int64_t factor = text.number("mul", 1);
  return factor == 2 ? 1 : factor == 4 ? 2 : 0;
}

bool isCompare(const VectorOp &op) {
  return op.form == VectorForm::Compare || op.form == VectorForm::CompareExec;
}

bool isFloat(LaneType type) {
  return type == LaneType::F16 || type == LaneType::F32 ||
         type == LaneType::F64;
}

bool isHalf(LaneType type) {
  return type == LaneType::F16 || type == LaneType::B16;
}

/// The dword behind the instruction: DPP or SDWA.
void readExtraDword(const AsmText &text, const VectorOp &op, uint32_t word,
                    VectorModifiers &m) {
  if (text.dpp) {
    m.dpp = true;
    m.dppCtrl = word >> 8 & 0x1ff;
    m.boundCtrl = word >> 19 & 1;
    m.bankMask = word >> 24 & 15;
    m.rowMask = word >> 28 & 15;
    setDppLanes(m);
  }
  if (text.sdwa) {
    m.src[0].sel = Sel(word >> 16 & 7);
    m.src[1].sel = Sel(word >> 24 & 7);
    if (isCompare(op)) // the place of dst_sel holds the mask register
      return;
    m.dstSel = Sel(word >> 8 & 7);
    m.dstUnused = word >> 11 & 3;
  }
}

/// op_sel: one entry a source, and one for the destination.
bool readOpSel(InstBuilder &b, ArrayRef<int64_t> opSel, const VectorOp &op,
               unsigned sources, VectorModifiers &m) {
  for (unsigned n = 0; n < opSel.size(); ++n) {
    if (!opSel[n])
      continue;
    if (n < sources) {
      if (!isHalf(op.src[n]))
        return b.refuse("op_sel on a 32-bit source");
      m.src[n].sel = Sel::Word1;
      continue;
    }
    if (!isHalf(op.dst))
      return b.refuse("op_sel on a 32-bit result");
    m.dstSel = Sel::Word1;
    m.dstUnused = 2;
  }
  return true;
}

/// Fills `m` from the text and the encoding; `any` tells whether there is a
/// modifier at all.
bool readModifiers(InstBuilder &b, const AsmText &text, const VectorOp &op,
                   ArrayRef<const TextOperand *> sources, VectorModifiers &m,
                   bool &any) {
  any = text.dpp || text.sdwa || op.keepsHigh;
  for (unsigned n = 0; n < sources.size(); ++n) {
    m.src[n].neg = sources[n]->neg;
    m.src[n].abs = sources[n]->abs;
    m.src[n].sext = sources[n]->sext;
    any |= m.src[n].neg || m.src[n].abs || m.src[n].sext;
  }
  m.omod = uint8_t(omodOf(text));
  m.clamp = text.has("clamp");
  any |= m.omod || m.clamp;
  if ((m.clamp || m.omod) && !isCompare(op) && !isFloat(op.dst))
    return b.refuse("output modifier on an integer result");
  if (op.keepsHigh) {
    m.dstSel = Sel::Word0;
    m.dstUnused = 2;
  }
  readExtraDword(text, op, b.encoding(1), m);
  auto opSel = text.list("op_sel");
  any |= opSel.has_value();
  return !opSel || readOpSel(b, *opSel, op, unsigned(sources.size()), m);
}

/// Sorts the operands of `text` by the form of `op`.
bool readOperands(InstBuilder &b, const AsmText &text, const VectorOp &op,
                  Inst &inst, SmallVectorImpl<const TextOperand *> &sources) {
  unsigned next = 0;
  auto take = [&]() -> const TextOperand * {
    return next < text.operands.size() ? &text.operands[next++] : nullptr;
  };
  bool writesMask = isCompare(op) || op.form == VectorForm::CarryOut ||
                    op.form == VectorForm::CarryInOut;
  if (!isCompare(op)) {
    const TextOperand *dst = take();
    if (!dst || !b.vectorRegister(*dst, registersOf(op.dst), inst.dst))
      return b.refuse("destination");
  }
  if (writesMask) {
    const TextOperand *mask = take();
    if (!mask || !b.scalarDest(*mask, 2, inst.sdst))
      return b.refuse("mask destination");
  }
  unsigned printed = op.sources - op.readsDst;
  for (unsigned n = 0; n < printed; ++n) {
    const TextOperand *source = take();
    if (!source)
      return b.refuse("too few operands");
    if (!b.setSource(inst, n, *source, op.src[n]))
      return false;
    sources.push_back(source);
  }
  if (op.readsDst)
    inst.src[printed] = inst.dst;
  if (op.form == VectorForm::Select || op.form == VectorForm::CarryInOut) {
    const TextOperand *mask = take();
    if (!mask || !b.scalarSource(*mask, 2, inst.src[3]))
      return b.refuse("mask source");
  }
  return next == text.operands.size() || b.refuse("too many operands");
}

/// No modifiers but those printed at the operands.
bool hasOnlySigns(const AsmText &text) {
  return text.modifiers.empty() && !text.dpp && !text.sdwa;
}

/// No modifiers but SDWA's choice of parts of the sources.
bool choosesOnlyParts(const AsmText &text, const VectorModifiers &m) {
  return text.sdwa && m.dstSel == Sel::Dword && !m.omod && !m.clamp &&
         none_of(m.src, [](const SourceModifiers &source) {
           return source.neg || source.abs || source.sext;
         });
}

bool buildVector(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload) {
  const VectorOp &op =
      *variantOf(static_cast<const VectorOp *>(payload), b, vectorVariants());
  if (usesHalf(op) &&
      (flushesHalfDenormals(b.info()) || clampsHalfOverflow(b.info())))
    return b.refuse("f16 arithmetic under a MODE that flushes denormals or "
                    "clamps overflow");
  SmallVector<const TextOperand *, 3> sources;
  if (!readOperands(b, text, op, inst, sources))
    return false;
  inst.imm = int32_t(text.number("bitop3"));
  VectorModifiers modifiers;
  bool any;
  if (!readModifiers(b, text, op, sources, modifiers, any))
    return false;
  if (any) {
    auto *ext = b.extension<VectorModifiers>();
    *ext = modifiers;
    inst.ext = ext;
  }
  if (!any && op.plain[inst.scalars])
    inst.fn = op.plain[inst.scalars];
  else if (any && op.signs && hasOnlySigns(text))
    inst.fn = op.signs;
  else if (op.parts && choosesOnlyParts(text, modifiers))
    inst.fn = op.parts;
  else
    inst.fn = op.general;
  return true;
}

/// A constant of packed f32 is defined for the low half only.
bool constantHighHalf(const PackedOp &op, const TextOperand &source,
                      bool highPart) {
  bool isConstant =
      source.kind == TextOperand::Integer || source.kind == TextOperand::Float;
  bool isZero = source.kind == TextOperand::Integer && source.integer == 0;
  return op.type == LaneType::F32 && isConstant && !isZero && highPart;
}

void readPackedModifiers(const AsmText &text, unsigned sources,
                         PackedModifiers &m) {
  auto read = [&](StringRef name, bool (&into)[3]) {
    auto list = text.list(name);
    for (unsigned n = 0; list && n < list->size() && n < sources; ++n)
      into[n] = (*list)[n];
  };
  read("op_sel", m.selectLow);
  read("op_sel_hi", m.selectHigh);
  read("neg_lo", m.negLow);
  read("neg_hi", m.negHigh);
  m.clamp = text.has("clamp");
}

/// v_fma_mix prints signs at its operands, and reads op_sel_hi as 0.
void readMixModifiers(const AsmText &text, PackedModifiers &m) {
  for (unsigned n = 0; n < 3; ++n) {
    m.selectHigh[n] = false;
    m.negLow[n] = text.operands[n + 1].neg;
    m.negHigh[n] = text.operands[n + 1].abs;
  }
}

bool buildPacked(InstBuilder &b, const AsmText &text, Inst &inst,
                 const void *payload) {
  const PackedOp &op =
      *variantOf(static_cast<const PackedOp *>(payload), b, packedVariants());
  bool isMix = StringRef(op.name).starts_with("v_fma_mix");
  if ((op.type == LaneType::F16 || isMix) &&
      (flushesHalfDenormals(b.info()) || clampsHalfOverflow(b.info())))
    return b.refuse("f16 arithmetic under a MODE that flushes denormals or "
                    "clamps overflow");
  if (text.operands.size() != op.sources + 1u)
    return b.refuse("number of operands");
  bool words = op.type == LaneType::F32;
  auto *m = b.extension<PackedModifiers>();
  if (isMix)
    readMixModifiers(text, *m);
  readPackedModifiers(text, op.sources, *m);
  if (m->clamp && op.type == LaneType::B16)
    return b.refuse("integer clamp");
  bool isDot = StringRef(op.name).starts_with("v_dot");
  if (isDot && (text.has("op_sel") || text.has("op_sel_hi")))
    return b.refuse("op_sel of a dot product");
  if (!b.vectorRegister(text.operands[0], words ? 2 : 1, inst.dst))
    return false;
  bool plain = op.plain && !m->clamp;
  for (unsigned n = 0; n < op.sources; ++n) {
    const TextOperand &source = text.operands[n + 1];
    LaneType type = words ? LaneType::B64 : op.type;
    bool isConstant = source.kind == TextOperand::Integer ||
                      source.kind == TextOperand::Float;
    if (constantHighHalf(op, source, m->selectLow[n] || m->selectHigh[n]))
      return b.refuse("the high half of a packed f32 constant");
    if (!b.setSource(inst, n, source,
                     words && isConstant ? LaneType::F32 : type))
      return false;
    // The low result must not overwrite what the high half still reads.
    if (!(inst.scalars >> n & 1) && inst.src[n] + m->selectHigh[n] == inst.dst)
      plain = false;
  }
  inst.ext = m;
  inst.fn = plain ? op.plain : op.general;
  return true;
}

} // namespace

const VectorOp *flyattn::sim::findVectorOp(StringRef mnemonic) {
  auto it = opTable().find(mnemonic);
  bool vector = it != opTable().end() && it->second.build == buildVector;
  return vector ? static_cast<const VectorOp *>(it->second.payload) : nullptr;
}

void flyattn::sim::registerVectorOps(OpTable &table) {
  for (const auto &entry : vectorVariants())
    table[entry.getKey().split('.').first] = {buildVector, entry.getValue()};
  for (const auto &entry : packedVariants())
    table[entry.getKey().split('.').first] = {buildPacked, entry.getValue()};
}
