//===- ComputeUnit.cpp - A compute unit, cycle by cycle -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ComputeUnit.h"

#include "ProgramImpl.h"
#include "VectorSkip.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;
using namespace flyattn::sim;

ComputeUnit::ComputeUnit(const LaunchContext &context, unsigned resident,
                         bool trace)
    : profile(context.program.impl().listing.size()), context(context),
      constants(context.options.timing->constants),
      infos(instInfos(context.program)),
      costs(unitCosts(context.program, constants)), slots(resident),
      ports{LdsPort(constants), LdsPort(constants)}, vectorMemory(constants),
      scalarCache(64), instructionCache(constants.fetchBytes),
      ldsCosts(context.program) {
  if (trace)
    profile.traceWindow = context.options.timing->trace;
  for (Slot &slot : slots) {
    slot.runner = std::make_unique<WorkgroupRunner>(context);
    next.push_back(slot.runner->observer());
    slot.runner->observe(this);
  }
}

static unsigned plainClocks(StringRef text, const TimingConstants &constants) {
  if (text.starts_with("v_permlane") && text.contains("swap"))
    return constants.permlaneSwapClocks;
  for (StringRef product : {"v_mul_lo_u32", "v_mul_hi_u32", "v_mul_hi_i32",
                            "v_mad_u64_u32", "v_mad_i64_i32"})
    if (text.starts_with(product))
      return constants.quarterRateClocks;
  return constants.valuClocks;
}

std::vector<UnitCost>
flyattn::sim::unitCosts(const Program &program,
                        const TimingConstants &constants) {
  std::vector<UnitCost> costs;
  for (const auto &[info, listed] :
       zip(instInfos(program), program.disassembly())) {
    UnitCost cost;
    switch (info.unit) {
    case Unit::Mfma:
      cost = {info.passes * constants.issueClocks, constants.mfmaLeadIn};
      break;
    case Unit::Transcendental:
      cost.valu = constants.transcendentalClocks;
      break;
    case Unit::PackedMath:
      cost.valu = constants.packedMathClocks;
      break;
    case Unit::Valu:
      cost.valu = plainClocks(listed.text, constants);
      break;
    default:
      break;
    }
    costs.push_back(cost);
  }
  costs.emplace_back(); // the record behind the last instruction
  return costs;
}

//===----------------------------------------------------------------------===//
// Workgroups
//===----------------------------------------------------------------------===//

void ComputeUnit::start(Slot &slot, uint64_t linear, uint64_t now) {
  slot.runner->begin(linear);
  slot.linear = linear;
  slot.begin = now;
  slot.working = true;
  slot.waves.clear();
  // Workgroups of less than a wave for each SIMD spread over the SIMDs.
  size_t waves = slot.runner->waves().size();
  size_t firstSimd =
      waves < simds ? size_t(&slot - slots.data()) * waves % simds : 0;
  for (auto [index, wave] : enumerate(slot.runner->waves())) {
    auto timed = std::make_unique<TimedWave>();
    timed->wave = &wave;
    timed->slot = unsigned(&slot - slots.data());
    timed->simd = unsigned((firstSimd + index) % simds);
    timed->age = nextAge++;
    timed->readyAt = now;
    timed->resultAt.resize(context.program.info().vgprs);
    timed->track = ("SIMD " + Twine(timed->simd) + " workgroup " +
                    Twine(linear) + " wave " + Twine(index))
                       .str();
    units[timed->simd].waves.push_back(timed.get());
    slot.waves.push_back(std::move(timed));
  }
}

void ComputeUnit::finish(Slot &slot, LaunchResult &result) {
  uint64_t end = clock;
  for (const auto &wave : slot.waves) // stores on their way
    end = std::max({end, wave->readyAt, wave->vm.last(), wave->lgkm.last()});
  times.push_back({slot.linear, slot.begin, end});
  slot.runner->end(result);
  slot.working = false;
  for (Simd &simd : units)
    erase_if(simd.waves,
             [&](const TimedWave *wave) { return &slotOf(*wave) == &slot; });
  slot.waves.clear();
}

Error ComputeUnit::run(ArrayRef<uint64_t> workgroups, LaunchResult &result) {
  size_t position = 0;
  uint64_t first = clock;
  while (true) {
    bool working = false;
    for (Slot &slot : slots) {
      bool ended = slot.working && all_of(slot.waves, [](const auto &wave) {
                     return wave->wave->state == WaveState::Ended;
                   });
      if (ended)
        finish(slot, result);
      if (!slot.working && position < workgroups.size())
        start(slot, workgroups[position++], clock);
      working |= slot.working;
      if (Error error = slot.runner->checkBudget())
        return error;
    }
    if (!working)
      break;
    for (unsigned n = 0; n < simds; ++n)
      if (Error error = issueSlot(units[n], clock + n))
        return error;
    releaseBarriers(clock);
    clock = nextReady(clock + constants.issueClocks);
  }
  profile.activeClocks = clock - first;
  for (const WorkgroupTime &time : times)
    profile.activeClocks = std::max(profile.activeClocks, time.end - first);
  for (const Simd &simd : units) {
    profile.busy.mfma += simd.mfmaBusy;
    profile.busy.valu += simd.valuBusy;
  }
  profile.busy.lds = ports[0].busyClocks() + ports[1].busyClocks();
  profile.busy.vmem = vectorMemory.busyClocks();
  return Error::success();
}

CheckResults ComputeUnit::takeCheckResults() {
  CheckResults all;
  for (Slot &slot : slots)
    all.merge(slot.runner->takeCheckResults());
  return all;
}

void ComputeUnit::releaseBarriers(uint64_t now) {
  for (Slot &slot : slots) {
    if (!slot.working || any_of(slot.waves, [](const auto &wave) {
          return wave->wave->state == WaveState::Ready;
        }))
      continue;
    for (const auto &wave : slot.waves) {
      if (wave->wave->state != WaveState::AtBarrier)
        continue;
      unsigned inst = wave->wave->pc->index;
      profile.stall(inst, Stall::Barrier,
                    std::max(now, wave->readyAt) - wave->readyAt);
      if (profile.traces(wave->readyAt) && now > wave->readyAt)
        profile.trace(wave->track, wave->readyAt, now - wave->readyAt,
                      "wait: barrier", offsetOf(inst));
      wave->readyAt = now + constants.barrierClocks;
    }
    slot.runner->passBarrier();
  }
}

/// `now`, or the first slot at which any wave may have something to do.
uint64_t ComputeUnit::nextReady(uint64_t now) const {
  uint64_t ready = ~uint64_t(0);
  for (const Simd &simd : units)
    for (const TimedWave *wave : simd.waves)
      if (wave->wave->state == WaveState::Ready)
        ready = std::min(ready, std::max(wave->readyAt, wave->tryAt));
  if (ready == ~uint64_t(0) || ready <= now)
    return now;
  return alignDown(ready, uint64_t(constants.issueClocks));
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

/// One bit a category, of which a SIMD issues one a slot; 0 for what the
/// instruction buffer handles by itself.
unsigned ComputeUnit::categoryOf(Unit unit) const {
  switch (unit) {
  case Unit::Salu:
  case Unit::Smem:
    return 1;
  case Unit::Valu:
  case Unit::Transcendental:
  case Unit::PackedMath:
  case Unit::Mfma:
    return 2;
  case Unit::Lds:
    return 4;
  case Unit::Vmem:
  case Unit::LdsDma:
    return constants.sharedMemoryPort ? 4 : 8;
  case Unit::Branch:
  case Unit::Other:
  case Unit::End:
    return 16;
  case Unit::Barrier:
  case Unit::Wait:
  case Unit::Nop:
  case Unit::SetPriority:
    return 0;
  }
  return 0;
}

/// A vector instruction that the wave skips takes a slot, and no unit.
static const InstInfo skippedInfo;

Error ComputeUnit::issueSlot(Simd &simd, uint64_t now) {
  used = 0;
  SmallVector<TimedWave *, 8> waiting;
  for (TimedWave *wave : simd.waves)
    if (wave->wave->state == WaveState::Ready && wave->readyAt <= now &&
        wave->tryAt <= now)
      waiting.push_back(wave);
  sort(waiting, [](const TimedWave *a, const TimedWave *b) {
    return std::pair(b->priority, a->age) < std::pair(a->priority, b->age);
  });
  for (TimedWave *wave : waiting) {
    unsigned index = wave->wave->pc->index;
    const InstInfo &info =
        isSkipped(wave->wave->pc) ? skippedInfo : infos[index];
    if (std::optional<Obstacle> found = obstacle(simd, *wave, info, now)) {
      // Until the first slot at which it may be gone.
      uint64_t clocks =
          alignTo(std::max(found->until, now + 1) - now, constants.issueClocks);
      profile.stall(index, found->cause, clocks);
      wave->waitsFor = found->cause;
      wave->tryAt = now + clocks;
      continue;
    }
    issue(simd, *wave, info, now);
    if (wave->wave->state == WaveState::Failed)
      return createStringError(inconvertibleErrorCode(), wave->wave->error);
  }
  return Error::success();
}

/// When the operands that matrix instructions compute are there.
uint64_t ComputeUnit::resultsAt(TimedWave &wave, const InstInfo &info,
                                uint64_t now) const {
  if (wave.latestResult <= now)
    return now;
  uint64_t latest = now;
  auto add = [&](RegisterRange range) {
    for (unsigned reg = range.first; reg < range.end(); ++reg)
      latest = std::max(latest, wave.resultAt[reg]);
  };
  if (info.unit == Unit::Mfma) {
    // It may follow another that writes its SrcC at once.
    add(info.srcA);
    add(info.srcB);
    return latest;
  }
  for_each(info.vectorReads, add);
  for_each(info.vectorWrites, add);
  return latest;
}

uint64_t ComputeUnit::fetchedAt(TimedWave &wave, uint64_t now) {
  uint64_t address = offsetOf(wave.wave->pc->index);
  uint64_t block = address / constants.fetchBytes;
  if (block == wave.fetchedBlock)
    return now;
  uint64_t filledAt =
      instructionCache.filledAt(address, now, constants.fetchMiss);
  if (filledAt <= now)
    wave.fetchedBlock = block;
  return filledAt;
}

std::optional<ComputeUnit::Obstacle> ComputeUnit::obstacle(Simd &simd,
                                                           TimedWave &wave,
                                                           const InstInfo &info,
                                                           uint64_t now) {
  uint64_t soon = now + constants.issueClocks;
  if (uint64_t at = fetchedAt(wave, now); at > now)
    return Obstacle{Stall::Fetch, at};
  if (info.unit == Unit::Wait) {
    if (uint64_t at = wave.vm.downToAt(info.vmWait, now))
      return Obstacle{Stall::VmCount, at};
    if (uint64_t at = wave.lgkm.downToAt(info.lgkmWait, now))
      return Obstacle{Stall::LgkmCount, at};
    return std::nullopt;
  }
  if (isVectorAlu(info.unit) || isVectorMemory(info.unit))
    if (uint64_t at = resultsAt(wave, info, now); at > now)
      return Obstacle{Stall::MfmaResult, at};
  if (used & categoryOf(info.unit))
    return Obstacle{Stall::IssueConflict, soon};
  switch (info.unit) {
  case Unit::Mfma:
  case Unit::PackedMath:
    if (simd.mfmaFreeAt > now)
      return Obstacle{Stall::MfmaBusy, simd.mfmaFreeAt};
    [[fallthrough]];
  case Unit::Valu:
  case Unit::Transcendental:
    if (simd.valuFreeAt > now)
      return Obstacle{Stall::VectorBusy, simd.valuFreeAt};
    return std::nullopt;
  case Unit::Lds:
    if (wave.lgkm.downToAt(maxLgkmCount - 1, now) ||
        portOf(wave).refuses(wave.simd % 2, now))
      return Obstacle{Stall::LdsQueue, soon};
    return std::nullopt;
  case Unit::Vmem:
  case Unit::LdsDma:
    if (wave.vm.downToAt(maxVmCount - 1, now) || vectorMemory.full(now))
      return Obstacle{Stall::VmemQueue, soon};
    return std::nullopt;
  default:
    return std::nullopt;
  }
}

void ComputeUnit::issue(Simd &simd, TimedWave &wave, const InstInfo &info,
                        uint64_t now) {
  Wave &w = *wave.wave;
  const Inst *inst = w.pc;
  bool traced = profile.traces(now);
  if (traced && now >= wave.readyAt + constants.issueClocks)
    profile.trace(wave.track, wave.readyAt, now - wave.readyAt,
                  ("wait: " + nameOf(wave.waitsFor)).str(),
                  offsetOf(inst->index));
  executing = &wave;
  issuedAt = now;
  used |= categoryOf(info.unit);
  profile.issue(inst->index);
  wave.readyAt = now + constants.issueClocks;

  const Inst *following = slotOf(wave).runner->step(w);

  switch (info.unit) {
  case Unit::Valu:
  case Unit::Transcendental:
  case Unit::PackedMath:
  case Unit::Mfma:
    issueVector(simd, wave, info, now);
    break;
  case Unit::Lds:
  case Unit::Vmem:
  case Unit::LdsDma:
  case Unit::Smem:
    issueMemory(wave, info, now);
    break;
  case Unit::Nop:
    wave.readyAt = now + uint64_t(constants.issueClocks) * info.waitStates;
    profile.stall(inst->index, Stall::Nop,
                  wave.readyAt - now - constants.issueClocks);
    break;
  case Unit::SetPriority:
    wave.priority = unsigned(inst->imm) & 3;
    break;
  case Unit::Branch:
    if (following && following != inst + 1)
      wave.readyAt = now + constants.branchTaken;
    if (following && following <= inst)
      profile.backEdge(wave.age, inst->index, following->index, now,
                       simd.mfmaBusy);
    break;
  case Unit::End:
    profile.endWave(wave.age);
    break;
  default:
    break;
  }
  if (traced)
    profile.trace(wave.track, now, wave.readyAt - now,
                  StringRef(context.program.disassembly()[inst->index].text)
                      .split(' ')
                      .first,
                  offsetOf(inst->index));
}

void ComputeUnit::issueVector(Simd &simd, TimedWave &wave, const InstInfo &info,
                              uint64_t now) {
  unsigned number = wave.simd;
  const UnitCost &cost = costs[&info - infos.data()];
  simd.valuFreeAt = now + cost.valu;
  simd.valuBusy += cost.valu;
  if (info.unit == Unit::PackedMath) // nothing beside it
    simd.mfmaFreeAt = std::max(simd.mfmaFreeAt, now + cost.valu);
  if (profile.traces(now))
    profile.trace(("SIMD " + Twine(number) + " VALU").str(), now, cost.valu,
                  info.unit == Unit::Mfma ? "mfma lead-in" : "valu", 0);
  if (info.unit != Unit::Mfma)
    return;
  simd.mfmaFreeAt = now + cost.mfma;
  simd.mfmaBusy += cost.mfma;
  wave.latestResult = now + cost.mfma + constants.mfmaResultExtra;
  for (RegisterRange range : info.vectorWrites)
    for (unsigned reg = range.first; reg < range.end(); ++reg)
      wave.resultAt[reg] = wave.latestResult;
  if (profile.traces(now))
    profile.trace(("SIMD " + Twine(number) + " MFMA").str(), now, cost.mfma,
                  "mfma", 0);
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// Called back while the instruction is executed.
void ComputeUnit::memory(const MemoryEvent &event) {
  TimedWave &wave = *executing;
  if (Observer *observer = next[wave.slot])
    observer->memory(event);
  const char *unit = nullptr;
  switch (event.info.unit) {
  case Unit::Lds: {
    LdsCost cost = ldsCosts.of(event);
    service = portOf(wave).issue(wave.simd % 2, issuedAt,
                                 cost.clocks + cost.conflictClocks);
    unit = wave.simd < 2 ? "LDS of SIMD 0, 1" : "LDS of SIMD 2, 3";
    break;
  }
  case Unit::Smem: {
    service.data = std::max(issuedAt + constants.smemHit,
                            scalarCache.filledAt(event.memoryAddress(0),
                                                 issuedAt, constants.smemMiss));
    break;
  }
  case Unit::LdsDma:
  case Unit::Vmem:
    service = vectorMemory.issue(issuedAt, event);
    unit = "vector memory";
    if (event.info.unit == Unit::LdsDma) {
      unsigned bytes = event.ldsBytes() * unsigned(popcount(event.lanes()));
      portOf(wave).dmaArrives(service.data, bytes);
      service.data += divideCeil(bytes, constants.dmaWriteBytesPerClock);
    }
    break;
  default:
    break;
  }
  if (unit && profile.traces(issuedAt))
    profile.trace(unit, service.begin, service.end - service.begin,
                  event.info.unit == Unit::LdsDma ? "lds dma"
                  : event.info.stores             ? "write"
                                                  : "read",
                  offsetOf(event.inst()->index));
}

void ComputeUnit::issueMemory(TimedWave &wave, const InstInfo &info,
                              uint64_t now) {
  // Without any lane there is no traffic.
  uint64_t data = std::max(service.data, now + constants.issueClocks);
  service = {};
  if (info.raisesVm) { // in the order of issue
    data = std::max(data, wave.vm.last());
    wave.vm.push(data);
  }
  if (info.raisesLgkm) {
    if (info.unit != Unit::Smem)
      wave.lastLds = data = std::max(data, wave.lastLds);
    wave.lgkm.push(data);
  }
}
