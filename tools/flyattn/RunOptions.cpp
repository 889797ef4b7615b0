//===- RunOptions.cpp - The options of flyattn run ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Run.h"

using namespace llvm;
using namespace flyattn;
using namespace flyattn::driver;

namespace {

template <typename T> struct RunOption : cl::opt<T> {
  template <typename... Mods>
  RunOption(StringRef name, Mods &&...mods)
      : cl::opt<T>(name, cl::cat(category()), cl::sub(runSub()),
                   std::forward<Mods>(mods)...) {}
};

const auto kNpy = cl::value_desc("file.npy");

RunOption<std::string> qFileOption("q", kNpy,
                                   cl::desc("Read q (random without)"));
RunOption<std::string> kFileOption("k", kNpy, cl::desc("Read k"));
RunOption<std::string> vFileOption("v", kNpy, cl::desc("Read v"));
RunOption<std::string> outFileOption("out", kNpy, cl::desc("Write O"));
RunOption<std::string>
    lseFileOption("lse", kNpy,
                  cl::desc("Write the LSE, f32 [B, H, Sq], or "
                           "[H, total] of packed sequences"));
RunOption<std::string> expectedFileOption(
    "expected", kNpy,
    cl::desc("Compare O with this array (bf16, f16, f32 or f64) "
             "instead of the f64 reference; the bounds stay"));
RunOption<std::string> jsonFileOption("json", cl::value_desc("file|-"),
                                      cl::desc("Write the result as JSON"));
RunOption<bool> noLseOption("no-lse", cl::desc("Run the kernel without LSE"));
RunOption<unsigned long long>
    seedOption("seed", cl::init(0), cl::value_desc("n"),
               cl::desc("Seed of the random inputs and of "
                        "the choice of rows (0)"));
RunOption<Init> initOption(
    "init", cl::desc("How random inputs are made (normal)"),
    cl::values(clEnumValN(Init::Normal, "normal", "variance 1"),
               clEnumValN(Init::Uniform, "uniform", "in [-1, 1)"),
               clEnumValN(Init::Large, "large", "scores beyond +-80"),
               clEnumValN(Init::LateMax, "late-max",
                          "the maximum of a row comes late"),
               clEnumValN(Init::ConstantV, "constant-v",
                          "v is the same at every KV position")),
    cl::init(Init::Normal));
RunOption<DeviceKind> deviceOption(
    "device", cl::desc("Where to run (auto)"),
    cl::values(clEnumValN(DeviceKind::Auto, "auto",
                          "a GPU of the chip if there is one, else the "
                          "simulator"),
               clEnumValN(DeviceKind::Simulated, "sim", "the simulator"),
               clEnumValN(DeviceKind::Hip, "hip", "a GPU, through HIP")),
    cl::init(DeviceKind::Auto));
RunOption<Check> checkOption(
    "check", cl::desc("What the result is compared with (reference)"),
    cl::values(clEnumValN(Check::Reference, "reference",
                          "an f64 reference; large problems by a sample of "
                          "rows"),
               clEnumValN(Check::None, "none", "nothing")),
    cl::init(Check::Reference));

RunOption<std::string>
    rowsOption("rows", cl::value_desc("i,j,..."),
               cl::desc("Run and check only the workgroups that own these "
                        "query rows, in every batch and head (simulator); the "
                        "other rows of O and LSE mean nothing"));
RunOption<std::string>
    rowHeadsOption("row-heads", cl::value_desc("h,g,..."),
                   cl::desc("With --rows: only in these query heads"));

} // namespace

RunSettings flyattn::driver::runSettings() {
  RunSettings settings;
  settings.q = qFileOption;
  settings.k = kFileOption;
  settings.v = vFileOption;
  settings.out = outFileOption;
  settings.lse = lseFileOption;
  settings.expected = expectedFileOption;
  settings.json = jsonFileOption;
  settings.rows = rowsOption;
  settings.rowHeads = rowHeadsOption;
  settings.mods = scoreModFiles();
  settings.noLse = noLseOption;
  settings.seed = seedOption;
  settings.init = initOption;
  settings.device = deviceOption;
  settings.check = checkOption;
  settings.simulator = simulatorOptions();
  settings.checks = checkSeverity(Severity::Fail);
  return settings;
}
