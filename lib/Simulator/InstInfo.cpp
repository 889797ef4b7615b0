//===- InstInfo.cpp - Static facts of each instruction --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Registers come from LLVM's MCInst and MCInstrDesc by the names of
// MCRegisterInfo, passes from its scheduling model, units from mnemonics: the
// headers with AMDGPU's opcodes and flags are not part of an LLVM package.
//
//===----------------------------------------------------------------------===//

#include "InstInfo.h"

#include "AsmText.h"
#include "Atomics.h"
#include "LdsDma.h"
#include "MachineCode.h"
#include "ProgramImpl.h"
#include "Transfer.h"

#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCSchedule.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

struct UnitRow {
  const char *prefix; ///< of the mnemonic
  Unit unit;
};

/// The first row that fits decides.
constexpr UnitRow unitTable[] = {
    {"s_waitcnt", Unit::Wait},
    {"s_nop", Unit::Nop},
    {"s_barrier", Unit::Barrier},
    {"s_setprio", Unit::SetPriority},
    {"s_endpgm", Unit::End},
    {"s_branch", Unit::Branch},
    {"s_cbranch", Unit::Branch},
    {"s_setpc", Unit::Branch},
    {"s_swappc", Unit::Branch},
    {"s_call", Unit::Branch},
    {"s_load", Unit::Smem},
    {"s_buffer_load", Unit::Smem},
    {"s_store", Unit::Smem},
    {"s_buffer_store", Unit::Smem},
    {"s_atomic", Unit::Smem},
    {"s_buffer_atomic", Unit::Smem},
    {"s_memtime", Unit::Smem},
    {"s_memrealtime", Unit::Smem},
    {"s_sendmsg", Unit::Other},
    {"s_sleep", Unit::Other},
    {"s_sethalt", Unit::Other},
    {"s_trap", Unit::Other},
    {"s_icache", Unit::Other},
    {"s_dcache", Unit::Other},
    {"s_ttracedata", Unit::Other},
    {"s_incperflevel", Unit::Other},
    {"s_decperflevel", Unit::Other},
    {"s_", Unit::Salu},
    {"v_mfma_", Unit::Mfma},
    {"v_smfmac_", Unit::Mfma},
    {"v_pk_mul_f32", Unit::PackedMath},
    {"v_pk_add_f32", Unit::PackedMath},
    {"v_pk_fma_f32", Unit::PackedMath},
    {"v_exp_", Unit::Transcendental},
    {"v_log_", Unit::Transcendental},
    {"v_rcp_", Unit::Transcendental},
    {"v_rsq_", Unit::Transcendental},
    {"v_sqrt_", Unit::Transcendental},
    {"v_sin_", Unit::Transcendental},
    {"v_cos_", Unit::Transcendental},
    {"v_", Unit::Valu},
    {"ds_", Unit::Lds},
    {"buffer_wbl2", Unit::Other},
    {"buffer_inv", Unit::Other},
    {"buffer_", Unit::Vmem},
    {"global_", Unit::Vmem},
    {"flat_", Unit::Vmem},
    {"scratch_", Unit::Vmem},
};

Unit unitOf(const AsmText &text) {
  for (const UnitRow &row : unitTable)
    if (text.base.starts_with(row.prefix)) {
      bool dma = row.unit == Unit::Vmem &&
                 (text.has("lds") || text.base.contains("_lds_"));
      return dma ? Unit::LdsDma : row.unit;
    }
  return Unit::Other;
}

/// A register of LLVM's: in which file, and where.
struct NamedRegister {
  enum File : uint8_t { None, Vector, Accumulation, Scalar } file = None;
  RegisterRange range;
};

struct SpecialRegister {
  const char *name;
  uint16_t slot, count;
};
constexpr SpecialRegister specialRegisters[] = {
    {"VCC", SlotVcc, 2},        {"VCC_LO", SlotVcc, 1},
    {"VCC_HI", SlotVcc + 1, 1}, {"EXEC", SlotExec, 2},
    {"EXEC_LO", SlotExec, 1},   {"EXEC_HI", SlotExec + 1, 1},
    {"M0", SlotM0, 1},          {"M0_gfxpre11", SlotM0, 1},
    {"SCC", SlotScc, 1},        {"MODE", SlotMode, 1},
};

/// "VGPR4_VGPR5", "SGPR0", "VCC", ... The names of tuples list their members.
NamedRegister parseRegister(StringRef name) {
  for (const SpecialRegister &special : specialRegisters)
    if (name == special.name)
      return {NamedRegister::Scalar, {special.slot, special.count}};
  auto [head, rest] = name.split('_');
  NamedRegister result;
  unsigned base = 0;
  if (head.consume_front("VGPR"))
    result.file = NamedRegister::Vector;
  else if (head.consume_front("AGPR"))
    result.file = NamedRegister::Accumulation;
  else if (head.consume_front("SGPR"))
    result.file = NamedRegister::Scalar;
  else if (head.consume_front("TTMP")) {
    result.file = NamedRegister::Scalar;
    base = 108;
  }
  unsigned number;
  if (result.file == NamedRegister::None || head.getAsInteger(10, number))
    return {};
  unsigned count = 1;
  for (; !rest.empty(); rest = rest.split('_').second)
    count += rest.contains("GPR") || rest.contains("TTMP");
  result.range = {uint16_t(base + number), uint16_t(count)};
  return result;
}

/// The data transfers of a mnemonic: bytes a lane.
const StringMap<uint8_t> &transferBytes() {
  static const StringMap<uint8_t> table = [] {
    StringMap<uint8_t> all;
    auto add = [&](StringRef prefix, auto ops) {
      for (const TransferOp &op : ops)
        all[(prefix + op.suffix).str()] = op.bytes;
    };
    for (const char *prefix : {"buffer_", "global_", "flat_", "scratch_"}) {
      add(prefix, memoryTransfers());
      add(prefix, memoryAtomics());
    }
    add("ds_", ldsTransfers());
    for (const TransferOp &op : ldsAtomics()) {
      auto [name, type] = StringRef(op.suffix).rsplit('_');
      all[("ds_" + StringRef(op.suffix)).str()] = op.bytes;
      all[("ds_" + name + "_rtn_" + type).str()] = op.bytes;
    }
    for (const DmaOp &op : dmaOps()) {
      StringRef width = StringRef(op.suffix).substr(strlen("load_"));
      all[("global_load_lds_" + width).str()] = op.bytes;
    }
    return all;
  }();
  return table;
}

/// Makes the records of one program.
class Describer {
public:
  Describer(const Program::Impl &program, const ChipDescription &chip)
      : program(program), chip(chip) {}

  std::vector<InstInfo> run();

private:
  void describe(const MCInst &mc, const AsmText &text, InstInfo &info);
  void addOperand(const MCInst &mc, unsigned n, RegisterRanges &vector,
                  RegisterRanges &scalar);
  void addRegister(MCRegister reg, RegisterRanges &vector,
                   RegisterRanges &scalar);
  void addImplicit(const MCInstrDesc &desc, InstInfo &info);
  void describeMfma(const MCInst &mc, const AsmText &text, InstInfo &info);
  void describePackedMath(const AsmText &text, InstInfo &info);
  void describeMemory(const AsmText &text, InstInfo &info);
  RegisterRange vectorOperand(const TextOperand &op) const;
  unsigned latencyOf(const MCInst &mc) const;

  const Program::Impl &program;
  const ChipDescription &chip;
};

} // namespace

void Describer::addRegister(MCRegister reg, RegisterRanges &vector,
                            RegisterRanges &scalar) {
  if (!reg)
    return;
  NamedRegister named = parseRegister(chip.registers->getName(reg));
  if (named.file == NamedRegister::Accumulation)
    named.range.first += uint16_t(program.info.accumOffset);
  if (named.file == NamedRegister::None)
    return;
  RegisterRanges &list = named.file == NamedRegister::Scalar ? scalar : vector;
  // A register beyond the allocation makes the instruction one that fails.
  if (&list == &vector && named.range.end() > program.info.vgprs)
    return;
  if (!is_contained(list, named.range))
    list.push_back(named.range);
}

void Describer::addOperand(const MCInst &mc, unsigned n, RegisterRanges &vector,
                           RegisterRanges &scalar) {
  if (n < mc.getNumOperands() && mc.getOperand(n).isReg())
    addRegister(mc.getOperand(n).getReg(), vector, scalar);
}

void Describer::addImplicit(const MCInstrDesc &desc, InstInfo &info) {
  RegisterRanges vector, reads;
  for (MCPhysReg reg : desc.implicit_uses())
    addRegister(reg, vector, reads);
  for (RegisterRange range : reads)
    if (!(info.unit == Unit::Mfma && range.first == SlotExec) &&
        !(info.unit == Unit::Lds && range.first == SlotM0 && !info.addressInM0))
      info.scalarReads.push_back(range);
  for (MCPhysReg reg : desc.implicit_defs())
    addRegister(reg, info.vectorWrites, info.scalarWrites);
}

RegisterRange Describer::vectorOperand(const TextOperand &op) const {
  if (op.kind != TextOperand::Vgpr && op.kind != TextOperand::Agpr)
    return {};
  unsigned base = op.kind == TextOperand::Agpr ? program.info.accumOffset : 0;
  RegisterRange range = {uint16_t(base + op.reg), op.count};
  return range.end() > program.info.vgprs ? RegisterRange() : range;
}

/// Cycles until the first result, in LLVM's scheduling model of the chip.
unsigned Describer::latencyOf(const MCInst &mc) const {
  const MCSubtargetInfo &subtarget = *chip.subtarget;
  const MCSchedModel &model = subtarget.getSchedModel();
  unsigned number = chip.instructions->get(mc.getOpcode()).getSchedClass();
  while (number && model.getSchedClassDesc(number)->isVariant())
    number = subtarget.resolveVariantSchedClass(
        number, &mc, chip.instructions.get(), model.getProcessorID());
  const MCSchedClassDesc &desc = *model.getSchedClassDesc(number);
  if (!desc.isValid() || !desc.NumWriteLatencyEntries)
    return 0;
  return unsigned(subtarget.getWriteLatencyEntry(&desc, 0)->Cycles);
}

/// LLVM's latencies of matrix instructions are their passes. Its MC layer
/// takes every f8f6f4 for one of the narrow formats; an operand of 8 bits
/// (formats 0 and 1) doubles the passes (the CDNA4 ISA document's table of
/// dependency wait states; LLVM's predicate looks at cbsz and blgp as well).
void Describer::describeMfma(const MCInst &mc, const AsmText &text,
                             InstInfo &info) {
  info.passes = uint8_t(latencyOf(mc));
  if (text.base.contains("f8f6f4") &&
      (text.number("cbsz") < 2 || text.number("blgp") < 2))
    info.passes *= 2;
  info.xdl = !text.base.ends_with("_f32") && !text.base.ends_with("_f64");
  if (text.operands.size() < 4)
    return;
  info.srcA = vectorOperand(text.operands[1]);
  info.srcB = vectorOperand(text.operands[2]);
  info.srcC = text.base.starts_with("v_smfmac")
                  ? vectorOperand(text.operands[0])
                  : vectorOperand(text.operands[3]);
}

/// Bytes, and the vector registers that are address and data.
void Describer::describeMemory(const AsmText &text, InstInfo &info) {
  bool lds = info.unit == Unit::Lds;
  info.permutes =
      text.base.contains("permute") || text.base.contains("swizzle");
  info.pushes = text.base == "ds_permute_b32";
  if (auto it = transferBytes().find(text.base); it != transferBytes().end())
    info.bytes = it->second;
  if (info.addressInM0) {
    bool oneCounter = !text.base.contains("_addtid_") && lds;
    info.bytes = lds ? 4 : info.bytes;
    info.laneStride = oneCounter ? 0 : info.bytes > 4 ? 16 : 4;
  }
  info.pair = lds && (text.base.starts_with("ds_read2") ||
                      text.base.starts_with("ds_write2"));
  if (info.pair) {
    info.bytes = text.base.ends_with("b64") ? 8 : 4;
    unsigned unit = info.bytes * (text.base.contains("st64") ? 64 : 1);
    info.pairOffset[0] = unsigned(text.number("offset0")) * unit;
    info.pairOffset[1] = unsigned(text.number("offset1")) * unit;
  }
  info.atomic = info.loads && info.stores && info.unit != Unit::LdsDma;
  info.stores &= info.unit != Unit::LdsDma;
  // What DS atomics without a result and permutes are is not in the flags.
  if (lds && !info.permutes && !text.base.starts_with("ds_read") &&
      !text.base.starts_with("ds_write"))
    info.atomic = info.loads = info.stores = true;

  // Results stand first. DS, flat and global: address, then data; buffers:
  // data, then address, and a returned value replaces the data.
  SmallVector<RegisterRange, 4> operands;
  for (const TextOperand &op : text.operands)
    operands.push_back(vectorOperand(op));
  bool buffer = text.base.starts_with("buffer_");
  unsigned next = buffer ? 0 : unsigned(!info.vectorWrites.empty());
  auto take = [&](unsigned n) {
    return n < operands.size() ? operands[n] : RegisterRange();
  };
  if (info.permutes) {
    info.data = operands.empty() ? RegisterRange() : operands.back();
    if (operands.size() == 3)
      info.address = operands[1];
  } else if (buffer) {
    bool hasData = info.unit != Unit::LdsDma;
    info.address = take(hasData);
    if (info.stores)
      info.data = take(0);
  } else {
    info.address = take(next);
    if (info.stores)
      info.data = take(next + 1);
  }
  // Two data operands, of ds_write2 and ds_cmpst, need not be adjacent; the
  // reads name both.
}

/// Of a pair of registers, v_pk_*_f32 reads the words that op_sel (for the low
/// result) and op_sel_hi (for the high one) choose: often one word for both.
void Describer::describePackedMath(const AsmText &text, InstInfo &info) {
  auto low = text.list("op_sel"), high = text.list("op_sel_hi");
  info.vectorReads.clear();
  for (size_t source = 1; source < text.operands.size(); ++source) {
    RegisterRange range = vectorOperand(text.operands[source]);
    if (range.count != 2)
      continue;
    unsigned a = low && source <= low->size() ? (*low)[source - 1] : 0;
    unsigned b = high && source <= high->size() ? (*high)[source - 1] : 1;
    range.first += std::min(a, b);
    range.count = 1 + (a != b);
    info.vectorReads.push_back(range);
  }
}

void Describer::describe(const MCInst &mc, const AsmText &text,
                         InstInfo &info) {
  const MCInstrDesc &desc = chip.instructions->get(mc.getOpcode());
  info.loads = desc.mayLoad();
  info.stores = desc.mayStore();
  info.dpp = text.dpp;
  info.addressInM0 = info.unit == Unit::LdsDma ||
                     text.base.contains("_addtid_") ||
                     text.base == "ds_append" || text.base == "ds_consume";
  for (unsigned n = 0; n < desc.getNumDefs(); ++n)
    addOperand(mc, n, info.vectorWrites, info.scalarWrites);
  for (unsigned n = desc.getNumDefs(); n < mc.getNumOperands(); ++n) {
    addOperand(mc, n, info.vectorReads, info.scalarReads);
    int tied = n < desc.getNumOperands()
                   ? desc.getOperandConstraint(n, MCOI::TIED_TO)
                   : -1;
    if (tied >= 0)
      addOperand(mc, unsigned(tied), info.vectorReads, info.scalarReads);
  }
  addImplicit(desc, info);
  // LLVM names no tied operand where SDWA keeps the rest of a register.
  for (const auto &[key, value] : text.modifiers)
    if (key == "dst_unused" && value == "UNUSED_PRESERVE") {
      info.keepsPart = true;
      for (RegisterRange range : info.vectorWrites)
        info.vectorReads.push_back(range);
    }
  info.keepsPart |= text.base.contains("_d16") ||
                    text.base.starts_with("v_cvt_pk_fp8") ||
                    text.base.starts_with("v_cvt_pk_bf8") ||
                    text.base.starts_with("v_cvt_sr_") ||
                    text.base.starts_with("v_cvt_scalef32") ||
                    text.base.starts_with("v_fma_mixlo") ||
                    text.base.starts_with("v_fma_mixhi");
}

static void describeWait(uint32_t encoding, InstInfo &info) {
  // vmcnt = [3:0] | [15:14] << 4, lgkmcnt = [11:8].
  info.vmWait = uint8_t((encoding & 15) | (encoding >> 10 & 0x30));
  info.lgkmWait = encoding >> 8 & 15;
}

std::vector<InstInfo> Describer::run() {
  MCContext context(Triple("amdgcn-amd-amdhsa"), chip.asmInfo.get(),
                    chip.registers.get(), chip.subtarget.get());
  std::unique_ptr<MCDisassembler> disassembler(
      chip.target->createMCDisassembler(*chip.subtarget, context));
  std::vector<InstInfo> infos(program.insts.size());
  ArrayRef<uint8_t> code(program.code);
  bool indexes = false; // between s_set_gpr_idx_on and _off
  for (size_t i = 0; i < program.listing.size(); ++i) {
    const DisassembledInst &listed = program.listing[i];
    InstInfo &info = infos[i];
    AsmText text = parseAsmText(listed.text);
    info.unit = unitOf(text);
    indexes |= text.base == "s_set_gpr_idx_on";
    indexes &= text.base != "s_set_gpr_idx_off";
    info.indexed =
        (indexes && isVectorAlu(info.unit)) || text.base.contains("_movrel");
    MCInst mc;
    uint64_t size = 0;
    if (disassembler->getInstruction(mc, size, code.slice(listed.offset),
                                     listed.offset,
                                     nulls()) != MCDisassembler::Success)
      continue;
    describe(mc, text, info);
    uint32_t low = code[listed.offset] | code[listed.offset + 1] << 8;
    if (text.base == "s_waitcnt")
      describeWait(low, info);
    else if (info.unit == Unit::Nop)
      info.waitStates = uint8_t((low & 15) + 1);
    else if (info.unit == Unit::Mfma)
      describeMfma(mc, text, info);
    else if (info.unit == Unit::PackedMath)
      describePackedMath(text, info);
    else if (isVectorMemory(info.unit))
      describeMemory(text, info);
    else if (info.unit == Unit::Smem && !text.operands.empty())
      info.bytes = uint8_t(4 * text.operands[0].count);
    bool flat = text.base.starts_with("flat_");
    info.raisesVm = info.unit == Unit::Vmem || info.unit == Unit::LdsDma;
    info.raisesLgkm = info.unit == Unit::Lds || info.unit == Unit::Smem || flat;
  }
  return infos;
}

ArrayRef<InstInfo> flyattn::sim::instInfos(const Program &program) {
  const Program::Impl &impl = program.impl();
  std::call_once(impl.infosMade, [&] {
    // The chip was there when the program was decoded.
    auto chip = cantFail(ChipDescription::create(impl.chip));
    impl.infos = Describer(impl, *chip).run();
  });
  return impl.infos;
}
