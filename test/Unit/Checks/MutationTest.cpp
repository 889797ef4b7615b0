//===- MutationTest.cpp - Faults in our kernels are found -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sites are chosen by a rule over all candidates of each kind, so that no fault
// is picked for being easy.
//
//===----------------------------------------------------------------------===//

#include "CheckedAttention.h"
#include "Mutants.h"

#include "gtest/gtest.h"

using namespace flyattn;
using namespace flyattn::test;

namespace {

TEST(Mutation, Explore) {
  const char *sites = std::getenv("FLYATTN_MUTANTS");
  size_t most = sites ? std::stoul(sites) : 2;
  unsigned all = 0, byChecks = 0, byResult = 0;
  for (const char *chip : {"gfx942", "gfx950"})
    for (unsigned headDim : {64u, 128u}) {
      Problem problem;
      problem.seqlenQ = 200;
      problem.seqlenKv = 333;
      problem.headDim = headDim;
      problem.mask = MaskKind::Causal;
      problem.wantLse = true;
      CheckedAttention attention(problem, chip);
      sim::Program program = attention.decode();
      for (const std::string &kind : mutationKinds())
        for (const Mutant &mutant : spread(mutantsOf(program, kind), most)) {
          auto mutated = apply(program, mutant);
          if (!mutated) {
            ADD_FAILURE() << llvm::toString(mutated.takeError());
            continue;
          }
          sim::Options options;
          options.checks = true;
          options.instructionBudget = 1 << 20;
          Outcome outcome = attention.run(*mutated, options);
          bool checks = !outcome.checks.reports.empty();
          ++all;
          byChecks += checks;
          byResult += !checks && !outcome.right;
          std::printf("%-8s %s d%u %s: %s\n",
                      checks                   ? "checks"
                      : !outcome.error.empty() ? "error"
                      : !outcome.right         ? "result"
                                               : "SURVIVES",
                      chip, headDim, kind.c_str(), mutant.before.c_str());
        }
    }
  std::printf("%u mutants, %u by checks, %u by results\n", all, byChecks,
              byResult);
}

} // namespace
