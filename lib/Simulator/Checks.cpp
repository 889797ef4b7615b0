//===- Checks.cpp - Watches the waves of one workgroup after another ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Checks.h"

#include "VectorSkip.h"

using namespace llvm;
using namespace flyattn::sim;

Checks::Checks(const Program &program, unsigned waves, uint32_t ldsSize)
    : infos(instInfos(program)), reports(program),
      pending(program, waves, reports), races(program, ldsSize, reports),
      hazards(program, waves, reports),
      defined(program, waves, ldsSize, reports), ldsCosts(program),
      conflicts(infos.size()) {}

void Checks::beginWorkgroup(std::array<uint32_t, 3> id) {
  reports.beginWorkgroup(id);
  pending.beginWorkgroup();
  races.beginWorkgroup();
  hazards.beginWorkgroup();
  defined.beginWorkgroup();
}

void Checks::step(const Wave &wave, const Inst *inst) {
  if (isSkipped(inst))
    return;
  const InstInfo &info = infos[inst->index];
  if (info.indexed)
    return defined.forget(wave);
  pending.step(wave, inst, info);
  hazards.step(wave, inst, info);
  defined.step(wave, inst, info);
}

void Checks::memory(const MemoryEvent &event) {
  const Operation &operation = pending.memory(event);
  if (operation.touchesLds())
    races.touch(operation);
  defined.memory(event, operation);
  if (event.info.unit != Unit::Lds)
    return;
  LdsCost cost = ldsCosts.of(event);
  BankConflicts &sum = conflicts[event.inst()->index];
  sum.executions += 1;
  sum.clocks += cost.clocks;
  sum.conflictClocks += cost.conflictClocks;
}

void Checks::barrier() { races.barrier(pending); }

CheckResults Checks::take() {
  CheckResults results;
  results.reports = reports.take();
  for (size_t i = 0; i < conflicts.size(); ++i) {
    BankConflicts &sum = conflicts[i];
    results.ldsClocks += sum.clocks;
    results.ldsConflictClocks += sum.conflictClocks;
    if (!sum.conflictClocks)
      continue;
    sum.inst = reports.inst(uint32_t(i));
    results.bankConflicts.push_back(std::move(sum));
  }
  return results;
}
