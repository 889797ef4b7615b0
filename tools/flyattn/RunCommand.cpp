//===- RunCommand.cpp - flyattn run ---------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Run.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

namespace {

template <typename T>
Error download(Device &device, const DeviceBuffer &buffer,
               std::vector<T> &out) {
  out.resize(buffer.size / sizeof(T));
  return device.read(buffer, 0,
                     {reinterpret_cast<uint8_t *>(out.data()), buffer.size});
}

/// Runs the plan; every error here is the device's.
Error execute(Run &run, Device &device) {
  run.deviceName = device.name().str();
  // A long problem's inputs need not be there twice: random ones are made again
  // where they are needed again.
  bool keeps = run.settings.timing.sensitivity ||
               (run.settings.check != Check::None && !run.isRandom());
  auto done = driver::execute(
      run.problem, run.plan, device,
      [&](Operand operand) {
        Tensor &tensor = run.inputs.of(operand);
        return keeps ? tensor : std::move(tensor);
      },
      run.mods);
  if (!done)
    return done.takeError();
  run.stats = std::move(done->stats);
  if (done->buffers.lse)
    if (Error error = download(device, *done->buffers.lse, run.lse))
      return error;
  return download(device, done->buffers.o, run.o);
}

Error rerunForSensitivity(Run &run) {
  ProgressBar bar("sensitivity");
  uint64_t done = 0;
  auto rows = runSensitivity(
      *run.settings.simulator.timing,
      [&](sim::TimingOptions timing) -> Expected<sim::TimingResult> {
        sim::Options options = run.settings.simulator;
        options.timing = timing;
        options.checks = false;
        auto device = createSimulatedDevice(run.chip, options);
        Run again = run;
        if (Error error = execute(again, *device))
          return std::move(error);
        bar.update(++done, 2 * sim::timingConstants().size());
        return std::move(*again.stats.simulated->timing);
      });
  if (!rows)
    return withCode(DeviceFailure, rows.takeError());
  run.sensitivity = std::move(*rows);
  return Error::success();
}

Error writeOutputs(const Run &run) {
  const Problem &p = run.problem;
  DType type = npyTypeOf(p.dtype);
  if (!run.settings.timing.traceFile.empty())
    if (Error error = writeTrace(run.settings.timing.traceFile,
                                 *run.stats.simulated->timing))
      return error;
  if (!run.settings.out.empty())
    if (Error error =
            writeNpy(run.settings.out, type, p.shapeOf(Operand::O), run.o))
      return withCode(BadUsage, std::move(error));
  if (run.settings.lse.empty())
    return Error::success();
  ArrayRef<uint8_t> bytes(reinterpret_cast<const uint8_t *>(run.lse.data()),
                          run.lse.size() * sizeof(float));
  return withCode(BadUsage,
                  writeNpy(run.settings.lse, DType::F32, p.lseShape(), bytes));
}

void checkResult(Run &run) {
  if (run.inputs.q.empty())
    run.inputs = makeInputs(run.problem, run.settings.init, run.settings.seed);
  if (run.settings.rows.empty())
    run.sample =
        chooseRows(run.problem, run.plan.kernel->config.rowsPerWorkgroup(),
                   run.settings.seed);
  HostInputs inputs = run.inputs.host();
  inputs.mods = run.mods.host();
  ReferenceRows reference =
      computeReference(run.problem, inputs, run.sample,
                       effectiveRounding(run.problem, run.chip));
  std::vector<double> expected;
  if (run.expected)
    expected = gatherRows(run.problem, run.sample, run.expected->data());
  HostOutputs outputs = {run.o.data(),
                         run.settings.noLse ? nullptr : run.lse.data()};
  run.comparison =
      compare(run.problem, run.sample, reference, outputs, expected);
}

Error runRun() {
  Run run;
  run.settings = runSettings();
  if (Error error = setUpRun(run))
    return error;
  {
    ProgressBar bar("running");
    sim::Options options = run.settings.simulator;
    auto made = plan(run.problem, run.chip);
    if (!made)
      return withCode(Unsupported, made.takeError());
    run.plan = std::move(*made);
    if (!run.settings.rows.empty()) {
      run.sample = sampleOf(run.problem, run.selection);
      options.workgroups = workgroupsOf(run.plan, run.problem, run.sample);
    }
    options.progress = [&](uint64_t done, uint64_t total) {
      bar.update(done, total);
    };
    auto device = openDevice(run.chip, run.settings.device, options);
    if (!device)
      return withCode(DeviceFailure, device.takeError());
    if (Error error = execute(run, **device))
      return withCode(DeviceFailure, std::move(error));
  }
  if (run.settings.timing.sensitivity)
    if (Error error = rerunForSensitivity(run))
      return error;
  if (Error error = writeOutputs(run))
    return error;
  if (run.settings.check == Check::Reference)
    checkResult(run);
  if (run.settings.json != "-")
    printRun(outs(), run);
  if (!run.settings.json.empty())
    if (Error error = writeJson(run.settings.json, resultOf(run)))
      return error;
  if (run.comparison && !run.comparison->passed())
    return failure(WrongResult,
                   "the result is wrong: see its errors and bounds");
  if (failsChecks(run))
    return failure(WrongResult, "the checks found faults: see their reports");
  return Error::success();
}

} // namespace

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn run --arch gfx950 --heads 8 --seqlen-q 1024 --mask causal
      random inputs on a GPU or, without one, on the simulator; the result is
      compared with an f64 reference
  flyattn run --arch gfx942 --heads 8 --kv-heads 2 --seqlen-q 1 --seqlen-kv 300 --dtype f16
      one query row against 300 keys, four query heads to a KV head
  flyattn run --arch gfx950 --heads 64 --kv-heads 8 --seqlen-q 1 --seqlen-kv 8192 --splits auto
      a decoding step: KV in as many parts as fill the device, the heads of a
      KV head in one tile
  flyattn run --arch gfx950 --heads 8 --seqlen-q 4096 --mask window:511,0
      causal, and no more than 512 columns a row
  flyattn run --arch gfx950 --heads 8 --seqlen-q 2048 --mask chunked:512
      causal within chunks of 512 columns
  flyattn run --arch gfx950 --heads 8 --seqlen-q 300 --softcap 30 --bias 1,8,300,300 --alibi --sink
      modified scores: softcap, a random bias for each head, ALiBi; and a sink
  flyattn run --arch gfx950 --heads 8 --cu-seqlens-q 0,100,100,357 --mask causal
      three packed sequences, one of them empty
  flyattn run --arch gfx950 --q q.npy --k k.npy --v v.npy --out o.npy --lse lse.npy
      sizes and type come from the files (bf16 as <u2 bit patterns or <V2)
  flyattn run --arch gfx950 --device sim --quantum 1 --wave-order random --commit late
      other orders of execution; a right kernel gives the same bits
  flyattn run --arch gfx950 --heads 8 --seqlen-q 2048 --check none --timing --trace t.json
      cycles, loops and stalls of the kernel; t.json opens in ui.perfetto.dev
  flyattn run --arch gfx950 --heads 3 --seqlen-q 294432 --rows 0,150000,294431
      a video's length; only the workgroups of three rows a head run
  flyattn run --arch gfx942 --heads 4 --head-dim 192 --head-dim-v 128 --dtype f32
      v narrower than q and k, in f32
  flyattn run --arch gfx950 --seqlen-q 300 --checks
      also look for races, missing waits and wait states, undefined values;
      anything found fails the run (--checks=report only prints it)
)";

const Command runCommand = {runSub, kExamples, runRun};

} // namespace flyattn::driver
