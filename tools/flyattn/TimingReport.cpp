//===- TimingReport.cpp - What the commands print of timing ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimingReport.h"

#include "Driver.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

Expected<std::vector<SensitivityRow>> runSensitivity(
    const sim::TimingOptions &base,
    function_ref<Expected<sim::TimingResult>(sim::TimingOptions)> rerun) {
  std::vector<SensitivityRow> rows;
  for (const sim::TimingConstant &constant : sim::timingConstants())
    for (uint32_t value : {constant.low, constant.high}) {
      if (constant.low == constant.high ||
          base.constants.*constant.field == value)
        continue;
      sim::TimingOptions options = base;
      options.onlySampled = true;
      options.trace = {0, 0};
      options.constants.*constant.field = value;
      auto result = rerun(options);
      if (!result)
        return result.takeError();
      result->insts.clear();
      rows.push_back({constant.name, value, std::move(*result)});
    }
  return rows;
}

static std::string percent(double share) {
  return formatv("{0:f1}%", 100 * share).str();
}

/// "mfma-busy 12.3, vmcnt 1.0": clk of a wave an issue, the worst first.
static std::string describeStalls(const sim::TimedInst &inst) {
  SmallVector<unsigned, sim::stallCauses> causes;
  for (unsigned cause = 0; cause < sim::stallCauses; ++cause)
    if (inst.stalls[cause])
      causes.push_back(cause);
  sort(causes, [&](unsigned a, unsigned b) {
    return std::pair(inst.stalls[b], a) < std::pair(inst.stalls[a], b);
  });
  std::string text;
  for (unsigned cause : causes)
    text += formatv("{0}{1} {2:f1}", text.empty() ? "" : ", ",
                    nameOf(sim::Stall(cause)),
                    double(inst.stalls[cause]) /
                        double(std::max<uint64_t>(inst.issued, 1)));
  return text;
}

void print(raw_ostream &os, const sim::TimingResult &timing,
           const std::optional<KvTileFacts> &tile) {
  os << formatv("timing   device {0:N} clk (estimate), MFMA busy {1}\n",
                timing.deviceClocks, percent(timing.deviceMfmaBusy))
     << formatv("         {0} CUs and {1} workgroups run in cycles, {2} a CU "
                "at a time: {3:N} clk the longest CU, {4:N} clk a workgroup\n",
                timing.sampledUnits, timing.timedWorkgroups,
                timing.workgroupsPerUnit, timing.unitClocks,
                timing.workgroupClocks)
     << formatv("         while they work: MFMA {0}, VALU issue {1}, LDS {2}, "
                "vector memory {3}\n",
                percent(timing.mfmaBusy), percent(timing.valuBusy),
                percent(timing.ldsBusy), percent(timing.vmemBusy));
  constexpr size_t mostLoops = 4, mostInsts = 8;
  for (const sim::TimedLoop &loop :
       ArrayRef(timing.loops).take_front(mostLoops)) {
    os << formatv("  loop {0:x} to {1:x}: {2:f0} clk an iteration, MFMA busy "
                  "{3}; a wave's own work: MFMA {4:f0}, VALU issue {5:f0} clk",
                  loop.begin, loop.end, loop.clocks, percent(loop.mfmaBusy),
                  loop.mfmaClocks, loop.valuClocks);
    if (tile && loop.mfmaClocks > 0) {
      double columns = loop.mfmaClocks / tile->mfmaClocksPerColumn;
      os << formatv("; {0:f0} clk a KV tile of {1}",
                    loop.clocks / columns * tile->columns, tile->columns);
    }
    os << '\n';
  }
  std::vector<const sim::TimedInst *> worst;
  for (const sim::TimedInst &inst : timing.insts)
    if (inst.stalled())
      worst.push_back(&inst);
  sort(worst, [](const sim::TimedInst *a, const sim::TimedInst *b) {
    return std::pair(b->stalled(), a->offset) <
           std::pair(a->stalled(), b->offset);
  });
  if (!worst.empty())
    os << "  waited most (clk a wave and issue):\n";
  for (const sim::TimedInst *inst : ArrayRef(worst).take_front(mostInsts))
    os << formatv("    {0,6:x}  {1,-48} {2}\n", inst->offset, inst->text,
                  describeStalls(*inst));
}

void print(raw_ostream &os, const sim::TimingResult &base,
           ArrayRef<SensitivityRow> rows) {
  os << "sensitivity: the device's clocks with another value of one constant\n";
  double least = 1, most = 1;
  for (const SensitivityRow &row : rows) {
    double ratio = double(row.result.deviceClocks) / double(base.deviceClocks);
    least = std::min(least, ratio);
    most = std::max(most, ratio);
    double busy = row.result.loops.empty() ? 0 : row.result.loops[0].mfmaBusy;
    os << formatv(
        "  {0,-26} {1,6}  {2,12:N} clk  {3:f3}x  loop MFMA busy {4}\n",
        row.constant, row.value, row.result.deviceClocks, ratio, percent(busy));
  }
  os << formatv("  spread {0:f3}x to {1:f3}x\n", least, most);
}

static json::Object loopToJson(const sim::TimedLoop &loop) {
  return json::Object{{"begin", int64_t(loop.begin)},
                      {"end", int64_t(loop.end)},
                      {"iterations", int64_t(loop.iterations)},
                      {"clocks", toJson(loop.clocks)},
                      {"mfma_busy", toJson(loop.mfmaBusy)},
                      {"mfma_clocks", toJson(loop.mfmaClocks)},
                      {"valu_clocks", toJson(loop.valuClocks)}};
}

static json::Object instToJson(const sim::TimedInst &inst) {
  json::Object stalls;
  for (unsigned cause = 0; cause < sim::stallCauses; ++cause)
    if (inst.stalls[cause])
      stalls[nameOf(sim::Stall(cause))] = int64_t(inst.stalls[cause]);
  return json::Object{{"offset", int64_t(inst.offset)},
                      {"text", inst.text},
                      {"issued", int64_t(inst.issued)},
                      {"stalls", std::move(stalls)}};
}

json::Object toJson(const sim::TimingResult &timing) {
  json::Array loops, insts;
  for (const sim::TimedLoop &loop : timing.loops)
    loops.push_back(loopToJson(loop));
  for (const sim::TimedInst &inst : timing.insts)
    if (inst.issued)
      insts.push_back(instToJson(inst));
  return json::Object{{"device_clocks", int64_t(timing.deviceClocks)},
                      {"device_mfma_busy", toJson(timing.deviceMfmaBusy)},
                      {"workgroups_per_unit", timing.workgroupsPerUnit},
                      {"sampled_units", timing.sampledUnits},
                      {"timed_workgroups", int64_t(timing.timedWorkgroups)},
                      {"unit_clocks", int64_t(timing.unitClocks)},
                      {"workgroup_clocks", int64_t(timing.workgroupClocks)},
                      {"mfma_busy", toJson(timing.mfmaBusy)},
                      {"valu_busy", toJson(timing.valuBusy)},
                      {"lds_busy", toJson(timing.ldsBusy)},
                      {"vmem_busy", toJson(timing.vmemBusy)},
                      {"loops", std::move(loops)},
                      {"instructions", std::move(insts)}};
}

json::Array toJson(ArrayRef<SensitivityRow> rows) {
  json::Array array;
  for (const SensitivityRow &row : rows)
    array.push_back(json::Object{
        {"constant", row.constant},
        {"value", row.value},
        {"device_clocks", int64_t(row.result.deviceClocks)},
        {"loop_mfma_busy", row.result.loops.empty()
                               ? json::Value(nullptr)
                               : toJson(row.result.loops[0].mfmaBusy)}});
  return array;
}

Error writeTrace(StringRef path, const sim::TimingResult &timing) {
  std::error_code code;
  raw_fd_ostream file(path, code, sys::fs::OF_Text);
  if (!code) {
    file << traceToJson(timing.trace);
    file.close();
    code = file.error();
    file.clear_error();
  }
  if (code)
    return failure(BadUsage, "'" + path + "': " + code.message());
  return Error::success();
}

} // namespace flyattn::driver
