//===- CheckDefined.h - Values that nothing has written -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers and LDS hold nothing known when a workgroup starts. Being undefined
// spreads from operands to results, by lane in vector registers, by bit in
// scalar ones and by byte in LDS, and is reported only where it matters: in an
// address, a branch, EXEC, M0 of a DMA, and the data of a store to memory.
// Kernels may compute on undefined values whose results they then drop.
// Global memory and scratch count as defined.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_CHECKDEFINED_H
#define FLYATTN_LIB_SIMULATOR_CHECKDEFINED_H

#include "CheckPending.h"

namespace flyattn::sim {

class DefinedCheck {
public:
  DefinedCheck(const Program &program, unsigned waves, uint32_t ldsSize,
               CheckReports &reports);

  void beginWorkgroup();
  /// Before the instruction is executed, while its sources have their values.
  void step(const Wave &wave, const Inst *inst, const InstInfo &info);
  /// Registers that the text does not name may have been written: from here on
  /// all of the wave's count as written.
  void forget(const Wave &wave);
  /// While a memory instruction is issued: LDS bytes, and the data of stores.
  void memory(const MemoryEvent &event, const Operation &operation);

private:
  /// How being undefined spreads through an instruction.
  enum class Rule : uint8_t {
    None,       ///< no registers, or nothing of interest
    Vector,     ///< any source of a lane, that lane
    Matrix,     ///< columns of B, all of A, elements of C
    Select,     ///< v_cndmask: the chosen source
    ByElement,  ///< v_mov_b64: register by register
    LowFirst,   ///< 64-bit sums: the low half does not depend on high ones
    Dpp,        ///< sources of other lanes
    ReadLane,   ///< v_readlane, v_readfirstlane
    WriteLane,  ///< v_writelane
    Swap,       ///< v_swap: whole registers
    SwapBlocks, ///< v_permlane16_swap, v_permlane32_swap
    Scalar,     ///< any bit of a source, all bits
    ScalarMove, ///< bit by bit
    ScalarAnd,  ///< a known 0 decides
    ScalarOr,   ///< a known 1 decides
    ScalarXor,  ///< bit by bit
    ScalarSelect,
    SaveExec, ///< s_and_saveexec and the like
    Branch,
    Load,  ///< Vmem and Smem: result from memory; the address matters
    Local, ///< LDS and DMA: see memory()
  };
  struct Traits {
    Rule rule = Rule::None;
    bool laneMasks = false; ///< scalar pairs hold a bit a lane
    bool firstNot = false, secondNot = false; ///< of ScalarAnd and ScalarOr
    uint8_t width = 0; ///< Matrix: columns; SwapBlocks: lanes
    bool transposes = false;
  };
  struct WaveState {
    std::vector<uint64_t> vector; ///< a bit a lane: undefined
    std::vector<uint32_t> scalar; ///< a bit a bit: undefined
  };
  struct Site {
    const Wave &wave;
    const Inst *inst;
    const InstInfo &info;
    const Traits &traits;
    WaveState &state;
  };

  Traits traitsOf(llvm::StringRef text, const InstInfo &info) const;
  static uint64_t scalarBits(const Site &site, unsigned slot, unsigned count);
  static uint64_t vectorSources(const Site &site);
  static uint64_t scalarSources(const Site &site);
  void stepVector(const Site &site);
  void stepLowFirst(const Site &site);
  uint64_t matrixColumns(const Site &site) const;
  uint64_t dppSources(const Site &site) const;
  uint64_t selectSources(const Site &site) const;
  void stepMatrix(const Site &site);
  void stepLanes(const Site &site);
  void stepScalar(const Site &site);
  void bitwise(const Site &site, uint64_t a, uint64_t b, uint64_t ua,
               uint64_t ub, uint64_t &bits, bool &sccUnknown) const;
  void setScalars(const Site &site, uint64_t bits, bool scc);
  void checkAddress(const Site &site);
  void checkBranch(const Site &site);
  void report(const Site &site, uint64_t lanes, const std::string &what);

  void ldsWrite(const Operation &operation, const Inst *inst, WaveState &state);
  void ldsRead(const Operation &operation, WaveState &state);
  uint64_t undefinedLanes(const Operation &operation, uint32_t offset) const;
  void permute(const MemoryEvent &event, WaveState &state);
  void storeData(const MemoryEvent &event, WaveState &state);
  void setBytes(uint32_t address, unsigned bytes, bool defined);
  bool bytesDefined(uint32_t address, unsigned bytes) const;

  const Program &program;
  CheckReports &reports;
  std::vector<Traits> traits; ///< by Inst::index
  std::vector<WaveState> states;
  std::vector<uint64_t> ldsDefined; ///< a bit a byte
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_CHECKDEFINED_H
