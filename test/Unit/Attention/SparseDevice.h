//===- SparseDevice.h - A device with more memory than there is -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What kernels do with operands whose rows are far apart.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_ATTENTION_SPARSEDEVICE_H
#define FLYATTN_TEST_UNIT_ATTENTION_SPARSEDEVICE_H

#include "flyattn/Attention/Compare.h"
#include "flyattn/Attention/Plan.h"
#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/Support/ErrorHandling.h"

#include <cstring>
#include <map>

#include <sys/mman.h>

namespace flyattn {

/// The simulator. Memory begins as zeros and takes some of the host's only
/// where it is touched.
class SparseDevice final : public Device {
public:
  explicit SparseDevice(llvm::StringRef chip) : chipName(chip) {}
  ~SparseDevice() override {
    for (auto [address, size] : mappings)
      munmap(reinterpret_cast<void *>(address), size);
  }

  llvm::StringRef name() const override { return "sparse"; }
  llvm::StringRef chip() const override { return chipName; }

  llvm::Expected<DeviceBuffer> allocate(uint64_t size,
                                        llvm::StringRef name) override {
    void *data = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
      llvm::report_fatal_error("no address space for a buffer");
    DeviceBuffer buffer{memory.bind(data, size, name), size};
    mappings[buffer.address] = size;
    return buffer;
  }
  llvm::Error release(const DeviceBuffer &) override {
    return llvm::Error::success(); // with the device
  }
  llvm::Error write(const DeviceBuffer &buffer, uint64_t offset,
                    llvm::ArrayRef<uint8_t> bytes) override {
    std::memcpy(at<uint8_t>(buffer) + offset, bytes.data(), bytes.size());
    return llvm::Error::success();
  }
  llvm::Error read(const DeviceBuffer &buffer, uint64_t offset,
                   llvm::MutableArrayRef<uint8_t> bytes) override {
    std::memcpy(bytes.data(), at<uint8_t>(buffer) + offset, bytes.size());
    return llvm::Error::success();
  }

  llvm::Expected<std::unique_ptr<DeviceModule>>
  loadModule(llvm::ArrayRef<uint8_t> codeObject) override {
    auto object = sim::CodeObject::load(codeObject);
    if (!object)
      return object.takeError();
    return std::make_unique<Module>(std::move(*object));
  }
  llvm::Expected<LaunchStats> launch(DeviceModule &module,
                                     llvm::StringRef kernel,
                                     const LaunchShape &shape,
                                     llvm::ArrayRef<uint8_t> kernarg) override {
    auto program =
        sim::Program::decode(static_cast<Module &>(module).object, kernel);
    if (!program)
      return program.takeError();
    sim::LaunchParams params;
    params.grid = shape.grid;
    params.block = shape.block;
    params.kernarg.assign(kernarg.begin(), kernarg.end());
    auto result = sim::launch(*program, memory, params, {});
    if (!result)
      return result.takeError();
    return LaunchStats{0, *result};
  }

  /// A simulated address is the host's.
  template <typename T> static T *at(const DeviceBuffer &buffer) {
    return reinterpret_cast<T *>(buffer.address);
  }

private:
  struct Module : DeviceModule {
    explicit Module(sim::CodeObject &&object) : object(std::move(object)) {}
    sim::CodeObject object;
  };

  std::string chipName;
  sim::Memory memory;
  std::map<uint64_t, uint64_t> mappings; ///< address to size
};

/// Every row another one than its neighbours.
inline void fillOperand(const Problem &p, Operand operand,
                        const DeviceBuffer &buffer) {
  OperandStrides strides = p.stridesOf(operand);
  for (int64_t b = 0; b < (p.packed() ? 1 : p.batch); ++b)
    for (int64_t h = 0; h < p.headsOf(operand); ++h)
      for (int64_t i = 0; i < p.totalRowsOf(operand); ++i)
        for (int64_t d = 0; d < p.headDimOf(operand); ++d) {
          float value = float((b * 31 + h * 17 + i * 7 + d * 5) % 23 - 11) / 8;
          int64_t at =
              b * strides.batch + h * strides.head + i * strides.seq + d;
          if (p.dtype == ElementType::F32)
            SparseDevice::at<float>(buffer)[at] = value;
          else
            SparseDevice::at<uint16_t>(buffer)[at] = floatToBf16(value);
        }
}

/// Runs `plan` of `p`, bf16 or f32, and compares all rows with the reference.
inline llvm::Expected<Comparison> runSparse(const Problem &p,
                                            const Plan &plan) {
  SparseDevice device(plan.chip);
  auto allocate = [&](uint64_t bytes) {
    return llvm::cantFail(device.allocate(bytes, "operand"));
  };
  ForwardBuffers buffers{
      allocate(plan.operandBytes[0]), allocate(plan.operandBytes[1]),
      allocate(plan.operandBytes[2]), allocate(plan.operandBytes[3]),
      /*lse=*/std::nullopt};
  fillOperand(p, Operand::Q, buffers.q);
  fillOperand(p, Operand::K, buffers.k);
  fillOperand(p, Operand::V, buffers.v);
  if (p.wantLse)
    buffers.lse = allocate(plan.lseBytes);
  auto addEnds = [&](llvm::ArrayRef<int64_t> ends) {
    DeviceBuffer list = allocate(plan.cuSeqlensBytes);
    llvm::copy(ends, SparseDevice::at<int32_t>(list));
    return list;
  };
  if (p.packed()) {
    buffers.cuSeqlensQ = addEnds(p.cuSeqlensQ);
    buffers.cuSeqlensKv = addEnds(p.cuSeqlensKv);
  }
  auto stats = launch(plan, device, buffers);
  if (!stats)
    return stats.takeError();

  auto host = [](const DeviceBuffer &buffer) {
    return SparseDevice::at<void>(buffer);
  };
  RowSample sample = chooseRows(p, 128, 0);
  ReferenceRows reference =
      computeReference(p, {host(buffers.q), host(buffers.k), host(buffers.v)},
                       sample, Bf16Rounding::NearestEven);
  return compare(p, sample, reference,
                 {host(buffers.o),
                  p.wantLse ? SparseDevice::at<float>(*buffers.lse) : nullptr});
}

} // namespace flyattn

#endif // FLYATTN_TEST_UNIT_ATTENTION_SPARSEDEVICE_H
