//===- MfmaChains.cpp - Matrix instructions joined on the host ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AsmText.h"
#include "Mfma.h"
#include "Wave.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"

#include <memory>

using namespace llvm;
using namespace flyattn::sim;

namespace {

struct Chain {
  const MfmaDesc *desc;
  SmallVector<const Inst *, 8> links; ///< the records before they were joined
};

/// A link whose product another one performs.
const Inst *deferred(Wave &, const Inst *inst) { return inst + 1; }

/// Asks for the host's cache lines of registers.
void prefetch(const uint32_t *regs, unsigned count) {
  for (unsigned i = 0; i < count * waveSize; i += 16)
    __builtin_prefetch(regs + i);
}

const Inst *wholeChain(Wave &w, const Inst *inst) {
  const auto &chain = *static_cast<const Chain *>(inst->ext);
  const MfmaDesc &m = *chain.desc;
  // The sums of all waves do not fit the host's caches near the core; these
  // come while the operands are widened.
  prefetch(w.vgpr(inst->dst), m.resultRegs);
  alignas(64) float a[maxOperand], b[maxOperand], constant[waveSize];
  FpuScope scope(defaultFpu, w.fpu32);
  unsigned k = 0;
  for (const Inst *link : chain.links) {
    m.widenA(w.vgpr(link->src[0]), m.a, a + k * m.dim);
    m.widenB(w.vgpr(link->src[1]), m.b, b + k * m.dim);
    k += m.k;
  }
  auto *d = reinterpret_cast<float *>(w.vgpr(inst->dst));
  const Inst &first = *chain.links.front();
  bool constantC = first.scalars & 4;
  if (constantC)
    std::fill_n(constant, waveSize,
                __builtin_bit_cast(float, w.s[first.src[2]]));
  m.multiply(a, b, k, constantC ? constant : d, constantC, d);
  return inst + 1;
}

/// Registers [first, first + count) of the unified file.
struct Range {
  unsigned first, count;
  bool overlaps(Range other) const {
    return first < other.first + other.count && other.first < first + count;
  }
};

class ChainJoiner {
public:
  ChainJoiner(Program::Impl &program, std::vector<Inst> &insts)
      : program(program), insts(insts) {}

  void run() {
    unsigned size = program.listing.size();
    texts.reserve(size);
    for (const DisassembledInst &inst : program.listing)
      texts.push_back(parseAsmText(inst.text));
    // A jump to an address in registers could lead between two links, and
    // registers that are named by an index are not in the text.
    for (const AsmText &text : texts)
      if (text.base.starts_with("s_setpc") ||
          text.base.starts_with("s_swappc") || text.base.starts_with("s_rfe") ||
          text.base.starts_with("s_cbranch_join") ||
          text.base.starts_with("s_set_gpr_idx") ||
          text.base.starts_with("v_movrel"))
        return;
    startsBlock.resize(size + 1);
    for (unsigned i = 0; i < size; ++i)
      if (isBranch(i))
        startsBlock.set(i + program.insts[i].imm);
    joined.resize(size);
    for (unsigned i = 0; i < size; ++i)
      if (!joined[i] && isMfma(i))
        joinFrom(i);
  }

private:
  const MfmaDesc &desc(unsigned i) const {
    return *static_cast<const MfmaDesc *>(program.insts[i].ext);
  }
  bool isMfma(unsigned i) const { return program.insts[i].fn == mfma; }
  bool isBranch(unsigned i) const {
    return texts[i].base.starts_with("s_branch") ||
           texts[i].base.starts_with("s_cbranch") ||
           texts[i].base.starts_with("s_call");
  }
  Range sourceA(unsigned i) const {
    return {program.insts[i].src[0], desc(i).registersA};
  }
  Range sourceB(unsigned i) const {
    return {program.insts[i].src[1], desc(i).registersB};
  }
  Range result(unsigned i) const {
    return {program.insts[i].dst, desc(i).resultRegs};
  }

  bool names(unsigned i, Range range) const {
    return any_of(texts[i].operands, [&](const TextOperand &op) {
      if (op.kind != TextOperand::Vgpr && op.kind != TextOperand::Agpr)
        return false;
      unsigned base =
          op.kind == TextOperand::Agpr ? program.info.accumOffset : 0;
      return range.overlaps({base + op.reg, op.count});
    });
  }

  bool mayWrite(unsigned i, Range range) const {
    return isMfma(i) ? range.overlaps(result(i)) : names(i, range);
  }

  /// May instruction `i` stand between links that read `sources` and add to
  /// `sums`?
  bool leavesAlone(unsigned i, Range sums, ArrayRef<Range> sources) const {
    if (names(i, sums))
      return false;
    return none_of(sources, [&](Range source) { return mayWrite(i, source); });
  }

  /// Is `i` a further link to a chain that begins with `first`?
  bool continues(unsigned first, unsigned i) const {
    if (!isMfma(i))
      return false;
    const Inst &inst = program.insts[i];
    const MfmaDesc &a = desc(first), &b = desc(i);
    Range sums = result(first);
    return inst.dst == program.insts[first].dst && inst.src[2] == inst.dst &&
           !(inst.scalars & 4) && a.dim == b.dim && a.k == b.k &&
           a.widenA == b.widenA && a.widenB == b.widenB &&
           a.multiply == b.multiply && !sums.overlaps(sourceA(i)) &&
           !sums.overlaps(sourceB(i));
  }

  /// The links to a chain from `first` on, if its last link performs it:
  /// nothing between may change what links have read.
  SmallVector<unsigned, 8> linksToLast(unsigned first) const {
    Range sums = result(first);
    SmallVector<unsigned, 8> links = {first};
    SmallVector<Range, 16> sources = {sourceA(first), sourceB(first)};
    for (unsigned i = first + 1; mayFollow(first, i, links.size()); ++i) {
      if (continues(first, i)) {
        links.push_back(i);
        sources.push_back(sourceA(i));
        sources.push_back(sourceB(i));
      } else if (!leavesAlone(i, sums, sources)) {
        break;
      }
    }
    return links;
  }

  /// The same if its first link performs it: nothing between may name what
  /// later links read, and nothing may see the sums early.
  SmallVector<unsigned, 8> linksToFirst(unsigned first) const {
    Range sums = result(first);
    SmallVector<unsigned, 8> links = {first};
    SmallVector<unsigned, 32> between;
    for (unsigned i = first + 1; mayFollow(first, i, links.size()); ++i) {
      if (continues(first, i)) {
        if (any_of(between, [&](unsigned other) {
              return mayWrite(other, sourceA(i)) || mayWrite(other, sourceB(i));
            }))
          break;
        links.push_back(i);
      } else if (names(i, sums)) {
        break;
      } else {
        between.push_back(i);
      }
    }
    return links;
  }

  /// May a chain from `first` with so many links go on to `i`?
  bool mayFollow(unsigned first, unsigned i, size_t links) const {
    const MfmaDesc &m = desc(first);
    return i < program.listing.size() && links < maxOperand / (m.dim * m.k) &&
           !startsBlock[i] && !isBranch(i) && texts[i].base != "s_setvskip";
  }

  void joinFrom(unsigned first) {
    const Inst &start = program.insts[first];
    Range sums = result(first);
    bool addsToItself = start.scalars & 4 || start.src[2] == start.dst;
    if (!addsToItself || sums.overlaps(sourceA(first)) ||
        sums.overlaps(sourceB(first)))
      return;
    SmallVector<unsigned, 8> links = linksToLast(first);
    SmallVector<unsigned, 8> early = linksToFirst(first);
    bool atFirst = early.size() > links.size();
    if (atFirst)
      links = early;
    if (links.size() < 2)
      return;
    auto chain = std::make_shared<Chain>();
    chain->desc = &desc(first);
    for (unsigned i : links) {
      chain->links.push_back(&program.insts[i]);
      insts[i].fn = deferred;
      joined.set(i);
    }
    unsigned performer = atFirst ? first : links.back();
    insts[performer].fn = wholeChain;
    insts[performer].ext = chain.get();
    program.extensions.push_back(std::move(chain));
  }

  Program::Impl &program;
  std::vector<Inst> &insts;
  std::vector<AsmText> texts;
  BitVector startsBlock, joined;
};

} // namespace

void flyattn::sim::joinMfmaChains(Program::Impl &program,
                                  std::vector<Inst> &insts) {
  ChainJoiner(program, insts).run();
}
