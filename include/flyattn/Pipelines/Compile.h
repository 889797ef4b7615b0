//===- Compile.h - From a kernel variant to a code object -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The front end's way into the compiler; it needs no MLIR header.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_PIPELINES_COMPILE_H
#define FLYATTN_PIPELINES_COMPILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flyattn {

enum class ElementType { BF16, F16, F32 };
enum class MaskKind { None, Causal, CausalTopLeft, Window, Chunked };
/// What a bias holds: f32, or the elements' own type.
enum class BiasType { F32, Element };
/// How f32 becomes bf16 where the chip has no instruction for it.
enum class Bf16Rounding { NearestEven, Truncate };
enum class ScheduleKind { Auto, Generic, DualWave };

/// A technique of the dual_wave schedule, which can be left out to see what it
/// gives. The results stay right.
enum class Technique {
  None,
  Stagger,       ///< one group a cluster behind the other
  Priority,      ///< waves in some clusters issue first
  Interleave,    ///< vector instructions placed between matrix instructions
  Anchors,       ///< what a cluster computes stays in it
  Fences,        ///< LLVM keeps the order of the interleaving
  LazyRescale,   ///< the running maximum follows only where it must
  CountedWaits,  ///< waits for the copies that are due, not for all
  SlotPadding,   ///< LDS slots without bank conflicts
  WorkgroupOrder ///< an XCD keeps to its heads; what sees most comes first
};
constexpr Technique kAllTechniques[] = {
    Technique::Stagger,      Technique::Priority,    Technique::Interleave,
    Technique::Anchors,      Technique::Fences,      Technique::LazyRescale,
    Technique::CountedWaits, Technique::SlotPadding, Technique::WorkgroupOrder};
llvm::StringRef nameOf(Technique technique); ///< "stagger", ...
/// The one of kAllTechniques with that name.
std::optional<Technique> techniqueOf(llvm::StringRef name);
std::string techniqueNames(); ///< "stagger, priority, ..."

/// All that is fixed in a kernel's code. Batch, heads, lengths, strides, scale,
/// the bounds of a window, the size of a chunk and the values of what modifies
/// scores are not: they are kernel arguments.
struct KernelVariant {
  ElementType elementType = ElementType::BF16;
  unsigned headDim = 128; ///< of Q and K, a multiple of 8 up to 256
  unsigned headDimV = 0;  ///< of V and O likewise; 0: headDim
  MaskKind mask = MaskKind::None;
  bool lse = false;    ///< also writes the log-sum-exp
  bool packed = false; ///< sequences of any length behind each other
  // What modifies scores, and the sink; see attn.forward.
  bool softcap = false;
  std::optional<BiasType> bias;
  bool alibi = false;
  bool sink = false;
  /// The query heads of a KV head share the rows of a tile.
  bool packGqa = false;
  /// The rows of one head may span more than 32-bit offsets reach.
  bool far = false;
  unsigned waves = 0; ///< waves a workgroup; 0: as many as are supported
  /// Parts of KV. If there are more, a second kernel combines them; one code
  /// object serves every such number.
  unsigned splits = 1;
  Bf16Rounding rounding = Bf16Rounding::NearestEven;
  ScheduleKind schedule = ScheduleKind::Auto;
  Technique without = Technique::None; ///< left out of the schedule
  /// Counts in the PerformanceCounter ones how often the sums are rescaled.
  bool countRescales = false;

  unsigned dimV() const { return headDimV ? headDimV : headDim; }
};

/// A level of the IR, from the operator down to the code object.
enum class Level { Attn, Tile, Schedule, ROCDL, LLVM, Asm, Object };

/// What `select-config` chose.
struct KernelConfig {
  ScheduleKind schedule = ScheduleKind::Generic;
  unsigned waves = 0;         ///< waves a workgroup (64 work-items each)
  unsigned rowsPerWave = 0;   ///< query rows a wave
  unsigned kvTile = 0;        ///< KV rows a tile
  unsigned slots = 0;         ///< LDS slots for each of K and V
  bool lastRowsFirst = false; ///< see rowBlockOf in KernelABI.h

  unsigned rowsPerWorkgroup() const { return waves * rowsPerWave; }
  unsigned workItems() const { return waves * 64; }
};

struct LevelTime {
  Level level;
  double seconds; ///< to reach this level from the one above
};

struct CompiledKernel {
  std::string kernelName;
  std::string combineName; ///< of the kernel that combines splits, if any
  KernelConfig config;
  /// The code object for Level::Object, else the text of the level asked for.
  std::string output;
  std::vector<LevelTime> times;
};

/// Compiles `variant` for `chip` ("gfx942" or "gfx950") down to `level`. The
/// same input gives the same bytes. Fails with the pass pipeline's own
/// diagnostics as the message.
llvm::Expected<CompiledKernel> compileForward(const KernelVariant &variant,
                                              llvm::StringRef chip,
                                              Level level = Level::Object);

/// The same of a program in MLIR text, whose one `attn.forward` on memrefs says
/// what the kernel computes. Of `variant` only waves, splits, packGqa, far,
/// rounding, schedule and without count.
llvm::Expected<CompiledKernel> compileProgram(llvm::StringRef program,
                                              const KernelVariant &variant,
                                              llvm::StringRef chip,
                                              Level level = Level::Object);

} // namespace flyattn

#endif // FLYATTN_PIPELINES_COMPILE_H
