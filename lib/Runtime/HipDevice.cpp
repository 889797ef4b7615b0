//===- HipDevice.cpp - An AMD GPU behind HIP ------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// HIP's library is loaded at run time: FlyAttn builds and works without it.
// Only the dozen functions below are used; their signatures are HIP's C ABI.
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/Device.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/DynamicLibrary.h"

#include <chrono>
#include <string>
#include <vector>

using namespace llvm;

namespace flyattn {

namespace {

using HipError = int; // hipError_t; 0 is success
using HipHandle = void *;

struct HipLibrary {
  HipError (*getDeviceCount)(int *);
  HipError (*setDevice)(int);
  HipError (*getDeviceName)(char *, int, int);
  HipError (*getDeviceProperties)(void *, int);
  HipError (*malloc)(void **, size_t);
  HipError (*free)(void *);
  HipError (*memset)(void *, int, size_t);
  HipError (*memcpyHtoD)(void *, const void *, size_t);
  HipError (*memcpyDtoH)(void *, void *, size_t);
  HipError (*moduleLoadData)(HipHandle *, const void *);
  HipError (*moduleUnload)(HipHandle);
  HipError (*moduleGetFunction)(HipHandle *, HipHandle, const char *);
  HipError (*moduleLaunchKernel)(HipHandle, unsigned, unsigned, unsigned,
                                 unsigned, unsigned, unsigned, unsigned,
                                 HipHandle, void **, void **);
  HipError (*deviceSynchronize)();
  const char *(*getErrorString)(HipError);

  Error check(HipError code, const char *what) const {
    if (code == 0)
      return Error::success();
    return createStringError("HIP: %s failed: %s", what, getErrorString(code));
  }
};

template <typename Fn>
Error lookUp(sys::DynamicLibrary &library, const char *name, Fn *&function) {
  function = reinterpret_cast<Fn *>(library.getAddressOfSymbol(name));
  if (function)
    return Error::success();
  return createStringError("libamdhip64.so has no function %s", name);
}

Error lookUpAll(sys::DynamicLibrary &library, HipLibrary &hip) {
  Error error = Error::success();
  auto add = [&](const char *name, auto *&function) {
    error = joinErrors(std::move(error), lookUp(library, name, function));
  };
  add("hipGetDeviceCount", hip.getDeviceCount);
  add("hipSetDevice", hip.setDevice);
  add("hipDeviceGetName", hip.getDeviceName);
  // ROCm 6 renamed it when the struct grew.
  bool renamed = library.getAddressOfSymbol("hipGetDevicePropertiesR0600");
  add(renamed ? "hipGetDevicePropertiesR0600" : "hipGetDeviceProperties",
      hip.getDeviceProperties);
  add("hipMalloc", hip.malloc);
  add("hipFree", hip.free);
  add("hipMemset", hip.memset);
  add("hipMemcpyHtoD", hip.memcpyHtoD);
  add("hipMemcpyDtoH", hip.memcpyDtoH);
  add("hipModuleLoadData", hip.moduleLoadData);
  add("hipModuleUnload", hip.moduleUnload);
  add("hipModuleGetFunction", hip.moduleGetFunction);
  add("hipModuleLaunchKernel", hip.moduleLaunchKernel);
  add("hipDeviceSynchronize", hip.deviceSynchronize);
  add("hipGetErrorString", hip.getErrorString);
  return error;
}

Expected<const HipLibrary *> loadHip() {
  static HipLibrary hip;
  static bool ready = false;
  if (ready)
    return &hip;
  sys::DynamicLibrary library;
  for (const char *name :
       {"libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6"}) {
    library = sys::DynamicLibrary::getPermanentLibrary(name);
    if (library.isValid())
      break;
  }
  if (!library.isValid())
    return createStringError(
        "HIP is not installed: libamdhip64.so cannot be loaded (is ROCm's lib "
        "folder in LD_LIBRARY_PATH?); --device sim needs no GPU");
  if (Error error = lookUpAll(library, hip))
    return std::move(error);
  ready = true;
  return &hip;
}

/// "gfx950" of device `index`. The place of gcnArchName in the properties
/// changes between versions of HIP, so it is found by its form.
std::string chipOf(const HipLibrary &hip, int index) {
  std::vector<char> properties(1 << 16, 0);
  if (hip.getDeviceProperties(properties.data(), index) != 0)
    return "";
  StringRef bytes(properties.data(), properties.size());
  for (size_t at = bytes.find("gfx"); at != StringRef::npos;
       at = bytes.find("gfx", at + 1)) {
    StringRef name = bytes.substr(at).take_while(isAlnum);
    if (name.size() >= 6)
      return name.str();
  }
  return "";
}

class HipModule final : public DeviceModule {
public:
  HipModule(const HipLibrary &hip, HipHandle handle)
      : hip(hip), handle(handle) {}
  ~HipModule() override { hip.moduleUnload(handle); }

  const HipLibrary &hip;
  HipHandle handle;
};

class HipDevice final : public Device {
public:
  HipDevice(const HipLibrary &hip, std::string name, StringRef chip)
      : hip(hip), deviceName(std::move(name)), chipName(chip) {}
  ~HipDevice() override {
    for (void *pointer : owned)
      hip.free(pointer);
  }

  StringRef name() const override { return deviceName; }
  StringRef chip() const override { return chipName; }

  Expected<DeviceBuffer> allocate(uint64_t size, StringRef name) override {
    void *pointer = nullptr;
    if (Error error = hip.check(hip.malloc(&pointer, size), "hipMalloc"))
      return std::move(error);
    owned.push_back(pointer);
    if (Error error = hip.check(hip.memset(pointer, 0xFF, size), "hipMemset"))
      return std::move(error);
    return DeviceBuffer{reinterpret_cast<uint64_t>(pointer), size};
  }

  Error release(const DeviceBuffer &buffer) override {
    void *pointer = pointerTo(buffer, 0);
    erase(owned, pointer);
    return hip.check(hip.free(pointer), "hipFree");
  }

  Error write(const DeviceBuffer &buffer, uint64_t offset,
              ArrayRef<uint8_t> bytes) override {
    if (Error error = checkRange(buffer, offset, bytes.size()))
      return error;
    return hip.check(
        hip.memcpyHtoD(pointerTo(buffer, offset), bytes.data(), bytes.size()),
        "hipMemcpyHtoD");
  }

  Error read(const DeviceBuffer &buffer, uint64_t offset,
             MutableArrayRef<uint8_t> bytes) override {
    if (Error error = checkRange(buffer, offset, bytes.size()))
      return error;
    return hip.check(
        hip.memcpyDtoH(bytes.data(), pointerTo(buffer, offset), bytes.size()),
        "hipMemcpyDtoH");
  }

  Expected<std::unique_ptr<DeviceModule>>
  loadModule(ArrayRef<uint8_t> codeObject) override {
    HipHandle handle = nullptr;
    if (Error error = hip.check(hip.moduleLoadData(&handle, codeObject.data()),
                                "hipModuleLoadData"))
      return std::move(error);
    return std::make_unique<HipModule>(hip, handle);
  }

  Expected<LaunchStats> launch(DeviceModule &module, StringRef kernel,
                               const LaunchShape &shape,
                               ArrayRef<uint8_t> kernarg) override {
    HipHandle function = nullptr;
    if (Error error =
            hip.check(hip.moduleGetFunction(
                          &function, static_cast<HipModule &>(module).handle,
                          kernel.str().c_str()),
                      "hipModuleGetFunction"))
      return std::move(error);
    std::vector<uint8_t> arguments(kernarg.begin(), kernarg.end());
    size_t size = arguments.size();
    // HIP_LAUNCH_PARAM_BUFFER_POINTER, _SIZE and _END of hip_runtime_api.h.
    void *extra[] = {reinterpret_cast<void *>(1), arguments.data(),
                     reinterpret_cast<void *>(2), &size,
                     reinterpret_cast<void *>(3)};
    const auto &[grid, block, lds, whole] = shape;
    auto start = std::chrono::steady_clock::now();
    if (Error error =
            hip.check(hip.moduleLaunchKernel(
                          function, grid[0], grid[1], grid[2], block[0],
                          block[1], block[2], lds, nullptr, nullptr, extra),
                      "hipModuleLaunchKernel"))
      return std::move(error);
    if (Error error = hip.check(hip.deviceSynchronize(), "the kernel"))
      return std::move(error);
    std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    return LaunchStats{seconds.count(), std::nullopt};
  }

private:
  static void *pointerTo(const DeviceBuffer &buffer, uint64_t offset) {
    return reinterpret_cast<void *>(buffer.address + offset);
  }

  const HipLibrary &hip;
  std::string deviceName, chipName;
  std::vector<void *> owned;
};

} // namespace

Expected<std::unique_ptr<Device>> createHipDevice(StringRef chip) {
  Expected<const HipLibrary *> hip = loadHip();
  if (!hip)
    return hip.takeError();
  const HipLibrary &library = **hip;
  int count = 0;
  if (Error error =
          library.check(library.getDeviceCount(&count), "hipGetDeviceCount"))
    return std::move(error);
  std::vector<std::string> found;
  for (int index = 0; index < count; ++index) {
    found.push_back(chipOf(library, index));
    if (found.back() != chip)
      continue;
    if (Error error = library.check(library.setDevice(index), "hipSetDevice"))
      return std::move(error);
    char name[256] = {};
    if (library.getDeviceName(name, sizeof(name), index) != 0)
      name[0] = 0;
    return std::make_unique<HipDevice>(library, name[0] ? name : "GPU", chip);
  }
  return createStringError("HIP offers no %s: it has %s; --device sim needs no "
                           "GPU",
                           chip.str().c_str(),
                           found.empty() ? "no device"
                                         : join(found, ", ").c_str());
}

} // namespace flyattn
