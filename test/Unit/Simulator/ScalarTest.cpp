//===- ScalarTest.cpp - Scalar instructions -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InstructionTest.h"

#include <functional>

using namespace flyattn::test;

namespace {

using W = uint32_t;
using I = int32_t;
using D = uint64_t;
using S = int64_t;

/// The result and SCC; no SCC means that it stays.
struct Outcome {
  D value;
  int scc = -1;
};
Outcome nonZero(D value) { return {value, value != 0}; }

/// One instruction with a result. Types: d = 32 bits, q = 64 bits.
struct ScalarCase {
  const char *mnemonic;
  const char *types; ///< of the result and the sources
  std::function<Outcome(D, D, bool)> expected;
};

const D wordEdges[] = {0,          1,          2,          31,
                       32,         0x7fffffff, 0x80000000, 0xffffffff,
                       0xfffffffe, 0x12345678, 0x00ff00ff, 0x8001,
                       0x200008,   0x1f001f};
const D pairEdges[] = {0,
                       1,
                       63,
                       0x80000000,
                       0xffffffff,
                       0x100000000,
                       0x7fffffffffffffff,
                       0x8000000000000000,
                       0xffffffffffffffff,
                       0x123456789abcdef0};

W low(D x) { return W(x); }
D lowest(D x, unsigned bits) { return bits == 64 ? x : x % (D(1) << bits); }
/// Number of leading bits equal to the first, as s_flbit counts; -1 if all.
D leadingSign(D x, unsigned bits) {
  for (unsigned n = 1; n < bits; ++n)
    if ((x >> (bits - 1 - n) & 1) != (x >> (bits - 1) & 1))
      return n;
  return 0xffffffff;
}
D findBit(D x, unsigned bits, bool one, bool fromTop) {
  for (unsigned n = 0; n < bits; ++n) {
    unsigned at = fromTop ? bits - 1 - n : n;
    if ((x >> at & 1) == D(one))
      return n;
  }
  return 0xffffffff;
}
D countBits(D x, unsigned bits, bool one) {
  D n = 0;
  for (unsigned i = 0; i < bits; ++i)
    n += (x >> i & 1) == D(one);
  return n;
}
/// Bits [offset, offset + width) of x; beyond the top it goes on as its sign.
D extract(D x, W field, unsigned bits, bool isSigned) {
  unsigned offset = field % bits, width = field >> 16 & 127;
  __int128 wide = isSigned ? (bits == 32 ? __int128(I(x)) : __int128(S(x)))
                           : __int128(lowest(x, bits));
  if (width == 0)
    return 0;
  __int128 value = wide >> offset;
  if (width < bits) {
    __int128 modulus = __int128(1) << width;
    value = ((value % modulus) + modulus) % modulus;
    if (isSigned && value >= modulus / 2)
      value -= modulus;
  }
  return lowest(D(value), bits);
}

/// Groups of four bits that have a one: all four bits, or one bit a group.
D quads(D x, unsigned bits, bool keepPlace) {
  D result = 0;
  for (unsigned n = 0; n < bits; ++n)
    if (x >> n & 1)
      result |= keepPlace ? D(15) << n / 4 * 4 : D(1) << n / 4;
  return result;
}

const ScalarCase cases[] = {
    {"s_wqm_b32", "dd",
     [](D a, D, bool) { return nonZero(quads(a, 32, true)); }},
    {"s_wqm_b64", "qq",
     [](D a, D, bool) { return nonZero(quads(a, 64, true)); }},
    {"s_quadmask_b32", "dd",
     [](D a, D, bool) { return nonZero(quads(a, 32, false)); }},
    {"s_quadmask_b64", "qq",
     [](D a, D, bool) { return nonZero(quads(a, 64, false)); }},
    {"s_bitreplicate_b64_b32", "qd",
     [](D a, D, bool) {
       D result = 0;
       for (unsigned n = 0; n < 64; ++n)
         result |= (a >> n / 2 & 1) << n;
       return Outcome{result};
     }},
    {"s_add_u32", "ddd",
     [](D a, D b, bool) { return Outcome{low(a + b), int((a + b) >> 32)}; }},
    {"s_sub_u32", "ddd",
     [](D a, D b, bool) { return Outcome{low(a - b), b > a}; }},
    {"s_add_i32", "ddd",
     [](D a, D b, bool) {
       S sum = S(I(a)) + I(b);
       return Outcome{low(sum), sum != I(sum)};
     }},
    {"s_sub_i32", "ddd",
     [](D a, D b, bool) {
       S sum = S(I(a)) - I(b);
       return Outcome{low(sum), sum != I(sum)};
     }},
    {"s_addc_u32", "ddd",
     [](D a, D b, bool c) {
       return Outcome{low(a + b + c), int((a + b + c) >> 32)};
     }},
    {"s_subb_u32", "ddd",
     [](D a, D b, bool c) { return Outcome{low(a - b - c), b + c > a}; }},
    {"s_min_i32", "ddd",
     [](D a, D b, bool) {
       return Outcome{low(std::min(I(a), I(b))), I(a) < I(b)};
     }},
    {"s_min_u32", "ddd",
     [](D a, D b, bool) { return Outcome{std::min(a, b), a < b}; }},
    {"s_max_i32", "ddd",
     [](D a, D b, bool) {
       return Outcome{low(std::max(I(a), I(b))), I(a) > I(b)};
     }},
    {"s_max_u32", "ddd",
     [](D a, D b, bool) { return Outcome{std::max(a, b), a > b}; }},
    {"s_cselect_b32", "ddd",
     [](D a, D b, bool c) { return Outcome{c ? a : b}; }},
    {"s_cselect_b64", "qqq",
     [](D a, D b, bool c) { return Outcome{c ? a : b}; }},
    {"s_and_b32", "ddd", [](D a, D b, bool) { return nonZero(a & b); }},
    {"s_and_b64", "qqq", [](D a, D b, bool) { return nonZero(a & b); }},
    {"s_or_b32", "ddd", [](D a, D b, bool) { return nonZero(a | b); }},
    {"s_or_b64", "qqq", [](D a, D b, bool) { return nonZero(a | b); }},
    {"s_xor_b32", "ddd", [](D a, D b, bool) { return nonZero(a ^ b); }},
    {"s_xor_b64", "qqq", [](D a, D b, bool) { return nonZero(a ^ b); }},
    {"s_andn2_b32", "ddd", [](D a, D b, bool) { return nonZero(a & ~b); }},
    {"s_andn2_b64", "qqq", [](D a, D b, bool) { return nonZero(a & ~b); }},
    {"s_orn2_b32", "ddd", [](D a, D b, bool) { return nonZero(low(a | ~b)); }},
    {"s_orn2_b64", "qqq", [](D a, D b, bool) { return nonZero(a | ~b); }},
    {"s_nand_b32", "ddd",
     [](D a, D b, bool) { return nonZero(low(~(a & b))); }},
    {"s_nand_b64", "qqq", [](D a, D b, bool) { return nonZero(~(a & b)); }},
    {"s_nor_b32", "ddd", [](D a, D b, bool) { return nonZero(low(~(a | b))); }},
    {"s_nor_b64", "qqq", [](D a, D b, bool) { return nonZero(~(a | b)); }},
    {"s_xnor_b32", "ddd",
     [](D a, D b, bool) { return nonZero(low(~(a ^ b))); }},
    {"s_xnor_b64", "qqq", [](D a, D b, bool) { return nonZero(~(a ^ b)); }},
    {"s_lshl_b32", "ddd",
     [](D a, D n, bool) { return nonZero(low(a << n % 32)); }},
    {"s_lshl_b64", "qqd", [](D a, D n, bool) { return nonZero(a << n % 64); }},
    {"s_lshr_b32", "ddd", [](D a, D n, bool) { return nonZero(a >> n % 32); }},
    {"s_lshr_b64", "qqd", [](D a, D n, bool) { return nonZero(a >> n % 64); }},
    {"s_ashr_i32", "ddd",
     [](D a, D n, bool) { return nonZero(low(I(a) >> n % 32)); }},
    {"s_ashr_i64", "qqd",
     [](D a, D n, bool) { return nonZero(D(S(a) >> n % 64)); }},
    {"s_lshl1_add_u32", "ddd",
     [](D a, D b, bool) { return Outcome{low(2 * a + b), 2 * a + b > ~W(0)}; }},
    {"s_lshl2_add_u32", "ddd",
     [](D a, D b, bool) { return Outcome{low(4 * a + b), 4 * a + b > ~W(0)}; }},
    {"s_lshl3_add_u32", "ddd",
     [](D a, D b, bool) { return Outcome{low(8 * a + b), 8 * a + b > ~W(0)}; }},
    {"s_lshl4_add_u32", "ddd",
     [](D a, D b, bool) {
       return Outcome{low(16 * a + b), 16 * a + b > ~W(0)};
     }},
    {"s_bfm_b32", "ddd",
     [](D w, D o, bool) {
       return Outcome{low(((D(1) << w % 32) - 1) << o % 32)};
     }},
    {"s_bfm_b64", "qdd",
     [](D w, D o, bool) { return Outcome{((D(1) << w % 64) - 1) << o % 64}; }},
    {"s_bfe_u32", "ddd",
     [](D a, D f, bool) { return nonZero(extract(a, W(f), 32, false)); }},
    {"s_bfe_i32", "ddd",
     [](D a, D f, bool) { return nonZero(extract(a, W(f), 32, true)); }},
    {"s_bfe_u64", "qqd",
     [](D a, D f, bool) { return nonZero(extract(a, W(f), 64, false)); }},
    {"s_bfe_i64", "qqd",
     [](D a, D f, bool) { return nonZero(extract(a, W(f), 64, true)); }},
    {"s_mul_i32", "ddd", [](D a, D b, bool) { return Outcome{low(a * b)}; }},
    {"s_mul_hi_u32", "ddd",
     [](D a, D b, bool) { return Outcome{a * b >> 32}; }},
    {"s_mul_hi_i32", "ddd",
     [](D a, D b, bool) { return Outcome{low(S(I(a)) * I(b) >> 32)}; }},
    {"s_absdiff_i32", "ddd",
     [](D a, D b, bool) {
       W d = W(a - b);
       return nonZero(I(d) < 0 ? W(0 - d) : d);
     }},
    {"s_pack_ll_b32_b16", "ddd",
     [](D a, D b, bool) { return Outcome{low((a & 0xffff) | b << 16)}; }},
    {"s_pack_lh_b32_b16", "ddd",
     [](D a, D b, bool) { return Outcome{(a & 0xffff) | (b & 0xffff0000)}; }},
    {"s_pack_hh_b32_b16", "ddd",
     [](D a, D b, bool) { return Outcome{a >> 16 | (b & 0xffff0000)}; }},
    {"s_mov_b32", "dd", [](D a, D, bool) { return Outcome{a}; }},
    {"s_mov_b64", "qq", [](D a, D, bool) { return Outcome{a}; }},
    {"s_not_b32", "dd", [](D a, D, bool) { return nonZero(low(~a)); }},
    {"s_not_b64", "qq", [](D a, D, bool) { return nonZero(~a); }},
    {"s_brev_b32", "dd",
     [](D a, D, bool) {
       D r = 0;
       for (unsigned n = 0; n < 32; ++n)
         r |= (a >> n & 1) << (31 - n);
       return Outcome{r};
     }},
    {"s_brev_b64", "qq",
     [](D a, D, bool) {
       D r = 0;
       for (unsigned n = 0; n < 64; ++n)
         r |= (a >> n & 1) << (63 - n);
       return Outcome{r};
     }},
    {"s_bcnt0_i32_b32", "dd",
     [](D a, D, bool) { return nonZero(countBits(a, 32, false)); }},
    {"s_bcnt0_i32_b64", "dq",
     [](D a, D, bool) { return nonZero(countBits(a, 64, false)); }},
    {"s_bcnt1_i32_b32", "dd",
     [](D a, D, bool) { return nonZero(countBits(a, 32, true)); }},
    {"s_bcnt1_i32_b64", "dq",
     [](D a, D, bool) { return nonZero(countBits(a, 64, true)); }},
    {"s_ff0_i32_b32", "dd",
     [](D a, D, bool) { return Outcome{findBit(a, 32, false, false)}; }},
    {"s_ff0_i32_b64", "dq",
     [](D a, D, bool) { return Outcome{findBit(a, 64, false, false)}; }},
    {"s_ff1_i32_b32", "dd",
     [](D a, D, bool) { return Outcome{findBit(a, 32, true, false)}; }},
    {"s_ff1_i32_b64", "dq",
     [](D a, D, bool) { return Outcome{findBit(a, 64, true, false)}; }},
    {"s_flbit_i32_b32", "dd",
     [](D a, D, bool) { return Outcome{findBit(a, 32, true, true)}; }},
    {"s_flbit_i32_b64", "dq",
     [](D a, D, bool) { return Outcome{findBit(a, 64, true, true)}; }},
    {"s_flbit_i32", "dd",
     [](D a, D, bool) { return Outcome{leadingSign(a, 32)}; }},
    {"s_flbit_i32_i64", "dq",
     [](D a, D, bool) { return Outcome{leadingSign(a, 64)}; }},
    {"s_sext_i32_i8", "dd",
     [](D a, D, bool) { return Outcome{low(int8_t(a))}; }},
    {"s_sext_i32_i16", "dd",
     [](D a, D, bool) { return Outcome{low(int16_t(a))}; }},
    {"s_abs_i32", "dd",
     [](D a, D, bool) { return nonZero(I(a) < 0 ? low(0 - a) : a); }},
};

TEST(Scalar, MatchesDefinition) {
  for (const ScalarCase &c : cases) {
    unsigned sources = unsigned(strlen(c.types)) - 1;
    auto edges = [&](unsigned n, unsigned i) {
      return c.types[n] == 'q' ? pairEdges[i % 10] : wordEdges[i % 14];
    };
    auto reg = [&](unsigned n, unsigned first) {
      std::string f = std::to_string(first);
      return c.types[n] == 'q'
                 ? "s[" + f + ":" + std::to_string(first + 1) + "]"
                 : "s" + f;
    };
    // Many inputs a run: results gather in VGPR lanes.
    for (bool scc : {false, true}) {
      KernelText k("gfx950");
      std::string text;
      unsigned tries = sources == 2 ? 60 : 14;
      for (unsigned t = 0; t < tries; ++t) {
        D a = edges(1, t), b = sources == 2 ? edges(2, t * 3 + t / 14) : 0;
        char line[512];
        std::snprintf(line, sizeof(line),
                      "s_mov_b32 s20, 0x%x\ns_mov_b32 s21, 0x%x\n"
                      "s_mov_b32 s22, 0x%x\ns_mov_b32 s23, 0x%x\n"
                      "s_cmp_eq_u32 0, %d\n",
                      W(a), W(a >> 32), W(b), W(b >> 32), scc ? 0 : 1);
        text += line;
        text += std::string(c.mnemonic) + " " + reg(0, 24) + ", " + reg(1, 20) +
                (sources == 2 ? ", " + reg(2, 22) : "") + "\n" +
                "s_cselect_b32 s26, 1, 0\n"
                "v_writelane_b32 v0, s24, " +
                std::to_string(t) + "\n" + "v_writelane_b32 v1, s25, " +
                std::to_string(t) + "\n" + "v_writelane_b32 v2, s26, " +
                std::to_string(t) + "\n";
      }
      ASSERT_TRUE(k.run(text)) << c.mnemonic << k.error;
      for (unsigned t = 0; t < tries; ++t) {
        D a = edges(1, t), b = sources == 2 ? edges(2, t * 3 + t / 14) : 0;
        Outcome want = c.expected(a, b, scc);
        D got = k.vgpr[0][t];
        if (c.types[0] == 'q')
          got |= D(k.vgpr[1][t]) << 32;
        EXPECT_EQ(got, want.value)
            << c.mnemonic << std::hex << " of " << a << ", " << b;
        EXPECT_EQ(int(k.vgpr[2][t]), want.scc < 0 ? scc : want.scc)
            << c.mnemonic << std::hex << " SCC of " << a << ", " << b;
      }
    }
  }
}

bool compares(const std::string &op, bool isSigned, D a, D b) {
  if (isSigned ? I(a) == I(b) : a == b)
    return op == "eq" || op == "ge" || op == "le";
  bool less = isSigned ? I(a) < I(b) : a < b;
  return op == "lg" ||
         (less ? op == "lt" || op == "le" : op == "gt" || op == "ge");
}

TEST(Scalar, Compares) {
  for (std::string op : {"eq", "lg", "gt", "ge", "lt", "le"})
    for (std::string type : {"i32", "u32", "u64"}) {
      if (type == "u64" && op != "eq" && op != "lg")
        continue;
      for (D a : wordEdges)
        for (D b : {wordEdges[5], wordEdges[6], wordEdges[7], D(1)}) {
          if (&a - wordEdges > 8)
            continue;
          KernelText k("gfx950");
          k.setS64(20, a);
          k.setS64(22, b);
          bool wide = type == "u64";
          ASSERT_TRUE(k.run("s_cmp_" + op + "_" + type +
                            (wide ? " s[20:21], s[22:23]" : " s20, s22")))
              << k.error;
          EXPECT_EQ(k.scc, compares(op, type == "i32", a, b))
              << op << type << a << " " << b;
        }
    }
}

// SOPK: the immediate is signed, but for unsigned compares.
TEST(Scalar, SixteenBitImmediates) {
  for (std::string op : {"eq", "lg", "gt", "ge", "lt", "le"}) {
    KernelText k("gfx950");
    k.s(20) = 0xffff8001;
    ASSERT_TRUE(k.run("s_cmpk_" + op + "_i32 s20, 0x8001")) << k.error;
    EXPECT_EQ(k.scc, compares(op, true, 0xffff8001, 0xffff8001)) << op;
    ASSERT_TRUE(k.run("s_cmpk_" + op + "_u32 s20, 0x8001")) << k.error;
    EXPECT_EQ(k.scc, compares(op, false, 0xffff8001, 0x8001)) << op;
  }
  KernelText k("gfx950");
  k.s(20) = 0x7fffffff;
  k.s(21) = 7;
  k.s(24) = 5;
  ASSERT_TRUE(k.run("s_addk_i32 s20, 1\ns_cselect_b32 s23, 1, 0\n"
                    "s_mulk_i32 s21, -3\ns_movk_i32 s22, 0x8000\n"
                    "s_cmp_eq_u32 0, 1\ns_cmovk_i32 s24, 9\n"
                    "s_cmp_eq_u32 0, 0\ns_cmovk_i32 s25, -9\n"
                    "s_cmov_b32 s26, s21\ns_cmov_b64 s[28:29], s[20:21]"))
      << k.error;
  EXPECT_EQ(k.s(20), 0x80000000u);
  EXPECT_EQ(k.s(23), 1u); // signed overflow
  EXPECT_EQ(I(k.s(21)), -21);
  EXPECT_EQ(k.s(22), 0xffff8000u);
  EXPECT_EQ(k.s(24), 5u);
  EXPECT_EQ(I(k.s(25)), -9);
  EXPECT_EQ(k.s(26), k.s(21));
  EXPECT_EQ(k.s64(28), k.s64(20));
}

TEST(Scalar, BitTestsAndSets) {
  KernelText k("gfx950");
  k.s(20) = 0x80000010;
  k.setS64(22, D(1) << 40);
  k.setS64(24, 0);
  k.setS64(26, ~D(0));
  ASSERT_TRUE(k.run("s_bitcmp1_b32 s20, 36\ns_cselect_b32 s30, 1, 0\n"
                    "s_bitcmp0_b32 s20, 4\ns_cselect_b32 s31, 1, 0\n"
                    "s_bitcmp1_b64 s[22:23], 40\ns_cselect_b32 s32, 1, 0\n"
                    "s_bitcmp0_b64 s[22:23], 39\ns_cselect_b32 s33, 1, 0\n"
                    "s_bitset1_b32 s24, 5\ns_bitset0_b32 s26, 31\n"
                    "s_mov_b64 s[34:35], 0\ns_bitset1_b64 s[34:35], 33\n"
                    "s_mov_b64 s[36:37], -1\ns_bitset0_b64 s[36:37], 63"))
      << k.error;
  EXPECT_EQ(k.s(30), 1u);
  EXPECT_EQ(k.s(31), 0u);
  EXPECT_EQ(k.s(32), 1u);
  EXPECT_EQ(k.s(33), 1u);
  EXPECT_EQ(k.s(24), 32u);
  EXPECT_EQ(k.s(26), 0x7fffffffu);
  EXPECT_EQ(k.s64(34), D(1) << 33);
  EXPECT_EQ(k.s64(36), ~D(0) >> 1);
}

TEST(Scalar, ExecMasks) {
  const D a = 0x00ff00ff12345678, exec = 0x0f0f0f0fffff0000;
  struct Case {
    const char *mnemonic;
    D fresh;
  };
  const Case saves[] = {
      {"s_and_saveexec_b64", a & exec},    {"s_or_saveexec_b64", a | exec},
      {"s_xor_saveexec_b64", a ^ exec},    {"s_andn2_saveexec_b64", a & ~exec},
      {"s_orn2_saveexec_b64", a | ~exec},  {"s_nand_saveexec_b64", ~(a & exec)},
      {"s_nor_saveexec_b64", ~(a | exec)}, {"s_xnor_saveexec_b64", ~(a ^ exec)},
      {"s_andn1_saveexec_b64", ~a & exec}, {"s_orn1_saveexec_b64", ~a | exec}};
  for (const Case &c : saves) {
    KernelText k("gfx950");
    k.setS64(20, a);
    k.exec = exec;
    ASSERT_TRUE(k.run(std::string(c.mnemonic) + " s[22:23], s[20:21]"))
        << k.error;
    EXPECT_EQ(k.s64(22), exec) << c.mnemonic;
    EXPECT_EQ(k.exec, c.fresh) << c.mnemonic;
    EXPECT_EQ(k.scc, 1u);
  }
  const Case writes[] = {{"s_andn1_wrexec_b64", ~a & exec},
                         {"s_andn2_wrexec_b64", a & ~exec}};
  for (const Case &c : writes) {
    KernelText k("gfx950");
    k.setS64(20, a);
    k.exec = exec;
    ASSERT_TRUE(k.run(std::string(c.mnemonic) + " s[22:23], s[20:21]"))
        << k.error;
    EXPECT_EQ(k.s64(22), c.fresh) << c.mnemonic;
    EXPECT_EQ(k.exec, c.fresh) << c.mnemonic;
  }
}

} // namespace
