//===- CodeObject.cpp - Reads AMDGPU ELF code objects ---------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every field that is read from the file is checked against the file's size:
// a code object may hold anything.
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/CodeObject.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/BinaryFormat/MsgPackDocument.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/AMDHSAKernelDescriptor.h"

#include <map>

using namespace llvm;
using namespace flyattn::sim;

namespace {

using ElfFile = object::ELF64LEFile;
using Symbol = ElfFile::Elf_Sym;

Error fail(const Twine &what) {
  return createStringError(inconvertibleErrorCode(), what);
}

/// What the note says of a kernel, by name.
struct NoteInfo {
  uint32_t vgprSpills = 0;
  uint32_t sgprSpills = 0;
  uint32_t maxWorkgroupSize = 0;
  uint32_t kernargSize = 0;
  std::vector<HiddenArgument> hiddenArguments;
};

/// The chip of an ELF machine number, for those in use; empty for others.
StringRef chipOfMachine(unsigned machine) {
  switch (machine) {
#define CHIP(UPPER, LOWER)                                                     \
  case ELF::EF_AMDGPU_MACH_AMDGCN_GFX##UPPER:                                  \
    return "gfx" LOWER;
    CHIP(900, "900")
    CHIP(902, "902")
    CHIP(904, "904")
    CHIP(906, "906")
    CHIP(908, "908")
    CHIP(909, "909")
    CHIP(90A, "90a")
    CHIP(90C, "90c")
    CHIP(942, "942")
    CHIP(950, "950")
    CHIP(1010, "1010")
    CHIP(1011, "1011")
    CHIP(1012, "1012")
    CHIP(1030, "1030")
    CHIP(1031, "1031")
    CHIP(1032, "1032")
    CHIP(1100, "1100")
    CHIP(1101, "1101")
    CHIP(1102, "1102")
    CHIP(1103, "1103")
    CHIP(1150, "1150")
    CHIP(1151, "1151")
    CHIP(1200, "1200")
    CHIP(1201, "1201")
    CHIP(1250, "1250")
#undef CHIP
  default:
    return "";
  }
}

uint32_t unsignedField(msgpack::MapDocNode &map, StringRef key) {
  auto it = map.find(key);
  if (it == map.end() || it->second.getKind() != msgpack::Type::UInt)
    return 0;
  return static_cast<uint32_t>(it->second.getUInt());
}

void readHiddenArguments(msgpack::MapDocNode &kernel,
                         std::vector<HiddenArgument> &hidden) {
  auto arguments = kernel.find(".args");
  if (arguments == kernel.end() || !arguments->second.isArray())
    return;
  for (msgpack::DocNode &node : arguments->second.getArray()) {
    if (!node.isMap())
      continue;
    msgpack::MapDocNode &argument = node.getMap();
    auto kind = argument.find(".value_kind");
    if (kind == argument.end() || !kind->second.isString() ||
        !kind->second.getString().starts_with("hidden_"))
      continue;
    hidden.push_back({unsignedField(argument, ".offset"),
                      unsignedField(argument, ".size"),
                      kind->second.getString().str()});
  }
}

/// Reads one metadata note. Unreadable metadata is left out: the descriptor
/// alone suffices to run a kernel.
void readMetadata(StringRef blob, std::map<std::string, NoteInfo> &notes) {
  msgpack::Document document;
  if (!document.readFromBlob(blob, /*Multi=*/false) ||
      !document.getRoot().isMap())
    return;
  msgpack::MapDocNode &root = document.getRoot().getMap();
  auto kernels = root.find("amdhsa.kernels");
  if (kernels == root.end() || !kernels->second.isArray())
    return;
  for (msgpack::DocNode &node : kernels->second.getArray()) {
    if (!node.isMap())
      continue;
    msgpack::MapDocNode &kernel = node.getMap();
    auto symbol = kernel.find(".symbol");
    if (symbol == kernel.end() || !symbol->second.isString())
      continue;
    NoteInfo &info = notes[symbol->second.getString().str()];
    info.vgprSpills = unsignedField(kernel, ".vgpr_spill_count");
    info.sgprSpills = unsignedField(kernel, ".sgpr_spill_count");
    info.maxWorkgroupSize = unsignedField(kernel, ".max_flat_workgroup_size");
    info.kernargSize = unsignedField(kernel, ".kernarg_segment_size");
    readHiddenArguments(kernel, info.hiddenArguments);
  }
}

/// Reads one ELF file; the members are what the steps share.
class Reader {
public:
  explicit Reader(const ElfFile &file) : file(file) {}

  Error readHeader(std::string &chip);
  Error readKernels(std::vector<KernelInfo> &kernels);

private:
  /// The bytes of the file that hold [address, address + size).
  Expected<uint64_t> fileOffset(uint64_t address, uint64_t size) const;
  Error readNotes();
  Error readDescriptor(StringRef name, uint64_t address,
                       std::vector<KernelInfo> &kernels);
  uint64_t codeEnd(StringRef name, uint64_t entryAddress) const;
  Error forEachSymbol(function_ref<Error(const Symbol &, StringRef)> fn) const;

  const ElfFile &file;
  std::map<std::string, NoteInfo> notes;
};

} // namespace

Error Reader::readHeader(std::string &chip) {
  const auto &header = file.getHeader();
  if (header.e_machine != ELF::EM_AMDGPU)
    return fail("not an AMDGPU code object: the ELF machine is " +
                Twine(unsigned(header.e_machine)) + ", AMDGPU's is " +
                Twine(unsigned(ELF::EM_AMDGPU)));
  unsigned machine = header.e_flags & ELF::EF_AMDGPU_MACH;
  StringRef name = chipOfMachine(machine);
  if (name == "gfx942" || name == "gfx950") {
    chip = name.str();
    return Error::success();
  }
  return fail("code object for " +
              (name.empty()
                   ? "an unknown chip (machine 0x" + utohexstr(machine) + ")"
                   : name.str()) +
              "; the simulator runs gfx942 and gfx950");
}

Expected<uint64_t> Reader::fileOffset(uint64_t address, uint64_t size) const {
  auto segments = file.program_headers();
  if (!segments)
    return segments.takeError();
  for (const auto &segment : *segments) {
    if (segment.p_type != ELF::PT_LOAD || address < segment.p_vaddr)
      continue;
    uint64_t inSegment = address - segment.p_vaddr;
    if (inSegment >= segment.p_filesz || size > segment.p_filesz - inSegment)
      continue;
    uint64_t offset = segment.p_offset + inSegment;
    if (offset > file.getBufSize() || size > file.getBufSize() - offset)
      return fail("truncated: a segment ends at byte " +
                  Twine(uint64_t(segment.p_offset + segment.p_filesz)) +
                  " of a file of " + Twine(file.getBufSize()) + " bytes");
    return offset;
  }
  return fail("no segment holds address 0x" + utohexstr(address));
}

Error Reader::readNotes() {
  auto segments = file.program_headers();
  if (!segments)
    return segments.takeError();
  for (const auto &segment : *segments) {
    if (segment.p_type != ELF::PT_NOTE)
      continue;
    Error error = Error::success();
    for (auto note : file.notes(segment, error))
      if (note.getName() == "AMDGPU" &&
          note.getType() == ELF::NT_AMDGPU_METADATA)
        readMetadata(note.getDescAsStringRef(4), notes);
    if (error)
      return error;
  }
  return Error::success();
}

Error Reader::forEachSymbol(
    function_ref<Error(const Symbol &, StringRef)> fn) const {
  auto sections = file.sections();
  if (!sections)
    return sections.takeError();
  for (const auto &section : *sections) {
    if (section.sh_type != ELF::SHT_DYNSYM &&
        section.sh_type != ELF::SHT_SYMTAB)
      continue;
    auto symbols = file.symbols(&section);
    if (!symbols)
      return symbols.takeError();
    auto strings = file.getStringTableForSymtab(section, *sections);
    if (!strings)
      return strings.takeError();
    for (const Symbol &symbol : *symbols) {
      auto name = symbol.getName(*strings);
      if (!name)
        return name.takeError();
      if (Error error = fn(symbol, *name))
        return error;
    }
  }
  return Error::success();
}

/// The address behind the last byte of the kernel's code: by its symbol, else
/// by the segment.
uint64_t Reader::codeEnd(StringRef name, uint64_t entryAddress) const {
  uint64_t end = 0;
  auto visit = [&](const Symbol &symbol, StringRef symbolName) -> Error {
    if (symbolName == name && symbol.st_value == entryAddress && symbol.st_size)
      end = symbol.st_value + symbol.st_size;
    return Error::success();
  };
  consumeError(forEachSymbol(visit));
  auto segments = file.program_headers();
  if (!segments) {
    consumeError(segments.takeError());
    return end;
  }
  for (const auto &segment : *segments) {
    uint64_t segmentEnd = segment.p_vaddr + segment.p_filesz;
    if (segment.p_type == ELF::PT_LOAD && entryAddress >= segment.p_vaddr &&
        entryAddress < segmentEnd)
      return end > entryAddress ? std::min(end, segmentEnd) : segmentEnd;
  }
  return end;
}

Error Reader::readDescriptor(StringRef name, uint64_t address,
                             std::vector<KernelInfo> &kernels) {
  amdhsa::kernel_descriptor_t kd;
  auto offset = fileOffset(address, sizeof(kd));
  if (!offset)
    return offset.takeError();
  std::memcpy(&kd, file.base() + *offset, sizeof(kd));

  KernelInfo info;
  info.name = name.str();
  uint64_t entryAddress = address + uint64_t(kd.kernel_code_entry_byte_offset);
  auto entry = fileOffset(entryAddress, 4);
  if (!entry)
    return joinErrors(fail("kernel '" + name + "' has no code"),
                      entry.takeError());
  info.entry = *entry;
  uint64_t end = codeEnd(name, entryAddress);
  info.codeSize =
      std::min<uint64_t>(end > entryAddress ? end - entryAddress : 0,
                         file.getBufSize() - info.entry);
  info.kernargSize = kd.kernarg_size;
  info.ldsSize = kd.group_segment_fixed_size;
  info.scratchSize = kd.private_segment_fixed_size;
  info.rsrc1 = kd.compute_pgm_rsrc1;
  info.rsrc2 = kd.compute_pgm_rsrc2;
  info.rsrc3 = kd.compute_pgm_rsrc3;
  info.codeProperties = kd.kernel_code_properties;
  info.kernargPreload = kd.kernarg_preload;
  // Both chips: VGPRs in granules of 8 a lane, SGPRs in granules of 16.
  info.vgprs = ((info.rsrc1 & 63) + 1) * 8;
  info.sgprs = (((info.rsrc1 >> 6) & 15) / 2 + 1) * 16;
  info.accumOffset = ((info.rsrc3 & 63) + 1) * 4;
  if (auto it = notes.find((name + ".kd").str()); it != notes.end()) {
    info.vgprSpills = it->second.vgprSpills;
    info.sgprSpills = it->second.sgprSpills;
    info.maxWorkgroupSize = it->second.maxWorkgroupSize;
    info.hiddenArguments = it->second.hiddenArguments;
    if (!info.kernargSize)
      info.kernargSize = it->second.kernargSize;
  }
  kernels.push_back(std::move(info));
  return Error::success();
}

Error Reader::readKernels(std::vector<KernelInfo> &kernels) {
  if (Error error = readNotes())
    return error;
  auto visit = [&](const Symbol &symbol, StringRef name) -> Error {
    if (!name.consume_back(".kd") || symbol.st_shndx == ELF::SHN_UNDEF)
      return Error::success();
    for (const KernelInfo &known : kernels)
      if (known.name == name)
        return Error::success();
    return readDescriptor(name, symbol.st_value, kernels);
  };
  return forEachSymbol(visit);
}

Expected<CodeObject> CodeObject::load(ArrayRef<uint8_t> bytes) {
  CodeObject object;
  object.data.assign(bytes.begin(), bytes.end());
  StringRef blob(reinterpret_cast<const char *>(object.data.data()),
                 object.data.size());
  if (!blob.starts_with("\x7f"
                        "ELF"))
    return fail("not an ELF file");
  if (blob.size() < sizeof(ElfFile::Elf_Ehdr))
    return fail("truncated: an ELF header needs " +
                Twine(sizeof(ElfFile::Elf_Ehdr)) + " bytes, the file has " +
                Twine(blob.size()));
  if (blob[ELF::EI_CLASS] != ELF::ELFCLASS64 ||
      blob[ELF::EI_DATA] != ELF::ELFDATA2LSB)
    return fail("not an AMDGPU code object: not a 64-bit little-endian ELF");
  auto file = ElfFile::create(blob);
  if (!file)
    return file.takeError();
  Reader reader(*file);
  if (Error error = reader.readHeader(object.chipName))
    return std::move(error);
  if (Error error = reader.readKernels(object.infos))
    return fail("damaged or truncated code object: " +
                toString(std::move(error)));
  if (object.infos.empty())
    return fail("no kernel in the code object");
  return object;
}

const KernelInfo *CodeObject::find(StringRef kernel) const {
  for (const KernelInfo &info : infos)
    if (info.name == kernel)
      return &info;
  return nullptr;
}
