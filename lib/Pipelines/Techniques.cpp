//===- Techniques.cpp - The names of dual_wave's techniques ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Pipelines/Pipelines.h"

using namespace flyattn;

llvm::StringRef flyattn::nameOf(Technique technique) {
  static constexpr llvm::StringLiteral names[] = {
      "none",         "stagger",        "priority",     "interleave",
      "anchors",      "fences",         "lazy-rescale", "counted-waits",
      "slot-padding", "workgroup-order"};
  return names[unsigned(technique)];
}

std::optional<Technique> flyattn::techniqueOf(llvm::StringRef name) {
  for (Technique technique : kAllTechniques)
    if (nameOf(technique) == name)
      return technique;
  return std::nullopt;
}

std::string flyattn::techniqueNames() {
  std::string names;
  for (Technique technique : kAllTechniques)
    names += (names.empty() ? "" : ", ") + nameOf(technique).str();
  return names;
}

bool TechniqueParser::parse(llvm::cl::Option &option, llvm::StringRef name,
                            llvm::StringRef word, std::string &value) {
  if (!word.empty() && !techniqueOf(word))
    return option.error("'" + word +
                            "' was given; dual_wave's techniques are " +
                            techniqueNames(),
                        name);
  value = word.str();
  return false;
}
