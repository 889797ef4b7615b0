//===- AttnTileOps.td - Tile-level ops of attn ----------- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNTILEOPS_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNTILEOPS_TD

include "flyattn/Dialect/Attn/IR/AttnTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

def Attn_ViewOp : Attn_Op<"view", [Pure, AttrSizedOperandSegments]> {
  let summary = "a bounded matrix of rows in global memory";
  let description = [{
    `rows` rows that start at element `offset` of `base`, `stride` elements
    apart. The last byte of the view must be less than 2^32 bytes from its
    first.

    With a `group` of n rows, row r starts (r / n) * stride + (r % n) * inner
    elements behind the first: the groups are `stride` apart, the rows within
    one `inner`. The last byte of such a view must be less than 2^31 bytes from
    its first.

    Of a `far` view the bound is one of any 256 rows behind each other, which is
    as many as an access may take. An access that begins before row 0 must also
    end before it.

    Where accesses are wider than the view, the bound is 2^31 bytes for all.

    Example:

    ```mlir
    %kv = attn.view %k[%offset] rows %seqlen_kv stride %stride
        : !attn.view<?x128xbf16>
    %qv = attn.view %q[%first] rows %n stride %seq group %heads inner %head
        : !attn.view<?x128xbf16, grouped>
    %long = attn.view %k[%offset] rows %seqlen_kv stride %stride
        : !attn.view<?x128xbf16, far>
    ```
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$base, I64:$offset,
                       I32:$rows, I64:$stride, Optional<I32>:$group,
                       Optional<I64>:$inner);
  let results = (outs Attn_ViewType:$view);
  let assemblyFormat = [{
    $base `[` $offset `]` `rows` $rows `stride` $stride
    (`group` $group^ `inner` $inner)? attr-dict `:` qualified(type($view))
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$view, "::mlir::Value":$base,
                                 "::mlir::Value":$offset, "::mlir::Value":$rows,
                                 "::mlir::Value":$stride), [{
    build($_builder, $_state, view, base, offset, rows, stride,
          /*group=*/::mlir::Value(), /*inner=*/::mlir::Value());
  }]>];
  let hasVerifier = 1;
}

def Attn_LoadOp : Attn_Op<"load", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "read a tile from global memory into registers";
  let description = [{
    A tile of R x C holds rows `row` to `row + R` of the view; with
    `transposed`, it holds the transpose of rows `row` to `row + C`. Each
    half-wave gets its own copy of a `columns` tile.

    A tile may be wider than the view, whose columns are then a multiple of 8:
    what is behind them is 0, whatever memory holds there.

    With a slot, the wave reads whole pieces of memory's lines, as many columns
    at a time as the slot has, and sorts them in its own rows of the slot, from
    `slot_row` on. No other wave may use these rows of the slot meanwhile.

    Example:

    ```mlir
    %q = attn.load %qv[%row] transposed
        : !attn.view<?x128xbf16> -> !attn.tile<128x32xbf16, mfma_b>
    %q = attn.load %qv[%row] transposed through %slot[%wave_row]
        : !attn.view<?x128xbf16>, !attn.slot<256x32xbf16, rows>
          -> !attn.tile<128x32xbf16, mfma_b>
    ```
  }];
  let arguments = (ins Attn_ViewType:$view, I32:$row, UnitAttr:$transposed,
                       Optional<Attn_SlotType>:$slot,
                       Optional<I32>:$slot_row);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = [{
    $view `[` $row `]` (`transposed` $transposed^)?
    (`through` $slot^ `[` $slot_row `]`)? attr-dict
    `:` qualified(type($view)) (`,` qualified(type($slot))^)? `->`
    qualified(type($tile))
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$tile, "::mlir::Value":$view,
                                 "::mlir::Value":$row, "bool":$transposed)>];
  let hasVerifier = 1;
}

def Attn_StoreOp : Attn_Op<"store", [AttrSizedOperandSegments,
                                     MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "write the columns of a tile to rows in global memory";
  let description = [{
    Column j of the tile becomes row `row + j` of the view, rounded to the
    view's element type. What is behind the view's columns, which are then a
    multiple of 8, is dropped.

    With a slot, the wave first gathers the rows in its own rows of the slot,
    from `slot_row` on, as many columns at a time as the slot has, and then
    writes whole pieces of memory's lines. No other wave may use these rows of
    the slot meanwhile.

    Example:

    ```mlir
    attn.store %o, %ov[%row] : !attn.tile<128x32xf32, mfma_c>, !attn.view<?x128xbf16>
    attn.store %lse, %lv[%row] : !attn.tile<1x32xf32, columns>, !attn.view<?x1xf32>
    attn.store %o, %ov[%row] through %slot[%wave_row]
        : !attn.tile<128x32xf32, mfma_c>, !attn.view<?x128xbf16>, !attn.slot<256x128xbf16, rows>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile, Attn_ViewType:$view, I32:$row,
                       Optional<Attn_SlotType>:$slot,
                       Optional<I32>:$slot_row);
  let assemblyFormat = [{
    $tile `,` $view `[` $row `]` (`through` $slot^ `[` $slot_row `]`)? attr-dict
    `:` qualified(type($tile)) `,` qualified(type($view)) (`,` qualified(type($slot))^)?
  }];
  let builders = [OpBuilder<(ins "::mlir::Value":$tile, "::mlir::Value":$view,
                                 "::mlir::Value":$row)>];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// LDS
//===----------------------------------------------------------------------===//

def Attn_AllocSlotOp : Attn_Op<"alloc_slot", [MemoryEffects<[MemAlloc]>]> {
  let summary = "an LDS slot for one KV tile";
  let description = [{
    Example: `%k0 = attn.alloc_slot "k0" : !attn.slot<64x128xbf16, rows>`
  }];
  let arguments = (ins StrAttr:$name);
  let results = (outs Attn_SlotType:$slot);
  let assemblyFormat = "$name attr-dict `:` qualified(type($slot))";
}

def Attn_FetchOp : Attn_Op<"fetch", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "start to copy a tile from global memory to a slot";
  let description = [{
    All waves of the workgroup take part, each with its share. Nothing may read
    the slot between this op and the `attn.sync` after its `attn.land`. Rows
    outside of the view, also those before row 0, come as zeros, and so do
    columns of the slot behind those of the view, which are then a multiple of 8.

    Example:

    ```mlir
    %f = attn.fetch %kv[%t] into %k0
        : !attn.view<?x128xbf16>, !attn.slot<64x128xbf16, rows> -> !attn.inflight<64x128xbf16>
    ```
  }];
  let arguments = (ins Attn_ViewType:$view, I32:$row, Attn_SlotType:$slot);
  let results = (outs Attn_InflightType:$inflight);
  let assemblyFormat = [{
    $view `[` $row `]` `into` $slot attr-dict
    `:` qualified(type($view)) `,` qualified(type($slot)) `->` qualified(type($inflight))
  }];
  let hasVerifier = 1;
}

def Attn_LandOp : Attn_Op<"land", [MemoryEffects<[MemWrite]>]> {
  let summary = "finish a fetch into its slot";
  let description = [{
    Writes what the fetch still holds in registers. The data is there for all
    waves after the next `attn.sync`.

    Example:

    ```mlir
    attn.land %f into %k0 : !attn.inflight<64x128xbf16>, !attn.slot<64x128xbf16, rows>
    ```
  }];
  let arguments = (ins Attn_InflightType:$inflight, Attn_SlotType:$slot);
  let assemblyFormat = [{
    $inflight `into` $slot attr-dict `:` qualified(type($inflight)) `,` qualified(type($slot))
  }];
  let hasVerifier = 1;
}

def Attn_SyncOp : Attn_Op<"sync", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "wait for own memory operations and for all waves";
  let description = [{
    Every wave's landed tiles are visible to every wave behind it, and no wave
    reads any more what it read before it.
  }];
  let assemblyFormat = "attr-dict";
}

def Attn_ReadOp : Attn_Op<"read", [MemoryEffects<[MemRead]>]> {
  let summary = "read a slot into registers";
  let description = [{
    From a `rows` slot the tile is the slot's matrix, from a `transposed` slot
    its transpose, with k in the order of the accumulator (see `!attn.tile`).
    A tile may leave out the slot's last columns.
    With a `row`, a multiple of 32, an mfma_b tile holds the transpose of the 32
    rows from there on of a `rows` slot, an mfma_a tile these rows.

    Example:

    ```mlir
    %v = attn.read %v0
        : !attn.slot<64x128xbf16, transposed> -> !attn.tile<128x64xbf16, mfma_a>
    %q = attn.read %q0[%row]
        : !attn.slot<256x128xbf16, rows> -> !attn.tile<128x32xbf16, mfma_b>
    %k = attn.read %k0[%c32]
        : !attn.slot<64x192xbf16, rows> -> !attn.tile<32x192xbf16, mfma_a>
    ```
  }];
  let arguments = (ins Attn_SlotType:$slot, Optional<I32>:$row);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = [{
    $slot (`[` $row^ `]`)? attr-dict `:` qualified(type($slot)) `->` qualified(type($tile))
  }];
  let builders = [OpBuilder<(ins "::mlir::Type":$tile, "::mlir::Value":$slot), [{
    build($_builder, $_state, tile, slot, /*row=*/::mlir::Value());
  }]>];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Registers
//===----------------------------------------------------------------------===//

def Attn_SplatOp : Attn_Op<"splat", [Pure]> {
  let summary = "a tile with one value everywhere";
  let description = [{
    Example: `%o = attn.splat %zero : !attn.tile<128x32xf32, mfma_c>`
  }];
  let arguments = (ins F32:$value);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = "$value attr-dict `:` qualified(type($tile))";
}

def Attn_MmaOp : Attn_Op<"mma", [Pure, AllTypesMatch<["acc", "res"]>]> {
  let summary = "multiply two tiles and add a third";
  let description = [{
    res = a b + acc, in f32, by the chip's full-rate MFMA.

    Example:

    ```mlir
    %s = attn.mma %k, %q, %zero : !attn.tile<64x128xbf16, mfma_a>,
        !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    ```
  }];
  let arguments = (ins Attn_TileType:$a, Attn_TileType:$b, Attn_TileType:$acc);
  let results = (outs Attn_TileType:$res);
  let assemblyFormat = [{
    $a `,` $b `,` $acc attr-dict `:` qualified(type($a)) `,` qualified(type($b)) `,` qualified(type($acc))
  }];
  let hasVerifier = 1;
}

def Attn_ConcatOp : Attn_Op<"concat", [Pure, SameTypeOperands]> {
  let summary = "the rows of two accumulators below each other";
  let description = [{
    What a schedule made in two places as one tile. The registers stay where
    they are.

    Example:

    ```mlir
    %s = attn.concat %s0, %s1 : !attn.tile<32x32xf32, mfma_c>
        -> !attn.tile<64x32xf32, mfma_c>
    ```
  }];
  let arguments = (ins Attn_TileType:$top, Attn_TileType:$bottom);
  let results = (outs Attn_TileType:$tile);
  let assemblyFormat = [{
    $top `,` $bottom attr-dict `:` qualified(type($top)) `->` qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Attn_FlipSignOp : Attn_Op<"flip_sign", [Pure, AllTypesMatch<["tile", "res"]>]> {
  let summary = "flip the signs of elements by a mask";
  let description = [{
    XORs every 32 bits of the tile with `mask`: 0x80008000 negates 16-bit
    elements and 0x80000000 those of f32, 0 does nothing.

    Example: `%qs = attn.flip_sign %q by %mask : !attn.tile<128x32xbf16, mfma_b>`
  }];
  let arguments = (ins Attn_TileType:$tile, I32:$mask);
  let results = (outs Attn_TileType:$res);
  let assemblyFormat = "$tile `by` $mask attr-dict `:` qualified(type($tile))";
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNTILEOPS_TD
