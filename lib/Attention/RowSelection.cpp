//===- RowSelection.cpp - The workgroups that own some rows ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/RowSelection.h"

#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace llvm;

namespace flyattn {

RowSample sampleOf(const Problem &problem, const RowSelection &selection) {
  RowSample sample;
  sample.sampled = true;
  std::set<int64_t> rows(selection.rows.begin(), selection.rows.end());
  std::set<int64_t> heads(selection.heads.begin(), selection.heads.end());
  for (int64_t batch = 0; batch < problem.batch; ++batch) {
    int64_t length = problem.rowsOf(Operand::Q, batch).length;
    std::vector<int64_t> present(rows.begin(), rows.lower_bound(length));
    for (int64_t head = 0; head < problem.heads && !present.empty(); ++head)
      if (heads.empty() || heads.count(head))
        sample.heads.push_back({batch, head, present});
  }
  return sample;
}

std::vector<uint64_t> workgroupsOf(const Plan &plan, const Problem &problem,
                                   const RowSample &sample) {
  const auto &[x, y, z] = plan.shape.grid;
  int64_t group = plan.variant.packGqa ? problem.heads / problem.kvHeads : 1;
  int64_t blockRows = plan.kernel->config.rowsPerWorkgroup();
  std::vector<uint64_t> depthOf(size_t(problem.batch)); // of each batch
  for (uint64_t depth = 0; depth < depthOf.size(); ++depth)
    depthOf[plan.sequenceOrder.empty() ? depth
                                       : uint64_t(plan.sequenceOrder[depth])] =
        depth;
  bool ordered = plan.variant.without != Technique::WorkgroupOrder;
  std::set<uint64_t> chosen;
  for (const HeadRows &head : sample.heads)
    for (int64_t row : head.rows) {
      uint64_t block = uint64_t((row * group + head.head % group) / blockRows);
      uint64_t blocks = ordered ? y : x, heads = uint64_t(head.head / group);
      uint64_t rows =
          rowBlockOf(block, blocks, plan.kernel->config.lastRowsFirst);
      uint64_t inPlane = ordered ? heads + x * rows : rows + x * heads;
      uint64_t depth = depthOf[size_t(head.batch)];
      for (uint64_t part = 0; part < plan.splits; ++part)
        chosen.insert(inPlane + x * y * (depth * plan.splits + part));
    }
  return {chosen.begin(), chosen.end()};
}

} // namespace flyattn
