//===- Pipelines.h - The pass pipelines -----------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// The one place that composes passes. flydsl-opt, the plugin and the driver all
// call these functions. Beside each stands the same pipeline as text.

#ifndef FLYATTN_PIPELINES_PIPELINES_H
#define FLYATTN_PIPELINES_PIPELINES_H

#include "flyattn/Pipelines/Compile.h"

#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/CommandLine.h"

namespace mlir {
class OpPassManager;
class DialectRegistry;
} // namespace mlir

namespace flyattn {

/// A technique of dual_wave by its name, or nothing.
struct TechniqueParser : llvm::cl::parser<std::string> {
  using llvm::cl::parser<std::string>::parser;
  /// True, with the known words told, if there is no such one.
  bool parse(llvm::cl::Option &option, llvm::StringRef name,
             llvm::StringRef word, std::string &value);
};

struct PipelineOptions : mlir::PassPipelineOptions<PipelineOptions> {
  Option<std::string> chip{*this, "chip", llvm::cl::desc("gfx942 or gfx950"),
                           llvm::cl::init("gfx950")};
  Option<std::string> schedule{*this, "schedule",
                               llvm::cl::desc("generic or dual_wave"),
                               llvm::cl::init("generic")};
  Option<unsigned> waves{*this, "waves",
                         llvm::cl::desc("waves a workgroup; 0: as many as are "
                                        "supported"),
                         llvm::cl::init(0)};
  Option<unsigned> splits{*this, "splits",
                          llvm::cl::desc("parts of the KV sequence"),
                          llvm::cl::init(1)};
  Option<bool> packGqa{*this, "pack-gqa",
                       llvm::cl::desc("the query heads of a KV head share the "
                                      "rows of a tile"),
                       llvm::cl::init(false)};
  Option<bool> far{*this, "far",
                   llvm::cl::desc("the rows of one head may span more than "
                                  "32-bit offsets reach"),
                   llvm::cl::init(false)};
  Option<bool> bf16Truncate{
      *this, "bf16-truncate",
      llvm::cl::desc("truncate f32 to bf16 where the chip has no conversion"),
      llvm::cl::init(false)};
  Option<bool> countRescales{
      *this, "count-rescales",
      llvm::cl::desc("performance counters of rescaling, see attn-lower-tiles"),
      llvm::cl::init(false)};
  Option<std::string, TechniqueParser> without{
      *this, "without", llvm::cl::desc("leave a technique of dual_wave out"),
      llvm::cl::init("")};
};

/// The choice of a configuration alone, as the first of L1's passes.
void buildSelectConfigPipeline(mlir::OpPassManager &pm,
                               const PipelineOptions &options);

/// L1 to L2. As text, for gfx950:
///   builtin.module(attn-select-config{chip=gfx950 schedule=generic},
///                  attn-expand-score-mods, attn-split-kv, attn-tile,
///                  gpu.module(attn-skip-hidden-tiles,
///                             attn-specialize-masks), canonicalize, cse)
void buildAttnToTilePipeline(mlir::OpPassManager &pm,
                             const PipelineOptions &options);

/// Schedules the KV loop of tile-level kernels:
///   builtin.module(gpu.module(attn-decompose-softmax,
///                             loop-invariant-code-motion,
///                             attn-form-clusters{chip=gfx950}, attn-rotate,
///                             attn-double-buffer,
///                             attn-allocate-slots{chip=gfx950}, canonicalize,
///                             cse))
void buildTileToSchedulePipeline(mlir::OpPassManager &pm,
                                 const PipelineOptions &options);

/// L4: the chip's own instructions, upstream dialects only:
///   builtin.module(gpu.module(attn-lower-tiles{chip=gfx950}, canonicalize,
///                             cse, attn-interleave{chip=gfx950},
///                             attn-lower-schedule,
///                             loop-invariant-code-motion, canonicalize, cse))
void buildScheduleToROCDLPipeline(mlir::OpPassManager &pm,
                                  const PipelineOptions &options);

/// To the LLVM dialect:
///   builtin.module(rocdl-attach-target{chip=gfx950 O=3},
///     gpu.module(convert-scf-to-cf,
///                convert-gpu-to-rocdl{chipset=gfx950 index-bitwidth=32
///                                     runtime=HIP},
///                convert-vector-to-llvm, canonicalize, cse,
///                reconcile-unrealized-casts))
void buildROCDLToLLVMPipeline(mlir::OpPassManager &pm,
                              const PipelineOptions &options);

/// All of the above in one.
void buildAttnToLLVMPipeline(mlir::OpPassManager &pm,
                             const PipelineOptions &options);

/// Registers our passes, and the pipelines as --attn-to-tile,
/// --attn-to-schedule, --attn-to-rocdl and --attn-to-llvm; each starts at
/// attn.forward.
void registerPassesAndPipelines();

/// Adds the attn dialect, its interfaces, and every dialect its pipelines make.
void registerDialects(mlir::DialectRegistry &registry);

} // namespace flyattn

#endif // FLYATTN_PIPELINES_PIPELINES_H
