//===- VectorOp.h - The table of vector instructions ----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sources that define vector instructions are compiled once for every level of
// the host's vector extensions (FLYATTN_ISA names it) and give the same bits
// on each: they use IEEE operations and explicit fused multiply-adds only.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_VECTOROP_H
#define FLYATTN_LIB_SIMULATOR_VECTOROP_H

#include "Inst.h"

#include "llvm/ADT/ArrayRef.h"

namespace flyattn::sim {

/// What becomes of the results of a vector instruction.
enum class VectorForm : uint8_t {
  Value,       ///< vdst, sources
  Compare,     ///< sdst (a lane mask), sources
  CompareExec, ///< the same, and EXEC
  Select,      ///< vdst, sources, the last of which is a lane mask
  CarryOut,    ///< vdst, sdst, sources
  CarryInOut,  ///< vdst, sdst, sources, the last of which is a lane mask
};

struct VectorOp {
  const char *name;
  uint8_t sources; ///< vector sources
  VectorForm form;
  LaneType dst;
  LaneType src[3];
  bool keepsHigh;   ///< a 16-bit result keeps the other half of its register
  bool readsDst;    ///< the destination is the last source (v_fmac)
  bool makesHalf;   ///< f16 results in a 32-bit register
  Handler general;  ///< any operands, any modifiers
  Handler plain[8]; ///< by Inst::scalars, without modifiers; may be null
  Handler signs;    ///< with signs of f32 sources only; may be null
  Handler parts;    ///< with SDWA's choice of source parts only; may be null
};

/// A packed instruction (VOP3P).
struct PackedOp {
  const char *name;
  uint8_t sources;
  LaneType type; ///< of a half: F16, B16, or F32
  Handler general;
  Handler plain; ///< F32: vector operands without aliasing; may be null
};

struct VectorTables {
  llvm::SmallVector<llvm::ArrayRef<VectorOp>, 8> ops;
  llvm::SmallVector<llvm::ArrayRef<PackedOp>, 2> packed;
};

/// The tables for the best vector extension of this host.
const VectorTables &vectorTables();

/// The row of a mnemonic without suffix, or null.
const VectorOp *findVectorOp(llvm::StringRef mnemonic);

#define FLYATTN_DECLARE_VECTOR_TABLES(ISA)                                     \
  namespace ISA {                                                              \
  llvm::ArrayRef<VectorOp> arithmeticOps();                                    \
  llvm::ArrayRef<VectorOp> integerOps();                                       \
  llvm::ArrayRef<VectorOp> convertOps();                                       \
  llvm::ArrayRef<VectorOp> halfOps();                                          \
  llvm::ArrayRef<VectorOp> wideOps();                                          \
  llvm::ArrayRef<VectorOp> compareOps();                                       \
  llvm::ArrayRef<VectorOp> maskOps();                                          \
  llvm::ArrayRef<VectorOp> byteOps();                                          \
  llvm::ArrayRef<PackedOp> packedOps();                                        \
  llvm::ArrayRef<PackedOp> dotOps();                                           \
  }
FLYATTN_DECLARE_VECTOR_TABLES(baseline)
FLYATTN_DECLARE_VECTOR_TABLES(avx2)
#undef FLYATTN_DECLARE_VECTOR_TABLES

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_VECTOROP_H
