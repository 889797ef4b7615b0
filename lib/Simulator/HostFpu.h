//===- HostFpu.h - Rounding and denormal control of the host's FPU --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A kernel's MODE register becomes the host's control word while its waves
// run, so that vector code needs no extra instructions to obey it.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_HOSTFPU_H
#define FLYATTN_LIB_SIMULATOR_HOSTFPU_H

#include <cstdint>

#if !defined(__x86_64__)
#error "the simulator sets the rounding mode of x86-64 hosts only"
#endif

namespace flyattn::sim {

using FpuControl = uint32_t; ///< MXCSR

/// All exceptions masked, round to nearest even, denormals kept.
constexpr FpuControl defaultFpu = 0x1f80;

// The memory clobber keeps loads and stores, and so the arithmetic between
// them, on their side of the change.
inline void setFpu(FpuControl control) {
  asm volatile("ldmxcsr %0" : : "m"(control) : "memory");
}

/// Rounding: 0 nearest even, 1 up, 2 down, 3 to zero. Denormals: bit 0 allows
/// them as sources, bit 1 as results (the encodings of MODE).
constexpr FpuControl makeFpu(unsigned rounding, unsigned denormals) {
  constexpr unsigned x86Rounding[4] = {0, 2, 1, 3};
  return defaultFpu | x86Rounding[rounding & 3] << 13 |
         (denormals & 1 ? 0 : 0x40) | (denormals & 2 ? 0 : 0x8000);
}

/// Another control word for the length of a scope.
class FpuScope {
public:
  FpuScope(FpuControl wanted, FpuControl current)
      : current(current), changed(wanted != current) {
    if (changed)
      setFpu(wanted);
  }
  ~FpuScope() {
    if (changed)
      setFpu(current);
  }
  FpuScope(const FpuScope &) = delete;
  FpuScope &operator=(const FpuScope &) = delete;

private:
  FpuControl current;
  bool changed;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_HOSTFPU_H
