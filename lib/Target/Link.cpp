//===- Link.cpp - Objects to code objects, by LLD -------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Target/CodeGen.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace llvm;

static Error writeFile(StringRef path, StringRef bytes) {
  std::error_code code;
  raw_fd_ostream file(path, code);
  if (!code) {
    file << bytes;
    file.close();
    code = file.error();
    file.clear_error();
  }
  if (code)
    return createFileError(path, code);
  return Error::success();
}

Expected<std::string> flyattn::linkCodeObject(StringRef object) {
  SmallString<128> directory;
  if (std::error_code code =
          sys::fs::createUniqueDirectory("flyattn-link", directory))
    return createFileError("temporary directory for linking", code);
  scope_exit remove([&] { sys::fs::remove_directories(directory); });
  SmallString<128> input(directory), output(directory);
  sys::path::append(input, "kernel.o");
  sys::path::append(output, "kernel.hsaco");
  if (Error error = writeFile(input, object))
    return error;

  static std::mutex lldLock;
  std::string diagnostics;
  raw_string_ostream stream(diagnostics);
  {
    std::lock_guard<std::mutex> guard(lldLock);
    lld::Result result =
        lld::lldMain({"ld.lld", "-shared", "--no-undefined", "--threads=1",
                      input.c_str(), "-o", output.c_str()},
                     stream, stream, {{lld::Gnu, &lld::elf::link}});
    if (result.retCode != 0)
      return createStringError("LLD could not link the kernel: " + diagnostics);
  }
  ErrorOr<std::unique_ptr<MemoryBuffer>> linked =
      MemoryBuffer::getFile(output, /*IsText=*/false,
                            /*RequiresNullTerminator=*/false);
  if (!linked)
    return createFileError(output, linked.getError());
  return (*linked)->getBuffer().str();
}
