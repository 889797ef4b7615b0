//===- LaunchFile.h - LAUNCH.json -----------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_LAUNCHFILE_H
#define FLYATTN_TOOLS_LAUNCHFILE_H

#include "flyattn/Runtime/Device.h"
#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace flyattn::driver {

/// A buffer: the contents of a .npy file, or `shape` elements of `type` that
/// are all NaN (0xFF). `out` is where it is written afterwards.
struct LaunchBuffer {
  std::string name;
  std::string file; ///< empty: shape and type
  std::vector<int64_t> shape;
  DType type = DType::F32;
  std::string out; ///< empty: not written
};

/// Bytes of the kernarg segment: a buffer's address or a value.
struct KernargField {
  uint64_t offset;
  std::string buffer;         ///< empty: `bytes`
  std::vector<uint8_t> bytes; ///< 8 for a buffer
};

struct LaunchFile {
  std::string codeObject, kernel;
  LaunchShape shape;
  std::vector<LaunchBuffer> buffers;
  uint64_t kernargSize = 0;
  std::vector<KernargField> kernarg;
};

/// Reads LAUNCH.json. Paths in the result are relative to the working
/// directory. Every unknown, missing or wrong key, unknown buffer and
/// overlapping field is an error that names its place in the file.
llvm::Expected<LaunchFile> readLaunchFile(llvm::StringRef path);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_LAUNCHFILE_H
