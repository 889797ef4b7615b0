//===- HostThreads.h - The same work on several host threads --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_HOSTTHREADS_H
#define FLYATTN_LIB_SIMULATOR_HOSTTHREADS_H

#include <thread>
#include <vector>

namespace flyattn::sim {

/// Calls `work` on `threads` threads, this one among them, and waits for all.
template <typename Work> void runOnThreads(size_t threads, Work work) {
  std::vector<std::thread> others;
  for (size_t n = 1; n < threads; ++n)
    others.emplace_back(work);
  work();
  for (std::thread &thread : others)
    thread.join();
}

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_HOSTTHREADS_H
