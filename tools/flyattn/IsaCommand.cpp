//===- IsaCommand.cpp - flyattn isa ---------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "flyattn/Simulator/InstructionSet.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace flyattn::driver {

static cl::opt<std::string> arch("arch", cl::Required,
                                 cl::value_desc("gfx942|gfx950"),
                                 cl::desc("The chip"), cl::cat(category()),
                                 cl::sub(isaSub()));
static cl::opt<std::string> jsonFile("json", cl::value_desc("file|-"),
                                     cl::desc("Write it all as JSON"),
                                     cl::cat(category()), cl::sub(isaSub()));

namespace {

/// How many instructions of a family there are, and which are missing.
struct Coverage {
  StringRef family;
  unsigned total = 0;
  std::vector<StringRef> missing;

  unsigned implemented() const { return total - missing.size(); }
  double percent() const { return total ? 100.0 * implemented() / total : 100; }
};

} // namespace

static Coverage coverageOf(StringRef family,
                           ArrayRef<sim::ChipInstruction> instructions) {
  Coverage result = {family, 0, {}};
  for (const sim::ChipInstruction &instruction : instructions) {
    if (!family.empty() && instruction.family != family)
      continue;
    ++result.total;
    if (!instruction.implemented)
      result.missing.push_back(instruction.mnemonic);
  }
  return result;
}

static void printRow(raw_ostream &os, StringRef name, const Coverage &row) {
  os << formatv("{0,-8} {1,5} {2,5} {3,6:f1}%\n", name, row.total,
                row.implemented(), row.percent());
}

static void print(raw_ostream &os, const Coverage &all,
                  ArrayRef<Coverage> families) {
  os << formatv("{0}: instructions of LLVM's assembler that the simulator "
                "runs\n\n{1,-8} {2,5} {3,5} {4,7}\n",
                arch, "family", "all", "runs", "share");
  for (const Coverage &row : families)
    printRow(os, row.family, row);
  printRow(os, "all", all);
  if (all.missing.empty())
    return;
  os << "\nnot implemented (a kernel that executes one of these stops with its "
        "name):\n";
  for (const Coverage &row : families)
    if (!row.missing.empty())
      os << formatv("  {0,-8} {1}\n", row.family, join(row.missing, " "));
}

static json::Object toJson(const Coverage &row) {
  return json::Object{{"total", row.total},
                      {"implemented", row.implemented()},
                      {"missing", json::Array(row.missing)}};
}

static Error runIsa() {
  if (Error error = checkOutputs({jsonFile}))
    return error;
  auto instructions = sim::instructionSet(arch);
  if (!instructions)
    return failure(BadUsage, "--arch: " + toString(instructions.takeError()));
  Coverage all = coverageOf("", *instructions);
  std::vector<Coverage> families;
  json::Object byFamily;
  for (StringRef family : sim::instructionFamilies()) {
    Coverage row = coverageOf(family, *instructions);
    if (row.total == 0)
      continue;
    byFamily[family] = toJson(row);
    families.push_back(std::move(row));
  }
  if (jsonFile != "-")
    print(outs(), all, families);
  if (jsonFile.empty())
    return Error::success();
  json::Array implemented;
  for (const sim::ChipInstruction &instruction : *instructions)
    if (instruction.implemented)
      implemented.push_back(instruction.mnemonic);
  return writeJson(jsonFile,
                   json::Object{{"arch", arch.getValue()},
                                {"total", all.total},
                                {"implemented", std::move(implemented)},
                                {"missing", json::Array(all.missing)},
                                {"families", std::move(byFamily)}});
}

static constexpr StringRef kExamples = R"(
The list is that of LLVM's assembler for the chip. The encodings of an
instruction (_e32, _e64, _dpp, _sdwa) count once. Every instruction that the
simulator implements has a test of its own; one that it does not implement
stops a kernel that executes it, and only then.

EXAMPLES:
  flyattn isa --arch gfx950
      counts by family, and the instructions that are missing
  flyattn isa --arch gfx942 --json -
)";

const Command isaCommand = {isaSub, kExamples, runIsa};

} // namespace flyattn::driver
