//===- CheckHazards.h - Wait states that software has to keep -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// gfx942 and gfx950 do not interlock all registers: between a matrix
// instruction and a reader of its result, for example, the code must issue
// enough others. Every issued instruction is one wait state, `s_nop n` is
// n + 1, as LLVM's hazard recogniser counts them.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_CHECKHAZARDS_H
#define FLYATTN_LIB_SIMULATOR_CHECKHAZARDS_H

#include "CheckReports.h"
#include "Wave.h"

namespace flyattn::sim {

/// What an instruction makes, and how it uses registers, as far as rules tell
/// it apart: bits of enumerations in CheckHazards.cpp.
struct HazardTraits {
  uint16_t makesVector = 0, makesScalar = 0;
  uint16_t usesVector = 0, usesScalar = 0;
  uint8_t windowVector = 0, windowScalar = 0; ///< longest wait after it
  bool dot = false;
  uint16_t storesWide = 0; ///< how, if its data may not be overwritten at once
  uint32_t opcode = 0;     ///< equal for equal mnemonics
};

class HazardCheck {
public:
  HazardCheck(const Program &program, unsigned waves, CheckReports &reports);

  void beginWorkgroup();
  /// Before the instruction is executed.
  void step(const Wave &wave, const Inst *inst, const InstInfo &info);

private:
  /// The last instruction that made a register dangerous.
  struct Maker {
    uint32_t slot = 0; ///< its own
    uint32_t inst = 0;
  };
  /// One for each register. The first slot at which no rule holds any more
  /// stands apart: most of the time nothing else is looked at.
  struct Makers {
    std::vector<uint32_t> expires;
    std::vector<Maker> last;

    void resize(size_t size);
    void clear();
    void set(RegisterRange range, Maker maker, unsigned window);
    bool anyAlive(RegisterRange range, uint32_t slot) const;
    /// The maker of `reg`, or null if no rule holds any more.
    const Maker *alive(unsigned reg, uint32_t slot) const {
      return expires[reg] > slot ? &last[reg] : nullptr;
    }
  };
  struct WaveState {
    uint32_t slot = 0; ///< wait states so far
    /// Writers, readers as SrcC, and wide stores of a vector register.
    Makers writer, readerC, store;
    Makers scalarWriter;
  };
  struct Site {
    const Wave &wave;
    const Inst *inst;
    const InstInfo &info;
    const HazardTraits &traits;
    uint32_t slot;
  };

  void checkVectorReads(const Site &site, const WaveState &state);
  void checkRead(const Site &site, RegisterRange range, const Maker &maker,
                 unsigned reg);
  void checkVectorWrites(const Site &site, const WaveState &state);
  void checkScalarReads(const Site &site, const WaveState &state);
  void note(const Site &site, WaveState &state);
  unsigned useOf(const Site &site, RegisterRange range,
                 const Maker &maker) const;
  void report(const Site &site, const Maker &maker, int need,
              const std::string &name, const char *what);

  llvm::ArrayRef<InstInfo> infos;
  CheckReports &reports;
  bool gfx950;
  std::vector<HazardTraits> traits; ///< by Inst::index
  std::vector<WaveState> states;
};

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_CHECKHAZARDS_H
