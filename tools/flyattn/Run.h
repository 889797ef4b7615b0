//===- Run.h - What flyattn run does, step by step ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_RUN_H
#define FLYATTN_TOOLS_RUN_H

#include "Execution.h"
#include "Inputs.h"
#include "ProblemOptions.h"
#include "SimulatorOptions.h"
#include "TimingReport.h"

#include "flyattn/Attention/Compare.h"
#include "flyattn/Attention/Plan.h"
#include "flyattn/Attention/RowSelection.h"
#include "flyattn/Runtime/Npy.h"

namespace flyattn::driver {

enum class Check { Reference, None };

/// The options' values. LLD, which the compiler runs in process, sets every
/// cl::opt back to its default, so they are read once, before anything else.
struct RunSettings {
  std::string q, k, v, out, lse, expected, json; ///< files, or empty
  std::string rows, rowHeads;
  ScoreModFiles mods;
  bool noLse = false;
  uint64_t seed = 0;
  Init init = Init::Normal;
  DeviceKind device = DeviceKind::Auto;
  Check check = Check::Reference;
  sim::Options simulator;
  TimingSettings timing; ///< setUpRun() fills it in
  Severity checks = Severity::Fail;
};

RunSettings runSettings();

/// All that a run has made so far.
struct Run {
  RunSettings settings;
  std::string chip;
  Problem problem;
  Inputs inputs;
  ScoreModInputs mods;
  std::optional<std::vector<double>> expected; ///< dense, in the layout
  RowSelection selection;                      ///< with --rows
  Plan plan;
  std::string deviceName;
  LaunchStats stats;
  Tensor o;
  std::vector<float> lse;
  RowSample sample;
  std::optional<Comparison> comparison;
  std::vector<SensitivityRow> sensitivity;

  /// Are all inputs random, none from a file?
  bool isRandom() const {
    return settings.q.empty() && settings.k.empty() && settings.v.empty();
  }
};

/// The problem, its inputs, what is expected and which rows are chosen, from
/// the settings and their files.
llvm::Error setUpRun(Run &run);

/// The type of a file's elements.
DType npyTypeOf(ElementType type);

/// Did the checks find what shall fail the run?
bool failsChecks(const Run &run);
/// The result of --json.
llvm::json::Object resultOf(const Run &run);
void printRun(llvm::raw_ostream &os, const Run &run);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_RUN_H
