//===- MfmaNumerics.cpp - Sums of products as matrix units form them ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// CDNA3 adds a group of products at once, in fixed point. The unit of the sum
// follows from the largest exponent in the group, where the exponent of a
// product is the sum of its factors' exponents, not that of its value:
//
//   products   cut towards zero to 24 bits below the largest exponent
//   their sum  rounded down to 31 bits below the larger of its exponent and
//   c          that of c; c itself rounded down to 24 bits below it
//   result     nearest even
//
// 8-bit operands are summed as two such groups, of the even and of the odd
// products, which are then rounded down to 24 bits below the larger exponent.
//
//===----------------------------------------------------------------------===//

#include "MfmaNumerics.h"

#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace flyattn::sim;

float flyattn::sim::sumByFma(float c, ArrayRef<MatrixProduct> products) {
  for (const MatrixProduct &p : products)
    c = std::fmaf(float(p.a), float(p.b), c);
  return c;
}

/// a + b rounded to odd in f64, so that a second rounding, to f32, is right.
static double addToOdd(double a, double b) {
  double sum = a + b;
  double other = sum - a;
  double error = (a - (sum - other)) + (b - other);
  if (!std::isfinite(sum) || error == 0)
    return sum;
  uint64_t bits = __builtin_bit_cast(uint64_t, sum);
  if (bits & 1)
    return sum;
  bool away = (error > 0) == (sum > 0);
  return __builtin_bit_cast(double, away ? bits + 1 : bits - 1);
}

float flyattn::sim::sumRounded(float c, ArrayRef<double> products) {
  for (double p : products)
    c = float(addToOdd(p, double(c)));
  return c;
}

namespace {

/// A number in fixed point: value * 2^exponent.
struct Aligned {
  double value;
  int exponent;
};

constexpr int zeroExponent = -126;

/// The exponent of x in a format whose normal numbers start at 2^lowest.
int exponentOf(double x, int lowest) {
  return x == 0 ? zeroExponent : std::max(std::ilogb(x), lowest);
}

/// `x` in units of 2^-bits at a larger exponent, rounded by `round`.
double atExponent(Aligned x, int exponent, int bits, double (*round)(double)) {
  return std::ldexp(round(std::ldexp(x.value, bits + x.exponent - exponent)),
                    -bits);
}
double cut(double x) { return std::trunc(x); }
double down(double x) { return std::floor(x); }

constexpr int sumBits = 24, totalBits = 31;

/// Every `stride`-th product from `first` on.
Aligned fusedSum(const Cdna3Rule &rule, ArrayRef<MatrixProduct> products,
                 unsigned first, unsigned stride) {
  auto exponent = [&](const MatrixProduct &p) {
    return exponentOf(p.a, rule.lowestA) + exponentOf(p.b, rule.lowestB);
  };
  int largest = INT32_MIN;
  for (size_t n = first; n < products.size(); n += stride)
    largest = std::max(largest, exponent(products[n]));
  double sum = 0;
  for (size_t n = first; n < products.size(); n += stride) {
    const MatrixProduct &p = products[n];
    sum += atExponent({p.a * p.b, 0}, largest, sumBits, cut);
  }
  return {sum, largest};
}

/// One group and c. Infinities and NaN come out as in a plain sum.
float fusedGroup(const Cdna3Rule &rule, float c,
                 ArrayRef<MatrixProduct> products) {
  double plain = c;
  bool above = false, below = false;
  for (const MatrixProduct &p : products) {
    plain += p.a * p.b;
    above |= p.a * p.b >= 0x1p128;
    below |= p.a * p.b <= -0x1p128;
  }
  if (!std::isfinite(plain))
    return float(plain);
  if (above || below)
    return above && below ? NAN : above ? INFINITY : -INFINITY;

  Aligned sum;
  if (rule.pairs) {
    Aligned even = fusedSum(rule, products, 0, 2);
    Aligned odd = fusedSum(rule, products, 1, 2);
    int exponent = std::max(even.exponent, odd.exponent);
    sum = {atExponent(even, exponent, sumBits, down) +
               atExponent(odd, exponent, sumBits, down),
           exponent};
  } else {
    sum = fusedSum(rule, products, 0, 1);
  }
  int exponentC = exponentOf(c, -126);
  int exponent = std::max(sum.exponent, exponentC);
  double addend = atExponent({std::ldexp(double(c), -exponentC), exponentC},
                             exponent, sumBits, down);
  if (rule.pairs && exponentC < exponent - 25)
    addend = 0;
  double total = atExponent(sum, exponent, totalBits, down) + addend;
  return float(std::ldexp(total, exponent));
}

} // namespace

float flyattn::sim::sumAsCdna3(const Cdna3Rule &rule, float c,
                               ArrayRef<MatrixProduct> products) {
  if (rule.group == 0)
    return sumByFma(c, products);
  for (; !products.empty(); products = products.drop_front(
                                std::min<size_t>(rule.group, products.size())))
    c = fusedGroup(rule, c, products.take_front(rule.group));
  return c;
}
