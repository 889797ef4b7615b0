//===- Passes.td - Passes on the attn dialect ------------ -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD
#define FLYATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AttnSelectConfig : Pass<"attn-select-config"> {
  let summary = "choose a kernel configuration for each attn.forward";
  let description = [{
    Attaches `#attn.config` to every `attn.forward` that has none, from a table
    keyed by schedule, chip, width of an element and the larger head dim. The
    first pass of the pipeline; what is decided here is only obeyed later. A
    head dim that no kernel covers is an error.

    Before:

    ```mlir
    attn.forward ins(%q, %k, %v : ...) outs(%o : ...)
    ```

    After `--attn-select-config=chip=gfx950`:

    ```mlir
    attn.forward ins(%q, %k, %v : ...) outs(%o : ...)
        {config = #attn.config<schedule = generic, waves = 4,
                  rows_per_wave = 32, kv_tile = 64, slots = 2>}
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"gfx950\"",
           "the chip to choose for: gfx942 or gfx950">,
    Option<"schedule", "schedule", "std::string", /*default=*/"\"generic\"",
           "the schedule to choose: generic or dual_wave">,
    Option<"waves", "waves", "unsigned", /*default=*/"0",
           "waves a workgroup; 0: the most there is a configuration for">,
    Option<"splits", "splits", "unsigned", /*default=*/"1",
           "parts of the KV sequence">,
    Option<"packGqa", "pack-gqa", "bool", /*default=*/"false",
           "whether the query heads of a KV head share the rows of a tile">,
    Option<"far", "far", "bool", /*default=*/"false",
           "whether the rows of one head may span more than 32-bit offsets "
           "reach">];
  let dependentDialects = ["::mlir::attn::AttnDialect"];
}

def AttnExpandScoreMods : Pass<"attn-expand-score-mods", "::mlir::ModuleOp"> {
  let summary = "turn softcap, bias, ALiBi and mask_mod into score_mod";
  let description = [{
    Writes what an `attn.forward` on memrefs does to scores as its `score_mod`
    region alone, in the order of the op: softcap, bias, ALiBi, the region it
    had, and `mask_mod` as a selection of -inf. What the region needs becomes
    captured: of ALiBi, behind the slopes, seqlen_kv - seqlen_q (i32) or, of
    packed sequences, cu_seqlens_q and cu_seqlens_kv. What the op had captured
    comes last. Runs before `attn-split-kv`.

    Before:

    ```mlir
    attn.forward ins(%q, %k, %v : ...) softcap(%cap)
        bias(%bias : memref<?x1x?x?xf32>) outs(%o : ...)
    ```

    After:

    ```mlir
    attn.forward ins(%q, %k, %v : ...)
        captures(%cap, %bias : f32, memref<?x1x?x?xf32>) outs(%o : ...) score_mod {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %c: f32,
         %m: memref<?x1x?x?xf32>):
      %c0 = arith.constant 0 : index
      %one = arith.constant 1.0 : f32
      %inverse = arith.divf %one, %c : f32
      %x = arith.mulf %s, %inverse : f32
      %t = math.tanh %x : f32
      %capped = arith.mulf %t, %c : f32
      %added = memref.load %m[%b, %c0, %i, %j] : memref<?x1x?x?xf32>
      %r = arith.addf %capped, %added : f32
      attn.yield %r : f32
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::attn::AttnDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect"];
}

def AttnSplitKv : Pass<"attn-split-kv", "::mlir::ModuleOp"> {
  let summary = "split the KV sequence of attn.forward over workgroups";
  let description = [{
    Turns every `attn.forward` on memrefs whose configuration has more than one
    split into its partial form, with a workspace on the device, and an
    `attn.combine`. Where rows are few and KV is long, the parts fill a device
    that whole sequences would leave idle. Runs after `attn-select-config` and
    before `attn-tile`, which outlines both ops.

    Before:

    ```mlir
    attn.forward ins(%q, %k, %v : ...) outs(%o, %lse : ...)
        {config = #attn.config<..., splits = 4>}
    ```

    After:

    ```mlir
    %parts = gpu.alloc (%b, %h, %sq) : memref<4x?x?x?x128xf32>
    %max = gpu.alloc (%b, %h, %sq) : memref<4x?x?x?xf32>
    %sum = gpu.alloc (%b, %h, %sq) : memref<4x?x?x?xf32>
    attn.forward ins(%q, %k, %v : ...) outs(%parts, %max, %sum : ...)
        {config = #attn.config<..., splits = 4>}
    attn.combine ins(%parts, %max, %sum : ...) outs(%o, %lse : ...)
    gpu.dealloc %parts : memref<4x?x?x?x128xf32>
    ...
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::attn::AttnDialect",
    "::mlir::gpu::GPUDialect", "::mlir::memref::MemRefDialect"];
}

def AttnTile : Pass<"attn-tile", "::mlir::ModuleOp"> {
  let summary = "outline each attn.forward as a kernel of tile ops";
  let description = [{
    Replaces every `attn.forward` on memrefs that has a configuration by a
    `gpu.launch_func` of a new `gpu.func`, in a `gpu.module` of its own, whose
    body is the plain data flow of one wave: a loop over KV tiles that carries
    (O, max, sum). The kernel's parameters are `flyattn::ForwardArgs`, field by
    field; sizes, strides and scale are arguments, so one kernel serves them
    all. Runs after `attn-select-config` and `attn-split-kv`, and after
    bufferization if the program is on tensors.

    The partial form of `attn.forward` has `flyattn::PartialArgs`: the depth of
    its grid is batch * splits, and a workgroup takes its share of the KV tiles
    that its rows see. `attn.combine` becomes a kernel with
    `flyattn::CombineArgs`, whose waves merge 32 rows by 32 columns of O each;
    the number of splits is an argument of both.

    Head dims are multiples of 8. Tiles take them up to the next multiple of an
    MFMA block; views keep them, so that what is loaded behind the last column
    is 0 and nothing is stored there.

    Before:

    ```mlir
    attn.forward ins(%q, %k, %v : ...) outs(%o : ...) {config = #attn.config<...>}
    ```

    After (the loop; address arithmetic left out):

    ```mlir
    %q = attn.load %qv[%row] transposed : ... -> !attn.tile<128x32xbf16, mfma_b>
    %r:3 = scf.for %t = %lo to %hi step %c64 iter_args(%o, %m, %l) {
      %k = attn.load %kv[%t]            : ... -> !attn.tile<64x128xbf16, mfma_a>
      %s = attn.mma %k, %q, %zero       : ... !attn.tile<64x32xf32, mfma_c>
      %x = attn.mask %s kv %t q %row limit %seqlen_kv : ...
      %p, %m1, %l1 = attn.softmax_step %x, %m, %l scale %scale : ...
      %v = attn.load %vv[%t] transposed : ... -> !attn.tile<128x64xbf16, mfma_a>
      %o1 = attn.rescale %o from %m to %m1 : ...
      %o2 = attn.mma %v, %p, %o1        : ...
      scf.yield %o2, %m1, %l1
    }
    ```
  }];
  let options = [
    Option<"workgroupOrder", "workgroup-order", "bool", /*default=*/"true",
           "workgroups in an order that serves caches and the end of a launch: "
           "heads before rows in the grid, and under a mask that hides what is "
           "behind a row the last rows first; else rows before heads, the first "
           "rows first">];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::attn::AttnDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def AttnSkipHiddenTiles : Pass<"attn-skip-hidden-tiles", "::mlir::gpu::GPUModuleOp"> {
  let summary = "leave out KV tiles that a region hides as a whole";
  let description = [{
    In a loop over KV tiles whose scores an `attn.modify_scores` changes at the
    loop's counter, where the region selects -inf by a condition: moves the
    loop's bounds inwards over the tiles of which the condition hides all.

    The condition is evaluated in intervals: of the query rows of the workgroup,
    of its heads and of the columns of a tile. Understood are sums, differences,
    minima and maxima, products and quotients by positive constants, comparisons
    and their conjunctions, and integers loaded by what is one number for the
    tile, such as the batch; anything else may be anything. Tiles in the middle
    stay, so that the loop is one range. The tile that a schedule may take behind
    the end is hidden by the region itself. Runs after `attn-tile` and before
    `attn-specialize-masks`.

    Before:

    ```mlir
    %r = scf.for %t = %lo to %hi step %c64 ... {
      %m = attn.modify_scores %s scale %x kv %t q %row ... {
      ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
        %past = arith.cmpi sle, %j, %i : index
        %x = arith.select %past, %s, %minus_infinity : f32
        attn.yield %x : f32
      }
      ...
    }
    ```

    After:

    ```mlir
    // hidden = not (column %t <= last row of the workgroup)
    %begin = scf.while (%t = %lo) { scf.condition(%t < %hi and hidden) %t }
        do { scf.yield %t + 64 }
    %end = scf.while (%t = %hi) {
      scf.condition(%begin < %t and hidden at %t - 64) %t
    } do { scf.yield %t - 64 }
    %r = scf.for %t = %begin to %end step %c64 ... { the same }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::scf::SCFDialect"];
}

def AttnSpecializeMasks : Pass<"attn-specialize-masks", "::mlir::gpu::GPUModuleOp"> {
  let summary = "split KV loops into ranges that need a mask and ranges that do not";
  let description = [{
    In a loop over KV tiles with an `attn.mask` at the loop's counter, finds the
    tiles that every query row of the workgroup sees whole, and gives them a
    loop of their own, without the mask. The KV range falls into these parts:

    * masked, if the mask has a lower diagonal or chunks: from the loop's lower
      bound to where the last row of the workgroup begins to see;
    * full: from there, whole tiles that the workgroup's first row sees, which
      under a diagonal is the one that ends first;
    * masked: from there to the loop's upper bound;
    * skipped: outside the loop's bounds, where no row of the workgroup sees.

    Every bound is computed from the kernel's values, uniform over the
    workgroup, and a multiple of the tile away from the lower bound; a range may
    be empty. The result is a chain of loops in one block: each starts where the
    one before ends, with its results, and their bodies are the same but for the
    mask. A loop whose mask moves with anything but the loop's counter and the
    number of the wave is left alone. Runs after `attn-tile`; the scheduling
    passes take such a chain as one stream of tiles.

    Before:

    ```mlir
    %r = scf.for %t = %c0 to %hi step %c64 iter_args(%x = %x0) ... {
      ...
      %m = attn.mask %s kv %t q %row limit %seqlen_kv diagonal %d : ...
      ...
    }
    ```

    After:

    ```mlir
    // full = min(hi, seqlen_kv, first row of the workgroup + d + 1), down to a
    // multiple of 64, but not below 0
    %f = scf.for %t = %c0 to %full step %c64 iter_args(%x = %x0) ... {
      ...
    }
    %r = scf.for %t = %full to %hi step %c64 iter_args(%x = %f) ... {
      ...
      %m = attn.mask %s kv %t q %row limit %seqlen_kv diagonal %d : ...
      ...
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::scf::SCFDialect"];
}

def AttnDoubleBuffer : Pass<"attn-double-buffer", "::mlir::gpu::GPUModuleOp"> {
  let summary = "stage the KV loop's loads through two LDS slots each";
  let description = [{
    The `generic` schedule. In a loop over KV tiles, every `attn.load` whose row
    is the loop's counter becomes a fetch one tile ahead into the LDS slot that
    is not being read, and a read of the other. The loop is unrolled by two, so
    that each slot is named statically; a tile beyond the end reads zeros and is
    masked entirely. A chain of such loops, as `attn-specialize-masks` makes it,
    is one stream of tiles: the first loop alone has a prologue. A loop without
    `attn.mask` stops where no two whole tiles are left, one with a mask may take
    a tile of the next range, and each goes on where the one before stopped. One `attn.sync` a tile keeps both hazards: it makes the
    next tile visible, and it comes after every read of the slot that the tile
    after that will overwrite. Runs after `attn-specialize-masks`.

    If the kernel's configuration says one slot, the fetched tile waits in
    registers for an `attn.sync` behind the reads, and lands in the same slot.
    Only a chip whose tiles pass through registers can do that.

    Before:

    ```mlir
    scf.for %t = %lo to %hi step %c64 ... {
      %k = attn.load %kv[%t] : ...
      ...
    }
    ```

    After:

    ```mlir
    fetch tile %lo into slot 0; land; sync
    scf.for %t = %lo to %hi step %c128 ... {
      %f = attn.fetch %kv[%t + 64] into %k1
      %k = attn.read %k0 ... compute ...
      attn.land %f into %k1
      attn.sync
      %g = attn.fetch %kv[%t + 128] into %k0
      %k = attn.read %k1 ... compute ...
      attn.land %g into %k0
      attn.sync
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::attn::AttnDialect",
                           "::mlir::scf::SCFDialect"];
}

def AttnDecomposeSoftmax : Pass<"attn-decompose-softmax", "::mlir::gpu::GPUModuleOp"> {
  let summary = "split attn.softmax_step into parts that a schedule can place";
  let description = [{
    Replaces each `attn.softmax_step` by its parts, and lets the `attn.rescale`
    that follows its maximum rescale the row sum as well, so that one branch
    serves both. Runs after `attn-tile`.

    Before:

    ```mlir
    %p, %m1, %l1 = attn.softmax_step %s, %m, %l scale %scale : ...
    %o1 = attn.rescale %o from %m to %m1 : ...
    ```

    After:

    ```mlir
    %m1 = attn.raise_max %m by %s scale %scale threshold 8.0 : ...
    %x = attn.shift_scores %s by %m1 scale %scale : ...
    %w = attn.exp2 %x[0 to 32] : ...
    %p = attn.pack %w : ...
    %o1, %l0 = attn.rescale %o, %l from %m to %m1 : ...
    %l1 = attn.sum_rows %w to %l0 : ...
    ```
  }];
  let options = [
    Option<"threshold", "threshold", "float", /*default=*/"8.0f",
           "powers of two by which scores may outgrow the running maximum "
           "before it is raised; 0 raises it whenever it can be">];
  let dependentDialects = ["::mlir::attn::AttnDialect"];
}

def AttnFormClusters : Pass<"attn-form-clusters", "::mlir::gpu::GPUModuleOp"> {
  let summary = "turn the KV loops of dual_wave kernels into a pipeline";
  let description = [{
    In a kernel whose `attn.config` says `dual_wave`, sorts the ops of each KV
    loop into memory and compute clusters after the recipe for the chip and head
    dim (one table, ScheduleRecipes.cpp), gives K and V their LDS slots, and
    turns their loads into fetch, land and read. Q and O are brought through
    slots, too, as the recipe says. A chain of loops becomes one pipeline. It is
    not rotated yet: each cluster has a time, counted from where
    its tile starts. Runs after `attn-decompose-softmax`.

    Before:

    ```mlir
    scf.for %t = %lo to %hi step %c64 iter_args(...) {
      %k = attn.load %kv[%t] : ...
      %s = attn.mma %k, %q, %zero : ...
      ...
    }
    ```

    After `--attn-form-clusters=chip=gfx950`:

    ```mlir
    attn.pipeline groups = 2 lag = 1 interval = 4 {
      scf.for %t = %lo to %hi step %c64 iter_args(...) {
        %slot = attn.cycle_slots %k0, %k1 : ...
        %f = attn.cluster memory at -6 { attn.fetch %kv[%t] into %slot ... }
        attn.cluster memory at -2 { attn.land %f into %slot ... }
        %k = attn.cluster memory at 0 { attn.read %slot ... }
        %s = attn.cluster compute at 1 { attn.mma %k, %q, %zero ... }
        ...
      }
    }
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", /*default=*/"\"gfx950\"",
           "the chip to schedule for: gfx942 or gfx950">];
  let dependentDialects = ["::mlir::attn::AttnDialect",
                           "::mlir::scf::SCFDialect"];
}

def AttnRotate : Pass<"attn-rotate", "::mlir::gpu::GPUModuleOp"> {
  let summary = "overlap the KV tiles of a pipeline";
  let description = [{
    Software pipelining: of a pipeline with an interval, makes a prologue, a
    steady loop of two tiles for each range of tiles, and a short epilogue for
    either parity of what is left. A cluster of the steady loop holds the parts
    of several tiles whose times are equal modulo the interval, the oldest tile
    first; each slot is known.

    The loop starts with tile 0. What it needs of tiles before that is made as if
    they were hidden by the mask: their scores are -inf, and what is fetched for
    them is outside of the view. Tiles beyond the end may be fetched; they are
    not used. The ranges must do the same but for masks. Runs after
    `attn-form-clusters`.

    Before:

    ```mlir
    attn.pipeline groups = 2 lag = 1 interval = 2 {
      scf.for %t = %lo to %hi step %c64 {
        %k = attn.cluster memory at 0 { read K ... }
        %s = attn.cluster compute at 1 { scores, mask ... }
        attn.cluster compute at 3 { softmax %s ... }
      }
    }
    ```

    After:

    ```mlir
    attn.pipeline groups = 2 lag = 1 {
      scf.for %t = %lo to %hi - 64 step %c128 {
        memory { read K[t] };      compute { softmax[t - 64]; scores[t] }
        memory { read K[t + 64] }; compute { softmax[t]; scores[t + 64] }
      }
      scf.if one is left { memory ... compute ...; compute { softmax } }
      else { compute { softmax } }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::attn::AttnDialect",
                           "::mlir::scf::SCFDialect"];
}

#endif // FLYATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD
