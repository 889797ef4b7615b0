//===- Memory.h - The simulated global memory -----------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_MEMORY_H
#define FLYATTN_SIMULATOR_MEMORY_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace flyattn::sim {

/// Global memory as a set of named allocations. A simulated address is the
/// host address of the same byte, so an access costs a range check and no
/// translation. An access that no single allocation holds is an error.
class Memory {
public:
  struct Allocation {
    uint64_t address; ///< of the first byte
    uint64_t size;    ///< in bytes
    std::string name; ///< for messages
  };

  /// Makes the caller's bytes visible to kernels; the caller keeps them alive.
  /// Returns their simulated address.
  uint64_t bind(void *data, uint64_t size, llvm::StringRef name);

  /// Allocates `size` bytes, 256-byte aligned, all 0xFF (a NaN in every float
  /// format), owned by this object.
  uint64_t allocate(uint64_t size, llvm::StringRef name);

  /// Takes back what `allocate` gave.
  void free(uint64_t address);

  /// The allocation that holds all of [address, address + size), or null.
  const Allocation *find(uint64_t address, uint64_t size) const;

  const std::vector<Allocation> &allocations() const { return ranges; }

private:
  std::vector<Allocation> ranges; ///< ordered by address

  struct Free {
    void operator()(uint8_t *data) const { std::free(data); }
  };
  std::vector<std::unique_ptr<uint8_t, Free>> owned;
};

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_MEMORY_H
