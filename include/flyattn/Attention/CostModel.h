//===- CostModel.h - Clocks that a kernel will take -----------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// What routing goes by: how many workgroups there are, how many KV rows each
// takes, and what a workgroup of each kernel takes for its start and for a row.
// The figures are the simulator's, in lib/Attention/KernelCosts.inc, which
// scripts/measure-kernel-costs.py writes.
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_COSTMODEL_H
#define FLYATTN_ATTENTION_COSTMODEL_H

#include "flyattn/Attention/Problem.h"

namespace flyattn {

/// Device clocks that `problem` would take on `chip` with `variant`, whose
/// configuration is `config` and whose splits are those given, the kernel that
/// combines them included. An estimate to choose by: within some tens of
/// percent of the simulator's (`flyattn run --timing`).
double predictClocks(const Problem &problem, llvm::StringRef chip,
                     const KernelVariant &variant, const KernelConfig &config,
                     int64_t splits);

/// The number of parts of KV that is predicted to be the fastest: 1 to as many
/// as there are tiles, a workspace of 1 GiB and a grid allow.
int64_t chooseSplits(const Problem &problem, llvm::StringRef chip,
                     const KernelVariant &variant, const KernelConfig &config);

/// One way to serve a problem.
struct Alternative {
  KernelVariant variant;
  KernelConfig config;              ///< unless refused
  double clocks = 0;                ///< predicted, if there is such a kernel
  std::vector<std::string> refused; ///< why it cannot serve, or need not
  bool chosen = false;
};

/// Every kernel that was considered for a valid problem, the fastest first and
/// the refused ones last. `plan` takes the one that is marked as chosen. Where
/// scores are modified, a dual_wave kernel is compiled to see whether it
/// spills.
std::vector<Alternative> alternatives(const Problem &problem,
                                      llvm::StringRef chip);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_COSTMODEL_H
