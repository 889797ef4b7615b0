//===- MachineCode.cpp - LLVM's AMDGPU disassembler and assembler ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MachineCode.h"

#include "flyattn/Simulator/Reassemble.h"

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

/// Runs the assembler over `text`; returns the ELF object.
static Expected<SmallVector<char, 0>> assembleObject(StringRef chip,
                                                     StringRef text) {
  auto mc = ChipDescription::create(chip);
  if (!mc)
    return mc.takeError();
  ChipDescription &d = **mc;
  SourceMgr sources;
  std::string messages;
  sources.AddNewSourceBuffer(MemoryBuffer::getMemBufferCopy(text), SMLoc());
  sources.setDiagHandler(
      [](const SMDiagnostic &diagnostic, void *out) {
        *static_cast<std::string *>(out) +=
            (diagnostic.getMessage() + ": " + diagnostic.getLineContents() +
             "\n")
                .str();
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
  if (parser->Run(/*NoInitialTextSection=*/false))
    return fail("the assembler refuses:\n" + messages);
  return elf;
}

Expected<std::vector<uint8_t>> flyattn::sim::assemble(StringRef chip,
                                                      StringRef text) {
  auto elf = assembleObject(chip, text);
  if (!elf)
    return elf.takeError();
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
