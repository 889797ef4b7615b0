//===- KernelCache.h - Kernels compiled once a process --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_RUNTIME_KERNELCACHE_H
#define FLYATTN_RUNTIME_KERNELCACHE_H

#include "flyattn/Pipelines/Compile.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace flyattn {

/// Code objects by variant and chip. Safe to use from any thread; two threads
/// that ask for the same kernel compile it once.
class KernelCache {
public:
  /// The kernel of `variant` for `chip`, compiled if it is not yet there.
  /// A failure is not kept.
  llvm::Expected<std::shared_ptr<const CompiledKernel>>
  get(const KernelVariant &variant, llvm::StringRef chip);

  /// The configuration that this kernel has, without its compilation.
  llvm::Expected<KernelConfig> config(const KernelVariant &variant,
                                      llvm::StringRef chip);

  /// How many kernels were compiled so far.
  uint64_t compilations();

  /// The cache that `plan` uses.
  static KernelCache &global();

private:
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const CompiledKernel>> kernels;
  std::map<std::string, KernelConfig> configs;
  uint64_t compiled = 0;
};

/// "gfx950 bf16 d128 causal lse generic nearest-even": all of `variant`.
std::string describe(const KernelVariant &variant, llvm::StringRef chip);

llvm::StringRef nameOf(ElementType type);      ///< "bf16", "f16"
llvm::StringRef nameOf(MaskKind mask);         ///< "none", "causal", ...
llvm::StringRef nameOf(Bf16Rounding rounding); ///< "nearest-even", ...
llvm::StringRef nameOf(ScheduleKind schedule); ///< "auto", "generic", ...
llvm::StringRef nameOf(Level level);           ///< "attn", ..., "object"

} // namespace flyattn

#endif // FLYATTN_RUNTIME_KERNELCACHE_H
