//===- MemoryTest.cpp - Global, flat, buffer and scratch memory -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryTest.h"

using namespace flyattn::test;

namespace {

/// Ways to address the data; each gives byte v30 + 12 of it.
struct Addressing {
  const char *family, *setup, *load, *store; ///< %d is the data register
};
const Addressing addressings[] = {
    {"global", "", "%d, v30, s[4:5] offset:12", "v30, %d, s[4:5] offset:12"},
    {"global",
     "v_mov_b32 v29, s5\nv_add_co_u32 v28, vcc, s4, v30\n"
     "v_addc_co_u32 v29, vcc, 0, v29, vcc\n",
     "%d, v[28:29], off offset:12", "v[28:29], %d, off offset:12"},
    {"flat",
     "v_mov_b32 v29, s5\nv_add_co_u32 v28, vcc, s4, v30\n"
     "v_addc_co_u32 v29, vcc, 0, v29, vcc\n",
     "%d, v[28:29] offset:12", "v[28:29], %d offset:12"},
    {"buffer",
     "s_mov_b32 s48, s4\ns_mov_b32 s49, s5\ns_mov_b32 s50, 0x10000\n"
     "s_mov_b32 s51, 0x20000\n",
     "%d, v30, s[48:51], 8 offen offset:4",
     "%d, v30, s[48:51], 8 offen offset:4"},
};
std::string with(const char *text, const std::string &data) {
  std::string s = text;
  return s.replace(s.find("%d"), 2, data);
}

TEST(Memory, LoadsOfEveryElement) {
  for (const Addressing &a : addressings)
    for (const Element &e : elements)
      for (D exec : {~D(0), someLanes}) {
        KernelText k("gfx950");
        k.data = noise(65536);
        k.vgpr[0] = testLanes(3);
        for (unsigned i = 0; i < 64; ++i)
          k.vgpr[30][i] = i * 37 % 1000; // misaligned, too
        k.exec = exec;
        KernelText was = k;
        std::string text = std::string(a.setup) + a.family + "_load_" +
                           e.memory + " " + with(a.load, "v0") +
                           "\ns_waitcnt vmcnt(0)";
        ASSERT_TRUE(k.run(text)) << text << k.error;
        for (unsigned i = 0; i < 64; ++i) {
          W old = was.vgpr[0][i];
          W value = bytesAt(was.data, was.vgpr[30][i] + 12, e.bytes);
          EXPECT_EQ(k.vgpr[0][i], exec >> i & 1 ? e.place(value, old) : old)
              << text << i;
        }
      }
}

TEST(Memory, LoadsAndStoresOfDwords) {
  for (const Addressing &a : addressings)
    for (unsigned n = 1; n <= 4; ++n)
      for (D exec : {~D(0), someLanes}) {
        KernelText k("gfx950");
        k.data = noise(65536);
        for (unsigned r = 0; r < 8; ++r)
          k.vgpr[r] = testLanes(r);
        for (unsigned i = 0; i < 64; ++i)
          k.vgpr[30][i] = i * 20 + 2048;
        k.exec = exec;
        KernelText was = k;
        std::string f = std::string(a.family);
        std::string text =
            std::string(a.setup) + f + "_store_dword" + widths[n - 1] + " " +
            with(a.store, range(4, n)) + "\nv_subrev_u32 v30, 2000, v30\n" +
            (f == "buffer" || a.load[4] == 'v' ? "" : "") +
            std::string(a.setup) + f + "_load_dword" + widths[n - 1] + " " +
            with(a.load, range(0, n)) + "\ns_waitcnt vmcnt(0)";
        ASSERT_TRUE(k.run(text)) << text << k.error;
        for (unsigned i = 0; i < 64; ++i)
          for (unsigned r = 0; r < n; ++r) {
            bool active = exec >> i & 1;
            size_t at = was.vgpr[30][i] + 12 + 4 * r;
            EXPECT_EQ(bytesAt(k.data, at, 4),
                      active ? was.vgpr[4 + r][i] : bytesAt(was.data, at, 4))
                << text << i;
            EXPECT_EQ(k.vgpr[r][i],
                      active ? bytesAt(was.data, at - 2000, 4) : was.vgpr[r][i])
                << text << i;
          }
      }
}

TEST(Memory, StoresOfBytesAndWords) {
  struct Case {
    const char *suffix;
    unsigned bytes, shift;
  };
  for (const Addressing &a : addressings)
    for (const Case &c :
         {Case{"byte", 1, 0}, Case{"short", 2, 0}, Case{"byte_d16_hi", 1, 16},
          Case{"short_d16_hi", 2, 16}}) {
      KernelText k("gfx950");
      k.data = noise(65536);
      k.vgpr[0] = testLanes(3);
      for (unsigned i = 0; i < 64; ++i)
        k.vgpr[30][i] = i * 5;
      k.exec = someLanes;
      KernelText was = k;
      ASSERT_TRUE(k.run(std::string(a.setup) + a.family + "_store_" + c.suffix +
                        " " + with(a.store, "v0")))
          << k.error;
      std::vector<uint8_t> want = was.data;
      for (unsigned i = 0; i < 64; ++i)
        for (unsigned n = 0; n < c.bytes && someLanes >> i & 1; ++n)
          want[i * 5 + 12 + n] = uint8_t(was.vgpr[0][i] >> (c.shift + 8 * n));
      EXPECT_EQ(k.data, want) << a.family << c.suffix;
    }
}

// A load may overwrite its own address registers.
TEST(Memory, LoadOverItsAddress) {
  KernelText k("gfx950");
  k.data = noise(65536);
  for (unsigned i = 0; i < 64; ++i)
    k.vgpr[0][i] = i * 16;
  KernelText was = k;
  ASSERT_TRUE(k.run("global_load_dwordx4 v[0:3], v0, s[4:5]\n"
                    "s_waitcnt vmcnt(0)"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i)
    for (unsigned r = 0; r < 4; ++r)
      EXPECT_EQ(k.vgpr[r][i], bytesAt(was.data, i * 16 + 4 * r, 4));
}

// Out-of-range dwords of a lane load 0 and are not stored, one by one.
TEST(Buffer, RangeIsCheckedPerDword) {
  KernelText k("gfx950");
  k.data = noise(4096);
  for (unsigned i = 0; i < 64; ++i)
    k.vgpr[30][i] = i < 60 ? i * 12 : 0xfffffff0 + i;
  for (unsigned r = 4; r < 8; ++r)
    k.vgpr[r] = testLanes(r);
  KernelText was = k;
  ASSERT_TRUE(k.run(resource(300) +
                    "s_mov_b32 s47, 20\n"
                    "buffer_load_dwordx4 v[0:3], v30, s[48:51], s47 offen "
                    "offset:8\n"
                    "buffer_store_dwordx4 v[4:7], v30, s[48:51], s47 offen "
                    "offset:1032\n"
                    "s_mov_b32 s50, 1200\n"
                    "buffer_store_dwordx3 v[4:6], v30, s[48:51], s47 offen "
                    "offset:1032\n"
                    "buffer_load_dword v8, off, s[48:51], s47 offset:4\n"
                    "buffer_load_dword v9, off, s[48:51], s47 offset:1200\n"
                    "s_waitcnt vmcnt(0)"))
      << k.error;
  std::vector<uint8_t> want = was.data;
  for (unsigned i = 0; i < 64; ++i) {
    D offset = D(was.vgpr[30][i]) + 28;
    for (unsigned r = 0; r < 4; ++r) {
      bool in = offset + 4 * (r + 1) <= 300;
      EXPECT_EQ(k.vgpr[r][i], in ? bytesAt(was.data, offset + 4 * r, 4) : 0u)
          << i << r;
      D to = offset + 1024 + 4 * r;
      if (r < 3 && to + 4 <= 1200)
        std::memcpy(&want[to], &was.vgpr[4 + r][i], 4);
    }
    EXPECT_EQ(k.vgpr[8][i], bytesAt(was.data, 24, 4));
    EXPECT_EQ(k.vgpr[9][i], 0u);
  }
  EXPECT_EQ(k.data, want);
}

// With an index and a stride: address = base + soffset + index * stride +
// offsets, and num_records counts elements of `stride` bytes.
TEST(Buffer, StructuredResources) {
  KernelText k("gfx950");
  k.data = noise(4096);
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[30][i] = (i * 37) % 64; // the index
    k.vgpr[31][i] = i % 3 * 4;
  }
  k.vgpr[32] = k.vgpr[30];
  KernelText was = k;
  ASSERT_TRUE(k.run(resource(50) +
                    "s_or_b32 s49, s49, 0x240000\n" // 36 bytes an element
                    "s_mov_b32 s47, 20\n"
                    "buffer_load_dwordx2 v[0:1], v[30:31], s[48:51], s47 idxen "
                    "offen offset:8\n"
                    "buffer_load_ushort v2, v30, s[48:51], 0 idxen offset:2\n"
                    "buffer_store_dword v32, v30, s[48:51], 0 idxen\n"
                    "s_waitcnt vmcnt(0)"))
      << k.error;
  std::vector<uint8_t> want = was.data;
  for (unsigned i = 0; i < 64; ++i) {
    W index = was.vgpr[30][i];
    bool in = index < 50;
    D at = 20 + 8 + 36 * index + was.vgpr[31][i];
    EXPECT_EQ(k.vgpr[0][i], in ? bytesAt(was.data, at, 4) : 0u) << i;
    EXPECT_EQ(k.vgpr[1][i], in ? bytesAt(was.data, at + 4, 4) : 0u) << i;
    EXPECT_EQ(k.vgpr[2][i], in ? bytesAt(was.data, 36 * index + 2, 2) : 0u);
    if (in)
      std::memcpy(&want[36 * index], &index, 4);
  }
  EXPECT_EQ(k.data, want);
  // An element that is in range of the buffer, but in no allocation.
  EXPECT_FALSE(k.run(resource(5000) +
                     "s_or_b32 s49, s49, 0x240000\ns_movk_i32 s47, 0xfff\n"
                     "buffer_load_dword v0, v30, s[48:51], s47 idxen\n"));
  EXPECT_NE(k.error.find("outside every allocation"), std::string::npos);
}

TEST(Buffer, SwizzledResourcesAreRefused) {
  KernelText k("gfx950");
  k.data = noise(64);
  EXPECT_FALSE(k.run(resource(64) + "s_bitset1_b32 s49, 31\n"
                                    "buffer_load_dword v0, off, s[48:51], 0"));
  EXPECT_NE(k.error.find("swizzled"), std::string::npos) << k.error;
}

TEST(Memory, AtomicsReturnTheOldValue) {
  struct Case {
    const char *name;
    std::function<W(W, W)> update;
  };
  auto f = [](W x) { return real(x); };
  const Case cases[] = {
      {"add", [](W a, W b) { return a + b; }},
      {"sub", [](W a, W b) { return a - b; }},
      {"smin", [](W a, W b) { return int32_t(a) < int32_t(b) ? a : b; }},
      {"umin", [](W a, W b) { return std::min(a, b); }},
      {"smax", [](W a, W b) { return int32_t(a) > int32_t(b) ? a : b; }},
      {"umax", [](W a, W b) { return std::max(a, b); }},
      {"and", [](W a, W b) { return a & b; }},
      {"or", [](W a, W b) { return a | b; }},
      {"xor", [](W a, W b) { return a ^ b; }},
      {"swap", [](W, W b) { return b; }},
      {"add_f32", [&](W a, W b) { return word(f(a) + f(b)); }},
  };
  for (const Addressing &a : addressings)
    for (const Case &c : cases) {
      KernelText k("gfx950");
      k.data = noise(65536);
      bool isFloat = std::string(c.name) == "add_f32";
      for (unsigned i = 0; i < 64; ++i) {
        k.vgpr[30][i] = i * 8;
        k.vgpr[0][i] = isFloat ? word(float(i) - 7) : testLanes(2)[i];
        if (isFloat) {
          float x = float(i) * 3;
          std::memcpy(&k.data[i * 8 + 12], &x, 4);
        }
      }
      k.vgpr[1] = k.vgpr[0];
      k.exec = someLanes;
      KernelText was = k;
      bool buffer = std::string(a.family) == "buffer";
      std::string name = std::string(a.family) + "_atomic_" + c.name;
      // With a result, then again without.
      std::string text = std::string(a.setup) + name + " " +
                         (buffer ? with(a.store, "v0") + " sc0"
                                 : "v0, " + with(a.store, "v1") + " sc0") +
                         "\ns_waitcnt vmcnt(0)";
      ASSERT_TRUE(k.run(text)) << text << k.error;
      std::vector<uint8_t> want = was.data;
      for (unsigned i = 0; i < 64; ++i) {
        if (!(someLanes >> i & 1)) {
          EXPECT_EQ(k.vgpr[0][i], was.vgpr[0][i]);
          continue;
        }
        W old = bytesAt(was.data, i * 8 + 12, 4);
        W fresh = c.update(old, was.vgpr[1][i]);
        std::memcpy(&want[i * 8 + 12], &fresh, 4);
        EXPECT_EQ(k.vgpr[0][i], old) << text;
      }
      EXPECT_EQ(k.data, want) << text;
      k.data = was.data;
      k.vgpr = was.vgpr;
      ASSERT_TRUE(
          k.run(std::string(a.setup) + name + " " + with(a.store, "v1")))
          << k.error;
      EXPECT_EQ(k.data, want) << name;
    }
}

TEST(Memory, WideAndPackedAtomics) {
  KernelText k("gfx950");
  k.data.assign(64 * 64, 0);
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[30][i] = i * 64;
    D initial = 0xffffffff00000000u + i;
    for (unsigned n : {0, 8, 16})
      std::memcpy(&k.data[i * 64 + n], &initial, 8);
    double d = i + 0.25;
    std::memcpy(&k.data[i * 64 + 24], &d, 8);
    W halves = 0x3c004000, bf = 0x3f804000; // (2, 1) in f16; (2, 1) in bf16
    std::memcpy(&k.data[i * 64 + 32], &halves, 4);
    std::memcpy(&k.data[i * 64 + 36], &bf, 4);
    W cmp = i;
    std::memcpy(&k.data[i * 64 + 40], &cmp, 4);
    k.vgpr[0][i] = 1, k.vgpr[1][i] = 2;                // 0x200000001
    k.vgpr[2][i] = i & ~1u, k.vgpr[3][i] = 0xffffffff; // compare
    D one = bitCast<D>(1.5);
    k.vgpr[4][i] = W(one), k.vgpr[5][i] = W(one >> 32);
    k.vgpr[6][i] = 0x3c003c00, k.vgpr[7][i] = 0x3f803f80;
    k.vgpr[8][i] = 1000, k.vgpr[9][i] = i & ~1u; // data, compare
  }
  ASSERT_TRUE(
      k.run("global_atomic_add_x2 v30, v[0:1], s[4:5]\n"
            "global_atomic_swap_x2 v[10:11], v30, v[0:1], s[4:5] offset:8 sc0\n"
            "global_atomic_cmpswap_x2 v30, v[0:3], s[4:5] offset:16\n"
            "global_atomic_add_f64 v30, v[4:5], s[4:5] offset:24\n"
            "global_atomic_pk_add_f16 v30, v6, s[4:5] offset:32\n"
            "global_atomic_pk_add_bf16 v30, v7, s[4:5] offset:36\n"
            "global_atomic_cmpswap v12, v30, v[8:9], s[4:5] offset:40 sc0\n"
            "s_waitcnt vmcnt(0)"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    auto at = [&](unsigned n) {
      D x;
      std::memcpy(&x, &k.data[i * 64 + n], 8);
      return x;
    };
    D initial = 0xffffffff00000000u + i, data = 0x200000001;
    EXPECT_EQ(at(0), initial + data);
    EXPECT_EQ(at(8), data);
    EXPECT_EQ(k.vgpr[10][i] | D(k.vgpr[11][i]) << 32, initial);
    EXPECT_EQ(at(16), i % 2 ? initial : data);
    EXPECT_EQ(bitCast<double>(at(24)), i + 1.75);
    EXPECT_EQ(W(at(32)), 0x40004200u); // (3, 2)
    EXPECT_EQ(W(at(36)), 0x40004040u);
    EXPECT_EQ(W(at(40)), i % 2 ? i : 1000u);
    EXPECT_EQ(k.vgpr[12][i], i);
  }
}

TEST(Scratch, EveryLaneHasItsOwn) {
  KernelText k("gfx950");
  k.scratch = 64;
  for (unsigned r = 0; r < 8; ++r)
    k.vgpr[r] = testLanes(r);
  k.vgpr[30].fill(16);
  k.s(20) = 8;
  KernelText was = k;
  ASSERT_TRUE(k.run("scratch_store_dwordx4 v30, v[0:3], off offset:4\n"
                    "scratch_store_dword off, v4, s20 offset:40\n"
                    "scratch_store_short off, v5, off offset:60\n"
                    "s_waitcnt vmcnt(0)\n"
                    "scratch_load_dwordx2 v[10:11], off, s20 offset:12\n"
                    "scratch_load_dword v12, v30, off offset:32\n"
                    "scratch_load_ushort v13, off, off offset:60\n"
                    "scratch_load_dword v14, v30, s20 offset:4\n"
                    "s_waitcnt vmcnt(0)"))
      << k.error;
  EXPECT_EQ(k.vgpr[10], was.vgpr[0]);
  EXPECT_EQ(k.vgpr[11], was.vgpr[1]);
  EXPECT_EQ(k.vgpr[12], was.vgpr[4]);
  EXPECT_EQ(k.vgpr[14], was.vgpr[2]);
  for (unsigned i = 0; i < 64; ++i)
    EXPECT_EQ(k.vgpr[13][i], was.vgpr[5][i] & 0xffff);
  EXPECT_FALSE(k.run("scratch_load_dword v0, off, off offset:61"));
  EXPECT_NE(k.error.find("outside the 64 bytes"), std::string::npos) << k.error;
}

// The instruction's offset counts in scratch and in LDS.
TEST(Scratch, LoadsIntoLds) {
  for (const Element &e : elements) {
    std::string name = e.memory;
    if (name.find("d16") != std::string::npos)
      continue;
    KernelText k(e.bytes == 1 ? "gfx942" : "gfx950");
    k.scratch = 64;
    k.m0 = 256;
    k.vgpr[0] = testLanes(3);
    k.vgpr[30].fill(4);
    k.s(20) = 8;
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[31][i] = 256 + 4 * i;
    ASSERT_TRUE(k.run("scratch_store_dword off, v0, off offset:16\n"
                      "s_waitcnt vmcnt(0)\n"
                      "scratch_load_lds_" +
                      name + " v30, s20 offset:4\ns_waitcnt vmcnt(0)\n" +
                      "ds_read_b32 v1, v31 offset:4\n"
                      "s_waitcnt lgkmcnt(0)"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      W mask = e.bytes == 4 ? ~0u : (1u << 8 * e.bytes) - 1;
      EXPECT_EQ(k.vgpr[1][i], e.place(k.vgpr[0][i] & mask, 0)) << name;
    }
    EXPECT_FALSE(k.run("scratch_load_lds_" + name + " off, off offset:64"));
    EXPECT_NE(k.error.find("outside the 64 bytes"), std::string::npos);
  }
}

// Lanes of one instruction reach LDS, their scratch and memory.
TEST(Flat, ReachesLdsAndScratchThroughApertures) {
  KernelText k("gfx942");
  k.scratch = 64;
  k.lds = 1024;
  k.data.resize(512);
  k.vgpr[0] = testLanes(1);
  for (unsigned i = 0; i < 64; ++i) {
    k.vgpr[1][i] = i % 3; // where
    k.vgpr[2][i] = i % 3 == 1 ? 8 : 4 * i;
    k.vgpr[9][i] = 4 * i;
  }
  std::string address = "s_mov_b64 s[20:21], src_shared_base\n"
                        "s_mov_b64 s[22:23], src_private_base\n"
                        "v_add_co_u32 v4, vcc, s4, v2\nv_mov_b32 v5, s5\n"
                        "v_addc_co_u32 v5, vcc, 0, v5, vcc\n";
  for (auto [where, base] : {std::pair("0", "s21"), std::pair("1", "s23")})
    address += "v_cmp_eq_u32 vcc, " + std::string(where) +
               ", v1\nv_mov_b32 v6, " + base +
               "\nv_cndmask_b32 v4, v4, v2, vcc\n"
               "v_cndmask_b32 v5, v5, v6, vcc\n";
  const std::string wait = "s_waitcnt vmcnt(0) lgkmcnt(0)\n";
  ASSERT_TRUE(k.run(address + "flat_store_dword v[4:5], v0 offset:16\n" + wait +
                    "flat_load_dword v7, v[4:5] offset:16\n"
                    "ds_read_b32 v8, v9 offset:16\n"
                    "scratch_load_dword v10, off, off offset:24\n" +
                    wait))
      << k.error;
  EXPECT_EQ(k.s64(20), uint64_t(1) << 48);
  EXPECT_EQ(k.s64(22), uint64_t(2) << 48);
  EXPECT_EQ(k.vgpr[7], k.vgpr[0]);
  for (unsigned i = 0; i < 64; ++i) {
    W stored = 0;
    std::memcpy(&stored, &k.data[16 + 4 * i], 4);
    EXPECT_EQ(i % 3 == 0   ? k.vgpr[8][i]
              : i % 3 == 1 ? k.vgpr[10][i]
                           : stored,
              k.vgpr[0][i])
        << i;
    if (i % 3 != 2) {
      EXPECT_EQ(stored, 0u) << i;
    }
  }
  k.lds = 76;
  EXPECT_FALSE(k.run(address + "flat_store_dword v[4:5], v0"));
  EXPECT_NE(k.error.find("LDS access of 4 bytes at offset 84 (lane 21) is "
                         "outside the 76 bytes of LDS"),
            std::string::npos)
      << k.error;
}

TEST(Flat, AperturesEndAfterFourGigabytes) {
  KernelText k("gfx950");
  ASSERT_TRUE(k.run("s_mov_b64 s[20:21], src_shared_limit\n"
                    "s_mov_b64 s[22:23], src_private_limit"))
      << k.error;
  EXPECT_EQ(k.s64(20), 0x00010000ffffffffu);
  EXPECT_EQ(k.s64(22), 0x00020000ffffffffu);
  EXPECT_FALSE(k.run("s_mov_b32 s20, src_shared_base"));
  EXPECT_NE(k.error.find("in an operand of 32 bits"), std::string::npos)
      << k.error;
}

} // namespace
