//===- CheckReports.cpp - Gathers what the checks find --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CheckReports.h"

#include "ProgramImpl.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace llvm;
using namespace flyattn::sim;

StringRef flyattn::sim::nameOf(CheckKind kind) {
  switch (kind) {
  case CheckKind::Pending:
    return "pending";
  case CheckKind::Race:
    return "race";
  case CheckKind::WaitStates:
    return "wait-states";
  case CheckKind::Undefined:
    return "undefined";
  }
  return "";
}

static std::string place(const CheckedInst &inst) {
  return "offset 0x" + utohexstr(inst.offset, /*LowerCase=*/true) + ", `" +
         inst.text + "`";
}

std::string flyattn::sim::describe(const CheckReport &report) {
  std::string text = nameOf(report.kind).str() + ": " + place(report.inst) +
                     ": " + report.what;
  if (report.other)
    text += "; the other is " + place(*report.other);
  text += " (workgroup " + std::to_string(report.workgroup[0]) + "," +
          std::to_string(report.workgroup[1]) + "," +
          std::to_string(report.workgroup[2]) + ", wave " +
          std::to_string(report.wave);
  if (report.lane >= 0)
    text += ", lane " + std::to_string(report.lane);
  text += report.count == 1 ? "; once)"
                            : "; " + std::to_string(report.count) + " times)";
  return text;
}

CheckedInst CheckReports::inst(uint32_t index) const {
  const DisassembledInst &listed = program.impl().listing[index];
  return {listed.offset, listed.text};
}

std::string CheckReports::vectorName(unsigned reg) const {
  unsigned split = program.info().accumOffset;
  return reg < split ? "v" + std::to_string(reg)
                     : "a" + std::to_string(reg - split);
}

std::string CheckReports::scalarName(unsigned slot) {
  switch (slot) {
  case SlotVcc:
    return "vcc_lo";
  case SlotVcc + 1:
    return "vcc_hi";
  case SlotExec:
    return "exec_lo";
  case SlotExec + 1:
    return "exec_hi";
  case SlotM0:
    return "m0";
  case SlotScc:
    return "scc";
  case SlotMode:
    return "mode";
  default:
    return "s" + std::to_string(slot);
  }
}

void CheckReports::add(const Finding &finding,
                       function_ref<std::string()> what) {
  CheckReport &report = reports[{finding.inst, finding.kind, finding.other}];
  if (report.count++)
    return;
  report.kind = finding.kind;
  report.inst = inst(finding.inst);
  if (finding.other >= 0)
    report.other = inst(uint32_t(finding.other));
  report.workgroup = workgroup;
  report.wave = finding.wave;
  report.lane = finding.lane;
  report.what = what();
}

std::vector<CheckReport> CheckReports::take() {
  std::vector<CheckReport> result;
  for (auto &[key, report] : reports)
    result.push_back(std::move(report));
  reports.clear();
  return result;
}

static auto orderOf(const CheckReport &report) {
  return std::tuple(report.inst.offset, report.kind,
                    report.other ? int64_t(report.other->offset) : -1);
}

/// Adds `from` to `into`, both ordered by `order`; `join` adds equal ones.
template <typename T, typename Order, typename Join>
static void mergeOrdered(std::vector<T> &into, const std::vector<T> &from,
                         Order order, Join join) {
  for (const T &item : from) {
    auto at = std::lower_bound(
        into.begin(), into.end(), item,
        [&](const T &a, const T &b) { return order(a) < order(b); });
    if (at != into.end() && order(*at) == order(item))
      join(*at, item);
    else
      into.insert(at, item);
  }
}

/// The first occurrence is that of the first workgroup, whatever the number of
/// threads.
static void joinReports(CheckReport &into, const CheckReport &from) {
  uint64_t count = into.count + from.count;
  auto position = [](const CheckReport &report) {
    const auto &[x, y, z] = report.workgroup;
    return std::tuple(z, y, x);
  };
  if (position(from) < position(into))
    into = from;
  into.count = count;
}

void CheckResults::merge(const CheckResults &other) {
  mergeOrdered(reports, other.reports, orderOf, joinReports);
  mergeOrdered(
      bankConflicts, other.bankConflicts,
      [](const BankConflicts &item) { return item.inst.offset; },
      [](BankConflicts &into, const BankConflicts &from) {
        into.executions += from.executions;
        into.clocks += from.clocks;
        into.conflictClocks += from.conflictClocks;
      });
  ldsClocks += other.ldsClocks;
  ldsConflictClocks += other.ldsConflictClocks;
}
