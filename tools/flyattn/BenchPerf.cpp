//===- BenchPerf.cpp - Our kernels beside foreign ones --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace flyattn::driver {

namespace {

/// AITER's kernel of the job's problem: bf16, rounded to nearest even as ours;
/// for gfx942 the one that is tuned for all of the chip's CUs.
const aiter::Kernel *findForeign(ArrayRef<aiter::Kernel> kernels,
                                 const BenchJob &job) {
  const Problem &p = job.problem;
  bool gfx950 = job.chip == "gfx950";
  auto found = find_if(kernels, [&](const aiter::Kernel &kernel) {
    return kernel.gfx950 == gfx950 && !kernel.fp8 && !kernel.group &&
           kernel.headDimQk == p.headDim && kernel.headDimV == p.headDimOfV() &&
           kernel.causal == (p.mask == MaskKind::Causal) &&
           kernel.rounding == aiter::Kernel::NearestEven &&
           (gfx950 || kernel.path.parent_path().filename() == "MI300");
  });
  return found == kernels.end() ? nullptr : found;
}

/// A foreign kernel that stands by to run on the inputs of ours.
struct Foreign {
  const aiter::Kernel &kernel;
  sim::CodeObject object;

  const sim::KernelInfo &info() const { return object.kernels().front(); }
};

/// Runs `foreign` on the q, k and v of `ours`.
Expected<Execution> execute(const Foreign &foreign, const Problem &problem,
                            Device &device, const ForwardBuffers &ours) {
  Execution run;
  run.buffers = ours;
  auto o = device.allocate(ours.o.size, "aiter's o");
  auto lse = device.allocate(ours.lse->size, "aiter's lse");
  if (Error error = joinErrors(o.takeError(), lse.takeError()))
    return std::move(error);
  run.buffers.o = *o;
  run.buffers.lse = *lse;
  aiter::Call call;
  call.q = ours.q.address;
  call.k = ours.k.address;
  call.v = ours.v.address;
  call.o = o->address;
  call.lse = lse->address;
  call.batch = uint32_t(problem.batch);
  call.heads = uint32_t(problem.heads);
  call.kvHeads = uint32_t(problem.kvHeads);
  call.seqlenQ = uint32_t(problem.seqlenQ);
  call.seqlenKv = uint32_t(problem.seqlenKv);
  call.totalQ = call.batch * call.seqlenQ;
  call.scale = float(problem.softmaxScale());
  sim::LaunchParams params;
  aiter::setKernarg(params, foreign.kernel, call);
  aiter::setGrid(params, foreign.kernel, call);
  auto module = device.loadModule(foreign.object.bytes());
  if (!module)
    return module.takeError();
  auto stats = device.launch(**module, foreign.info().name,
                             {params.grid, params.block}, params.kernarg);
  if (!stats)
    return stats.takeError();
  run.grid = params.grid;
  run.stats = std::move(*stats);
  return run;
}

/// Ours and the foreign kernel, if there is one, on a device of their own.
struct Pair {
  std::unique_ptr<Device> device; ///< holds the buffers
  std::optional<Execution> ours, foreign;
};

class PerfRun {
public:
  PerfRun(const BenchJob &job, const Plan &made, const Foreign *foreign)
      : job(job), made(made), foreign(foreign) {}

  Expected<Pair> run(const sim::Options &options) const {
    Pair pair;
    pair.device = createSimulatedDevice(job.chip, options);
    auto ours =
        driver::execute(job.problem, made, *pair.device, [&](Operand operand) {
          return benchInput(job, operand);
        });
    if (!ours)
      return ours.takeError();
    pair.ours = std::move(*ours);
    if (!foreign)
      return pair;
    auto theirs =
        execute(*foreign, job.problem, *pair.device, pair.ours->buffers);
    if (!theirs)
      return theirs.takeError();
    pair.foreign = std::move(*theirs);
    return pair;
  }

  /// The ratio over the range of every uncertain constant.
  Expected<std::vector<RatioRow>> sensitivity(sim::Options options,
                                              ProgressBar &bar) const {
    std::vector<uint64_t> foreignClocks;
    options.progress = nullptr;
    const sim::TimingOptions base = *options.timing;
    auto rows = runSensitivity(
        base, [&](sim::TimingOptions timing) -> Expected<sim::TimingResult> {
          options.timing = timing;
          auto pair = run(options);
          if (!pair)
            return pair.takeError();
          foreignClocks.push_back(clocksOf(*pair->foreign));
          bar.update(foreignClocks.size(), 2 * sim::timingConstants().size());
          return std::move(*pair->ours->stats.simulated->timing);
        });
    if (!rows)
      return rows.takeError();
    std::vector<RatioRow> ratios;
    for (auto [row, clocks] : zip_equal(*rows, foreignClocks))
      ratios.push_back(
          {row.constant, row.value, row.result.deviceClocks, clocks});
    return ratios;
  }

  static uint64_t clocksOf(const Execution &run) {
    return run.stats.simulated->timing->deviceClocks;
  }

private:
  const BenchJob &job;
  const Plan &made;
  const Foreign *foreign;
};

} // namespace

std::vector<BenchRow> runPerfJob(const BenchJob &job,
                                 const BenchSettings &settings,
                                 ArrayRef<aiter::Kernel> kernels,
                                 StringRef title) {
  std::vector<BenchRow> rows(1);
  BenchRow &ours = rows.front();
  ours.job = job;
  ProgressBar bar(title);
  std::optional<Plan> made = planRow(ours);
  if (!made)
    return rows;
  std::optional<Foreign> foreign;
  if (const aiter::Kernel *kernel = findForeign(kernels, job)) {
    auto object = aiter::loadObject(*kernel);
    if (!object) {
      ours.reason = toString(object.takeError());
      return rows;
    }
    foreign.emplace(Foreign{*kernel, std::move(*object)});
  }
  BenchSimulation simulation = simulationOf(job, *made, settings, bar);
  PerfRun perf(job, *made, foreign ? &*foreign : nullptr);
  auto pair = perf.run(simulation.options);
  if (!pair) {
    ours.reason = toString(pair.takeError());
    return rows;
  }
  finishRow(ours, *pair->ours, simulation.sampled,
            made->kernel->config.rowsPerWave, made->kernel->config.kvTile);
  if (!foreign)
    return rows;
  ours.ratio = double(PerfRun::clocksOf(*pair->foreign)) /
               double(PerfRun::clocksOf(*pair->ours));
  BenchRow theirs;
  theirs.job = job;
  theirs.isForeign = true;
  theirs.kernel = foreign->kernel.path.stem().string();
  theirs.info = foreign->info();
  finishRow(theirs, *pair->foreign, simulation.sampled,
            foreign->kernel.rowsPerWave(), /*kvTile=*/64);
  if (settings.sensitivity) {
    *pair = Pair(); // before others take as much memory
    auto ratios = perf.sensitivity(simulation.options, bar);
    if (ratios) {
      ours.sensitivity = std::move(*ratios);
    } else {
      ours.verdict = Verdict::Failed;
      ours.reason = toString(ratios.takeError());
    }
  }
  rows.push_back(std::move(theirs));
  return rows;
}

} // namespace flyattn::driver
