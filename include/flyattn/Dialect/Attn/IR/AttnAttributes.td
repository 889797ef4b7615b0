//===- AttnAttributes.td - Attributes of the attn dialect  -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNATTRIBUTES_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNATTRIBUTES_TD

include "flyattn/Dialect/Attn/IR/AttnBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

class Attn_Attr<string name, string attrMnemonic>
    : AttrDef<Attn_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Attn_AlignmentEnum : I32EnumAttr<"CausalAlignment",
    "which corner of the score matrix the causal diagonal runs into", [
      I32EnumAttrCase<"BottomRight", 0, "bottom_right">,
      I32EnumAttrCase<"TopLeft", 1, "top_left">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_CausalAttr : Attn_Attr<"Causal", "causal"> {
  let summary = "a causal mask";
  let description = [{
    Query row i sees key column j iff `j <= i + d`, where d is
    `seqlen_kv - seqlen_q` for `bottom_right` and 0 for `top_left`. A row that
    sees nothing gives O = 0 and LSE = -inf.

    Example: `#attn.causal<bottom_right>`
  }];
  let parameters = (ins EnumParameter<Attn_AlignmentEnum>:$alignment);
  let assemblyFormat = "`<` $alignment `>`";
}

def Attn_WindowAttr : Attn_Attr<"Window", "window"> {
  let summary = "a sliding-window mask";
  let description = [{
    Query row i sees key column j iff `i + d - left <= j <= i + d + right`, where
    d is `seqlen_kv - seqlen_q`: both ends belong to the window. -1 leaves a side
    unbounded. A row that sees nothing gives O = 0 and LSE = -inf.

    The bounds are arguments of the kernel, so one kernel serves every window.

    Example: `#attn.window<left = 255, right = 0>`
  }];
  let parameters = (ins "int32_t":$left, "int32_t":$right);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Attn_ChunkedAttr : Attn_Attr<"Chunked", "chunked"> {
  let summary = "a causal mask within chunks";
  let description = [{
    Query row i sees key column j iff `j <= i + d` and both belong to one chunk:
    `floor((i + d) / size) == floor(j / size)`, where d is `seqlen_kv -
    seqlen_q`. A row that sees nothing gives O = 0 and LSE = -inf.

    The size is an argument of the kernel, so one kernel serves every size.

    Example: `#attn.chunked<size = 8192>`
  }];
  let parameters = (ins "int32_t":$size);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Attn_MaskAttr : AnyAttrOf<[Attn_CausalAttr, Attn_WindowAttr, Attn_ChunkedAttr],
    "a causal, a window or a chunked mask">;

def Attn_LayoutEnum : I32EnumAttr<"Layout", "the order of the operands' dimensions", [
      I32EnumAttrCase<"BSHD", 0, "bshd">,
      I32EnumAttrCase<"BHSD", 1, "bhsd">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_LayoutAttr : EnumAttr<Attn_Dialect, Attn_LayoutEnum, "layout"> {
  let summary = "batch, sequence, heads, head dim (bshd), or heads before sequence (bhsd)";
  let assemblyFormat = "`<` $value `>`";
}

def Attn_ScheduleEnum : I32EnumAttr<"Schedule", "how the work of a KV tile is ordered", [
      I32EnumAttrCase<"Generic", 0, "generic">,
      I32EnumAttrCase<"DualWave", 1, "dual_wave">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_ConfigAttr : Attn_Attr<"Config", "config"> {
  let summary = "the configuration of a forward kernel";
  let description = [{
    What `attn-select-config` decides and every later pass obeys.

    * `schedule`: `generic` double-buffers K and V, one barrier a KV tile;
      `dual_wave` keeps two groups of waves half a step apart (`attn.pipeline`);
    * `waves`: waves of 64 work-items a workgroup;
    * `rows_per_wave`: query rows a wave owns;
    * `kv_tile`: rows of K and V a loop step takes;
    * `slots`: LDS slots for each of K and V;
    * `splits`: parts of the KV sequence that workgroups of their own take;
      `attn-split-kv` makes more than one (1 if not said);
    * `pack_gqa`: the query heads of a KV head share the rows of a tile: row r is
      query row r / n of head r % n of the n that read it (false if not said);
    * `agprs`: accumulators may lie in accumulation registers: a lane has twice
      as many, some of which cost a copy (false if not said);
    * `far`: the rows of one head may span more than 32-bit offsets reach: what
      is not grouped by `pack_gqa` is a far view (false if not said).

    Example: `#attn.config<schedule = generic, waves = 4, rows_per_wave = 32,
    kv_tile = 64, slots = 2, splits = 8, pack_gqa = true>`
  }];
  let parameters = (ins
    EnumParameter<Attn_ScheduleEnum>:$schedule,
    "unsigned":$waves, "unsigned":$rows_per_wave,
    "unsigned":$kv_tile, "unsigned":$slots,
    DefaultValuedParameter<"unsigned", "1">:$splits,
    DefaultValuedParameter<"bool", "false">:$pack_gqa,
    DefaultValuedParameter<"bool", "false">:$agprs,
    DefaultValuedParameter<"bool", "false">:$far);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNATTRIBUTES_TD
