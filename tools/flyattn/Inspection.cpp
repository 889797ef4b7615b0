//===- Inspection.cpp - What a kernel needs and holds ---------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inspection.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <map>
#include <optional>

using namespace llvm;

namespace flyattn::driver {

StringRef nameOf(InstClass type) {
  static constexpr StringRef names[] = {
      "mfma",       "transcendental", "valu",         "salu",
      "scalar_mem", "lds_read",       "lds_write",    "lds_other",
      "lds_dma",    "global_read",    "global_write", "global_atomic",
      "wait",       "barrier",        "branch",       "other"};
  static_assert(std::size(names) == kInstClasses);
  return names[unsigned(type)];
}

static InstClass classifyScalar(StringRef name) {
  if (name.starts_with("s_waitcnt") || name.starts_with("s_nop") ||
      name.starts_with("s_sleep"))
    return InstClass::Wait;
  if (name == "s_barrier")
    return InstClass::Barrier;
  if (name.starts_with("s_branch") || name.starts_with("s_cbranch") ||
      name.starts_with("s_setpc") || name.starts_with("s_swappc"))
    return InstClass::Branch;
  if (name.starts_with("s_load") || name.starts_with("s_buffer") ||
      name.starts_with("s_store") || name.starts_with("s_dcache") ||
      name.starts_with("s_atomic"))
    return InstClass::ScalarMemory;
  if (name.starts_with("s_endpgm") || name.starts_with("s_setprio") ||
      name.starts_with("s_sendmsg"))
    return InstClass::Other;
  return InstClass::SALU;
}

static InstClass classifyVector(StringRef name) {
  if (name.starts_with("v_mfma") || name.starts_with("v_smfmac"))
    return InstClass::MFMA;
  for (StringRef slow :
       {"v_exp_", "v_log_", "v_rcp_", "v_rsq_", "v_sqrt_", "v_sin_", "v_cos_"})
    if (name.starts_with(slow))
      return InstClass::Transcendental;
  return InstClass::VALU;
}

static InstClass classifyGlobal(StringRef name, StringRef text) {
  if (name.contains("_lds_") || text.ends_with(" lds") ||
      text.contains(" lds "))
    return InstClass::LdsDma;
  if (name.contains("atomic"))
    return InstClass::GlobalAtomic;
  if (name.contains("_store"))
    return InstClass::GlobalWrite;
  return name.contains("_load") ? InstClass::GlobalRead : InstClass::Other;
}

InstClass classify(StringRef text) {
  StringRef name = text.take_until([](char c) { return c == ' '; });
  if (name.starts_with("s_"))
    return classifyScalar(name);
  if (name.starts_with("v_"))
    return classifyVector(name);
  if (name.starts_with("ds_read"))
    return InstClass::LdsRead;
  if (name.starts_with("ds_write"))
    return InstClass::LdsWrite;
  if (name.starts_with("ds_"))
    return InstClass::LdsOther;
  if (name.starts_with("buffer_") || name.starts_with("global_") ||
      name.starts_with("flat_") || name.starts_with("scratch_"))
    return classifyGlobal(name, text);
  return InstClass::Other;
}

/// Where a branch goes: the next instruction plus four times its 16-bit
/// immediate, which the disassembler prints unsigned.
static std::optional<uint64_t> branchTarget(const sim::DisassembledInst &inst) {
  StringRef text = inst.text;
  unsigned immediate;
  if (!text.starts_with("s_branch") && !text.starts_with("s_cbranch"))
    return std::nullopt;
  if (text.split(' ').second.trim().getAsInteger(0, immediate))
    return std::nullopt;
  return inst.offset + inst.size + 4 * int64_t(int16_t(immediate));
}

namespace {

/// The control flow between a kernel's instructions, by their index.
class ControlFlow {
public:
  explicit ControlFlow(ArrayRef<sim::DisassembledInst> insts)
      : predecessors(insts.size()), successors(insts.size()) {
    DenseMap<uint64_t, unsigned> indexOf;
    for (auto [index, inst] : enumerate(insts))
      indexOf[inst.offset] = index;
    for (auto [index, inst] : enumerate(insts)) {
      StringRef text = inst.text;
      bool goesOn = !text.starts_with("s_branch") &&
                    !text.starts_with("s_endpgm") &&
                    !text.starts_with("s_setpc");
      if (goesOn && index + 1 < insts.size())
        connect(index, index + 1);
      std::optional<uint64_t> target = branchTarget(inst);
      auto known = target ? indexOf.find(*target) : indexOf.end();
      if (known == indexOf.end())
        continue;
      connect(index, known->second);
      if (*target <= inst.offset)
        backward.push_back({unsigned(index), known->second});
    }
  }

  /// All on the ways from `head` down to `latch` that stay between the two;
  /// nothing if there is no such way, so that the branch closes no loop. (The
  /// compiler may enter a loop in its middle, so `head` need not dominate.)
  BitVector body(unsigned head, unsigned latch) const {
    BitVector inside = reach(successors, head, head, latch);
    inside &= reach(predecessors, latch, head, latch);
    return inside.test(latch) ? inside : BitVector();
  }

  struct Edge {
    unsigned from, to;
  };
  std::vector<Edge> backward; ///< branches to themselves or to before

private:
  using Graph = std::vector<SmallVector<unsigned, 2>>;

  void connect(unsigned from, unsigned to) {
    successors[from].push_back(to);
    predecessors[to].push_back(from);
  }

  /// What `start` reaches in [first, last], itself included.
  static BitVector reach(const Graph &graph, unsigned start, unsigned first,
                         unsigned last) {
    BitVector seen(graph.size());
    seen.set(start);
    SmallVector<unsigned> work = {start};
    while (!work.empty())
      for (unsigned next : graph[work.pop_back_val()])
        if (next >= first && next <= last && !seen.test(next)) {
          seen.set(next);
          work.push_back(next);
        }
    return seen;
  }

  Graph predecessors, successors;
};

} // namespace

static std::vector<Loop> findLoops(ArrayRef<sim::DisassembledInst> insts) {
  ControlFlow flow(insts);
  // Several branches to one head close one loop.
  std::map<unsigned, BitVector> bodies;
  for (auto [from, to] : flow.backward)
    if (BitVector body = flow.body(to, from); body.any())
      bodies[to] |= body;

  std::vector<Loop> loops;
  for (const auto &[head, body] : bodies) {
    const sim::DisassembledInst &last = insts[body.find_last()];
    Loop loop = {
        insts[body.find_first()].offset, last.offset + last.size, 0, {}};
    for (const auto &[other, around] : bodies)
      if (other != head && around.test(head))
        ++loop.depth;
    for (unsigned index : body.set_bits())
      ++loop.mix[unsigned(classify(insts[index].text))];
    loops.push_back(loop);
  }
  sort(loops, [](const Loop &a, const Loop &b) {
    return std::pair(a.begin, b.end) < std::pair(b.begin, a.end);
  });
  return loops;
}

Inspection inspect(const sim::Program &program) {
  unsigned waves =
      divideCeil(std::max(program.info().maxWorkgroupSize, 1u), 64u);
  Inspection result = {program.info(),
                       sim::occupancyOf(program.info(), program.chip(), waves,
                                        program.info().ldsSize),
                       {},
                       findLoops(program.disassembly())};
  for (const sim::DisassembledInst &inst : program.disassembly())
    ++result.mix[unsigned(classify(inst.text))];
  return result;
}

} // namespace flyattn::driver
