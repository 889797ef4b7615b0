//===- Interleave.cpp - Place vector instructions among MFMAs -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// While a matrix instruction (MFMA) runs, the vector unit is free for most of
// its clocks. A compute cluster's vector instructions are spread over the gaps
// between its MFMAs, in their own order, by what they cost:
//
//   MFMA | 24 clk of vector instructions | MFMA | 24 clk | ... | MFMA
//
// None comes behind the last MFMA if they fit in the gaps, since that MFMA
// itself hides the border of the cluster.

#include "MatrixOps.h"

#include "flyattn/Conversion/AttnToROCDL/Passes.h"
#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Target/ChipInfo.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNINTERLEAVE
#include "flyattn/Conversion/AttnToROCDL/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

/// v_max3 takes two maxima of a chain.
static bool isHalfOfMax3(Operation &op) {
  return llvm::any_of(op.getOperands(),
                      [](Value operand) {
                        return operand.getDefiningOp<arith::MaxNumFOp>();
                      }) ||
         (op.hasOneUse() && isa<arith::MaxNumFOp>(*op.user_begin()));
}

/// Is the result only a branch's condition?
static bool decidesBranch(Operation &op) {
  return llvm::all_of(op.getUsers(), [](Operation *user) {
    return user->getNumRegions() > 0 ||
           (isa<arith::CmpIOp, LLVM::ExpectOp>(user) && decidesBranch(*user));
  });
}

/// Issue clocks of an op, about: what LLVM will make of it, by the chip's
/// table. Moves between registers are taken to cost nothing.
static unsigned vectorClocks(Operation &op, const flyattn::ChipInfo &chip) {
  if (isa<ROCDL::ROCDLExp2>(op))
    return chip.exp2Clocks;
  // With a copy of what it overwrites, and two wait states.
  if (isa<ROCDL::Permlane32SwapOp>(op))
    return chip.permlaneClocks + 3 * chip.vectorClocks;
  if (isa<arith::MaxNumFOp>(op))
    return isHalfOfMax3(op) ? chip.vectorClocks / 2 : chip.vectorClocks;
  // One comparison. The scalar unit's comparison and selection go through the
  // wave's one slot too; a branch needs neither.
  if (isa<ROCDL::BallotOp>(op))
    return decidesBranch(op) ? chip.vectorClocks : 3 * chip.vectorClocks;
  if (isa<arith::CmpFOp>(op) && op.hasOneUse() &&
      isa<ROCDL::BallotOp>(*op.user_begin()))
    return 0;
  bool plain = isa<LLVM::FMAOp>(op) ||
               (isa<arith::ArithDialect>(op.getDialect()) &&
                !isa<arith::ConstantOp, arith::BitcastOp, arith::NegFOp>(op));
  if (!plain || op.getNumResults() == 0)
    return 0;
  auto vector = dyn_cast<VectorType>(op.getResult(0).getType());
  if (!vector)
    return chip.vectorClocks;
  int64_t count = vector.getNumElements();
  // One instruction for two, or one for each and one that packs them.
  if (isa<arith::TruncFOp>(op))
    count = chip.packedBf16Convert ? (count + 1) / 2 : count + count / 2;
  return count * chip.vectorClocks;
}

namespace {
/// The ops of a stretch of a cluster in which all may be reordered.
class Stretch {
public:
  Stretch(ArrayRef<Operation *> ops, const flyattn::ChipInfo &chip)
      // A last exponential may reach beyond the shadow, by less than itself.
      : shadow(llvm::alignTo(chip.mfmaShadow, chip.exp2Clocks)) {
    for (Operation *op : ops)
      if (isMatrixOp(op))
        matrix.push_back(op);
    // What only matrix instructions need goes with them.
    for (Operation *op : llvm::reverse(ops))
      if (!isMatrixOp(op) && !op->use_empty() && vectorClocks(*op, chip) == 0 &&
          llvm::all_of(op->getUsers(), [&](Operation *user) {
            return isMatrixOp(user) || withMatrix.contains(user);
          }))
        withMatrix.insert(op);
    for (Operation *op : ops)
      if (!isMatrixOp(op) && !withMatrix.contains(op)) {
        vector.push_back({op, vectorClocks(*op, chip)});
        clocks += vector.back().second;
      }
    members.insert(ops.begin(), ops.end());
  }

  /// Moves the ops in their new order before `end`.
  void write(Operation *end) {
    if (matrix.size() < 2)
      return;
    size_t next = 0;
    unsigned done = 0;
    // What fits beside one MFMA, or more if it must.
    unsigned gaps = matrix.size() - 1;
    unsigned window = std::max(shadow, (clocks + gaps - 1) / gaps);
    for (unsigned gap = 0; gap <= gaps; ++gap) {
      place(matrix[gap], end);
      unsigned due = clocks * (gap + 1) / gaps, here = 0;
      auto fits = [&](unsigned cost) {
        return cost == 0 || gap == gaps ||
               (done + cost / 2 < due && (here == 0 || here + cost <= window));
      };
      for (; next < vector.size() && fits(vector[next].second); ++next) {
        done += vector[next].second;
        here += vector[next].second;
        place(vector[next].first, end);
      }
    }
  }

private:
  /// Moves `op` before `end`, behind what it needs.
  void place(Operation *op, Operation *end) {
    if (!members.contains(op) || !placed.insert(op).second)
      return;
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp())
        place(def, end);
    op->moveBefore(end);
  }

  SmallVector<Operation *> matrix;
  SmallVector<std::pair<Operation *, unsigned>> vector;
  llvm::SmallPtrSet<Operation *, 32> withMatrix, members, placed;
  unsigned clocks = 0, shadow;
};
} // namespace

/// Branches and what touches memory stay where they are.
static bool isFixed(Operation &op) {
  return op.getNumRegions() > 0 || op.hasTrait<OpTrait::IsTerminator>() ||
         isa<LLVM::LoadOp, LLVM::StoreOp>(op);
}

static void interleave(ClusterOp cluster, const flyattn::ChipInfo &chip) {
  SmallVector<Operation *> stretch;
  for (Operation &op : llvm::make_early_inc_range(cluster.getBody().front())) {
    if (!isFixed(op)) {
      stretch.push_back(&op);
      continue;
    }
    Stretch(stretch, chip).write(&op);
    stretch.clear();
  }
}

namespace {
struct Interleave : attn::impl::AttnInterleaveBase<Interleave> {
  using AttnInterleaveBase::AttnInterleaveBase;

  void runOnOperation() override {
    const flyattn::ChipInfo *info = flyattn::findChip(chip);
    if (!info) {
      getOperation().emitError() << "unknown chip '" << chip
                                 << "'; supported: " << flyattn::chipNames();
      return signalPassFailure();
    }
    getOperation().walk([&](ClusterOp cluster) {
      if (cluster.getKind() == ClusterKind::Compute)
        interleave(cluster, *info);
    });
  }
};
} // namespace
