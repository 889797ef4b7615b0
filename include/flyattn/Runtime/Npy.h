//===- Npy.h - NumPy's .npy files -----------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads and writes arrays in NumPy's file format, versions 1.0, 2.0 and 3.0, C
// order, little endian. Reading is strict: every malformed file is refused
// with a message that says what is wrong with it.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_RUNTIME_NPY_H
#define FLYATTN_RUNTIME_NPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flyattn {

/// Element types of arrays in files and of device buffers. BF16 is stored as
/// `<u2` bit patterns and read from those or from `<V2` (ml_dtypes); which of
/// the two a 2-byte integer means is for the reader to decide.
enum class DType { BF16, F16, F32, F64, I8, U8, I16, U16, I32, U32, I64, U64 };

/// Bytes an element.
unsigned sizeInBytes(DType type);
/// "bf16", "f32", "i32", ...
llvm::StringRef nameOf(DType type);
/// The inverse of `nameOf`.
std::optional<DType> parseDType(llvm::StringRef name);
/// "bf16, f16, f32, ...": every name, for messages.
std::string allDTypeNames();

/// A dense array in C order.
struct NpyArray {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<uint8_t> data; ///< product(shape) * sizeInBytes(type) bytes

  uint64_t elements() const;
  /// "f32 [2, 3]", for messages.
  std::string describe() const;
};

/// "[2, 3]".
std::string shapeToString(llvm::ArrayRef<int64_t> shape);

/// Reads `path`. Errors begin with the path.
llvm::Expected<NpyArray> readNpy(llvm::StringRef path);

/// Reads a file that must hold `type` and, if given, `shape`. A `<u2` file
/// serves where bf16 is wanted. Errors begin with the path and name both what
/// was found and what was wanted.
llvm::Expected<NpyArray>
readNpyAs(llvm::StringRef path, DType type,
          std::optional<llvm::ArrayRef<int64_t>> shape = std::nullopt);

/// Parses the bytes of a file; `readNpy` without the file.
llvm::Expected<NpyArray> parseNpy(llvm::ArrayRef<uint8_t> bytes);

/// Writes `data` (C order, product(shape) elements) to `path`. An existing
/// file is replaced in one step or not at all.
llvm::Error writeNpy(llvm::StringRef path, DType type,
                     llvm::ArrayRef<int64_t> shape,
                     llvm::ArrayRef<uint8_t> data);

/// Writes `bytes` to `path` ("-" is stdout) in one step or not at all.
llvm::Error writeFileAtomically(llvm::StringRef path,
                                llvm::ArrayRef<uint8_t> bytes);

/// Says now what would make writing `path` fail later: it is a directory, or
/// its directory is missing or not writable.
llvm::Error checkWritable(llvm::StringRef path);

} // namespace flyattn

#endif // FLYATTN_RUNTIME_NPY_H
