//===- SimulatedHip.cpp - A libamdhip64.so without a GPU ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of HIP that flyattn uses, over the simulator, for one device of
// the chip in SIMULATED_HIP_CHIP. With it in LD_LIBRARY_PATH the whole HIP path
// of the driver runs on any machine.
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/Simulator.h"

#include "llvm/BinaryFormat/ELF.h"

#include <cstdlib>
#include <cstring>
#include <memory>

using namespace llvm;
using namespace flyattn;

namespace {

enum { Success = 0, InvalidValue = 1, NotFound = 500, LaunchFailure = 719 };

sim::Memory &memory() {
  static sim::Memory all;
  return all;
}

struct Function {
  sim::CodeObject *object;
  std::string name;
};

/// Bytes of an ELF file whose section headers come last.
size_t sizeOfElf(const void *image) {
  ELF::Elf64_Ehdr header;
  std::memcpy(&header, image, sizeof(header));
  return header.e_shoff + size_t(header.e_shnum) * header.e_shentsize;
}

} // namespace

extern "C" {

int hipGetDeviceCount(int *count) { return *count = 1, Success; }
int hipSetDevice(int index) { return index == 0 ? Success : InvalidValue; }

int hipDeviceGetName(char *name, int size, int) {
  std::strncpy(name, "Simulated Instinct", size);
  return Success;
}

/// gcnArchName stands somewhere in the struct, with the features after it.
int hipGetDevicePropertiesR0600(void *properties, int) {
  std::string name =
      std::string(std::getenv("SIMULATED_HIP_CHIP")) + ":sramecc+:xnack-";
  std::memcpy(static_cast<char *>(properties) + 1160, name.c_str(),
              name.size() + 1);
  return Success;
}

int hipMalloc(void **pointer, size_t size) {
  *pointer = reinterpret_cast<void *>(memory().allocate(size, "hip"));
  return Success;
}

int hipFree(void *) { return Success; }

int hipMemset(void *pointer, int value, size_t size) {
  return std::memset(pointer, value, size), Success;
}

int hipMemcpyHtoD(void *to, const void *from, size_t size) {
  return std::memcpy(to, from, size), Success;
}

int hipMemcpyDtoH(void *to, void *from, size_t size) {
  return std::memcpy(to, from, size), Success;
}

int hipModuleLoadData(void **module, const void *image) {
  auto *bytes = static_cast<const uint8_t *>(image);
  auto object = sim::CodeObject::load({bytes, sizeOfElf(image)});
  if (!object)
    return consumeError(object.takeError()), InvalidValue;
  *module = new sim::CodeObject(std::move(*object));
  return Success;
}

int hipModuleUnload(void *module) {
  delete static_cast<sim::CodeObject *>(module);
  return Success;
}

int hipModuleGetFunction(void **function, void *module, const char *name) {
  auto *object = static_cast<sim::CodeObject *>(module);
  if (!object->find(name))
    return NotFound;
  static std::vector<std::unique_ptr<Function>> functions;
  functions.push_back(std::make_unique<Function>(Function{object, name}));
  *function = functions.back().get();
  return Success;
}

int hipModuleLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz,
                          unsigned bx, unsigned by, unsigned bz, unsigned lds,
                          void *, void **, void **extra) {
  auto *kernel = static_cast<Function *>(function);
  auto program = sim::Program::decode(*kernel->object, kernel->name);
  if (!program)
    return consumeError(program.takeError()), LaunchFailure;
  sim::LaunchParams params;
  params.grid = {gx, gy, gz};
  params.block = {bx, by, bz};
  params.dynamicLds = lds;
  auto *kernarg = static_cast<uint8_t *>(extra[1]);
  params.kernarg.assign(kernarg, kernarg + *static_cast<size_t *>(extra[3]));
  auto result = sim::launch(*program, memory(), params);
  if (!result)
    return consumeError(result.takeError()), LaunchFailure;
  return Success;
}

int hipDeviceSynchronize() { return Success; }
const char *hipGetErrorString(int) { return "simulated failure"; }
}
