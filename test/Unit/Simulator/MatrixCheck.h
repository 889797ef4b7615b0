//===- MatrixCheck.h - What tests of matrix instructions share ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_SIMULATOR_MATRIXCHECK_H
#define FLYATTN_TEST_UNIT_SIMULATOR_MATRIXCHECK_H

#include "InstructionTest.h"

#include <random>

namespace flyattn::test::matrix {

using W = uint32_t;
using D = uint64_t;

enum Type { F32, Xf32, F64, F16, Bf16, I8, Fp8, Bf8, Fp6, Bf6, Fp4 };
constexpr unsigned bitsOf[] = {32, 32, 64, 16, 16, 8, 8, 8, 6, 6, 4};

/// A small value that every format holds exactly, and its code.
struct Number {
  double value;
  D code;
};
inline Number number(Type type, bool fnuz, std::mt19937 &random) {
  // Signs and powers of two from 1 to 4: also exact in fp4.
  bool negative = random() & 1;
  unsigned power = random() % 3;
  double x = std::ldexp(negative ? -1.0 : 1.0, int(power));
  auto mini = [&](unsigned e, unsigned m, int bias) {
    return Number{x, D(negative) << (e + m) | D(int(power) + bias) << m};
  };
  switch (type) {
  case F32:
  case Xf32:
    return {x, word(float(x))};
  case F64:
    return {x, bitCast<D>(x)};
  case F16:
    return mini(5, 10, 15);
  case Bf16:
    return mini(8, 7, 127);
  case I8: {
    int n = int(random() % 256) - 128;
    return {double(n), D(n & 255)};
  }
  case Fp8:
    return mini(4, 3, fnuz ? 8 : 7);
  case Bf8:
    return mini(5, 2, fnuz ? 16 : 15);
  case Fp6:
    return mini(2, 3, 1);
  case Bf6:
    return mini(3, 2, 3);
  case Fp4:
    return mini(2, 1, 1);
  }
  return {};
}

/// A matrix instruction with one type of operands.
struct Case {
  const char *name, *chip;
  unsigned dim, k, blocks;
  Type type, result;
};
inline void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

/// Writes `bits` bits as element `n` of the registers from `reg` on.
inline void put(KernelText &k, unsigned reg, unsigned lane, unsigned n,
                unsigned bits, D code) {
  for (unsigned i = 0; i < bits; ++i) {
    unsigned at = n * bits + i;
    W &word = k.vgpr[reg + at / 32][lane];
    word = (word & ~(1u << at % 32)) | W(code >> i & 1) << at % 32;
  }
}

struct Place {
  unsigned lane, element;
};
/// Rows, then blocks, then k run through the lanes.
inline Place operandPlace(const Case &c, unsigned block, unsigned i,
                          unsigned k) {
  unsigned perLane = c.k * c.dim * c.blocks / 64;
  return {k / perLane * c.dim * c.blocks + block * c.dim + i, k % perLane};
}
/// AMD's matrix calculator's tables, shape by shape.
inline Place resultPlace(const Case &c, unsigned block, unsigned i,
                         unsigned j) {
  if (c.result == F64)
    return c.dim == 16 ? Place{16 * (i % 4) + j, i / 4}
                       : Place{16 * i + 4 * block + j, 0};
  if (c.dim == 32)
    return {32 * (i / 4 % 2) + j, 16 * block + 4 * (i / 8) + i % 4};
  if (c.dim == 16)
    return {16 * (i / 4) + j, 4 * block + i % 4};
  return {4 * block + j, i};
}

inline std::string registers(unsigned first, unsigned count) {
  std::string f = std::to_string(first);
  return count == 1 ? "v" + f
                    : "v[" + f + ":" + std::to_string(first + count - 1) + "]";
}

} // namespace flyattn::test::matrix

#endif // FLYATTN_TEST_UNIT_SIMULATOR_MATRIXCHECK_H
