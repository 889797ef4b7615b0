//===- Mutants.cpp - Small faults put into a kernel's machine code --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Mutants.h"

#include "flyattn/Simulator/Reassemble.h"

#include "llvm/ADT/StringExtras.h"

#include <functional>
#include <optional>

using namespace llvm;
using namespace flyattn;
using namespace flyattn::test;

namespace {

/// "v_add_f32_e32 v0, v1, v2" taken apart.
struct Text {
  StringRef mnemonic;
  SmallVector<StringRef, 6> operands; ///< modifiers stay with the last
  explicit Text(StringRef text) {
    auto [first, rest] = text.split(' ');
    mnemonic = first;
    if (!rest.empty())
      rest.split(operands, ", ");
  }
  std::string join() const {
    return (mnemonic + " " + llvm::join(operands, ", ")).str();
  }
};

constexpr const char *nop = "s_nop 0";

/// Adds `delta` to the number behind `name`, or takes it away if the sum would
/// be larger than `most`.
std::optional<std::string> addTo(StringRef text, StringRef name, int delta,
                                 int most) {
  size_t at = text.find(name);
  if (at == StringRef::npos)
    return std::nullopt;
  StringRef tail = text.substr(at + name.size());
  int number;
  StringRef digits = tail.take_while(isDigit);
  if (digits.getAsInteger(10, number))
    return std::nullopt;
  number += number + delta > most ? -delta : delta;
  return (text.take_front(at + name.size()) + Twine(number) +
          tail.substr(digits.size()))
      .str();
}

/// The offset of a memory instruction, moved by `delta` bytes.
std::optional<std::string> moveOffset(StringRef text, unsigned delta) {
  int most = text.starts_with("ds_") ? 65535 : 4095;
  if (auto moved = addTo(text, " offset:", int(delta), most))
    return moved;
  if (text.contains(" offset0:") || text.contains(" offset1:"))
    return std::nullopt;
  auto [head, lds] = text.split(" lds");
  std::string result = (head + " offset:" + Twine(delta)).str();
  return head.size() == text.size() ? result : result + " lds" + lds.str();
}

/// What replaces an instruction, or nothing if the kind does not apply.
using Rewrite = std::function<std::optional<std::string>(StringRef)>;

std::optional<std::string> dropIf(bool applies) {
  return applies ? std::optional<std::string>(nop) : std::nullopt;
}

Rewrite drop(StringRef prefix) {
  return [=](StringRef text) { return dropIf(text.starts_with(prefix)); };
}

/// v_cndmask_b32 d, a, b, mask becomes v_mov_b32 d, and one of a and b.
Rewrite select(unsigned source) {
  return [=](StringRef line) -> std::optional<std::string> {
    Text text(line);
    if (!text.mnemonic.starts_with("v_cndmask_b32_e"))
      return std::nullopt;
    return ("v_mov_b32 " + text.operands[0] + ", " + text.operands[source])
        .str();
  };
}

std::optional<std::string> swapMatrixOperands(StringRef line) {
  Text text(line);
  if (!text.mnemonic.starts_with("v_mfma_") ||
      text.operands[1] == text.operands[2])
    return std::nullopt;
  std::swap(text.operands[1], text.operands[2]);
  return text.join();
}

/// The sum starts anew.
std::optional<std::string> forgetSum(StringRef line) {
  Text text(line);
  if (!text.mnemonic.starts_with("v_mfma_") || text.operands[3] == "0")
    return std::nullopt;
  text.operands[3] = "0";
  return text.join();
}

std::optional<std::string> dropExponential(StringRef line) {
  Text text(line);
  if (!text.mnemonic.starts_with("v_exp_f32"))
    return std::nullopt;
  return ("v_mov_b32 " + text.operands[0] + ", " + text.operands[1]).str();
}

std::optional<std::string> dropMaximum(StringRef line) {
  Text text(line);
  if (!text.mnemonic.starts_with("v_max3_f32"))
    return std::nullopt;
  return ("v_max_f32 " + text.operands[0] + ", " + text.operands[1] + ", " +
          text.operands[2])
      .str();
}

Rewrite moveIf(StringRef prefix, unsigned delta, bool lds) {
  return [=](StringRef text) -> std::optional<std::string> {
    if (!text.starts_with(prefix) || text.contains(" lds") != lds)
      return std::nullopt;
    return moveOffset(text, delta);
  };
}

struct Kind {
  std::string name;
  Rewrite rewrite;
};

const std::vector<Kind> &kinds() {
  static const std::vector<Kind> all = {
      {"drop a wait", drop("s_waitcnt")},
      {"wait for one less (vmcnt)",
       [](StringRef text) {
         return text.starts_with("s_waitcnt") ? addTo(text, "vmcnt(", 1, 63)
                                              : std::nullopt;
       }},
      {"wait for one less (lgkmcnt)",
       [](StringRef text) {
         return text.starts_with("s_waitcnt") ? addTo(text, "lgkmcnt(", 1, 15)
                                              : std::nullopt;
       }},
      {"drop a barrier", drop("s_barrier")},
      {"nop behind its user", nullptr}, // two instructions: see below
      {"LDS read 16 bytes off", moveIf("ds_read_", 16, false)},
      {"LDS write 16 bytes off", moveIf("ds_write_", 16, false)},
      {"LDS read in another slot", moveIf("ds_read_", 8192, false)},
      {"LDS read in the next slot", moveIf("ds_read_", 16640, false)},
      {"LDS write in another slot", moveIf("ds_write_", 8192, false)},
      {"DMA 16 bytes off", moveIf("buffer_load_", 16, true)},
      {"drop a DMA",
       [](StringRef text) { return dropIf(text.contains(" lds")); }},
      {"load 16 bytes off", moveIf("buffer_load_", 16, false)},
      {"store 16 bytes off", moveIf("buffer_store_", 16, false)},
      {"wrong M0",
       [](StringRef text) {
         return dropIf(text.contains(" m0, ") && text.starts_with("s_"));
       }},
      {"mask: always the first", select(1)},
      {"mask: always the second", select(2)},
      {"drop a compare", drop("v_cmp_")},
      {"branch never taken", drop("s_cbranch")},
      {"branch always taken",
       [](StringRef text) -> std::optional<std::string> {
         if (!text.starts_with("s_cbranch"))
           return std::nullopt;
         return "s_branch" +
                text.drop_until([](char c) { return c == ' '; }).str();
       }},
      {"drop a multiplication", drop("v_mul_f32")},
      {"drop a packed multiplication", drop("v_pk_mul_f32")},
      {"swap matrix operands", swapMatrixOperands},
      {"forget a matrix sum", forgetSum},
      {"drop a matrix instruction", drop("v_mfma_")},
      {"drop an exponential", dropExponential},
      {"drop a maximum", dropMaximum},
      {"drop a lane swap", drop("v_permlane")},
      {"drop a scalar addition", drop("s_add_")},
  };
  return all;
}

} // namespace

const std::vector<std::string> &flyattn::test::mutationKinds() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Kind &kind : kinds())
      all.push_back(kind.name);
    return all;
  }();
  return names;
}

std::vector<Mutant> flyattn::test::mutantsOf(const sim::Program &program,
                                             const std::string &name) {
  const Kind *kind = nullptr;
  for (const Kind &candidate : kinds())
    if (candidate.name == name)
      kind = &candidate;
  const auto &listing = program.disassembly();
  std::vector<Mutant> result;
  auto textAt = [&](size_t i) {
    return i < listing.size() ? listing[i].text : std::string(); // -1, too
  };
  for (size_t i = 0; i < listing.size(); ++i) {
    const sim::DisassembledInst &inst = listing[i];
    if (StringRef(inst.text).starts_with("s_endpgm"))
      break; // what follows pads the code
    if (kind->rewrite) {
      auto after = kind->rewrite(inst.text);
      if (after && *after != inst.text)
        result.push_back({name, inst.offset, inst.size, inst.text, *after,
                          textAt(i - 1), textAt(i + 1)});
      continue;
    }
    // A nop changes place with the instruction that it is there for.
    if (!StringRef(inst.text).starts_with("s_nop") || i + 1 >= listing.size())
      continue;
    const sim::DisassembledInst &next = listing[i + 1];
    if (StringRef(next.text).starts_with("s_cbranch") ||
        StringRef(next.text).starts_with("s_branch"))
      continue;
    result.push_back(
        {name, inst.offset, inst.size + next.size, inst.text + "; " + next.text,
         next.text + "\n" + inst.text, textAt(i - 1), textAt(i + 2)});
  }
  return result;
}

std::vector<Mutant> flyattn::test::spread(const std::vector<Mutant> &all,
                                          size_t most) {
  if (all.size() <= most)
    return all;
  std::vector<Mutant> chosen;
  for (size_t n = 0; n < most; ++n)
    chosen.push_back(all[n * (all.size() - 1) / (most - 1)]);
  return chosen;
}

Expected<sim::Program> flyattn::test::apply(const sim::Program &program,
                                            const Mutant &mutant) {
  auto bytes = sim::assemble(program.chip(), mutant.after);
  if (!bytes)
    return bytes.takeError();
  const sim::KernelInfo &info = program.info();
  auto filler = cantFail(sim::assemble(program.chip(), nop));
  while (bytes->size() < mutant.size)
    bytes->insert(bytes->end(), filler.begin(), filler.end());
  if (bytes->size() != mutant.size)
    return createStringError("'" + mutant.after + "' does not fit");
  std::vector<uint8_t> code = program.code();
  std::copy(bytes->begin(), bytes->end(), code.begin() + mutant.offset);
  return sim::Program::fromCode(program.chip(), info, code);
}
