//===- MfmaTest.cpp - Matrix instructions against a plain f64 product -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The layouts are written here from the tables of the ISA documents and of
// AMD's matrix instruction calculator, one element at a time.
//
//===----------------------------------------------------------------------===//

#include "InstructionTest.h"

#include "MfmaKernel.h"

#include <random>

using namespace flyattn::test;

namespace {

using W = uint32_t;

enum Type { F32, F16, Bf16, I8, Fp8, Bf8, Fp6, Bf6, Fp4 };

unsigned bitsOf(Type t) {
  return t == F32                ? 32
         : t == F16 || t == Bf16 ? 16
         : t == Fp6 || t == Bf6  ? 6
         : t == Fp4              ? 4
                                 : 8;
}

/// A float of `e` exponent and `m` mantissa bits, without special values.
double minifloat(W code, unsigned e, unsigned m, int bias) {
  W mantissa = code & ((1u << m) - 1), exponent = code >> m & ((1u << e) - 1);
  double x = exponent ? std::ldexp(double((1u << m) + mantissa),
                                   int(exponent) - bias - int(m))
                      : std::ldexp(double(mantissa), 1 - bias - int(m));
  return code >> (e + m) & 1 ? -x : x;
}
double valueOf(Type t, W code, bool fnuz) {
  switch (t) {
  case F32:
    return real(code);
  case F16:
    return minifloat(code, 5, 10, 15);
  case Bf16:
    return real(code << 16);
  case I8:
    return int8_t(code);
  case Fp8:
    return minifloat(code, 4, 3, fnuz ? 8 : 7);
  case Bf8:
    return minifloat(code, 5, 2, fnuz ? 16 : 15);
  case Fp6:
    return minifloat(code, 2, 3, 1);
  case Bf6:
    return minifloat(code, 3, 2, 3);
  case Fp4:
    return minifloat(code, 2, 1, 1);
  }
  return 0;
}

struct MfmaCase {
  const char *name, *chip;
  unsigned dim, k;
  Type a, b;
  const char *modifiers = "";
};

void PrintTo(const MfmaCase &c, std::ostream *out) { *out << c.name; }

/// Where element (i, k) of an operand lies: lane and number in the lane.
struct Place {
  unsigned lane, element;
};
Place placeOf(const MfmaCase &c, Type type, unsigned i, unsigned k) {
  bool scaled = std::string(c.name).find("f8f6f4") != std::string::npos;
  unsigned groups = 64 / c.dim;
  if (scaled && bitsOf(type) == 8) {
    // Two runs of 16: k = 16 groups * run + 16 * group + e.
    unsigned run = k / (16 * groups), rest = k % (16 * groups);
    return {c.dim * (rest / 16) + i, 16 * run + rest % 16};
  }
  unsigned perLane = c.k / groups;
  return {c.dim * (k / perLane) + i, k % perLane};
}
/// Where element (i, j) of the result lies: register and lane.
Place resultPlace(unsigned dim, unsigned i, unsigned j) {
  if (dim == 32)
    return {32 * (i / 4 % 2) + j, 4 * (i / 8) + i % 4};
  return {16 * (i / 4) + j, i % 4};
}

void putBits(KernelText &k, unsigned reg, Place p, unsigned bits, W code) {
  for (unsigned n = 0; n < bits; ++n) {
    unsigned at = p.element * bits + n;
    W &word = k.vgpr[reg + at / 32][p.lane];
    word = (word & ~(1u << at % 32)) | (code >> n & 1) << at % 32;
  }
}

const MfmaCase cases[] = {
    {"v_mfma_f32_32x32x2_f32", "gfx942", 32, 2, F32, F32},
    {"v_mfma_f32_16x16x4_f32", "gfx942", 16, 4, F32, F32},
    {"v_mfma_f32_32x32x8_f16", "gfx942", 32, 8, F16, F16},
    {"v_mfma_f32_16x16x16_f16", "gfx942", 16, 16, F16, F16},
    {"v_mfma_f32_32x32x8_bf16", "gfx942", 32, 8, Bf16, Bf16},
    {"v_mfma_f32_16x16x16_bf16", "gfx942", 16, 16, Bf16, Bf16},
    {"v_mfma_i32_32x32x16_i8", "gfx942", 32, 16, I8, I8},
    {"v_mfma_i32_16x16x32_i8", "gfx942", 16, 32, I8, I8},
    {"v_mfma_f32_32x32x16_fp8_fp8", "gfx942", 32, 16, Fp8, Fp8},
    {"v_mfma_f32_32x32x16_fp8_bf8", "gfx942", 32, 16, Fp8, Bf8},
    {"v_mfma_f32_32x32x16_bf8_fp8", "gfx942", 32, 16, Bf8, Fp8},
    {"v_mfma_f32_32x32x16_bf8_bf8", "gfx942", 32, 16, Bf8, Bf8},
    {"v_mfma_f32_16x16x32_fp8_fp8", "gfx942", 16, 32, Fp8, Fp8},
    {"v_mfma_f32_16x16x32_fp8_bf8", "gfx942", 16, 32, Fp8, Bf8},
    {"v_mfma_f32_16x16x32_bf8_fp8", "gfx942", 16, 32, Bf8, Fp8},
    {"v_mfma_f32_16x16x32_bf8_bf8", "gfx942", 16, 32, Bf8, Bf8},
    {"v_mfma_f32_32x32x16_fp8_bf8", "gfx950", 32, 16, Fp8, Bf8},
    {"v_mfma_f32_16x16x32_bf8_fp8", "gfx950", 16, 32, Bf8, Fp8},
    {"v_mfma_f32_32x32x8_f16", "gfx950", 32, 8, F16, F16},
    {"v_mfma_f32_32x32x16_f16", "gfx950", 32, 16, F16, F16},
    {"v_mfma_f32_16x16x32_f16", "gfx950", 16, 32, F16, F16},
    {"v_mfma_f32_32x32x16_bf16", "gfx950", 32, 16, Bf16, Bf16},
    {"v_mfma_f32_16x16x32_bf16", "gfx950", 16, 32, Bf16, Bf16},
    {"v_mfma_i32_32x32x32_i8", "gfx950", 32, 32, I8, I8},
    {"v_mfma_i32_16x16x64_i8", "gfx950", 16, 64, I8, I8},
    {"v_mfma_f32_32x32x64_f8f6f4", "gfx950", 32, 64, Fp8, Fp8},
    {"v_mfma_f32_32x32x64_f8f6f4", "gfx950", 32, 64, Bf8, Fp6,
     " cbsz:1 blgp:2"},
    {"v_mfma_f32_32x32x64_f8f6f4", "gfx950", 32, 64, Bf6, Fp4,
     " cbsz:3 blgp:4"},
    {"v_mfma_f32_32x32x64_f8f6f4", "gfx950", 32, 64, Fp4, Fp4,
     " cbsz:4 blgp:4"},
    {"v_mfma_f32_16x16x128_f8f6f4", "gfx950", 16, 128, Fp8, Bf8, " blgp:1"},
    {"v_mfma_f32_16x16x128_f8f6f4", "gfx950", 16, 128, Fp6, Bf6,
     " cbsz:2 blgp:3"},
};

/// A random code of a finite value of moderate size.
W randomCode(Type t, std::mt19937 &random) {
  if (t == F32)
    return word(float(int(random() % 4001) - 2000) / 256);
  if (t == F16)
    return (random() & 0x8000) | (0x2c00 + random() % 0x2000);
  if (t == Bf16)
    return (random() & 0x8000) | (0x3e80 + random() % 0x200);
  W code = random() & ((1u << bitsOf(t)) - 1);
  if (t == Fp8 || t == Bf8) // leave out NaN, infinity and the largest
    code = (code & 0x80) | (code & 0x7f) % (t == Fp8 ? 0x78 : 0x60);
  return code == 0x80 && t != I8 ? 0 : code;
}

std::string registers(char file, unsigned first, unsigned count) {
  std::string f = std::to_string(first);
  if (count == 1)
    return file + f;
  return std::string(1, file) + "[" + f + ":" +
         std::to_string(first + count - 1) + "]";
}

enum class CForm { InPlace, Elsewhere, Constant };

void checkMfma(const MfmaCase &c, CForm form, uint32_t rsrc1, uint64_t exec) {
  std::mt19937 random(c.k * 100 + c.dim);
  KernelText k(c.chip);
  k.rsrc1 = rsrc1;
  bool fnuz = std::string(c.chip) == "gfx942", integer = c.a == I8;
  std::vector<double> a(c.dim * c.k), b(c.dim * c.k), acc(c.dim * c.dim);
  for (unsigned i = 0; i < c.dim; ++i)
    for (unsigned n = 0; n < c.k; ++n) {
      W codeA = randomCode(c.a, random), codeB = randomCode(c.b, random);
      a[i * c.k + n] = valueOf(c.a, codeA, fnuz);
      b[i * c.k + n] = valueOf(c.b, codeB, fnuz);
      putBits(k, 0, placeOf(c, c.a, i, n), bitsOf(c.a), codeA);
      putBits(k, 8, placeOf(c, c.b, i, n), bitsOf(c.b), codeB);
    }
  unsigned results = c.dim * c.dim / 64;
  unsigned cReg = form == CForm::Elsewhere ? 32 : 16;
  for (unsigned i = 0; i < c.dim; ++i)
    for (unsigned j = 0; j < c.dim; ++j) {
      int value = int(random() % 200) - 100;
      Place p = resultPlace(c.dim, i, j);
      k.vgpr[cReg + p.element][p.lane] = integer ? W(value) : word(value);
      acc[i * c.dim + j] = form != CForm::Constant ? value : integer ? 7 : 2.0;
    }
  k.exec = exec;
  unsigned regsA = c.k * c.dim * bitsOf(c.a) / 64 / 32;
  unsigned regsB = c.k * c.dim * bitsOf(c.b) / 64 / 32;
  std::string cText = form == CForm::Constant ? (integer ? "7" : "2.0")
                                              : registers('v', cReg, results);
  ASSERT_TRUE(k.run(std::string(c.name) + " " + registers('v', 16, results) +
                    ", " + registers('v', 0, regsA) + ", " +
                    registers('v', 8, regsB) + ", " + cText + c.modifiers))
      << k.error;
  for (unsigned i = 0; i < c.dim; ++i)
    for (unsigned j = 0; j < c.dim; ++j) {
      double want = acc[i * c.dim + j], size = std::fabs(want);
      for (unsigned n = 0; n < c.k; ++n) {
        double product = a[i * c.k + n] * b[j * c.k + n];
        want += product;
        size += std::fabs(product);
      }
      Place p = resultPlace(c.dim, i, j);
      W got = k.vgpr[16 + p.element][p.lane];
      if (integer)
        ASSERT_EQ(int32_t(got), int32_t(want)) << c.name << i << "," << j;
      else
        ASSERT_NEAR(real(got), want, size * c.k * 0x1p-24)
            << c.name << c.modifiers << " " << i << "," << j;
    }
}

class Mfma : public testing::TestWithParam<MfmaCase> {};
TEST_P(Mfma, IsTheProduct) {
  for (CForm form : {CForm::InPlace, CForm::Elsewhere, CForm::Constant})
    checkMfma(GetParam(), form, 0xf0u << 12, ~uint64_t(0));
}
// EXEC and the denormal mode play no part.
TEST_P(Mfma, IgnoresExecAndMode) {
  checkMfma(GetParam(), CForm::InPlace, 0xc3u << 12, 0x1234);
}
INSTANTIATE_TEST_SUITE_P(All, Mfma, testing::ValuesIn(cases),
                         [](const auto &info) {
                           std::string name = std::string(info.param.chip) +
                                              "_" + info.param.name + "_" +
                                              std::to_string(info.index);
                           return name;
                         });

TEST(MfmaOperands, AccumulationRegisters) {
  KernelText k("gfx942");
  for (unsigned r = 0; r < 4; ++r)
    k.vgpr[r] = testLanes(r);
  for (unsigned i = 0; i < 64; ++i)
    for (unsigned r = 0; r < 4; ++r)
      k.vgpr[r][i] = 0x3f803f80; // bf16 ones
  std::string text;
  for (unsigned r = 0; r < 4; ++r)
    text += "v_accvgpr_write_b32 a" + std::to_string(r) + ", v" +
            std::to_string(r) + "\n";
  for (unsigned r = 8; r < 24; ++r)
    text += "v_accvgpr_write_b32 a" + std::to_string(r) + ", 0\n";
  text += "v_mfma_f32_32x32x8_bf16 a[8:23], a[0:1], v[2:3], a[8:23]\n"
          "v_accvgpr_read_b32 v10, a8\nv_accvgpr_read_b32 v11, a23";
  ASSERT_TRUE(k.run(text)) << k.error;
  EXPECT_EQ(real(k.vgpr[10][5]), 8.0f);
  EXPECT_EQ(real(k.vgpr[11][60]), 8.0f);
}

// Denormal inputs and results count, whatever MODE says.
TEST(MfmaOperands, DenormalsAreKept) {
  KernelText k("gfx942");
  k.rsrc1 = 0xc0u << 12;
  k.vgpr[0].fill(0x00000001); // denormal f32
  k.vgpr[1].fill(word(2.0f));
  ASSERT_TRUE(k.run("v_mfma_f32_32x32x2_f32 v[16:31], v0, v1, 0")) << k.error;
  EXPECT_EQ(k.vgpr[16][0], 4u);
}

TEST(MfmaOperands, OverlappingAccumulators) {
  KernelText k("gfx942");
  k.vgpr[0].fill(0);
  k.vgpr[1].fill(0);
  for (unsigned r = 16; r < 36; ++r)
    k.vgpr[r] = testLanes(r);
  for (unsigned r = 16; r < 36; ++r)
    for (unsigned i = 0; i < 64; ++i)
      k.vgpr[r][i] = word(float(r * 64 + i));
  KernelText was = k;
  ASSERT_TRUE(k.run("v_mfma_f32_16x16x4_f32 v[16:19], v0, v1, v[18:21]"))
      << k.error;
  for (unsigned r = 0; r < 4; ++r)
    EXPECT_EQ(k.vgpr[16 + r], was.vgpr[18 + r]) << r;
}

TEST(MfmaOperands, ModifiersAreRefused) {
  KernelText k("gfx942");
  EXPECT_FALSE(
      k.run("v_mfma_f32_32x32x2_f32 v[16:31], v0, v1, v[16:31] cbsz:1"));
  EXPECT_NE(k.error.find("cbsz"), std::string::npos) << k.error;
}

/// What this host can run.
std::vector<const flyattn::sim::MfmaKernels *> hostPaths() {
  using namespace flyattn::sim;
  std::vector<const MfmaKernels *> paths = {&portable::mfmaKernels()};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("f16c"))
    paths.push_back(&avx2::mfmaKernels());
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    paths.push_back(&avx512::mfmaKernels());
  return paths;
}

// Every value of f16 as IEEE 754 defines it.
TEST(MfmaKernels, F16IsExact) {
  using namespace flyattn::sim;
  OperandShape shape{32, 4, 4}; // 4 elements in 2 registers of 64 lanes
  std::vector<uint32_t> regs(2 * 64);
  std::vector<float> out(4 * 64);
  for (const MfmaKernels *path : hostPaths()) {
    for (uint32_t code = 0; code < 0x10000; ++code) {
      // One element; all others are another value, which must not leak.
      regs.assign(regs.size(), 0x3c003c00);
      regs[64 + 37] = code << 16 | 0x3c00;
      path->widen[unsigned(ElementFormat::F16)](regs.data(), shape, out.data());
      int exponent = int(code >> 10 & 31), fraction = int(code & 0x3ff);
      float expected = exponent == 31 ? fraction ? NAN : INFINITY
                       : exponent
                           ? std::ldexp(float(1024 + fraction), exponent - 25)
                           : std::ldexp(float(fraction), -24);
      if (code & 0x8000)
        expected = -expected;
      // Lane 37 is row 5 of k = 4..7, of which this is the last.
      float found = out[7 * 32 + 5];
      ASSERT_TRUE(sameFloat(word(found), word(expected))) << code;
      ASSERT_EQ(out[6 * 32 + 5], 1.0f) << code;
    }
  }
}

// Sums of integers wrap.
TEST(MfmaKernels, IntegersAreExact) {
  using namespace flyattn::sim;
  std::mt19937 random(7);
  for (unsigned dim : {16u, 32u}) {
    unsigned k = 16;
    std::vector<float> a(k * dim), b(k * dim), c(16 * 64), d(16 * 64);
    auto bits = [](float x) { return __builtin_bit_cast(uint32_t, x); };
    for (auto *v : {&a, &b})
      for (float &x : *v)
        x = __builtin_bit_cast(float, int32_t(int8_t(random())));
    for (float &x : c)
      x = __builtin_bit_cast(float, 0x7fffff00u + uint32_t(random() % 512));
    for (const MfmaKernels *path : hostPaths()) {
      Multiply multiply = dim == 32 ? path->integer32 : path->integer16;
      multiply(a.data(), b.data(), k, c.data(), false, d.data());
      for (unsigned i = 0; i < dim; ++i)
        for (unsigned j = 0; j < dim; ++j) {
          RowGroup group = rowGroup(dim, i / 4);
          unsigned at = (group.reg + i % 4) * 64 + group.lane + j;
          uint32_t sum = bits(c[at]);
          for (unsigned n = 0; n < k; ++n)
            sum += bits(a[n * dim + i]) * bits(b[n * dim + j]);
          ASSERT_EQ(bits(d[at]), sum) << dim << " " << i << " " << j;
        }
    }
  }
}

// All paths of the host give the same bits, NaN payloads aside.
TEST(MfmaKernels, HostPathsAgree) {
  using namespace flyattn::sim;
  std::vector<const MfmaKernels *> paths = hostPaths();
  std::mt19937 random(5);
  std::vector<uint32_t> regs(8 * 64);
  for (uint32_t &r : regs)
    r = random();
  for (unsigned dim : {16u, 32u}) {
    for (unsigned format = 0; format < elementFormats; ++format) {
      unsigned perLane = format == 0 ? 1 : format <= 2 ? 8 : 16;
      OperandShape shape{dim, perLane, perLane};
      std::vector<float> first;
      for (const MfmaKernels *path : paths) {
        std::vector<float> out(perLane * 64);
        path->widen[format](regs.data(), shape, out.data());
        if (first.empty())
          first = out;
        for (size_t i = 0; i < out.size(); ++i)
          EXPECT_TRUE(sameFloat(word(out[i]), word(first[i]))) << format;
      }
    }
    std::vector<float> a(32 * dim), b(32 * dim), c(16 * 64);
    for (auto *v : {&a, &b, &c})
      for (float &x : *v)
        x = std::ldexp(float(random() % 2000) - 1000, int(random() % 80) - 40);
    std::vector<float> first;
    for (const MfmaKernels *path : paths) {
      std::vector<float> d(16 * 64);
      Multiply multiply = dim == 32 ? path->multiply32 : path->multiply16;
      multiply(a.data(), b.data(), 32, c.data(), false, d.data());
      if (first.empty())
        first = d;
      EXPECT_EQ(std::memcmp(d.data(), first.data(), d.size() * 4), 0);
      // The definition: one fma after another, k ascending.
      RowGroup group = rowGroup(dim, 2);
      unsigned at = (group.reg + 1) * 64 + group.lane + 5;
      float sum = c[at];
      for (unsigned n = 0; n < 32; ++n)
        sum = std::fma(a[n * dim + 9], b[n * dim + 5], sum);
      EXPECT_EQ(word(d[at]), word(sum));
    }
  }
}

} // namespace
