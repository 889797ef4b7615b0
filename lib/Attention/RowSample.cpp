//===- RowSample.cpp - Which rows are checked -----------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Reference.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <random>

using namespace llvm;

namespace flyattn {

/// Rows of a sampled head, at the least.
static constexpr int64_t kMinRowsPerHead = 16;
/// Rows in all, at the most: the answers stay below 200 MB.
static constexpr int64_t kMaxRows = 1 << 17;

uint64_t RowSample::rowCount() const {
  uint64_t count = 0;
  for (const HeadRows &head : heads)
    count += head.rows.size();
  return count;
}

/// `count` of the numbers below `size`, ascending: 0, size - 1, those of
/// `favoured` (up to half of `count`), the rest by chance.
static std::vector<int64_t> pick(int64_t size, int64_t count,
                                 ArrayRef<int64_t> favoured,
                                 std::mt19937_64 &random) {
  std::vector<int64_t> chosen = {0, size - 1};
  ArrayRef<int64_t> some =
      favoured.take_front(std::min<size_t>(favoured.size(), count / 2));
  chosen.insert(chosen.end(), some.begin(), some.end());
  auto tidy = [&] {
    sort(chosen);
    chosen.erase(unique(chosen), chosen.end());
  };
  for (tidy(); int64_t(chosen.size()) < count; tidy())
    for (int64_t missing = count - chosen.size(); missing > 0; --missing)
      chosen.push_back(int64_t(random() % uint64_t(size)));
  return chosen;
}

static std::vector<int64_t> allBelow(int64_t size) {
  auto numbers = llvm::seq<int64_t>(0, size);
  return {numbers.begin(), numbers.end()};
}

/// The rows on either side of each tile border, borders taken from the two
/// ends inwards, so that a short list has both the first and the last tile.
static std::vector<int64_t> borderRows(int64_t rows, int64_t tileRows) {
  std::vector<int64_t> found;
  int64_t borders = (rows - 1) / tileRows;
  for (int64_t i = 0; i < borders && int64_t(found.size()) < kMaxRows; ++i) {
    int64_t border = (i % 2 ? i / 2 + 1 : borders - i / 2) * tileRows;
    found.push_back(border - 1);
    found.push_back(border);
  }
  return found;
}

RowSample chooseRows(const Problem &problem, int64_t tileRows, uint64_t seed,
                     double budget) {
  // (batch, head) pairs with rows; packed sequences may have none.
  std::vector<int64_t> pairs;
  int64_t allRows = 0;
  for (int64_t pair = 0; pair < problem.batch * problem.heads; ++pair)
    if (int64_t rows =
            problem.rowsOf(Operand::Q, pair / problem.heads).length) {
      pairs.push_back(pair);
      allRows += rows;
    }
  double rowCost =
      double(problem.headDim + problem.headDimOfV()) * double(problem.seqlenKv);
  int64_t affordable = int64_t(
      std::clamp(budget / rowCost, double(kMinRowsPerHead), double(kMaxRows)));

  RowSample sample;
  sample.sampled = allRows > affordable;
  std::mt19937_64 random(seed);
  int64_t size = int64_t(pairs.size());
  int64_t wanted =
      sample.sampled
          ? std::min(size, std::max<int64_t>(affordable / kMinRowsPerHead, 1))
          : size;
  int64_t most = std::max<int64_t>(affordable / wanted, 2);
  for (int64_t index :
       wanted == size ? allBelow(size) : pick(size, wanted, {}, random)) {
    int64_t batch = pairs[index] / problem.heads;
    int64_t length = problem.rowsOf(Operand::Q, batch).length;
    bool all = !sample.sampled || most >= length;
    sample.heads.push_back(
        {batch, pairs[index] % problem.heads,
         all ? allBelow(length)
             : pick(length, most, borderRows(length, tileRows), random)});
  }
  return sample;
}

} // namespace flyattn
