//===- CheckHazards.cpp - Wait states that software has to keep -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckHazards.h"

#include "AsmText.h"
#include "HazardRules.h"
#include "ProgramImpl.h"

#include "llvm/ADT/Hashing.h"

using namespace llvm;
using namespace flyattn::sim;

/// Wait states that `rule` asks for after a matrix instruction of `passes`, or
/// any other instruction.
static int statesOf(const HazardRule &rule, bool gfx950, unsigned passes) {
  return rule.states[gfx950] + (rule.passes ? int(passes) : 0);
}

/// Does a vector instruction put its result into a part of the register by
/// dst_sel or op_sel? (LLVM's getDstSelForwardingOperand.)
static bool shiftsResult(const AsmText &text) {
  for (const auto &[key, value] : text.modifiers)
    if (key == "dst_sel" && value != "DWORD")
      return true;
  auto opSel = text.list("op_sel");
  return opSel && opSel->size() == text.operands.size() && opSel->back();
}

static uint16_t vectorMaker(const InstInfo &info, const AsmText &text) {
  if (info.unit == Unit::Mfma) {
    if (text.base.ends_with("_f64"))
      return text.base.contains("4x4x4") ? ByDouble4 : ByDouble16;
    if (!info.xdl)
      return ByFloatMfma;
    return info.passes == 2 ? ByXdl2 : ByXdl;
  }
  if (!isVectorAlu(info.unit))
    return 0;
  uint16_t maker = ByValu;
  maker |= text.base.starts_with("v_dot") ? ByDot : ByValuNotDot;
  if (info.unit == Unit::Transcendental)
    maker |= ByTrans;
  if (shiftsResult(text))
    maker |= ByShift;
  return maker;
}

/// Matrix operands are told apart at each read.
static uint16_t vectorUse(const InstInfo &info, const AsmText &text) {
  switch (info.unit) {
  case Unit::Vmem:
  case Unit::LdsDma:
    return InVmem;
  case Unit::Lds:
    return InLds;
  case Unit::Mfma:
    return InValuNotTrans;
  default:
    break;
  }
  if (!isVectorAlu(info.unit))
    return 0;
  uint16_t use = InValu;
  if (info.unit != Unit::Transcendental)
    use |= InValuNotTrans;
  if (info.dpp)
    use |= InDpp;
  if (text.base.starts_with("v_permlane"))
    use |= InPermlane;
  if (text.base.starts_with("v_readlane") ||
      text.base.starts_with("v_readfirstlane"))
    use |= InReadLane;
  return use;
}

/// Of scalar registers other than EXEC; see useOfScalar.
static uint16_t scalarUse(const InstInfo &info, const AsmText &text) {
  if (info.unit == Unit::LdsDma)
    return InVmem | InLdsDma;
  if (info.unit == Unit::Vmem)
    return InVmem;
  if (text.base.starts_with("s_sendmsg"))
    return InLdsDma;
  if (text.base.starts_with("s_getreg") || text.base.starts_with("s_setreg"))
    return InGetreg;
  if (!isVectorAlu(info.unit))
    return 0;
  uint16_t use = InValu | (info.dpp ? InDpp : 0);
  if (text.base.starts_with("v_div_fmas"))
    use |= InDivFmas;
  if (text.base.starts_with("v_permlane"))
    use |= InPermlane;
  if (text.base.starts_with("v_readlane") ||
      text.base.starts_with("v_writelane")) {
    use |= InAnyLane;
    if (text.operands.back().kind == TextOperand::Scalar)
      use |= InLaneSelect;
  }
  if (text.base.starts_with("v_readfirstlane"))
    use |= InAnyLane;
  return use;
}

/// The uses of one scalar register: EXEC is not an operand.
static uint16_t useOfScalar(uint16_t uses, unsigned slot) {
  constexpr uint16_t ofExec = InDpp | InAnyLane | InPermlane;
  if (slot == SlotExec || slot == SlotExec + 1)
    return uses & ofExec;
  if (slot == SlotMode)
    return uses & InGetreg;
  uses &= ~(ofExec | InGetreg);
  return slot == SlotM0 ? uses : uses & ~InLdsDma;
}

static uint16_t wideStore(const InstInfo &info, const AsmText &text) {
  if (info.unit != Unit::Vmem || !info.stores || info.data.count <= 2)
    return 0;
  bool soffset = text.base.starts_with("buffer_") &&
                 text.operands.back().kind == TextOperand::Scalar;
  return soffset ? ByWideStoreSoffset : ByWideStore;
}

static unsigned longest(ArrayRef<HazardRule> rules, unsigned maker, bool gfx950,
                        unsigned passes) {
  int most = 0;
  for (const HazardRule &rule : rules)
    if (rule.maker & maker)
      most = std::max(most, statesOf(rule, gfx950, passes));
  return unsigned(most);
}

HazardCheck::HazardCheck(const Program &program, unsigned waves,
                         CheckReports &reports)
    : infos(instInfos(program)), reports(reports),
      gfx950(program.chip() == "gfx950"), traits(infos.size()), states(waves) {
  const auto &listing = program.impl().listing;
  for (size_t i = 0; i < listing.size(); ++i) {
    AsmText text = parseAsmText(listing[i].text);
    const InstInfo &info = infos[i];
    HazardTraits &t = traits[i];
    t.makesVector = vectorMaker(info, text);
    t.usesVector = vectorUse(info, text);
    t.makesScalar = text.base.starts_with("s_setreg") ? BySetreg
                    : info.unit == Unit::Salu         ? BySalu
                    : isVectorAlu(info.unit)          ? ByValu
                                                      : 0;
    t.usesScalar = scalarUse(info, text);
    t.windowVector =
        uint8_t(longest(vectorReadRules, t.makesVector, gfx950, info.passes));
    t.windowScalar =
        uint8_t(longest(scalarReadRules, t.makesScalar, gfx950, 0));
    t.dot = text.base.starts_with("v_dot");
    t.storesWide = wideStore(info, text);
    t.opcode = uint32_t(hash_value(text.base));
  }
  for (WaveState &state : states) {
    for (Makers *makers : {&state.writer, &state.readerC, &state.store})
      makers->resize(program.info().vgprs);
    state.scalarWriter.resize(scalarRegisters);
  }
}

void HazardCheck::Makers::resize(size_t size) {
  expires.resize(size);
  last.resize(size);
}

void HazardCheck::Makers::clear() {
  std::fill(expires.begin(), expires.end(), 0);
}

void HazardCheck::Makers::set(RegisterRange range, Maker maker,
                              unsigned window) {
  std::fill_n(expires.begin() + range.first, range.count,
              window ? maker.slot + 1 + window : 0);
  if (window)
    std::fill_n(last.begin() + range.first, range.count, maker);
}

bool HazardCheck::Makers::anyAlive(RegisterRange range, uint32_t slot) const {
  bool any = false;
  for (unsigned reg = range.first; reg < range.end(); ++reg)
    any |= expires[reg] > slot;
  return any;
}

void HazardCheck::beginWorkgroup() {
  for (WaveState &state : states) {
    state.slot = 0;
    for (Makers *makers :
         {&state.writer, &state.readerC, &state.store, &state.scalarWriter})
      makers->clear();
  }
}

/// How the instruction reads registers that `maker` wrote.
unsigned HazardCheck::useOf(const Site &site, RegisterRange range,
                            const Maker &maker) const {
  unsigned use = site.traits.usesVector;
  if (site.info.unit != Unit::Mfma)
    return use;
  if (range != site.info.srcC)
    return use | InMfmaAB;
  bool same = infos[maker.inst].vectorWrites.front() == range;
  return use | (same ? InSameC : site.info.xdl ? InXdlC : InFloatC);
}

void HazardCheck::report(const Site &site, const Maker &maker, int need,
                         const std::string &name, const char *what) {
  unsigned passed = site.slot - maker.slot - 1;
  Finding finding = {CheckKind::WaitStates, site.wave.id, site.inst->index,
                     maker.inst};
  reports.add(finding, [&] {
    return std::string(what) + " in " + name + " needs " +
           std::to_string(need) + " wait states; there are " +
           std::to_string(passed);
  });
}

void HazardCheck::checkVectorReads(const Site &site, const WaveState &state) {
  for (RegisterRange range : site.info.vectorReads) {
    if (!state.writer.anyAlive(range, site.slot))
      continue;
    const Maker *done = nullptr; // one report for all registers of a result
    for (unsigned reg = range.first; reg < range.end(); ++reg) {
      const Maker *maker = state.writer.alive(reg, site.slot);
      if (!maker || (done && done->slot == maker->slot))
        continue;
      done = maker;
      checkRead(site, range, *maker, reg);
    }
  }
}

void HazardCheck::checkRead(const Site &site, RegisterRange range,
                            const Maker &maker, unsigned reg) {
  const HazardTraits &made = traits[maker.inst];
  unsigned use = useOf(site, range, maker);
  // v_dot of the same kind forwards its sum.
  bool forwards = made.dot && made.opcode == site.traits.opcode &&
                  range == site.info.vectorWrites.front();
  for (const HazardRule &rule : vectorReadRules) {
    if (!(rule.maker & made.makesVector) || !(rule.use & use) ||
        (forwards && rule.maker == ByDot))
      continue;
    int need = statesOf(rule, gfx950, infos[maker.inst].passes);
    if (int(site.slot - maker.slot - 1) < need)
      report(site, maker, need, reports.vectorName(reg), rule.what);
  }
}

void HazardCheck::checkVectorWrites(const Site &site, const WaveState &state) {
  // A matrix instruction that overwrites another's result is interlocked.
  if (site.info.unit == Unit::Mfma)
    return;
  auto apply = [&](const HazardRule &rule, const Maker &maker, unsigned reg) {
    int need = statesOf(rule, gfx950, infos[maker.inst].passes);
    if ((rule.use & site.traits.usesVector) &&
        int(site.slot - maker.slot - 1) < need)
      report(site, maker, need, reports.vectorName(reg), rule.what);
  };
  for (RegisterRange range : site.info.vectorWrites)
    for (unsigned reg = range.first; reg < range.end(); ++reg) {
      if (const Maker *writer = state.writer.alive(reg, site.slot)) {
        const HazardTraits &made = traits[writer->inst];
        for (const HazardRule &rule : vectorOverwriteRules)
          if ((rule.maker & made.makesVector) &&
              !(made.dot && made.opcode == site.traits.opcode))
            apply(rule, *writer, reg);
      }
      if (const Maker *reader = state.readerC.alive(reg, site.slot))
        apply(overwriteCRule, *reader, reg);
      if (const Maker *store = state.store.alive(reg, site.slot))
        for (const HazardRule &rule : overwriteStoreRules)
          if (rule.maker & traits[store->inst].storesWide)
            apply(rule, *store, reg);
    }
}

void HazardCheck::checkScalarReads(const Site &site, const WaveState &state) {
  for (RegisterRange range : site.info.scalarReads)
    for (unsigned slot = range.first; slot < range.end(); ++slot) {
      const Maker *maker = state.scalarWriter.alive(slot, site.slot);
      if (!maker)
        continue;
      unsigned use = useOfScalar(site.traits.usesScalar, slot);
      for (const HazardRule &rule : scalarReadRules) {
        int need = statesOf(rule, gfx950, 0);
        if ((rule.maker & traits[maker->inst].makesScalar) &&
            (rule.use & use) && int(site.slot - maker->slot - 1) < need)
          report(site, *maker, need, CheckReports::scalarName(slot), rule.what);
      }
    }
}

void HazardCheck::note(const Site &site, WaveState &state) {
  Maker maker = {site.slot, site.inst->index};
  for (RegisterRange range : site.info.vectorWrites)
    state.writer.set(range, maker, site.traits.windowVector);
  for (RegisterRange range : site.info.scalarWrites)
    state.scalarWriter.set(range, maker, site.traits.windowScalar);
  if (site.info.unit == Unit::Mfma && site.info.xdl)
    state.readerC.set(site.info.srcC, maker, site.info.passes);
  if (unsigned how = site.traits.storesWide)
    state.store.set(site.info.data, maker,
                    longest(overwriteStoreRules, how, gfx950, 0));
}

void HazardCheck::step(const Wave &wave, const Inst *inst,
                       const InstInfo &info) {
  WaveState &state = states[wave.id];
  Site site = {wave, inst, info, traits[inst->index], state.slot};
  if (site.traits.usesVector) {
    checkVectorReads(site, state);
    checkVectorWrites(site, state);
  }
  if (site.traits.usesScalar)
    checkScalarReads(site, state);
  note(site, state);
  state.slot += info.waitStates;
}
