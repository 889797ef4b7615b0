//===- Driver.h - What the driver's commands share ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_DRIVER_H
#define FLYATTN_TOOLS_DRIVER_H

#include "flyattn/Simulator/CodeObject.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <atomic>
#include <cstdint>
#include <string>

namespace flyattn::driver {

/// How the program ends.
enum ExitCode {
  Fine = 0,
  WrongResult = 1,
  BadUsage = 2,    ///< or a bad input file
  Unsupported = 3, ///< a problem that no kernel serves
  DeviceFailure = 4
};

/// An error that knows the exit code it leads to.
class Failure : public llvm::ErrorInfo<Failure> {
public:
  static char ID;
  Failure(ExitCode code, std::string message)
      : code(code), message(std::move(message)) {}

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

  ExitCode code;
  std::string message;
};

llvm::Error failure(ExitCode code, const llvm::Twine &message);

/// Gives `error` an exit code; keeps success, and a Failure as it is.
llvm::Error withCode(ExitCode code, llvm::Error error);

template <typename T>
llvm::Expected<T> withCode(ExitCode code, llvm::Expected<T> value) {
  if (!value)
    return withCode(code, value.takeError());
  return value;
}

/// Prints `error` to stderr, with the arguments of a ProblemError as command
/// line options, and returns its exit code (BadUsage if it has none).
int report(llvm::Error error);

/// Whether `stream` takes colours: a terminal, and NO_COLOR is not set.
bool useColors(const llvm::raw_ostream &stream);

/// Writes JSON to a file, or to stdout for "-". Bad paths are BadUsage.
llvm::Error writeJson(llvm::StringRef path, llvm::json::Value value);

/// BadUsage if one of the files to write (empty: none) cannot be written.
llvm::Error checkOutputs(llvm::ArrayRef<std::string> paths);

/// Reads a code object from a file. Errors are BadUsage.
llvm::Expected<sim::CodeObject> loadCodeObject(llvm::StringRef path);

/// A number, or "nan", "inf", "-inf": JSON knows none of these.
llvm::json::Value toJson(double number);

/// A bar on stderr while it lives, if stderr is a terminal.
class ProgressBar {
public:
  explicit ProgressBar(llvm::StringRef title);
  ~ProgressBar();
  /// From any thread.
  void update(uint64_t done, uint64_t total);

private:
  std::string title;
  bool enabled;
  std::atomic<int> shown = -1; ///< per mille
};

/// One subcommand: its options are registered with `subcommand`.
struct Command {
  llvm::cl::SubCommand &(*subcommand)();
  llvm::StringRef examples; ///< for --help
  llvm::Error (*run)();
};

extern const Command compileCommand, runCommand, explainCommand, benchCommand,
    inspectCommand, launchCommand, isaCommand, timingCommand;

/// All options of the driver, so that --help shows no others. A function, like
/// the subcommands, because options in every file are registered with it before
/// main begins.
llvm::cl::OptionCategory &category();
llvm::cl::SubCommand &compileSub();
llvm::cl::SubCommand &explainSub();
llvm::cl::SubCommand &runSub();
llvm::cl::SubCommand &benchSub();
llvm::cl::SubCommand &inspectSub();
llvm::cl::SubCommand &timingSub();
llvm::cl::SubCommand &launchSub();
llvm::cl::SubCommand &isaSub();

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_DRIVER_H
