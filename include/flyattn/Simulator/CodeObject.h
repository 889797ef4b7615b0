//===- CodeObject.h - An AMDGPU ELF code object ---------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_SIMULATOR_CODEOBJECT_H
#define FLYATTN_SIMULATOR_CODEOBJECT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace flyattn::sim {

/// A kernel argument that the runtime adds to the caller's.
struct HiddenArgument {
  uint32_t offset = 0, size = 0; ///< bytes in the kernarg segment
  std::string kind;              ///< "hidden_group_size_x"
};

/// What the descriptor and the metadata say of one kernel.
struct KernelInfo {
  std::string name;
  uint64_t entry = 0;       ///< file offset of the first instruction
  uint64_t codeSize = 0;    ///< bytes of code from `entry`
  uint32_t kernargSize = 0; ///< bytes, hidden arguments included
  uint32_t ldsSize = 0;     ///< static LDS, bytes
  uint32_t scratchSize = 0; ///< private segment, bytes a work-item
  uint32_t vgprs = 0;       ///< allocated a lane, architectural + accumulation
  uint32_t accumOffset = 0; ///< first accumulation VGPR in the unified file
  uint32_t sgprs = 0;       ///< allocated
  uint32_t vgprSpills = 0;  ///< from the metadata, if any
  uint32_t sgprSpills = 0;
  uint32_t maxWorkgroupSize = 0;               ///< work-items; 0 = not said
  uint32_t rsrc1 = 0, rsrc2 = 0, rsrc3 = 0;    ///< compute_pgm_rsrc words
  uint16_t codeProperties = 0;                 ///< kernel_code_properties
  uint32_t kernargPreload = 0;                 ///< kernarg_preload word
  std::vector<HiddenArgument> hiddenArguments; ///< from the metadata
};

/// A gfx942 or gfx950 code object in memory. Owns a copy of the bytes.
class CodeObject {
public:
  /// Fails with a message that says what is wrong: no ELF file, no AMDGPU
  /// machine, another chip, a truncated section, no kernel.
  static llvm::Expected<CodeObject> load(llvm::ArrayRef<uint8_t> bytes);

  llvm::StringRef chip() const { return chipName; } ///< "gfx942" or "gfx950"
  llvm::ArrayRef<KernelInfo> kernels() const { return infos; }
  const KernelInfo *find(llvm::StringRef kernel) const;
  llvm::ArrayRef<uint8_t> bytes() const { return data; }

private:
  std::string chipName;
  std::vector<KernelInfo> infos;
  std::vector<uint8_t> data;
};

} // namespace flyattn::sim

#endif // FLYATTN_SIMULATOR_CODEOBJECT_H
