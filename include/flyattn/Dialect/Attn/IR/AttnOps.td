//===- AttnOps.td - Operator-level ops of attn ----------- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNOPS_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNOPS_TD

include "flyattn/Dialect/Attn/IR/AttnAttributes.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_ShapedOperand : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

/// What a region of attn.forward may take with it.
def Attn_Captured : AnyTypeOf<[AnyStridedMemRef, F32, I32],
    "memref, f32 or i32">;

def Attn_ForwardOp : Attn_Op<"forward", [
    AttrSizedOperandSegments, DestinationStyleOpInterface, IsolatedFromAbove,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "scaled-dot-product attention, forward";
  let description = [{
    For each batch b and query head h, with g = h / (heads / kv_heads):

        S   = scale * Q[b,:,h,:] K[b,:,g,:]^T      modified, then masked to -inf
        O   = softmax(S) V[b,:,g,:]
        LSE = log(sum(exp(S)))                     natural log, by row

    Destination style: `outs` are O and, if a second one is given, LSE. On
    tensors the op has a result for each; on memrefs it has none.

    The shape contract, under the `bshd` layout (`bhsd` swaps the middle two):

    * Q: batch x seqlen_q x heads x head_dim;
    * K: batch x seqlen_kv x kv_heads x head_dim; kv_heads divides heads;
    * V: batch x seqlen_kv x kv_heads x head_dim_v;
    * O: batch x seqlen_q x heads x head_dim_v;
    * LSE: batch x heads x seqlen_q, f32;
    * one element type, bf16, f16 or f32; static head dims, contiguous in memory.

    With `seqlens` the sequences of a batch are packed behind each other: Q is
    total_q x heads x head_dim, K total_kv x kv_heads x head_dim, V and O have
    head_dim_v in its place, the LSE is heads x total_q, and there is no batch
    dimension. Sequence b takes the
    rows from cu_seqlens[b] up to cu_seqlens[b + 1] of its operands, none if they
    are equal; cu_seqlens_q and cu_seqlens_kv hold an i32 more than there are
    sequences, start at 0, do not decrease and end at the total. `max` is at least
    the length of the longest query sequence. Diagonals count within a sequence.

    `mask` is absent (every row sees all of KV), a causal, a window or a chunked
    mask; `scale` defaults to 1 / sqrt(head_dim). Sums are kept in f32, and with
    f32 operands the weights as well.

    Scores can be modified, behind the scale and before the mask. With i and j
    row and column, and d = seqlen_kv - seqlen_q of the sequence, these come in
    this order:

    * `softcap(c)`, f32, positive: s = c * tanh(s / c);
    * `bias(m)`, f32 or the element type, batch x heads x seqlen_q x seqlen_kv,
      contiguous in its last dimension: s = s + m[b,h,i,j]. All dimensions but
      the last broadcast if their size is 1, or their stride 0. Of packed
      sequences, b is the sequence and i and j count within it;
    * `alibi(m)`, f32, one slope a head: s = s - m[h] * |i + d - j|;
    * `score_mod`, a region of pure arith and math ops and loads: of the score
      (f32), batch, head, row, column (index) and then the `captures`, which are
      memrefs or scalars, it yields the new score. A score of -inf is hidden;
    * `mask_mod`, a region of the same without the score, yields an i1: where it
      is false, the score becomes -inf.

    With packed sequences, a region's batch is the sequence, its row and column
    count within it.

    `sink(m)`, f32, one logit a head, adds exp(m[h]) to the denominator of each
    row, and to the sum in its LSE: a row that sees nothing has O = 0 and the
    LSE m[h]. In the partial form it is `attn.combine` that has the sink.

    Three `outs` are the partial form, which leaves the end to `attn.combine`:
    the op splits the columns that a row sees into parts and stores of each what
    is known of it alone (see there). They are

    * the parts of O: splits x batch x heads x seqlen_q x head_dim_v, f32;
    * the maxima and the sums of the rows: splits x batch x heads x seqlen_q, f32;

    in this order whatever the layout, without the batch if sequences are packed
    (splits x heads x total_q x head_dim_v), and contiguous in memory.

    Example:

    ```mlir
    attn.forward ins(%q, %k, %v : memref<2x512x8x128xbf16>,
                     memref<2x512x2x128xbf16>, memref<2x512x2x128xbf16>)
                 outs(%o, %lse : memref<2x512x8x128xbf16>, memref<2x8x512xf32>)
                 {mask = #attn.causal<bottom_right>}

    attn.forward ins(%q, %k, %v : memref<?x8x128xbf16>, memref<?x2x128xbf16>,
                     memref<?x2x128xbf16>)
                 seqlens(%cu_q, %cu_kv max %longest : memref<?xi32>, memref<?xi32>)
                 outs(%o : memref<?x8x128xbf16>)

    attn.forward ins(%q, %k, %v : memref<2x1x8x128xbf16>,
                     memref<2x9000x2x128xbf16>, memref<2x9000x2x128xbf16>)
                 outs(%parts, %max, %sum : memref<4x2x8x1x128xf32>,
                      memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)

    // A prefix of each sequence is seen by all of its rows, the rest causally.
    attn.forward ins(%q, %k, %v : memref<2x512x8x128xbf16>,
                     memref<2x512x2x128xbf16>, memref<2x512x2x128xbf16>)
                 softcap(%cap) captures(%prefix : memref<2xi32>)
                 outs(%o : memref<2x512x8x128xbf16>) mask_mod {
    ^bb0(%b: index, %h: index, %i: index, %j: index, %lengths: memref<2xi32>):
      %n = memref.load %lengths[%b] : memref<2xi32>
      %end = arith.index_cast %n : i32 to index
      %early = arith.cmpi slt, %j, %end : index
      %past = arith.cmpi sle, %j, %i : index
      %seen = arith.ori %early, %past : i1
      attn.yield %seen : i1
    }
    ```
  }];
  let arguments = (ins
    Attn_ShapedOperand:$q, Attn_ShapedOperand:$k, Attn_ShapedOperand:$v,
    Optional<Attn_ShapedOperand>:$cu_seqlens_q,
    Optional<Attn_ShapedOperand>:$cu_seqlens_kv,
    Optional<Index>:$max_seqlen_q,
    Optional<F32>:$softcap,
    Optional<Attn_ShapedOperand>:$bias,
    Optional<Attn_ShapedOperand>:$alibi_slopes,
    Optional<Attn_ShapedOperand>:$sink,
    Variadic<Attn_Captured>:$captures,
    Variadic<Attn_ShapedOperand>:$outs,
    OptionalAttr<Attn_MaskAttr>:$mask,
    OptionalAttr<F32Attr>:$scale,
    DefaultValuedAttr<Attn_LayoutAttr, "::mlir::attn::Layout::BSHD">:$layout,
    OptionalAttr<Attn_ConfigAttr>:$config);
  let results = (outs Variadic<AnyRankedTensor>:$res);
  let regions = (region AnyRegion:$score_mod, AnyRegion:$mask_mod);
  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v `:` type($q) `,` type($k) `,` type($v) `)`
    (`seqlens` `(` $cu_seqlens_q^ `,` $cu_seqlens_kv `max` $max_seqlen_q
     `:` type($cu_seqlens_q) `,` type($cu_seqlens_kv) `)`)?
    (`softcap` `(` $softcap^ `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`alibi` `(` $alibi_slopes^ `:` type($alibi_slopes) `)`)?
    (`sink` `(` $sink^ `:` type($sink) `)`)?
    (`captures` `(` $captures^ `:` type($captures) `)`)?
    `outs` `(` $outs `:` type($outs) `)` attr-dict (`->` type($res)^)?
    (`score_mod` $score_mod^)? (`mask_mod` $mask_mod^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
    ::mlir::Value getO() { return getOuts()[0]; }
    /// The LSE destination, or null.
    ::mlir::Value getLse() {
      return getOuts().size() == 2 ? getOuts()[1] : ::mlir::Value();
    }
    /// Whether some operand or region changes scores.
    bool modifiesScores() {
      return !getScoreMod().empty() || modifiesBeyondScoreMod();
    }
    /// Whether it is not score_mod alone that does.
    bool modifiesBeyondScoreMod() {
      return getSoftcap() || getBias() || getAlibiSlopes() ||
             !getMaskMod().empty();
    }
    /// Whether the outs are parts of O, maxima and sums.
    bool isPartial() { return getOuts().size() == 3; }
    /// Whether sequences are packed, without a batch dimension.
    bool isPacked() { return bool(getCuSeqlensQ()); }
    int64_t getSeqDim() {
      return isPacked() ? 0 : getLayout() == Layout::BSHD ? 1 : 2;
    }
    int64_t getHeadDimIndex() {
      return isPacked() ? 1 : getLayout() == Layout::BSHD ? 2 : 1;
    }
    int64_t getHeadDim() {
      return ::llvm::cast<::mlir::ShapedType>(getQ().getType())
          .getShape().back();
    }
    /// Of V and O.
    int64_t getHeadDimV() {
      return ::llvm::cast<::mlir::ShapedType>(getV().getType())
          .getShape().back();
    }
    ::mlir::Type getElementType() {
      return ::llvm::cast<::mlir::ShapedType>(getQ().getType()).getElementType();
    }
    /// The scale given, or 1 / sqrt(head_dim).
    float getScaleOrDefault();
  }];
}

def Attn_CombineOp : Attn_Op<"combine", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "merge what attn.forward stored of the parts of KV";
  let description = [{
    For each row, with s over the parts, (o_s, m_s, l_s) what `attn.forward`
    stored of part s, and M the greatest m_s:

        L   = sum over s of 2^(m_s - M) l_s
        O   = sum over s of 2^(m_s - M) o_s / L
        LSE = ln(2) * (M + log2(L))

    The parts are in base 2 and not normalised: over the columns j of part s,
    with x_j = log2(e) * scale * (score of column j), m_s is near the greatest
    x_j, l_s is the sum of 2^(x_j - m_s) and o_s that of 2^(x_j - m_s) V[j,:]. A
    part of which the row sees nothing has m_s = -inf, l_s = 0 and o_s = 0. A row
    that sees nothing in any part gives O = 0 and LSE = -inf.

    `sink(m)`, f32, one logit a head, adds 2^(log2(e) * m[h] - M) to L, with M
    the greatest of the m_s and of log2(e) * m[h].

    Destination style as `attn.forward`: `outs` are O, bf16, f16 or f32, in the
    `layout`, and, if a second one is given, LSE. The parts' sizes are those of
    `attn.forward`'s partial form; O has rank 4, or 3 for packed sequences.

    Example:

    ```mlir
    attn.combine ins(%parts, %max, %sum : memref<4x2x8x1x128xf32>,
                     memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
                 outs(%o, %lse : memref<2x1x8x128xbf16>, memref<2x8x1xf32>)
    ```
  }];
  let arguments = (ins
    Attn_ShapedOperand:$parts, Attn_ShapedOperand:$max, Attn_ShapedOperand:$sum,
    Optional<Attn_ShapedOperand>:$sink,
    Variadic<Attn_ShapedOperand>:$outs,
    DefaultValuedAttr<Attn_LayoutAttr, "::mlir::attn::Layout::BSHD">:$layout);
  let results = (outs Variadic<AnyRankedTensor>:$res);
  let assemblyFormat = [{
    `ins` `(` $parts `,` $max `,` $sum `:` type($parts) `,` type($max) `,` type($sum) `)`
    (`sink` `(` $sink^ `:` type($sink) `)`)?
    `outs` `(` $outs `:` type($outs) `)` attr-dict (`->` type($res)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
    ::mlir::Value getO() { return getOuts()[0]; }
    /// The LSE destination, or null.
    ::mlir::Value getLse() {
      return getOuts().size() > 1 ? getOuts()[1] : ::mlir::Value();
    }
    /// Whether sequences are packed, without a batch dimension.
    bool isPacked() {
      return ::llvm::cast<::mlir::ShapedType>(getO().getType()).getRank() == 3;
    }
    int64_t getSeqDim() {
      return isPacked() ? 0 : getLayout() == Layout::BSHD ? 1 : 2;
    }
    int64_t getHeadDimIndex() {
      return isPacked() ? 1 : getLayout() == Layout::BSHD ? 2 : 1;
    }
    int64_t getHeadDim() {
      return ::llvm::cast<::mlir::ShapedType>(getO().getType())
          .getShape().back();
    }
    ::mlir::Type getElementType() {
      return ::llvm::cast<::mlir::ShapedType>(getO().getType()).getElementType();
    }
  }];
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNOPS_TD
