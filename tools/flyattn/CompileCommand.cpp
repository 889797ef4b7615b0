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

#include "flyattn/Attention/Plan.h"
#include "flyattn/Runtime/KernelCache.h"
#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/StringExtras.h"
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

static json::Value summary(const CompiledKernel &kernel, StringRef chip,
                           const Problem &problem, Level level) {
  return json::Object{{"status", "ok"},
                      {"arch", chip},
                      {"problem", toJson(problem)},
                      {"kernel", kernel.kernelName},
                      {"config", toJson(kernel.config)},
                      {"level", nameOf(level)},
                      {"bytes", int64_t(kernel.output.size())},
                      {"compile_seconds", timesToJson(kernel)}};
}

static Error runCompile() {
  // LLD, which the compiler runs in process, sets every cl::opt back to its
  // default: options are read before it.
  const Level level = emit;
  const std::string summaryPath = jsonFile;
  std::string path = output;
  Expected<std::string> chip = archFromOptions();
  Expected<Problem> problem = problemFromOptions();
  if (Error error = joinErrors(chip.takeError(), problem.takeError()))
    return error;
  problem->wantLse = lse;
  if (Error error = checkProblem(*problem, *chip))
    return error;

  if (path.empty() && level == Level::Object)
    return failure(BadUsage, "-o is needed for a code object");
  if (path.empty())
    path = "-";
  if (path == "-" && summaryPath == "-")
    return failure(BadUsage, "the output and --json cannot both be stdout; "
                             "give -o a file");
  if (Error error = checkOutputs({path, summaryPath}))
    return error;

  auto kernel = compileForward(selectVariant(*problem, *chip), *chip, level);
  if (!kernel)
    return withCode(Unsupported, kernel.takeError());
  if (Error error = withCode(
          BadUsage,
          writeFileAtomically(path, arrayRefFromStringRef(kernel->output))))
    return error;
  if (summaryPath.empty())
    return Error::success();
  return writeJson(summaryPath, summary(*kernel, *chip, *problem, level));
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
  flyattn compile --arch gfx950 --splits 2 --emit=tile
      the kernel of a part of KV, and the one that merges the parts; the code
      object serves every number from 2 on
  flyattn compile --arch gfx950 --emit=attn
      where it starts: the operator in the attn dialect
)";

const Command compileCommand = {compileSub, kExamples, runCompile};

} // namespace flyattn::driver
