//===- Attn.h - The attn dialect ------------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_DIALECT_ATTN_IR_ATTN_H
#define FLYATTN_DIALECT_ATTN_IR_ATTN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "flyattn/Dialect/Attn/IR/AttnDialect.h.inc"
#include "flyattn/Dialect/Attn/IR/AttnEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "flyattn/Dialect/Attn/IR/AttnAttributes.h.inc"
#define GET_TYPEDEF_CLASSES
#include "flyattn/Dialect/Attn/IR/AttnTypes.h.inc"
#define GET_OP_CLASSES
#include "flyattn/Dialect/Attn/IR/AttnOps.h.inc"

namespace mlir::attn {
/// Lets one-shot bufferization turn `attn.forward` and `attn.combine` on
/// tensors into the ops on memrefs.
void registerBufferizableOpInterfaceModels(DialectRegistry &registry);
} // namespace mlir::attn

#endif // FLYATTN_DIALECT_ATTN_IR_ATTN_H
