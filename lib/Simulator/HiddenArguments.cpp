//===- HiddenArguments.cpp - What the runtime adds to kernel arguments ----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HiddenArguments.h"

#include "llvm/ADT/StringSwitch.h"

#include <algorithm>

using namespace llvm;
using namespace flyattn::sim;

uint32_t flyattn::sim::ownKernargSize(const KernelInfo &info) {
  uint32_t size = info.kernargSize;
  for (const HiddenArgument &hidden : info.hiddenArguments)
    size = std::min(size, hidden.offset);
  return size;
}

static uint64_t valueOf(StringRef kind, const LaunchParams &params) {
  return StringSwitch<uint64_t>(kind)
      .Case("hidden_block_count_x", params.grid[0])
      .Case("hidden_block_count_y", params.grid[1])
      .Case("hidden_block_count_z", params.grid[2])
      .Case("hidden_group_size_x", params.block[0])
      .Case("hidden_group_size_y", params.block[1])
      .Case("hidden_group_size_z", params.block[2])
      .Case("hidden_grid_dims", params.grid.size())
      .Case("hidden_dynamic_lds_size", params.dynamicLds)
      .Default(0); // offsets and remainders too: the grid is in workgroups
}

void flyattn::sim::addHiddenArguments(const KernelInfo &info,
                                      const LaunchParams &params,
                                      std::vector<uint8_t> &kernarg) {
  size_t given = params.kernarg.size();
  kernarg.resize(std::max<size_t>(kernarg.size(), info.kernargSize));
  for (const HiddenArgument &hidden : info.hiddenArguments) {
    uint64_t value = valueOf(hidden.kind, params);
    if (hidden.offset >= given && hidden.size <= sizeof(value) &&
        hidden.offset + uint64_t(hidden.size) <= kernarg.size())
      std::memcpy(kernarg.data() + hidden.offset, &value, hidden.size);
  }
}
