//===- CoverageTest.cpp - Every implemented instruction has a test --------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the sources of the instruction tests: a mnemonic that the simulator
// implements must be named in one of them.
//
//===----------------------------------------------------------------------===//

#include "Decode.h"

#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>
#include <set>

using namespace flyattn::sim;

namespace {

bool isWordCharacter(char c) { return std::isalnum(c) || c == '_'; }

/// All identifiers in the string literals and code of the tests; encodings
/// are left off.
std::set<std::string> namedInTests() {
  std::set<std::string> names;
  for (const auto &entry :
       std::filesystem::directory_iterator(FLYATTN_TEST_SOURCES)) {
    if (entry.path().extension() != ".cpp" ||
        entry.path().filename() == "CoverageTest.cpp")
      continue;
    std::ifstream in(entry.path());
    std::string text((std::istreambuf_iterator<char>(in)),
                     std::istreambuf_iterator<char>());
    std::string word;
    for (char c : text) {
      if (isWordCharacter(c)) {
        word += c;
        continue;
      }
      for (const char *suffix : {"_e32", "_e64", "_sdwa", "_dpp"})
        if (word.size() > 4 && word.ends_with(suffix))
          word.resize(word.size() - strlen(suffix));
      // "ns_barrier" is what a preceding \n leaves.
      if (word.size() > 1 && word[0] == 'n')
        names.insert(word.substr(1));
      names.insert(word);
      word.clear();
    }
  }
  return names;
}

/// Families whose tests put the mnemonic together from parts; the tests walk
/// through all parts.
bool isAssembledFromParts(llvm::StringRef name) {
  for (const char *prefix :
       {"v_cmp_",    "v_cmpx_",       "s_cmp_",        "s_cmpk_",
        "global_",   "flat_",         "buffer_",       "scratch_",
        "ds_",       "s_buffer_",     "s_load_",       "s_store_",
        "s_atomic_", "v_cvt_pk_fp8",  "v_cvt_pk_bf8",  "v_cvt_scalef32_",
        "v_cvt_sr_", "v_cvt_pk_f32_", "v_cvt_f32_fp8", "v_cvt_f32_bf8"})
    if (name.starts_with(prefix))
      return true;
  return false;
}

TEST(Coverage, EveryImplementedInstructionIsTested) {
  std::set<std::string> tested = namedInTests();
  ASSERT_TRUE(tested.count("v_add_f32")) << "no sources found";
  unsigned parts = 0;
  for (const auto &entry : opTable()) {
    std::string name = entry.getKey().str();
    if (isAssembledFromParts(name)) {
      ++parts;
      continue;
    }
    EXPECT_TRUE(tested.count(name)) << name << " has no test";
  }
  EXPECT_LT(parts, opTable().size());
  RecordProperty("implemented", std::to_string(opTable().size()));
}

} // namespace
