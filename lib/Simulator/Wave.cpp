//===- Wave.cpp - What waves do outside of instructions -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Wave.h"

#include "ProgramImpl.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace llvm;
using namespace flyattn::sim;

// Unsigned maxima of vectors came with SSE4.1 and AVX2.
__attribute__((target_clones("avx2", "default"))) uint32_t
flyattn::sim::largestOf(const uint32_t *lanes) {
  uint32_t largest = 0;
  for (unsigned i = 0; i < waveSize; ++i)
    largest = std::max(largest, lanes[i]);
  return largest;
}

void Wave::setMode(uint32_t value) {
  mode = value;
  fpu32 = makeFpu(mode & 3, mode >> 4 & 3);
  fpu64 = makeFpu(mode >> 2 & 3, mode >> 6 & 3);
  setFpu(fpu32);
}

const Inst *Wave::fail(const Inst *inst, const Twine &what) {
  const Program::Impl &program = group->program->impl();
  state = WaveState::Failed;
  pc = inst;
  error = "kernel '" + program.info.name + "'";
  if (inst->index < program.listing.size()) {
    const DisassembledInst &text = program.listing[inst->index];
    error += ", offset 0x" + utohexstr(text.offset, /*LowerCase=*/true) +
             ", `" + text.text + "`";
  }
  error += ": " + what.str();
  error += " (workgroup " + std::to_string(group->id[0]) + "," +
           std::to_string(group->id[1]) + "," + std::to_string(group->id[2]) +
           ", wave " + std::to_string(id) + ")";
  return nullptr;
}

void Wave::updateLaneMask() {
  maskedExec = exec();
  for (unsigned i = 0; i < waveSize; ++i)
    mask[i] = maskedExec >> i & 1 ? ~0u : 0u;
}

bool Wave::findMemory(uint64_t address, uint64_t size) {
  const Memory::Allocation *range = group->memory->find(address, size);
  if (!range)
    return false;
  hitAddress = range->address;
  hitSize = range->size;
  return true;
}

Access &Wave::delayedAccess() {
  if (group->freeAccesses.empty()) {
    group->pool.push_back(std::make_unique<Access>());
    group->freeAccesses.push_back(group->pool.back().get());
  }
  Access *access = group->freeAccesses.back();
  group->freeAccesses.pop_back();
  return *access;
}

void Wave::enqueue(Access &access, AccessQueue &queue, unsigned limit,
                   bool delayed) {
  landUntil(queue, limit - 1);
  queue.push(delayed ? &access : nullptr);
}

void Wave::landUntil(AccessQueue &queue, unsigned left) {
  while (queue.size() > left) {
    Access *access = queue.pop();
    if (!access)
      continue;
    access->perform(*this, *access);
    group->freeAccesses.push_back(access);
  }
}
