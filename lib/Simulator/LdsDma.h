//===- LdsDma.h - Loads from memory straight into LDS ---------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_LDSDMA_H
#define FLYATTN_LIB_SIMULATOR_LDSDMA_H

#include "Decode.h"
#include "Wave.h"

namespace flyattn::sim {

/// One width of LDS DMA.
struct DmaOp {
  const char *suffix; ///< "load_dwordx4"
  uint8_t bytes;      ///< read from memory, a lane
  uint8_t stride;     ///< of the lanes in LDS
  void (*perform)(Wave &, Access &);
};

llvm::ArrayRef<DmaOp> dmaOps();

enum : uint16_t { WideM0 = 2 }; ///< Inst::flags: M0 has 18 bits of address

/// Issues a DMA whose memory addresses stand in `access`: lane n goes to LDS
/// byte M0 + instruction offset + n * stride.
const Inst *issueDma(Wave &wave, const Inst *inst, const DmaOp &op,
                     Access &access, bool delayed);

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_LDSDMA_H
