//===- TimingConstants.cpp - The cycle model's constants ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/Timing.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace flyattn::sim;

using C = TimingConstants;

// Sources, by short name:
//   gluon    ROCm/gfx950-gluon-tutorials, measured with hardware traces
//   calc     AMD's matrix instruction calculator
//   llvm     LLVM 22's scheduling model and hazard recogniser
//   compute  rocprofiler-compute documentation, "Compute unit"
//   hipkit   HazyResearch/HipKittens, analysis of LDS phases
//   tinygrad hardware traces published with tinygrad
//   amd      AMD's CDNA3 and CDNA4 white papers and data sheets
static const TimingConstant table[] = {
    {"device.units", &C::computeUnits, 304, 256, 'P', 0, 0, "CUs", "amd"},
    {"device.xcds", &C::xcds, 8, 8, 'P', 0, 0, "dies", "amd"},

    {"issue.slot", &C::issueClocks, 4, 4, 'P', 0, 0, "clk",
     "compute: each SIMD issues every 4 clk, one a wave and one a category"},
    {"valu.plain", &C::valuClocks, 4, 4, 'P', 0, 0, "clk",
     "compute: 64 lanes on 16"},
    {"valu.transcendental", &C::transcendentalClocks, 16, 8, 'P', 0, 0, "clk",
     "gluon for gfx950, three beside an MFMA; quarter rate on gfx942"},
    {"valu.packed-math", &C::packedMathClocks, 4, 4, '?', 4, 8, "clk",
     "v_pk_{mul,add,fma}_f32; one note says 8. Never beside an MFMA (gluon)"},
    {"valu.permlane-swap", &C::permlaneSwapClocks, 8, 8, 'S', 4, 8, "clk",
     "gluon"},
    {"valu.quarter-rate", &C::quarterRateClocks, 16, 16, 'S', 8, 16, "clk",
     "32-bit integer products: llvm"},
    {"mfma.lead-in", &C::mfmaLeadIn, 4, 8, 'P', 0, 0, "clk",
     "VALU may issue beside an MFMA behind these: gluon; calc for gfx942"},
    {"mfma.result", &C::mfmaResultExtra, 12, 16, 'V', 0, 0, "clk",
     "behind the passes, until another unit may read: llvm"},
    {"issue.branch-taken", &C::branchTaken, 16, 16, '?', 8, 32, "clk",
     "refill of the instruction buffer"},
    {"issue.barrier", &C::barrierClocks, 32, 32, '?', 4, 48, "clk",
     "from the last arrival to the next instruction; set by the anchor"},

    {"lds.queue", &C::ldsQueue, 8, 8, 'P', 0, 0, "entries",
     "of a pair of SIMDs: gluon"},
    {"lds.pair-phase", &C::ldsPairClocksPerPhase, 2, 2, 'P', 0, 0, "clk",
     "a pair of SIMDs has half of the LDS width: gluon, amd"},
    {"lds.latency", &C::ldsLatency, 34, 34, 'P', 0, 0, "clk",
     "behind the service: 40 to 44 lightly loaded, 50 to 70 loaded: gluon"},
    {"lds.dma-write", &C::dmaWriteBytesPerClock, 128, 128, 'S', 64, 128,
     "bytes/clk", "hipkit: writes use 32 banks"},
    {"issue.shared-memory-port", &C::sharedMemoryPort, 0, 0, '?', 0, 1, "flag",
     "gluon: LDS and vector memory share an issue port"},

    {"vmem.width", &C::vmemBytesPerClock, 64, 64, 'P', 0, 0, "bytes/clk",
     "compute: L1 line of 128 bytes in 2 clk"},
    {"vmem.queue", &C::vmemQueue, 12, 12, 'P', 0, 0, "instructions", "gluon"},
    {"vmem.in-flight", &C::vmemBytesInFlight, 45056, 45056, 'P', 0, 0, "bytes",
     "gluon: 44 KB a CU"},
    {"l2.latency", &C::l2Latency, 1000, 1000, 'P', 500, 1200, "clk",
     "gluon: round trip in L2 under load"},
    {"l2.width", &C::l2BytesPerClock, 54, 64, 'S', 32, 64, "bytes/clk",
     "amd: 2048 bytes/clk an XCD, over its CUs"},
    {"hbm.latency", &C::hbmLatency, 1830, 1830, 'P', 1200, 1900, "clk",
     "tinygrad: 1768 to 1892 cold"},
    {"hbm.width", &C::hbmBytesPerClock, 8, 13, 'P', 0, 0, "bytes/clk",
     "amd: 5.3 and 8.0 TB/s at the peak clock, over the CUs"},
    {"l2.sharers", &C::lineSharers, 4, 4, '?', 1, 32, "CUs",
     "CUs of an XCD that read the same lines at about the same time: of lines "
     "new to a CU, one in so many comes from HBM"},

    {"smem.hit", &C::smemHit, 64, 64, '?', 40, 200, "clk", "scalar cache"},
    {"smem.miss", &C::smemMiss, 750, 750, 'P', 0, 0, "clk",
     "tinygrad: 732 to 768 cold"},
    {"fetch.miss", &C::fetchMiss, 500, 500, '?', 200, 1000, "clk",
     "instruction cache, cold"},
    {"fetch.bytes", &C::fetchBytes, 512, 512, '?', 128, 1024, "bytes",
     "that one miss brings"},
};

ArrayRef<TimingConstant> flyattn::sim::timingConstants() { return table; }

TimingConstants TimingConstants::of(StringRef chip) {
  TimingConstants constants;
  for (const TimingConstant &row : table)
    constants.*row.field = chip == "gfx950" ? row.gfx950 : row.gfx942;
  return constants;
}

Error flyattn::sim::checkTimingConstants(const TimingConstants &constants) {
  for (const TimingConstant &row : table)
    if (!(constants.*row.field) && row.unit != "flag")
      return createStringError(inconvertibleErrorCode(),
                               "timing constant '" + row.name +
                                   "' is 0, but must be at least 1 (start "
                                   "from TimingConstants::of)");
  if (constants.computeUnits < constants.xcds)
    return createStringError(
        inconvertibleErrorCode(),
        "timing constant 'device.units' is " + Twine(constants.computeUnits) +
            ", fewer than 'device.xcds', " + Twine(constants.xcds));
  return Error::success();
}

Error flyattn::sim::setTimingConstant(TimingConstants &constants,
                                      StringRef assignment) {
  auto [name, text] = assignment.split('=');
  const auto *row = find_if(
      table, [&](const TimingConstant &row) { return row.name == name; });
  uint32_t value;
  if (row != std::end(table) && !text.getAsInteger(10, value)) {
    TimingConstants changed = constants;
    changed.*row->field = value;
    if (Error error = checkTimingConstants(changed))
      return error;
    constants = changed;
    return Error::success();
  }
  if (row != std::end(table))
    return createStringError(inconvertibleErrorCode(),
                             "'" + assignment + "': '" + text +
                                 "' is not a number of " + row->unit +
                                 "; write " + name + "=<n>");
  std::string names;
  for (const TimingConstant &known : table)
    names += (names.empty() ? "" : ", ") + known.name.str();
  return createStringError(inconvertibleErrorCode(),
                           "'" + assignment + "': no constant '" + name +
                               "'; known are " + names);
}
