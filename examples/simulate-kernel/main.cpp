//===- main.cpp - Runs the saxpy kernel of a code object on the simulator -===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Usage: simulate-kernel saxpy.co
//
// The simulator as a library, on its own: nothing of MLIR, nothing of
// attention. Read README.md beside this file for the steps.
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/Simulator.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <vector>

using namespace flyattn;

/// Exits with the message of a failure.
static llvm::ExitOnError check("simulate-kernel: ");

int main(int argc, char **argv) {
  if (argc != 2) {
    llvm::errs() << "usage: simulate-kernel CODE_OBJECT\n";
    return 2;
  }

  // 1. A code object, and one of its kernels. Decoding happens once; the
  //    program can be launched any number of times.
  auto file = check(llvm::errorOrToExpected(
      llvm::MemoryBuffer::getFile(argv[1], /*IsText=*/false,
                                  /*RequiresNullTerminator=*/false)));
  sim::CodeObject object = check(
      sim::CodeObject::load(llvm::arrayRefFromStringRef(file->getBuffer())));
  sim::Program program = check(sim::Program::decode(object, "saxpy"));

  // 2. Buffers. The kernel sees the host's bytes where they are; an access to
  //    anything else is an error that names the instruction.
  constexpr uint32_t n = 1000;
  constexpr float a = 2.5f;
  std::vector<float> x(n), y(n);
  for (uint32_t i = 0; i < n; ++i) {
    x[i] = float(i);
    y[i] = 1.0f;
  }
  sim::Memory memory;
  uint64_t xAddress = memory.bind(x.data(), n * sizeof(float), "x");
  uint64_t yAddress = memory.bind(y.data(), n * sizeof(float), "y");

  // 3. The launch: sizes, and arguments at their byte offsets.
  sim::LaunchParams params;
  params.block = {256, 1, 1};
  params.grid = {(n + 255) / 256, 1, 1};
  params.setKernarg(0, xAddress);
  params.setKernarg(8, yAddress);
  params.setKernarg(16, n);
  params.setKernarg(20, a);
  sim::Options options;
  options.checks = true; // races, missing waits, undefined values
  options.timing = sim::TimingOptions{sim::TimingConstants::of(object.chip())};
  sim::LaunchResult result =
      check(sim::launch(program, memory, params, options));

  // 4. Results, reports and counters.
  for (uint32_t i = 0; i < n; ++i)
    if (y[i] != a * float(i) + 1.0f) {
      llvm::errs() << "y[" << i << "] is " << y[i] << '\n';
      return 1;
    }
  llvm::outs() << object.chip() << ": " << n << " elements right, "
               << result.instructions << " wave instructions, " << result.waves
               << " waves in " << result.workgroups << " workgroups, about "
               << result.timing->deviceClocks << " clocks, "
               << result.checks.reports.size() << " reports\n";
  for (const sim::CheckReport &report : result.checks.reports)
    llvm::outs() << describe(report) << '\n';
  return 0;
}
