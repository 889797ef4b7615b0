//===- Npy.cpp - NumPy's .npy files ---------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileOutputBuffer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cstring>

using namespace llvm;

namespace flyattn {

namespace {

struct DTypeInfo {
  DType type;
  StringRef name;
  StringRef descr; ///< NumPy's, as we write it
  unsigned size;   ///< bytes
};

constexpr DTypeInfo kTypes[] = {
    {DType::BF16, "bf16", "<u2", 2}, {DType::F16, "f16", "<f2", 2},
    {DType::F32, "f32", "<f4", 4},   {DType::F64, "f64", "<f8", 8},
    {DType::I8, "i8", "|i1", 1},     {DType::U8, "u8", "|u1", 1},
    {DType::I16, "i16", "<i2", 2},   {DType::U16, "u16", "<u2", 2},
    {DType::I32, "i32", "<i4", 4},   {DType::U32, "u32", "<u4", 4},
    {DType::I64, "i64", "<i8", 8},   {DType::U64, "u64", "<u8", 8},
};

const DTypeInfo &infoOf(DType type) {
  return *find_if(kTypes, [&](const DTypeInfo &t) { return t.type == type; });
}

template <typename... Args> Error failure(const char *format, Args... args) {
  return createStringError(inconvertibleErrorCode(), format, args...);
}

/// The header's dictionary, a Python literal:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  Error parse(std::string &descr, bool &fortran, std::vector<int64_t> &shape) {
    bool seenDescr = false, seenOrder = false, seenShape = false;
    if (!consume("{"))
      return failure("bad header: it does not begin with '{'");
    while (!consume("}")) {
      std::string key;
      if (!parseString(key) || !consume(":"))
        return failure("bad header: a quoted key and ':' were expected");
      if (key == "descr" && !seenDescr) {
        seenDescr = true;
        if (!parseString(descr))
          return failure("bad header: 'descr' is no simple type "
                         "(structured arrays are not read)");
      } else if (key == "fortran_order" && !seenOrder) {
        seenOrder = true;
        fortran = consume("True");
        if (!fortran && !consume("False"))
          return failure("bad header: 'fortran_order' is neither True nor "
                         "False");
      } else if (key == "shape" && !seenShape) {
        seenShape = true;
        if (!parseShape(shape))
          return failure("bad header: 'shape' is no tuple of sizes");
      } else {
        return failure("bad header: unexpected or repeated key '%s'",
                       key.c_str());
      }
      if (!consume(",") && !rest.ltrim().starts_with("}"))
        return failure("bad header: ',' or '}' was expected after '%s'",
                       key.c_str());
    }
    if (!seenDescr || !seenOrder || !seenShape)
      return failure("bad header: it needs 'descr', 'fortran_order' and "
                     "'shape'");
    if (!rest.trim().empty())
      return failure("bad header: text after the closing '}'");
    return Error::success();
  }

private:
  bool consume(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }

  bool parseString(std::string &value) {
    rest = rest.ltrim();
    if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
      return false;
    size_t end = rest.find(rest[0], 1);
    if (end == StringRef::npos)
      return false;
    value = rest.slice(1, end).str();
    rest = rest.drop_front(end + 1);
    return true;
  }

  bool parseShape(std::vector<int64_t> &shape) {
    if (!consume("("))
      return false;
    while (!consume(")")) {
      uint64_t size;
      rest = rest.ltrim();
      if (rest.consumeInteger(10, size) || size > INT64_MAX)
        return false;
      rest.consume_front("L");
      shape.push_back(int64_t(size));
      if (!consume(",") && !rest.ltrim().starts_with(")"))
        return false;
    }
    return true;
  }

  StringRef rest;
};

Expected<DType> parseDescr(StringRef descr) {
  if (descr.starts_with(">"))
    return failure("dtype '%s' is big endian; only little endian is read",
                   descr.str().c_str());
  if (descr == "<V2" || descr == "|V2")
    return DType::BF16;
  if (descr == "<u2")
    return DType::U16;
  for (const DTypeInfo &info : kTypes)
    if (info.descr.drop_front() == descr.drop_front() &&
        StringRef("<|=").contains(descr[0]))
      return info.type;
  return failure("dtype '%s' is not read; known are bf16 (as <u2 or <V2), f2, "
                 "f4, f8 and integers of 1 to 8 bytes",
                 descr.str().c_str());
}

/// Splits a file into its header text and its data.
Error splitFile(ArrayRef<uint8_t> bytes, StringRef &header,
                ArrayRef<uint8_t> &data) {
  static constexpr uint8_t kMagic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
  if (bytes.empty())
    return failure("the file is empty");
  if (bytes.size() < 6 || bytes.take_front(6) != ArrayRef(kMagic))
    return failure("not a .npy file (its first bytes are not \"\\x93NUMPY\")");
  if (bytes.size() < 10)
    return failure("truncated: %zu bytes hold no header", bytes.size());
  unsigned major = bytes[6], minor = bytes[7];
  if (major < 1 || major > 3 || minor != 0)
    return failure("format version %u.%u is not read; known are 1.0, 2.0 and "
                   "3.0",
                   major, minor);
  size_t start = major == 1 ? 10 : 12;
  if (bytes.size() < start)
    return failure("truncated: %zu bytes hold no header", bytes.size());
  size_t length = major == 1 ? support::endian::read16le(bytes.data() + 8)
                             : support::endian::read32le(bytes.data() + 8);
  if (bytes.size() - start < length)
    return failure("truncated: the header should have %zu bytes, %zu are there",
                   length, bytes.size() - start);
  header = toStringRef(bytes.slice(start, length));
  data = bytes.drop_front(start + length);
  return Error::success();
}

} // namespace

unsigned sizeInBytes(DType type) { return infoOf(type).size; }
StringRef nameOf(DType type) { return infoOf(type).name; }

std::optional<DType> parseDType(StringRef name) {
  for (const DTypeInfo &info : kTypes)
    if (info.name == name)
      return info.type;
  return std::nullopt;
}

std::string allDTypeNames() {
  return join(map_range(kTypes, [](const DTypeInfo &t) { return t.name; }),
              ", ");
}

std::string shapeToString(ArrayRef<int64_t> shape) {
  return "[" +
         join(map_range(shape, [](int64_t n) { return std::to_string(n); }),
              ", ") +
         "]";
}

uint64_t NpyArray::elements() const {
  uint64_t count = 1;
  for (int64_t size : shape)
    count *= uint64_t(size);
  return count;
}

std::string NpyArray::describe() const {
  return (nameOf(type) + " " + shapeToString(shape)).str();
}

Expected<NpyArray> parseNpy(ArrayRef<uint8_t> bytes) {
  StringRef header;
  ArrayRef<uint8_t> data;
  if (Error error = splitFile(bytes, header, data))
    return std::move(error);

  NpyArray array;
  std::string descr;
  bool fortran = false;
  if (Error error = HeaderParser(header).parse(descr, fortran, array.shape))
    return std::move(error);
  if (descr.size() < 2)
    return failure("bad header: dtype '%s'", descr.c_str());
  Expected<DType> type = parseDescr(descr);
  if (!type)
    return type.takeError();
  array.type = *type;
  if (fortran && array.shape.size() > 1)
    return failure("the array is in Fortran order; save it with "
                   "numpy.ascontiguousarray");

  uint64_t wanted = sizeInBytes(array.type);
  for (int64_t size : array.shape) {
    bool overflow = false;
    wanted = SaturatingMultiply(wanted, uint64_t(size), &overflow);
    if (overflow)
      return failure("bad header: shape %s is too large",
                     shapeToString(array.shape).c_str());
  }
  if (data.size() != wanted)
    return failure("%s: %s needs %llu bytes of data, %zu are there",
                   data.size() < wanted ? "truncated" : "excess data",
                   array.describe().c_str(), (unsigned long long)wanted,
                   data.size());
  array.data.assign(data.begin(), data.end());
  return array;
}

Expected<NpyArray> readNpy(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> file = MemoryBuffer::getFile(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return createFileError(path, file.getError());
  StringRef text = (*file)->getBuffer();
  Expected<NpyArray> array = parseNpy(arrayRefFromStringRef(text));
  if (!array)
    return createFileError(path, array.takeError());
  return array;
}

Expected<NpyArray> readNpyAs(StringRef path, DType type,
                             std::optional<ArrayRef<int64_t>> shape) {
  Expected<NpyArray> array = readNpy(path);
  if (!array)
    return array;
  if (type == DType::BF16 && array->type == DType::U16)
    array->type = DType::BF16;
  if (array->type != type)
    return createFileError(path, failure("holds %s, but %s is wanted",
                                         array->describe().c_str(),
                                         nameOf(type).str().c_str()));
  if (shape && array->shape.size() != shape->size())
    return createFileError(
        path, failure("has rank %zu %s, but rank %zu %s is wanted",
                      array->shape.size(), shapeToString(array->shape).c_str(),
                      shape->size(), shapeToString(*shape).c_str()));
  if (shape && ArrayRef<int64_t>(array->shape) != *shape)
    return createFileError(path, failure("has shape %s, but %s is wanted",
                                         shapeToString(array->shape).c_str(),
                                         shapeToString(*shape).c_str()));
  return array;
}

Error writeFileAtomically(StringRef path, ArrayRef<uint8_t> bytes) {
  auto buffer = FileOutputBuffer::create(path, bytes.size());
  if (!buffer)
    return createFileError(path, buffer.takeError());
  std::memcpy((*buffer)->getBufferStart(), bytes.data(), bytes.size());
  if (Error error = (*buffer)->commit())
    return createFileError(path, std::move(error));
  return Error::success();
}

Error writeNpy(StringRef path, DType type, ArrayRef<int64_t> shape,
               ArrayRef<uint8_t> data) {
  std::string header = "{'descr': '" + infoOf(type).descr.str() +
                       "', 'fortran_order': False, 'shape': (";
  for (int64_t size : shape)
    header += std::to_string(size) + ", ";
  header += "), }";
  // The data begins at a multiple of 64 bytes and the header ends in a newline.
  constexpr size_t prefix = 10;
  header.resize(alignTo(prefix + header.size() + 1, 64) - prefix - 1, ' ');
  header += '\n';

  std::vector<uint8_t> bytes = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
  bytes.push_back(uint8_t(header.size()));
  bytes.push_back(uint8_t(header.size() >> 8));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return writeFileAtomically(path, bytes);
}

Error checkWritable(StringRef path) {
  if (path == "-")
    return Error::success();
  if (sys::fs::is_directory(path))
    return createFileError(path, make_error_code(std::errc::is_a_directory));
  StringRef directory = sys::path::parent_path(path);
  if (directory.empty())
    directory = ".";
  if (std::error_code error =
          sys::fs::access(directory, sys::fs::AccessMode::Exist))
    return createFileError(path, error);
  if (!sys::fs::is_directory(directory))
    return createFileError(path, make_error_code(std::errc::not_a_directory));
  if (std::error_code error =
          sys::fs::access(directory, sys::fs::AccessMode::Write))
    return createFileError(path, error);
  return Error::success();
}

} // namespace flyattn
