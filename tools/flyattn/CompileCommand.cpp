//===- CompileCommand.cpp - flyattn compile -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "ProblemOptions.h"
#include "Report.h"
#include "ScoreModOptions.h"

#include "flyattn/Attention/Plan.h"
#include "flyattn/Runtime/KernelCache.h"
#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace flyattn::driver {

static cl::opt<Level> emit(
    "emit", cl::desc("The level to print (object)"), cl::cat(category()),
    cl::sub(compileSub()),
    cl::values(clEnumValN(Level::Attn, "attn", "the operator"),
               clEnumValN(Level::Tile, "tile", "tiles and the KV loop"),
               clEnumValN(Level::Schedule, "schedule", "the scheduled loop"),
               clEnumValN(Level::ROCDL, "rocdl", "the ROCDL dialect"),
               clEnumValN(Level::LLVM, "llvm", "LLVM IR"),
               clEnumValN(Level::Asm, "asm", "assembly"),
               clEnumValN(Level::Object, "object", "the code object")),
    cl::init(Level::Object));
static cl::opt<std::string> output("o", cl::desc("Output file, - for stdout"),
                                   cl::value_desc("file"), cl::cat(category()),
                                   cl::sub(compileSub()));
static cl::opt<bool> lse("return-lse",
                         cl::desc("A kernel that also writes the LSE"),
                         cl::cat(category()), cl::sub(compileSub()));
static cl::opt<std::string>
    jsonFile("json",
             cl::desc("Write the times of the levels and "
                      "the configuration"),
             cl::value_desc("file|-"), cl::cat(category()),
             cl::sub(compileSub()));

static cl::opt<std::string> programFile(
    "program", cl::value_desc("file.mlir"),
    cl::desc("Compile the attn.forward of this program, on memrefs; of the "
             "problem's options only --arch, --schedule, --splits, "
             "--bf16-rounding and --without go with it"),
    cl::cat(category()), cl::sub(compileSub()));

/// BadUsage if an option was given that says what the program says.
static Error refuseOtherOptions() {
  constexpr StringRef allowed[] = {"arch",    "schedule", "splits",
                                   "without", "emit",     "o",
                                   "json",    "program",  "bf16-rounding"};
  for (auto &entry : cl::getRegisteredOptions(compileSub()))
    if (entry.second->getNumOccurrences() &&
        !is_contained(allowed, entry.first))
      return failure(BadUsage, "--" + entry.first +
                                   ": the program says what is computed; "
                                   "leave it out");
  return Error::success();
}

/// The text of --program.
static Expected<std::string> readProgram(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!buffer)
    return failure(BadUsage,
                   "--program: '" + path + "': " + buffer.getError().message());
  if ((*buffer)->getBuffer().trim().empty())
    return failure(BadUsage, "--program: '" + path + "': the file is empty");
  return (*buffer)->getBuffer().str();
}

static json::Value summary(const CompiledKernel &kernel, StringRef chip,
                           json::Value problem, Level level) {
  return json::Object{{"status", "ok"},
                      {"arch", chip},
                      {"problem", std::move(problem)},
                      {"kernel", kernel.kernelName},
                      {"config", toJson(kernel.config)},
                      {"level", nameOf(level)},
                      {"bytes", int64_t(kernel.output.size())},
                      {"compile_seconds", timesToJson(kernel)}};
}

/// Of the program, if it is not empty, else of the problem. A bad program is
/// BadUsage.
static Expected<CompiledKernel> compile(const Problem &problem, StringRef chip,
                                        StringRef program, Level level) {
  if (program.empty())
    return withCode(Unsupported,
                    compileForward(selectVariant(problem, chip), chip, level));
  KernelVariant variant;
  variant.schedule = problem.schedule;
  variant.without = problem.without;
  variant.rounding = problem.rounding;
  variant.splits = unsigned(problem.splits.value_or(1));
  return withCode(BadUsage, compileProgram(program, variant, chip, level));
}

static Error runCompile() {
  // LLD, which the compiler runs in process, sets every cl::opt back to its
  // default: options are read before it.
  const Level level = emit;
  const std::string summaryPath = jsonFile;
  std::string path = output;
  const std::string programPath = programFile;
  Expected<std::string> chip = archFromOptions();
  Expected<Problem> problem = problemFromOptions();
  if (Error error = joinErrors(chip.takeError(), problem.takeError()))
    return error;
  std::string program;
  if (!programPath.empty()) {
    auto text = readProgram(programPath);
    if (Error error = joinErrors(refuseOtherOptions(), text.takeError()))
      return error;
    program = std::move(*text);
    if (!problem->splits || *problem->splits < 1)
      return failure(BadUsage, "--splits: a program's lengths are not known; "
                               "give 1 or more");
  } else {
    if (Error error = takeScoreMods(*problem))
      return error;
    problem->wantLse = lse;
    if (Error error = checkProblem(*problem, *chip))
      return error;
  }

  if (path.empty() && level == Level::Object)
    return failure(BadUsage, "-o is needed for a code object");
  if (path.empty())
    path = "-";
  if (path == "-" && summaryPath == "-")
    return failure(BadUsage, "the output and --json cannot both be stdout; "
                             "give -o a file");
  if (Error error = checkOutputs({path, summaryPath}))
    return error;

  auto kernel = compile(*problem, *chip, program, level);
  if (!kernel)
    return kernel.takeError();
  if (Error error = withCode(
          BadUsage,
          writeFileAtomically(path, arrayRefFromStringRef(kernel->output))))
    return error;
  if (summaryPath.empty())
    return Error::success();
  return writeJson(summaryPath,
                   summary(*kernel, *chip,
                           program.empty() ? json::Value(toJson(*problem))
                                           : json::Value(programPath),
                           level));
}

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn compile --arch gfx950 -o kernel.hsaco
      the code object for bf16, D = 128, no mask; it serves every batch size,
      number of heads, length, stride and scale
  flyattn compile --arch gfx942 --dtype f16 --head-dim 64 --mask causal --emit=asm
      its assembly, on stdout
  flyattn compile --arch gfx950 --cu-seqlens-q 0,512 -o packed.hsaco
      for packed sequences: the list only says that they are packed, the code
      object serves every list
  flyattn compile --arch gfx950 --softcap 1 --bias 1,1,512,512 -o modified.hsaco
      for a softcap and an f32 bias: their values and strides are arguments
  flyattn compile --arch gfx950 --splits 2 --emit=tile
      the kernel of a part of KV, and the one that merges the parts; the code
      object serves every number from 2 on
  flyattn compile --arch gfx950 --program mine.mlir -o mine.hsaco
      the attn.forward of an MLIR program, with a score_mod or mask_mod of its
      own, say
  flyattn compile --arch gfx950 --emit=attn
      where it starts: the operator in the attn dialect
)";

const Command compileCommand = {compileSub, kExamples, runCompile};

} // namespace flyattn::driver
