//===- Launch.cpp - Runs the workgroups of a launch on the host's cores ---===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HiddenArguments.h"
#include "HostThreads.h"
#include "TimedLaunch.h"
#include "WorkgroupRunner.h"

#include "ProgramImpl.h"

#include "flyattn/Simulator/Occupancy.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

using namespace llvm;
using namespace flyattn::sim;

static Error fail(const Twine &what) {
  return createStringError(inconvertibleErrorCode(), what);
}

static Error checkParams(const Program &program, const LaunchParams &params) {
  const KernelInfo &info = program.info();
  std::string kernel = "kernel '" + info.name + "': ";
  uint64_t items = 1;
  for (unsigned axis = 0; axis < 3; ++axis) {
    if (!params.grid[axis] || !params.block[axis])
      return fail(kernel + "a grid or block size is 0");
    items *= params.block[axis];
  }
  uint64_t most = info.maxWorkgroupSize ? info.maxWorkgroupSize : 1024;
  if (items > most)
    return fail(kernel + "a workgroup of " + Twine(items) +
                " work-items; the kernel allows " + Twine(most));
  if (params.kernarg.size() < ownKernargSize(info))
    return fail(kernel + "a kernarg segment of " +
                Twine(params.kernarg.size()) + " bytes; the kernel reads " +
                Twine(ownKernargSize(info)));
  uint64_t lds = uint64_t(info.ldsSize) + params.dynamicLds;
  uint64_t chipLds = ldsBytesOf(program.chip());
  if (lds > chipLds)
    return fail(kernel + Twine(lds) + " bytes of LDS; " + program.chip() +
                " has " + Twine(chipLds));
  return Error::success();
}

/// The fields of an AQL dispatch packet that kernels read.
static std::array<uint32_t, 16> dispatchPacket(const LaunchParams &params,
                                               uint64_t kernargAddress) {
  std::array<uint32_t, 16> packet = {};
  packet[1] = params.block[0] | params.block[1] << 16;
  packet[2] = params.block[2];
  for (unsigned axis = 0; axis < 3; ++axis)
    packet[3 + axis] = params.grid[axis] * params.block[axis];
  packet[10] = uint32_t(kernargAddress);
  packet[11] = uint32_t(kernargAddress >> 32);
  return packet;
}

namespace {

/// Hands out workgroups to threads and gathers their results.
class Dispatcher {
public:
  /// Runs the workgroups `chosen`, or `total` from 0 on if that is empty. The
  /// first workgroup of a CU that is timed stands for all of them.
  Dispatcher(const LaunchContext &context, uint64_t total,
             ArrayRef<uint64_t> chosen, TimedLaunch *timed)
      : context(context), total(total), chosen(chosen), timed(timed) {}

  void run(unsigned threads);
  Expected<LaunchResult> finish();

private:
  void work();
  void progress(uint64_t count);
  void report(uint64_t position, Error error);

  const LaunchContext &context;
  const uint64_t total;
  const ArrayRef<uint64_t> chosen;
  TimedLaunch *const timed; ///< may be null
  std::atomic<uint64_t> next = 0, done = 0;
  std::atomic<bool> stop = false;
  std::mutex mutex;
  LaunchResult sum;
  uint64_t failedAt = ~uint64_t(0);
  std::string message;
};

} // namespace

/// Of several failures the one of the first workgroup is reported, whatever
/// the number of threads.
void Dispatcher::report(uint64_t position, Error error) {
  std::string text = toString(std::move(error));
  std::lock_guard<std::mutex> lock(mutex);
  stop = true;
  if (position >= failedAt)
    return;
  failedAt = position;
  message = std::move(text);
}

void Dispatcher::progress(uint64_t count) {
  uint64_t finished = done += count;
  if (context.options.progress)
    context.options.progress(finished, total);
}

void Dispatcher::run(unsigned threads) {
  runOnThreads(threads, [&] { work(); });
}

void Dispatcher::work() {
  WorkgroupRunner runner(context);
  LaunchResult result;
  while (!stop) {
    uint64_t position = next++;
    if (position >= (chosen.empty() ? total : chosen.size()))
      break;
    uint64_t linear = chosen.empty() ? position : chosen[position];
    auto *unit = timed ? timed->unitOf(linear) : nullptr;
    if (Error error =
            unit ? timed->run(*unit, result) : runner.run(linear, result))
      report(position, std::move(error));
    progress(unit ? unit->workgroups.size() : 1);
  }
  setFpu(defaultFpu);
  CheckResults checks = runner.takeCheckResults();
  std::lock_guard<std::mutex> lock(mutex);
  sum.checks.merge(checks);
  sum.checks.merge(result.checks);
  sum.addCounts(result);
}

Expected<LaunchResult> Dispatcher::finish() {
  if (failedAt == ~uint64_t(0))
    return sum;
  for (const CheckReport &report : sum.checks.reports)
    message += "\nthe checks found " + describe(report);
  return fail(message);
}

void LaunchResult::addCounts(const LaunchResult &other) {
  instructions += other.instructions;
  workgroups += other.workgroups;
  waves += other.waves;
  for (auto [sum, count] : zip(performanceCounters, other.performanceCounters))
    sum += count;
}

Expected<LaunchResult> flyattn::sim::launch(const Program &program,
                                            Memory &memory,
                                            const LaunchParams &params,
                                            const Options &options) {
  if (Error error = checkParams(program, params))
    return std::move(error);
  if (options.mfma == MfmaNumerics::Cdna3 && program.chip() != "gfx942")
    return fail("the numerics `cdna3` of matrix instructions are known for "
                "gfx942 only; this kernel is for " +
                program.chip() + ", use `fma`");
  uint64_t all = uint64_t(params.grid[0]) * params.grid[1] * params.grid[2];
  for (uint64_t linear : options.workgroups)
    if (linear >= all)
      return fail("workgroup " + Twine(linear) + " of " + Twine(all));

  // What the kernel sees besides the caller's memory; aligned as on a device,
  // so that no timing depends on where the host's allocator puts it.
  Memory view;
  for (const Memory::Allocation &range : memory.allocations())
    view.bind(reinterpret_cast<void *>(range.address), range.size, range.name);
  auto place = [&](ArrayRef<uint8_t> bytes, StringRef name) {
    uint64_t address = view.allocate(bytes.size(), name);
    std::memcpy(reinterpret_cast<void *>(address), bytes.data(), bytes.size());
    return address;
  };
  std::vector<uint8_t> kernarg = params.kernarg;
  addHiddenArguments(program.info(), params, kernarg);
  kernarg.resize((kernarg.size() + 64) & ~size_t(63));
  LaunchContext context{program, params, options, view};
  context.kernarg = kernarg;
  context.kernargAddress = place(kernarg, "kernarg");
  auto packet = dispatchPacket(params, context.kernargAddress);
  context.packetAddress =
      place({reinterpret_cast<const uint8_t *>(packet.data()), sizeof(packet)},
            "packet");
  context.codeAddress = place(program.impl().code, "code");
  context.ldsSize = program.info().ldsSize + params.dynamicLds;

  uint64_t total = options.workgroups.empty() ? all : options.workgroups.size();
  unsigned threads =
      options.threads ? options.threads : std::thread::hardware_concurrency();
  threads = unsigned(std::min<uint64_t>(std::max(threads, 1u), total));
  std::vector<uint64_t> chosen = options.workgroups;
  std::optional<TimedLaunch> timed;
  if (options.timing) {
    if (!chosen.empty())
      return fail("a timed launch needs all workgroups, but only some are to "
                  "run (Options::workgroups)");
    if (Error error = checkTimingConstants(options.timing->constants))
      return std::move(error);
    timed.emplace(context, all);
    chosen = timed->firstWorkgroups();
    std::vector<uint64_t> sampled = timed->workgroups();
    if (options.timing->onlySampled)
      total = sampled.size();
    else
      for (uint64_t w = 0; w < all; ++w)
        if (!std::binary_search(sampled.begin(), sampled.end(), w))
          chosen.push_back(w);
    // In order: a workgroup may wait for one with a smaller number.
    llvm::sort(chosen);
  }
  Dispatcher dispatcher(context, total, chosen, timed ? &*timed : nullptr);
  dispatcher.run(threads);
  auto result = dispatcher.finish();
  if (result && timed)
    result->timing = timed->result();
  return result;
}
