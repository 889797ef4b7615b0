//===- Device.h - Where kernels run ---------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One interface over an AMD GPU behind HIP and over the simulator:
//
//   auto device = openDevice("gfx950", DeviceKind::Auto, {});
//   auto q = (*device)->allocate(bytes, "q");
//   (*device)->write(*q, 0, host);
//   auto module = (*device)->loadModule(codeObject);
//   (*device)->launch(**module, "kernel", shape, kernarg);
//   (*device)->read(*q, 0, host);
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_RUNTIME_DEVICE_H
#define FLYATTN_RUNTIME_DEVICE_H

#include "flyattn/Simulator/Simulator.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace flyattn {

/// Device memory. The device owns it and frees it when it is released or the
/// device destroyed.
struct DeviceBuffer {
  uint64_t address = 0; ///< as kernels see it
  uint64_t size = 0;    ///< bytes
};

/// A code object that a device has loaded.
class DeviceModule {
public:
  virtual ~DeviceModule() = default;
};

struct LaunchShape {
  std::array<uint32_t, 3> grid = {1, 1, 1};  ///< workgroups
  std::array<uint32_t, 3> block = {1, 1, 1}; ///< work-items a workgroup
  uint32_t dynamicLds = 0;                   ///< bytes
  /// Runs all workgroups even on a simulator whose options choose some.
  bool whole = false;
};

struct LaunchStats {
  double seconds = 0; ///< wall time of the launch, until it is complete
  /// What the simulator counted; hardware does not say.
  std::optional<sim::LaunchResult> simulated;

  /// Adds those of a launch behind this one. Times and counts add up, shares
  /// are averages over the clocks; loops, instructions and events stay this
  /// one's.
  void add(LaunchStats next);
};

class Device {
public:
  virtual ~Device() = default;

  virtual llvm::StringRef name() const = 0; ///< "simulator", or the GPU's
  virtual llvm::StringRef chip() const = 0; ///< "gfx942" or "gfx950"

  /// Allocates `size` bytes, all 0xFF: a NaN in every float format.
  virtual llvm::Expected<DeviceBuffer> allocate(uint64_t size,
                                                llvm::StringRef name) = 0;
  /// Frees what `allocate` gave.
  virtual llvm::Error release(const DeviceBuffer &buffer) = 0;
  /// Copies host bytes to `buffer` at byte `offset`.
  virtual llvm::Error write(const DeviceBuffer &buffer, uint64_t offset,
                            llvm::ArrayRef<uint8_t> bytes) = 0;
  /// Copies bytes of `buffer` from byte `offset` to the host.
  virtual llvm::Error read(const DeviceBuffer &buffer, uint64_t offset,
                           llvm::MutableArrayRef<uint8_t> bytes) = 0;

  /// Loads a code object. Fails if it is none or is for another chip.
  virtual llvm::Expected<std::unique_ptr<DeviceModule>>
  loadModule(llvm::ArrayRef<uint8_t> codeObject) = 0;

  /// Runs `kernel` of `module` to its end.
  virtual llvm::Expected<LaunchStats>
  launch(DeviceModule &module, llvm::StringRef kernel, const LaunchShape &shape,
         llvm::ArrayRef<uint8_t> kernarg) = 0;
};

/// Fails unless [offset, offset + size) lies in `buffer`.
llvm::Error checkRange(const DeviceBuffer &buffer, uint64_t offset,
                       uint64_t size);

/// The simulator as a device of `chip`. It needs no GPU.
std::unique_ptr<Device> createSimulatedDevice(llvm::StringRef chip,
                                              const sim::Options &options);

/// The first GPU of `chip` that HIP offers. libamdhip64.so is loaded at run
/// time. Fails, saying which, if there is no library or no such GPU.
llvm::Expected<std::unique_ptr<Device>> createHipDevice(llvm::StringRef chip);

enum class DeviceKind { Auto, Simulated, Hip };

/// `Auto` is HIP if `createHipDevice` finds a GPU, else the simulator.
llvm::Expected<std::unique_ptr<Device>>
openDevice(llvm::StringRef chip, DeviceKind kind, const sim::Options &options);

} // namespace flyattn

#endif // FLYATTN_RUNTIME_DEVICE_H
