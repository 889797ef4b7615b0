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
    keyed by chip and head dim. The first pass of the pipeline; what is decided
    here is only obeyed later. A head dim that no kernel covers is an error.

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
           "the chip to choose for: gfx942 or gfx950">];
  let dependentDialects = ["::mlir::attn::AttnDialect"];
}

def AttnTile : Pass<"attn-tile", "::mlir::ModuleOp"> {
  let summary = "outline each attn.forward as a kernel of tile ops";
  let description = [{
    Replaces every `attn.forward` on memrefs that has a configuration by a
    `gpu.launch_func` of a new `gpu.func`, in a `gpu.module` of its own, whose
    body is the plain data flow of one wave: a loop over KV tiles that carries
    (O, max, sum). The kernel's parameters are `flyattn::ForwardArgs`, field by
    field; sizes, strides and scale are arguments, so one kernel serves them
    all. Runs after `attn-select-config`, and after bufferization if the program
    is on tensors.

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
      %p, %m1, %l1, %c = attn.softmax_step %x, %m, %l scale %scale : ...
      %v = attn.load %vv[%t] transposed : ... -> !attn.tile<128x64xbf16, mfma_a>
      %o1 = attn.rescale %o by %c       : ...
      %o2 = attn.mma %v, %p, %o1        : ...
      scf.yield %o2, %m1, %l1
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::attn::AttnDialect",
    "::mlir::gpu::GPUDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def AttnDoubleBuffer : Pass<"attn-double-buffer", "::mlir::gpu::GPUModuleOp"> {
  let summary = "stage the KV loop's loads through two LDS slots each";
  let description = [{
    The `generic` schedule. In a loop over KV tiles, every `attn.load` whose row
    is the loop's counter becomes a fetch one tile ahead into the LDS slot that
    is not being read, and a read of the other. The loop is unrolled by two, so
    that each slot is named statically; a tile beyond the end reads zeros and is
    masked entirely. One `attn.sync` a tile keeps both hazards: it makes the
    next tile visible, and it comes after every read of the slot that the tile
    after that will overwrite. Runs after `attn-tile`.

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

#endif // FLYATTN_DIALECT_ATTN_TRANSFORMS_PASSES_TD
