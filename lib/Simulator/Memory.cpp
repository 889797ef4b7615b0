//===- Memory.cpp - The simulated global memory ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/Memory.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <sys/mman.h>

using namespace flyattn::sim;

uint64_t Memory::bind(void *data, uint64_t size, llvm::StringRef name) {
  Allocation range{reinterpret_cast<uint64_t>(data), size, name.str()};
  auto before = [](const Allocation &a, const Allocation &b) {
    return a.address < b.address;
  };
  ranges.insert(std::upper_bound(ranges.begin(), ranges.end(), range, before),
                range);
  return range.address;
}

uint64_t Memory::allocate(uint64_t size, llvm::StringRef name) {
  // Kernels stride through large buffers: on pages of 4 KiB each row of a tile
  // would miss the host's TLB.
  constexpr uint64_t hugePage = 2 << 20;
  uint64_t alignment = size >= hugePage ? hugePage : 256;
  uint64_t rounded = llvm::alignTo(std::max<uint64_t>(size, 1), alignment);
  auto *data = static_cast<uint8_t *>(std::aligned_alloc(alignment, rounded));
  if (!data)
    llvm::report_bad_alloc_error("simulated memory");
  owned.emplace_back(data);
#ifdef MADV_HUGEPAGE
  if (alignment == hugePage)
    madvise(data, rounded, MADV_HUGEPAGE);
#endif
  std::memset(data, 0xFF, size);
  return bind(data, size, name);
}

void Memory::free(uint64_t address) {
  llvm::erase_if(ranges, [&](const Allocation &range) {
    return range.address == address;
  });
  llvm::erase_if(owned, [&](const auto &data) {
    return reinterpret_cast<uint64_t>(data.get()) == address;
  });
}

const Memory::Allocation *Memory::find(uint64_t address, uint64_t size) const {
  auto after = [](uint64_t a, const Allocation &range) {
    return a < range.address;
  };
  auto it = std::upper_bound(ranges.begin(), ranges.end(), address, after);
  // Overlapping bindings are allowed: look back until one holds the bytes.
  while (it != ranges.begin()) {
    --it;
    uint64_t inside = address - it->address;
    if (inside <= it->size && size <= it->size - inside)
      return &*it;
  }
  return nullptr;
}
