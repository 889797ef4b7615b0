//===- NumericFormatsTest.cpp - Tests of bf16 and f16 as bits -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/ADT/APFloat.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace flyattn;

namespace {

uint16_t byApFloat(const fltSemantics &semantics, float value,
                   RoundingMode mode) {
  APFloat number(value);
  bool losesInfo;
  number.convert(semantics, mode, &losesInfo);
  return uint16_t(number.bitcastToAPInt().getZExtValue());
}

/// Values of every exponent, with mantissas on and around ties.
template <typename Fn> void forEachFloat(Fn fn) {
  for (uint32_t high = 0; high < 0x10000; ++high)
    for (uint32_t low : {0u, 1u, 0x1000u, 0x1FFFu, 0x7FFFu, 0x8000u, 0x8001u,
                         0xF000u, 0xFFFFu}) {
      float value = std::bit_cast<float>(high << 16 | low);
      if (!std::isnan(value))
        fn(value);
    }
}

TEST(NumericFormats, RoundingAgreesWithApFloat) {
  uint64_t wrong = 0;
  forEachFloat([&](float value) {
    constexpr auto nearest = RoundingMode::NearestTiesToEven;
    wrong += floatToBf16(value) != byApFloat(APFloat::BFloat(), value, nearest);
    wrong +=
        floatToF16(value) != byApFloat(APFloat::IEEEhalf(), value, nearest);
    wrong += floatToBf16Truncated(value) !=
             byApFloat(APFloat::BFloat(), value, RoundingMode::TowardZero);
  });
  EXPECT_EQ(wrong, 0u);
}

TEST(NumericFormats, WideningAgreesWithApFloat) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    APFloat half(APFloat::IEEEhalf(), APInt(16, bits));
    bool losesInfo;
    half.convert(APFloat::IEEEsingle(), RoundingMode::NearestTiesToEven,
                 &losesInfo);
    float ours = f16ToFloat(uint16_t(bits));
    if (half.isNaN())
      EXPECT_TRUE(std::isnan(ours)) << bits;
    else
      EXPECT_EQ(std::bit_cast<uint32_t>(ours),
                std::bit_cast<uint32_t>(half.convertToFloat()))
          << bits;
  }
}

TEST(NumericFormats, NanStaysNan) {
  for (uint32_t bits : {0x7F800001u, 0x7FFFFFFFu, 0xFF800001u, 0x7FC00000u}) {
    float nan = std::bit_cast<float>(bits);
    EXPECT_TRUE(std::isnan(bf16ToFloat(floatToBf16(nan)))) << bits;
    EXPECT_TRUE(std::isnan(f16ToFloat(floatToF16(nan)))) << bits;
  }
}

} // namespace
