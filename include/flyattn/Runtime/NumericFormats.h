//===- NumericFormats.h - bf16 and f16 as bits ----------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions between f32 and the two 16-bit formats, as plain integer
// arithmetic: the same bits on every host, and loops over them vectorise.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_RUNTIME_NUMERICFORMATS_H
#define FLYATTN_RUNTIME_NUMERICFORMATS_H

#include "flyattn/Pipelines/Compile.h"

#include <bit>
#include <cstdint>

namespace flyattn {

inline float bf16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

/// Nearest-even; a NaN stays a (quiet) NaN of the same sign.
inline uint16_t floatToBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  bool isNaN = (bits & 0x7FFFFFFF) > 0x7F800000;
  return uint16_t(isNaN ? (bits >> 16) | 0x40 : rounded);
}

/// Toward zero: the upper half of the f32.
inline uint16_t floatToBf16Truncated(float value) {
  return uint16_t(std::bit_cast<uint32_t>(value) >> 16);
}

inline float f16ToFloat(uint16_t bits) {
  uint32_t magnitude = uint32_t(bits & 0x7FFF) << 13;
  // The exponent moves from bias 15 to bias 127; denormals come out right
  // because the product is exact.
  float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  uint32_t finite = std::bit_cast<uint32_t>(scaled);
  uint32_t result = magnitude >= 0x0F800000 ? magnitude | 0x7F800000 : finite;
  return std::bit_cast<float>(result | uint32_t(bits & 0x8000) << 16);
}

/// Nearest-even; overflow gives infinity, as IEEE 754 says.
inline uint16_t floatToF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7FFFFFFF;
  uint32_t normal = magnitude - (112u << 23);
  normal = (normal + 0xFFF + ((normal >> 13) & 1)) >> 13;
  // Below 2^-14 adding 0.5 lets the FPU round at the denormals' last place.
  float shifted = std::bit_cast<float>(magnitude) + 0.5f;
  uint32_t denormal = std::bit_cast<uint32_t>(shifted) - 0x3F000000;
  uint32_t result = magnitude < 0x38800000 ? denormal : normal;
  result = magnitude >= 0x477FF000 ? 0x7C00 : result;
  result = magnitude > 0x7F800000 ? 0x7E00 : result;
  return uint16_t(sign | result);
}

/// Bytes of an element.
inline int64_t sizeOf(ElementType type) {
  return type == ElementType::F32 ? 4 : 2;
}

/// The f32 value of one element of a 16-bit tensor.
inline float toFloat(ElementType type, uint16_t bits) {
  return type == ElementType::BF16 ? bf16ToFloat(bits) : f16ToFloat(bits);
}

/// One element of a 16-bit tensor, rounded to nearest-even.
inline uint16_t fromFloat(ElementType type, float value) {
  return type == ElementType::BF16 ? floatToBf16(value) : floatToF16(value);
}

/// Element `index` of a tensor.
inline float loadElement(ElementType type, const void *tensor, int64_t index) {
  if (type == ElementType::F32)
    return static_cast<const float *>(tensor)[index];
  return toFloat(type, static_cast<const uint16_t *>(tensor)[index]);
}

/// Sets element `index` of a tensor, rounded to nearest-even.
inline void storeElement(ElementType type, void *tensor, int64_t index,
                         float value) {
  if (type == ElementType::F32)
    static_cast<float *>(tensor)[index] = value;
  else
    static_cast<uint16_t *>(tensor)[index] = fromFloat(type, value);
}

/// `value` rounded to `type` as a kernel would, as f32 again.
inline float roundTo(ElementType type, Bf16Rounding rounding, float value) {
  if (type == ElementType::F32)
    return value;
  if (type == ElementType::F16)
    return f16ToFloat(floatToF16(value));
  return bf16ToFloat(rounding == Bf16Rounding::Truncate
                         ? floatToBf16Truncated(value)
                         : floatToBf16(value));
}

} // namespace flyattn

#endif // FLYATTN_RUNTIME_NUMERICFORMATS_H
