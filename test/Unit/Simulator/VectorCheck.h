//===- VectorCheck.h - Checks a vector instruction against a lambda -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_SIMULATOR_VECTORCHECK_H
#define FLYATTN_TEST_UNIT_SIMULATOR_VECTORCHECK_H

#include "InstructionTest.h"

#include <cmath>
#include <functional>

namespace flyattn::test {

/// What one lane should become, and when two results count as equal.
struct VectorCase {
  const char *mnemonic;
  unsigned sources;
  std::function<uint32_t(uint32_t, uint32_t, uint32_t)> expected;
  bool (*same)(uint32_t, uint32_t);
  const char *chip = "gfx950";
  /// The destination's old value is the last source (v_fmac).
  bool accumulates = false;
};

inline bool sameWord(uint32_t a, uint32_t b) { return a == b; }
/// At most one unit in the last place apart.
inline bool withinUlp(uint32_t a, uint32_t b) {
  if (sameFloat(a, b))
    return true;
  return (a ^ b) >> 31 == 0 && a - b + 1 <= 2;
}

/// The value of an IEEE f16.
inline double halfToDouble(uint32_t h) {
  uint32_t exponent = h >> 10 & 31, mantissa = h & 1023;
  double x = exponent == 31 ? (mantissa ? NAN : INFINITY)
             : exponent     ? std::ldexp(1024.0 + mantissa, int(exponent) - 25)
                            : std::ldexp(double(mantissa), -24);
  return h & 0x8000 ? -x : x;
}
/// IEEE f16 from a double, to nearest even, by counting units of the last
/// place.
inline uint32_t halfFromDouble(double x) {
  uint32_t sign = std::signbit(x) ? 0x8000 : 0;
  x = std::fabs(x);
  if (x != x)
    return sign | 0x7e00;
  if (x >= 65520.0)
    return sign | 0x7c00;
  int exponent = x < 0x1p-14 ? -14 : std::ilogb(x);
  double units = std::nearbyint(std::ldexp(x, 10 - exponent));
  return sign | (uint32_t(units) + (uint32_t(exponent + 14) << 10));
}

inline std::ostream &operator<<(std::ostream &out, const VectorCase &c) {
  return out << c.mnemonic;
}
inline std::string caseName(const testing::TestParamInfo<VectorCase> &info) {
  return info.param.mnemonic;
}

/// Runs the case with vector operands, with a scalar one, and under a partial
/// EXEC, which must leave the other lanes alone.
inline void checkVector(const VectorCase &c, uint32_t rsrc1 = 0xf0u << 12) {
  struct Variant {
    const char *sources;
    uint64_t exec;
  };
  const Variant variants[] = {{"v1, v2, v3", ~uint64_t(0)},
                              {"v1, v2, v3", 0x8001f0f05a5a0003},
                              {"s20, v2, v3", ~uint64_t(0)}};
  for (const Variant &variant : variants) {
    KernelText k(c.chip);
    k.rsrc1 = rsrc1;
    for (unsigned n = 0; n < 4; ++n)
      k.vgpr[n] = testLanes(n + 1);
    // Shifts, fields and the like need small third operands, too.
    for (unsigned i = 0; i < 64; i += 2)
      k.vgpr[3][i] &= 31;
    k.s(20) = 0x40490fdb;
    k.exec = variant.exec;
    bool scalar = variant.sources[0] == 's';
    unsigned printed = c.sources - c.accumulates;
    std::string operands(variant.sources,
                         printed == 1 ? strcspn(variant.sources, ",")
                         : printed == 2
                             ? strlen(variant.sources) - strlen(", v3")
                             : strlen(variant.sources));
    std::string text = std::string(c.mnemonic) + " v0, " + operands;
    KernelText before = k;
    ASSERT_TRUE(k.run(text)) << text << ": " << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      uint32_t a = scalar ? k.s(20) : before.vgpr[1][i];
      uint32_t b = before.vgpr[2][i];
      uint32_t last = before.vgpr[c.accumulates ? 0 : 3][i];
      bool active = variant.exec >> i & 1;
      uint32_t want = active ? c.expected(a, b, last) : before.vgpr[0][i];
      uint32_t got = k.vgpr[0][i];
      EXPECT_TRUE(active ? c.same(got, want) : got == want)
          << text << std::hex << " lane " << i << " of 0x" << a << ", 0x" << b
          << ", 0x" << last << ": got 0x" << got << ", want 0x" << want;
    }
  }
}

} // namespace flyattn::test

#endif // FLYATTN_TEST_UNIT_SIMULATOR_VECTORCHECK_H
