//===- AttnScheduleOps.td - Schedule-level ops of attn --- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNSCHEDULEOPS_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNSCHEDULEOPS_TD

include "flyattn/Dialect/Attn/IR/AttnTypes.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_ClusterKindEnum : I32EnumAttr<"ClusterKind", "what a cluster keeps busy", [
      I32EnumAttrCase<"Memory", 0, "memory">,
      I32EnumAttrCase<"Compute", 1, "compute">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_ClusterKindAttr : EnumAttr<Attn_Dialect, Attn_ClusterKindEnum, "cluster_kind"> {
  let assemblyFormat = "$value";
}

def Attn_PipelineOp : Attn_Op<"pipeline", [
    MemoryEffects<[MemRead, MemWrite]>, NoRegionArguments,
    SingleBlockImplicitTerminator<"::mlir::attn::YieldOp">]> {
  let summary = "a stretch of a kernel in which wave groups run in turns";
  let description = [{
    The waves of the workgroup form `groups` equal groups, such that each SIMD
    holds one wave of each. All run the same clusters in the same order, and all
    pass from one cluster to the next together; but each group is `lag` clusters
    behind the group before it. With two groups, a lag of one, and memory and
    compute clusters in turns, each SIMD always has one wave that computes and
    one that moves data:

        group 0:  M0 C1 M2 C3 M0 C1 M2 C3
        group 1:     M0 C1 M2 C3 M0 C1 M2 C3

    The region holds clusters, `scf.for` and `scf.if` over clusters, and address
    arithmetic. Values go from cluster to cluster as results. No barrier, wait or
    priority is written at this level: `attn-lower-schedule` computes them.

    With an `interval`, the pipeline is not rotated yet: a loop's body then is
    the work of one KV tile from end to end, and each cluster stands `at` a time,
    counted in clusters from where the tile starts. The next tile starts
    `interval` clusters later, so that clusters whose times are equal modulo the
    interval will be one cluster of the steady loop. `attn-rotate` makes that
    loop.

    With a `priority`, a wave in a cluster of that kind issues before one that is
    not. Where vector instructions fill the compute clusters, this keeps those
    few of memory clusters from waiting for all of them.

    The verifier checks, on every path and for every pair of groups:

    * a tile has landed in its slot, for all waves, before any wave reads it;
    * no wave starts to overwrite a slot that a slower wave may still read;
    * compute clusters touch no memory, memory clusters multiply no matrices, and
      nothing else stands between them;
    * all waves take the same path, so that all pass the same number of borders.

    Example:

    ```mlir
    %o, %l = attn.pipeline groups = 2 lag = 1
        -> (!attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>) {
      ...
      attn.yield %o1, %l1 : ...
    }
    ```
  }];
  let arguments = (ins ConfinedAttr<I32Attr, [IntPositive]>:$groups,
                       ConfinedAttr<I32Attr, [IntNonNegative]>:$lag,
                       OptionalAttr<ConfinedAttr<I32Attr, [IntPositive]>>:$interval,
                       OptionalAttr<Attn_ClusterKindAttr>:$priority);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `groups` `=` $groups `lag` `=` $lag (`interval` `=` $interval^)?
    (`priority` `=` $priority^)?
    (`->` `(` qualified(type($results))^ `)`)? $body attr-dict
  }];
  let hasRegionVerifier = 1;
}

def Attn_ClusterOp : Attn_Op<"cluster", [
    MemoryEffects<[MemRead, MemWrite]>, NoRegionArguments,
    SingleBlockImplicitTerminator<"::mlir::attn::YieldOp">]> {
  let summary = "work that a wave does between two borders of a pipeline";
  let description = [{
    A `memory` cluster reads LDS and starts and lands copies; a `compute` cluster
    uses the matrix and vector units. Neither waits for the other waves inside.

    Example:

    ```mlir
    %k = attn.cluster memory -> (!attn.tile<64x128xbf16, mfma_a>) {
      %0 = attn.read %k0 : ...
      attn.yield %0 : ...
    }
    ```
  }];
  let arguments = (ins Attn_ClusterKindAttr:$kind, OptionalAttr<I32Attr>:$at);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `` $kind (`at` $at^)? (`->` `(` qualified(type($results))^ `)`)? $body attr-dict
  }];
  let extraClassDeclaration = [{
    /// The time, in clusters from where the tile starts; none in a rotated
    /// pipeline.
    ::std::optional<int64_t> getTime() {
      if (::mlir::IntegerAttr at = getAtAttr())
        return at.getInt();
      return ::std::nullopt;
    }
  }];
}

def Attn_YieldOp : Attn_Op<"yield", [
    Pure, Terminator, ReturnLike,
    ParentOneOf<["PipelineOp", "ClusterOp", "ForwardOp", "ModifyScoresOp"]>]> {
  let summary = "the results of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` qualified(type($values)))?";
  let builders = [OpBuilder<(ins), [{ /* no values */ }]>];
}

def Attn_CycleSlotsOp : Attn_Op<"cycle_slots", [Pure, InferTypeOpAdaptor]> {
  let summary = "the slot of the KV tile that a loop is at";
  let description = [{
    Tile number n of a pipeline that is not rotated yet uses slot n modulo the
    number of slots. `attn-rotate` unrolls the loop until each slot is known.

    Example:

    ```mlir
    %k = attn.cycle_slots %k0, %k1
        : !attn.slot<64x128xbf16, rows>, !attn.slot<64x128xbf16, rows>
    ```
  }];
  let arguments = (ins Variadic<Attn_SlotType>:$slots);
  let results = (outs Attn_SlotType:$slot);
  let assemblyFormat = "$slots attr-dict `:` qualified(type($slots))";
  let hasVerifier = 1;
}

def Attn_AwaitOp : Attn_Op<"await", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies to an LDS object have arrived by the end of the cluster";
  let description = [{
    What `attn.land` becomes on a chip that copies straight into LDS.
    `attn-lower-schedule` turns it into a count of vector memory operations that
    may still be on their way.

    Example: `attn.await %lds : !llvm.ptr<3>`
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<3>:$lds);
  let assemblyFormat = "$lds attr-dict `:` qualified(type($lds))";
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNSCHEDULEOPS_TD
