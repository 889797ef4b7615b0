//===- AttnSoftmaxOps.td - Masks and the online softmax -- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNSOFTMAXOPS_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNSOFTMAXOPS_TD

include "flyattn/Dialect/Attn/IR/AttnTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

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

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNSOFTMAXOPS_TD
