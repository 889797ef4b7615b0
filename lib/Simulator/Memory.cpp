//===- Memory.cpp - The simulated global memory ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/Memory.h"

#include <algorithm>
#include <cstring>

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
  constexpr uint64_t alignment = 256;
  owned.push_back(std::make_unique<uint8_t[]>(size + alignment));
  auto base = reinterpret_cast<uint64_t>(owned.back().get());
  uint64_t aligned = (base + alignment - 1) / alignment * alignment;
  auto *data = reinterpret_cast<uint8_t *>(aligned);
  std::memset(data, 0xFF, size);
  return bind(data, size, name);
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
