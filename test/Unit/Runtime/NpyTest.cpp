//===- NpyTest.cpp - Tests of .npy files ----------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace flyattn;

namespace {

/// A file of version `major`.0 with this header and data.
std::string makeFile(StringRef header, StringRef data, unsigned major = 1) {
  std::string text = "\x93NUMPY";
  text += char(major);
  text += '\0';
  size_t length = header.size();
  for (unsigned i = 0; i < (major == 1 ? 2 : 4); ++i, length >>= 8)
    text += char(length);
  return text + header.str() + data.str();
}

constexpr StringRef kHeader =
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";
const std::string kData(8, 'x');

std::string errorOf(StringRef bytes) {
  Expected<NpyArray> array = parseNpy(arrayRefFromStringRef(bytes));
  return array ? "no error" : toString(array.takeError());
}

/// A file name that is free, gone when the test ends.
class TemporaryFile {
public:
  TemporaryFile() { sys::fs::createTemporaryFile("flyattn", "npy", path); }
  ~TemporaryFile() { sys::fs::remove(path); }
  SmallString<128> path;
};

TEST(Npy, ReadsEveryVersion) {
  for (unsigned major : {1, 2, 3}) {
    Expected<NpyArray> array =
        parseNpy(arrayRefFromStringRef(makeFile(kHeader, kData, major)));
    ASSERT_TRUE(bool(array)) << toString(array.takeError());
    EXPECT_EQ(array->type, DType::F32);
    EXPECT_EQ(array->shape, (std::vector<int64_t>{2, 1}));
    EXPECT_EQ(toStringRef(array->data), kData);
  }
}

TEST(Npy, ReadsScalarsAndBothFormsOfBf16) {
  auto typeOf = [](StringRef descr) {
    std::string header = ("{\"descr\": \"" + descr +
                          "\", \"fortran_order\": True, \"shape\": ()}")
                             .str();
    Expected<NpyArray> array =
        parseNpy(arrayRefFromStringRef(makeFile(header, "ab")));
    EXPECT_TRUE(bool(array));
    return array ? array->type : DType::F64;
  };
  EXPECT_EQ(typeOf("<V2"), DType::BF16);
  EXPECT_EQ(typeOf("|V2"), DType::BF16);
  EXPECT_EQ(typeOf("<u2"), DType::U16);
  EXPECT_EQ(typeOf("<f2"), DType::F16);
}

TEST(Npy, NamesWhatIsMalformed) {
  std::string good = makeFile(kHeader, kData);
  ASSERT_EQ(errorOf(good), "no error");
  EXPECT_EQ(errorOf(""), "the file is empty");
  EXPECT_TRUE(StringRef(errorOf("hello, world")).contains("not a .npy file"));
  EXPECT_TRUE(StringRef(errorOf(good.substr(0, 8))).contains("truncated"));
  EXPECT_TRUE(StringRef(errorOf(good.substr(0, 40))).contains("truncated"));
  EXPECT_TRUE(StringRef(errorOf(good.substr(0, good.size() - 1)))
                  .contains("truncated"));
  EXPECT_TRUE(StringRef(errorOf(good + "x")).contains("excess data"));
  EXPECT_TRUE(
      StringRef(errorOf(makeFile(kHeader, kData, 4))).contains("version 4.0"));
}

TEST(Npy, RefusesBadHeaders) {
  const std::pair<StringRef, StringRef> cases[] = {
      {"", "does not begin"},
      {"{'descr': '<f4', 'shape': (2, 1)}", "needs 'descr'"},
      {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}", "neither True"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': 2}", "no tuple"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "no tuple"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
       "structured"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1)} x",
       "after the closing"},
      {"{'descr': '<f4', 'descr': '<f4'}", "repeated key"},
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 1)}",
       "big endian"},
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 1)}",
       "is not read"},
      {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}",
       "Fortran order"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, "
       "99999999999)}",
       "too large"},
  };
  for (auto [header, message] : cases)
    EXPECT_TRUE(StringRef(errorOf(makeFile(header, kData))).contains(message))
        << header.str() << " -> " << errorOf(makeFile(header, kData));
}

TEST(Npy, RoundTrip) {
  TemporaryFile file;
  const uint8_t data[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  ASSERT_FALSE(
      errorToBool(writeNpy(file.path, DType::BF16, {2, 3}, ArrayRef(data))));
  int64_t shape[] = {2, 3};
  Expected<NpyArray> array = readNpyAs(file.path, DType::BF16, ArrayRef(shape));
  ASSERT_TRUE(bool(array)) << toString(array.takeError());
  EXPECT_EQ(ArrayRef(array->data), ArrayRef(data));
  // The data begins at a multiple of 64 bytes.
  auto text = MemoryBuffer::getFile(file.path);
  EXPECT_EQ(((*text)->getBufferSize() - sizeof(data)) % 64, 0u);
}

TEST(Npy, SaysWhatWasWanted) {
  TemporaryFile file;
  const uint8_t data[8] = {};
  ASSERT_FALSE(
      errorToBool(writeNpy(file.path, DType::F32, {2}, ArrayRef(data))));
  auto errorOfReading = [&](DType type, std::vector<int64_t> shape) {
    auto array = readNpyAs(file.path, type, ArrayRef(shape));
    return array ? "no error" : toString(array.takeError());
  };
  EXPECT_EQ(errorOfReading(DType::F32, {2}), "no error");
  EXPECT_TRUE(StringRef(errorOfReading(DType::BF16, {2}))
                  .contains("holds f32 [2], but bf16 is wanted"));
  EXPECT_TRUE(StringRef(errorOfReading(DType::F32, {2, 1})).contains("rank 1"));
  EXPECT_TRUE(StringRef(errorOfReading(DType::F32, {3}))
                  .contains("has shape [2], but [3] is wanted"));
}

TEST(Npy, MissingFileNamesIt) {
  auto array = readNpy("/nonexistent/q.npy");
  ASSERT_FALSE(bool(array));
  EXPECT_TRUE(
      StringRef(toString(array.takeError())).contains("/nonexistent/q.npy"));
}

TEST(Npy, FailedWriteKeepsTheOldFile) {
  EXPECT_TRUE(errorToBool(checkWritable("/nonexistent/o.npy")));
  EXPECT_TRUE(errorToBool(checkWritable("/")));
  TemporaryFile file;
  EXPECT_FALSE(errorToBool(checkWritable(file.path)));
  // A directory in the way: the rename cannot succeed.
  EXPECT_TRUE(errorToBool(writeNpy("/", DType::U8, {1}, {uint8_t(1)})));
}

} // namespace
