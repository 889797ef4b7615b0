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
  int64_t headDim;
  unsigned waves, rowsPerWave, kvTile, slots;
};
} // namespace

// generic: four waves of 32 rows leave a wave up to 512 registers. Two slots of
// K and of V take 68 KB at 64 x 128, which only gfx950's LDS holds: gfx942
// halves the tile.
// dual_wave: eight waves, two on each SIMD, have 256 registers each. On gfx942,
// whose tiles pass through registers, a tile of 32 rows leaves room for that,
// and its matrix products, at half of gfx950's rate, take as long as 64 rows
// there.
// One wave: few rows against much KV, the time of which is that of memory.
// Small tiles and, on gfx942, a single slot let several workgroups share a CU's
// LDS and keep enough bytes under way.
static const ConfigRow configs[] = {
    {Schedule::Generic, "gfx950", 64, 4, 32, 64, 2},
    {Schedule::Generic, "gfx950", 128, 4, 32, 64, 2},
    {Schedule::Generic, "gfx942", 64, 4, 32, 64, 2},
    {Schedule::Generic, "gfx942", 128, 4, 32, 32, 2},
    {Schedule::Generic, "gfx950", 64, 1, 32, 64, 2},
    {Schedule::Generic, "gfx950", 128, 1, 32, 32, 2},
    {Schedule::Generic, "gfx942", 64, 1, 32, 64, 1},
    {Schedule::Generic, "gfx942", 128, 1, 32, 32, 1},
    {Schedule::DualWave, "gfx950", 64, 8, 32, 64, 2},
    {Schedule::DualWave, "gfx950", 128, 8, 32, 64, 2},
    {Schedule::DualWave, "gfx942", 64, 8, 32, 64, 2},
    {Schedule::DualWave, "gfx942", 128, 8, 32, 32, 2},
};

/// The first with `waves`, or with 0 the first.
static const ConfigRow *findConfig(Schedule schedule, StringRef chip,
                                   int64_t headDim, unsigned waves) {
  for (const ConfigRow &row : configs)
    if (row.schedule == schedule && row.chip == chip &&
        row.headDim == headDim && (!waves || row.waves == waves))
      return &row;
  return nullptr;
}

static InFlightDiagnostic emitUnsupported(ForwardOp op, Schedule schedule,
                                          StringRef chip, unsigned waves) {
  InFlightDiagnostic diag = op.emitOpError()
                            << "no " << stringifySchedule(schedule)
                            << " kernel for head_dim " << op.getHeadDim();
  if (waves)
    diag << " with " << waves << " waves";
  diag << " on " << chip << "; supported:";
  llvm::SmallSetVector<int64_t, 4> known;
  bool headDimFits = findConfig(schedule, chip, op.getHeadDim(), 0);
  for (const ConfigRow &row : configs)
    if (row.schedule == schedule && row.chip == chip &&
        (!headDimFits || row.headDim == op.getHeadDim()))
      known.insert(headDimFits ? row.waves : row.headDim);
  for (int64_t value : known)
    diag << " " << value;
  if (headDimFits)
    diag << " waves";
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
      if (*kind == Schedule::DualWave && op.modifiesScores()) {
        op.emitOpError() << "modifies scores, which dual_wave does not serve; "
                            "choose the schedule generic";
        return WalkResult::interrupt();
      }
      const ConfigRow *row = findConfig(*kind, chip, op.getHeadDim(), waves);
      if (!row) {
        emitUnsupported(op, *kind, chip, waves);
        return WalkResult::interrupt();
      }
      auto config = ConfigAttr::getChecked(
          [&] { return op.emitOpError(); }, &getContext(), *kind, row->waves,
          row->rowsPerWave, row->kvTile, row->slots, splits.getValue(),
          packGqa.getValue());
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
