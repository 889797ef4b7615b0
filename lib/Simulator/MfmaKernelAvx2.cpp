//===- MfmaKernelAvx2.cpp - Matrix kernels for AVX2 and FMA ---------------===//
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
  static constexpr unsigned width = 8;
  __m256 x;
  static Vector load(const float *p) { return {_mm256_loadu_ps(p)}; }
  static Vector broadcast(float s) { return {_mm256_set1_ps(s)}; }
  static Vector fma(Vector a, Vector b, Vector c) {
    return {_mm256_fmadd_ps(a.x, b.x, c.x)};
  }
  void store(float *p) const { _mm256_storeu_ps(p, x); }
};

struct Integers {
  static constexpr unsigned width = 8;
  __m256i x;
  static Integers load(const float *p) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i *>(p))};
  }
  static Integers broadcast(float s) {
    return {_mm256_set1_epi32(__builtin_bit_cast(int, s))};
  }
  static Integers fma(Integers a, Integers b, Integers c) {
    return {_mm256_add_epi32(_mm256_mullo_epi32(a.x, b.x), c.x)};
  }
  void store(float *p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), x);
  }
};
} // namespace

const flyattn::sim::MfmaKernels &flyattn::sim::avx2::mfmaKernels() {
  static constexpr MfmaKernels kernels = makeKernels<Vector, Integers, 2, 2>();
  return kernels;
}
