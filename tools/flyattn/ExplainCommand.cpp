//===- ExplainCommand.cpp - flyattn explain -------------------------------===//
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

#include "flyattn/Attention/CostModel.h"
#include "flyattn/Runtime/KernelCache.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

static cl::opt<bool> lse("return-lse",
                         cl::desc("Kernels that also write the LSE"),
                         cl::cat(category()), cl::sub(explainSub()));
static cl::opt<std::string> jsonFile("json", cl::value_desc("file|-"),
                                     cl::desc("Write the list as JSON"),
                                     cl::cat(category()),
                                     cl::sub(explainSub()));

static json::Object toJson(const Alternative &alternative) {
  json::Object object{{"schedule", nameOf(alternative.variant.schedule)},
                      {"pack_gqa", alternative.variant.packGqa},
                      {"far", alternative.variant.far},
                      {"chosen", alternative.chosen}};
  if (!alternative.refused.empty()) {
    object["refused"] = json::Array(alternative.refused);
    return object;
  }
  object["config"] = toJson(alternative.config);
  object["splits"] = int64_t(alternative.variant.splits);
  object["predicted_clocks"] = alternative.clocks;
  return object;
}

static std::string nameOfKernel(const KernelVariant &variant) {
  return formatv("{0}{1}{2}{3}", nameOf(variant.schedule),
                 variant.waves == 1 ? ", one wave" : "",
                 variant.packGqa ? ", heads packed" : "",
                 variant.far ? ", far" : "");
}

static void print(raw_ostream &os, const Alternative &alternative) {
  os << formatv("{0} {1,-32}", alternative.chosen ? '*' : ' ',
                nameOfKernel(alternative.variant));
  if (!alternative.refused.empty()) {
    os << "refused: " << join(alternative.refused, "; ") << '\n';
    return;
  }
  os << formatv("{0,5} {1,5} {2,5} {3,7} {4,14:N}\n", alternative.config.waves,
                alternative.config.rowsPerWorkgroup(),
                alternative.config.kvTile, alternative.variant.splits,
                uint64_t(alternative.clocks));
}

static Error runExplain() {
  const std::string jsonPath = jsonFile;
  Expected<std::string> chip = archFromOptions();
  Expected<Problem> problem = problemFromOptions();
  if (Error error = joinErrors(chip.takeError(), problem.takeError()))
    return error;
  if (Error error = takeScoreMods(*problem))
    return error;
  problem->wantLse = lse;
  if (Error error = checkOutputs({jsonPath}))
    return error;
  if (Error error = checkProblem(*problem, *chip))
    return error;

  std::vector<Alternative> all = alternatives(*problem, *chip);
  if (jsonPath != "-") {
    outs() << describe(*problem, *chip) << '\n'
           << formatv("  {0,-32}{1,5} {2,5} {3,5} {4,7} {5,14}\n", "kernel",
                      "waves", "rows", "tile", "splits", "predicted clk");
    for (const Alternative &alternative : all)
      print(outs(), alternative);
  }
  if (jsonPath.empty())
    return Error::success();
  json::Array list;
  for (const Alternative &alternative : all)
    list.push_back(toJson(alternative));
  return writeJson(jsonPath, json::Object{{"arch", *chip},
                                          {"problem", toJson(*problem)},
                                          {"alternatives", std::move(list)}});
}

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn explain --arch gfx950 --heads 64 --seqlen-q 512
      every kernel that could serve the problem, what the cost model expects
      of it, the one that `run` takes (*), and why the others are refused
  flyattn explain --arch gfx942 --batch 16 --heads 64 --kv-heads 8 \
      --seqlen-q 1 --seqlen-kv 8192 --splits auto --json -
      a decoding step, as JSON
  flyattn run --arch gfx950 --heads 64 --seqlen-q 512 --check none --timing
      what the cycle model says of the chosen one
)";

const Command explainCommand = {explainSub, kExamples, runExplain};

} // namespace flyattn::driver
