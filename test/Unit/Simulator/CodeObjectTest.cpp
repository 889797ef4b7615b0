//===- CodeObjectTest.cpp - Reading code objects, good and bad ------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/CodeObject.h"
#include "flyattn/Simulator/Program.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/AMDHSAKernelDescriptor.h"

#include "gtest/gtest.h"

#include <cstring>
#include <random>

using namespace flyattn::sim;
using namespace llvm;

namespace {

/// Builds the smallest code object that has a kernel "k": one loaded segment
/// with the descriptor and an s_endpgm, a symbol table and its strings.
std::vector<uint8_t>
tinyObject(unsigned machine = ELF::EF_AMDGPU_MACH_AMDGCN_GFX950) {
  constexpr uint64_t descriptorAt = 0x100, codeAt = 0x200, symbolsAt = 0x300,
                     stringsAt = 0x400, sectionsAt = 0x500;
  std::vector<uint8_t> file(sectionsAt + 3 * sizeof(ELF::Elf64_Shdr));
  auto put = [&](uint64_t at, const auto &value) {
    std::memcpy(file.data() + at, &value, sizeof(value));
  };
  ELF::Elf64_Ehdr header = {};
  std::memcpy(header.e_ident,
              "\x7f"
              "ELF\2\1\1\x40",
              8);
  header.e_type = ELF::ET_DYN;
  header.e_machine = ELF::EM_AMDGPU;
  header.e_version = 1;
  header.e_flags = machine;
  header.e_phoff = sizeof(header);
  header.e_shoff = sectionsAt;
  header.e_ehsize = sizeof(header);
  header.e_phentsize = sizeof(ELF::Elf64_Phdr);
  header.e_phnum = 1;
  header.e_shentsize = sizeof(ELF::Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 2;
  put(0, header);
  ELF::Elf64_Phdr load = {};
  load.p_type = ELF::PT_LOAD;
  load.p_offset = descriptorAt;
  load.p_vaddr = 0x1100; // not the file offset
  load.p_filesz = load.p_memsz = 0x200;
  put(sizeof(header), load);
  amdhsa::kernel_descriptor_t kd = {};
  kd.group_segment_fixed_size = 1024;
  kd.private_segment_fixed_size = 48;
  kd.kernarg_size = 40;
  kd.kernel_code_entry_byte_offset = codeAt - descriptorAt;
  kd.compute_pgm_rsrc1 = 7 | 3 << 6; // 64 VGPRs, 32 SGPRs
  kd.compute_pgm_rsrc3 = 7;          // accumulation from 32 on
  put(descriptorAt, kd);
  put(codeAt, uint32_t(0xbf810000)); // s_endpgm
  const char strings[] = "\0k.kd\0k";
  put(stringsAt, strings);
  ELF::Elf64_Sym symbols[3] = {};
  symbols[1].st_name = 1;
  symbols[1].st_shndx = 1;
  symbols[1].st_value = 0x1100;
  symbols[1].st_size = 64;
  symbols[2].st_name = 6;
  symbols[2].st_shndx = 1;
  symbols[2].st_value = 0x1200;
  symbols[2].st_size = 4;
  put(symbolsAt, symbols);
  ELF::Elf64_Shdr sections[3] = {};
  sections[1].sh_type = ELF::SHT_SYMTAB;
  sections[1].sh_offset = symbolsAt;
  sections[1].sh_size = sizeof(symbols);
  sections[1].sh_link = 2;
  sections[1].sh_entsize = sizeof(ELF::Elf64_Sym);
  sections[2].sh_type = ELF::SHT_STRTAB;
  sections[2].sh_offset = stringsAt;
  sections[2].sh_size = sizeof(strings);
  put(sectionsAt, sections);
  return file;
}

std::string errorOf(std::vector<uint8_t> bytes) {
  auto object = CodeObject::load(bytes);
  return object ? "" : toString(object.takeError());
}

TEST(CodeObject, ReadsTheDescriptor) {
  auto object = CodeObject::load(tinyObject());
  ASSERT_TRUE(bool(object)) << toString(object.takeError());
  EXPECT_EQ(object->chip(), "gfx950");
  ASSERT_EQ(object->kernels().size(), 1u);
  const KernelInfo &k = object->kernels()[0];
  EXPECT_EQ(k.name, "k");
  EXPECT_EQ(k.entry, 0x200u);
  EXPECT_EQ(k.codeSize, 4u);
  EXPECT_EQ(k.ldsSize, 1024u);
  EXPECT_EQ(k.scratchSize, 48u);
  EXPECT_EQ(k.kernargSize, 40u);
  EXPECT_EQ(k.vgprs, 64u);
  EXPECT_EQ(k.accumOffset, 32u);
  EXPECT_EQ(k.sgprs, 32u);
  auto program = Program::decode(*object, "k");
  ASSERT_TRUE(bool(program)) << toString(program.takeError());
  ASSERT_EQ(program->disassembly().size(), 1u);
  EXPECT_EQ(program->disassembly()[0].text, "s_endpgm");
  EXPECT_EQ(
      CodeObject::load(tinyObject(ELF::EF_AMDGPU_MACH_AMDGCN_GFX942))->chip(),
      "gfx942");
}

TEST(CodeObject, SaysWhatIsWrong) {
  EXPECT_EQ(errorOf({}), "not an ELF file");
  EXPECT_EQ(errorOf({1, 2, 3, 4, 5}), "not an ELF file");
  auto bytes = tinyObject();
  bytes.resize(40);
  EXPECT_NE(errorOf(bytes).find("truncated"), std::string::npos);
  bytes = tinyObject();
  bytes.resize(0x280); // the section table is gone
  EXPECT_NE(errorOf(bytes).find("truncated"), std::string::npos)
      << errorOf(bytes);
  bytes = tinyObject();
  bytes[18] = 62; // x86-64
  EXPECT_NE(errorOf(bytes).find("not an AMDGPU code object"),
            std::string::npos);
  EXPECT_EQ(errorOf(tinyObject(ELF::EF_AMDGPU_MACH_AMDGCN_GFX90A)),
            "code object for gfx90a; the simulator runs gfx942 and gfx950");
  EXPECT_NE(errorOf(tinyObject(0xee)).find("unknown chip (machine 0xEE)"),
            std::string::npos);
  bytes = tinyObject();
  bytes[0x401] = 'x', bytes[0x403] = 'x'; // no name ends in .kd
  bytes[0x404] = 'x';
  EXPECT_EQ(errorOf(bytes), "no kernel in the code object");
}

TEST(CodeObject, NamesTheKernelsThatThereAre) {
  auto object = CodeObject::load(tinyObject());
  ASSERT_TRUE(bool(object));
  auto program = Program::decode(*object, "other");
  ASSERT_FALSE(bool(program));
  EXPECT_EQ(toString(program.takeError()),
            "no kernel 'other' in the code object; it has: k");
}

// Whatever the bytes: an error or an object, never a crash.
TEST(CodeObject, SurvivesCorruptBytes) {
  std::mt19937 random(11);
  const std::vector<uint8_t> good = tinyObject();
  for (unsigned round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = good;
    for (unsigned n = 0; n < 1 + round % 5; ++n) {
      // Mostly in the headers, tables and the descriptor.
      static const unsigned starts[] = {16, 64, 0x100, 0x300, 0x500};
      size_t at = starts[random() % 5] + random() % 200;
      bytes[at % bytes.size()] = uint8_t(random());
    }
    if (round % 7 == 0)
      bytes.resize(random() % bytes.size());
    auto object = CodeObject::load(bytes);
    if (!object) {
      EXPECT_FALSE(toString(object.takeError()).empty());
      continue;
    }
    for (const KernelInfo &kernel : object->kernels()) {
      auto program = Program::decode(*object, kernel.name);
      if (!program)
        consumeError(program.takeError());
    }
  }
}

} // namespace
