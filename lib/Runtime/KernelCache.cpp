//===- KernelCache.cpp - Kernels compiled once a process ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Runtime/KernelCache.h"

#include "llvm/ADT/Twine.h"
#include "llvm/Support/ErrorHandling.h"

using namespace llvm;

namespace flyattn {

Expected<std::shared_ptr<const CompiledKernel>>
KernelCache::get(const KernelVariant &variant, StringRef chip) {
  std::lock_guard<std::mutex> lock(mutex);
  auto &entry = kernels[describe(variant, chip)];
  if (!entry) {
    Expected<CompiledKernel> kernel = compileForward(variant, chip);
    if (!kernel)
      return kernel.takeError();
    entry = std::make_shared<const CompiledKernel>(std::move(*kernel));
    ++compiled;
  }
  return entry;
}

Expected<KernelConfig> KernelCache::config(const KernelVariant &variant,
                                           StringRef chip) {
  std::lock_guard<std::mutex> lock(mutex);
  std::string name = describe(variant, chip);
  if (const auto &entry = kernels[name])
    return entry->config;
  auto known = configs.find(name);
  if (known != configs.end())
    return known->second;
  Expected<CompiledKernel> chosen = compileForward(variant, chip, Level::Attn);
  if (!chosen)
    return chosen.takeError();
  return configs[name] = chosen->config;
}

uint64_t KernelCache::compilations() {
  std::lock_guard<std::mutex> lock(mutex);
  return compiled;
}

KernelCache &KernelCache::global() {
  static KernelCache cache;
  return cache;
}

std::string describe(const KernelVariant &variant, StringRef chip) {
  return (chip + " " + nameOf(variant.elementType) + " d" +
          Twine(variant.headDim) +
          (variant.headDimV ? "x" + Twine(variant.headDimV) : Twine()) + " " +
          nameOf(variant.mask) + (variant.softcap ? " softcap" : "") +
          (!variant.bias                    ? ""
           : *variant.bias == BiasType::F32 ? " bias-f32"
                                            : " bias") +
          (variant.alibi ? " alibi" : "") + (variant.sink ? " sink" : "") +
          (variant.packed ? " packed" : "") +
          (variant.packGqa ? " pack-gqa" : "") + (variant.far ? " far" : "") +
          (variant.splits > 1 ? " split" : "") + (variant.lse ? " lse " : " ") +
          nameOf(variant.schedule) +
          (variant.without != Technique::None
               ? " without " + nameOf(variant.without)
               : "") +
          (variant.countRescales ? " counting" : "") +
          (variant.waves ? " x" + std::to_string(variant.waves) : "") + " " +
          nameOf(variant.rounding))
      .str();
}

StringRef nameOf(ElementType type) {
  static constexpr StringLiteral names[] = {"bf16", "f16", "f32"};
  return names[unsigned(type)];
}

StringRef nameOf(MaskKind mask) {
  switch (mask) {
  case MaskKind::None:
    return "none";
  case MaskKind::Causal:
    return "causal";
  case MaskKind::CausalTopLeft:
    return "causal-top-left";
  case MaskKind::Window:
    return "window";
  case MaskKind::Chunked:
    return "chunked";
  }
  llvm_unreachable("unknown mask");
}

StringRef nameOf(Bf16Rounding rounding) {
  return rounding == Bf16Rounding::NearestEven ? "nearest-even" : "truncate";
}

StringRef nameOf(ScheduleKind schedule) {
  switch (schedule) {
  case ScheduleKind::Auto:
    return "auto";
  case ScheduleKind::Generic:
    return "generic";
  case ScheduleKind::DualWave:
    return "dual_wave";
  }
  llvm_unreachable("unknown schedule");
}

StringRef nameOf(Level level) {
  switch (level) {
  case Level::Attn:
    return "attn";
  case Level::Tile:
    return "tile";
  case Level::Schedule:
    return "schedule";
  case Level::ROCDL:
    return "rocdl";
  case Level::LLVM:
    return "llvm";
  case Level::Asm:
    return "asm";
  case Level::Object:
    return "object";
  }
  llvm_unreachable("unknown level");
}

} // namespace flyattn
