//===- AiterKernels.cpp - AITER's attention kernels as code objects -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AiterKernels.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>
#include <cstdlib>

namespace flyattn::aiter {

std::vector<Kernel> findKernels(const std::filesystem::path &folder) {
  std::vector<Kernel> kernels;
  std::error_code error;
  for (const auto &entry :
       std::filesystem::recursive_directory_iterator(folder, error)) {
    std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".co" || name.rfind("fwd_hd", 0) != 0)
      continue;
    auto has = [&](const char *part) {
      return name.find(part) != std::string::npos;
    };
    Kernel kernel;
    kernel.path = entry.path();
    kernel.gfx950 = entry.path().string().find("gfx950") != std::string::npos;
    kernel.fp8 = has("_fp8");
    kernel.causal = has("_causal");
    kernel.group = has("_group");
    if (has("hd192"))
      kernel.headDimQk = 192;
    if (has("hd256"))
      kernel.headDimQk = kernel.headDimV = 256;
    if (has("_rtna"))
      kernel.rounding = Kernel::NearestAway;
    if (has("_rtz"))
      kernel.rounding = Kernel::Truncate;
    kernels.push_back(kernel);
  }
  std::sort(kernels.begin(), kernels.end(),
            [](const Kernel &a, const Kernel &b) { return a.path < b.path; });
  return kernels;
}

std::vector<Kernel> findKernels() {
  const char *folder = std::getenv("FLYATTN_FOREIGN_KERNELS");
  return folder && *folder ? findKernels(folder) : std::vector<Kernel>();
}

llvm::Expected<sim::CodeObject> loadObject(const Kernel &kernel) {
  std::string path = kernel.path.string();
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return llvm::createFileError(path, buffer.getError());
  auto object = sim::CodeObject::load(
      llvm::arrayRefFromStringRef((*buffer)->getBuffer()));
  if (!object)
    return llvm::createFileError(path, object.takeError());
  return object;
}

/// 5, but 3 where heads or length do not suit; 0 for gfx942's hd192 kernels.
static uint32_t tuningOption(const Kernel &kernel, const Call &call) {
  if (kernel.isHd192() && !kernel.gfx950)
    return 0;
  bool downgraded =
      kernel.causal && (call.heads % 8 != 0 || call.seqlenQ > 16384);
  return downgraded ? 3 : 5;
}

void setKernarg(sim::LaunchParams &params, const Kernel &kernel,
                const Call &call) {
  uint32_t in = kernel.fp8 ? 1 : 2, out = 2;
  auto stride = [](uint64_t elements, uint32_t size) {
    return uint32_t(elements * size);
  };
  uint32_t dq = kernel.headDimQk, dv = kernel.headDimV;
  uint32_t seqQ = stride(call.heads * dq, in);
  uint32_t seqK = stride(call.kvHeads * dq, in);
  uint32_t seqV = stride(call.kvHeads * dv, in);
  uint32_t seqO = stride(call.heads * dv, out);
  auto batchStride = [&](uint32_t seq, uint32_t length) {
    return kernel.group ? 0 : seq * length;
  };
  params.kernarg.assign(kernel.fp8 ? 656 : 512, 0);
  params.setKernarg(0x00, call.o);
  params.setKernarg(0x10, call.q);
  params.setKernarg(0x20, call.k);
  params.setKernarg(0x30, call.v);
  params.setKernarg(0x40, call.lse);
  params.setKernarg(0x50, call.scale);
  const std::pair<size_t, uint32_t> words[] = {
      {0x60, call.seqlenQ},
      {0x70, seqQ},
      {0x80, kernel.tileQ() * seqQ},
      {0x90, dq * in},
      {0xA0, batchStride(seqQ, call.seqlenQ)},
      {0xB0, call.heads / call.kvHeads},
      {0xC0, seqK},
      {0xD0, dq * in},
      {0xE0, batchStride(seqK, call.seqlenKv)},
      {0xF0, tuningOption(kernel, call)},
      {0x100, 1}, // write LSE
      {0x110, call.seqlenKv},
      {0x120, dq},
      {0x130, dv},
      {0x140, call.heads},
      {0x150, seqV},
      {0x160, dv * in},
      {0x170, batchStride(seqV, call.seqlenKv)},
      {0x180, seqO},
      {0x190, dv * out},
      {0x1A0, batchStride(seqO, call.seqlenQ)},
      {0x1D0, 4 * (kernel.group ? call.totalQ : call.seqlenQ)},
  };
  for (auto [offset, value] : words)
    params.setKernarg(offset, value);
  if (kernel.group) {
    params.setKernarg(0x1B0, call.cumulativeQ);
    params.setKernarg(0x1C0, call.cumulativeKv);
    params.setKernarg(0x1E0, call.cumulativeQ);
    params.setKernarg(0x1F0, call.cumulativeKv);
  }
  if (kernel.fp8) {
    params.setKernarg(0x200, call.descaleQ);
    params.setKernarg(0x210, call.descaleK);
    params.setKernarg(0x220, call.descaleV);
  }
}

void setGrid(sim::LaunchParams &params, const Kernel &kernel,
             const Call &call) {
  uint32_t tiles = (call.seqlenQ + kernel.tileQ() - 1) / kernel.tileQ();
  bool oldHd192 = kernel.isHd192() && !kernel.gfx950;
  uint32_t paired = kernel.causal && !oldHd192 ? (tiles + 1) / 2 : tiles;
  if (kernel.group)
    params.grid = {call.heads, call.batch, paired};
  else if (oldHd192)
    params.grid = {call.heads, tiles, call.batch};
  else
    params.grid = {paired, call.heads, call.batch};
  params.block = {kernel.workItems(), 1, 1};
}

} // namespace flyattn::aiter
