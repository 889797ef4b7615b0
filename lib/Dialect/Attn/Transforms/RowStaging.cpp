//===- RowStaging.cpp - Q and O through LDS -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowStaging.h"

#include "Clusters.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <optional>

using namespace mlir;
using namespace mlir::attn;

namespace {
/// Q as the kernel has it, and where a wave's rows are in the workgroup's.
struct Rows {
  LoadOp load;
  FlipSignOp prepare; ///< null if Q is used as it is
  Value row;          ///< of the wave in the workgroup

  Value tile() { return prepare ? prepare.getRes() : load.getTile(); }
};
} // namespace

static Value waveRow(ImplicitLocOpBuilder &b, int64_t rowsPerWave) {
  Value wave = gpu::SubgroupIdOp::create(b, /*upper_bound=*/IntegerAttr());
  wave = arith::IndexCastOp::create(b, b.getI32Type(), wave);
  Value rows = arith::ConstantIntOp::create(b, b.getI32Type(), rowsPerWave);
  return arith::MulIOp::create(b, wave, rows);
}

/// The load of `q`, if it is one of rows.
static std::optional<Rows> findRows(Value q) {
  Rows rows;
  rows.prepare = q.getDefiningOp<FlipSignOp>();
  if (rows.prepare)
    q = rows.prepare.getTile();
  rows.load = q.getDefiningOp<LoadOp>();
  if (!rows.load || !rows.load.getTransposed() || !q.hasOneUse())
    return std::nullopt;
  return rows;
}

static SlotType slotType(const Rows &rows, unsigned waves, int64_t columns) {
  TileType tile = LoadOp(rows.load).getTile().getType();
  return SlotType::get({tile.getColumns() * waves, columns},
                       tile.getElementType(), Arrangement::Rows);
}

/// Do the view's rows go through such a slot in whole panels? Rows of a single
/// narrow one are shorter than a line, and lose more than they gain.
static bool fits(ViewType view, SlotType slot) {
  constexpr int64_t lineColumns = 64;
  return view.getColumns() % slot.getColumns() == 0 &&
         view.getColumns() >= lineColumns &&
         view.getElementType() == slot.getElementType() && !view.isGrouped();
}

/// Lets O go back through `slot`, or through one of its own of the same type,
/// which attn-allocate-slots may put in its place.
static void stageStores(PipelineOp pipeline, const Rows &rows, Value slot,
                        bool ownSlot) {
  auto type = cast<SlotType>(slot.getType());
  pipeline->getParentOfType<gpu::GPUFuncOp>().walk([&](StoreOp store) {
    if (store.getTile().getType().getLayout() != TileLayout::MfmaC ||
        !fits(store.getView().getType(), type))
      return;
    ImplicitLocOpBuilder b(store.getLoc(), store);
    Value place = ownSlot ? AllocSlotOp::create(b, type, "o") : slot;
    store.getSlotMutable().assign(place);
    store.getSlotRowMutable().assign(rows.row);
  });
}

//===----------------------------------------------------------------------===//
// All rows at once
//===----------------------------------------------------------------------===//

/// Q's parts of the recipe, in clusters of their own before the loops; their
/// times are those of the first tile.
static Value writeQ(ImplicitLocOpBuilder &b, Rows &q, Value slot,
                    Value blockRow, const ScheduleRecipe &recipe) {
  auto slotType = cast<SlotType>(slot.getType());
  Value inflight, tile;
  for (const ClusterRecipe &cluster : recipe.clusters)
    for (TilePart part : cluster.parts) {
      if (!isOfQ(part) || (part == TilePart::PrepareQ && !q.prepare))
        continue;
      ClusterOp op = createCluster(b, b.getLoc(), cluster.kind, cluster.at);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(op.getBody().front().getTerminator());
      switch (part) {
      case TilePart::FetchQ: {
        auto type =
            InflightType::get(slotType.getShape(), slotType.getElementType());
        inflight = FetchOp::create(b, type, q.load.getView(), blockRow, slot);
        break;
      }
      case TilePart::LandQ:
        LandOp::create(b, inflight, slot);
        break;
      case TilePart::ReadQ:
        tile = ReadOp::create(b, q.load.getTile().getType(), slot, q.row);
        break;
      default:
        tile = FlipSignOp::create(b, tile, q.prepare.getMask());
        break;
      }
    }
  return tile;
}

static void stageWhole(ImplicitLocOpBuilder &b, PipelineOp pipeline, Rows q,
                       unsigned waves, const ScheduleRecipe &recipe) {
  // Slots hold whole blocks of columns; what Q has not is 0 in them.
  TileType tile = q.load.getTile().getType();
  auto columns = int64_t(llvm::alignTo(tile.getRows(), SlotType::kColumnBlock));
  SlotType type = slotType(q, waves, columns);
  Value slot, blockRow;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(pipeline);
    slot = AllocSlotOp::create(b, type, "q");
    q.row = waveRow(b, tile.getColumns());
    blockRow = arith::SubIOp::create(b, q.load.getRow(), q.row);
  }
  q.tile().replaceAllUsesWith(writeQ(b, q, slot, blockRow, recipe));
  if (q.prepare)
    q.prepare.erase();
  q.load.erase();
  stageStores(pipeline, q, slot, /*ownSlot=*/true);
}

//===----------------------------------------------------------------------===//
// Each wave on its own
//===----------------------------------------------------------------------===//

/// One slot for Q and O: a wave's rows of it are its own from begin to end.
static void stageInPanels(PipelineOp pipeline, Rows q, unsigned waves,
                          int64_t panelColumns) {
  ImplicitLocOpBuilder b(q.load.getLoc(), q.load);
  SlotType type = slotType(q, waves, panelColumns);
  Value slot = AllocSlotOp::create(b, type, "rows");
  q.row = waveRow(b, q.load.getTile().getType().getColumns());
  if (fits(q.load.getView().getType(), type)) {
    q.load.getSlotMutable().assign(slot);
    q.load.getSlotRowMutable().assign(q.row);
  }
  stageStores(pipeline, q, slot, /*ownSlot=*/false);
  if (slot.use_empty())
    slot.getDefiningOp()->erase();
}

void attn::stageRows(ImplicitLocOpBuilder &b, PipelineOp pipeline, Value q,
                     unsigned waves, const ScheduleRecipe &recipe) {
  std::optional<Rows> rows = findRows(q);
  if (!rows)
    return;
  if (recipe.panelColumns)
    stageInPanels(pipeline, *rows, waves, recipe.panelColumns);
  else
    stageWhole(b, pipeline, *rows, waves, recipe);
}
