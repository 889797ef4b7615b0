//===- AttnScoreOps.td - Tile ops on modified scores ----- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNSCOREOPS_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNSCOREOPS_TD

include "flyattn/Dialect/Attn/IR/AttnTypes.td"
include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A pointer and strides make a captured memref.
def Attn_CapturedInKernel : AnyTypeOf<[
    LLVM_PointerInAddressSpace<1>, I64, F32, I32],
    "pointer to global memory, i64, f32 or i32">;

def Attn_ModifyScoresOp : Attn_Op<"modify_scores", [
    MemoryEffects<[MemRead]>, AttrSizedOperandSegments, IsolatedFromAbove,
    SingleBlock, AllTypesMatch<["tile", "res"]>]> {
  let summary = "replace each score by what a region makes of it";
  let description = [{
    Element (i, j) of the S^T tile belongs to KV row `kv + i` and query row
    `q + j`. It becomes what the region yields for

    * its score, `scale` times the element: the natural one, not in base 2;
    * the batch and the head;
    * its query row and its KV row (column of S);
    * the captured operands, in order.

    Rows beyond the last of `rows`, and columns beyond the last of `limit`, are
    given to the region as that last one, so that what it reads by them is there:
    a mask hides the columns, and the rows are not stored. Without a `limit` the
    tile has no such columns. With a `group` of n, in which n heads share the
    rows, (q + j) / n is the query row, and `head` + (q + j) % n the head.

    A memref of the region is a pointer to its first element and a stride in
    elements for each of its dimensions among the `captures`, a scalar is
    itself. The region holds pure ops and `memref.load` from its memrefs.

    Example:

    ```mlir
    %m = attn.modify_scores %s scale %scale kv %t q %row rows %seqlen_q
        limit %seqlen_kv batch %b head %h captures(%p, %n : !llvm.ptr<1>, i64)
        : !attn.tile<64x32xf32, mfma_c> {
    ^bb0(%x: f32, %batch: index, %head: index, %i: index, %j: index,
         %bias: memref<?xf32, strided<[?]>>):
      %y = memref.load %bias[%j] : memref<?xf32, strided<[?]>>
      %z = arith.addf %x, %y : f32
      attn.yield %z : f32
    }
    ```
  }];
  let arguments = (ins Attn_TileType:$tile, F32:$scale, I32:$kv, I32:$q,
                       I32:$rows, Optional<I32>:$limit, I32:$batch, I32:$head,
                       Optional<I32>:$group,
                       Variadic<Attn_CapturedInKernel>:$captures);
  let results = (outs Attn_TileType:$res);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $tile `scale` $scale `kv` $kv `q` $q `rows` $rows (`limit` $limit^)?
    `batch` $batch `head` $head (`group` $group^)?
    (`captures` `(` $captures^ `:` type($captures) `)`)? attr-dict
    `:` qualified(type($tile)) $body
  }];
  let hasRegionVerifier = 1;
}

def Attn_AddSinkOp : Attn_Op<"add_sink", [Pure, AllTypesMatch<["acc", "newAcc"]>,
    AllTypesMatch<["max", "sum", "sink", "newMax", "newSum"]>]> {
  let summary = "one more logit for each column, without a row of V";
  let description = [{
    (acc, max, sum) is what is known of the columns: the sum of V's rows under
    the weights p = exp2(scale * s - max), not normalised, and the sum of the
    weights, whole in both half-waves. `sink` is a natural logarithm. Per column:

        max' = max(max, log2(e) * sink)
        acc' = acc * exp2(max - max')
        sum' = sum * exp2(max - max') + exp2(log2(e) * sink - max')

    A sink of -inf changes nothing.

    Example:

    ```mlir
    %o1, %m1, %l1 = attn.add_sink %o, %m, %l with %sink
        : !attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    ```
  }];
  let arguments = (ins Attn_TileType:$acc, Attn_TileType:$max,
                       Attn_TileType:$sum, Attn_TileType:$sink);
  let results = (outs Attn_TileType:$newAcc, Attn_TileType:$newMax,
                      Attn_TileType:$newSum);
  let assemblyFormat = [{
    $acc `,` $max `,` $sum `with` $sink attr-dict
    `:` qualified(type($acc)) `,` qualified(type($max))
  }];
  let hasVerifier = 1;
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNSCOREOPS_TD
