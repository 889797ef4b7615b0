//===- LowerSchedule.cpp - Barriers, waits and fences of a pipeline -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Turns pipelines and clusters into straight code:
//
//   entry     the kernel's arguments; a first cluster that only brings data,
//             whose copies wait for their own addresses only; then group g
//             waits at g * lag barriers
//   cluster   its ops; the wait that it owes; a border. A branch behind the
//             last matrix instruction comes after the border: a compute cluster
//             touches no memory, and so nobody waits for the branch
//   border    scheduling fence, s_barrier, scheduling fence
//   exit      what is still on its way arrives; the barriers that the group
//             did not wait at on entry. A last cluster that computes has no
//             border: nobody waits for its end
//
// A memory cluster owes a wait for its LDS operations, and for the copies that
// its attn.await ops name. Copies arrive in order, so the wait allows as many
// vector memory operations as a wave has started, on any path, behind the last
// copy that must be there.

#include "MatrixOps.h"
#include "SinkScalars.h"

#include "flyattn/Conversion/AttnToROCDL/Passes.h"
#include "flyattn/Dialect/Attn/IR/ClusterGraph.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringExtras.h"

namespace mlir::attn {
#define GEN_PASS_DEF_ATTNLOWERSCHEDULE
#include "flyattn/Conversion/AttnToROCDL/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// Waits
//===----------------------------------------------------------------------===//

/// gfx9's s_waitcnt with at most `vm` vector memory operations outstanding, and
/// no LDS operation if `lds`. Other counters are not waited for.
static int32_t encodeWait(unsigned vm, bool lds) {
  constexpr unsigned anyVm = 63, anyLgkm = 15, anyExport = 7;
  vm = std::min(vm, anyVm);
  return (vm & 15) | anyExport << 4 | (lds ? 0 : anyLgkm) << 8 |
         (vm >> 4) << 14;
}

/// The LDS object that an address lies in.
static Operation *ldsObject(Value address) {
  while (auto gep = address.getDefiningOp<LLVM::GEPOp>())
    address = gep.getBase();
  return address.getDefiningOp();
}

/// The symbol of the object, or null.
static StringAttr ldsSymbol(Value address) {
  auto object = dyn_cast_or_null<LLVM::AddressOfOp>(ldsObject(address));
  return object ? object.getGlobalNameAttr().getAttr() : StringAttr();
}

namespace {
/// A vector memory operation of a cluster: the LDS object that it copies to, or
/// null.
using VectorMemory = SmallVector<StringAttr>;

/// What each cluster must wait for.
class Waits {
public:
  explicit Waits(PipelineOp pipeline) : graph(pipeline) {
    for (const ClusterGraph::Node &node : graph.nodes())
      operations.push_back(vectorMemory(node.cluster));
  }

  const ClusterGraph &clusters() const { return graph; }

  /// The vector memory operations that may be outstanding when `node` ends;
  /// none if it need not wait for any.
  std::optional<unsigned> allowed(unsigned node) const {
    std::optional<unsigned> least;
    ClusterOp cluster = graph.nodes()[node].cluster;
    for (auto await : cluster.getBody().front().getOps<AwaitOp>())
      if (std::optional<unsigned> count =
              behindCopy(node, ldsSymbol(await.getLds())))
        least = std::min(least.value_or(*count), *count);
    return least;
  }

  bool copies() const {
    return llvm::any_of(operations, [](const VectorMemory &list) {
      return llvm::any_of(list, [](StringAttr object) { return bool(object); });
    });
  }

private:
  static VectorMemory vectorMemory(ClusterOp cluster);
  std::optional<unsigned> behindCopy(unsigned node, StringAttr object) const;

  ClusterGraph graph;
  std::vector<VectorMemory> operations;
};
} // namespace

VectorMemory Waits::vectorMemory(ClusterOp cluster) {
  VectorMemory list;
  cluster.walk([&](Operation *op) {
    if (auto copy = dyn_cast<ROCDL::RawPtrBufferLoadLdsOp>(op))
      list.push_back(ldsSymbol(copy.getLdsPtr()));
    else if (isa<ROCDL::RawPtrBufferLoadOp>(op))
      list.push_back(StringAttr());
  });
  return list;
}

/// The least number of vector memory operations that a wave may have started,
/// by the end of `node`, behind its last copy to `object`.
std::optional<unsigned> Waits::behindCopy(unsigned node,
                                          StringAttr object) const {
  std::optional<unsigned> least;
  llvm::DenseMap<unsigned, unsigned> seen; // cluster -> count when last visited
  SmallVector<std::pair<unsigned, unsigned>> work{{node, 0}};
  while (!work.empty()) {
    auto [at, count] = work.pop_back_val();
    const VectorMemory &list = operations[at];
    auto copy = llvm::find(llvm::reverse(list), object);
    unsigned behind = copy - llvm::reverse(list).begin();
    if (behind < list.size()) {
      least = std::min(least.value_or(count + behind), count + behind);
      continue;
    }
    count += list.size();
    auto [entry, isNew] = seen.try_emplace(at, count);
    if (!isNew && entry->second <= count)
      continue;
    entry->second = count;
    for (unsigned before : graph.nodes()[at].predecessors)
      work.push_back({before, count});
  }
  return least;
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

namespace {
class ScheduleWriter {
public:
  ScheduleWriter(PipelineOp pipeline, const AttnLowerScheduleOptions &options)
      : pipeline(pipeline), options(options), b(pipeline.getLoc(), pipeline) {}

  LogicalResult write();

private:
  void fence() { ROCDL::SchedBarrier::create(b, 0); }
  void barrier() { ROCDL::SBarrierOp::create(b); }
  void border() {
    fence();
    barrier();
    fence();
  }
  Value group();
  void barriersIf(arith::CmpIPredicate predicate, Value group);
  void fenceCopies(ClusterOp cluster);
  void writeKernelEntry();
  void writeEntry(Value group);
  void writeExit(Value group, bool copies);
  void writeCluster(ClusterOp cluster, std::optional<unsigned> vectorMemory,
                    bool last);
  void fenceMatrixOps(ClusterOp cluster);
  void anchor(ClusterOp cluster);
  Value anchored(Value value);
  void writeInitialValues(Block &block);
  /// Do waves in clusters of this kind issue first?
  bool isRaised(ClusterKind kind) {
    return options.priority.empty()
               ? pipeline.getPriority() == kind
               : options.priority == stringifyClusterKind(kind);
  }
  Value i32(int64_t value) {
    return arith::ConstantIntOp::create(b, b.getI32Type(), value);
  }

  PipelineOp pipeline;
  const AttnLowerScheduleOptions &options;
  ImplicitLocOpBuilder b;
};
} // namespace

/// The group of this wave: waves are dealt out to the SIMDs in turn, so that
/// neighbours share none, and each group takes one wave of every SIMD.
Value ScheduleWriter::group() {
  auto kernel = pipeline->getParentOfType<gpu::GPUFuncOp>();
  int64_t workItems = (*kernel.getKnownBlockSize())[0];
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&kernel.getBody().front());
  Value id = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  id = arith::IndexCastOp::create(b, b.getI32Type(), id);
  Value group =
      arith::DivUIOp::create(b, id, i32(workItems / pipeline.getGroups()));
  return ROCDL::ReadfirstlaneOp::create(b, b.getI32Type(), group);
}

/// One barrier for each cluster that the last group is behind the first, if the
/// comparison of that number with the group's own lag holds.
void ScheduleWriter::barriersIf(arith::CmpIPredicate predicate, Value group) {
  Value lag = arith::MulIOp::create(b, group, i32(pipeline.getLag()));
  for (unsigned i = 0; i < (pipeline.getGroups() - 1) * pipeline.getLag();
       ++i) {
    Value waits = arith::CmpIOp::create(b, predicate, lag, i32(i));
    auto guard = scf::IfOp::create(b, waits, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(guard.thenBlock());
    barrier();
  }
}

/// Keeps what the copies of one object need from moving before those of the
/// objects before it.
void ScheduleWriter::fenceCopies(ClusterOp cluster) {
  StringAttr object;
  Operation *last = nullptr;
  for (Operation &op : llvm::make_early_inc_range(cluster.getBody().front()))
    if (auto copy = dyn_cast<ROCDL::RawPtrBufferLoadLdsOp>(op)) {
      StringAttr next = ldsSymbol(copy.getLdsPtr());
      if (last && next != object) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointAfter(last);
        fence();
      }
      object = next;
      last = copy;
    }
}

/// Loads the kernel's arguments together, at its start: LLVM would load each
/// where it is used, and wait each time.
void ScheduleWriter::writeKernelEntry() {
  OpBuilder::InsertionGuard insertion(b);
  auto kernel = pipeline->getParentOfType<gpu::GPUFuncOp>();
  Block &entry = kernel.getBody().front();
  SmallVector<Value> used;
  for (BlockArgument argument : entry.getArguments())
    if (!argument.use_empty())
      used.push_back(argument);
  SmallVector<StringRef> constraints(used.size(), "s");
  b.setInsertionPointToStart(&entry);
  LLVM::InlineAsmOp::create(b, TypeRange(), used, /*asm_string=*/"",
                            /*constraints=*/llvm::join(constraints, ","),
                            /*has_side_effects=*/true,
                            /*is_align_stack=*/false, LLVM::TailCallKind::None,
                            LLVM::AsmDialectAttr(), ArrayAttr());
}

/// Makes what the first loop starts with while the first copies are on their
/// way; LLVM would do it right before the loop.
void ScheduleWriter::writeInitialValues(Block &block) {
  auto loops = block.getOps<scf::ForOp>();
  auto waits = block.getOps<ROCDL::SWaitcntOp>();
  if (loops.empty() || waits.empty())
    return;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(*waits.begin());
  for (OpOperand &init : (*loops.begin()).getInitArgsMutable())
    if (isa<VectorType>(init.get().getType()) &&
        init.get().getDefiningOp<arith::ConstantOp>())
      init.set(anchored(init.get()));
}

/// From here on a group is as many clusters behind group 0 as it waits at
/// barriers.
void ScheduleWriter::writeEntry(Value group) {
  fence();
  if (options.stagger)
    barriersIf(arith::CmpIPredicate::ugt, group);
  if (options.priority == "group") {
    Value first =
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, group, i32(0));
    auto guard = scf::IfOp::create(b, first, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard insertion(b);
    b.setInsertionPointToStart(guard.thenBlock());
    ROCDL::SetPrioOp::create(b, 1);
  }
  fence();
}

void ScheduleWriter::writeExit(Value group, bool copies) {
  fence();
  if (copies)
    ROCDL::SWaitcntOp::create(b, encodeWait(0, false));
  if (options.stagger)
    barriersIf(arith::CmpIPredicate::ule, group);
  fence();
}

/// Keeps the order that attn-interleave chose.
void ScheduleWriter::fenceMatrixOps(ClusterOp cluster) {
  for (Operation &op : llvm::make_early_inc_range(cluster.getBody().front()))
    if (isMatrixOp(&op)) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(&op);
      fence();
      b.setInsertionPointAfter(&op);
      fence();
    }
}

/// The value behind an empty piece of assembly that takes it and gives it back.
Value ScheduleWriter::anchored(Value value) {
  return LLVM::InlineAsmOp::create(
             b, value.getType(), ValueRange(value), /*asm_string=*/"",
             /*constraints=*/"=v,0", /*has_side_effects=*/true,
             /*is_align_stack=*/false, LLVM::TailCallKind::None,
             LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

/// LLVM moves vector instructions down, past a branch, to where their results
/// are used. An empty piece of assembly before the branch keeps them in their
/// cluster, and costs no instruction.
void ScheduleWriter::anchor(ClusterOp cluster) {
  Operation *yield = cluster.getBody().front().getTerminator();
  OpBuilder::InsertionGuard guard(b);
  for (Value value :
       llvm::SetVector<Value>(yield->operand_begin(), yield->operand_end())) {
    Operation *def = value.getDefiningOp();
    if (!def || def->getParentOp() != cluster || isMatrixOp(def) ||
        def->getNumRegions() > 0)
      continue;
    bool register32 = value.getType().isF32() || value.getType().isInteger(32);
    auto vector = dyn_cast<VectorType>(value.getType());
    if (!register32 && !vector)
      continue;
    Operation *end = def->getNextNode();
    while (end != yield && end->getNumRegions() == 0)
      end = end->getNextNode();
    b.setInsertionPoint(end);
    value.replaceUsesWithIf(anchored(value), [&](OpOperand &use) {
      Operation *user =
          yield->getBlock()->findAncestorOpInBlock(*use.getOwner());
      return !user || !user->isBeforeInBlock(end);
    });
  }
}

/// The first branch behind the last matrix instruction, or null.
static Operation *branchAtEnd(ClusterOp cluster) {
  Operation *branch = nullptr;
  for (Operation &op : cluster.getBody().front()) {
    if (isMatrixOp(&op))
      branch = nullptr;
    else if (op.getNumRegions() > 0 && !branch)
      branch = &op;
  }
  return branch;
}

void ScheduleWriter::writeCluster(ClusterOp cluster,
                                  std::optional<unsigned> vectorMemory,
                                  bool last) {
  bool compute = cluster.getKind() == ClusterKind::Compute;
  if (compute && options.anchors)
    anchor(cluster);
  if (compute && options.fences)
    fenceMatrixOps(cluster);
  for (auto await :
       llvm::make_early_inc_range(cluster.getBody().front().getOps<AwaitOp>()))
    await.erase();

  Operation *yield = cluster.getBody().front().getTerminator();
  Operation *lastBranch =
      compute && !vectorMemory ? branchAtEnd(cluster) : nullptr;
  b.setInsertionPoint(cluster);
  bool raised = isRaised(cluster.getKind());
  if (raised)
    ROCDL::SetPrioOp::create(b, 1);
  cluster->getBlock()->getOperations().splice(
      Block::iterator(cluster), cluster.getBody().front().getOperations(),
      cluster.getBody().front().begin(), Block::iterator(yield));
  if (raised)
    ROCDL::SetPrioOp::create(b, 0);
  if (vectorMemory || !compute) {
    fence();
    ROCDL::SWaitcntOp::create(
        b, encodeWait(options.countedWaits ? vectorMemory.value_or(~0u) : 0,
                      /*lds=*/!compute));
  }
  if (!last || !compute) {
    OpBuilder::InsertionGuard guard(b);
    if (lastBranch)
      b.setInsertionPoint(lastBranch);
    border();
    // What stands behind the border is done as a memory cluster is.
    if (lastBranch && isRaised(ClusterKind::Memory))
      ROCDL::SetPrioOp::create(b, 1);
  }
  cluster.replaceAllUsesWith(yield->getOperands());
  cluster.erase();
}

/// Is the cluster the pipeline's first op but for arithmetic, and does it read
/// no LDS?
static bool onlyFetches(ClusterOp cluster) {
  for (Operation *op = cluster->getPrevNode(); op; op = op->getPrevNode())
    if (op->getNumRegions() > 0)
      return false;
  return isa<PipelineOp>(cluster->getParentOp()) &&
         cluster.getKind() == ClusterKind::Memory &&
         !cluster
              .walk([](Operation *op) {
                return isa<LLVM::LoadOp, ROCDL::ds_read_tr16_b64>(op)
                           ? WalkResult::interrupt()
                           : WalkResult::advance();
              })
              .wasInterrupted();
}

LogicalResult ScheduleWriter::write() {
  auto kernel = pipeline->getParentOfType<gpu::GPUFuncOp>();
  if (!kernel || !kernel.getKnownBlockSize())
    return pipeline.emitOpError() << "needs a kernel with a known_block_size";
  if (pipeline.getInterval())
    return pipeline.emitOpError() << "is not rotated; run --attn-rotate first";

  Waits waits(pipeline);
  SmallVector<std::optional<unsigned>> allowed;
  for (unsigned node = 0; node < waits.clusters().nodes().size(); ++node)
    allowed.push_back(waits.allowed(node));

  writeKernelEntry();
  Value group = this->group();
  // A first cluster that only brings data is run by all groups at once: later
  // groups then have it earlier than they must.
  ArrayRef<ClusterGraph::Node> nodes = waits.clusters().nodes();
  bool together = !nodes.empty() && onlyFetches(nodes.front().cluster);
  if (!together)
    writeEntry(group);
  for (auto [index, node] : llvm::enumerate(nodes)) {
    b.setInsertionPoint(node.cluster);
    if (index == 0 && together)
      fenceCopies(node.cluster);
    if (index == 1 && together)
      writeEntry(group);
    writeCluster(node.cluster, allowed[index], node.successors.empty());
  }
  b.setInsertionPoint(pipeline);
  Block &body = pipeline.getBody().front();
  Operation *yield = body.getTerminator();
  pipeline->getBlock()->getOperations().splice(
      Block::iterator(pipeline), body.getOperations(), body.begin(),
      Block::iterator(yield));
  if (together) {
    writeInitialValues(*pipeline->getBlock());
    auto barriers = pipeline->getBlock()->getOps<ROCDL::SBarrierOp>();
    sinkScalars(pipeline->getBlock(), *barriers.begin());
  }
  writeExit(group, waits.copies());
  pipeline.replaceAllUsesWith(yield->getOperands());
  pipeline.erase();
  return success();
}

namespace {
struct LowerSchedule : attn::impl::AttnLowerScheduleBase<LowerSchedule> {
  using AttnLowerScheduleBase::AttnLowerScheduleBase;

  void runOnOperation() override {
    AttnLowerScheduleOptions options{anchors, fences, priority, stagger,
                                     countedWaits};
    if (!llvm::is_contained({"", "none", "group", "compute", "memory"},
                            StringRef(priority))) {
      getOperation().emitError()
          << "unknown priority '" << priority
          << "'; supported: none, group, compute, memory";
      return signalPassFailure();
    }
    SmallVector<PipelineOp> pipelines;
    getOperation().walk([&](PipelineOp op) { pipelines.push_back(op); });
    for (PipelineOp op : pipelines)
      if (failed(ScheduleWriter(op, options).write()))
        return signalPassFailure();
  }
};
} // namespace
