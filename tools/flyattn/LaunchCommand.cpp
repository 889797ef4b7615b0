//===- LaunchCommand.cpp - flyattn launch ---------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "LaunchFile.h"
#include "Report.h"
#include "SimulatorOptions.h"
#include "TimingReport.h"

#include "flyattn/Simulator/CodeObject.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::desc("<LAUNCH.json>"), cl::cat(category()),
                                 cl::sub(launchSub()));
static cl::opt<std::string> arch("arch", cl::value_desc("chip"),
                                 cl::desc("Refuse a code object for any other "
                                          "chip"),
                                 cl::cat(category()), cl::sub(launchSub()));
static cl::opt<std::string> jsonFile("json", cl::value_desc("file|-"),
                                     cl::desc("Write the result as JSON"),
                                     cl::cat(category()), cl::sub(launchSub()));

/// A buffer on the device and what it holds there.
struct BoundBuffer {
  const LaunchBuffer *spec;
  NpyArray array; ///< without data, if the spec has no file
  DeviceBuffer device;
};

/// Loads the code object and refuses what cannot be launched.
static Expected<sim::CodeObject> load(const LaunchFile &launch) {
  auto object = loadCodeObject(launch.codeObject);
  if (!object)
    return object;
  if (!arch.empty() && !is_contained(supportedChips(), StringRef(arch)))
    return failure(BadUsage, "--arch: '" + arch + "' was given; known are " +
                                 join(supportedChips(), ", "));
  if (!arch.empty() && object->chip() != arch)
    return failure(BadUsage, "'" + launch.codeObject +
                                 "': the code object is for " + object->chip() +
                                 ", not for " + arch);
  if (object->find(launch.kernel))
    return object;
  auto names = map_range(object->kernels(), [](const sim::KernelInfo &info) {
    return StringRef(info.name);
  });
  return failure(BadUsage, "'" + launch.codeObject + "': no kernel \"" +
                               launch.kernel + "\"; it holds " +
                               join(names, ", "));
}

static Expected<BoundBuffer> bind(const LaunchBuffer &spec, Device &device) {
  BoundBuffer bound = {&spec, {spec.type, spec.shape, {}}, {}};
  if (!spec.file.empty()) {
    auto array = readNpy(spec.file);
    if (!array)
      return withCode(BadUsage, array.takeError());
    bound.array = std::move(*array);
  }
  uint64_t size = bound.array.elements() * sizeInBytes(bound.array.type);
  auto buffer = device.allocate(size, spec.name);
  if (!buffer)
    return withCode(DeviceFailure, buffer.takeError());
  bound.device = *buffer;
  if (!spec.file.empty())
    if (Error error = device.write(*buffer, 0, bound.array.data))
      return withCode(DeviceFailure, std::move(error));
  return bound;
}

static std::vector<uint8_t> makeKernarg(const LaunchFile &launch,
                                        ArrayRef<BoundBuffer> buffers) {
  std::vector<uint8_t> kernarg(launch.kernargSize, 0);
  for (const KernargField &field : launch.kernarg) {
    std::memcpy(kernarg.data() + field.offset, field.bytes.data(),
                field.bytes.size());
    for (const BoundBuffer &buffer : buffers)
      if (!field.buffer.empty() && buffer.spec->name == field.buffer)
        std::memcpy(kernarg.data() + field.offset, &buffer.device.address, 8);
  }
  return kernarg;
}

static Error writeBuffers(Device &device,
                          MutableArrayRef<BoundBuffer> buffers) {
  for (BoundBuffer &buffer : buffers) {
    if (buffer.spec->out.empty())
      continue;
    buffer.array.data.resize(buffer.device.size);
    if (Error error = device.read(buffer.device, 0, buffer.array.data))
      return withCode(DeviceFailure, std::move(error));
    if (Error error = writeNpy(buffer.spec->out, buffer.array.type,
                               buffer.array.shape, buffer.array.data))
      return withCode(BadUsage, std::move(error));
  }
  return Error::success();
}

static Expected<LaunchStats> execute(const LaunchFile &launch, Device &device,
                                     const sim::CodeObject &object,
                                     ArrayRef<uint8_t> kernarg) {
  auto module = device.loadModule(object.bytes());
  if (!module)
    return module.takeError();
  return device.launch(**module, launch.kernel, launch.shape, kernarg);
}

/// The whole launch on a device of its own; writes the buffers' files if asked.
static Expected<LaunchStats> runOnce(const LaunchFile &launch,
                                     const sim::CodeObject &object,
                                     sim::Options options, bool writes) {
  ProgressBar bar("running");
  options.progress = [&](uint64_t done, uint64_t total) {
    bar.update(done, total);
  };
  std::unique_ptr<Device> device =
      createSimulatedDevice(object.chip(), options);
  std::vector<BoundBuffer> buffers;
  for (const LaunchBuffer &spec : launch.buffers) {
    auto bound = bind(spec, *device);
    if (!bound)
      return bound.takeError();
    buffers.push_back(std::move(*bound));
  }
  auto stats = execute(launch, *device, object, makeKernarg(launch, buffers));
  if (!stats)
    return withCode(DeviceFailure, stats.takeError());
  if (writes)
    if (Error error = writeBuffers(*device, buffers))
      return std::move(error);
  return stats;
}

static Error reportLaunch(const LaunchFile &launch, StringRef chip,
                          const LaunchStats &stats, Severity severity,
                          ArrayRef<SensitivityRow> sensitivity) {
  const sim::CheckResults &checks = stats.simulated->checks;
  bool fails = severity == Severity::Fail && !checks.reports.empty();
  if (jsonFile != "-") {
    outs() << launch.kernel << " on " << chip << ": " << describe(stats)
           << '\n';
    if (severity != Severity::Off)
      print(outs(), checks);
    if (stats.simulated->timing)
      print(outs(), *stats.simulated->timing, std::nullopt);
    if (!sensitivity.empty())
      print(outs(), *stats.simulated->timing, sensitivity);
  }
  Error outcome =
      fails ? failure(WrongResult, "the checks found faults: see their reports")
            : Error::success();
  if (jsonFile.empty())
    return outcome;
  json::Object object{
      {"status", fails ? "failed checks" : "ok"},
      {"arch", chip},
      {"kernel", launch.kernel},
      {"config", json::Object{{"grid", json::Array(launch.shape.grid)},
                              {"block", json::Array(launch.shape.block)},
                              {"dynamic_lds", launch.shape.dynamicLds}}}};
  if (severity != Severity::Off)
    object["checks"] = toJson(checks);
  if (stats.simulated->timing)
    object["timing"] = toJson(*stats.simulated->timing);
  if (!sensitivity.empty())
    object["sensitivity"] = toJson(sensitivity);
  addStats(object, stats);
  return joinErrors(std::move(outcome), writeJson(jsonFile, std::move(object)));
}

static Error runLaunch() {
  auto launch = readLaunchFile(file);
  if (!launch)
    return withCode(BadUsage, launch.takeError());
  std::vector<std::string> outputs = {jsonFile};
  for (const LaunchBuffer &buffer : launch->buffers)
    outputs.push_back(buffer.out);
  if (Error error = checkOutputs(outputs))
    return error;
  auto object = load(*launch);
  if (!object)
    return object.takeError();
  if (Error error = checkSimulatorOptions(object->chip()))
    return error;

  sim::Options options = simulatorOptions();
  auto timing = timingSettings(object->chip(), options);
  if (!timing)
    return timing.takeError();
  outputs = {timing->traceFile};
  if (Error error = checkOutputs(outputs))
    return error;
  auto stats = runOnce(*launch, *object, options, /*writes=*/true);
  if (!stats)
    return stats.takeError();
  if (!timing->traceFile.empty())
    if (Error error = writeTrace(timing->traceFile, *stats->simulated->timing))
      return error;
  std::vector<SensitivityRow> sensitivity;
  if (timing->sensitivity) {
    auto rows = runSensitivity(
        *options.timing,
        [&](sim::TimingOptions other) -> Expected<sim::TimingResult> {
          sim::Options changed = options;
          changed.timing = other;
          changed.checks = false;
          auto again = runOnce(*launch, *object, changed, /*writes=*/false);
          if (!again)
            return again.takeError();
          return std::move(*again->simulated->timing);
        });
    if (!rows)
      return rows.takeError();
    sensitivity = std::move(*rows);
  }
  return reportLaunch(*launch, object->chip(), *stats,
                      checkSeverity(Severity::Report), sensitivity);
}

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn launch launch.json
  flyattn launch launch.json --arch gfx942 --commit early --json -
  flyattn launch launch.json --checks
      report races, missing waits and wait states, undefined values;
      --checks=fail makes the exit code 1 if there are any
  flyattn launch launch.json --timing --trace t.json
      cycles, loops and stalls; t.json opens in ui.perfetto.dev

LAUNCH.json (paths are relative to it; grid is in workgroups):
  {"code_object": "kernel.co", "kernel": "name",
   "grid": [4, 8, 1], "block": [256, 1, 1], "dynamic_lds": 0,
   "buffers": {"q": {"file": "q.npy"},
               "o": {"shape": [512, 128], "dtype": "bf16", "out": "o.npy"}},
   "kernarg_size": 64,
   "kernarg": [{"offset": 0, "buffer": "o"}, {"offset": 8, "buffer": "q"},
               {"offset": 16, "f32": 0.0883}, {"offset": 20, "u32": 512}]}
  A buffer without a file starts as NaN. Fields: buffer, u32, i32, u64, i64,
  f32, f64; bytes that no field names are 0. Hidden arguments (the launch's shape,
  which compilers append) need no fields where kernarg_size ends before them.
)";

const Command launchCommand = {launchSub, kExamples, runLaunch};

} // namespace flyattn::driver
