//===- AttnTypes.td - Types of the attn dialect ---------- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNTYPES_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNTYPES_TD

include "flyattn/Dialect/Attn/IR/AttnAttributes.td"
include "mlir/IR/AttrTypeBase.td"

class Attn_Type<string name, string typeMnemonic>
    : TypeDef<Attn_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Attn_TileLayoutEnum : I32EnumAttr<"TileLayout", "how a tile lies in a wave's registers", [
      I32EnumAttrCase<"MfmaA", 0, "mfma_a">,
      I32EnumAttrCase<"MfmaB", 1, "mfma_b">,
      I32EnumAttrCase<"MfmaC", 2, "mfma_c">,
      I32EnumAttrCase<"Columns", 3, "columns">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_TileType : Attn_Type<"Tile", "tile"> {
  let summary = "a matrix in the registers of one wave";
  let description = [{
    The layout names the lanes and registers that hold an element. With
    h = lane / 32:

    * `mfma_a`: M x K operand in blocks of 32 x 16, of bf16, f16 or f32:
      row = lane % 32, k = 8h + e for element e of 8;
    * `mfma_b`: K x N operand in blocks of 16 x 32: column = lane % 32,
      k = 8h + e;
    * `mfma_c`: f32 accumulator in blocks of 32 x 32: column = lane % 32,
      row = 8 * (r / 4) + 4h + r % 4 for register r of 16;
    * `columns`: 1 x 32 f32, one value for each column; column = lane % 32,
      and each half-wave holds its own copy, or its own part of a sum.

    In an operand that is multiplied with probabilities (`mfma_b` made by
    `attn.softmax_step`, `mfma_a` read `transposed`), k counts rows of KV in the
    order in which the accumulator holds them: element e of half h is row
    8 * (e / 4) + 4h + e % 4 of the block. Both sides agree, so the product is
    the same.

    Example: `!attn.tile<64x128xbf16, mfma_a>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        EnumParameter<Attn_TileLayoutEnum>:$layout);
  let builders = [TypeBuilderWithInferredContext<
    (ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType,
         "TileLayout":$layout), [{
    return $_get(elementType.getContext(), shape, elementType, layout);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getRows() const { return getShape()[0]; }
    int64_t getColumns() const { return getShape()[1]; }
  }];
}

class Attn_MatrixType<string name, string typeMnemonic>
    : Attn_Type<name, typeMnemonic> {
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType);
  let builders = [TypeBuilderWithInferredContext<
    (ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType), [{
    return $_get(elementType.getContext(), shape, elementType);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getColumns() const { return getShape()[1]; }
  }];
}

def Attn_ViewKindEnum : I32EnumAttr<"ViewKind", "how the rows of a view are found", [
      I32EnumAttrCase<"Plain", 0, "plain">,
      I32EnumAttrCase<"Grouped", 1, "grouped">,
      I32EnumAttrCase<"Far", 2, "far">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_ViewType : Attn_Type<"View", "view"> {
  let summary = "a row-major matrix in global memory with a bound";
  let description = [{
    The rows of one head of one batch. Reads beyond the last row give zeros,
    writes there are dropped.

    The rows of a `grouped` view have two strides: they come in groups of equal
    size, such as the heads that read one KV head.

    The rows of a `far` view may be anywhere in 64 bits; each access is within
    32 bits of its own first row. Other views are within 32 bits as a whole,
    which spares the kernel some scalar arithmetic an access.

    Example: `!attn.view<?x128xbf16>`, `!attn.view<?x128xbf16, grouped>`,
    `!attn.view<?x128xbf16, far>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        EnumParameter<Attn_ViewKindEnum>:$kind);
  let builders = [TypeBuilderWithInferredContext<
    (ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType,
         CArg<"::mlir::attn::ViewKind",
              "::mlir::attn::ViewKind::Plain">:$kind), [{
    return $_get(elementType.getContext(), shape, elementType, kind);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getColumns() const { return getShape()[1]; }
    bool isGrouped() const { return getKind() == ViewKind::Grouped; }
    bool isFar() const { return getKind() == ViewKind::Far; }
  }];
}

def Attn_InflightType : Attn_MatrixType<"Inflight", "inflight"> {
  let summary = "a tile on its way from global memory to an LDS slot";
  let description = [{
    Made by `attn.fetch`, used up by `attn.land`. Where the chip copies straight
    into LDS it holds nothing; elsewhere it holds the registers that the data
    passes through.

    Example: `!attn.inflight<64x128xbf16>`
  }];
}

def Attn_ArrangementEnum : I32EnumAttr<"Arrangement", "how an LDS slot will be read", [
      I32EnumAttrCase<"Rows", 0, "rows">,
      I32EnumAttrCase<"Transposed", 1, "transposed">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_SlotType : Attn_Type<"Slot", "slot"> {
  let summary = "room for one KV tile in LDS";
  let description = [{
    Each slot becomes an LDS object of its own, with static addresses, so that
    LLVM can tell a copy into one from a read of another. The chip decides the
    address of each element; `rows` slots are read as they were written,
    `transposed` slots by columns. Columns come in blocks of 32, and in blocks
    of 64 where tiles are fetched.

    Example: `!attn.slot<64x128xbf16, rows>`
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape,
                        "::mlir::Type":$elementType,
                        EnumParameter<Attn_ArrangementEnum>:$arrangement);
  let builders = [TypeBuilderWithInferredContext<
    (ins "::llvm::ArrayRef<int64_t>":$shape, "::mlir::Type":$elementType,
         "Arrangement":$arrangement), [{
    return $_get(elementType.getContext(), shape, elementType, arrangement);
  }]>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Columns of fetched tiles come in multiples of this.
    static constexpr int64_t kColumnBlock = 64;
    int64_t getRows() const { return getShape()[0]; }
    int64_t getColumns() const { return getShape()[1]; }
  }];
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNTYPES_TD
