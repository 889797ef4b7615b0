//===- SelectConfig.cpp - Choose a kernel configuration -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Attaches #attn.config to each attn.forward from one table.

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/Passes.h"
#include "flyattn/Target/ChipInfo.h"

#include "llvm/ADT/SetVector.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNSELECTCONFIG
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
struct ConfigRow {
  Schedule schedule;
  StringRef chip;
  unsigned elementBits;
  int64_t minHeadDim; ///< both of Q and K and of V and O
  int64_t maxHeadDim; ///< of Q and K
  int64_t maxHeadDimV;
  unsigned waves, rowsPerWave, kvTile, slots;
  bool agprs = false;
  bool onlyPlain = false; ///< only where nothing modifies scores
};
} // namespace

// generic: four waves of 32 rows leave a wave up to 512 registers. Two slots of
// K and of V take 68 KB at 64 x 128, which only gfx950's LDS holds: gfx942
// halves the tile.
// dual_wave: eight waves, two on each SIMD, have 256 registers each. On gfx942,
// whose tiles pass through registers, a tile of 32 rows leaves room for that,
// and its matrix products, at half of gfx950's rate, take as long as 64 rows
// there. Such a tile of up to 64 columns would leave work-items without a
// share, so where one of K and V has those, tiles have 64 rows.
// Wider heads leave room for 32 rows of K or V. gfx950 reads 64 rows of K in
// two halves where V has up to 128 columns and scores are not modified, which
// takes registers too.
// One wave: few rows against much KV, the time of which is that of memory.
// Small tiles and, on gfx942, a single slot let several workgroups share a CU's
// LDS and keep enough bytes under way. There, wider heads than 128 are too many
// shares of a tile for one wave.
// Wide heads: Q and O take 3/4 of a register a lane for each element of the
// head dim. From where these and the tiles under way exceed 256 registers, the
// accumulators lie in accumulation registers.
// f32: everything is twice as large and passes through registers, and the loop
// is bound by an MFMA of an eighth of the rate: one size of tiles does.
static const ConfigRow configs[] = {
    {Schedule::Generic, "gfx950", 16, 8, 64, 64, 4, 32, 64, 2},
    {Schedule::Generic, "gfx950", 16, 8, 128, 128, 4, 32, 64, 2},
    {Schedule::Generic, "gfx950", 16, 8, 192, 192, 4, 32, 64, 2},
    {Schedule::Generic, "gfx950", 16, 8, 256, 256, 4, 32, 32, 2},
    {Schedule::Generic, "gfx942", 16, 8, 64, 64, 4, 32, 64, 2},
    {Schedule::Generic, "gfx942", 16, 8, 128, 128, 4, 32, 32, 2},
    {Schedule::Generic, "gfx942", 16, 8, 192, 192, 4, 32, 32, 2},
    {Schedule::Generic, "gfx942", 16, 8, 256, 256, 4, 32, 32, 1, true},
    {Schedule::Generic, "gfx950", 16, 8, 64, 64, 1, 32, 64, 2},
    {Schedule::Generic, "gfx950", 16, 8, 256, 256, 1, 32, 32, 2},
    {Schedule::Generic, "gfx942", 16, 8, 64, 64, 1, 32, 64, 1},
    {Schedule::Generic, "gfx942", 16, 8, 128, 128, 1, 32, 32, 1},
    {Schedule::Generic, "gfx950", 32, 8, 128, 128, 4, 32, 32, 2},
    {Schedule::Generic, "gfx950", 32, 8, 256, 256, 4, 32, 32, 2, true},
    {Schedule::Generic, "gfx942", 32, 8, 64, 64, 4, 32, 32, 2},
    {Schedule::Generic, "gfx942", 32, 8, 128, 128, 4, 32, 32, 1},
    {Schedule::Generic, "gfx942", 32, 8, 256, 256, 4, 32, 32, 1, true},
    {Schedule::Generic, "gfx950", 32, 8, 64, 64, 1, 32, 32, 1},
    {Schedule::Generic, "gfx942", 32, 8, 64, 64, 1, 32, 32, 1},
    {Schedule::DualWave, "gfx950", 16, 8, 64, 64, 8, 32, 64, 2},
    {Schedule::DualWave, "gfx950", 16, 8, 128, 128, 8, 32, 64, 2},
    {Schedule::DualWave, "gfx950", 16, 8, 192, 128, 8, 32, 64, 2, false, true},
    {Schedule::DualWave, "gfx950", 16, 8, 192, 192, 8, 32, 32, 2},
    {Schedule::DualWave, "gfx950", 16, 8, 256, 128, 8, 32, 32, 2},
    {Schedule::DualWave, "gfx942", 16, 8, 64, 64, 8, 32, 64, 2},
    {Schedule::DualWave, "gfx942", 16, 72, 128, 128, 8, 32, 32, 2},
    {Schedule::DualWave, "gfx942", 16, 8, 128, 128, 8, 32, 64, 2},
    {Schedule::DualWave, "gfx942", 16, 8, 192, 128, 8, 32, 32, 2},
};

/// The first with `waves`, or with 0 the first.
static const ConfigRow *findConfig(Schedule schedule, StringRef chip,
                                   ForwardOp op, unsigned waves) {
  unsigned bits = op.getElementType().getIntOrFloatBitWidth();
  int64_t headDim = op.getHeadDim(), headDimV = op.getHeadDimV();
  for (const ConfigRow &row : configs)
    if (row.schedule == schedule && row.chip == chip &&
        row.elementBits == bits &&
        row.minHeadDim <= std::min(headDim, headDimV) &&
        headDim <= row.maxHeadDim && headDimV <= row.maxHeadDimV &&
        !(row.onlyPlain && op.modifiesScores()) &&
        (!waves || row.waves == waves))
      return &row;
  return nullptr;
}

static InFlightDiagnostic emitUnsupported(ForwardOp op, Schedule schedule,
                                          StringRef chip, unsigned waves) {
  InFlightDiagnostic diag = op.emitOpError()
                            << "no " << stringifySchedule(schedule)
                            << " kernel for " << op.getElementType()
                            << " head_dim " << op.getHeadDim();
  if (op.getHeadDimV() != op.getHeadDim())
    diag << " and head_dim_v " << op.getHeadDimV();
  if (waves)
    diag << " with " << waves << " waves";
  diag << " on " << chip << "; supported:";
  bool headDimFits = findConfig(schedule, chip, op, 0);
  unsigned bits = op.getElementType().getIntOrFloatBitWidth();
  llvm::SmallSetVector<int64_t, 4> waveCounts;
  SmallVector<const ConfigRow *> widest; // no other row is as wide in both
  auto isAsWide = [](const ConfigRow *a, const ConfigRow *b) {
    return a->maxHeadDim >= b->maxHeadDim && a->maxHeadDimV >= b->maxHeadDimV;
  };
  for (const ConfigRow &row : configs) {
    if (row.schedule != schedule || row.chip != chip || row.elementBits != bits)
      continue;
    if (findConfig(schedule, chip, op, row.waves) == &row)
      waveCounts.insert(row.waves);
    if (llvm::any_of(widest,
                     [&](auto *other) { return isAsWide(other, &row); }))
      continue;
    llvm::erase_if(widest, [&](auto *other) { return isAsWide(&row, other); });
    widest.push_back(&row);
  }
  if (headDimFits) {
    for (int64_t count : waveCounts)
      diag << " " << count;
    diag << " waves";
    return diag;
  }
  llvm::interleave(
      widest,
      [&](const ConfigRow *row) {
        diag << " up to " << row->maxHeadDim;
        if (row->maxHeadDimV != row->maxHeadDim)
          diag << " and " << row->maxHeadDimV;
      },
      [&] { diag << ","; });
  return diag;
}

namespace {
struct SelectConfig : attn::impl::AttnSelectConfigBase<SelectConfig> {
  using AttnSelectConfigBase::AttnSelectConfigBase;

  void runOnOperation() override {
    if (!flyattn::findChip(chip)) {
      getOperation()->emitError() << "unknown chip '" << chip
                                  << "'; supported: " << flyattn::chipNames();
      return signalPassFailure();
    }
    std::optional<Schedule> kind = symbolizeSchedule(schedule);
    if (!kind) {
      getOperation()->emitError() << "unknown schedule '" << schedule
                                  << "'; supported: generic, dual_wave";
      return signalPassFailure();
    }
    WalkResult result = getOperation()->walk([&](ForwardOp op) {
      if (op.getConfig())
        return WalkResult::advance();
      const ConfigRow *row = findConfig(*kind, chip, op, waves);
      if (!row) {
        emitUnsupported(op, *kind, chip, waves);
        return WalkResult::interrupt();
      }
      auto config = ConfigAttr::getChecked(
          [&] { return op.emitOpError(); }, &getContext(), *kind, row->waves,
          row->rowsPerWave, row->kvTile, row->slots, splits.getValue(),
          packGqa.getValue(), row->agprs, far.getValue());
      if (!config)
        return WalkResult::interrupt();
      op.setConfigAttr(config);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
