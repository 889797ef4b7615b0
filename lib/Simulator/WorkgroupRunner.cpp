//===- WorkgroupRunner.cpp - Runs one workgroup after another -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WorkgroupRunner.h"

#include "ProgramImpl.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/AMDHSAKernelDescriptor.h"

#include <algorithm>

using namespace llvm;
using namespace flyattn::sim;

/// What registers and LDS hold before the first write: a NaN in every format.
constexpr uint32_t poison = 0xffffffff;

WorkgroupRunner::WorkgroupRunner(const LaunchContext &context)
    : context(context), allWaves(context.waves()) {
  const Program::Impl &program = context.program.impl();
  scalarSlots = unsigned(SlotConstants + program.constants.size() + 15) & ~15u;
  size_t fileSize = size_t(program.info.vgprs) * waveSize;
  vectorFile.resize(fileSize * allWaves.size() + 16);
  scalarFile.resize(size_t(scalarSlots) * allWaves.size() + 16);
  lds.resize(context.ldsSize + 64);
  scratch.resize(size_t(program.info.scratchSize) * waveSize * allWaves.size());
  group.program = &context.program;
  group.memory = &context.memory;
  group.codeAddress = context.codeAddress;
  group.mfma = context.options.mfma;
  order.resize(allWaves.size());
  if (!context.options.checks)
    return;
  checks = std::make_unique<Checks>(context.program, unsigned(allWaves.size()),
                                    context.ldsSize);
  observe(checks.get());
}

template <typename T> static T *align64(T *pointer) {
  return reinterpret_cast<T *>((reinterpret_cast<uintptr_t>(pointer) + 63) &
                               ~uintptr_t(63));
}

void WorkgroupRunner::begin(uint64_t linear) {
  const auto &grid = context.params.grid;
  group.id = {uint32_t(linear % grid[0]), uint32_t(linear / grid[0] % grid[1]),
              uint32_t(linear / grid[0] / grid[1])};
  std::fill(vectorFile.begin(), vectorFile.end(), poison);
  std::fill(scalarFile.begin(), scalarFile.end(), poison);
  std::fill(lds.begin(), lds.end(), uint8_t(poison));
  group.time = 0;
  group.performanceCounters = {};
  executed = 0;
  random.seed(context.options.seed * 0x9e3779b97f4a7c15u + linear);
  for (unsigned i = 0; i < allWaves.size(); ++i) {
    order[i] = i;
    initialise(allWaves[i], i);
  }
  if (context.options.order == WaveOrder::Reverse)
    std::reverse(order.begin(), order.end());
  if (checks)
    checks->beginWorkgroup(group.id);
}

void WorkgroupRunner::initialise(Wave &wave, unsigned index) {
  const Program::Impl &program = context.program.impl();
  wave = Wave();
  wave.id = uint8_t(index);
  wave.group = &group;
  wave.observer = memoryObserver;
  wave.s = align64(scalarFile.data()) + size_t(scalarSlots) * index;
  wave.v = align64(vectorFile.data()) +
           size_t(program.info.vgprs) * waveSize * index;
  wave.lds = align64(lds.data());
  wave.ldsSize = context.ldsSize;
  wave.scratchSize = program.info.scratchSize;
  wave.scratch =
      scratch.data() + size_t(program.info.scratchSize) * waveSize * index;
  CommitPolicy commit = context.options.commit;
  bool oneByOne =
      commit == CommitPolicy::Late || context.options.mfma != MfmaNumerics::Fma;
  wave.insts = oneByOne ? program.insts.data() : program.joined.data();
  wave.pc = wave.insts;
  wave.delaysDma = commit != CommitPolicy::Early;
  wave.delaysAll = commit == CommitPolicy::Late;
  std::copy(program.constants.begin(), program.constants.end(),
            wave.s + SlotConstants);
  // rsrc1 holds rounding and denormals in 19:12, dx10_clamp in 21, ieee in 23.
  uint32_t rsrc1 = program.info.rsrc1;
  wave.setMode((rsrc1 >> 12 & 0xff) | (rsrc1 >> 21 & 1) << 8 |
               (rsrc1 >> 23 & 1) << 9);
  setScalars(wave);
  setWorkItems(wave, index);
}

/// User SGPRs in the order of the kernel descriptor's bits, then workgroup ids.
void WorkgroupRunner::setScalars(Wave &wave) {
  const KernelInfo &info = context.program.info();
  unsigned next = 0;
  auto put = [&](uint32_t value) { wave.s[next++] = value; };
  auto put64 = [&](uint64_t value) {
    put(uint32_t(value));
    put(uint32_t(value >> 32));
  };
  auto asks = [&](unsigned bit) { return info.codeProperties >> bit & 1; };
  namespace hsa = amdhsa;
  if (asks(hsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_PRIVATE_SEGMENT_BUFFER_SHIFT))
    next += 4; // not used where flat scratch is architected
  if (asks(hsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_DISPATCH_PTR_SHIFT))
    put64(context.packetAddress);
  if (asks(hsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_QUEUE_PTR_SHIFT))
    put64(0);
  if (asks(hsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_KERNARG_SEGMENT_PTR_SHIFT))
    put64(context.kernargAddress);
  if (asks(hsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_DISPATCH_ID_SHIFT))
    put64(0);
  if (asks(hsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_FLAT_SCRATCH_INIT_SHIFT))
    put64(0);
  if (asks(hsa::KERNEL_CODE_PROPERTY_ENABLE_SGPR_PRIVATE_SEGMENT_SIZE_SHIFT))
    put(info.scratchSize);
  unsigned length = info.kernargPreload & 127;
  unsigned first = info.kernargPreload >> 7 & 511;
  for (unsigned n = 0; n < length && next < 16; ++n) {
    uint32_t value = 0;
    size_t offset = size_t(first + n) * 4;
    if (offset + 4 <= context.kernarg.size())
      std::memcpy(&value, context.kernarg.data() + offset, 4);
    put(value);
  }
  next = info.rsrc2 >> 1 & 31; // the number of user SGPRs
  for (unsigned axis = 0; axis < 3; ++axis)
    if (info.rsrc2 >> (7 + axis) & 1)
      put(group.id[axis]);
  if (info.rsrc2 >> 10 & 1)
    put(wave.id);
  wave.s[SlotScc] = 0;
  wave.s[SlotM0] = poison;
}

/// v0 holds the work-item ids, 10 bits each, as far as the kernel asks.
void WorkgroupRunner::setWorkItems(Wave &wave, unsigned index) {
  const auto &block = context.params.block;
  unsigned axes = context.program.info().rsrc2 >> 11 & 3;
  uint64_t exec = 0;
  for (unsigned lane = 0; lane < waveSize; ++lane) {
    unsigned item = index * waveSize + lane;
    if (item >= context.workItems())
      break;
    exec |= uint64_t(1) << lane;
    unsigned x = item % block[0], y = item / block[0] % block[1],
             z = item / block[0] / block[1];
    wave.v[lane] = x | (axes >= 1 ? y << 10 : 0) | (axes >= 2 ? z << 20 : 0);
  }
  wave.setS64(SlotExec, exec);
  wave.setS64(SlotVcc, 0);
}

void WorkgroupRunner::takeTurn(Wave &wave) {
  unsigned quantum =
      context.options.quantum ? context.options.quantum : 1u << 20;
  setFpu(wave.fpu32);
  const Inst *pc = wave.pc;
  unsigned left = quantum;
  do {
    pc = pc->fn(wave, pc);
    --left;
  } while (pc && left);
  executed += quantum - left;
  if (pc)
    wave.pc = pc;
}

/// The same with the checks. It stands apart so that a turn without them pays
/// nothing.
void WorkgroupRunner::takeCheckedTurn(Wave &wave) {
  unsigned left = context.options.quantum ? context.options.quantum : 1u << 20;
  setFpu(wave.fpu32);
  const Inst *pc = wave.pc;
  for (; pc && left; --left, ++executed) {
    checks->step(wave, pc);
    pc = pc->fn(wave, pc);
  }
  if (pc)
    wave.pc = pc;
}

const Inst *WorkgroupRunner::step(Wave &wave) {
  const Inst *pc = wave.pc;
  setFpu(wave.fpu32);
  if (checks)
    checks->step(wave, pc);
  const Inst *following = pc->fn(wave, pc);
  ++executed;
  if (following)
    wave.pc = following;
  return following;
}

CheckResults WorkgroupRunner::takeCheckResults() {
  return checks ? checks->take() : CheckResults();
}

void WorkgroupRunner::passBarrier() {
  for (const Wave &wave : allWaves)
    if (wave.state == WaveState::Ready)
      return;
  if (checks)
    checks->barrier();
  for (Wave &wave : allWaves) {
    if (wave.state != WaveState::AtBarrier)
      continue;
    wave.state = WaveState::Ready;
    ++wave.pc;
  }
}

void WorkgroupRunner::chooseOrder() {
  // Not std::shuffle, whose results differ between standard libraries.
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[random() % i]);
}

Error WorkgroupRunner::checkBudget() const {
  uint64_t budget = context.options.instructionBudget;
  if (!budget || executed <= budget)
    return Error::success();
  const Program::Impl &program = context.program.impl();
  std::string message = "kernel '" + program.info.name + "': workgroup " +
                        std::to_string(group.id[0]) + "," +
                        std::to_string(group.id[1]) + "," +
                        std::to_string(group.id[2]) + " is not done after " +
                        std::to_string(executed) + " wave instructions:";
  for (const Wave &wave : allWaves) {
    message += "\n  wave " + std::to_string(wave.id) + " ";
    if (wave.state == WaveState::Ended) {
      message += "has ended";
      continue;
    }
    message +=
        wave.state == WaveState::AtBarrier ? "waits at the barrier" : "runs";
    if (wave.pc->index < program.listing.size()) {
      const DisassembledInst &text = program.listing[wave.pc->index];
      message += " at offset 0x" + utohexstr(text.offset, /*LowerCase=*/true) +
                 ", `" + text.text + "`";
    }
  }
  return createStringError(inconvertibleErrorCode(), message);
}

Error WorkgroupRunner::run(uint64_t linear, LaunchResult &result) {
  begin(linear);
  for (bool alive = true; alive;) {
    if (context.options.order == WaveOrder::Random)
      chooseOrder();
    alive = false;
    for (unsigned index : order) {
      Wave &wave = allWaves[index];
      if (wave.state == WaveState::Ready)
        checks ? takeCheckedTurn(wave) : takeTurn(wave);
      if (wave.state == WaveState::Failed)
        return createStringError(inconvertibleErrorCode(), wave.error);
      alive |= wave.state != WaveState::Ended;
    }
    passBarrier();
    if (Error error = checkBudget())
      return error;
  }
  end(result);
  return Error::success();
}

void WorkgroupRunner::end(LaunchResult &result) {
  LaunchResult own;
  own.instructions = executed;
  own.workgroups = 1;
  own.waves = allWaves.size();
  own.performanceCounters = group.performanceCounters;
  result.addCounts(own);
}
