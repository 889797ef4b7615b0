//===- TimingCommand.cpp - flyattn timing ---------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "flyattn/Simulator/Timing.h"
#include "flyattn/Target/ChipInfo.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

static cl::opt<std::string> arch("arch", cl::value_desc("chip"), cl::Required,
                                 cl::desc("gfx942 or gfx950"),
                                 cl::cat(category()), cl::sub(timingSub()));
static cl::opt<std::string> jsonFile("json", cl::value_desc("file|-"),
                                     cl::desc("Write the table as JSON"),
                                     cl::cat(category()), cl::sub(timingSub()));

static std::string rangeOf(const sim::TimingConstant &row) {
  return row.low == row.high ? ""
                             : formatv("{0}..{1}", row.low, row.high).str();
}

static Error runTiming() {
  if (!findChip(arch))
    return failure(BadUsage, "--arch: '" + arch + "' was given; known are " +
                                 chipNames());
  bool gfx950 = arch == "gfx950";
  json::Array rows;
  if (jsonFile != "-")
    outs() << formatv("{0,-26} {1,7} {2,-13} {3,-4} {4,-11} {5}\n", "constant",
                      "value", "unit", "mark", "range", "source");
  for (const sim::TimingConstant &row : sim::timingConstants()) {
    uint32_t value = gfx950 ? row.gfx950 : row.gfx942;
    if (jsonFile != "-")
      outs() << formatv("{0,-26} {1,7} {2,-13} {3,-4} {4,-11} {5}\n", row.name,
                        value, row.unit, StringRef(&row.mark, 1), rangeOf(row),
                        row.source);
    rows.push_back(json::Object{{"name", row.name},
                                {"value", value},
                                {"unit", row.unit},
                                {"mark", StringRef(&row.mark, 1)},
                                {"low", row.low},
                                {"high", row.high},
                                {"source", row.source}});
  }
  if (jsonFile.empty())
    return Error::success();
  return writeJson(jsonFile, json::Object{{"arch", std::string(arch)},
                                          {"constants", std::move(rows)}});
}

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn timing --arch gfx950
      every constant of the cycle model. Marks: P a primary or published
      source, V verified against LLVM's tools, S one secondary source,
      ? uncertain; the last two have a range that --sensitivity runs over
  flyattn run --arch gfx950 --timing --timing-set l2.latency=800
      a run with another value
)";

const Command timingCommand = {timingSub, kExamples, runTiming};

} // namespace flyattn::driver
