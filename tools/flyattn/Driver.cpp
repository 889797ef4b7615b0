//===- Driver.cpp - What the driver's commands share ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "flyattn/Attention/Problem.h"
#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstdlib>

using namespace llvm;

namespace flyattn::driver {

char Failure::ID;

void Failure::log(raw_ostream &os) const { os << message; }

Error failure(ExitCode code, const Twine &message) {
  return make_error<Failure>(code, message.str());
}

Error withCode(ExitCode code, Error error) {
  if (!error || error.isA<Failure>() || error.isA<ProblemError>())
    return error;
  return failure(code, toString(std::move(error)));
}

bool useColors(const raw_ostream &stream) {
  const char *noColor = std::getenv("NO_COLOR");
  return !(noColor && *noColor) && stream.is_displayed() && stream.has_colors();
}

static raw_ostream &errorLine() {
  return WithColor::error(errs(), "flyattn", !useColors(errs()));
}

/// "head_dim" is the option --head-dim; what has no option stays as it is.
static std::string asOption(StringRef argument) {
  if (argument.ends_with("_strides"))
    return argument.str();
  std::string option = "--" + argument.str();
  replace(option, '_', '-');
  return option;
}

static ExitCode reportProblem(ProblemError &error) {
  for (Diagnostic &d : error.diagnostics)
    errorLine() << asOption(d.argument) << ": " << d.message << '\n';
  ExitCode code = error.isBadUsage() ? BadUsage : Unsupported;
  error.diagnostics.clear();
  if (!error.refusals.empty()) {
    error.log(errs());
    errs() << '\n';
  }
  return code;
}

int report(Error error) {
  ExitCode code = Fine;
  handleAllErrors(
      std::move(error), [&](ProblemError &e) { code = reportProblem(e); },
      [&](Failure &e) {
        code = std::max(code, e.code);
        if (!e.message.empty())
          errorLine() << e.message << '\n';
      },
      [&](ErrorInfoBase &e) {
        code = std::max(code, BadUsage);
        errorLine() << e.message() << '\n';
      });
  return code;
}

Error writeJson(StringRef path, json::Value value) {
  std::string text = formatv("{0:2}\n", value);
  if (path == "-") {
    outs() << text;
    return Error::success();
  }
  return withCode(BadUsage,
                  writeFileAtomically(path, arrayRefFromStringRef(text)));
}

Error checkOutputs(ArrayRef<std::string> paths) {
  Error error = Error::success();
  for (const std::string &path : paths)
    if (!path.empty())
      error =
          joinErrors(std::move(error), withCode(BadUsage, checkWritable(path)));
  return error;
}

json::Value toJson(double number) {
  if (std::isnan(number))
    return "nan";
  if (std::isinf(number))
    return number < 0 ? "-inf" : "inf";
  return number;
}

ProgressBar::ProgressBar(StringRef title)
    : title(title), enabled(errs().is_displayed()) {}

ProgressBar::~ProgressBar() {
  if (enabled && shown >= 0)
    errs() << "\r\033[K";
}

void ProgressBar::update(uint64_t done, uint64_t total) {
  if (!enabled || total == 0)
    return;
  int now = int(1000 * done / total), before = shown;
  if (now <= before || !shown.compare_exchange_strong(before, now))
    return;
  constexpr int width = 40;
  int filled = width * now / 1000;
  errs() << formatv("\r{0} [{1}{2}] {3,3}%", title, std::string(filled, '#'),
                    std::string(width - filled, '.'), now / 10);
}

} // namespace flyattn::driver
