//===- Timing.h - The cycle model's constants and results -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With Options::timing a launch also runs some compute units (CUs) of the chip
// cycle by cycle, and from these estimates the whole device. A clock ("clk") is
// one of the shader's. docs/Simulator.md says what the model holds and what it
// leaves out. Timing changes no result.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_TIMING_H
#define FLYATTN_SIMULATOR_TIMING_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace flyattn::sim {

/// Every number of the cycle model. Their values and sources stand in one
/// table, TimingConstants.cpp.
struct TimingConstants {
  // The device.
  uint32_t computeUnits, xcds;
  // Issue and the vector units of a SIMD.
  uint32_t issueClocks, valuClocks, transcendentalClocks, packedMathClocks,
      permlaneSwapClocks, quarterRateClocks, mfmaLeadIn, mfmaResultExtra,
      branchTaken, barrierClocks;
  // LDS.
  uint32_t ldsQueue, ldsPairClocksPerPhase, ldsLatency, dmaWriteBytesPerClock,
      sharedMemoryPort;
  // Vector memory.
  uint32_t vmemBytesPerClock, vmemQueue, vmemBytesInFlight, l2Latency,
      l2BytesPerClock, hbmLatency, hbmBytesPerClock, lineSharers;
  // Scalar memory and instruction fetch.
  uint32_t smemHit, smemMiss, fetchMiss, fetchBytes;

  static TimingConstants of(llvm::StringRef chip);
};

/// One row of the table.
struct TimingConstant {
  llvm::StringRef name; ///< "lds.latency"
  uint32_t TimingConstants::*field;
  uint32_t gfx942, gfx950;
  /// How sure: 'P' a primary or published source, 'V' verified, 'S' one
  /// secondary source, '?' uncertain. The last two have a range.
  char mark;
  uint32_t low, high; ///< the range for --sensitivity; 0, 0 without
  llvm::StringRef unit, source;
};

llvm::ArrayRef<TimingConstant> timingConstants();

/// Fails if one is 0 that must not be, or there are more XCDs than CUs.
llvm::Error checkTimingConstants(const TimingConstants &constants);

/// Sets one constant by "name=value". The error names what is known.
llvm::Error setTimingConstant(TimingConstants &constants,
                              llvm::StringRef assignment);

struct TimingOptions {
  TimingConstants constants = {};
  /// CUs that are run cycle by cycle, spread over the device; 0 = all that have
  /// work. Other workgroups are executed, but not timed.
  unsigned sampledUnits = 8;
  bool onlySampled = false; ///< leave the other workgroups out
  /// The clocks [first, second) of the first sampled CU to record.
  std::array<uint64_t, 2> trace = {0, 0};
};

/// Why a wave could not issue its next instruction.
enum class Stall : uint8_t {
  VmCount,       ///< s_waitcnt vmcnt
  LgkmCount,     ///< s_waitcnt lgkmcnt
  Barrier,       ///< other waves have yet to arrive
  MfmaResult,    ///< an operand comes from a matrix instruction
  MfmaBusy,      ///< the matrix unit is taken
  VectorBusy,    ///< the vector unit is taken
  IssueConflict, ///< another wave issued one of this category
  LdsQueue,
  VmemQueue,
  Fetch,
  Nop, ///< s_nop beyond its own slot
};
constexpr unsigned stallCauses = 11;
llvm::StringRef nameOf(Stall cause); ///< "vmcnt", "mfma-busy", ...

/// One static instruction, over all waves of the sampled CUs.
struct TimedInst {
  uint64_t offset = 0; ///< bytes from the kernel's entry
  std::string text;
  uint64_t issued = 0;                        ///< by waves
  std::array<uint64_t, stallCauses> stalls{}; ///< clk of waves
  uint64_t stalled() const;
};

/// A loop, closed by a branch that was taken backwards.
struct TimedLoop {
  uint64_t begin = 0, end = 0; ///< offsets: the head, behind the branch
  uint64_t iterations = 0;     ///< by waves
  double clocks = 0;           ///< an iteration, on average
  double mfmaBusy = 0;         ///< share of the loop's time, per SIMD
  double mfmaClocks = 0;       ///< an iteration of one wave
  double valuClocks = 0;       ///< of issue, MFMA lead-ins included; same
};

/// One bar of the trace; `track` tells wave or unit.
struct TraceEvent {
  std::string track;
  uint64_t begin = 0, clocks = 0;
  std::string name;
  uint64_t offset = 0; ///< of the instruction
};

struct TimingResult {
  uint64_t deviceClocks = 0;      ///< estimate: until the last workgroup ends
  double deviceMfmaBusy = 0;      ///< of all SIMDs over deviceClocks
  unsigned workgroupsPerUnit = 0; ///< resident at a time
  unsigned sampledUnits = 0;
  uint64_t timedWorkgroups = 0;
  uint64_t unitClocks = 0;      ///< the longest of the sampled CUs
  uint64_t workgroupClocks = 0; ///< a workgroup, on average
  double mfmaBusy = 0;          ///< of the sampled CUs while they work
  double valuBusy = 0;          ///< vector issue, MFMA lead-ins included
  double ldsBusy = 0, vmemBusy = 0;
  std::vector<TimedLoop> loops; ///< most iterations first
  std::vector<TimedInst> insts; ///< all, by offset
  std::vector<TraceEvent> trace;
};

/// Writes the trace as JSON for Perfetto or chrome://tracing; 1 us is 1 clk.
std::string traceToJson(llvm::ArrayRef<TraceEvent> events);

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_TIMING_H
