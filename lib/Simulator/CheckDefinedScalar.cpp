//===- CheckDefinedScalar.cpp - Undefined bits of scalar registers --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckDefined.h"

using namespace llvm;
using namespace flyattn::sim;

/// The undefined bits of `count` registers; constants have none.
uint64_t DefinedCheck::scalarBits(const Site &site, unsigned slot,
                                  unsigned count) {
  uint64_t bits = 0;
  for (unsigned n = count; n--;) {
    bool isRegister = slot + n < SlotConstants;
    bits = bits << 32 | (isRegister ? site.state.scalar[slot + n] : 0);
  }
  return bits;
}

/// Writes the results: `bits` of the data, `scc` of SCC. EXEC matters at once
/// and counts as defined after its report.
void DefinedCheck::setScalars(const Site &site, uint64_t bits, bool scc) {
  for (RegisterRange range : site.info.scalarWrites) {
    if (range.first == SlotScc) {
      site.state.scalar[SlotScc] = scc;
      continue;
    }
    for (unsigned n = 0; n < range.count; ++n) {
      auto word = n < 2 ? uint32_t(bits >> 32 * n) : uint32_t(bits);
      unsigned slot = range.first + n;
      if (slot == SlotExec || slot == SlotExec + 1) {
        if (word)
          report(site, bits, "EXEC gets an undefined value");
        word = 0;
      }
      site.state.scalar[slot] = slot == SlotMode ? 0 : word;
    }
  }
}

/// The undefined bits of a bitwise function of `a` and `b`, whose own undefined
/// bits are `ua` and `ub`.
void DefinedCheck::bitwise(const Site &site, uint64_t a, uint64_t b,
                           uint64_t ua, uint64_t ub, uint64_t &bits,
                           bool &sccUnknown) const {
  a ^= site.traits.firstNot ? ~uint64_t(0) : 0;
  b ^= site.traits.secondNot ? ~uint64_t(0) : 0;
  uint64_t value = 0;
  switch (site.traits.rule) {
  case Rule::ScalarAnd:
  case Rule::SaveExec:
    bits = (ua | ub) & ~(~ua & ~a) & ~(~ub & ~b);
    value = a & b;
    break;
  case Rule::ScalarOr:
    bits = (ua | ub) & ~(~ua & a) & ~(~ub & b);
    value = a | b;
    break;
  default:
    bits = ua | ub;
    value = 0; // SCC of s_xor: take it for unknown
  }
  // SCC tells whether the result is 0: a known 1 decides.
  sccUnknown = bits && !(value & ~bits);
}

void DefinedCheck::stepScalar(const Site &site) {
  const Inst &inst = *site.inst;
  uint64_t any = 0;
  for (RegisterRange range : site.info.scalarReads)
    if (range.first != SlotExec || site.traits.rule != Rule::SaveExec)
      any |= scalarBits(site, range.first, range.count);
  if (!any) [[likely]]
    return setScalars(site, 0, false);

  unsigned count = 1;
  for (RegisterRange range : site.info.scalarWrites)
    if (range.first != SlotScc)
      count = std::max<unsigned>(count, range.count);
  auto value = [&](unsigned n) {
    return count == 2 ? site.wave.s64(inst.src[n])
                      : uint64_t(site.wave.s[inst.src[n]]);
  };
  auto bitsOf = [&](unsigned n) {
    return scalarBits(site, inst.src[n], count);
  };
  uint64_t bits = ~uint64_t(0);
  bool scc = true;
  switch (site.traits.rule) {
  case Rule::ScalarMove:
    bits = bitsOf(0);
    break;
  case Rule::ScalarAnd:
  case Rule::ScalarOr:
  case Rule::ScalarXor:
    bitwise(site, value(0), value(1), bitsOf(0), bitsOf(1), bits, scc);
    break;
  case Rule::ScalarSelect:
    if (!site.state.scalar[SlotScc])
      bits = bitsOf(site.wave.s[SlotScc] ? 0 : 1);
    break;
  case Rule::SaveExec: {
    // The saved EXEC is defined; EXEC gets the combination.
    bitwise(site, value(0), site.wave.exec(), bitsOf(0), 0, bits, scc);
    if (bits)
      report(site, bits, "EXEC gets an undefined value");
    bits = 0;
    break;
  }
  default:
    break;
  }
  setScalars(site, bits, scc);
}

/// A branch on VCC or EXEC asks whether any bit is set: a known 1 decides.
void DefinedCheck::checkBranch(const Site &site) {
  for (RegisterRange range : site.info.scalarReads) {
    uint64_t bits = scalarBits(site, range.first, range.count);
    if (!bits)
      continue;
    uint64_t value = range.count == 2 ? site.wave.s64(range.first) : 0;
    if (range.first == SlotVcc && (value & ~bits))
      continue;
    report(site, 0,
           "branches on " + CheckReports::scalarName(range.first) +
               ", which is undefined");
  }
  setScalars(site, 0, false);
}
