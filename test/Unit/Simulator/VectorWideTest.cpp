//===- VectorWideTest.cpp - Wide, compare and packed vector instructions --===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorCheck.h"

using namespace flyattn::test;

namespace {

using W = uint32_t;
using D = uint64_t;

double asDouble(D x) { return bitCast<double>(x); }
D fromDouble(double x) { return bitCast<D>(x); }

/// Doubles at the edges.
const D doubles[] = {0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000,
                     0xbff8000000000000, 0x7ff0000000000000, 0xfff0000000000000,
                     0x7ff8000000000000, 0x0000000000000001, 0x000fffffffffffff,
                     0x7fefffffffffffff, 0x400921fb54442d18, 0xc1e0000000200000,
                     0x41efffffffe00000, 0x3fe0000000000000, 0xbfe0000000000000,
                     0x4330000000000001};

void fillDoubles(KernelText &k, unsigned reg, unsigned salt) {
  for (unsigned i = 0; i < 64; ++i) {
    D x = doubles[(i * (2 * salt + 1) + salt) % 16];
    k.vgpr[reg][i] = W(x);
    k.vgpr[reg + 1][i] = W(x >> 32);
  }
}
D pairOf(const KernelText &k, unsigned reg, unsigned lane) {
  return k.vgpr[reg][lane] | D(k.vgpr[reg + 1][lane]) << 32;
}

struct WideCase {
  const char *text; ///< v[0:1] = f(v[2:3], v[4:5], v[6:7]); v8 is 32 bits
  std::function<D(D, D, D, W)> expected;
  bool isFloat;
};

D smaller(D a, D b) {
  double x = asDouble(a), y = asDouble(b);
  if (x != x)
    return b;
  if (y != y)
    return a;
  return x == y ? (a >> 63 ? a : b) : x < y ? a : b;
}
D larger(D a, D b) {
  double x = asDouble(a), y = asDouble(b);
  if (x != x)
    return b;
  if (y != y)
    return a;
  return x == y ? (a >> 63 ? b : a) : x > y ? a : b;
}

const WideCase wideCases[] = {
    {"v_mov_b64 v[0:1], v[2:3]", [](D a, D, D, W) { return a; }, false},
    {"v_lshlrev_b64 v[0:1], v8, v[2:3]",
     [](D a, D, D, W n) { return a << n % 64; }, false},
    {"v_lshrrev_b64 v[0:1], v8, v[2:3]",
     [](D a, D, D, W n) { return a >> n % 64; }, false},
    {"v_ashrrev_i64 v[0:1], v8, v[2:3]",
     [](D a, D, D, W n) { return D(int64_t(a) >> n % 64); }, false},
    {"v_lshl_add_u64 v[0:1], v[2:3], 3, v[4:5]",
     [](D a, D b, D, W) { return a * 8 + b; }, false},
    {"v_lshl_add_u64 v[0:1], v[2:3], 0, v[4:5]",
     [](D a, D b, D, W) { return a + b; }, false},
    {"v_add_f64 v[0:1], v[2:3], v[4:5]",
     [](D a, D b, D, W) { return fromDouble(asDouble(a) + asDouble(b)); },
     true},
    {"v_add_f64 v[0:1], v[2:3], -v[4:5]",
     [](D a, D b, D, W) { return fromDouble(asDouble(a) - asDouble(b)); },
     true},
    {"v_mul_f64 v[0:1], v[2:3], v[4:5]",
     [](D a, D b, D, W) { return fromDouble(asDouble(a) * asDouble(b)); },
     true},
    {"v_mul_f64 v[0:1], v[2:3], 0.5",
     [](D a, D, D, W) { return fromDouble(asDouble(a) * 0.5); }, true},
    {"v_fma_f64 v[0:1], v[2:3], v[4:5], v[6:7]",
     [](D a, D b, D c, W) {
       return fromDouble(std::fma(asDouble(a), asDouble(b), asDouble(c)));
     },
     true},
    {"v_fmac_f64 v[0:1], v[2:3], v[4:5]",
     [](D a, D b, D, W) {
       return fromDouble(std::fma(asDouble(a), asDouble(b), asDouble(0)));
     },
     true},
    {"v_max_f64 v[0:1], v[2:3], v[4:5]",
     [](D a, D b, D, W) { return larger(a, b); }, true},
    {"v_min_f64 v[0:1], v[2:3], v[4:5]",
     [](D a, D b, D, W) { return smaller(a, b); }, true},
    {"v_ldexp_f64 v[0:1], v[2:3], v8",
     [](D a, D, D, W n) { return fromDouble(std::ldexp(asDouble(a), int(n))); },
     true},
    {"v_rcp_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) { return fromDouble(1 / asDouble(a)); }, true},
    {"v_sqrt_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) { return fromDouble(std::sqrt(asDouble(a))); }, true},
    {"v_rsq_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) { return fromDouble(1 / std::sqrt(asDouble(a))); }, true},
    {"v_floor_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) { return fromDouble(std::floor(asDouble(a))); }, true},
    {"v_ceil_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) { return fromDouble(std::ceil(asDouble(a))); }, true},
    {"v_trunc_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) { return fromDouble(std::trunc(asDouble(a))); }, true},
    {"v_rndne_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) { return fromDouble(std::nearbyint(asDouble(a))); },
     true},
    {"v_fract_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) {
       double x = asDouble(a), f = x - std::floor(x);
       return fromDouble(f >= 1 ? 0x1.fffffffffffffp-1 : f);
     },
     true},
    {"v_frexp_mant_f64 v[0:1], v[2:3]",
     [](D a, D, D, W) {
       int e;
       return std::isfinite(asDouble(a))
                  ? fromDouble(std::frexp(asDouble(a), &e))
                  : a;
     },
     true},
    {"v_cvt_f64_i32 v[0:1], v8",
     [](D, D, D, W n) { return fromDouble(int32_t(n)); }, true},
    {"v_cvt_f64_u32 v[0:1], v8", [](D, D, D, W n) { return fromDouble(n); },
     true},
    {"v_cvt_f64_f32 v[0:1], v8",
     [](D, D, D, W n) { return fromDouble(double(real(n))); }, true},
};

TEST(VectorWide, MatchesDefinition) {
  for (const WideCase &c : wideCases) {
    for (D exec : {~D(0), D(0xff00ff0000fffe01)}) {
      KernelText k("gfx950");
      fillDoubles(k, 2, 1);
      fillDoubles(k, 4, 2);
      fillDoubles(k, 6, 3);
      k.exec = exec;
      for (unsigned i = 0; i < 64; ++i)
        k.vgpr[8][i] = i * 3 + 1;
      ASSERT_TRUE(k.run(c.text)) << c.text << k.error;
      for (unsigned i = 0; i < 64; ++i) {
        D want = exec >> i & 1 ? c.expected(pairOf(k, 2, i), pairOf(k, 4, i),
                                            pairOf(k, 6, i), k.vgpr[8][i])
                               : 0;
        D got = pairOf(k, 0, i);
        EXPECT_TRUE(c.isFloat ? sameDouble(got, want) : got == want)
            << c.text << " lane " << i << std::hex << " got " << got << " want "
            << want;
      }
    }
  }
}

TEST(VectorWide, ConversionsFromF64) {
  KernelText k("gfx950");
  fillDoubles(k, 2, 1);
  ASSERT_TRUE(k.run("v_cvt_f32_f64 v0, v[2:3]\nv_cvt_i32_f64 v1, v[2:3]\n"
                    "v_cvt_u32_f64 v4, v[2:3]\nv_frexp_exp_i32_f64 v5, v[2:3]"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    double x = asDouble(pairOf(k, 2, i));
    EXPECT_TRUE(sameFloat(k.vgpr[0][i], word(float(x))));
    double t = x != x ? 0 : std::trunc(x);
    EXPECT_EQ(int32_t(k.vgpr[1][i]),
              int32_t(std::min(std::max(t, -0x1p31), 0x1p31 - 1)));
    EXPECT_EQ(k.vgpr[4][i], W(std::min(std::max(t, 0.0), 0x1p32 - 1)));
    int e = 0;
    if (std::isfinite(x))
      std::frexp(x, &e);
    EXPECT_EQ(int(k.vgpr[5][i]), e) << x;
  }
}

// A result over both of its sources.
TEST(VectorWide, OverlappingPairs) {
  KernelText k("gfx950");
  k.vgpr[2] = testLanes(1);
  k.vgpr[3] = testLanes(2);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_lshlrev_b64 v[2:3], v2, v[2:3]")) << k.error;
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(pairOf(k, 2, i), pairOf(was, 2, i) << was.vgpr[2][i] % 64);
}

// A full f32 and f64 division, as LLVM expands it.
TEST(VectorDivision, SequenceGivesTheCorrectQuotient) {
  KernelText k("gfx950");
  k.vgpr[1] = testLanes(1);
  k.vgpr[2] = testLanes(2);
  ASSERT_TRUE(k.run("v_div_scale_f32 v3, s[22:23], v2, v2, v1\n"
                    "v_div_scale_f32 v4, vcc, v1, v2, v1\n"
                    "v_rcp_f32 v5, v3\n"
                    "v_fma_f32 v6, -v3, v5, 1.0\n"
                    "v_fma_f32 v5, v6, v5, v5\n"
                    "v_mul_f32 v6, v4, v5\n"
                    "v_fma_f32 v7, -v3, v6, v4\n"
                    "v_fma_f32 v6, v7, v5, v6\n"
                    "v_fma_f32 v7, -v3, v6, v4\n"
                    "v_div_fmas_f32 v7, v7, v5, v6\n"
                    "v_div_fixup_f32 v0, v7, v2, v1"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    float a = real(k.vgpr[1][i]), b = real(k.vgpr[2][i]);
    // Beyond 2^190 even the scaled quotient overflows, and the ISA document
    // does not say what becomes of the NaN that follows.
    if (b != 0 && std::isfinite(a) && std::fabs(double(a) / b) > 0x1p180)
      continue;
    EXPECT_TRUE(sameFloat(k.vgpr[0][i], word(a / b)))
        << a << " / " << b << " = " << real(k.vgpr[0][i]);
  }
}

TEST(VectorDivision, DoubleSequence) {
  KernelText k("gfx950");
  for (unsigned i = 0; i < 64; ++i) {
    D a = fromDouble((i + 1) * 1.7), b = fromDouble(0.3 + i * i);
    k.vgpr[2][i] = W(a), k.vgpr[3][i] = W(a >> 32);
    k.vgpr[4][i] = W(b), k.vgpr[5][i] = W(b >> 32);
  }
  ASSERT_TRUE(k.run("v_div_scale_f64 v[6:7], s[22:23], v[4:5], v[4:5], v[2:3]\n"
                    "v_rcp_f64 v[8:9], v[6:7]\n"
                    "v_div_scale_f64 v[14:15], vcc, v[2:3], v[4:5], v[2:3]\n"
                    "v_fma_f64 v[10:11], -v[6:7], v[8:9], 1.0\n"
                    "v_fma_f64 v[8:9], v[8:9], v[10:11], v[8:9]\n"
                    "v_mul_f64 v[12:13], v[14:15], v[8:9]\n"
                    "v_fma_f64 v[10:11], -v[6:7], v[12:13], v[14:15]\n"
                    "v_div_fmas_f64 v[8:9], v[10:11], v[8:9], v[12:13]\n"
                    "v_div_fixup_f64 v[0:1], v[8:9], v[4:5], v[2:3]"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(asDouble(pairOf(k, 0, i)),
              asDouble(pairOf(k, 2, i)) / asDouble(pairOf(k, 4, i)));
}

// All compares: the predicate is made from the mnemonic's letters.

/// Relation of two values: -1, 0, 1, or 2 for unordered.
template <typename T> int relation(T a, T b) {
  return a < b ? -1 : a == b ? 0 : a > b ? 1 : 2;
}
bool holds(const std::string &op, int r) {
  if (op == "f")
    return false;
  if (op == "t" || op == "tru")
    return true;
  if (op == "o" || op == "u")
    return (r == 2) == (op == "u");
  if (op == "ne" || op == "neq")
    return r != 0;
  if (op[0] == 'n')
    return !holds(op.substr(1), r);
  if (r == 2)
    return false;
  return op == "lt"   ? r < 0
         : op == "le" ? r <= 0
         : op == "eq" ? r == 0
         : op == "ge" ? r >= 0
         : op == "gt" ? r > 0
                      : r != 0; // lg
}
double halfValue(W h) {
  W exponent = h >> 10 & 31, mantissa = h & 1023;
  double x = exponent == 31 ? (mantissa ? NAN : INFINITY)
             : exponent     ? std::ldexp(1024.0 + mantissa, int(exponent) - 25)
                            : std::ldexp(double(mantissa), -24);
  return h & 0x8000 ? -x : x;
}
int relationOf(const std::string &type, D a, D b) {
  if (type == "f32")
    return relation(real(W(a)), real(W(b)));
  if (type == "f64")
    return relation(asDouble(a), asDouble(b));
  if (type == "f16")
    return relation(halfValue(W(a)), halfValue(W(b)));
  if (type == "i32")
    return relation(int32_t(a), int32_t(b));
  if (type == "u32")
    return relation(W(a), W(b));
  if (type == "i16")
    return relation(int16_t(a), int16_t(b));
  if (type == "u16")
    return relation(uint16_t(a), uint16_t(b));
  return type == "i64" ? relation(int64_t(a), int64_t(b)) : relation(a, b);
}

class VectorCompare : public testing::TestWithParam<const char *> {};

TEST_P(VectorCompare, AllPredicates) {
  std::string type = GetParam();
  bool isFloat = type[0] == 'f', wide = type.substr(1) == "64";
  std::vector<std::string> ops = {"f", "lt", "eq", "le", "gt", "ge"};
  if (isFloat)
    ops.insert(ops.end(), {"lg", "o", "u", "nge", "nlg", "ngt", "nle", "neq",
                           "nlt", "tru"});
  else
    ops.insert(ops.end(), {"ne", "t"});
  for (const std::string &op : ops) {
    for (bool x : {false, true}) {
      KernelText k("gfx950");
      for (unsigned n = 0; n < 4; ++n)
        k.vgpr[n] = testLanes(n);
      if (wide) {
        fillDoubles(k, 0, 1);
        fillDoubles(k, 2, 2);
      }
      for (unsigned i = 40; i < 64; ++i) // equal ones
        for (unsigned n = 0; n < 2; ++n)
          k.vgpr[n + 2][i] = k.vgpr[n][i];
      k.exec = 0xfffffffff0f0f00f;
      std::string name =
          std::string(x ? "v_cmpx_" : "v_cmp_") + op + "_" + type;
      std::string operands = wide ? "v[0:1], v[2:3]" : "v0, v2";
      ASSERT_TRUE(k.run(name + "_e64 s[22:23], " + operands)) << k.error;
      D want = 0;
      for (unsigned i = 0; i < 64; ++i) {
        D a = wide ? pairOf(k, 0, i) : k.vgpr[0][i];
        D b = wide ? pairOf(k, 2, i) : k.vgpr[2][i];
        want |= D(holds(op, relationOf(type, a, b))) << i;
      }
      want &= 0xfffffffff0f0f00f;
      EXPECT_EQ(k.s64(22), want) << name;
      EXPECT_EQ(k.exec, x ? want : 0xfffffffff0f0f00f) << name;
      // The short form writes VCC; a scalar operand.
      k.exec = ~D(0);
      std::string scalar = wide ? "vcc, 1.0, v[2:3]" : "vcc, s20, v2";
      k.s(20) = 0x3f800000;
      ASSERT_TRUE(k.run(name + "_e32 " + scalar)) << k.error;
      D one = wide ? (isFloat ? 0x3ff0000000000000 : 0x3ff0000000000000)
                   : 0x3f800000;
      for (unsigned i = 0; i < 64; ++i) {
        D b = wide ? pairOf(k, 2, i) : k.vgpr[2][i];
        EXPECT_EQ(k.vcc >> i & 1, D(holds(op, relationOf(type, one, b))))
            << name << i;
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(All, VectorCompare,
                         testing::Values("i16", "u16", "i32", "u32", "i64",
                                         "u64", "f16", "f32", "f64"),
                         [](const auto &info) {
                           return std::string(info.param);
                         });

TEST(VectorClass, EveryClassOfEveryType) {
  struct Case {
    const char *type;
    D values[10]; ///< in the order of the mask's bits
  };
  const Case cases[] = {
      {"f32",
       {0x7fa00000, 0x7fc00000, 0xff800000, 0xbf800000, 0x80000001, 0x80000000,
        0, 1, 0x3f800000, 0x7f800000}},
      {"f16",
       {0x7d00, 0x7e00, 0xfc00, 0xbc00, 0x8001, 0x8000, 0, 1, 0x3c00, 0x7c00}},
      {"f64",
       {0x7ff4000000000000, 0x7ff8000000000000, 0xfff0000000000000,
        0xbff0000000000000, 0x8000000000000001, 0x8000000000000000, 0, 1,
        0x3ff0000000000000, 0x7ff0000000000000}}};
  for (const Case &c : cases) {
    bool wide = std::string(c.type) == "f64";
    for (std::string name : {"v_cmp_class_", "v_cmpx_class_"}) {
      KernelText k("gfx950");
      for (unsigned i = 0; i < 64; ++i) {
        k.vgpr[0][i] = W(c.values[i % 10]);
        k.vgpr[1][i] = W(c.values[i % 10] >> 32);
        k.vgpr[2][i] = i < 30 ? 1u << (i % 10) : i < 40 ? 1023 : 1u << i % 7;
      }
      ASSERT_TRUE(k.run(name + c.type + "_e64 s[22:23], " +
                        (wide ? "v[0:1]" : "v0") + ", v2"))
          << k.error;
      for (unsigned i = 0; i < 64; ++i)
        EXPECT_EQ(k.s64(22) >> i & 1, k.vgpr[2][i] >> (i % 10) & 1)
            << name << c.type << i;
    }
  }
}

} // namespace
