//===- SimulatedDevice.cpp - The simulator as a device --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/Device.h"

#include "llvm/ADT/StringMap.h"

#include <chrono>
#include <cstring>

using namespace llvm;

namespace flyattn {

namespace {

/// A loaded code object; each kernel is decoded when it is first launched.
class SimulatedModule final : public DeviceModule {
public:
  explicit SimulatedModule(sim::CodeObject &&object)
      : object(std::move(object)) {}

  Expected<const sim::Program *> program(StringRef kernel) {
    auto known = programs.find(kernel);
    if (known != programs.end())
      return &known->second;
    Expected<sim::Program> decoded = sim::Program::decode(object, kernel);
    if (!decoded)
      return decoded.takeError();
    return &programs.try_emplace(kernel, std::move(*decoded)).first->second;
  }

private:
  sim::CodeObject object;
  StringMap<sim::Program> programs;
};

/// A simulated address is the host's, so copies are plain memcpy.
class SimulatedDevice final : public Device {
public:
  SimulatedDevice(StringRef chip, const sim::Options &options)
      : chipName(chip), options(options) {}

  StringRef name() const override { return "simulator"; }
  StringRef chip() const override { return chipName; }

  Expected<DeviceBuffer> allocate(uint64_t size, StringRef name) override {
    return DeviceBuffer{memory.allocate(size, name), size};
  }

  Error release(const DeviceBuffer &buffer) override {
    memory.free(buffer.address);
    return Error::success();
  }

  Error write(const DeviceBuffer &buffer, uint64_t offset,
              ArrayRef<uint8_t> bytes) override {
    if (Error error = checkRange(buffer, offset, bytes.size()))
      return error;
    std::memcpy(hostPointer(buffer, offset), bytes.data(), bytes.size());
    return Error::success();
  }

  Error read(const DeviceBuffer &buffer, uint64_t offset,
             MutableArrayRef<uint8_t> bytes) override {
    if (Error error = checkRange(buffer, offset, bytes.size()))
      return error;
    std::memcpy(bytes.data(), hostPointer(buffer, offset), bytes.size());
    return Error::success();
  }

  Expected<std::unique_ptr<DeviceModule>>
  loadModule(ArrayRef<uint8_t> codeObject) override {
    Expected<sim::CodeObject> object = sim::CodeObject::load(codeObject);
    if (!object)
      return object.takeError();
    if (object->chip() != chipName)
      return createStringError("the code object is for %s, the device is a %s",
                               object->chip().str().c_str(), chipName.c_str());
    return std::make_unique<SimulatedModule>(std::move(*object));
  }

  Expected<LaunchStats> launch(DeviceModule &module, StringRef kernel,
                               const LaunchShape &shape,
                               ArrayRef<uint8_t> kernarg) override {
    auto program = static_cast<SimulatedModule &>(module).program(kernel);
    if (!program)
      return program.takeError();
    sim::LaunchParams params;
    params.grid = shape.grid;
    params.block = shape.block;
    params.dynamicLds = shape.dynamicLds;
    params.kernarg.assign(kernarg.begin(), kernarg.end());
    sim::Options chosen = options;
    if (shape.whole)
      chosen.workgroups.clear();
    auto start = std::chrono::steady_clock::now();
    auto result = sim::launch(**program, memory, params, chosen);
    if (!result)
      return result.takeError();
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    return LaunchStats{seconds.count(), *result};
  }

private:
  static uint8_t *hostPointer(const DeviceBuffer &buffer, uint64_t offset) {
    return reinterpret_cast<uint8_t *>(buffer.address + offset);
  }

  std::string chipName;
  sim::Options options;
  sim::Memory memory;
};

} // namespace

std::unique_ptr<Device> createSimulatedDevice(StringRef chip,
                                              const sim::Options &options) {
  return std::make_unique<SimulatedDevice>(chip, options);
}

} // namespace flyattn
