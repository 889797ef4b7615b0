//===- MfmaDecode.cpp - What the mnemonic of a matrix instruction says ----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   v_mfma_f32_32x32x4_2b_bf16    D f32, 32 x 32, k = 4, 2 blocks, A and B bf16
//   v_smfmac_f32_16x16x64_fp8_bf8 sparse A fp8, B bf8
//
//===----------------------------------------------------------------------===//

#include "MfmaGeneral.h"
#include "SmallFloat.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

double fromF32(uint64_t code) {
  return double(__builtin_bit_cast(float, uint32_t(code)));
}
/// The low 13 bits of the significand do not take part.
double fromXf32(uint64_t code) { return fromF32(code & ~uint64_t(0x1fff)); }
double fromF64(uint64_t code) { return __builtin_bit_cast(double, code); }
double fromBf16(uint64_t code) { return fromF32(code << 16); }
double fromF16(uint64_t code) {
  return double(__builtin_bit_cast(_Float16, uint16_t(code)));
}
double fromI8(uint64_t code) { return double(int8_t(code)); }
template <const SmallFormat &format> double fromSmall(uint64_t code) {
  return double(smallToFloat(format, uint32_t(code)));
}
template <const SmallFormat &format>
constexpr MatrixType small(const char *name) {
  return {name, 1 + format.exponentBits + format.mantissaBits,
          fromSmall<format>, 1 - format.bias};
}

constexpr MatrixType types[] = {
    {"f32", 32, fromF32, -126},   {"xf32", 32, fromXf32, -126},
    {"f64", 64, fromF64, -1022},  {"f16", 16, fromF16, -14},
    {"bf16", 16, fromBf16, -126}, {"i8", 8, fromI8, 0},
};
constexpr MatrixType fnuzTypes[] = {small<fp8Fnuz>("fp8"),
                                    small<bf8Fnuz>("bf8")};
/// In the order of the fields CBSZ and BLGP of f8f6f4.
constexpr MatrixType ocpTypes[] = {small<fp8Ocp>("fp8"), small<bf8Ocp>("bf8"),
                                   small<fp6>("fp6"), small<bf6>("bf6"),
                                   small<fp4>("fp4")};

const MatrixType *typeOf(StringRef name, bool gfx950) {
  ArrayRef<MatrixType> small = fnuzTypes;
  if (gfx950)
    small = ocpTypes;
  for (ArrayRef<MatrixType> table : {ArrayRef<MatrixType>(types), small})
    for (const MatrixType &type : table)
      if (type.name == name)
        return &type;
  return nullptr;
}

/// f8f6f4: the types stand in CBSZ and BLGP.
bool readFormats(InstBuilder &b, const AsmText &text, MatrixDesc &d) {
  int64_t a = text.number("cbsz"), format = text.number("blgp");
  if (a > 4 || format > 4)
    return b.refuse("cbsz or blgp");
  d.a = &ocpTypes[a];
  d.b = &ocpTypes[format];
  return true;
}

/// op_sel and op_sel_hi: the byte of a scale register.
void readScaleBytes(const AsmText &text, MatrixDesc &d) {
  auto low = text.list("op_sel"), high = text.list("op_sel_hi");
  for (unsigned n = 0; n < 2; ++n) {
    d.scaleByte[n] = low && n < low->size() ? uint8_t((*low)[n]) : 0;
    d.scaleByte[n] |= high && n < high->size() ? uint8_t((*high)[n] << 1) : 0;
  }
}

bool readModifiers(InstBuilder &b, const AsmText &text, MatrixDesc &d) {
  for (const auto &[name, value] : text.modifiers)
    if (name != "cbsz" && name != "abid" && name != "blgp" && name != "neg")
      return b.refuse("modifier of a matrix instruction");
  d.cbsz = uint8_t(text.number("cbsz"));
  d.abid = uint8_t(text.number("abid"));
  d.blgp = uint8_t(text.number("blgp"));
  if (auto neg = text.list("neg"))
    for (unsigned n = 0; n < neg->size() && n < 3; ++n)
      d.blgp |= uint8_t((*neg)[n] << n);
  if (d.sparse)
    return true;
  if (d.cbsz && (d.shape.blocks >> d.cbsz == 0 || d.abid >> d.cbsz))
    return b.refuse("cbsz or abid beyond the blocks");
  // The ISA documents give BLGP to f32, f64 and the shapes of several blocks.
  if (d.blgp && d.shape.blocks == 1 && d.a->bits < 32)
    return b.refuse("blgp of this matrix instruction");
  return true;
}

/// The groups of MMA-Sim's table for CDNA3: 4 of xf32, 8 of 16 bits, 16 of 8
/// bits; f32 has none.
Cdna3Rule ruleOf(const MatrixDesc &d, StringRef typeName) {
  Cdna3Rule rule = {0, d.a->bits == 8, d.a->lowestExponent,
                    d.b->lowestExponent};
  unsigned group = typeName == "xf32" ? 4 : d.a->bits == 16 ? 8 : 16;
  if (typeName != "f32")
    rule.group = std::min(group, d.shape.k);
  return rule;
}

} // namespace

bool flyattn::sim::describeMatrix(InstBuilder &b, const AsmText &text,
                                  MatrixDesc &d) {
  StringRef rest = text.base;
  d.sparse = rest.consume_front("v_smfmac_");
  if (!d.sparse)
    rest.consume_front("v_mfma_");
  d.scaled = rest.consume_front("scale_");
  SmallVector<StringRef, 5> parts;
  rest.split(parts, '_');
  d.result = parts[0] == "f64"   ? MatrixResult::F64
             : parts[0] == "i32" ? MatrixResult::I32
                                 : MatrixResult::F32;
  SmallVector<StringRef, 3> sizes;
  parts[1].split(sizes, 'x');
  d.shape.blocks = 1;
  unsigned next = 2;
  if (isDigit(parts[2].front()))
    parts[next++].drop_back().getAsInteger(10, d.shape.blocks);
  if (sizes.size() != 3 || sizes[0].getAsInteger(10, d.shape.dim) ||
      sizes[2].getAsInteger(10, d.shape.k))
    return b.refuse("shape");
  if (parts[next] == "f8f6f4") {
    readScaleBytes(text, d);
    if (!readFormats(b, text, d))
      return false;
  } else {
    d.a = typeOf(parts[next], b.isGfx950());
    d.b = next + 1 < parts.size() ? typeOf(parts[next + 1], b.isGfx950()) : d.a;
    if (!d.a || !d.b || !readModifiers(b, text, d))
      return b.refuse("types");
  }
  d.rule = ruleOf(d, parts[next]);
  return true;
}

/// All but those of Mfma.cpp.
static constexpr const char *mnemonics[] = {
    "v_mfma_f32_32x32x1_2b_f32",
    "v_mfma_f32_16x16x1_4b_f32",
    "v_mfma_f32_4x4x1_16b_f32",
    "v_mfma_f32_32x32x4_2b_f16",
    "v_mfma_f32_16x16x4_4b_f16",
    "v_mfma_f32_4x4x4_16b_f16",
    "v_mfma_f32_32x32x4_2b_bf16",
    "v_mfma_f32_16x16x4_4b_bf16",
    "v_mfma_f32_4x4x4_16b_bf16",
    "v_mfma_i32_32x32x4_2b_i8",
    "v_mfma_i32_16x16x4_4b_i8",
    "v_mfma_i32_4x4x4_16b_i8",
    "v_mfma_f64_16x16x4_f64",
    "v_mfma_f64_4x4x4_4b_f64",
    "v_mfma_f32_32x32x4_xf32",
    "v_mfma_f32_16x16x8_xf32",
    "v_mfma_scale_f32_32x32x64_f8f6f4",
    "v_mfma_scale_f32_16x16x128_f8f6f4",
    // gfx942 and gfx950.
    "v_smfmac_f32_16x16x32_f16",
    "v_smfmac_f32_32x32x16_f16",
    "v_smfmac_f32_16x16x32_bf16",
    "v_smfmac_f32_32x32x16_bf16",
    "v_smfmac_i32_16x16x64_i8",
    "v_smfmac_i32_32x32x32_i8",
    "v_smfmac_f32_16x16x64_bf8_bf8",
    "v_smfmac_f32_16x16x64_bf8_fp8",
    "v_smfmac_f32_16x16x64_fp8_bf8",
    "v_smfmac_f32_16x16x64_fp8_fp8",
    "v_smfmac_f32_32x32x32_bf8_bf8",
    "v_smfmac_f32_32x32x32_bf8_fp8",
    "v_smfmac_f32_32x32x32_fp8_bf8",
    "v_smfmac_f32_32x32x32_fp8_fp8",
    // gfx950.
    "v_smfmac_f32_16x16x64_f16",
    "v_smfmac_f32_32x32x32_f16",
    "v_smfmac_f32_16x16x64_bf16",
    "v_smfmac_f32_32x32x32_bf16",
    "v_smfmac_i32_16x16x128_i8",
    "v_smfmac_i32_32x32x64_i8",
    "v_smfmac_f32_16x16x128_bf8_bf8",
    "v_smfmac_f32_16x16x128_bf8_fp8",
    "v_smfmac_f32_16x16x128_fp8_bf8",
    "v_smfmac_f32_16x16x128_fp8_fp8",
    "v_smfmac_f32_32x32x64_bf8_bf8",
    "v_smfmac_f32_32x32x64_bf8_fp8",
    "v_smfmac_f32_32x32x64_fp8_bf8",
    "v_smfmac_f32_32x32x64_fp8_fp8",
};

void flyattn::sim::registerGeneralMfmaOps(OpTable &table) {
  for (const char *name : mnemonics)
    table[name] = {buildMatrix, nullptr};
}
