//===- TimingProfile.cpp - What a timed compute unit records --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimingProfile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <numeric>

using namespace llvm;
using namespace flyattn::sim;

StringRef flyattn::sim::nameOf(Stall cause) {
  constexpr StringRef names[stallCauses] = {
      "vmcnt",     "lgkmcnt",        "barrier",   "mfma-result", "mfma-busy",
      "valu-busy", "issue-conflict", "lds-queue", "vmem-queue",  "fetch",
      "nop"};
  return names[unsigned(cause)];
}

uint64_t TimedInst::stalled() const {
  return std::accumulate(stalls.begin(), stalls.end(), uint64_t(0));
}

void TimingProfile::backEdge(uint64_t wave, unsigned from, unsigned to,
                             uint64_t now, uint64_t mfmaBusy) {
  auto [it, isNew] = open.try_emplace({wave, {from, to}},
                                      Visit{now, now, mfmaBusy, mfmaBusy, 0});
  if (isNew)
    return;
  Visit &visit = it->second;
  visit.last = now;
  visit.lastBusy = mfmaBusy;
  ++visit.iterations;
}

void TimingProfile::close(Edge edge, const Visit &visit) {
  Loop &loop = loops[edge];
  loop.iterations += visit.iterations;
  loop.clocks += visit.last - visit.first;
  loop.mfmaBusy += visit.lastBusy - visit.firstBusy;
}

void TimingProfile::endWave(uint64_t wave) {
  auto begin = open.lower_bound({wave, {0, 0}});
  auto end = open.lower_bound({wave + 1, {0, 0}});
  for (auto it = begin; it != end; ++it)
    close(it->first.second, it->second);
  open.erase(begin, end);
}

void TimingProfile::merge(const TimingProfile &other) {
  for (size_t i = 0; i < issued.size(); ++i) {
    issued[i] += other.issued[i];
    for (unsigned cause = 0; cause < stallCauses; ++cause)
      stalls[i][cause] += other.stalls[i][cause];
  }
  for (const auto &[edge, loop] : other.loops) {
    Loop &mine = loops[edge];
    mine.iterations += loop.iterations;
    mine.clocks += loop.clocks;
    mine.mfmaBusy += loop.mfmaBusy;
  }
  busy.mfma += other.busy.mfma;
  busy.valu += other.busy.valu;
  busy.lds += other.busy.lds;
  busy.vmem += other.busy.vmem;
  activeClocks += other.activeClocks;
  events.insert(events.end(), other.events.begin(), other.events.end());
}

void TimingProfile::write(const Program &program, ArrayRef<UnitCost> costs,
                          TimingResult &result) const {
  const auto &listing = program.disassembly();
  for (size_t i = 0; i < listing.size(); ++i)
    result.insts.push_back(
        {listing[i].offset, listing[i].text, issued[i], stalls[i]});
  for (const auto &[edge, loop] : loops) {
    if (!loop.iterations)
      continue;
    auto [from, to] = edge;
    TimedLoop timed;
    timed.begin = listing[to].offset;
    timed.end = listing[from].offset + listing[from].size;
    timed.iterations = loop.iterations;
    timed.clocks = double(loop.clocks) / double(loop.iterations);
    timed.mfmaBusy =
        loop.clocks ? double(loop.mfmaBusy) / double(loop.clocks) : 0;
    // Instructions of the body by how often they were issued, relative to the
    // branch that closes it.
    for (unsigned i = to; i <= from; ++i) {
      double share = double(issued[i]) / double(issued[from]);
      timed.mfmaClocks += share * costs[i].mfma;
      timed.valuClocks += share * costs[i].valu;
    }
    result.loops.push_back(timed);
  }
  sort(result.loops, [](const TimedLoop &a, const TimedLoop &b) {
    return std::pair(double(b.iterations) * b.clocks, a.begin) <
           std::pair(double(a.iterations) * a.clocks, b.begin);
  });
  result.trace = events;
}

std::string flyattn::sim::traceToJson(ArrayRef<TraceEvent> events) {
  std::vector<StringRef> tracks;
  for (const TraceEvent &event : events)
    tracks.push_back(event.track);
  sort(tracks);
  tracks.erase(llvm::unique(tracks), tracks.end());
  std::string text;
  raw_string_ostream stream(text);
  json::OStream out(stream);
  out.objectBegin();
  out.attribute("displayTimeUnit", "ns");
  out.attributeBegin("traceEvents");
  out.arrayBegin();
  for (const auto &[number, track] : enumerate(tracks))
    out.value(json::Object{{"ph", "M"},
                           {"pid", 0},
                           {"tid", int64_t(number)},
                           {"name", "thread_name"},
                           {"args", json::Object{{"name", track}}}});
  for (const TraceEvent &event : events)
    out.value(json::Object{
        {"ph", "X"},
        {"pid", 0},
        {"tid",
         int64_t(lower_bound(tracks, StringRef(event.track)) - tracks.begin())},
        {"ts", int64_t(event.begin)},
        {"dur", int64_t(event.clocks)},
        {"name", event.name},
        {"args", json::Object{{"offset", int64_t(event.offset)}}}});
  out.arrayEnd();
  out.attributeEnd();
  out.objectEnd();
  stream.flush();
  return text;
}
