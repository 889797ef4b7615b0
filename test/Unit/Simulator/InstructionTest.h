//===- InstructionTest.h - Runs instructions that are given as text -------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A test states what an instruction does by a lambda on plain values, written
// from the ISA document, and the harness runs the real encoding of the text:
//
//   KernelText k("gfx950");
//   k.vgpr[1] = ...; k.run("v_add_f32 v0, v1, v2"); k.vgpr[0] ...
//
// Registers are loaded before and stored after the text by code around it, so
// that only global loads, stores and scalar loads are taken on trust; those
// have their own tests.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_SIMULATOR_INSTRUCTIONTEST_H
#define FLYATTN_TEST_UNIT_SIMULATOR_INSTRUCTIONTEST_H

#include "flyattn/Simulator/Reassemble.h"
#include "flyattn/Simulator/Simulator.h"

#include "gtest/gtest.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace flyattn::test {

using Lanes = std::array<uint32_t, 64>;

template <typename To, typename From> To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}
inline uint32_t word(float x) { return bitCast<uint32_t>(x); }
inline float real(uint32_t x) { return bitCast<float>(x); }

/// A kernel of one wave around a few lines of text. v0..v47 and s20..s51,
/// VCC, EXEC and SCC are inputs and outputs; the text may use all of them.
struct KernelText {
  static constexpr unsigned vgprs = 48, sgprs = 32, firstSgpr = 20;

  std::string chip;
  std::array<Lanes, vgprs> vgpr = {};
  std::array<uint32_t, sgprs> sgpr = {}; ///< s20 and up
  uint64_t vcc = 0, exec = ~uint64_t(0);
  uint32_t scc = 0, m0 = 0;
  uint32_t rsrc1 = 0xf0u << 12; ///< denormals kept, nearest even
  uint32_t lds = 65536;
  uint32_t scratch = 0;
  std::vector<uint8_t> data; ///< memory whose address is in s[4:5]
  sim::Options options;
  std::string error; ///< of the last run; empty if it went well

  explicit KernelText(std::string chip) : chip(std::move(chip)) {}

  uint32_t &s(unsigned n) { return sgpr[n - firstSgpr]; }
  uint64_t s64(unsigned n) { return s(n) | uint64_t(s(n + 1)) << 32; }
  void setS64(unsigned n, uint64_t value) {
    s(n) = uint32_t(value);
    s(n + 1) = uint32_t(value >> 32);
  }

  /// Assembles and runs; false, with `error`, if either fails.
  bool run(const std::string &text) {
    error.clear();
    auto code = sim::assemble(chip, before() + text + "\n" + after());
    if (!code)
      return fail(code.takeError());
    auto program = sim::Program::fromCode(chip, kernelInfo(), *code);
    if (!program)
      return fail(program.takeError());
    if (llvm::Error wrong = sim::checkReassembly(*program))
      return fail(std::move(wrong));
    std::vector<uint32_t> image = packed();
    sim::Memory memory;
    sim::LaunchParams params;
    params.block = {64, 1, 1};
    params.setKernarg(0, memory.bind(image.data(), image.size() * 4, "image"));
    params.setKernarg(8, memory.bind(data.data(), data.size(), "data"));
    auto result = sim::launch(*program, memory, params, options);
    if (!result)
      return fail(result.takeError());
    unpack(image);
    return true;
  }

  sim::KernelInfo kernelInfo() const {
    sim::KernelInfo info;
    info.name = "test";
    info.vgprs = 128;
    info.accumOffset = 64;
    info.ldsSize = lds;
    info.scratchSize = scratch;
    info.kernargSize = 16;
    info.rsrc1 = rsrc1;
    info.rsrc2 = 2u << 1;          // two user SGPRs
    info.codeProperties = 1u << 3; // the kernarg pointer
    return info;
  }

private:
  // The image: vgprs, then sgprs, vcc, exec, scc, m0. v60 is the lane's
  // offset, s[2:3] the image.
  static constexpr unsigned scalarsAt = vgprs * 256;

  static std::string before() {
    std::string t = "s_load_dwordx4 s[4:7], s[0:1], 0x0\n"
                    "s_waitcnt lgkmcnt(0)\n"
                    "s_mov_b64 s[2:3], s[4:5]\n"
                    "s_mov_b64 s[4:5], s[6:7]\n"
                    "v_lshlrev_b32_e32 v60, 2, v0\n";
    for (unsigned n = 0; n < vgprs; ++n) {
      t += "global_load_dword v" + std::to_string(n) + ", v60, s[2:3]\n";
      t += "v_add_u32_e32 v60, 0x100, v60\n";
    }
    t += "s_load_dwordx16 s[20:35], s[2:3], " + at(0) + "\n" +
         "s_load_dwordx16 s[36:51], s[2:3], " + at(16) + "\n" +
         "s_load_dwordx2 vcc, s[2:3], " + at(32) + "\n" +
         "s_load_dwordx4 s[8:11], s[2:3], " + at(34) + "\n" +
         "s_waitcnt vmcnt(0) lgkmcnt(0)\n"
         "s_mov_b32 m0, s11\n"
         "s_mov_b64 exec, s[8:9]\n"
         "s_cmp_lg_u32 s10, 0\n";
    return t;
  }
  static std::string after() {
    std::string t = "s_cselect_b32 s10, 1, 0\n"
                    "s_mov_b64 s[8:9], exec\n"
                    "s_mov_b64 exec, -1\n"
                    "s_waitcnt vmcnt(0) lgkmcnt(0)\n"
                    "v_add_u32_e32 v60, 0x" +
                    hex(0u - vgprs * 256) + ", v60\n";
    for (unsigned n = 0; n < vgprs; ++n) {
      t += "global_store_dword v60, v" + std::to_string(n) + ", s[2:3]\n";
      t += "v_add_u32_e32 v60, 0x100, v60\n";
    }
    // Scalars through lane 0: scalar stores are not taken on trust.
    t += "v_mov_b32_e32 v61, 0\n";
    auto store = [&](const std::string &scalar, unsigned index) {
      t += "v_mov_b32_e32 v62, " + scalar + "\n" + "v_mov_b32_e32 v61, " +
           at(index) + "\n" + "global_store_dword v61, v62, s[2:3]\n";
    };
    for (unsigned n = 0; n < sgprs; ++n)
      store("s" + std::to_string(firstSgpr + n), n);
    store("vcc_lo", 32);
    store("vcc_hi", 33);
    store("s8", 34);
    store("s9", 35);
    store("s10", 36);
    store("m0", 37);
    return t + "s_endpgm\n";
  }
  static std::string hex(uint32_t value) {
    char buffer[16];
    std::snprintf(buffer, sizeof(buffer), "%x", value);
    return buffer;
  }
  static std::string at(unsigned index) {
    return "0x" + hex(scalarsAt + 4 * index);
  }
  std::vector<uint32_t> packed() const {
    std::vector<uint32_t> image;
    for (const Lanes &lanes : vgpr)
      image.insert(image.end(), lanes.begin(), lanes.end());
    image.insert(image.end(), sgpr.begin(), sgpr.end());
    for (uint64_t mask : {vcc, exec}) {
      image.push_back(uint32_t(mask));
      image.push_back(uint32_t(mask >> 32));
    }
    image.push_back(scc);
    image.push_back(m0);
    return image;
  }
  void unpack(const std::vector<uint32_t> &image) {
    for (unsigned n = 0; n < vgprs; ++n)
      std::copy_n(image.begin() + n * 64, 64, vgpr[n].begin());
    const uint32_t *scalars = image.data() + vgprs * 64;
    std::copy_n(scalars, sgprs, sgpr.begin());
    vcc = scalars[32] | uint64_t(scalars[33]) << 32;
    exec = scalars[34] | uint64_t(scalars[35]) << 32;
    scc = scalars[36];
    m0 = scalars[37];
  }
  bool fail(llvm::Error why) {
    error = llvm::toString(std::move(why));
    return false;
  }
};

/// Values at which instructions go wrong, as f32 and as integers.
inline const std::vector<uint32_t> &edgeWords() {
  static const std::vector<uint32_t> words = {
      0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
      0x7fc00000, 0xffc12345, 0x00000001, 0x807fffff, 0x00800000, 0x80800000,
      0x7f7fffff, 0xff7fffff, 0x40490fdb, 0xc2fd0000, 0x42fe0000, 0x3effffff,
      0x4b000001, 0xcb000001, 0x4f000000, 0xcf000000, 0x4f800000, 0x33800000,
      0x7fffffff, 0xffffffff, 0x00ffffff, 0x0000ffff, 0xffff0000, 0x12345678,
      0xfedcba98, 0x00000020};
  return words;
}

/// 64 values: edges first, then seeded noise. `salt` makes operands differ.
inline Lanes testLanes(unsigned salt) {
  Lanes lanes;
  const auto &edges = edgeWords();
  uint32_t state = salt * 2654435761u + 12345;
  for (unsigned i = 0; i < 64; ++i) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    lanes[i] =
        i < 48 ? edges[(i * (2 * salt + 1) + salt * 7) % edges.size()] : state;
  }
  return lanes;
}

/// The same value up to the payload of a NaN.
inline bool sameFloat(uint32_t a, uint32_t b) {
  bool nanA = (a & 0x7fffffff) > 0x7f800000;
  bool nanB = (b & 0x7fffffff) > 0x7f800000;
  return nanA || nanB ? nanA && nanB : a == b;
}
inline bool sameDouble(uint64_t a, uint64_t b) {
  constexpr uint64_t inf = 0x7ff0000000000000, magnitude = ~uint64_t(0) >> 1;
  bool nanA = (a & magnitude) > inf, nanB = (b & magnitude) > inf;
  return nanA || nanB ? nanA && nanB : a == b;
}
inline bool sameHalf(uint32_t a, uint32_t b) {
  bool nanA = (a & 0x7fff) > 0x7c00, nanB = (b & 0x7fff) > 0x7c00;
  return nanA || nanB ? nanA && nanB : (a & 0xffff) == (b & 0xffff);
}

} // namespace flyattn::test

#endif // FLYATTN_TEST_UNIT_SIMULATOR_INSTRUCTIONTEST_H
