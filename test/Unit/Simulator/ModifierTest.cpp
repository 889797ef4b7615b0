//===- ModifierTest.cpp - Sign, output, SDWA and DPP modifiers ------------===//
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

TEST(Modifiers, NegAndAbs) {
  for (D exec : {~D(0), D(0x0ff0ff00f0f05555)}) {
    KernelText k("gfx950");
    for (unsigned n = 0; n < 4; ++n)
      k.vgpr[n] = testLanes(n);
    k.s(20) = word(-2.5f);
    k.exec = exec;
    KernelText was = k;
    ASSERT_TRUE(k.run("v_fma_f32 v0, -v1, |v2|, -|v3|\n"
                      "v_fma_f32 v4, v1, s20, -v3\n"
                      "v_mul_f32_e64 v5, -s20, v1\n"
                      "v_add_f32_e64 v6, |v1|, v2"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      if (!(exec >> i & 1)) {
        EXPECT_EQ(k.vgpr[0][i], was.vgpr[0][i]);
        continue;
      }
      float a = real(was.vgpr[1][i]), b = real(was.vgpr[2][i]),
            c = real(was.vgpr[3][i]);
      EXPECT_TRUE(sameFloat(k.vgpr[0][i],
                            word(std::fma(-a, std::fabs(b), -std::fabs(c)))));
      EXPECT_TRUE(sameFloat(k.vgpr[4][i], word(std::fma(a, -2.5f, -c))));
      EXPECT_TRUE(sameFloat(k.vgpr[5][i], word(2.5f * a)));
      EXPECT_TRUE(sameFloat(k.vgpr[6][i], word(std::fabs(a) + b)));
    }
  }
}

TEST(Modifiers, ClampAndOutputMultiplier) {
  for (bool denormals : {false, true}) {
    KernelText k("gfx950");
    k.rsrc1 = (denormals ? 0xf0u : 0xc0u) << 12;
    for (unsigned i = 0; i < 64; ++i) {
      k.vgpr[1][i] = word(-2.0f + 0.125f * i);
      k.vgpr[2][i] = word(0.0f);
    }
    k.vgpr[1][63] = 0x7fc00000;
    ASSERT_TRUE(k.run("v_add_f32_e64 v0, v1, v2 clamp\n"
                      "v_add_f32_e64 v3, v1, v2 mul:2\n"
                      "v_add_f32_e64 v4, v1, v2 mul:4\n"
                      "v_add_f32_e64 v5, v1, v2 div:2"))
        << k.error;
    for (unsigned i = 0; i < 64; ++i) {
      float a = real(k.vgpr[1][i]);
      float clamped = a > 0 ? std::min(a, 1.0f) : 0; // NaN becomes 0
      EXPECT_EQ(real(k.vgpr[0][i]), clamped);
      // Ignored where denormal results are on.
      float factor[3] = {2, 4, 0.5f};
      for (unsigned n = 0; n < 3; ++n)
        EXPECT_TRUE(
            sameFloat(k.vgpr[3 + n][i], word(a * (denormals ? 1 : factor[n]))));
    }
  }
}

TEST(Modifiers, IntegerClampIsRefused) {
  KernelText k("gfx950");
  EXPECT_FALSE(k.run("v_add_u32_e64 v0, v1, v2 clamp"));
  EXPECT_NE(k.error.find("output modifier"), std::string::npos) << k.error;
}

TEST(Sdwa, SelectsBytesAndWords) {
  for (D exec : {~D(0), D(0x00000000ffff00ff)}) {
    KernelText k("gfx942");
    for (unsigned n = 0; n < 8; ++n)
      k.vgpr[n] = testLanes(n + 2);
    k.exec = exec;
    KernelText was = k;
    ASSERT_TRUE(k.run(
        "v_add_u32_sdwa v0, v1, v2 dst_sel:DWORD dst_unused:UNUSED_PAD "
        "src0_sel:BYTE_1 src1_sel:WORD_1\n"
        "v_or_b32_sdwa v3, v1, v2 dst_sel:WORD_1 dst_unused:UNUSED_PRESERVE "
        "src0_sel:WORD_0 src1_sel:BYTE_3\n"
        "v_add_u32_sdwa v4, sext(v1), v2 dst_sel:BYTE_2 dst_unused:UNUSED_SEXT "
        "src0_sel:BYTE_0 src1_sel:DWORD\n"
        "v_mov_b32_sdwa v5, v1 dst_sel:BYTE_0 dst_unused:UNUSED_PAD "
        "src0_sel:BYTE_2\n"
        "v_cvt_f32_u32_sdwa v6, v1 dst_sel:DWORD dst_unused:UNUSED_PAD "
        "src0_sel:WORD_1\n"
        "v_cmp_lt_u32_sdwa vcc, v1, v2 src0_sel:BYTE_0 src1_sel:BYTE_0\n"
        "v_mul_f32_sdwa v7, -v1, |v2| dst_sel:DWORD dst_unused:UNUSED_PAD "
        "src0_sel:DWORD src1_sel:DWORD"))
        << k.error;
    D compare = 0;
    for (unsigned i = 0; i < 64; ++i) {
      if (!(exec >> i & 1)) {
        for (unsigned n = 0; n < 8; ++n)
          EXPECT_EQ(k.vgpr[n][i], was.vgpr[n][i]);
        continue;
      }
      W a = was.vgpr[1][i], b = was.vgpr[2][i];
      EXPECT_EQ(k.vgpr[0][i], (a >> 8 & 255) + (b >> 16));
      EXPECT_EQ(k.vgpr[3][i],
                (was.vgpr[3][i] & 0xffff) | ((a & 0xffff) | b >> 24) << 16);
      int8_t byte = int8_t(W(int8_t(a)) + b);
      EXPECT_EQ(k.vgpr[4][i], W(int32_t(byte)) << 16);
      EXPECT_EQ(k.vgpr[5][i], a >> 16 & 255);
      EXPECT_EQ(k.vgpr[6][i], word(float(a >> 16)));
      compare |= D((a & 255) < (b & 255)) << i;
      EXPECT_TRUE(sameFloat(k.vgpr[7][i], word(-real(a) * std::fabs(real(b)))));
    }
    EXPECT_EQ(k.vcc, compare);
  }
}

TEST(Sdwa, EveryPartOfASource) {
  struct Part {
    const char *name;
    W shift, mask;
  };
  const Part parts[] = {{"BYTE_0", 0, 0xff},   {"BYTE_1", 8, 0xff},
                        {"BYTE_2", 16, 0xff},  {"BYTE_3", 24, 0xff},
                        {"WORD_0", 0, 0xffff}, {"WORD_1", 16, 0xffff},
                        {"DWORD", 0, ~0u}};
  auto of = [](const Part &part, W value) {
    return value >> part.shift & part.mask;
  };
  for (const Part &left : parts)
    for (const Part &right : parts) {
      KernelText k("gfx942");
      k.vgpr[1] = testLanes(3);
      k.vgpr[2] = testLanes(4);
      auto from = [&](const char *sources) {
        return std::string(sources) + " dst_sel:DWORD dst_unused:UNUSED_PAD " +
               "src0_sel:" + left.name + " src1_sel:" + right.name + "\n";
      };
      ASSERT_TRUE(k.run("s_mov_b32 s8, 0x89abcdef\n" +
                        from("v_xor_b32_sdwa v3, v1, v2") +
                        from("v_sub_u32_sdwa v4, s8, v2")))
          << k.error;
      for (unsigned i = 0; i < 64; ++i) {
        W a = k.vgpr[1][i], b = of(right, k.vgpr[2][i]);
        EXPECT_EQ(k.vgpr[3][i], of(left, a) ^ b);
        EXPECT_EQ(k.vgpr[4][i], of(left, 0x89abcdef) - b);
      }
    }
}

/// The source lane by the picture in the ISA document; -1 = none.
using LaneMap = std::function<int(int)>;
struct DppCase {
  const char *control;
  LaneMap source;
};
const DppCase dppCases[] = {
    {"quad_perm:[3,2,1,0]", [](int l) { return l - l % 4 + (3 - l % 4); }},
    {"quad_perm:[1,1,0,2]",
     [](int l) { return l - l % 4 + std::array{1, 1, 0, 2}[l % 4]; }},
    {"row_shl:1", [](int l) { return l % 16 + 1 < 16 ? l + 1 : -1; }},
    {"row_shl:15", [](int l) { return l % 16 + 15 < 16 ? l + 15 : -1; }},
    {"row_shr:4", [](int l) { return l % 16 >= 4 ? l - 4 : -1; }},
    {"row_ror:6", [](int l) { return l - l % 16 + (l % 16 + 10) % 16; }},
    {"wave_shl:1", [](int l) { return l < 63 ? l + 1 : -1; }},
    {"wave_rol:1", [](int l) { return (l + 1) % 64; }},
    {"wave_shr:1", [](int l) { return l - 1; }},
    {"wave_ror:1", [](int l) { return (l + 63) % 64; }},
    {"row_mirror", [](int l) { return l - l % 16 + 15 - l % 16; }},
    {"row_half_mirror", [](int l) { return l - l % 8 + 7 - l % 8; }},
    {"row_bcast:15", [](int l) { return l < 16 ? -1 : l - l % 16 - 1; }},
    {"row_bcast:31", [](int l) { return l < 32 ? -1 : 31; }},
    {"row_newbcast:5", [](int l) { return l - l % 16 + 5; }},
};

TEST(Dpp, EveryControl) {
  for (const DppCase &c : dppCases) {
    for (D exec : {~D(0), D(0xfffe7ffffff3ffff)}) {
      for (bool bound : {false, true}) {
        KernelText k("gfx942");
        for (unsigned n = 0; n < 3; ++n)
          k.vgpr[n] = testLanes(n + 1);
        k.exec = exec;
        KernelText was = k;
        std::string text = std::string("v_add_u32_dpp v0, v1, v2 ") +
                           c.control + " row_mask:0xf bank_mask:0xf" +
                           (bound ? " bound_ctrl:0" : "");
        ASSERT_TRUE(k.run(text)) << text << k.error;
        for (int l = 0; l < 64; ++l) {
          int from = c.source(l);
          bool valid = from >= 0 && (exec >> from & 1);
          W want = was.vgpr[0][l];
          if (exec >> l & 1 && (valid || bound))
            want = (valid ? was.vgpr[1][from] : 0) + was.vgpr[2][l];
          EXPECT_EQ(k.vgpr[0][l], want) << text << " lane " << l;
        }
      }
    }
  }
}

TEST(Dpp, RowAndBankMasks) {
  KernelText k("gfx942");
  for (unsigned n = 0; n < 3; ++n)
    k.vgpr[n] = testLanes(n + 1);
  KernelText was = k;
  ASSERT_TRUE(k.run("v_mov_b32_dpp v0, v1 row_newbcast:3 row_mask:0x5 "
                    "bank_mask:0xc"))
      << k.error;
  for (unsigned l = 0; l < 64; ++l) {
    bool written = 0x5 >> l / 16 & 1 && 0xc >> l % 16 / 4 & 1;
    EXPECT_EQ(k.vgpr[0][l],
              written ? was.vgpr[1][l - l % 16 + 3] : was.vgpr[0][l]);
  }
}

TEST(Dpp, SignsAndReduction) {
  KernelText k("gfx942");
  for (unsigned i = 0; i < 64; ++i)
    k.vgpr[1][i] = word(float(i) - 20);
  ASSERT_TRUE(k.run("v_max_f32_dpp v1, v1, v1 row_shr:8 row_mask:0xf "
                    "bank_mask:0xf\n"
                    "v_mul_f32_dpp v2, -v1, |v1| quad_perm:[0,0,0,0] "
                    "row_mask:0xf bank_mask:0xf"))
      << k.error;
  for (unsigned i = 0; i < 64; ++i) {
    EXPECT_EQ(real(k.vgpr[1][i]), float(i) - 20);
    float first = float(i - i % 4) - 20, own = float(i) - 20;
    EXPECT_EQ(real(k.vgpr[2][i]), -first * std::fabs(own));
  }
}

} // namespace
