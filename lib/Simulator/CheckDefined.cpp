//===- CheckDefined.cpp - Values that nothing has written -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Vector instructions. Most see only defined sources: the results are defined
// then, whatever the instruction, and nothing else is looked at.
//
//===----------------------------------------------------------------------===//

#include "CheckDefined.h"

#include "AsmText.h"
#include "ProgramImpl.h"

#include <bit>

using namespace llvm;
using namespace flyattn::sim;

DefinedCheck::DefinedCheck(const Program &program, unsigned waves,
                           uint32_t ldsSize, CheckReports &reports)
    : program(program), reports(reports), states(waves),
      ldsDefined(ldsSize / 64 + 2) {
  ArrayRef<InstInfo> infos = instInfos(program);
  const auto &listing = program.impl().listing;
  traits.resize(infos.size());
  for (size_t i = 0; i < listing.size(); ++i)
    traits[i] = traitsOf(listing[i].text, infos[i]);
}

/// Scalar registers that the hardware sets: user SGPRs, workgroup ids.
static unsigned initialScalars(const KernelInfo &info) {
  unsigned count = info.rsrc2 >> 1 & 31;
  for (unsigned bit = 7; bit <= 10; ++bit)
    count += info.rsrc2 >> bit & 1;
  return count;
}

void DefinedCheck::beginWorkgroup() {
  const KernelInfo &info = program.info();
  for (WaveState &state : states) {
    state.vector.assign(info.vgprs, allLanes);
    if (info.vgprs)
      state.vector[0] = 0; // work-item ids
    state.scalar.assign(scalarRegisters, ~0u);
    std::fill_n(state.scalar.begin(), initialScalars(info), 0);
    // Special registers and trap temporaries; EXEC; MODE.
    std::fill(state.scalar.begin() + 102, state.scalar.begin() + SlotVcc, 0);
    std::fill(state.scalar.begin() + 108, state.scalar.begin() + SlotM0, 0);
    std::fill_n(state.scalar.begin() + SlotExec, 2, 0);
    state.scalar[SlotMode] = 0;
  }
  std::fill(ldsDefined.begin(), ldsDefined.end(), 0);
}

void DefinedCheck::forget(const Wave &wave) {
  WaveState &state = states[wave.id];
  std::fill(state.vector.begin(), state.vector.end(), 0);
  std::fill(state.scalar.begin(), state.scalar.end(), 0);
}

/// "32x32x16" in a mnemonic: the columns, or 0 with more than one block.
static unsigned columnsOf(StringRef base) {
  if (base.contains("4x4x") || base.contains("_2b_") || base.contains("_4b_"))
    return 0;
  return base.contains("32x32x") ? 32 : base.contains("16x16x") ? 16 : 0;
}

DefinedCheck::Traits DefinedCheck::traitsOf(StringRef text,
                                            const InstInfo &info) const {
  struct Row {
    const char *prefix;
    Rule rule;
    bool firstNot = false, secondNot = false;
  };
  static constexpr Row rows[] = {
      {"v_cndmask_b32", Rule::Select},
      {"v_mov_b64", Rule::ByElement},
      {"v_mad_u64_u32", Rule::LowFirst},
      {"v_mad_i64_i32", Rule::LowFirst},
      {"v_lshl_add_u64", Rule::LowFirst},
      {"v_lshlrev_b64", Rule::LowFirst},
      {"v_readlane", Rule::ReadLane},
      {"v_readfirstlane", Rule::ReadLane},
      {"v_writelane", Rule::WriteLane},
      {"v_swap", Rule::Swap},
      {"v_permlane", Rule::SwapBlocks},
      {"v_nop", Rule::None},
      {"s_mov_b", Rule::ScalarMove},
      {"s_not_b", Rule::ScalarMove},
      {"s_andn2_b", Rule::ScalarAnd, false, true},
      {"s_and_b", Rule::ScalarAnd},
      {"s_orn2_b", Rule::ScalarOr, false, true},
      {"s_or_b", Rule::ScalarOr},
      {"s_xor_b", Rule::ScalarXor},
      {"s_xnor_b", Rule::ScalarXor},
      {"s_cselect", Rule::ScalarSelect},
      {"s_and_saveexec", Rule::SaveExec},
      {"s_andn2_saveexec", Rule::SaveExec, false, true},
      {"s_andn1_saveexec", Rule::SaveExec, true, false},
  };
  AsmText parsed = parseAsmText(text);
  Traits result;
  for (StringRef op : {"v_addc", "v_subb", "v_div_fmas", "v_cndmask"})
    result.laneMasks |= parsed.base.starts_with(op);
  switch (info.unit) {
  case Unit::Mfma:
    result.rule = Rule::Matrix;
    result.width = uint8_t(columnsOf(parsed.base));
    return result;
  case Unit::Lds:
  case Unit::LdsDma:
    result.rule = Rule::Local;
    result.transposes = parsed.base.contains("_tr_");
    return result;
  case Unit::Vmem:
  case Unit::Smem:
    result.rule = Rule::Load;
    return result;
  case Unit::Branch:
    result.rule = Rule::Branch;
    return result;
  case Unit::Salu:
    result.rule = Rule::Scalar;
    break;
  default:
    result.rule = isVectorAlu(info.unit) ? Rule::Vector : Rule::None;
  }
  for (const Row &row : rows)
    if (parsed.base.starts_with(row.prefix)) {
      result.rule = row.rule;
      result.firstNot = row.firstNot;
      result.secondNot = row.secondNot;
      break;
    }
  if (result.rule == Rule::SwapBlocks)
    result.width = parsed.base.contains("32") ? 32 : 16;
  // Of SDWA and DPP only a plain move and its like are told apart by lane.
  if (info.dpp)
    result.rule = Rule::Dpp;
  else if (parsed.sdwa)
    result.rule = Rule::Vector;
  return result;
}

void DefinedCheck::report(const Site &site, uint64_t lanes,
                          const std::string &what) {
  Finding finding = {CheckKind::Undefined, site.wave.id, site.inst->index};
  if (lanes && lanes != allLanes)
    finding.lane = std::countr_zero(lanes);
  reports.add(finding, [&] { return what; });
}

void DefinedCheck::step(const Wave &wave, const Inst *inst,
                        const InstInfo &info) {
  const Traits &rule = traits[inst->index];
  Site site = {wave, inst, info, rule, states[wave.id]};
  switch (rule.rule) {
  case Rule::None:
    return;
  case Rule::Vector:
  case Rule::Select:
  case Rule::Dpp:
    return stepVector(site);
  case Rule::LowFirst:
    return stepLowFirst(site);
  case Rule::Matrix:
    return stepMatrix(site);
  case Rule::ByElement:
  case Rule::ReadLane:
  case Rule::WriteLane:
  case Rule::Swap:
  case Rule::SwapBlocks:
    return stepLanes(site);
  case Rule::Scalar:
  case Rule::ScalarMove:
  case Rule::ScalarAnd:
  case Rule::ScalarOr:
  case Rule::ScalarXor:
  case Rule::ScalarSelect:
  case Rule::SaveExec:
    return stepScalar(site);
  case Rule::Branch:
    return checkBranch(site);
  case Rule::Load:
  case Rule::Local:
    return checkAddress(site);
  }
}

/// Lanes in which any vector source is undefined. A register of which only a
/// part is written counts as written.
uint64_t DefinedCheck::vectorSources(const Site &site) {
  uint64_t lanes = 0;
  for (RegisterRange range : site.info.vectorReads) {
    if (site.info.keepsPart && is_contained(site.info.vectorWrites, range))
      continue;
    for (unsigned reg = range.first; reg < range.end(); ++reg)
      lanes |= site.state.vector[reg];
  }
  return lanes;
}

/// Lanes that undefined scalar sources reach.
uint64_t DefinedCheck::scalarSources(const Site &site) {
  uint64_t lanes = 0;
  for (RegisterRange range : site.info.scalarReads) {
    uint64_t bits = 0;
    for (unsigned n = range.count; n--;)
      bits = bits << 32 | site.state.scalar[range.first + n];
    if (bits) [[unlikely]]
      lanes |= site.traits.laneMasks && range.count == 2 ? bits : allLanes;
  }
  return lanes;
}

/// v_cndmask: the lanes whose chosen source, or whose choice, is undefined.
uint64_t DefinedCheck::selectSources(const Site &site) const {
  auto source = [&](unsigned n) {
    unsigned index = site.inst->src[n];
    if (!(site.inst->scalars >> n & 1))
      return site.state.vector[index];
    return scalarBits(site, index, 1) ? allLanes : uint64_t(0);
  };
  uint64_t chosen = site.wave.s64(site.inst->src[3]);
  return scalarBits(site, site.inst->src[3], 2) | (source(1) & chosen) |
         (source(0) & ~chosen);
}

/// The lanes that get an undefined value from another lane, or from their own
/// other source.
uint64_t DefinedCheck::dppSources(const Site &site) const {
  const auto *modifiers = static_cast<const VectorModifiers *>(site.inst->ext);
  uint64_t own = scalarSources(site), moved = 0;
  if (!modifiers || !modifiers->dpp)
    return own | vectorSources(site);
  RegisterRange first = {site.inst->src[0],
                         uint16_t(registersOf(modifiers->types[0]))};
  for (RegisterRange range : site.info.vectorReads)
    for (unsigned reg = range.first; reg < range.end(); ++reg) {
      uint64_t lanes = site.state.vector[reg];
      if (reg < first.first || reg >= first.end()) {
        // What stays where no lane is read is no source.
        if (!is_contained(site.info.vectorWrites, range))
          own |= lanes;
        continue;
      }
      for (unsigned lane = 0; lane < waveSize; ++lane)
        if (modifiers->dppExists >> lane & 1)
          moved |= (lanes >> modifiers->dppLane[lane] & 1) << lane;
    }
  return own | moved;
}

void DefinedCheck::stepVector(const Site &site) {
  uint64_t exec = site.wave.exec();
  uint64_t lanes = vectorSources(site) | scalarSources(site);
  if (lanes) [[unlikely]] {
    if (site.traits.rule == Rule::Select)
      lanes = selectSources(site);
    else if (site.traits.rule == Rule::Dpp)
      lanes = dppSources(site);
    lanes &= exec;
  }
  for (RegisterRange range : site.info.vectorWrites)
    for (unsigned reg = range.first; reg < range.end(); ++reg) {
      uint64_t &target = site.state.vector[reg];
      target = (target & ~exec) | lanes;
    }
  // Compares and carries: a bit a lane, 0 for inactive ones.
  if (!site.info.scalarWrites.empty())
    setScalars(site, lanes, false);
}

/// Compilers pass half-undefined pairs to 64-bit sums of which they then use
/// the low half only.
void DefinedCheck::stepLowFirst(const Site &site) {
  uint64_t exec = site.wave.exec(), fromScalars = scalarSources(site);
  uint64_t low = fromScalars, any = fromScalars;
  for (RegisterRange range : site.info.vectorReads)
    for (unsigned n = 0; n < range.count; ++n) {
      any |= site.state.vector[range.first + n];
      low |= n ? 0 : site.state.vector[range.first];
    }
  RegisterRange result = site.info.vectorWrites.front();
  for (unsigned n = 0; n < result.count; ++n) {
    uint64_t &target = site.state.vector[result.first + n];
    target = (target & ~exec) | ((n ? any : low) & exec);
  }
  if (!site.info.scalarWrites.empty())
    setScalars(site, any & exec, false);
}

/// The lanes of a result whose columns of B are undefined. EXEC does not
/// matter.
uint64_t DefinedCheck::matrixColumns(const Site &site) const {
  auto any = [&](RegisterRange range) {
    uint64_t lanes = 0;
    for (unsigned reg = range.first; reg < range.end(); ++reg)
      lanes |= site.state.vector[reg];
    return lanes;
  };
  uint64_t columns = any(site.info.srcB);
  bool everything = any(site.info.srcA) != 0;
  for (RegisterRange range : site.info.vectorReads) // scales, sparse indices
    if (range != site.info.srcA && range != site.info.srcB &&
        range != site.info.srcC)
      everything |= any(range) != 0;
  if (everything || (columns && !site.traits.width))
    return allLanes;
  if (site.traits.width == 16)
    columns |= columns >> 16 | columns << 16;
  if (site.traits.width)
    columns |= columns >> 32 | columns << 32;
  return columns;
}

void DefinedCheck::stepMatrix(const Site &site) {
  uint64_t lanes = vectorSources(site) ? matrixColumns(site) : 0; // of A and B
  RegisterRange c = site.info.srcC;
  for (RegisterRange range : site.info.vectorWrites)
    for (unsigned n = 0; n < range.count; ++n) {
      uint64_t ofC = n < c.count ? site.state.vector[c.first + n] : 0;
      site.state.vector[range.first + n] = lanes | ofC;
    }
}

void DefinedCheck::stepLanes(const Site &site) {
  const Inst &inst = *site.inst;
  std::vector<uint64_t> &vector = site.state.vector;
  uint64_t exec = site.wave.exec();
  switch (site.traits.rule) {
  case Rule::ByElement: {
    bool scalar = inst.scalars & 1;
    for (unsigned n = 0; n < 2; ++n) {
      uint64_t from = !scalar ? vector[inst.src[0] + n]
                      : scalarBits(site, inst.src[0] + n, 1) ? allLanes
                                                             : 0;
      vector[inst.dst + n] = (vector[inst.dst + n] & ~exec) | (from & exec);
    }
    return;
  }
  case Rule::ReadLane: {
    bool first = inst.src[1] == 0 && site.info.scalarReads.size() == 1 &&
                 site.info.scalarReads[0].first == SlotExec;
    unsigned lane = first ? (exec ? unsigned(std::countr_zero(exec)) : 0)
                          : site.wave.s[inst.src[1]] & 63;
    bool undefined = vector[inst.src[0]] >> lane & 1;
    if (!first)
      undefined |= scalarBits(site, inst.src[1], 1) != 0;
    return setScalars(site, undefined ? ~uint64_t(0) : 0, undefined);
  }
  case Rule::WriteLane: {
    uint64_t bit = uint64_t(1) << (site.wave.s[inst.src[1]] & 63);
    bool undefined = scalarBits(site, inst.src[0], 1) != 0;
    vector[inst.dst] =
        undefined ? vector[inst.dst] | bit : vector[inst.dst] & ~bit;
    return;
  }
  case Rule::Swap: {
    uint64_t changed = (vector[inst.dst] ^ vector[inst.src[0]]) & exec;
    vector[inst.dst] ^= changed;
    vector[inst.src[0]] ^= changed;
    return;
  }
  default: { // even blocks of the source with odd ones of the destination
    unsigned width = site.traits.width;
    uint64_t even = width == 32 ? 0xffffffffu : 0x0000ffff0000ffffu;
    uint64_t &d = vector[inst.dst], &s = vector[inst.src[0]];
    uint64_t oldD = d;
    d = (d & even) | (s & even) << width;
    s = (s & ~even) | (oldD >> width & even);
    return;
  }
  }
}
