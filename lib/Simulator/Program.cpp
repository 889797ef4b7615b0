//===- Program.cpp - A decoded kernel -------------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Simulator/Program.h"

#include "Decode.h"
#include "MachineCode.h"
#include "Mfma.h"
#include "ProgramImpl.h"
#include "VectorSkip.h"

#include "flyattn/Simulator/Reassemble.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace flyattn::sim;

Program::Program() : pimpl(std::make_unique<Impl>()) {}
Program::Program(Program &&) = default;
Program &Program::operator=(Program &&) = default;
Program::~Program() = default;

const KernelInfo &Program::info() const { return pimpl->info; }
StringRef Program::chip() const { return pimpl->chip; }
const std::vector<DisassembledInst> &Program::disassembly() const {
  return pimpl->listing;
}
const std::vector<uint8_t> &Program::code() const { return pimpl->code; }

static Error fail(const Twine &what) {
  return createStringError(inconvertibleErrorCode(), what);
}

static Error noSuchKernel(const CodeObject &object, StringRef kernel) {
  std::string names;
  for (const KernelInfo &info : object.kernels())
    names += (names.empty() ? "" : ", ") + info.name;
  return fail("no kernel '" + kernel +
              "' in the code object; it has: " + names);
}

Expected<Program> Program::decode(const CodeObject &object, StringRef kernel) {
  const KernelInfo *info = object.find(kernel);
  if (!info)
    return noSuchKernel(object, kernel);
  ArrayRef<uint8_t> bytes = object.bytes();
  if (info->entry > bytes.size() || info->codeSize > bytes.size() - info->entry)
    return fail("the code of kernel '" + kernel + "' leaves the file");
  return fromCode(object.chip(), *info,
                  bytes.slice(info->entry, info->codeSize));
}

Expected<Program> Program::fromCode(StringRef chip, KernelInfo info,
                                    ArrayRef<uint8_t> code) {
  auto listing = disassemble(chip, code);
  if (!listing)
    return listing.takeError();
  Program program;
  Impl &impl = *program.pimpl;
  impl.info = std::move(info);
  impl.chip = chip.str();
  impl.code.assign(code.begin(), code.end());
  impl.listing = std::move(*listing);
  InstBuilder(impl).run();
  impl.joined = impl.insts;
  joinMfmaChains(impl, impl.joined);
  makeSkippingCopy(impl);
  return program;
}

/// Does `text` assemble to `bytes`?
static bool assemblesTo(StringRef chip, StringRef text,
                        ArrayRef<uint8_t> bytes) {
  auto assembled = assemble(chip, text);
  if (!assembled) {
    consumeError(assembled.takeError());
    return false;
  }
  return ArrayRef<uint8_t>(*assembled).take_front(bytes.size()) == bytes;
}

Error flyattn::sim::checkReassembly(const Program &program) {
  const Program::Impl &impl = program.impl();
  std::string all;
  uint64_t size = 0;
  for (const DisassembledInst &inst : impl.listing) {
    all += inst.text + "\n";
    size = inst.offset + inst.size;
  }
  ArrayRef<uint8_t> code(impl.code);
  if (assemblesTo(impl.chip, all, code.take_front(size)))
    return Error::success();
  for (const DisassembledInst &inst : impl.listing)
    if (!assemblesTo(impl.chip, inst.text, code.slice(inst.offset, inst.size)))
      return fail("kernel '" + impl.info.name + "', offset 0x" +
                  utohexstr(inst.offset, /*LowerCase=*/true) + ": `" +
                  inst.text + "` does not assemble to the bytes it came from");
  return fail("kernel '" + impl.info.name +
              "' assembles differently as a whole");
}
