//===- Attn.td - The whole attn dialect ------------------ -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTN_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTN_TD

include "flyattn/Dialect/Attn/IR/AttnAttributes.td"
include "flyattn/Dialect/Attn/IR/AttnTypes.td"
include "flyattn/Dialect/Attn/IR/AttnOps.td"
include "flyattn/Dialect/Attn/IR/AttnTileOps.td"
include "flyattn/Dialect/Attn/IR/AttnSoftmaxOps.td"
include "flyattn/Dialect/Attn/IR/AttnPartialOps.td"
include "flyattn/Dialect/Attn/IR/AttnScheduleOps.td"
include "flyattn/Dialect/Attn/IR/AttnScoreOps.td"

#endif // FLYATTN_DIALECT_ATTN_IR_ATTN_TD
