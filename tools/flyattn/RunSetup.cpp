//===- RunSetup.cpp - Problem and inputs of flyattn run -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Run.h"

#include "llvm/Support/FormatVariadic.h"

using namespace llvm;
using namespace flyattn;
using namespace flyattn::driver;

DType flyattn::driver::npyTypeOf(ElementType type) {
  return type == ElementType::BF16  ? DType::BF16
         : type == ElementType::F16 ? DType::F16
                                    : DType::F32;
}

namespace {

/// A tensor file that says sizes and type of the problem.
Expected<std::optional<NpyArray>> readOperand(const std::string &file,
                                              size_t rank) {
  if (file.empty())
    return std::nullopt;
  Expected<NpyArray> array = readNpy(file);
  if (!array)
    return withCode(BadUsage, array.takeError());
  if (array->shape.size() != rank)
    return failure(BadUsage, formatv("'{0}': has rank {1} {2}, but rank {3} is "
                                     "wanted{4}",
                                     file, array->shape.size(),
                                     shapeToString(array->shape), rank,
                                     rank == 3 ? " for packed sequences" : ""));
  if (array->type == DType::U16)
    array->type = DType::BF16;
  if (array->type != DType::BF16 && array->type != DType::F16 &&
      array->type != DType::F32)
    return failure(BadUsage, formatv("'{0}': holds {1}, but bf16, f16 or f32 "
                                     "is wanted",
                                     file, array->describe()));
  return std::move(*array);
}

/// Copies the file into `tensor` after comparing it with the problem.
Error useOperand(StringRef file, const std::optional<NpyArray> &array,
                 const Problem &problem, Operand operand, Tensor &tensor) {
  if (!array)
    return Error::success();
  DType type = npyTypeOf(problem.dtype);
  std::vector<int64_t> shape = problem.shapeOf(operand);
  if (problem.packed() && array->shape[0] != shape[0])
    return failure(BadUsage,
                   formatv("--cu-seqlens-{0} ends at {1}, but '{2}' has {3} "
                           "rows; the last entry must be the number of rows",
                           operand == Operand::Q ? "q" : "kv", shape[0], file,
                           array->shape[0]));
  if (array->type != type || array->shape != shape)
    return failure(BadUsage, formatv("'{0}': holds {1}, but {2} {3} is wanted",
                                     file, array->describe(), nameOf(type),
                                     shapeToString(shape)));
  tensor.assign(array->data.begin(), array->data.end());
  return Error::success();
}

/// Problem and inputs, from options and files.
Error setUpProblem(Run &run) {
  Expected<std::string> chip = archFromOptions();
  Expected<Problem> problem = problemFromOptions();
  if (Error error = joinErrors(chip.takeError(), problem.takeError()))
    return error;
  run.chip = *chip;
  run.problem = *problem;
  run.problem.wantLse = !run.settings.noLse;
  if (run.settings.noLse && !run.settings.lse.empty())
    return failure(BadUsage, "--lse and --no-lse exclude each other");
  if (run.settings.check == Check::None && !run.settings.expected.empty())
    return failure(BadUsage, "--expected asks for a check: leave out --check "
                             "none");
  auto timing = timingSettings(run.chip, run.settings.simulator);
  if (!timing)
    return timing.takeError();
  run.settings.timing = *timing;
  if (run.settings.checks != Severity::Off || timing->on ||
      run.problem.countRescales) {
    if (run.settings.device == DeviceKind::Hip)
      return failure(BadUsage,
                     "--checks, --timing and --count-rescales need the "
                     "simulator: leave out --device hip");
    run.settings.device = DeviceKind::Simulated;
  }
  if (Error error =
          checkOutputs({run.settings.out, run.settings.lse, run.settings.json,
                        run.settings.timing.traceFile}))
    return error;

  size_t rank = run.problem.packed() ? 3 : 4;
  auto q = readOperand(run.settings.q, rank),
       k = readOperand(run.settings.k, rank),
       v = readOperand(run.settings.v, rank);
  if (Error error =
          joinErrors(joinErrors(q.takeError(), k.takeError()), v.takeError()))
    return error;
  fillFromFiles(run.problem, *q, *k, *v);
  if (Error error = takeScoreMods(run.problem))
    return error;
  if (Error error = checkProblem(run.problem, run.chip))
    return error;
  auto mods = makeScoreMods(run.problem, run.settings.mods, run.settings.seed);
  if (!mods)
    return mods.takeError();
  run.mods = std::move(*mods);
  if (!*q || !*k || !*v)
    run.inputs = makeInputs(run.problem, run.settings.init, run.settings.seed);
  Error error =
      useOperand(run.settings.q, *q, run.problem, Operand::Q, run.inputs.q);
  error =
      joinErrors(std::move(error), useOperand(run.settings.k, *k, run.problem,
                                              Operand::K, run.inputs.k));
  return joinErrors(
      std::move(error),
      useOperand(run.settings.v, *v, run.problem, Operand::V, run.inputs.v));
}

/// Numbers below `count` of what `option` names.
Error readSelection(StringRef option, StringRef text, StringRef what,
                    int64_t count, std::vector<int64_t> &list) {
  if (Error error = parseList(option, text, list))
    return error;
  for (int64_t number : list)
    if (number < 0 || number >= count)
      return failure(BadUsage, formatv("--{0}: {1} was given; {2} are 0 to {3}",
                                       option, number, what, count - 1));
  return Error::success();
}

Error selectRows(Run &run) {
  const RunSettings &settings = run.settings;
  if (settings.rows.empty())
    return settings.rowHeads.empty()
               ? Error::success()
               : failure(BadUsage, "--row-heads needs --rows: say which rows "
                                   "of these heads");
  if (settings.timing.on)
    return failure(BadUsage, "--rows and --timing exclude each other: a timed "
                             "launch needs all workgroups");
  if (settings.device == DeviceKind::Hip)
    return failure(BadUsage, "--rows needs the simulator: leave out --device "
                             "hip");
  if (settings.checks != Severity::Off && run.problem.splits != 1)
    return failure(BadUsage, "--rows with --splits and --checks exclude each "
                             "other: parts of rows that were not run are "
                             "undefined to the kernel that merges them");
  run.settings.device = DeviceKind::Simulated;
  if (Error error = readSelection("rows", settings.rows, "query rows",
                                  run.problem.seqlenQ, run.selection.rows))
    return error;
  return readSelection("row-heads", settings.rowHeads, "query heads",
                       run.problem.heads, run.selection.heads);
}

Error readExpected(Run &run) {
  if (run.settings.expected.empty())
    return Error::success();
  Expected<NpyArray> array = readNpy(run.settings.expected);
  if (!array)
    return withCode(BadUsage, array.takeError());
  if (array->type == DType::U16)
    array->type = DType::BF16;
  std::vector<int64_t> shape = run.problem.shapeOf(Operand::O);
  constexpr DType floats[] = {DType::BF16, DType::F16, DType::F32, DType::F64};
  if (!is_contained(floats, array->type) || array->shape != shape)
    return failure(BadUsage, formatv("'{0}': holds {1}, but bf16, f16, f32 or "
                                     "f64 {2} is wanted",
                                     run.settings.expected, array->describe(),
                                     shapeToString(shape)));
  run.expected = toDoubles(*array);
  return Error::success();
}

} // namespace

Error flyattn::driver::setUpRun(Run &run) {
  if (Error error = setUpProblem(run))
    return error;
  if (Error error = checkSimulatorOptions(run.chip))
    return error;
  if (Error error = selectRows(run))
    return error;
  return readExpected(run);
}
