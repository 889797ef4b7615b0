//===- AttnPartialOps.td - Tile ops on parts of KV ------- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNPARTIALOPS_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNPARTIALOPS_TD

include "flyattn/Dialect/Attn/IR/AttnTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_AddHalvesOp : Attn_Op<"add_halves", [Pure, AllTypesMatch<["sum", "res"]>]> {
  let summary = "add the half-waves' parts of a sum for each column";
  let description = [{
    Both half-waves get the whole sum.

    Example: `%L = attn.add_halves %l : !attn.tile<1x32xf32, columns>`
  }];
  let arguments = (ins Attn_TileType:$sum);
  let results = (outs Attn_TileType:$res);
  let assemblyFormat = "$sum attr-dict `:` qualified(type($sum))";
  let hasVerifier = 1;
}

def Attn_MergeOp : Attn_Op<"merge", [Pure,
    AllTypesMatch<["acc", "partAcc", "newAcc"]>,
    AllTypesMatch<["max", "sum", "partMax", "partSum", "newMax", "newSum"]>]> {
  let summary = "merge the results of two parts of KV";
  let description = [{
    Each part is (acc, max, sum): the sum of V's rows under the weights
    p = exp2(scale * s - max), not normalised, and the sum of the weights, whole
    in both half-waves. Per column:

        max' = max(max, max2)
        acc' = acc * exp2(max - max') + acc2 * exp2(max2 - max')
        sum' = sum * exp2(max - max') + sum2 * exp2(max2 - max')

    A second part whose sum is 0 saw nothing and counts for nothing, whatever
    its max is; its acc must be finite.

    Example:

    ```mlir
    %o2, %m2, %l2 = attn.merge %o, %m, %l with %o1, %m1, %l1
        : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    ```
  }];
  let arguments = (ins Attn_TileType:$acc, Attn_TileType:$max,
                       Attn_TileType:$sum, Attn_TileType:$partAcc,
                       Attn_TileType:$partMax, Attn_TileType:$partSum);
  let results = (outs Attn_TileType:$newAcc, Attn_TileType:$newMax,
                      Attn_TileType:$newSum);
  let assemblyFormat = [{
    $acc `,` $max `,` $sum `with` $partAcc `,` $partMax `,` $partSum attr-dict
    `:` qualified(type($acc)) `,` qualified(type($max))
  }];
  let hasVerifier = 1;
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNPARTIALOPS_TD
