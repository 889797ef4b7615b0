//===- Device.cpp - Where kernels run -------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/Device.h"

using namespace llvm;

namespace flyattn {

Error checkRange(const DeviceBuffer &buffer, uint64_t offset, uint64_t size) {
  if (offset <= buffer.size && size <= buffer.size - offset)
    return Error::success();
  return createStringError("bytes [%llu, %llu) are not all inside a buffer of "
                           "%llu bytes",
                           (unsigned long long)offset,
                           (unsigned long long)(offset + size),
                           (unsigned long long)buffer.size);
}

Expected<std::unique_ptr<Device>> openDevice(StringRef chip, DeviceKind kind,
                                             const sim::Options &options) {
  if (kind != DeviceKind::Simulated) {
    Expected<std::unique_ptr<Device>> hip = createHipDevice(chip);
    if (hip || kind == DeviceKind::Hip)
      return hip;
    consumeError(hip.takeError());
  }
  return createSimulatedDevice(chip, options);
}

} // namespace flyattn
