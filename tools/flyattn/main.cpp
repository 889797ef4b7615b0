//===- main.cpp - The flyattn driver --------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace flyattn::driver;

namespace flyattn::driver {

cl::OptionCategory &category() {
  static cl::OptionCategory options("Options");
  return options;
}

cl::SubCommand &compileSub() {
  static cl::SubCommand sub(
      "compile", "Compile a problem's kernel; print any level of it");
  return sub;
}

cl::SubCommand &runSub() {
  static cl::SubCommand sub("run", "Compile, run and check a problem");
  return sub;
}

cl::SubCommand &explainSub() {
  static cl::SubCommand sub(
      "explain", "Say which kernel serves a problem, and why no other");
  return sub;
}

cl::SubCommand &benchSub() {
  static cl::SubCommand sub("bench", "Run and check lists of problems; compare "
                                     "kernels on the cycle model");
  return sub;
}

cl::SubCommand &inspectSub() {
  static cl::SubCommand sub("inspect",
                            "Show what a code object's kernels need and hold");
  return sub;
}

cl::SubCommand &launchSub() {
  static cl::SubCommand sub("launch",
                            "Run a kernel of any code object on the simulator");
  return sub;
}

cl::SubCommand &isaSub() {
  static cl::SubCommand sub("isa",
                            "Show which instructions the simulator runs");
  return sub;
}

cl::SubCommand &timingSub() {
  static cl::SubCommand sub("timing", "Print the cycle model's constants");
  return sub;
}

} // namespace flyattn::driver

static constexpr StringRef kOverview =
    "FlyAttn: attention compiled for AMD gfx950 and gfx942, run on a GPU or on "
    "a simulator\n";

static constexpr StringRef kGeneralHelp = R"(
EXAMPLES:
  flyattn run --arch gfx950 --heads 8 --seqlen-q 1024 --seqlen-kv 1024
  flyattn compile --arch gfx942 --mask causal --emit=asm -o kernel.s
  flyattn inspect kernel.hsaco
  flyattn launch launch.json --json -
  flyattn run --arch gfx950 --heads 8 --seqlen-q 2048 --timing
  flyattn explain --arch gfx950 --heads 64 --kv-heads 8 --seqlen-q 4
  flyattn bench --set edges,cross --arch gfx950
  flyattn isa --arch gfx950
  flyattn run --help                   every option of `run`, with examples

EXIT CODES:
  0 fine   1 wrong result   2 bad usage or bad input file
  3 no kernel supports the problem   4 device
)";

static const Command *const kCommands[] = {
    &compileCommand, &runCommand,    &explainCommand, &benchCommand,
    &inspectCommand, &launchCommand, &isaCommand,     &timingCommand};

static const Command *selected() {
  for (const Command *command : kCommands)
    if (command->subcommand())
      return command;
  return nullptr;
}

/// The examples of the subcommand on the command line, for its --help.
static StringRef helpFor(int argc, char **argv) {
  for (const Command *command : kCommands)
    if (argc > 1 && command->subcommand().getName() == argv[1])
      return command->examples;
  return kGeneralHelp;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  cl::SetVersionPrinter(
      [](raw_ostream &os) { os << "flyattn " FLYATTN_VERSION "\n"; });
  cl::HideUnrelatedOptions(category());
  for (const Command *command : kCommands)
    cl::HideUnrelatedOptions(category(), command->subcommand());
  cl::extrahelp help(helpFor(argc, argv));

  if (!cl::ParseCommandLineOptions(argc, argv, kOverview, &errs(), nullptr,
                                   nullptr, /*LongOptionsUseDoubleDash=*/true))
    return BadUsage;
  const Command *command = selected();
  if (!command) {
    errs() << "flyattn: a command is needed: compile, run, bench, inspect, "
              "launch, isa or timing; see `flyattn --help`\n";
    return BadUsage;
  }
  int code = report(command->run());
  outs().flush();
  if (outs().has_error()) {
    outs().clear_error();
    return code ? code : int(BadUsage);
  }
  return code;
}
