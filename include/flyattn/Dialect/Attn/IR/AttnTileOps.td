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

def Attn_MaskOp : Attn_Op<"mask", [Pure, AttrSizedOperandSegments,
                                  AllTypesMatch<["tile", "res"]>]> {
  let summary = "set the scores that a query may not see to -inf";
  let description = [{
    Element (i, j) of the S^T tile belongs to KV row `kv + i` and query row
    `q + j`. It stays iff `kv + i < limit` and, with a diagonal,
    `kv + i <= q + j + diagonal`, and, with a lower diagonal,
    `kv + i >= q + j + lower`, and, with a `chunk` of c, which needs a diagonal,
    `kv + i >= x - x % c` for x = q + j + diagonal, if that is not negative. With
    a `group` of n, in which n heads share the rows, (q + j) / n takes the place
    of `q + j`. The test that a tile needs any of it is uniform over the wave and
    skips the rest.

    Example:

    ```mlir
    %m = attn.mask %s kv %t q %row limit %seqlen_kv diagonal %delta
        : !attn.tile<64x32xf32, mfma_c>
    %w = attn.mask %s kv %t q %row limit %seqlen_kv diagonal %right lower %left
        : !attn.tile<64x32xf32, mfma_c>
    %g = attn.mask %s kv %t q %row limit %seqlen_kv diagonal %delta group %heads
        : !attn.tile<64x32xf32, mfma_c>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile, I32:$kv, I32:$q, I32:$limit,
                       Optional<I32>:$diagonal, Optional<I32>:$lower,
                       Optional<I32>:$group, Optional<I32>:$chunk);
  let results = (outs Attn_TileType:$res);
  let assemblyFormat = [{
    $tile `kv` $kv `q` $q `limit` $limit (`diagonal` $diagonal^)?
    (`lower` $lower^)? (`group` $group^)? (`chunk` $chunk^)? attr-dict
    `:` qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Attn_SoftmaxStepOp : Attn_Op<"softmax_step", [Pure,
    AllTypesMatch<["max", "sum", "newMax", "newSum"]>]> {
  let summary = "one step of the online softmax over a KV tile";
  let description = [{
    Per query column, in base 2 (`scale` holds log2(e)):

        max' = max(max, scale * rows of s)   if that is far above max in some
                                             column of the wave, else max
        p    = exp2(scale * s - max')
        sum' = sum * exp2(max - max') + rows of p

    `max` is kept scaled, so that a rescaling is exactly 1 while the maximum
    stays: rounding scale * max anew in each step would bias the sum. It follows
    lazily (see `attn.raise_max`). `p` is rounded to the element type of its
    tile. Each half-wave keeps its own part of the sum; `attn.finalize` adds
    them. `attn-decompose-softmax` replaces this op by its parts.

    Example:

    ```mlir
    %p, %m1, %l1 = attn.softmax_step %s, %m, %l scale %scale
        : !attn.tile<64x32xf32, mfma_c> -> !attn.tile<64x32xbf16, mfma_b>
    ```
  }];
  let arguments = (ins Attn_TileType:$scores, Attn_TileType:$max,
                       Attn_TileType:$sum, F32:$scale);
  let results = (outs Attn_TileType:$p, Attn_TileType:$newMax,
                      Attn_TileType:$newSum);
  let assemblyFormat = [{
    $scores `,` $max `,` $sum `scale` $scale attr-dict
    `:` qualified(type($scores)) `,` qualified(type($max)) `->` qualified(type($p))
  }];
  let hasVerifier = 1;
}

def Attn_RaiseMaxOp : Attn_Op<"raise_max", [Pure, AllTypesMatch<["max", "newMax"]>]> {
  let summary = "raise the running maximum of each column, lazily";
  let description = [{
    max' = max(max, scale * rows of s), if that exceeds `max` by more than
    `threshold` in some column of the wave; else max' = max. A threshold of t
    (powers of two) lets weights grow to 2^t, which is far from the end of f32's
    and f16's range, and saves the rescaling that would cost more; 0 raises the
    maximum whenever it can be. The result of the softmax is the same but for
    rounding.

    Example:

    ```mlir
    %m1 = attn.raise_max %m by %s scale %scale threshold 8.0
        : !attn.tile<1x32xf32, columns>, !attn.tile<64x32xf32, mfma_c>
    ```
  }];
  let arguments = (ins Attn_TileType:$max, Attn_TileType:$scores, F32:$scale,
                       F32Attr:$threshold);
  let results = (outs Attn_TileType:$newMax);
  let assemblyFormat = [{
    $max `by` $scores `scale` $scale `threshold` $threshold attr-dict
    `:` qualified(type($max)) `,` qualified(type($scores))
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Attn_ShiftScoresOp : Attn_Op<"shift_scores", [Pure, AllTypesMatch<["scores", "res"]>]> {
  let summary = "scale the scores and subtract the maximum of their column";
  let description = [{
    res = scale * s - max, with one rounding. A column with nothing visible so
    far has max = -inf: there 0 is subtracted, so that -inf stays -inf.

    Example:

    ```mlir
    %x = attn.shift_scores %s by %m scale %scale
        : !attn.tile<64x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    ```
  }];
  let arguments = (ins Attn_TileType:$scores, Attn_TileType:$max, F32:$scale);
  let results = (outs Attn_TileType:$res);
  let assemblyFormat = [{
    $scores `by` $max `scale` $scale attr-dict
    `:` qualified(type($scores)) `,` qualified(type($max))
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Attn_Exp2Op : Attn_Op<"exp2", [Pure, AllTypesMatch<["tile", "res"]>]> {
  let summary = "raise two to the power of some of a tile's registers";
  let description = [{
    Replaces the values in registers `begin` to `end` (not included) of each
    lane, counted through the tile's blocks, by 2 to their power. The others
    stay, so that a schedule can do a tile's exponentials in several places.

    Example: `%h = attn.exp2 %x[0 to 14] : !attn.tile<64x32xf32, mfma_c>`
  }];
  let arguments = (ins Attn_TileType:$tile, I64Attr:$begin, I64Attr:$end);
  let results = (outs Attn_TileType:$res);
  let assemblyFormat = [{
    $tile `[` $begin `to` $end `]` attr-dict `:` qualified(type($tile))
  }];
  let hasVerifier = 1;
}

def Attn_SumRowsOp : Attn_Op<"sum_rows", [Pure, AllTypesMatch<["sum", "newSum"]>]> {
  let summary = "add the rows of a tile to a sum for each column";
  let description = [{
    Each half-wave adds the rows that it holds to its own part of the sum.

    Example:

    ```mlir
    %l1 = attn.sum_rows %w to %l
        : !attn.tile<64x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile, Attn_TileType:$sum);
  let results = (outs Attn_TileType:$newSum);
  let assemblyFormat = [{
    $tile `to` $sum attr-dict `:` qualified(type($tile)) `,` qualified(type($sum))
  }];
  let hasVerifier = 1;
}

def Attn_PackOp : Attn_Op<"pack", [Pure]> {
  let summary = "round an accumulator to the operand of a product";
  let description = [{
    No value moves between lanes: k counts rows in the order in which the
    accumulator holds them (see `!attn.tile`). NaNs need not stay NaNs: a weight
    that is one makes the sum of its column one. An f32 operand is the
    accumulator's registers as they are.

    Example:

    ```mlir
    %p = attn.pack %w
        : !attn.tile<64x32xf32, mfma_c> -> !attn.tile<64x32xbf16, mfma_b>
    ```
  }];
  let arguments = (ins Attn_TileType:$tile);
  let results = (outs Attn_TileType:$res);
  let assemblyFormat = "$tile attr-dict `:` qualified(type($tile)) `->` qualified(type($res))";
  let hasVerifier = 1;
}

def Attn_RescaleOp : Attn_Op<"rescale", [Pure, AllTypesMatch<["max", "newMax"]>,
                                         InferTypeOpAdaptor]> {
  let summary = "make sums over weights follow a raised maximum";
  let description = [{
    Multiplies each column of the tiles by exp2(max - max'). Costs next to
    nothing in a wave where no maximum was raised.

    Example:

    ```mlir
    %o1, %l1 = attn.rescale %o, %l from %m to %m1
        : !attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
        by !attn.tile<1x32xf32, columns>
    ```
  }];
  let arguments = (ins Variadic<Attn_TileType>:$tiles, Attn_TileType:$max,
                       Attn_TileType:$newMax);
  let results = (outs Variadic<Attn_TileType>:$res);
  let assemblyFormat = [{
    $tiles `from` $max `to` $newMax attr-dict
    `:` qualified(type($tiles)) `by` qualified(type($max))
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Attn_FinalizeOp : Attn_Op<"finalize", [Pure, AllTypesMatch<["acc", "o"]>,
                                           AllTypesMatch<["max", "sum", "lse"]>]> {
  let summary = "normalise O and compute the LSE";
  let description = [{
    With L the sum over both half-waves: o = acc / L and
    lse = ln(2) * (max + log2(L)). Where L = 0, o = 0 and lse = -inf. A `whole`
    sum is L already, in both half-waves (`attn.add_halves`, `attn.merge`).

    Example:

    ```mlir
    %o1, %lse = attn.finalize %o, %m, %l
        : !attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    ```
  }];
  let arguments = (ins Attn_TileType:$acc, Attn_TileType:$max,
                       Attn_TileType:$sum, UnitAttr:$whole);
  let results = (outs Attn_TileType:$o, Attn_TileType:$lse);
  let assemblyFormat = [{
    $acc `,` $max `,` $sum (`whole` $whole^)? attr-dict
    `:` qualified(type($acc)) `,` qualified(type($max))
  }];
  let hasVerifier = 1;
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNTILEOPS_TD
