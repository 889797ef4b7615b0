//===- DeviceTest.cpp - Tests of devices ----------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/Device.h"

#include "llvm/ADT/StringExtras.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace llvm;
using namespace flyattn;

namespace {

TEST(SimulatedDevice, BuffersStartAsNanAndHoldWhatIsWritten) {
  std::unique_ptr<Device> device = createSimulatedDevice("gfx950", {});
  EXPECT_EQ(device->name(), "simulator");
  EXPECT_EQ(device->chip(), "gfx950");
  Expected<DeviceBuffer> buffer = device->allocate(16, "b");
  ASSERT_TRUE(bool(buffer));
  float values[4];
  MutableArrayRef<uint8_t> bytes(reinterpret_cast<uint8_t *>(values), 16);
  ASSERT_FALSE(errorToBool(device->read(*buffer, 0, bytes)));
  for (float value : values)
    EXPECT_TRUE(std::isnan(value));

  const uint8_t four[] = {1, 2, 3, 4};
  ASSERT_FALSE(errorToBool(device->write(*buffer, 8, four)));
  ASSERT_FALSE(errorToBool(device->read(*buffer, 0, bytes)));
  EXPECT_EQ(bytes.slice(8, 4), ArrayRef(four));
  EXPECT_EQ(bytes[7], 0xFF);
  EXPECT_EQ(bytes[12], 0xFF);
}

TEST(SimulatedDevice, RefusesAccessBeyondABuffer) {
  std::unique_ptr<Device> device = createSimulatedDevice("gfx942", {});
  Expected<DeviceBuffer> buffer = device->allocate(16, "b");
  ASSERT_TRUE(bool(buffer));
  uint8_t bytes[8] = {};
  EXPECT_FALSE(errorToBool(device->write(*buffer, 8, bytes)));
  EXPECT_TRUE(errorToBool(device->write(*buffer, 9, bytes)));
  EXPECT_TRUE(errorToBool(device->read(*buffer, UINT64_MAX, bytes)));
}

TEST(SimulatedDevice, RefusesWhatIsNoCodeObject) {
  std::unique_ptr<Device> device = createSimulatedDevice("gfx942", {});
  auto module = device->loadModule(arrayRefFromStringRef("no ELF file"));
  EXPECT_TRUE(errorToBool(module.takeError()));
}

TEST(OpenDevice, AutoTakesTheSimulatorWithoutAGpu) {
  Expected<std::unique_ptr<Device>> hip = createHipDevice("gfx950");
  if (hip)
    GTEST_SKIP() << "this machine has a gfx950";
  EXPECT_FALSE(toString(hip.takeError()).empty());
  auto device = openDevice("gfx950", DeviceKind::Auto, {});
  ASSERT_TRUE(bool(device));
  EXPECT_EQ((*device)->name(), "simulator");
}

} // namespace
