//===- VectorIntegerTest.cpp - 32-bit integer vector instructions ---------===//
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
using I = int32_t;
using D = uint64_t;

W low24(W a) { return a % 0x1000000; }
int64_t signed24(W a) {
  int64_t x = low24(a);
  return x >= 0x800000 ? x - 0x1000000 : x;
}
W middle(W a, W b, W c, bool isSigned) {
  W flip = isSigned ? 0x80000000 : 0;
  W x[3] = {a ^ flip, b ^ flip, c ^ flip};
  std::sort(x, x + 3);
  return x[1] ^ flip;
}
/// Bits [offset, offset + width) of a number that goes on as its sign.
W field(W a, W offset, W width, bool isSigned) {
  offset %= 32;
  width %= 32;
  int64_t wide = isSigned ? int64_t(I(a)) : int64_t(D(a));
  int64_t value = wide >> offset;
  int64_t modulus = int64_t(1) << width;
  value = ((value % modulus) + modulus) % modulus;
  if (isSigned && width && value >= modulus / 2)
    value -= modulus;
  return W(value);
}
/// One byte of v_perm_b32, by the table of the ISA document.
W permuted(W s0, W s1, W select) {
  uint8_t bytes[8];
  std::memcpy(bytes, &s1, 4);
  std::memcpy(bytes + 4, &s0, 4);
  if (select >= 13)
    return 0xff;
  if (select == 12)
    return 0;
  if (select >= 8)
    return bytes[2 * (select - 8) + 1] & 0x80 ? 0xff : 0;
  return bytes[select];
}

const VectorCase cases[] = {
    {"v_mov_b32", 1, [](W a, W, W) { return a; }, sameWord},
    {"v_add_u32", 2, [](W a, W b, W) { return a + b; }, sameWord},
    {"v_add_i32", 2, [](W a, W b, W) { return a + b; }, sameWord},
    {"v_sub_u32", 2, [](W a, W b, W) { return a - b; }, sameWord},
    {"v_sub_i32", 2, [](W a, W b, W) { return a - b; }, sameWord},
    {"v_subrev_u32", 2, [](W a, W b, W) { return b - a; }, sameWord},
    {"v_and_b32", 2, [](W a, W b, W) { return a & b; }, sameWord},
    {"v_or_b32", 2, [](W a, W b, W) { return a | b; }, sameWord},
    {"v_xor_b32", 2, [](W a, W b, W) { return a ^ b; }, sameWord},
    {"v_xnor_b32", 2, [](W a, W b, W) { return ~a ^ b; }, sameWord},
    {"v_not_b32", 1, [](W a, W, W) { return ~a; }, sameWord},
    {"v_lshlrev_b32", 2, [](W a, W b, W) { return W(D(b) << (a % 32)); },
     sameWord},
    {"v_lshrrev_b32", 2, [](W a, W b, W) { return b >> (a % 32); }, sameWord},
    {"v_ashrrev_i32", 2,
     [](W a, W b, W) { return W(int64_t(I(b)) >> (a % 32)); }, sameWord},
    {"v_add3_u32", 3, [](W a, W b, W c) { return a + b + c; }, sameWord},
    {"v_lshl_add_u32", 3, [](W a, W b, W c) { return (a << (b % 32)) + c; },
     sameWord},
    {"v_add_lshl_u32", 3, [](W a, W b, W c) { return (a + b) << (c % 32); },
     sameWord},
    {"v_lshl_or_b32", 3, [](W a, W b, W c) { return (a << (b % 32)) | c; },
     sameWord},
    {"v_and_or_b32", 3, [](W a, W b, W c) { return (a & b) | c; }, sameWord},
    {"v_or3_b32", 3, [](W a, W b, W c) { return a | b | c; }, sameWord},
    {"v_xad_u32", 3, [](W a, W b, W c) { return (a ^ b) + c; }, sameWord},
    {"v_mul_lo_u32", 2, [](W a, W b, W) { return W(D(a) * b); }, sameWord},
    {"v_mul_hi_u32", 2, [](W a, W b, W) { return W(D(a) * b >> 32); },
     sameWord},
    {"v_mul_hi_i32", 2,
     [](W a, W b, W) { return W(int64_t(I(a)) * int64_t(I(b)) >> 32); },
     sameWord},
    {"v_mul_u32_u24", 2, [](W a, W b, W) { return W(D(low24(a)) * low24(b)); },
     sameWord},
    {"v_mul_i32_i24", 2,
     [](W a, W b, W) { return W(signed24(a) * signed24(b)); }, sameWord},
    {"v_mul_hi_u32_u24", 2,
     [](W a, W b, W) { return W(D(low24(a)) * low24(b) >> 32); }, sameWord},
    {"v_mul_hi_i32_i24", 2,
     [](W a, W b, W) { return W(signed24(a) * signed24(b) >> 32); }, sameWord},
    {"v_mad_u32_u24", 3,
     [](W a, W b, W c) { return W(D(low24(a)) * low24(b) + c); }, sameWord},
    {"v_mad_i32_i24", 3,
     [](W a, W b, W c) { return W(signed24(a) * signed24(b) + c); }, sameWord},
    {"v_min_u32", 2, [](W a, W b, W) { return std::min(a, b); }, sameWord},
    {"v_max_u32", 2, [](W a, W b, W) { return std::max(a, b); }, sameWord},
    {"v_min_i32", 2, [](W a, W b, W) { return W(std::min(I(a), I(b))); },
     sameWord},
    {"v_max_i32", 2, [](W a, W b, W) { return W(std::max(I(a), I(b))); },
     sameWord},
    {"v_min3_u32", 3, [](W a, W b, W c) { return std::min({a, b, c}); },
     sameWord},
    {"v_max3_u32", 3, [](W a, W b, W c) { return std::max({a, b, c}); },
     sameWord},
    {"v_min3_i32", 3,
     [](W a, W b, W c) { return W(std::min({I(a), I(b), I(c)})); }, sameWord},
    {"v_max3_i32", 3,
     [](W a, W b, W c) { return W(std::max({I(a), I(b), I(c)})); }, sameWord},
    {"v_med3_u32", 3, [](W a, W b, W c) { return middle(a, b, c, false); },
     sameWord},
    {"v_med3_i32", 3, [](W a, W b, W c) { return middle(a, b, c, true); },
     sameWord},
    {"v_bfe_u32", 3, [](W a, W b, W c) { return field(a, b, c, false); },
     sameWord},
    {"v_bfe_i32", 3, [](W a, W b, W c) { return field(a, b, c, true); },
     sameWord},
    {"v_bfi_b32", 3, [](W a, W b, W c) { return (a & b) | (~a & c); },
     sameWord},
    {"v_bfm_b32", 2,
     [](W a, W b, W) { return W(((D(1) << (a % 32)) - 1) << (b % 32)); },
     sameWord},
    {"v_alignbit_b32", 3,
     [](W a, W b, W c) { return W((D(a) << 32 | b) >> (c % 32)); }, sameWord},
    {"v_alignbyte_b32", 3,
     [](W a, W b, W c) { return W((D(a) << 32 | b) >> 8 * (c % 4)); },
     sameWord},
    {"v_perm_b32", 3,
     [](W a, W b, W c) {
       W r = 0;
       for (unsigned n = 0; n < 4; ++n)
         r |= permuted(a, b, c >> 8 * n & 255) << 8 * n;
       return r;
     },
     sameWord},
    {"v_bfrev_b32", 1,
     [](W a, W, W) {
       W r = 0;
       for (unsigned n = 0; n < 32; ++n)
         r |= (a >> n & 1) << (31 - n);
       return r;
     },
     sameWord},
    {"v_bcnt_u32_b32", 2,
     [](W a, W b, W) {
       for (; a; a &= a - 1)
         ++b;
       return b;
     },
     sameWord},
    {"v_ffbh_u32", 1,
     [](W a, W, W) {
       for (unsigned n = 0; n < 32; ++n)
         if (a >> (31 - n) & 1)
           return n;
       return ~0u;
     },
     sameWord},
    {"v_ffbh_i32", 1,
     [](W a, W, W) {
       for (unsigned n = 1; n < 32; ++n)
         if ((a >> (31 - n) & 1) != a >> 31)
           return n;
       return ~0u;
     },
     sameWord},
    {"v_ffbl_b32", 1,
     [](W a, W, W) {
       for (unsigned n = 0; n < 32; ++n)
         if (a >> n & 1)
           return n;
       return ~0u;
     },
     sameWord},
    {"v_sad_u32", 3,
     [](W a, W b, W c) { return W(std::max(a, b) - std::min(a, b)) + c; },
     sameWord},
};

class VectorInteger : public testing::TestWithParam<VectorCase> {};
TEST_P(VectorInteger, MatchesDefinition) { checkVector(GetParam()); }
INSTANTIATE_TEST_SUITE_P(All, VectorInteger, testing::ValuesIn(cases),
                         caseName);

// A selector that reaches every row of the table.
TEST(VectorPerm, EverySelector) {
  KernelText k("gfx942");
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[1][i] = 0x80112233 + i * 0x01010101;
    k.vgpr[2][i] = 0x44d566f7 - i * 0x01010101;
    k.vgpr[3][i] =
        (i % 16) | (i * 7 % 16) << 8 | (i * 3 % 16) << 16 | (15 - i % 16) << 24;
  }
  ASSERT_TRUE(k.run("v_perm_b32 v0, v1, v2, v3")) << k.error;
  for (unsigned i = 0; i < 64; ++i)
    for (unsigned n = 0; n < 4; ++n)
      EXPECT_EQ(
          k.vgpr[0][i] >> 8 * n & 255,
          permuted(k.vgpr[1][i], k.vgpr[2][i], k.vgpr[3][i] >> 8 * n & 255));
}

// Every truth table's bit, for every combination of source bits.
// Halves, bytes, and bytes that nearly are halves.
TEST(VectorPerm, OneSelectorForAllLanes) {
  for (W select : {0x07060302u, 0x05040100u, 0x01000504u, 0x03020706u,
                   0x07060504u, 0x01000100u, 0x06070302u, 0x07060203u,
                   0x07060403u, 0x02010605u, 0x07060301u, 0x05060302u,
                   0x0c0c0706u, 0x07060d0cu, 0x09080706u, 0xff060302u}) {
    KernelText k("gfx942");
    k.vgpr[1] = testLanes(1);
    k.vgpr[2] = testLanes(2);
    ASSERT_TRUE(k.run("s_mov_b32 s8, " + std::to_string(select) +
                      "\nv_perm_b32 v0, v1, v2, s8"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      W expected = 0;
      for (unsigned n = 0; n < 32; n += 8)
        expected |= permuted(k.vgpr[1][i], k.vgpr[2][i], select >> n & 255)
                    << n;
      EXPECT_EQ(k.vgpr[0][i], expected) << std::hex << select;
    }
  }
}

TEST(VectorBitop, TruthTables) {
  for (unsigned table : {0x00u, 0x01u, 0x80u, 0xfcu, 0x96u, 0x6au, 0xe4u}) {
    KernelText k("gfx950");
    for (unsigned n = 1; n < 4; ++n)
      k.vgpr[n] = testLanes(n);
    ASSERT_TRUE(
        k.run("v_bitop3_b32 v0, v1, v2, v3 bitop3:" + std::to_string(table)))
        << k.error;
    for (unsigned i = 0; i < 64; ++i)
      for (unsigned bit = 0; bit < 32; ++bit) {
        unsigned index = (k.vgpr[1][i] >> bit & 1) * 4 +
                         (k.vgpr[2][i] >> bit & 1) * 2 +
                         (k.vgpr[3][i] >> bit & 1);
        EXPECT_EQ(k.vgpr[0][i] >> bit & 1, table >> index & 1);
      }
  }
}

TEST(VectorCarry, AddAndSubtract) {
  struct Case {
    const char *text;
    bool carryIn;
    std::function<int64_t(W, W, W)> value; ///< beyond 32 bits: carry or borrow
  };
  const Case cases[] = {
      {"v_add_co_u32 v0, vcc, v1, v2", false,
       [](W a, W b, W) { return int64_t(a) + b; }},
      {"v_sub_co_u32 v0, vcc, v1, v2", false,
       [](W a, W b, W) { return int64_t(a) - b; }},
      {"v_subrev_co_u32 v0, vcc, v1, v2", false,
       [](W a, W b, W) { return int64_t(b) - a; }},
      {"v_addc_co_u32 v0, vcc, v1, v2, vcc", true,
       [](W a, W b, W c) { return int64_t(a) + b + c; }},
      {"v_subb_co_u32 v0, vcc, v1, v2, vcc", true,
       [](W a, W b, W c) { return int64_t(a) - b - c; }},
      {"v_subbrev_co_u32 v0, vcc, v1, v2, vcc", true,
       [](W a, W b, W c) { return int64_t(b) - a - c; }},
  };
  for (const Case &c : cases) {
    for (D exec : {~D(0), D(0x00ff00ff0f0f3355)}) {
      KernelText k("gfx950");
      for (unsigned n = 0; n < 3; ++n)
        k.vgpr[n] = testLanes(n + 3);
      k.vcc = 0x123456789abcdef0;
      k.exec = exec;
      KernelText was = k;
      ASSERT_TRUE(k.run(c.text)) << k.error;
      D carries = 0;
      for (unsigned i = 0; i < 64; ++i) {
        int64_t value = c.value(was.vgpr[1][i], was.vgpr[2][i],
                                c.carryIn ? was.vcc >> i & 1 : 0);
        bool active = exec >> i & 1;
        EXPECT_EQ(k.vgpr[0][i], active ? W(value) : was.vgpr[0][i]) << c.text;
        carries |= D(active && (value < 0 || value >> 32)) << i;
      }
      EXPECT_EQ(k.vcc, carries) << c.text;
    }
  }
}

TEST(VectorCarry, ScalarPairsOfE64) {
  KernelText k("gfx950");
  k.vgpr[1].fill(0xffffffff);
  k.vgpr[2].fill(0);
  k.setS64(22, 0xff);
  ASSERT_TRUE(k.run("v_addc_co_u32_e64 v0, s[24:25], v1, v2, s[22:23]"))
      << k.error;
  EXPECT_EQ(k.s64(24), 0xffu);
  EXPECT_EQ(k.vgpr[0][0], 0u);
  EXPECT_EQ(k.vgpr[0][8], 0xffffffffu);
}

TEST(VectorSelect, CndmaskReadsVccOrAPair) {
  for (D exec : {~D(0), D(0xf0f0f0f0ffff0000)}) {
    KernelText k("gfx950");
    for (unsigned n = 0; n < 3; ++n)
      k.vgpr[n] = testLanes(n);
    k.vcc = 0x5a5a00ff12345678;
    k.setS64(22, 0x0123456789abcdef);
    k.exec = exec;
    KernelText was = k;
    ASSERT_TRUE(k.run("v_cndmask_b32_e32 v0, v1, v2, vcc\n"
                      "v_cndmask_b32_e64 v3, v1, v2, s[22:23]\n"
                      "v_cndmask_b32_e64 v4, 0, 7, vcc\n"
                      "v_cndmask_b32_e64 v5, -v1, |v2|, vcc"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      if (!(exec >> i & 1)) {
        EXPECT_EQ(k.vgpr[0][i], was.vgpr[0][i]);
        EXPECT_EQ(k.vgpr[3][i], was.vgpr[3][i]);
        continue;
      }
      bool v = was.vcc >> i & 1, s = was.s64(22) >> i & 1;
      W a = was.vgpr[1][i], b = was.vgpr[2][i];
      EXPECT_EQ(k.vgpr[0][i], v ? b : a);
      EXPECT_EQ(k.vgpr[3][i], s ? b : a);
      EXPECT_EQ(k.vgpr[4][i], v ? 7u : 0u);
      EXPECT_EQ(k.vgpr[5][i], v ? b & 0x7fffffff : a ^ 0x80000000);
    }
  }
}

TEST(VectorMbcnt, CountsBitsBelowTheLane) {
  KernelText k("gfx950");
  k.setS64(20, 0xf00f12345678abcd);
  k.vgpr[2].fill(1000);
  ASSERT_TRUE(k.run("v_mbcnt_lo_u32_b32 v0, s20, v2\n"
                    "v_mbcnt_hi_u32_b32 v1, s21, v0"))
      << k.error;
  unsigned count = 1000;
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_EQ(k.vgpr[1][i], count) << i;
    count += 0xf00f12345678abcd >> i & 1;
  }
}

TEST(VectorMad64, ProductPlusPair) {
  KernelText k("gfx950");
  for (unsigned n = 0; n < 4; ++n)
    k.vgpr[n + 2] = testLanes(n + 5);
  ASSERT_TRUE(k.run("v_mad_u64_u32 v[0:1], s[22:23], v2, v3, v[4:5]\n"
                    "v_mad_i64_i32 v[6:7], vcc, v2, v3, v[4:5]"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    D c = k.vgpr[4][i] | D(k.vgpr[5][i]) << 32;
    unsigned __int128 sum = (unsigned __int128)k.vgpr[2][i] * k.vgpr[3][i] + c;
    EXPECT_EQ(k.vgpr[0][i], W(sum));
    EXPECT_EQ(k.vgpr[1][i], W(sum >> 32));
    EXPECT_EQ(k.s64(22) >> i & 1, D(sum >> 64));
    D product = D(int64_t(I(k.vgpr[2][i])) * I(k.vgpr[3][i])) + c;
    EXPECT_EQ(k.vgpr[6][i], W(product));
    EXPECT_EQ(k.vgpr[7][i], W(product >> 32));
  }
}

// Accumulation registers are the upper part of the unified file.
TEST(VectorAccumulation, ReadWriteMove) {
  KernelText k("gfx942");
  k.vgpr[1] = testLanes(1);
  ASSERT_TRUE(k.run("v_accvgpr_write_b32 a5, v1\nv_accvgpr_mov_b32 a6, a5\n"
                    "v_accvgpr_read_b32 v0, a6\nv_accvgpr_write_b32 a7, 1.0\n"
                    "v_accvgpr_read_b32 v2, a7"))
      << k.error;
  EXPECT_EQ(k.vgpr[0], k.vgpr[1]);
  EXPECT_EQ(k.vgpr[2][9], word(1.0f));
}

} // namespace
