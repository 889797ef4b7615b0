//===- LaunchFile.cpp - LAUNCH.json ---------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <cstring>

using namespace llvm;

namespace flyattn::driver {

namespace {

constexpr uint64_t kMaxKernargBytes = 1 << 16;
constexpr uint64_t kMaxElements = uint64_t(1) << 36;

/// A place in the file, and where the errors of the whole file are gathered.
/// (json::Path takes only literals as messages, and ours name what was given.)
class Place {
public:
  explicit Place(std::vector<std::string> &problems) : problems(problems) {}

  Place field(StringRef key) const {
    return Place(problems, text.empty() ? key.str() : text + "." + key.str());
  }
  Place index(size_t i) const {
    return Place(problems, text + "[" + std::to_string(i) + "]");
  }
  void fail(const Twine &message) const {
    problems.push_back(text.empty() ? message.str()
                                    : (text + ": " + message).str());
  }
  /// A whole number in [min, max].
  void toInteger(const json::Value &value, uint64_t &out, uint64_t min,
                 uint64_t max) const {
    std::optional<uint64_t> number = value.getAsUINT64();
    if (!number || *number < min || *number > max)
      fail(formatv("expected a whole number from {0} to {1}", min, max));
    else
      out = *number;
  }

private:
  Place(std::vector<std::string> &problems, std::string text)
      : problems(problems), text(std::move(text)) {}

  std::vector<std::string> &problems;
  std::string text;
};

/// Reads an object's members; in the end every member that nothing asked for
/// is an error.
class Members {
public:
  Members(const json::Value &value, const Place &place)
      : object(value.getAsObject()), place(place) {
    if (!object)
      place.fail("expected an object");
  }

  ~Members() {
    if (object)
      for (const auto &[key, value] : *object)
        if (!is_contained(known, StringRef(key)))
          place.fail("unknown key \"" + StringRef(key) + "\"");
  }

  const json::Value *find(StringRef key) {
    known.push_back(key.str());
    return object ? object->get(key) : nullptr;
  }

  const json::Value *require(StringRef key) {
    const json::Value *value = find(key);
    if (!value && object)
      place.fail("needs the key \"" + key + "\"");
    return value;
  }

  /// Whether `value`, if it is there at all, was a string.
  bool string(StringRef key, const json::Value *value, std::string &out) {
    if (!value)
      return false;
    std::optional<StringRef> text = value->getAsString();
    if (!text || text->empty())
      place.field(key).fail("expected a string that is not empty");
    out = text.value_or("").str();
    return true;
  }

  const json::Object *object;
  Place place;

private:
  std::vector<std::string> known;
};

class Reader {
public:
  Reader(StringRef path, LaunchFile &file)
      : directory(sys::path::parent_path(path)), file(file) {}

  void read(const json::Value &value, const Place &place) {
    Members top(value, place);
    if (top.string("code_object", top.require("code_object"), file.codeObject))
      file.codeObject = resolve(file.codeObject);
    top.string("kernel", top.require("kernel"), file.kernel);
    triple(top, "grid", file.shape.grid, UINT32_MAX);
    triple(top, "block", file.shape.block, 1024);
    uint64_t lds = 0;
    if (const json::Value *size = top.find("dynamic_lds"))
      place.field("dynamic_lds").toInteger(*size, lds, 0, 160 * 1024);
    file.shape.dynamicLds = uint32_t(lds);
    if (const json::Value *size = top.require("kernarg_size"))
      place.field("kernarg_size")
          .toInteger(*size, file.kernargSize, 0, kMaxKernargBytes);
    if (const json::Value *buffers = top.find("buffers"))
      readBuffers(*buffers, place.field("buffers"));
    if (const json::Value *kernarg = top.find("kernarg"))
      readKernarg(*kernarg, place.field("kernarg"));
  }

private:
  std::string resolve(StringRef path) const {
    if (sys::path::is_absolute(path) || directory.empty())
      return path.str();
    SmallString<128> full(directory);
    sys::path::append(full, path);
    return full.str().str();
  }

  void triple(Members &top, StringRef key, std::array<uint32_t, 3> &out,
              uint64_t max) {
    const json::Value *value = top.require(key);
    if (!value)
      return;
    Place place = top.place.field(key);
    const json::Array *array = value->getAsArray();
    if (!array || array->size() != 3)
      return place.fail("expected three whole numbers");
    for (unsigned i = 0; i < 3; ++i) {
      uint64_t number = 1;
      place.index(i).toInteger((*array)[i], number, 1, max);
      out[i] = uint32_t(number);
    }
  }

  void readBuffers(const json::Value &value, const Place &place) {
    const json::Object *all = value.getAsObject();
    if (!all)
      return place.fail("expected an object of buffers by name");
    for (const auto &[name, buffer] : *all)
      readBuffer(StringRef(name), buffer, place.field(name));
  }

  void readBuffer(StringRef name, const json::Value &value,
                  const Place &place) {
    Members members(value, place);
    LaunchBuffer buffer;
    buffer.name = name.str();
    if (members.string("out", members.find("out"), buffer.out))
      buffer.out = resolve(buffer.out);
    if (members.string("file", members.find("file"), buffer.file)) {
      buffer.file = resolve(buffer.file);
      if (members.find("shape") || members.find("dtype"))
        place.fail("a file has its own shape and dtype: leave them out");
    } else if (members.object) {
      readShapeAndType(members, buffer);
    }
    file.buffers.push_back(std::move(buffer));
  }

  void readShapeAndType(Members &members, LaunchBuffer &buffer) {
    std::string type;
    if (members.string("dtype", members.require("dtype"), type)) {
      if (std::optional<DType> known = parseDType(type))
        buffer.type = *known;
      else
        members.place.field("dtype").fail("unknown dtype \"" + type +
                                          "\"; known are " + allDTypeNames());
    }
    const json::Value *shape = members.require("shape");
    if (!shape)
      return;
    Place place = members.place.field("shape");
    const json::Array *sizes = shape->getAsArray();
    if (!sizes)
      return place.fail("expected an array of sizes");
    uint64_t elements = 1;
    for (size_t i = 0; i < sizes->size(); ++i) {
      uint64_t size = 1;
      place.index(i).toInteger((*sizes)[i], size, 1, INT32_MAX);
      buffer.shape.push_back(int64_t(size));
      elements = SaturatingMultiply(elements, size);
    }
    if (elements > kMaxElements)
      place.fail("more than 2^36 elements");
  }

  void readKernarg(const json::Value &value, const Place &place) {
    const json::Array *fields = value.getAsArray();
    if (!fields)
      return place.fail("expected an array of fields");
    for (size_t i = 0; i < fields->size(); ++i)
      readField((*fields)[i], place.index(i));
  }

  void readField(const json::Value &value, const Place &place) {
    Members members(value, place);
    if (!members.object)
      return;
    KernargField field = {};
    if (const json::Value *offset = members.require("offset"))
      place.field("offset").toInteger(*offset, field.offset, 0,
                                      kMaxKernargBytes);
    unsigned kinds = 0;
    if (members.string("buffer", members.find("buffer"), field.buffer)) {
      ++kinds;
      field.bytes.resize(8);
      if (none_of(file.buffers, [&](const LaunchBuffer &buffer) {
            return buffer.name == field.buffer;
          }))
        place.fail("unknown buffer \"" + field.buffer + "\"");
    }
    for (StringRef kind : {"u32", "i32", "u64", "i64", "f32", "f64"})
      if (const json::Value *number = members.find(kind)) {
        ++kinds;
        readNumber(kind, *number, place.field(kind), field);
      }
    if (kinds != 1)
      place.fail("expected one of buffer, u32, i32, u64, i64, f32, f64 beside "
                 "offset");
    checkPlace(place, field);
    file.kernarg.push_back(std::move(field));
  }

  template <typename T> static void store(KernargField &field, T value) {
    field.bytes.resize(sizeof(T));
    std::memcpy(field.bytes.data(), &value, sizeof(T));
  }

  static void readNumber(StringRef kind, const json::Value &value,
                         const Place &place, KernargField &field) {
    bool narrow = kind.ends_with("32");
    if (kind.starts_with("u")) {
      uint64_t number = 0;
      place.toInteger(value, number, 0, narrow ? UINT32_MAX : UINT64_MAX);
      return narrow ? store(field, uint32_t(number)) : store(field, number);
    }
    if (kind.starts_with("i")) {
      std::optional<int64_t> whole = value.getAsInteger();
      int64_t number = whole.value_or(0);
      if (!whole || (narrow && number != int32_t(number)))
        place.fail("expected a whole number that fits " + kind);
      return narrow ? store(field, int32_t(number)) : store(field, number);
    }
    std::optional<double> real = value.getAsNumber();
    if (!real)
      place.fail("expected a number");
    return narrow ? store(field, float(real.value_or(0)))
                  : store(field, real.value_or(0));
  }

  /// A field must lie in the segment and meet no earlier one.
  void checkPlace(const Place &place, const KernargField &field) {
    uint64_t end = field.offset + field.bytes.size();
    if (end > file.kernargSize)
      place.fail(formatv("bytes [{0}, {1}) lie beyond kernarg_size {2}",
                         field.offset, end, file.kernargSize));
    for (const KernargField &other : file.kernarg)
      if (field.offset < other.offset + other.bytes.size() &&
          other.offset < end)
        place.fail(formatv("bytes [{0}, {1}) overlap the field at {2}",
                           field.offset, end, other.offset));
  }

  StringRef directory;
  LaunchFile &file;
};

} // namespace

Expected<LaunchFile> readLaunchFile(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path);
  if (!buffer)
    return createFileError(path, buffer.getError());
  Expected<json::Value> value = json::parse((*buffer)->getBuffer());
  if (!value)
    return createFileError(path, value.takeError());
  LaunchFile file;
  std::vector<std::string> problems;
  Reader(path, file).read(*value, Place(problems));
  if (!problems.empty())
    return createStringError("'" + path + "': " + join(problems, "\n  "));
  return file;
}

} // namespace flyattn::driver
