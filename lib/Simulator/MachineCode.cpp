//===- MachineCode.cpp - LLVM's AMDGPU disassembler and assembler ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MachineCode.h"

#include "AsmText.h"

#include "flyattn/Simulator/Reassemble.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCParser/MCAsmParser.h"
#include "llvm/MC/MCParser/MCTargetAsmParser.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/TargetSelect.h"

#include <map>
#include <mutex>

using namespace llvm;
using namespace flyattn::sim;

namespace {

Error fail(const Twine &what) {
  return createStringError(inconvertibleErrorCode(), what);
}

const Triple &amdgpuTriple() {
  static const Triple triple("amdgcn-amd-amdhsa");
  return triple;
}

} // namespace

Expected<std::unique_ptr<ChipDescription>>
ChipDescription::create(StringRef chip) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeAMDGPUTargetInfo();
    LLVMInitializeAMDGPUTargetMC();
    LLVMInitializeAMDGPUDisassembler();
    LLVMInitializeAMDGPUAsmParser();
  });
  auto mc = std::make_unique<ChipDescription>();
  std::string message;
  mc->target = TargetRegistry::lookupTarget(amdgpuTriple(), message);
  if (!mc->target)
    return fail("LLVM has no AMDGPU target: " + message);
  mc->registers.reset(mc->target->createMCRegInfo(amdgpuTriple()));
  mc->asmInfo.reset(
      mc->target->createMCAsmInfo(*mc->registers, amdgpuTriple(), mc->options));
  mc->instructions.reset(mc->target->createMCInstrInfo());
  mc->subtarget.reset(
      mc->target->createMCSubtargetInfo(amdgpuTriple(), chip, ""));
  return mc;
}

Expected<std::vector<DisassembledInst>>
flyattn::sim::disassemble(StringRef chip, ArrayRef<uint8_t> code) {
  auto mc = ChipDescription::create(chip);
  if (!mc)
    return mc.takeError();
  const ChipDescription &d = **mc;
  MCContext context(amdgpuTriple(), d.asmInfo.get(), d.registers.get(),
                    d.subtarget.get());
  std::unique_ptr<MCDisassembler> disassembler(
      d.target->createMCDisassembler(*d.subtarget, context));
  std::unique_ptr<MCInstPrinter> printer(d.target->createMCInstPrinter(
      amdgpuTriple(), 0, *d.asmInfo, *d.instructions, *d.registers));
  if (!disassembler || !printer)
    return fail("LLVM has no AMDGPU disassembler");

  std::vector<DisassembledInst> result;
  uint64_t offset = 0;
  while (offset + 4 <= code.size()) {
    MCInst inst;
    uint64_t size = 0;
    auto status = disassembler->getInstruction(inst, size, code.slice(offset),
                                               offset, nulls());
    std::string text;
    raw_string_ostream stream(text);
    if (status == MCDisassembler::Success && size) {
      printer->printInst(&inst, offset, "", *d.subtarget, stream);
    } else {
      size = 4;
      stream << ".long 0x"
             << utohexstr(support::endian::read32le(code.data() + offset));
    }
    for (char &c : text)
      if (c == '\t')
        c = ' ';
    result.push_back(
        {offset, static_cast<uint32_t>(size), StringRef(text).trim().str()});
    offset += size;
  }
  return result;
}

/// Runs the assembler over `text`, which may hold errors: `messages` gets
/// them. Returns the ELF object of what is left.
static Expected<SmallVector<char, 0>>
assembleObject(StringRef chip, StringRef text,
               std::vector<SMDiagnostic> &messages) {
  auto mc = ChipDescription::create(chip);
  if (!mc)
    return mc.takeError();
  ChipDescription &d = **mc;
  SourceMgr sources;
  sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(text), SMLoc());
  sources.setDiagHandler(
      [](const SMDiagnostic &diagnostic, void *out) {
        static_cast<std::vector<SMDiagnostic> *>(out)->push_back(diagnostic);
      },
      &messages);
  MCContext context(amdgpuTriple(), d.asmInfo.get(), d.registers.get(),
                    d.subtarget.get(), &sources, &d.options);
  std::unique_ptr<MCObjectFileInfo> objectInfo(
      d.target->createMCObjectFileInfo(context, /*PIC=*/false));
  context.setObjectFileInfo(objectInfo.get());

  SmallVector<char, 0> elf;
  raw_svector_ostream out(elf);
  std::unique_ptr<MCAsmBackend> backend(
      d.target->createMCAsmBackend(*d.subtarget, *d.registers, d.options));
  std::unique_ptr<MCObjectWriter> writer = backend->createObjectWriter(out);
  std::unique_ptr<MCCodeEmitter> emitter(
      d.target->createMCCodeEmitter(*d.instructions, context));
  std::unique_ptr<MCStreamer> streamer(d.target->createMCObjectStreamer(
      amdgpuTriple(), context, std::move(backend), std::move(writer),
      std::move(emitter), *d.subtarget));
  std::unique_ptr<MCAsmParser> parser(
      createMCAsmParser(sources, context, *streamer, *d.asmInfo));
  std::unique_ptr<MCTargetAsmParser> targetParser(d.target->createMCAsmParser(
      *d.subtarget, *parser, *d.instructions, d.options));
  parser->setTargetParser(*targetParser);
  parser->Run(/*NoInitialTextSection=*/false);
  return elf;
}

Expected<std::vector<uint8_t>> flyattn::sim::assemble(StringRef chip,
                                                      StringRef text) {
  std::vector<SMDiagnostic> messages;
  auto elf = assembleObject(chip, text, messages);
  if (!elf)
    return elf.takeError();
  std::string refused;
  for (const SMDiagnostic &message : messages)
    if (message.getKind() == SourceMgr::DK_Error)
      refused +=
          (message.getMessage() + ": " + message.getLineContents() + "\n")
              .str();
  if (!refused.empty())
    return fail("the assembler refuses:\n" + refused);
  auto file = object::ObjectFile::createObjectFile(
      MemoryBufferRef(StringRef(elf->data(), elf->size()), "assembled"));
  if (!file)
    return file.takeError();
  for (const object::SectionRef &section : (*file)->sections()) {
    auto name = section.getName();
    if (!name)
      return name.takeError();
    if (*name != ".text")
      continue;
    auto contents = section.getContents();
    if (!contents)
      return contents.takeError();
    return std::vector<uint8_t>(contents->bytes_begin(), contents->bytes_end());
  }
  return fail("the assembler made no text section");
}

/// The mnemonics of all AMD GPUs, and whether one is of gfx940 or newer.
static std::map<std::string, bool> allMnemonics(const ChipDescription &d) {
  std::unique_ptr<MCInstPrinter> printer(d.target->createMCInstPrinter(
      amdgpuTriple(), 0, *d.asmInfo, *d.instructions, *d.registers));
  std::map<std::string, bool> result;
  for (unsigned opcode = 0; opcode < d.instructions->getNumOpcodes();
       ++opcode) {
    MCInst inst;
    inst.setOpcode(opcode);
    const char *text = printer->getMnemonic(inst).first;
    if (!text)
      continue;
    StringRef name = parseAsmText(text).base;
    name.consume_back("_e64"); // of _e64_dpp
    bool isName = name.contains('_') && isLower(name.front()) &&
                  all_of(name, [](char c) { return isAlnum(c) || c == '_'; });
    if (!isName || name.ends_with("_pad_s_nop")) // an artefact of LLVM's
      continue;
    StringRef record = d.instructions->getName(opcode);
    result[name.str()] |=
        record.contains("_gfx940") || record.contains("_gfx950");
  }
  return result;
}

Expected<std::vector<std::string>>
flyattn::sim::assemblerMnemonics(StringRef chip) {
  auto mc = ChipDescription::create(chip);
  if (!mc)
    return mc.takeError();
  // A mnemonic without operands on each line: what the chip does not have is
  // refused in other words than missing operands are.
  std::vector<std::string> names;
  std::string text;
  for (const auto &[name, isNew] : allMnemonics(**mc)) {
    // gfx90a's spellings of matrix instructions are taken as aliases.
    if (!isNew && StringRef(name).starts_with("v_mfma_"))
      continue;
    names.push_back(name);
    text += name + "\n";
  }
  std::vector<SMDiagnostic> messages;
  auto elf = assembleObject(chip, text, messages);
  if (!elf)
    return elf.takeError();
  for (const SMDiagnostic &message : messages)
    if (message.getMessage().contains("not supported") ||
        message.getMessage() == "invalid instruction")
      names[message.getLineNo() - 1].clear();
  erase_if(names, [](const std::string &name) { return name.empty(); });
  return names;
}
