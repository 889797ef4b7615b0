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

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNSELECTCONFIG
#include "flyattn/Dialect/Attn/Transforms/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {
struct ConfigRow {
  StringRef chip;
  int64_t headDim;
  unsigned waves, rowsPerWave, kvTile, slots;
};
} // namespace

// Four waves of 32 rows leave a wave up to 512 registers. Two slots of K and of
// V take 68 KB at 64 x 128, which only gfx950's LDS holds: gfx942 halves the
// tile.
static const ConfigRow configs[] = {
    {"gfx950", 64, 4, 32, 64, 2},
    {"gfx950", 128, 4, 32, 64, 2},
    {"gfx942", 64, 4, 32, 64, 2},
    {"gfx942", 128, 4, 32, 32, 2},
};

static const ConfigRow *findConfig(StringRef chip, int64_t headDim) {
  for (const ConfigRow &row : configs)
    if (row.chip == chip && row.headDim == headDim)
      return &row;
  return nullptr;
}

static InFlightDiagnostic emitUnsupported(ForwardOp op, StringRef chip) {
  InFlightDiagnostic diag = op.emitOpError()
                            << "no kernel for head_dim " << op.getHeadDim()
                            << " on " << chip << "; supported:";
  for (const ConfigRow &row : configs)
    if (row.chip == chip)
      diag << " " << row.headDim;
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
    WalkResult result = getOperation()->walk([&](ForwardOp op) {
      if (op.getConfig())
        return WalkResult::advance();
      const ConfigRow *row = findConfig(chip, op.getHeadDim());
      if (!row) {
        emitUnsupported(op, chip);
        return WalkResult::interrupt();
      }
      op.setConfigAttr(ConfigAttr::get(&getContext(), Schedule::Generic,
                                       row->waves, row->rowsPerWave,
                                       row->kvTile, row->slots));
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
