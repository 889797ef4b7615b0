//===- AttnBase.td - The attn dialect -------------------- -*- tablegen -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTNBASE_TD
#define FLYATTN_DIALECT_ATTN_IR_ATTNBASE_TD

include "mlir/IR/OpBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::mlir::attn";
  let summary = "Scaled-dot-product attention, from the operator to the wave";
  let description = [{
    The dialect has two levels. `attn.forward` says what to compute, on tensors
    or memrefs. The tile ops say how one wave computes it: values of type
    `!attn.tile` are matrices spread over the 64 lanes of a wave in the form
    that a matrix instruction (MFMA) wants, and the ops move and combine them.

    Everything is computed transposed: S^T = K Q^T and O^T = V^T P^T. The
    accumulator of the first product then is, lane by lane, the B operand of the
    second, so that the probabilities never leave their registers.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

#endif // FLYATTN_DIALECT_ATTN_IR_ATTNBASE_TD
