//===- TimedLaunch.cpp - The device estimated from some compute units -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TimedLaunch.h"

#include "ProgramImpl.h"

#include "flyattn/Simulator/Occupancy.h"

#include "llvm/ADT/STLExtras.h"

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <queue>
#include <set>

using namespace llvm;
using namespace flyattn::sim;

/// `count` different numbers below `size`, spread evenly whatever the period of
/// what they index: multiples of the golden ratio.
static std::vector<uint64_t> spread(uint64_t size, uint64_t count) {
  std::vector<bool> taken(size);
  std::vector<uint64_t> chosen;
  constexpr double golden = 0.6180339887498949;
  for (uint64_t n = 0; chosen.size() < std::min(count, size); ++n) {
    double whole;
    auto at =
        uint64_t(std::modf(0.5 + double(n) * golden, &whole) * double(size));
    while (taken[at])
      at = (at + 1) % size;
    taken[at] = true;
    chosen.push_back(at);
  }
  sort(chosen);
  return chosen;
}

TimedLaunch::TimedLaunch(const LaunchContext &context, uint64_t total)
    : context(context), constants(context.options.timing->constants),
      total(total) {
  uint64_t working = std::min<uint64_t>(total, constants.computeUnits);
  Occupancy fits = occupancyOf(context.program.info(), context.program.chip(),
                               context.waves(), context.ldsSize);
  // Workgroups spread over the CUs before they share one.
  resident = unsigned(std::min<uint64_t>(
      fits.workgroups, divideCeil(total, uint64_t(constants.computeUnits))));
  unsigned wanted = context.options.timing->sampledUnits;
  for (uint64_t unit : spread(working, wanted ? wanted : working)) {
    units.emplace_back();
    for (uint64_t w = unit; w < total; w += constants.computeUnits)
      units.back().workgroups.push_back(w);
  }
}

std::vector<uint64_t> TimedLaunch::workgroups() const {
  std::vector<uint64_t> all;
  for (const SampledUnit &unit : units)
    all.insert(all.end(), unit.workgroups.begin(), unit.workgroups.end());
  sort(all);
  return all;
}

std::vector<uint64_t> TimedLaunch::firstWorkgroups() const {
  std::vector<uint64_t> first;
  for (const SampledUnit &unit : units)
    first.push_back(unit.workgroups.front());
  return first;
}

TimedLaunch::SampledUnit *TimedLaunch::unitOf(uint64_t first) {
  auto unit = find_if(units, [&](const SampledUnit &unit) {
    return unit.workgroups.front() == first;
  });
  return unit == units.end() ? nullptr : &*unit;
}

Error TimedLaunch::run(SampledUnit &sampled, LaunchResult &sum) {
  ComputeUnit unit(context, resident, /*trace=*/&sampled == &units.front());
  Error error = unit.run(sampled.workgroups, sum);
  setFpu(defaultFpu);
  sampled.profile = std::move(unit.profile);
  sampled.times = std::move(unit.times);
  sum.checks.merge(unit.takeCheckResults());
  return error;
}

namespace {
/// What is known of the times of workgroups by one coordinate of theirs.
class TimesByPlace {
public:
  void add(uint32_t place, double time) {
    Entry &entry = known[place];
    entry.sum += time;
    ++entry.count;
  }

  void remove(uint32_t place, double time) {
    Entry &entry = known[place];
    entry.sum -= time;
    if (!--entry.count)
      known.erase(place);
  }

  bool empty() const { return known.empty(); }

  /// The mean at `place`, or between those of its neighbours.
  double at(uint32_t place) const {
    auto above = known.lower_bound(place);
    auto below = above == known.begin() ? above : std::prev(above);
    if (above == known.end())
      above = below;
    double low = below->second.mean(), high = above->second.mean();
    if (above->first == place || above == below)
      return high;
    return low + (high - low) * double(place - below->first) /
                     double(above->first - below->first);
  }

private:
  struct Entry {
    double sum = 0;
    unsigned count = 0;
    double mean() const { return sum / count; }
  };
  std::map<uint32_t, Entry> known;
};

using GridPlace = std::array<uint32_t, 3>;

/// The same along one axis of the grid, and, where there are any, from those
/// alone that have the same place on another one: packed sequences have rows
/// along one axis and differ along the other.
class TimesByAxes {
public:
  TimesByAxes(unsigned along, unsigned group) : along(along), group(group) {}

  void add(const GridPlace &place, double time) {
    all.add(place[along], time);
    groups[place[group]].add(place[along], time);
  }

  double at(const GridPlace &place) const {
    auto like = groups.find(place[group]);
    bool isKnown = like != groups.end() && !like->second.empty();
    return (isKnown ? like->second : all).at(place[along]);
  }

  /// How far `at` would be from `time` if that alone were not known, squared.
  double surprise(const GridPlace &place, double time) {
    all.remove(place[along], time);
    groups[place[group]].remove(place[along], time);
    double error = at(place) - time;
    add(place, time);
    return error * error;
  }

private:
  unsigned along, group;
  TimesByPlace all;
  std::map<uint32_t, TimesByPlace> groups;
};
} // namespace

/// Clocks of every workgroup: measured, or interpolated along the axis of the
/// grid, and by place on the other one, that tell most of those that were
/// measured.
std::vector<double>
TimedLaunch::workgroupTimes(ArrayRef<WorkgroupTime> times) const {
  std::vector<double> all(total);
  if (times.empty())
    return all;
  const auto &grid = context.params.grid;
  auto placeOf = [&](uint64_t linear) -> GridPlace {
    uint64_t row = linear / grid[0];
    return {uint32_t(linear % grid[0]), uint32_t(row % grid[1]),
            uint32_t(row / grid[1])};
  };
  auto timeOf = [](const WorkgroupTime &time) {
    return double(time.end - time.begin);
  };
  std::array<std::set<uint32_t>, 3> seen;
  for (const WorkgroupTime &time : times)
    for (auto [places, place] : zip_equal(seen, placeOf(time.linear)))
      places.insert(place);
  std::optional<TimesByAxes> best;
  double least = std::numeric_limits<double>::infinity();
  auto consider = [&](unsigned along, unsigned group) {
    TimesByAxes known(along, group);
    for (const WorkgroupTime &time : times)
      known.add(placeOf(time.linear), timeOf(time));
    double surprise = 0;
    if (times.size() > 1)
      for (const WorkgroupTime &time : times)
        surprise += known.surprise(placeOf(time.linear), timeOf(time));
    if (surprise < least) {
      least = surprise;
      best = std::move(known);
    }
  };
  for (unsigned along = 0; along < 3; ++along)
    consider(along, along);
  // Nothing is known of groups that were not seen.
  for (unsigned along = 0; along < 3; ++along)
    for (unsigned group = 0; group < 3; ++group)
      if (group != along && seen[group].size() == grid[group])
        consider(along, group);
  for (uint64_t w = 0; w < total; ++w)
    all[w] = best->at(placeOf(w));
  for (const WorkgroupTime &time : times)
    all[time.linear] = timeOf(time);
  return all;
}

uint64_t TimedLaunch::deviceClocks(ArrayRef<double> all) const {
  double last = 0;
  unsigned places = constants.computeUnits / constants.xcds * resident;
  for (unsigned xcd = 0; xcd < constants.xcds; ++xcd) {
    std::priority_queue<double, std::vector<double>, std::greater<double>> free;
    for (unsigned n = 0; n < places; ++n)
      free.push(0);
    for (uint64_t w = xcd; w < total; w += constants.xcds) {
      double end = free.top() + all[w];
      free.pop();
      free.push(end);
      last = std::max(last, end);
    }
  }
  return uint64_t(last);
}

TimingResult TimedLaunch::result() const {
  constexpr double simds = 4, ports = 2;
  TimingResult result;
  TimingProfile profile(context.program.impl().listing.size());
  std::vector<WorkgroupTime> times;
  for (const SampledUnit &unit : units) {
    profile.merge(*unit.profile);
    result.unitClocks = std::max(result.unitClocks, unit.profile->activeClocks);
    times.insert(times.end(), unit.times.begin(), unit.times.end());
  }
  std::vector<double> all = workgroupTimes(times);
  result.deviceClocks = deviceClocks(all);
  result.workgroupsPerUnit = resident;
  result.sampledUnits = unsigned(units.size());
  result.timedWorkgroups = times.size();
  double timedClocks = 0;
  for (const WorkgroupTime &time : times)
    timedClocks += double(time.end - time.begin);
  if (times.empty() || !profile.activeClocks)
    return result;
  result.workgroupClocks = uint64_t(timedClocks / double(times.size()));
  auto active = double(profile.activeClocks);
  result.mfmaBusy = double(profile.busy.mfma) / (simds * active);
  result.valuBusy = double(profile.busy.valu) / (simds * active);
  result.ldsBusy = double(profile.busy.lds) / (ports * active);
  result.vmemBusy = double(profile.busy.vmem) / active;
  double allClocks = std::accumulate(all.begin(), all.end(), 0.0);
  double mfmaOfAll = double(profile.busy.mfma) * allClocks / timedClocks;
  result.deviceMfmaBusy = mfmaOfAll / (simds * constants.computeUnits *
                                       double(result.deviceClocks));
  profile.write(context.program, unitCosts(context.program, constants), result);
  return result;
}
