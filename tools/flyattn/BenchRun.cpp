//===- BenchRun.cpp - One problem of flyattn bench ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Inputs.h"

#include "flyattn/Runtime/KernelCache.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>
#include <random>
#include <set>

using namespace llvm;

namespace flyattn::driver {

/// What of the budget a launch may run cycle by cycle, which is slower.
static constexpr double kTimedShare = 0.3;
/// The device's clocks are interpolated over the places of workgroups in the
/// grid, on which the work of those under a mask, or of packed sequences,
/// depends.
static constexpr unsigned kMinUnevenUnits = 4;
/// Multiply-adds of the reference, as in chooseRows.
static constexpr double kReferenceBudget = 3e9;
static constexpr int64_t kMaxRows = 1 << 17;

static uint64_t workgroupsOf(const Plan &plan) {
  return uint64_t(plan.shape.grid[0]) * plan.shape.grid[1] * plan.shape.grid[2];
}

/// `count` of the numbers below `size`, with the first and the last.
static std::vector<uint64_t> pick(uint64_t size, uint64_t count) {
  std::mt19937_64 random(0);
  std::set<uint64_t> chosen = {0, size - 1};
  while (chosen.size() < std::min(count, size))
    chosen.insert(random() % size);
  return {chosen.begin(), chosen.end()};
}

/// About `count` workgroups: some blocks of rows, with all of their parts.
static std::vector<uint64_t> pickSplit(const Plan &plan, uint64_t count) {
  const auto &[x, y, z] = plan.shape.grid;
  uint64_t plane = uint64_t(x) * y, blocks = plane * (z / plan.splits);
  std::vector<uint64_t> chosen;
  for (uint64_t block : pick(blocks, count / plan.splits + 2))
    for (uint64_t part = 0; part < plan.splits; ++part)
      chosen.push_back(block % plane +
                       plane * (block / plane * plan.splits + part));
  sort(chosen);
  return chosen;
}

BenchSimulation simulationOf(const BenchJob &job, const Plan &plan,
                             const BenchSettings &settings, ProgressBar &bar) {
  BenchSimulation result;
  result.options.progress = [&bar](uint64_t done, uint64_t total) {
    bar.update(done, total);
  };
  double flops = std::max(job.problem.flops(), 1.0);
  uint64_t total = workgroupsOf(plan);
  result.sampled = flops > settings.budget;
  if (settings.timing) {
    sim::TimingOptions timing;
    timing.constants = sim::TimingConstants::of(job.chip);
    uint64_t working = std::min<uint64_t>(total, timing.constants.computeUnits);
    auto affordable =
        unsigned(kTimedShare * settings.budget / flops * double(working));
    bool even = job.problem.mask == MaskKind::None && !job.problem.packed();
    unsigned least = even ? 1 : kMinUnevenUnits;
    timing.sampledUnits =
        std::min(settings.timingUnits, std::max(affordable, least));
    result.sampled |= settings.onlySampled;
    timing.onlySampled = result.sampled;
    result.sampled &= timing.sampledUnits && timing.sampledUnits < working;
    result.options.timing = timing;
  } else if (result.sampled && plan.splits > 1) {
    result.options.workgroups =
        pickSplit(plan, uint64_t(settings.budget / flops * double(total)));
  } else if (result.sampled) {
    result.options.workgroups =
        pick(total, uint64_t(settings.budget / flops * double(total)) + 2);
  }
  return result;
}

/// What a ProblemError says, in a line.
static std::string reasonOf(const ProblemError &error) {
  std::string text;
  for (const Diagnostic &d : error.diagnostics)
    text += (text.empty() ? "" : "; ") + d.argument + ": " + d.message;
  return text;
}

std::optional<Plan> planRow(BenchRow &row) {
  auto made = plan(row.job.problem, row.job.chip);
  if (made) {
    row.kernel = made->kernel->kernelName;
    row.config = made->kernel->config;
    auto object =
        sim::CodeObject::load(arrayRefFromStringRef(made->kernel->output));
    if (object)
      row.info = *object->find(row.kernel);
    else
      consumeError(object.takeError());
    return std::move(*made);
  }
  handleAllErrors(
      made.takeError(),
      [&](const ProblemError &error) {
        row.verdict = error.isBadUsage() ? Verdict::Failed : Verdict::Refused;
        row.reason = reasonOf(error);
      },
      [&](const ErrorInfoBase &error) { row.reason = error.message(); });
  return std::nullopt;
}

Tensor benchInput(const BenchJob &job, Operand operand) {
  return makeInput(job.problem, operand, Init::Normal, /*seed=*/0);
}

namespace {

/// A device's memory as the host sees it: the simulator's addresses are the
/// host's.
template <typename T> const T *onHost(const DeviceBuffer &buffer) {
  return reinterpret_cast<const T *>(buffer.address);
}

/// Every row of `o` that a kernel wrote: buffers start as 0xFF, a NaN. The
/// kernel that combines makes NaNs of parts that were not run, so with splits a
/// row of NaNs is not written.
template <typename Bits>
std::vector<std::array<int64_t, 3>> writtenRows(const Problem &problem,
                                                const Bits *o, Bits infinity) {
  OperandStrides s = problem.stridesOf(Operand::O);
  constexpr Bits all = std::numeric_limits<Bits>::max();
  auto isWritten = [&](Bits x) {
    return problem.splits == 1 ? x != all : (x & (all >> 1)) <= infinity;
  };
  std::vector<std::array<int64_t, 3>> rows;
  for (int64_t batch = 0; batch < problem.batch; ++batch)
    for (int64_t head = 0; head < problem.heads; ++head)
      for (int64_t i = 0; i < problem.rowsOf(Operand::Q, batch).length; ++i) {
        const Bits *row =
            o + problem.offsetOf(Operand::O, batch, head) + i * s.seq;
        if (any_of(ArrayRef(row, size_t(problem.headDimOfV())), isWritten))
          rows.push_back({batch, head, i});
      }
  return rows;
}

std::vector<std::array<int64_t, 3>> writtenRows(const Problem &problem,
                                                const void *o) {
  switch (problem.dtype) {
  case ElementType::BF16:
    return writtenRows<uint16_t>(problem, static_cast<const uint16_t *>(o),
                                 0x7F80);
  case ElementType::F16:
    return writtenRows<uint16_t>(problem, static_cast<const uint16_t *>(o),
                                 0x7C00);
  case ElementType::F32:
    return writtenRows<uint32_t>(problem, static_cast<const uint32_t *>(o),
                                 0x7F800000);
  }
  llvm_unreachable("unknown element type");
}

RowSample chooseWritten(const Problem &problem,
                        ArrayRef<std::array<int64_t, 3>> rows) {
  RowSample sample;
  sample.sampled = true;
  double cost =
      double(problem.headDim + problem.headDimOfV()) * double(problem.seqlenKv);
  double affordable =
      std::clamp(kReferenceBudget / cost, 2.0, double(kMaxRows));
  for (uint64_t n : pick(rows.size(), uint64_t(affordable))) {
    auto [batch, head, row] = rows[n];
    if (sample.heads.empty() || sample.heads.back().batch != batch ||
        sample.heads.back().head != head)
      sample.heads.push_back({batch, head, {}});
    sample.heads.back().rows.push_back(row);
  }
  return sample;
}

/// The loop that holds most of the time, of those that hold no other; matrix
/// instructions are a KV tile's.
std::optional<LoopFacts> mainLoop(const sim::TimingResult &timing,
                                  const KvTileFacts &tile) {
  constexpr double columns = 64;
  auto works = [](const sim::TimedLoop &loop) { return loop.mfmaClocks > 0; };
  for (const sim::TimedLoop &loop : timing.loops) { // most time first
    bool isOuter = any_of(timing.loops, [&](const sim::TimedLoop &other) {
      return works(other) && other.begin >= loop.begin &&
             other.end <= loop.end &&
             other.end - other.begin < loop.end - loop.begin;
    });
    if (!works(loop) || isOuter)
      continue;
    double share = columns * tile.mfmaClocksPerColumn / loop.mfmaClocks;
    return LoopFacts{loop.clocks * share, loop.mfmaBusy,
                     loop.mfmaClocks * share, loop.valuClocks * share};
  }
  return std::nullopt;
}

/// Compares what the launch wrote with the reference. `share` is that of the
/// workgroups that ran.
void check(BenchRow &row, const ForwardBuffers &buffers, double share) {
  const Problem &problem = row.job.problem;
  const auto *o = onHost<void>(buffers.o);
  RowSample sample;
  if (row.sampledWorkgroups) {
    auto rows = writtenRows(problem, o);
    // Tiles at the end are ragged, and a kernel may pair tiles.
    double expected =
        share * double((problem.packed() ? 1 : problem.batch) * problem.heads *
                       problem.totalRowsOf(Operand::O));
    if (double(rows.size()) < expected / 2) {
      row.reason = formatv("the workgroups that ran wrote {0:N} rows; about "
                           "{1:N} were expected",
                           rows.size(), uint64_t(expected));
      return;
    }
    sample = chooseWritten(problem, rows);
  } else {
    sample =
        chooseRows(problem, row.config ? row.config->rowsPerWorkgroup() : 256,
                   /*seed=*/0, kReferenceBudget);
  }
  row.sampledRows = sample.sampled;
  HostInputs inputs = {onHost<void>(buffers.q), onHost<void>(buffers.k),
                       onHost<void>(buffers.v)};
  ReferenceRows reference = computeReference(
      problem, inputs, sample, effectiveRounding(problem, row.job.chip));
  row.comparison =
      compare(problem, sample, reference,
              {o, buffers.lse ? onHost<float>(*buffers.lse) : nullptr});
  row.verdict = row.comparison->passed() ? Verdict::Right : Verdict::Wrong;
}

} // namespace

void finishRow(BenchRow &row, const Execution &run, bool sampled,
               unsigned rowsPerWave, unsigned kvTile) {
  row.seconds = run.stats.seconds;
  row.sampledWorkgroups = sampled;
  if (run.stats.simulated->timing) {
    row.timing = *run.stats.simulated->timing;
    row.timing->insts.clear();
    row.loop = mainLoop(*row.timing, kvTileFacts(row.job.chip, row.job.problem,
                                                 rowsPerWave, kvTile));
  }
  const std::array<uint32_t, 3> &grid = run.grid;
  check(row, run.buffers,
        double(run.stats.simulated->workgroups - run.combining) /
            (double(grid[0]) * grid[1] * grid[2]));
}

BenchRow runJob(const BenchJob &job, const BenchSettings &settings,
                StringRef title) {
  BenchRow row;
  row.job = job;
  ProgressBar bar(title);
  std::optional<Plan> made = planRow(row);
  if (!made)
    return row;
  BenchSimulation simulation = simulationOf(job, *made, settings, bar);
  if (simulation.sampled && made->combine && settings.timing) {
    row.verdict = Verdict::Refused;
    row.reason = formatv("some CUs alone do not have all parts of a row: give "
                         "--budget {0:F0} or more, or no --timing",
                         std::ceil(job.problem.flops() / 1e9));
    return row;
  }
  auto device = createSimulatedDevice(job.chip, simulation.options);
  auto run = execute(job.problem, *made, *device,
                     [&](Operand operand) { return benchInput(job, operand); });
  if (!run) {
    row.reason = toString(run.takeError());
    return row;
  }
  finishRow(row, *run, simulation.sampled, made->kernel->config.rowsPerWave,
            made->kernel->config.kvTile);
  return row;
}

} // namespace flyattn::driver
