//===- InspectCommand.cpp - flyattn inspect -------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"
#include "Inspection.h"

#include "flyattn/Simulator/CodeObject.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace flyattn::driver {

static cl::opt<std::string> file(cl::Positional, cl::Required,
                                 cl::desc("<code object>"), cl::cat(category()),
                                 cl::sub(inspectSub()));
static cl::opt<std::string> jsonFile("json", cl::value_desc("file|-"),
                                     cl::desc("Write it all as JSON"),
                                     cl::cat(category()),
                                     cl::sub(inspectSub()));

static json::Object toJson(const InstMix &mix) {
  json::Object object;
  for (unsigned i = 0; i < kInstClasses; ++i)
    if (mix[i])
      object[nameOf(InstClass(i))] = mix[i];
  return object;
}

static json::Object toJson(const Inspection &found) {
  const sim::KernelInfo &info = found.info;
  json::Array loops;
  for (const Loop &loop : found.loops)
    loops.push_back(json::Object{{"begin", int64_t(loop.begin)},
                                 {"end", int64_t(loop.end)},
                                 {"depth", loop.depth},
                                 {"instructions", toJson(loop.mix)}});
  return json::Object{{"kernel", info.name},
                      {"code_bytes", int64_t(info.codeSize)},
                      {"kernarg_bytes", info.kernargSize},
                      {"vgprs", info.vgprs},
                      {"accum_offset", info.accumOffset},
                      {"sgprs", info.sgprs},
                      {"vgpr_spills", info.vgprSpills},
                      {"sgpr_spills", info.sgprSpills},
                      {"scratch_bytes", info.scratchSize},
                      {"lds_bytes", info.ldsSize},
                      {"max_workgroup_size", info.maxWorkgroupSize},
                      {"waves_per_simd", found.occupancy.wavesPerSimd},
                      {"occupancy_limit", found.occupancy.limit},
                      {"instructions", toJson(found.mix)},
                      {"loops", std::move(loops)}};
}

static std::string toText(const InstMix &mix) {
  std::string text;
  ListSeparator comma;
  raw_string_ostream os(text);
  for (unsigned i = 0; i < kInstClasses; ++i)
    if (mix[i])
      os << comma << nameOf(InstClass(i)) << ' ' << mix[i];
  return text;
}

static void print(raw_ostream &os, const Inspection &found) {
  const sim::KernelInfo &info = found.info;
  os << formatv("{0}\n", info.name)
     << formatv("  registers  {0} VGPRs ({1} architectural), {2} SGPRs\n",
                info.vgprs, info.accumOffset, info.sgprs)
     << formatv("  spills     {0} VGPRs, {1} SGPRs, {2} bytes of scratch\n",
                info.vgprSpills, info.sgprSpills, info.scratchSize)
     << formatv("  LDS        {0:N} bytes\n", info.ldsSize)
     << formatv("  occupancy  {0} waves a SIMD, bounded by {1}\n",
                found.occupancy.wavesPerSimd, found.occupancy.limit)
     << formatv("  workgroup  at most {0} work-items, {1} bytes of kernarg\n",
                info.maxWorkgroupSize, info.kernargSize)
     << formatv("  code       {0:N} bytes: {1}\n", info.codeSize,
                toText(found.mix));
  for (const Loop &loop : found.loops)
    os << formatv("  {0}loop {1:x} to {2:x}: {3}\n",
                  std::string(2 * loop.depth, ' '), loop.begin, loop.end,
                  toText(loop.mix));
}

Expected<sim::CodeObject> loadCodeObject(StringRef path) {
  auto buffer = MemoryBuffer::getFile(path, /*IsText=*/false,
                                      /*RequiresNullTerminator=*/false);
  if (!buffer)
    return withCode(BadUsage, createFileError(path, buffer.getError()));
  auto object =
      sim::CodeObject::load(arrayRefFromStringRef((*buffer)->getBuffer()));
  if (!object)
    return withCode(BadUsage, createFileError(path, object.takeError()));
  return object;
}

static Error runInspect() {
  if (Error error = checkOutputs({jsonFile}))
    return error;
  auto object = loadCodeObject(file);
  if (!object)
    return object.takeError();
  json::Array kernels;
  for (const sim::KernelInfo &info : object->kernels()) {
    auto program = sim::Program::decode(*object, info.name);
    if (!program)
      return withCode(BadUsage, createFileError(file, program.takeError()));
    Inspection found = inspect(*program);
    if (jsonFile != "-")
      print(outs(), found);
    kernels.push_back(toJson(found));
  }
  if (jsonFile.empty())
    return Error::success();
  return writeJson(jsonFile, json::Object{{"arch", object->chip()},
                                          {"kernels", std::move(kernels)}});
}

static constexpr StringRef kExamples = R"(
EXAMPLES:
  flyattn inspect kernel.hsaco
      registers, spills, LDS, occupancy, and how many instructions of which
      class the kernel and each of its loops hold
  flyattn inspect kernel.hsaco --json -
)";

const Command inspectCommand = {inspectSub, kExamples, runInspect};

} // namespace flyattn::driver
