//===- ScoreModOptions.cpp - What modifies scores, on the command line ----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScoreModOptions.h"
#include "Driver.h"
#include "Inputs.h"

#include "flyattn/Runtime/Npy.h"
#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <cstring>

using namespace llvm;

namespace flyattn::driver {

namespace {

template <typename T> struct ModOption : cl::opt<T> {
  template <typename... Mods>
  ModOption(StringRef name, Mods &&...mods)
      : cl::opt<T>(name, cl::cat(category()), cl::sub(compileSub()),
                   cl::sub(runSub()), cl::sub(explainSub()),
                   std::forward<Mods>(mods)...) {}
};

ModOption<double> softcap("softcap", cl::value_desc("c"),
                          cl::desc("Scores become c * tanh(score / c)"));
ModOption<std::string>
    bias("bias", cl::value_desc("B,H,Sq,Skv|file.npy"),
         cl::desc("Add a bias to the scores, random or f32, bf16 or f16 of a "
                  "file; B, H and Sq may be 1 and broadcast"));
ModOption<BiasType>
    biasType("bias-type", cl::desc("Type of a random bias (f32)"),
             cl::values(clEnumValN(BiasType::F32, "f32", "IEEE single"),
                        clEnumValN(BiasType::Element, "element", "that of q")),
             cl::init(BiasType::F32));
ModOption<std::string>
    alibi("alibi", cl::ValueOptional, cl::value_desc("file.npy"),
          cl::desc("ALiBi: add -slope * |i + Skv - Sq - j| to the scores, "
                   "slopes f32 [H] of a file, or 2^(-8 (h + 1) / H)"));
ModOption<std::string>
    sink("sink", cl::ValueOptional, cl::value_desc("file.npy"),
         cl::desc("One more logit in the denominator, f32 [H] of a file, or "
                  "random"));

/// The sizes of `text`, if it is numbers.
std::optional<std::vector<int64_t>> parseSizes(StringRef text) {
  std::vector<int64_t> sizes;
  for (StringRef item : split(text, ',')) {
    int64_t size;
    if (item.trim().getAsInteger(10, size))
      return std::nullopt;
    sizes.push_back(size);
  }
  return sizes;
}

Error takeBias(Problem &problem) {
  Bias &made = problem.bias.emplace();
  std::optional<std::vector<int64_t>> shape = parseSizes(bias);
  made.type = biasType;
  if (!shape) {
    if (biasType.getNumOccurrences())
      return failure(BadUsage, "--bias-type: the type of a bias of a file is "
                               "the file's; leave it out");
    Expected<NpyArray> array = readNpy(bias);
    if (!array)
      return withCode(BadUsage, array.takeError());
    bool bf16 = problem.dtype == ElementType::BF16;
    bool f16 = problem.dtype == ElementType::F16;
    bool element =
        (bf16 && (array->type == DType::BF16 || array->type == DType::U16)) ||
        (f16 && array->type == DType::F16);
    if (!element && array->type != DType::F32)
      return failure(BadUsage, "--bias: '" + bias + "': holds " +
                                   array->describe() + ", but f32" +
                                   (bf16  ? " or bf16"
                                    : f16 ? " or f16"
                                          : "") +
                                   " is wanted");
    made.type = element ? BiasType::Element : BiasType::F32;
    shape = array->shape;
  }
  if (shape->size() != 4)
    return failure(BadUsage, "--bias: '" + bias + "' has rank " +
                                 Twine(shape->size()) +
                                 "; give B,H,Sq,Skv, or a file of such a "
                                 "shape");
  for (int64_t size : *shape)
    if (size < 1)
      return failure(BadUsage, "--bias: '" + bias + "' has a size of " +
                                   Twine(size) + "; each must be 1 or more");
  copy(*shape, made.shape.begin());
  return Error::success();
}

/// How many slopes or sinks the option gives.
Error takePerHead(const cl::opt<std::string> &option, int64_t heads,
                  std::optional<int64_t> &count) {
  if (!option.getNumOccurrences())
    return Error::success();
  count = heads;
  if (option.empty())
    return Error::success();
  Expected<NpyArray> array = readNpy(option);
  if (!array)
    return withCode(BadUsage, array.takeError());
  if (array->type != DType::F32 || array->shape.size() != 1)
    return failure(BadUsage, "--" + option.ArgStr + ": '" + option +
                                 "' holds " + array->describe() +
                                 ", but f32 [heads] is wanted");
  count = array->shape[0];
  return Error::success();
}

Error readInto(StringRef file, std::vector<float> &values) {
  Expected<NpyArray> array = readNpy(file);
  if (!array)
    return withCode(BadUsage, array.takeError());
  values.resize(array->elements());
  std::memcpy(values.data(), array->data.data(), array->data.size());
  return Error::success();
}

std::vector<uint8_t> randomBias(const Problem &problem, uint64_t seed) {
  std::vector<float> values = normalNumbers(problem.bias->elements(), seed);
  bool wide = problem.bias->type == BiasType::F32;
  std::vector<uint8_t> bytes(values.size() * (wide ? 4 : 2));
  if (wide) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    uint16_t bits = fromFloat(problem.dtype, values[i]);
    std::memcpy(bytes.data() + 2 * i, &bits, 2);
  }
  return bytes;
}

} // namespace

ScoreModFiles scoreModFiles() {
  return {parseSizes(bias) ? "" : bias.getValue(), alibi, sink};
}

Error takeScoreMods(Problem &problem) {
  if (softcap.getNumOccurrences())
    problem.softcap = softcap;
  if (biasType.getNumOccurrences() && !bias.getNumOccurrences())
    return failure(BadUsage, "--bias-type needs --bias");
  if (bias.getNumOccurrences())
    if (Error error = takeBias(problem))
      return error;
  if (Error error = takePerHead(alibi, problem.heads, problem.alibiSlopes))
    return error;
  return takePerHead(sink, problem.heads, problem.sinks);
}

static StringRef typeName(const Problem &problem) {
  if (problem.bias->type == BiasType::F32)
    return "f32";
  return problem.dtype == ElementType::BF16 ? "bf16" : "f16";
}

void addScoreMods(json::Object &object, const Problem &problem) {
  if (problem.softcap)
    object["softcap"] = *problem.softcap;
  if (problem.bias)
    object["bias"] = json::Object{{"shape", json::Array(problem.bias->shape)},
                                  {"dtype", typeName(problem)}};
  if (problem.alibiSlopes)
    object["alibi"] = true;
  if (problem.sinks)
    object["sink"] = true;
}

std::string describeScoreMods(const Problem &problem) {
  std::string text;
  if (problem.softcap)
    text += formatv(" softcap {0}", *problem.softcap);
  if (problem.bias)
    text += formatv(" bias {0} {1}", shapeToString(problem.bias->shape),
                    typeName(problem));
  if (problem.alibiSlopes)
    text += " alibi";
  if (problem.sinks)
    text += " sink";
  return text;
}

Expected<ScoreModInputs> makeScoreMods(const Problem &problem,
                                       const ScoreModFiles &files,
                                       uint64_t seed) {
  ScoreModInputs made;
  if (problem.bias && files.bias.empty()) {
    made.bias = randomBias(problem, 4 * seed + 1);
  } else if (problem.bias) {
    Expected<NpyArray> array = readNpy(files.bias);
    if (!array)
      return withCode(BadUsage, array.takeError());
    made.bias = std::move(array->data);
  }
  if (!files.alibi.empty()) {
    if (Error error = readInto(files.alibi, made.alibiSlopes))
      return std::move(error);
  } else if (problem.alibiSlopes) {
    for (int64_t head = 1; head <= problem.heads; ++head)
      made.alibiSlopes.push_back(
          float(std::exp2(-8.0 * double(head) / double(problem.heads))));
  }
  if (!files.sink.empty()) {
    if (Error error = readInto(files.sink, made.sinks))
      return std::move(error);
  } else if (problem.sinks) {
    made.sinks = normalNumbers(uint64_t(problem.heads), 4 * seed + 2);
  }
  return made;
}

} // namespace flyattn::driver
