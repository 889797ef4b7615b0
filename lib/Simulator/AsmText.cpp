//===- AsmText.cpp - Takes an instruction's assembler text apart ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AsmText.h"

#include "Apertures.h"
#include "Inst.h"

#include "llvm/ADT/StringExtras.h"

#include <cstring>

using namespace llvm;
using namespace flyattn::sim;

/// Scalar registers with names instead of numbers.
static std::optional<std::pair<uint16_t, uint16_t>>
namedScalar(StringRef name) {
  static constexpr struct {
    StringRef name;
    uint16_t slot, count;
  } names[] = {
      {"vcc", SlotVcc, 2},         {"vcc_lo", SlotVcc, 1},
      {"vcc_hi", SlotVcc + 1, 1},  {"exec", SlotExec, 2},
      {"exec_lo", SlotExec, 1},    {"exec_hi", SlotExec + 1, 1},
      {"m0", SlotM0, 1},           {"src_scc", SlotScc, 1},
      {"flat_scratch", 102, 2},    {"flat_scratch_lo", 102, 1},
      {"flat_scratch_hi", 103, 1}, {"xnack_mask", 104, 2},
      {"xnack_mask_lo", 104, 1},   {"xnack_mask_hi", 105, 1},
  };
  for (const auto &entry : names)
    if (entry.name == name)
      return std::make_pair(entry.slot, entry.count);
  return std::nullopt;
}

/// Constants of 64 bits with names instead of digits.
static bool parseNamedConstant(StringRef text, TextOperand &op) {
  static constexpr struct {
    StringRef name;
    uint64_t value;
  } names[] = {
      {"src_shared_base", sharedAperture},
      {"src_shared_limit", apertureLimit(sharedAperture)},
      {"src_private_base", privateAperture},
      {"src_private_limit", apertureLimit(privateAperture)},
  };
  for (const auto &entry : names)
    if (entry.name == text) {
      op.kind = TextOperand::Wide;
      op.integer = int64_t(entry.value);
      return true;
    }
  return false;
}

/// "12" or "[4:7]" behind a register letter.
static bool parseRange(StringRef text, uint16_t &first, uint16_t &count) {
  if (!text.consume_front("[")) {
    count = 1;
    return !text.getAsInteger(10, first);
  }
  if (!text.consume_back("]"))
    return false;
  auto [low, high] = text.split(':');
  uint16_t last;
  if (low.getAsInteger(10, first) || high.getAsInteger(10, last) ||
      last < first)
    return false;
  count = last - first + 1;
  return true;
}

static bool parseRegister(StringRef text, TextOperand &op) {
  if (auto named = namedScalar(text)) {
    op.kind = TextOperand::Scalar;
    std::tie(op.reg, op.count) = *named;
    return true;
  }
  if (text.consume_front("ttmp")) {
    op.kind = TextOperand::Scalar;
    if (!parseRange(text, op.reg, op.count))
      return false;
    op.reg += 108;
    return true;
  }
  if (text.empty())
    return false;
  switch (text.front()) {
  case 'v':
    op.kind = TextOperand::Vgpr;
    break;
  case 'a':
    op.kind = TextOperand::Agpr;
    break;
  case 's':
    op.kind = TextOperand::Scalar;
    break;
  default:
    return false;
  }
  return parseRange(text.drop_front(), op.reg, op.count);
}

static bool parseConstant(StringRef text, TextOperand &op) {
  // A literal that an inline constant could stand for is printed as lit(...).
  if (text.consume_front("lit(") || text.consume_front("lit64("))
    text.consume_back(")");
  if (text.contains('.') && !text.starts_with("0x")) {
    double value;
    if (text.getAsDouble(value))
      return false;
    // The only inline constant that is not exact in a few digits: 1/(2 pi).
    float single = static_cast<float>(value);
    std::memcpy(&op.floatBits, &single, 4);
    if ((op.floatBits & 0x7fffff00) == 0x3e22f900)
      op.floatBits = (op.floatBits & 0x80000000) | 0x3e22f983;
    op.kind = TextOperand::Float;
    return true;
  }
  op.hex = text.contains("0x");
  uint64_t bits;
  if (!text.getAsInteger(0, op.integer)) {
    op.kind = TextOperand::Integer;
    return true;
  }
  if (!text.getAsInteger(0, bits)) {
    op.integer = static_cast<int64_t>(bits);
    op.kind = TextOperand::Integer;
    return true;
  }
  return false;
}

static TextOperand parseOperand(StringRef text) {
  TextOperand op;
  op.text = text;
  if (text == "off") {
    op.kind = TextOperand::Off;
    return op;
  }
  // A sign before a digit belongs to the number.
  if (parseConstant(text, op) || parseNamedConstant(text, op))
    return op;
  StringRef inner = text;
  if (inner.consume_front("-"))
    op.neg = true;
  if (op.neg && inner.consume_front("("))
    inner.consume_back(")");
  if (inner.starts_with("|") && inner.ends_with("|") && inner.size() > 2) {
    op.abs = true;
    inner = inner.drop_front().drop_back();
  }
  if (inner.consume_front("sext(")) {
    inner.consume_back(")");
    op.sext = true;
  }
  if (parseRegister(inner, op) || parseConstant(inner, op))
    return op;
  op.kind = TextOperand::Other;
  return op;
}

/// The position of the first `c` outside brackets, or the end.
static size_t findAtTopLevel(StringRef text, char c) {
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '[' || text[i] == '(')
      ++depth;
    else if (text[i] == ']' || text[i] == ')')
      --depth;
    else if (text[i] == c && depth == 0)
      return i;
  }
  return text.size();
}

AsmText flyattn::sim::parseAsmText(StringRef text) {
  AsmText result;
  std::tie(result.mnemonic, text) = text.split(' ');
  result.base = result.mnemonic;
  if (!result.base.consume_back("_e32") && !result.base.consume_back("_e64")) {
    result.sdwa = result.base.consume_back("_sdwa");
    result.dpp = result.base.consume_back("_dpp");
  }
  text = text.trim();
  // Operands end with the first one that is not followed by a comma; what
  // stands behind it, blank-separated, are modifiers.
  while (!text.empty()) {
    size_t comma = findAtTopLevel(text, ',');
    StringRef item = text.substr(0, comma);
    size_t blank = findAtTopLevel(item, ' ');
    result.operands.push_back(parseOperand(item.substr(0, blank)));
    if (blank == item.size() && comma < text.size()) {
      text = text.substr(comma + 1).trim();
      continue;
    }
    text = text.substr(blank).trim();
    break;
  }
  while (!text.empty()) {
    size_t blank = findAtTopLevel(text, ' ');
    result.modifiers.push_back(text.substr(0, blank).split(':'));
    text = text.substr(blank).trim();
  }
  // Instructions without operands may still have modifiers.
  if (result.operands.size() == 1 &&
      result.operands[0].kind == TextOperand::Other &&
      result.operands[0].text.contains(':')) {
    result.modifiers.insert(result.modifiers.begin(),
                            result.operands[0].text.split(':'));
    result.operands.clear();
  }
  return result;
}

bool AsmText::has(StringRef modifier) const {
  for (const auto &[name, value] : modifiers)
    if (name == modifier)
      return true;
  return false;
}

int64_t AsmText::number(StringRef modifier, int64_t otherwise) const {
  for (const auto &[name, value] : modifiers) {
    int64_t result;
    if (name == modifier && !value.getAsInteger(0, result))
      return result;
  }
  return otherwise;
}

std::optional<SmallVector<int64_t, 4>> AsmText::list(StringRef modifier) const {
  for (const auto &[name, value] : modifiers) {
    if (name != modifier)
      continue;
    SmallVector<int64_t, 4> result;
    StringRef rest = value;
    rest.consume_front("[");
    rest.consume_back("]");
    while (!rest.empty()) {
      auto [item, tail] = rest.split(',');
      int64_t entry = 0;
      item.trim().getAsInteger(0, entry);
      result.push_back(entry);
      rest = tail;
    }
    return result;
  }
  return std::nullopt;
}
