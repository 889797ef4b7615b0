//===- Passes.td - Tile ops to instructions -------------- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_CONVERSION_ATTNTOROCDL_PASSES_TD
#define FLYATTN_CONVERSION_ATTNTOROCDL_PASSES_TD

include "mlir/Pass/PassBase.td"

def AttnAllocateSlots : Pass<"attn-allocate-slots", "::mlir::gpu::GPUModuleOp"> {
  let summary = "give LDS slots their places";
  let description = [{
    Slots of one type whose uses cannot overlap share one place: the one is used
    in a pipeline only, the other behind its end only, where all waves have met.
    Where the slots that are left do not fit into the chip's LDS, those go that
    only make loads and stores faster; if that is not enough, it is an error.
    Runs after the scheduling passes.

    Before:

    ```mlir
    %q = attn.alloc_slot "q" : !attn.slot<256x128xbf16, rows>
    %o = attn.alloc_slot "o" : !attn.slot<256x128xbf16, rows>
    attn.pipeline ... { ... attn.read %q[%row] ... }
    attn.store %t, %view[%r] through %o[%row] : ...
    ```

    After:

    ```mlir
    %q = attn.alloc_slot "q" : !attn.slot<256x128xbf16, rows>
    attn.pipeline ... { ... attn.read %q[%row] ... }
    attn.store %t, %view[%r] through %q[%row] : ...
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"gfx950\"",
           "the chip whose LDS it is: gfx942 or gfx950">,
    Option<"slotPadding", "slot-padding", "bool", /*default=*/"true",
           "pad slots against bank conflicts, as attn-lower-tiles will">];
}

def AttnLowerTiles : Pass<"attn-lower-tiles", "::mlir::gpu::GPUModuleOp"> {
  let summary = "lower tile ops to the instructions of one chip";
  let description = [{
    Turns each tile into vectors of registers, each LDS slot into an LDS global
    of its own, and each tile op into upstream ops: rocdl, llvm, vector, arith,
    scf and gpu. What differs between the chips is decided by the facts in
    `flyattn::ChipInfo`:

    | | gfx950 | gfx942 |
    |---|---|---|
    | `attn.mma`, a 32 x 32 x 16 block | one MFMA 32x32x16 | two MFMA 32x32x8 |
    | `attn.fetch` | 16-byte LDS DMA | loads into registers |
    | `attn.land` | nothing | `ds_write_b128`; V is transposed on the way |
    | `attn.read`, transposed | `ds_read_b64_tr_b16` | `ds_read_b128` |
    | f32 to bf16 | `v_cvt_pk_bf16_f32` | integer rounding |
    | between half-waves | `v_permlane32_swap_b32` | `ds_bpermute_b32` |
    | `attn.store` of O | 16 bytes a lane | 8 bytes a lane |

    The region of `attn.modify_scores` is written out for each score: pure ops
    stay as they are, loads become loads of global memory, and of the math
    dialect absf, exp, exp2, log, log2 and tanh on f32 become instructions.

    Runs after a scheduling pass such as `attn-double-buffer`.

    Before:

    ```mlir
    %s = attn.mma %k, %q, %zero : !attn.tile<32x16xbf16, mfma_a>,
        !attn.tile<16x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
    ```

    After `--attn-lower-tiles=chip=gfx950`:

    ```mlir
    %s = rocdl.mfma.f32.32x32x16.bf16 %k, %q, %zero, ...
        : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, ...) -> vector<16xf32>
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"gfx950\"",
           "the chip to lower for: gfx942 or gfx950">,
    Option<"bf16Truncate", "bf16-truncate", "bool", /*default=*/"false",
           "where the chip has no bf16 conversion, truncate instead of rounding "
           "to nearest even">,
    Option<"countRescales", "count-rescales", "bool", /*default=*/"false",
           "count in performance counter 0 how often a wave comes to an "
           "attn.rescale, and in counter 1 how often some maximum was raised">,
    Option<"slotPadding", "slot-padding", "bool", /*default=*/"true",
           "leave bytes between the lines of a slot, which spread what waves "
           "read together over the banks of LDS">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::ROCDL::ROCDLDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def AttnInterleave : Pass<"attn-interleave", "::mlir::gpu::GPUModuleOp"> {
  let summary = "place vector instructions among the MFMAs of compute clusters";
  let description = [{
    Spreads the vector instructions of each compute cluster over the gaps between
    its matrix instructions, by their costs on the chip, and leaves either kind
    in its own order. Runs after `attn-lower-tiles`.

    Before:

    ```mlir
    attn.cluster compute { exp2 exp2 exp2 exp2 mfma mfma mfma }
    ```

    After `--attn-interleave=chip=gfx950`:

    ```mlir
    attn.cluster compute { mfma exp2 exp2 mfma exp2 exp2 mfma }
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"gfx950\"",
           "the chip whose costs to use: gfx942 or gfx950">];
}

def AttnLowerSchedule : Pass<"attn-lower-schedule", "::mlir::gpu::GPUModuleOp"> {
  let summary = "turn pipelines into barriers, waits and fences";
  let description = [{
    Writes out `attn.pipeline` and `attn.cluster`: barriers that let the groups
    run behind one another, a border behind each cluster, and for each memory
    cluster the one wait that it owes, with its count computed. The only pass
    that emits barriers, waits, priorities, scheduling fences and anchors for a
    schedule. Runs after `attn-interleave`.

    Before:

    ```mlir
    attn.pipeline groups = 2 lag = 1 {
      attn.cluster memory { ... copy to LDS ... attn.await %k0 }
      attn.cluster compute { ... }
    }
    ```

    After:

    ```mlir
    scf.if %group > 0 { rocdl.s.barrier }
    ... copy to LDS ...
    rocdl.s.waitcnt 3956 // vmcnt(4) lgkmcnt(0)
    rocdl.sched.barrier 0; rocdl.s.barrier; rocdl.sched.barrier 0
    ...
    rocdl.s.waitcnt 3952 // vmcnt(0)
    scf.if %group <= 0 { rocdl.s.barrier }
    ```
  }];
  let options = [
    Option<"anchors", "anchors", "bool", /*default=*/"true",
           "keep what a cluster computes from moving past its end">,
    Option<"fences", "fences", "bool", /*default=*/"true",
           "keep the order of vector and matrix instructions">,
    Option<"priority", "priority", "std::string", /*default=*/"\"\"",
           "raise the priority of waves: none, group (always of group 0), "
           "compute or memory (in such clusters); else as the pipeline says">,
    Option<"stagger", "stagger", "bool", /*default=*/"true",
           "let the groups run behind one another">,
    Option<"countedWaits", "counted-waits", "bool", /*default=*/"true",
           "wait for the copies that are due, not for all">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::ROCDL::ROCDLDialect",
    "::mlir::scf::SCFDialect"];
}

#endif // FLYATTN_CONVERSION_ATTNTOROCDL_PASSES_TD
