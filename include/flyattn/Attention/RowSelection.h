//===- RowSelection.h - The workgroups that own some rows -------*- C++ -*-===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A long problem can be run in part: the workgroups that own chosen query rows
// compute what they would compute among all others.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_ROWSELECTION_H
#define FLYATTN_ATTENTION_ROWSELECTION_H

#include "flyattn/Attention/Plan.h"
#include "flyattn/Attention/Reference.h"

#include <cstdint>
#include <vector>

namespace flyattn {

/// Query rows, counted from the first of each sequence, in every batch and in
/// the query heads `heads`; in all heads if those are none.
struct RowSelection {
  std::vector<int64_t> rows, heads;
};

/// These rows; sequences that are shorter leave out what they do not have.
RowSample sampleOf(const Problem &problem, const RowSelection &selection);

/// The workgroups of the forward kernel that own rows of `sample`, as linear
/// ids with x fastest, ascending. With splits these are all parts of KV.
std::vector<uint64_t> workgroupsOf(const Plan &plan, const Problem &problem,
                                   const RowSample &sample);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_ROWSELECTION_H
