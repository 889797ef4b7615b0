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

def Attn_ForwardOp : Attn_Op<"forward", [
    AttrSizedOperandSegments, DestinationStyleOpInterface,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "scaled-dot-product attention, forward";
  let description = [{
    For each batch b and query head h, with g = h / (heads / kv_heads):

        S   = scale * Q[b,:,h,:] K[b,:,g,:]^T      masked to -inf
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

    `mask` is absent (every row sees all of KV), a causal or a window mask; `scale`
    defaults to 1 / sqrt(head_dim). Sums are kept in f32, and with f32 operands
    the weights as well.

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
    ```
  }];
  let arguments = (ins
    Attn_ShapedOperand:$q, Attn_ShapedOperand:$k, Attn_ShapedOperand:$v,
    Optional<Attn_ShapedOperand>:$cu_seqlens_q,
    Optional<Attn_ShapedOperand>:$cu_seqlens_kv,
    Optional<Index>:$max_seqlen_q,
    Variadic<Attn_ShapedOperand>:$outs,
    OptionalAttr<Attn_MaskAttr>:$mask,
    OptionalAttr<F32Attr>:$scale,
    DefaultValuedAttr<Attn_LayoutAttr, "::mlir::attn::Layout::BSHD">:$layout,
    OptionalAttr<Attn_ConfigAttr>:$config);
  let results = (outs Variadic<AnyRankedTensor>:$res);
  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v `:` type($q) `,` type($k) `,` type($v) `)`
    (`seqlens` `(` $cu_seqlens_q^ `,` $cu_seqlens_kv `max` $max_seqlen_q
     `:` type($cu_seqlens_q) `,` type($cu_seqlens_kv) `)`)?
    `outs` `(` $outs `:` type($outs) `)` attr-dict (`->` type($res)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
    ::mlir::Value getO() { return getOuts()[0]; }
    /// The LSE destination, or null.
    ::mlir::Value getLse() {
      return getOuts().size() == 2 ? getOuts()[1] : ::mlir::Value();
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
    DestinationStyleOpInterface,
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
    Variadic<Attn_ShapedOperand>:$outs,
    DefaultValuedAttr<Attn_LayoutAttr, "::mlir::attn::Layout::BSHD">:$layout);
  let results = (outs Variadic<AnyRankedTensor>:$res);
  let assemblyFormat = [{
    `ins` `(` $parts `,` $max `,` $sum `:` type($parts) `,` type($max) `,` type($sum) `)`
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
