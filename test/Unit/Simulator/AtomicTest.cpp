//===- AtomicTest.cpp - Atomics of memory, scalar memory and LDS ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One table says what each atomic does to 32 and to 64 bits; the tests walk it
// through every way of addressing, with and without a returned value.
//
//===----------------------------------------------------------------------===//

#include "MemoryTest.h"

using namespace flyattn::test;

namespace {

using I64 = int64_t;

/// The sign-extended value of `bits` bits.
I64 asSigned(D x, unsigned bits) {
  return bits == 32 ? I64(int32_t(W(x))) : I64(x);
}

struct AtomicCase {
  const char *memory; ///< "add": global_atomic_add, global_atomic_add_x2
  const char *lds;    ///< "add_u": ds_add_u32, ds_add_u64
  unsigned operands;
  /// From the old value and the operands, in the order of LDS; all are zero-
  /// extended from `bits` bits.
  std::function<D(D old, D a, D b, unsigned bits)> expected;
};
const AtomicCase cases[] = {
    {"add", "add_u", 1, [](D m, D a, D, unsigned) { return m + a; }},
    {"sub", "sub_u", 1, [](D m, D a, D, unsigned) { return m - a; }},
    {nullptr, "rsub_u", 1, [](D m, D a, D, unsigned) { return a - m; }},
    {"smin", "min_i", 1,
     [](D m, D a, D, unsigned n) {
       return D(std::min(asSigned(m, n), asSigned(a, n)));
     }},
    {"smax", "max_i", 1,
     [](D m, D a, D, unsigned n) {
       return D(std::max(asSigned(m, n), asSigned(a, n)));
     }},
    {"umin", "min_u", 1, [](D m, D a, D, unsigned) { return std::min(m, a); }},
    {"umax", "max_u", 1, [](D m, D a, D, unsigned) { return std::max(m, a); }},
    {"and", "and_b", 1, [](D m, D a, D, unsigned) { return m & a; }},
    {"or", "or_b", 1, [](D m, D a, D, unsigned) { return m | a; }},
    {"xor", "xor_b", 1, [](D m, D a, D, unsigned) { return m ^ a; }},
    // inc counts 0..a, dec a..0; beyond the limit both start again.
    {"inc", "inc_u", 1,
     [](D m, D a, D, unsigned) { return m < a ? m + 1 : D(0); }},
    {"dec", "dec_u", 1,
     [](D m, D a, D, unsigned) { return m != 0 && m <= a ? m - 1 : a; }},
    {"swap", "wrxchg_b", 1, [](D, D a, D, unsigned) { return a; }},
    {"cmpswap", "cmpst_b", 2,
     [](D m, D compare, D data, unsigned) { return m == compare ? data : m; }},
    {nullptr, "mskor_b", 2,
     [](D m, D mask, D data, unsigned) { return (m & ~mask) | data; }},
};

D cut(D x, unsigned bits) { return bits == 32 ? W(x) : x; }

/// Old value and operands of a lane: small counts, equal ones, noise.
struct Values {
  D old, a, b;
};
Values valuesOf(unsigned lane, unsigned bits) {
  static const D edges[] = {0,
                            1,
                            2,
                            5,
                            0x7fffffff,
                            0x80000000,
                            0xffffffff,
                            0x100000000,
                            0x7fffffffffffffff,
                            0x8000000000000000,
                            ~D(0),
                            0x123456789abcdef0};
  D old = edges[lane % 12], a = edges[lane / 3 % 12];
  if (lane % 4 == 3)
    a = old; // so that cmpswap swaps
  return {cut(old, bits), cut(a, bits), cut(edges[(lane + 5) % 12], bits)};
}

constexpr unsigned stride = 16;

/// Registers: address v30, LDS order operands v[0:1], v[2:3], memory order
/// v[4:7]; results v[8:9].
void fill(KernelText &k, unsigned bits) {
  k.data.assign(64 * stride, 0xee);
  unsigned bytes = bits / 8;
  for (unsigned i = 0; i < 64; ++i) {
    Values v = valuesOf(i, bits);
    k.vgpr[30][i] = i * stride;
    std::memcpy(&k.data[i * stride], &v.old, bytes);
    k.vgpr[0][i] = W(v.a), k.vgpr[1][i] = W(v.a >> 32);
    k.vgpr[2][i] = W(v.b), k.vgpr[3][i] = W(v.b >> 32);
    k.vgpr[10][i] = W(v.old), k.vgpr[11][i] = W(v.old >> 32);
    k.vgpr[8][i] = k.vgpr[9][i] = 0x5a5a5a5a;
  }
}

D lanesValue(const KernelText &k, unsigned reg, unsigned i, unsigned bits) {
  D low = k.vgpr[reg][i];
  return bits == 32 ? low : low | D(k.vgpr[reg + 1][i]) << 32;
}

/// Memory takes data, then compare: the other order than LDS.
std::string memoryData(const AtomicCase &c, unsigned bits) {
  unsigned regs = bits / 32;
  if (c.operands == 1)
    return range(0, regs);
  return range(4, 2 * regs);
}
void fillMemoryOrder(KernelText &k, unsigned bits) {
  unsigned regs = bits / 32;
  for (unsigned n = 0; n < regs; ++n) {
    k.vgpr[4 + n] = k.vgpr[2 + n];
    k.vgpr[4 + regs + n] = k.vgpr[n];
  }
}

TEST(Atomic, GlobalFlatAndBuffer) {
  for (const AtomicCase &c : cases)
    for (unsigned bits : {32u, 64u})
      for (const char *space : {"global", "flat", "buffer"})
        for (bool returns : {false, true}) {
          if (!c.memory)
            continue;
          KernelText k("gfx942");
          fill(k, bits);
          fillMemoryOrder(k, bits);
          k.exec = someLanes;
          std::string name = std::string(space) + "_atomic_" + c.memory +
                             (bits == 64 ? "_x2 " : " ");
          std::string data = memoryData(c, bits), dst = range(8, bits / 32);
          std::string sc0 = returns ? " sc0" : "";
          std::string text;
          bool buffer = space[0] == 'b', flat = space[0] == 'f';
          if (buffer) // the data register is the result
            text = resource(64 * stride) + name + data +
                   ", v30, s[48:51], 0 offen" + sc0;
          else if (flat)
            text = "v_mov_b32 v33, s5\nv_add_co_u32 v32, vcc, s4, v30\n"
                   "v_addc_co_u32 v33, vcc, 0, v33, vcc\n" +
                   name + (returns ? dst + ", " : "") + "v[32:33], " + data +
                   sc0;
          else
            text = name + (returns ? dst + ", " : "") + "v30, " + data +
                   ", s[4:5]" + sc0;
          ASSERT_TRUE(k.run(text + "\ns_waitcnt vmcnt(0) lgkmcnt(0)"))
              << text << k.error;
          unsigned result = !buffer ? 8 : c.operands == 1 ? 0 : 4;
          for (unsigned i = 0; i < 64; ++i) {
            Values v = valuesOf(i, bits);
            bool active = someLanes >> i & 1;
            D want = active ? c.expected(v.old, v.a, v.b, bits) : v.old, got;
            std::memcpy(&got, &k.data[i * stride], 8);
            EXPECT_EQ(cut(got, bits), cut(want, bits)) << text << " lane " << i;
            if (bits == 32) {
              EXPECT_EQ(got >> 32, 0xeeeeeeeeu) << text;
            }
            if (returns && active) {
              EXPECT_EQ(lanesValue(k, result, i, bits), v.old) << text;
            }
            if (!buffer && (!returns || !active)) {
              EXPECT_EQ(k.vgpr[8][i], 0x5a5a5a5au) << text;
            }
          }
        }
}

TEST(Atomic, ScalarAndScalarBuffer) {
  for (const AtomicCase &c : cases)
    for (unsigned bits : {32u, 64u})
      for (const char *space : {"s_atomic_", "s_buffer_atomic_"})
        for (unsigned lane = 0; lane < 16; ++lane) {
          if (!c.memory)
            continue;
          KernelText k(lane % 2 ? "gfx950" : "gfx942");
          fill(k, bits);
          Values v = valuesOf(lane, bits);
          unsigned regs = bits / 32;
          bool swap = c.operands == 2, returns = lane % 3 != 0;
          // Data, then compare.
          k.setS64(20, swap ? v.b : v.a);
          k.setS64(20 + regs, swap ? v.a : regs == 2 ? 0 : k.s(21));
          if (swap && regs == 1)
            k.s(20) = W(v.b), k.s(21) = W(v.a);
          k.s(24) = lane * stride;
          bool buffer = std::string(space) == "s_buffer_atomic_";
          unsigned count = regs * c.operands;
          std::string data =
              count == 1 ? "s20" : "s[20:" + std::to_string(19 + count) + "]";
          std::string text = (buffer ? resource(64 * stride) : "") + space +
                             c.memory + (bits == 64 ? "_x2 " : " ") + data +
                             (buffer ? ", s[48:51], s24" : ", s[4:5], s24") +
                             (returns ? " glc" : "");
          KernelText was = k;
          ASSERT_TRUE(k.run(text + "\ns_waitcnt lgkmcnt(0)"))
              << text << k.error;
          D want = c.expected(v.old, v.a, v.b, bits), got;
          std::memcpy(&got, &k.data[lane * stride], 8);
          EXPECT_EQ(cut(got, bits), cut(want, bits)) << text;
          D after = regs == 1 ? k.s(20) : k.s64(20);
          D before = regs == 1 ? was.s(20) : was.s64(20);
          EXPECT_EQ(after, returns ? v.old : before) << text;
        }
}

TEST(Atomic, Lds) {
  for (const AtomicCase &c : cases)
    for (unsigned bits : {32u, 64u})
      for (bool returns : {false, true}) {
        if (!returns && std::string(c.lds) == "wrxchg_b")
          continue; // exists with a result only
        KernelText k("gfx950");
        fill(k, bits);
        k.exec = someLanes;
        unsigned regs = bits / 32;
        std::string width = std::to_string(bits);
        auto [stem, type] = llvm::StringRef(c.lds).rsplit('_');
        std::string name = "ds_" + stem.str() + (returns ? "_rtn_" : "_") +
                           type.str() + width + " ";
        std::string text =
            "s_mov_b64 exec, -1\nds_write_b" + width + " v30, " +
            range(10, regs) +
            " offset:8\ns_mov_b32 exec_lo, 0xffff0ff1\n"
            "s_mov_b32 exec_hi, 0xf00f1234\n" +
            name + (returns ? range(8, regs) + ", " : "") + "v30, " +
            range(0, regs) + (c.operands == 2 ? ", " + range(2, regs) : "") +
            " offset:8\ns_mov_b64 exec, -1\nds_read_b" + width + " " +
            range(12, regs) + ", v30 offset:8\ns_waitcnt lgkmcnt(0)";
        ASSERT_TRUE(k.run(text)) << text << k.error;
        for (unsigned i = 0; i < 64; ++i) {
          Values v = valuesOf(i, bits);
          bool active = someLanes >> i & 1;
          D want = active ? c.expected(v.old, v.a, v.b, bits) : v.old;
          EXPECT_EQ(lanesValue(k, 12, i, bits), cut(want, bits))
              << name << " lane " << i;
          if (returns && active)
            EXPECT_EQ(lanesValue(k, 8, i, bits), v.old) << name;
          else
            EXPECT_EQ(k.vgpr[8][i], 0x5a5a5a5au) << name;
        }
      }
}

// Wrap-around counters and conditional exchange exist with a result only.
TEST(Atomic, LdsWrapAndConditionalExchange) {
  KernelText k("gfx942");
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[30][i] = i * stride;
    k.vgpr[0][i] = i;                       // memory
    k.vgpr[1][i] = 20, k.vgpr[2][i] = 1000; // limit, addend
    k.vgpr[4][i] = i, k.vgpr[5][i] = ~i;    // memory
    k.vgpr[6][i] = (i & 1) << 31 | 77;      // stored if its top bit is set
    k.vgpr[7][i] = (i & 2) << 30 | 88;
  }
  ASSERT_TRUE(k.run("ds_write_b32 v30, v0\nds_wrap_rtn_b32 v10, v30, v1, v2\n"
                    "ds_read_b32 v11, v30\nds_write_b64 v30, v[4:5] offset:8\n"
                    "ds_condxchg32_rtn_b64 v[12:13], v30, v[6:7] offset:8\n"
                    "ds_read_b64 v[14:15], v30 offset:8\n"
                    "s_waitcnt lgkmcnt(0)"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_EQ(k.vgpr[10][i], i);
    EXPECT_EQ(k.vgpr[11][i], i >= 20 ? i - 20 : i + 1000);
    EXPECT_EQ(k.vgpr[12][i], i);
    EXPECT_EQ(k.vgpr[13][i], ~i);
    EXPECT_EQ(k.vgpr[14][i], i & 1 ? 77 : i);
    EXPECT_EQ(k.vgpr[15][i], i & 2 ? 88 : ~i);
  }
}

// A number beats a NaN; a float compare tells -0 and 0 equal, NaN unequal.
TEST(Atomic, FloatingPoint) {
  const double values[] = {0.0,      -0.0,      1.5, -2.5,
                           INFINITY, -INFINITY, NAN, 7e300};
  const float singles[] = {0.0f,     -0.0f,     1.5f, -2.5f,
                           INFINITY, -INFINITY, NAN,  3e38f};
  KernelText k("gfx942");
  fill(k, 64);
  for (unsigned i = 0; i < 64; ++i) {
    D old = bitCast<D>(values[i % 8]), a = bitCast<D>(values[i / 8]);
    std::memcpy(&k.data[i * stride], &old, 8);
    std::memcpy(&k.data[i * stride + 8], &old, 8);
    k.vgpr[0][i] = W(a), k.vgpr[1][i] = W(a >> 32);
    k.vgpr[10][i] = W(old), k.vgpr[11][i] = W(old >> 32);
    k.vgpr[12][i] = word(singles[i % 8]);
    k.vgpr[13][i] = word(singles[i / 8]);
    k.vgpr[2][i] = 123, k.vgpr[3][i] = 456;
  }
  std::string compare;
  for (const char *rtn : {"", "_rtn"})
    compare += std::string("ds_write_b64 v30, v[10:11]\n") + "ds_cmpst" + rtn +
               "_f64 " + (*rtn ? "v[24:25], " : "") +
               "v30, v[0:1], v[2:3]\nds_write_b32 v30, v12 offset:8\n" +
               "ds_cmpst" + rtn + "_f32 " + (*rtn ? "v26, " : "") +
               "v30, v13, v2 offset:8\n";
  ASSERT_TRUE(k.run(
      "global_atomic_min_f64 v30, v[0:1], s[4:5]\n"
      "global_atomic_max_f64 v[20:21], v30, v[0:1], s[4:5] offset:8 sc0\n" +
      compare +
      "ds_read_b64 v[14:15], v30\nds_read_b32 v16, v30 offset:8\n"
      "ds_write_b64 v30, v[10:11]\nds_min_f64 v30, v[0:1]\n"
      "ds_read_b64 v[32:33], v30\n"
      "ds_write_b64 v30, v[10:11]\nds_max_rtn_f64 v[22:23], v30, v[0:1]\n"
      "ds_read_b64 v[34:35], v30\n"
      "ds_write_b64 v30, v[10:11]\nds_min_rtn_f64 v[22:23], v30, v[0:1]\n"
      "ds_write_b64 v30, v[10:11]\nds_max_f64 v30, v[0:1]\n"
      "s_waitcnt vmcnt(0) lgkmcnt(0)"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    double old = values[i % 8], a = values[i / 8];
    D low, high;
    std::memcpy(&low, &k.data[i * stride], 8);
    std::memcpy(&high, &k.data[i * stride + 8], 8);
    auto same = [&](D got, double want) {
      // Which zero comes out is not specified.
      return sameDouble(got, bitCast<D>(want)) ||
             (want == 0 && bitCast<double>(got) == 0);
    };
    EXPECT_TRUE(same(low, std::fmin(old, a))) << old << " " << a;
    EXPECT_TRUE(same(high, std::fmax(old, a))) << old << " " << a;
    EXPECT_TRUE(same(lanesValue(k, 32, i, 64), std::fmin(old, a)));
    EXPECT_TRUE(same(lanesValue(k, 34, i, 64), std::fmax(old, a)));
    EXPECT_TRUE(sameDouble(lanesValue(k, 20, i, 64), bitCast<D>(old)));
    EXPECT_TRUE(sameDouble(lanesValue(k, 22, i, 64), bitCast<D>(old)));
    EXPECT_TRUE(sameDouble(lanesValue(k, 24, i, 64), bitCast<D>(old)));
    EXPECT_EQ(lanesValue(k, 14, i, 64),
              old == a ? D(456) << 32 | 123 : bitCast<D>(old));
    EXPECT_TRUE(sameFloat(k.vgpr[26][i], word(singles[i % 8])));
    EXPECT_EQ(k.vgpr[16][i],
              singles[i % 8] == singles[i / 8] ? 123 : word(singles[i % 8]));
  }
}

// A scalar buffer atomic beyond num_records does nothing.
TEST(Atomic, ScalarBufferRange) {
  KernelText k("gfx942");
  k.data.assign(64, 1);
  k.s(20) = 5;
  ASSERT_TRUE(k.run(resource(16) +
                    "s_buffer_atomic_add s20, s[48:51], 0x10 glc\n"
                    "s_waitcnt lgkmcnt(0)"))
      << k.error;
  EXPECT_EQ(bytesAt(k.data, 16, 4), 0x01010101u);
  EXPECT_FALSE(k.run("s_atomic_add s20, s[4:5], 0x40"));
  EXPECT_NE(k.error.find("outside every allocation"), std::string::npos);
}

} // namespace
