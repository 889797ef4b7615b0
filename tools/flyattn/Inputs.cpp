//===- Inputs.cpp - Where q, k and v come from ----------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/Support/Parallel.h"

#include <cmath>
#include <cstring>

using namespace llvm;

namespace flyattn::driver {

namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): one stream for each row of each
/// operand, so that rows can be made in any order.
class Random {
public:
  explicit Random(uint64_t stream) : state(stream) { state = next(); }

  uint64_t next() {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  /// In [-1, 1).
  float uniform() { return float(int64_t(next()) >> 40) * 0x1p-23f; }

  /// The sum of eight 16-bit integers, centred and scaled to variance 1. It
  /// needs no library function, so it is the same on every host; its range is
  /// +-4.9.
  float normal() {
    int64_t sum = 0;
    for (int word = 0; word < 2; ++word)
      for (uint64_t bits = next(), i = 0; i < 4; ++i, bits >>= 16)
        sum += int64_t(bits & 0xFFFF);
    constexpr double mean = 8 * 65535.0 / 2;
    constexpr double deviation = 53510.0; // sqrt(8 * 65536^2 / 12)
    return float((double(sum) - mean) / deviation);
  }

private:
  uint64_t state;
};

/// Where a row stands in its operand.
struct RowPlace {
  int64_t batch, head, row;
};

class Generator {
public:
  Generator(const Problem &problem, Init init, uint64_t seed)
      : problem(problem), init(init), seed(seed) {}

  Tensor make(Operand operand) const {
    Tensor data(problem.extentOf(operand) * uint64_t(sizeOf(problem.dtype)));
    OperandStrides s = problem.stridesOf(operand);
    int64_t heads = problem.headsOf(operand);
    parallelFor(0, problem.batch * heads, [&](size_t i) {
      RowPlace at = {int64_t(i) / heads, int64_t(i) % heads, 0};
      int64_t rows = problem.rowsOf(operand, at.batch).length;
      int64_t first = problem.offsetOf(operand, at.batch, at.head);
      for (; at.row < rows; ++at.row)
        fillRow(operand, at, data.data(), first + at.row * s.seq);
    });
    return data;
  }

private:
  void fillRow(Operand operand, RowPlace at, void *out, int64_t first) const {
    bool constant = init == Init::ConstantV && operand == Operand::V;
    uint64_t line = (uint64_t(at.batch) << 48) ^ (uint64_t(at.head) << 32) ^
                    uint64_t(constant ? 0 : at.row);
    Random random(Random(seed * 4 + uint64_t(operand)).next() ^
                  Random(line).next());
    for (int64_t i = 0; i < problem.headDimOf(operand); ++i) {
      float value = init == Init::Uniform ? random.uniform() : random.normal();
      storeElement(problem.dtype, out, first + i, shape(operand, at, value));
    }
  }

  /// Gives the scores the distribution that `init` asks for.
  float shape(Operand operand, RowPlace at, float value) const {
    if (init == Init::Large && operand == Operand::Q)
      return value * 25;
    if (init != Init::LateMax || operand == Operand::V)
      return value;
    // q is 1 on average and k grows from -2 to 2: the mean score of a column
    // grows by 4 * sqrt(headDim).
    if (operand == Operand::Q)
      return value + 1;
    return value * 0.5f +
           4 * float(at.row) / float(problem.rowsOf(operand, at.batch).length) -
           2;
  }

  const Problem &problem;
  Init init;
  uint64_t seed;
};

template <typename T>
std::vector<double> convert(const NpyArray &array, double (*toDouble)(T)) {
  std::vector<double> out(array.elements());
  for (size_t i = 0; i < out.size(); ++i) {
    T element;
    std::memcpy(&element, array.data.data() + i * sizeof(T), sizeof(T));
    out[i] = toDouble(element);
  }
  return out;
}

} // namespace

Inputs makeInputs(const Problem &problem, Init init, uint64_t seed) {
  Generator generator(problem, init, seed);
  return {generator.make(Operand::Q), generator.make(Operand::K),
          generator.make(Operand::V)};
}

Tensor makeInput(const Problem &problem, Operand operand, Init init,
                 uint64_t seed) {
  return Generator(problem, init, seed).make(operand);
}

std::vector<float> normalNumbers(uint64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> numbers(count);
  for (float &number : numbers)
    number = random.normal();
  return numbers;
}

std::vector<double> toDoubles(const NpyArray &array) {
  switch (array.type) {
  case DType::F64:
    return convert<double>(array, [](double x) { return x; });
  case DType::F32:
    return convert<float>(array, [](float x) { return double(x); });
  case DType::F16:
    return convert<uint16_t>(array,
                             [](uint16_t x) { return double(f16ToFloat(x)); });
  default:
    return convert<uint16_t>(array,
                             [](uint16_t x) { return double(bf16ToFloat(x)); });
  }
}

} // namespace flyattn::driver
