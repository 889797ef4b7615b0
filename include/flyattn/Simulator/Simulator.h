//===- Simulator.h - Run gfx942 and gfx950 code objects on the CPU --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one call that runs a kernel:
//
//   auto object = CodeObject::load(bytes);        // ELF, descriptors, metadata
//   auto program = Program::decode(*object, "kernel");
//   Memory memory;
//   uint64_t q = memory.bind(hostPointer, size, "q");
//   LaunchParams params{.grid = {32, 8, 1}, .block = {256, 1, 1}};
//   params.setKernarg(0, q);
//   auto result = launch(*program, memory, params, Options());
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_SIMULATOR_H
#define FLYATTN_SIMULATOR_SIMULATOR_H

#include "flyattn/Simulator/Checks.h"
#include "flyattn/Simulator/CodeObject.h"
#include "flyattn/Simulator/Memory.h"
#include "flyattn/Simulator/Program.h"
#include "flyattn/Simulator/Timing.h"

#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <vector>

namespace flyattn::sim {

/// What to launch: sizes in workgroups and work-items, as HIP has them.
struct LaunchParams {
  std::array<uint32_t, 3> grid = {1, 1, 1};  ///< workgroups
  std::array<uint32_t, 3> block = {1, 1, 1}; ///< work-items a workgroup
  uint32_t dynamicLds = 0;                   ///< bytes beyond the static LDS
  /// The kernel argument segment. The hidden arguments that compilers append
  /// may be left out: the simulator fills them in, as the HIP runtime does.
  std::vector<uint8_t> kernarg;

  /// Writes `value` at byte `offset` of the kernarg segment, growing it.
  template <typename T> void setKernarg(size_t offset, const T &value) {
    if (kernarg.size() < offset + sizeof(T))
      kernarg.resize(offset + sizeof(T));
    std::memcpy(kernarg.data() + offset, &value, sizeof(T));
  }
};

/// The order in which the waves of a workgroup take their turns.
enum class WaveOrder { Forward, Reverse, Random };

/// When the data of a memory operation arrives: at issue, or at the
/// `s_waitcnt` that covers it. `LateDma` delays LDS DMA only; it is what
/// kernels tuned on hardware need, since they lean on the latency of memory.
enum class CommitPolicy { Early, LateDma, Late };

/// The arithmetic of matrix instructions. `Fma` is the reference: products and
/// sums in f32 by fused multiply-add, k ascending. `Cdna3` adds groups of
/// products as gfx942 was found to do; it is slow, and for gfx942 only. See
/// docs/Simulator.md.
enum class MfmaNumerics { Fma, Cdna3 };

struct Options {
  unsigned threads = 0; ///< host threads; 0 = one a core
  /// Instructions that a wave runs before the next takes over.
  unsigned quantum = 16;
  WaveOrder order = WaveOrder::Forward;
  uint64_t seed = 0; ///< for WaveOrder::Random
  CommitPolicy commit = CommitPolicy::LateDma;
  MfmaNumerics mfma = MfmaNumerics::Fma;
  /// Look for races, uses of data that is still on its way, missing wait states
  /// and undefined values; see LaunchResult::checks. Costs speed.
  bool checks = false;
  /// Run some CUs cycle by cycle; see LaunchResult::timing. Costs speed, and
  /// needs all workgroups.
  std::optional<TimingOptions> timing;
  /// Wave instructions that one workgroup may execute before the launch is
  /// given up as endless; 0 = no bound.
  uint64_t instructionBudget = uint64_t(1) << 30;
  /// Called now and then, from any thread, with workgroups done and in all.
  std::function<void(uint64_t done, uint64_t total)> progress;
  /// If not empty, only these workgroups (linear ids, x fastest) are run.
  std::vector<uint64_t> workgroups;
};

struct LaunchResult {
  uint64_t instructions = 0; ///< wave instructions executed
  uint64_t workgroups = 0;   ///< workgroups executed
  uint64_t waves = 0;        ///< waves executed
  /// What s_incperflevel and s_decperflevel made of each performance counter.
  std::array<int64_t, 16> performanceCounters = {};
  CheckResults checks;                ///< empty without Options::checks
  std::optional<TimingResult> timing; ///< with Options::timing

  /// Adds what is counted of `other`: instructions, workgroups, waves and the
  /// performance counters.
  void addCounts(const LaunchResult &other);
};

/// Runs every workgroup of the launch. Fails, naming the mnemonic, the kernel
/// and the offset, on an instruction that the simulator does not know, on an
/// access outside the allocations, on a launch that does not fit the kernel,
/// and on a workgroup that can never complete.
llvm::Expected<LaunchResult> launch(const Program &program, Memory &memory,
                                    const LaunchParams &params,
                                    const Options &options = Options());

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_SIMULATOR_H
