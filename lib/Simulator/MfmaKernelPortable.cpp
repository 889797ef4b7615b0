//===- MfmaKernelPortable.cpp - Matrix kernels for any host ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MfmaTile.h"

#include <cmath>

namespace {
struct Vector {
  static constexpr unsigned width = 1;
  float x;
  static Vector load(const float *p) { return {*p}; }
  static Vector broadcast(float s) { return {s}; }
  static Vector fma(Vector a, Vector b, Vector c) {
    return {std::fma(a.x, b.x, c.x)};
  }
  void store(float *p) const { *p = x; }
};

struct Integers {
  static constexpr unsigned width = 1;
  uint32_t x;
  static Integers load(const float *p) { return broadcast(*p); }
  static Integers broadcast(float s) {
    return {__builtin_bit_cast(uint32_t, s)};
  }
  static Integers fma(Integers a, Integers b, Integers c) {
    return {a.x * b.x + c.x};
  }
  void store(float *p) const { *p = __builtin_bit_cast(float, x); }
};
} // namespace

const flyattn::sim::MfmaKernels &flyattn::sim::portable::mfmaKernels() {
  static constexpr MfmaKernels kernels = makeKernels<Vector, Integers, 4, 4>();
  return kernels;
}
