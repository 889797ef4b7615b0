//===- AiterKernels.h - AITER's attention kernels as code objects ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is known of ROCm/aiter's hsa/<chip>/fmha_v3_fwd/*.co: how the file name
// tells the problem, what the kernel argument segment holds, and how the
// kernels are launched. The binaries are AMD's; they are not part of FlyAttn.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_AITERKERNELS_H
#define FLYATTN_TOOLS_AITERKERNELS_H

#include "flyattn/Simulator/Simulator.h"

#include <filesystem>
#include <string>
#include <vector>

namespace flyattn::aiter {

/// The variant that a file's name and folder tell.
struct Kernel {
  std::filesystem::path path;
  bool gfx950 = false;
  bool fp8 = false; ///< else bf16; the output is bf16 in both cases
  bool causal = false;
  bool group = false; ///< packed sequences of different lengths
  unsigned headDimQk = 128, headDimV = 128;
  enum Rounding { NearestEven, NearestAway, Truncate } rounding = NearestEven;

  bool isHd192() const { return headDimQk == 192; }
  unsigned tileQ() const { return isHd192() ? 128 : 256; }
  unsigned workItems() const { return isHd192() ? 256 : 512; }
  unsigned rowsPerWave() const { return tileQ() * 64 / workItems(); }
};

/// All kernels below `folder`, in a stable order.
std::vector<Kernel> findKernels(const std::filesystem::path &folder);

/// Those below the folder in $FLYATTN_FOREIGN_KERNELS, AITER's `hsa`; none
/// without it.
std::vector<Kernel> findKernels();

/// The code object of `kernel`. It holds one kernel.
llvm::Expected<sim::CodeObject> loadObject(const Kernel &kernel);

/// Sizes and addresses of one call. Tensors are [batch, seq, head, dim], in
/// group mode [sum of seq, head, dim].
struct Call {
  uint64_t o, q, k, v, lse;
  uint64_t cumulativeQ = 0, cumulativeKv = 0; ///< group: int32 prefix sums
  uint64_t descaleQ = 0, descaleK = 0, descaleV = 0; ///< fp8: one f32 each
  uint32_t batch, heads, kvHeads;
  uint32_t seqlenQ, seqlenKv; ///< group: the longest
  uint32_t totalQ;            ///< group: the sum
  float scale;
};

/// Every field has a slot of 16 bytes; strides are in bytes.
void setKernarg(sim::LaunchParams &params, const Kernel &kernel,
                const Call &call);

/// A causal workgroup does a tile from the head and one from the tail, but for
/// gfx942's hd192 kernels in group mode.
void setGrid(sim::LaunchParams &params, const Kernel &kernel, const Call &call);

} // namespace flyattn::aiter

#endif // FLYATTN_TOOLS_AITERKERNELS_H
