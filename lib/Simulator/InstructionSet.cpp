//===- InstructionSet.cpp - What a chip has and the simulator runs --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/InstructionSet.h"

#include "Decode.h"
#include "MachineCode.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

/// The first row whose prefix fits tells the family.
struct FamilyRow {
  StringRef prefix, family;
};
constexpr FamilyRow rows[] = {
    {"s_load_", "SMEM"},    {"s_store_", "SMEM"},  {"s_buffer_", "SMEM"},
    {"s_scratch_", "SMEM"}, {"s_atomic_", "SMEM"}, {"s_dcache_", "SMEM"},
    {"s_mem", "SMEM"},      {"s_atc_", "SMEM"},    {"s_", "SOP"},
    {"v_mfma_", "MFMA"},    {"v_smfmac_", "MFMA"}, {"v_accvgpr_", "VOP3P"},
    {"v_pk_", "VOP3P"},     {"v_dot", "VOP3P"},    {"v_fma_mix", "VOP3P"},
    {"v_mad_mix", "VOP3P"}, {"v_cmp", "VOPC"},     {"v_", "VOP"},
    {"ds_", "DS"},          {"buffer_", "MUBUF"},  {"tbuffer_", "MTBUF"},
    {"flat_", "FLAT"},      {"global_", "GLOBAL"}, {"scratch_", "SCRATCH"},
};

constexpr StringRef families[] = {
    "SOP",   "SMEM",  "VOP",  "VOPC",   "VOP3P",   "MFMA", "DS",
    "MUBUF", "MTBUF", "FLAT", "GLOBAL", "SCRATCH", "other"};

StringRef familyOf(StringRef mnemonic) {
  for (const FamilyRow &row : rows)
    if (mnemonic.starts_with(row.prefix))
      return row.family;
  return "other";
}

} // namespace

ArrayRef<StringRef> flyattn::sim::instructionFamilies() { return families; }

Expected<std::vector<ChipInstruction>>
flyattn::sim::instructionSet(StringRef chip) {
  if (chip != "gfx942" && chip != "gfx950")
    return createStringError(inconvertibleErrorCode(),
                             "unknown chip '" + chip +
                                 "': the simulator knows gfx942 and gfx950");
  auto mnemonics = assemblerMnemonics(chip);
  if (!mnemonics)
    return mnemonics.takeError();
  std::vector<ChipInstruction> result;
  for (std::string &mnemonic : *mnemonics) {
    bool implemented = opTable().contains(mnemonic);
    StringRef family = familyOf(mnemonic);
    result.push_back({std::move(mnemonic), family, implemented});
  }
  return result;
}
