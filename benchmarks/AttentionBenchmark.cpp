//===- AttentionBenchmark.cpp - How fast the simulator runs our kernels ---===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Whole kernels on the simulator, with the reference numerics and all host
// cores: B1 H8 D128 bf16, no mask. `attention_flops` is 4 B H Sq Skv D a
// second.

#include "flyattn/Attention/Plan.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <vector>

using namespace flyattn;

namespace {

/// bf16 numbers in [-1, 1).
std::vector<uint8_t> randomBf16(uint64_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<uint8_t> data(bytes);
  for (uint64_t i = 0; i < bytes; i += 2) {
    float value = float(int32_t(random())) * 0x1p-31f;
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    uint16_t high = uint16_t(bits >> 16);
    std::memcpy(data.data() + i, &high, 2);
  }
  return data;
}

llvm::Expected<DeviceBuffer> makeInput(Device &device, uint64_t bytes,
                                       llvm::StringRef name, unsigned seed) {
  auto buffer = device.allocate(bytes, name);
  if (!buffer)
    return buffer.takeError();
  if (llvm::Error error = device.write(*buffer, 0, randomBf16(bytes, seed)))
    return std::move(error);
  return *buffer;
}

llvm::Expected<ForwardBuffers> makeBuffers(Device &device, const Plan &plan) {
  ForwardBuffers buffers;
  DeviceBuffer *inputs[] = {&buffers.q, &buffers.k, &buffers.v};
  const char *names[] = {"q", "k", "v"};
  for (unsigned i = 0; i < 3; ++i) {
    auto input = makeInput(device, plan.operandBytes[i], names[i], i);
    if (!input)
      return input.takeError();
    *inputs[i] = *input;
  }
  auto o = device.allocate(plan.operandBytes[3], "o");
  if (!o)
    return o.takeError();
  buffers.o = *o;
  return buffers;
}

/// What the simulator does besides executing.
enum class Mode { Functional, Checks, Timing };

void attention(benchmark::State &state, const char *chip, Mode mode) {
  Problem problem;
  problem.heads = problem.kvHeads = 8;
  problem.seqlenQ = problem.seqlenKv = state.range(0);
  auto planned = plan(problem, chip);
  if (!planned)
    return state.SkipWithError(toString(planned.takeError()).c_str());
  sim::Options options;
  options.checks = mode == Mode::Checks;
  if (mode == Mode::Timing)
    options.timing = sim::TimingOptions{sim::TimingConstants::of(chip),
                                        /*sampledUnits=*/0};
  auto device = createSimulatedDevice(chip, options);
  auto buffers = makeBuffers(*device, *planned);
  if (!buffers)
    return state.SkipWithError(toString(buffers.takeError()).c_str());
  double instructions = 0;
  for (auto _ : state) {
    auto stats = launch(*planned, *device, *buffers);
    if (!stats)
      return state.SkipWithError(toString(stats.takeError()).c_str());
    instructions += double(stats->simulated->instructions);
  }
  using benchmark::Counter;
  state.counters["attention_flops"] =
      Counter(problem.flops(), Counter::kIsIterationInvariantRate);
  state.counters["wave_instructions"] = Counter(instructions, Counter::kIsRate);
}

} // namespace

#define FLYATTN_BENCHMARK(chip, mode)                                          \
  BENCHMARK_CAPTURE(attention, chip##_##mode, #chip, Mode::mode)               \
      ->Unit(benchmark::kMillisecond)                                          \
      ->UseRealTime()

FLYATTN_BENCHMARK(gfx950, Functional)->Arg(1024)->Arg(2048)->Arg(4096);
FLYATTN_BENCHMARK(gfx942, Functional)->Arg(1024)->Arg(2048)->Arg(4096);
FLYATTN_BENCHMARK(gfx950, Checks)->Arg(2048);
FLYATTN_BENCHMARK(gfx942, Checks)->Arg(2048);
FLYATTN_BENCHMARK(gfx950, Timing)->Arg(2048);
FLYATTN_BENCHMARK(gfx942, Timing)->Arg(2048);

BENCHMARK_MAIN();
