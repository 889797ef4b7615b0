//===- MfmaKernelAvx512.cpp - Matrix kernels for AVX-512 ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MfmaTile.h"

#include <immintrin.h>

namespace {
struct Vector {
  static constexpr unsigned width = 16;
  __m512 x;
  static Vector load(const float *p) { return {_mm512_loadu_ps(p)}; }
  static Vector broadcast(float s) { return {_mm512_set1_ps(s)}; }
  static Vector fma(Vector a, Vector b, Vector c) {
    return {_mm512_fmadd_ps(a.x, b.x, c.x)};
  }
  void store(float *p) const { _mm512_storeu_ps(p, x); }
};

struct Integers {
  static constexpr unsigned width = 16;
  __m512i x;
  static Integers load(const float *p) { return {_mm512_loadu_si512(p)}; }
  static Integers broadcast(float s) {
    return {_mm512_set1_epi32(__builtin_bit_cast(int, s))};
  }
  static Integers fma(Integers a, Integers b, Integers c) {
    return {_mm512_add_epi32(_mm512_mullo_epi32(a.x, b.x), c.x)};
  }
  void store(float *p) const { _mm512_storeu_si512(p, x); }
};
} // namespace

const flyattn::sim::MfmaKernels &flyattn::sim::avx512::mfmaKernels() {
  static constexpr MfmaKernels kernels = makeKernels<Vector, Integers, 2, 1>();
  return kernels;
}
