//===- MutationTest.cpp - Faults in our kernels are found -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fault is found if the checks report something, or the launch fails, or the
// result is out of its bounds. Sites are chosen by a rule over all candidates
// of each kind, so that none is picked for being easy. $FLYATTN_MUTANTS is the
// number of sites a kind and kernel (3).
//
//===----------------------------------------------------------------------===//

#include "CheckedAttention.h"
#include "Mutants.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <map>

using namespace flyattn;
using namespace flyattn::test;

namespace {

/// Mutants that no result can tell from the kernel.
struct Equivalent {
  const char *kind;
  const char *before; ///< how the replaced text begins
  const char *because;
};
constexpr Equivalent equivalents[] = {
    {"wait for one less (vmcnt)", "s_waitcnt vmcnt(0) lgkmcnt(0)",
     "the loads before a barrier have been used, so waited for, already"},
    {"wait for one less (lgkmcnt)", "s_waitcnt vmcnt(0) lgkmcnt(0)",
     "so have the LDS reads, where the last products come before the barrier"},
    {"nop behind its user", "s_nop 2; buffer_load_dwordx4",
     "LLVM pads for the carry of v_mad_u64_u32, though a scalar instruction "
     "has overwritten it"},
    {"nop behind its user", "s_nop 1; buffer_load_dwordx4",
     "the same, with one more instruction between"},
    {"mask: always the first", "v_cndmask_b32_e32",
     "the LSE of a row that sees nothing is -inf without being told, and "
     "taking each new maximum is right, only slower"},
    {"mask: always the first", "v_cndmask_b32_e64",
     "rounding to bf16 by integers keeps NaNs apart; there are none"},
    {"drop a compare", "v_cmp_u_f32",
     "rounding to bf16 by integers keeps NaNs apart; there are none"},
    {"drop a compare", "v_cmp_neq_f32",
     "asks whether a factor is 1: multiplying by it is right as well"},
    {"drop a maximum", "v_max3_f32",
     "softmax is the same from any reference that does not overflow"},
    {"drop a scalar addition", "s_add_i32",
     "high halves of addresses and of a reciprocal, which are 0 at these "
     "sizes, "
     "and the test whether a tile needs its mask"},
};

bool isEquivalent(const Mutant &mutant) {
  for (const Equivalent &known : equivalents)
    if (mutant.kind == known.kind &&
        llvm::StringRef(mutant.before).starts_with(known.before))
      return true;
  return false;
}

struct Count {
  unsigned byChecks = 0, byError = 0, byResult = 0, survive = 0;
  unsigned all() const { return byChecks + byError + byResult + survive; }
  void operator+=(const Count &other) {
    byChecks += other.byChecks;
    byError += other.byError;
    byResult += other.byResult;
    survive += other.survive;
  }
};

Problem causalProblem(unsigned headDim) {
  Problem problem;
  problem.heads = 8;
  problem.kvHeads = 4;
  // The first rows see nothing, and the last workgroup goes twice through the
  // loop over tiles that need no mask.
  problem.schedule = ScheduleKind::Generic;
  problem.seqlenQ = 420;
  problem.seqlenKv = 400;
  problem.headDim = headDim;
  problem.mask = MaskKind::Causal;
  problem.wantLse = true;
  return problem;
}

Count classify(const Outcome &outcome) {
  Count count;
  if (!outcome.error.empty())
    (llvm::StringRef(outcome.error).contains("the checks found")
         ? count.byChecks
         : count.byError) = 1;
  else if (!outcome.checks.reports.empty())
    count.byChecks = 1;
  else
    (outcome.right ? count.survive : count.byResult) = 1;
  return count;
}

TEST(Mutation, IsFound) {
  const char *sites = std::getenv("FLYATTN_MUTANTS");
  size_t most = sites ? std::stoul(sites) : 3;
  std::map<std::string, Count> counts;
  for (const char *chip : {"gfx942", "gfx950"})
    for (unsigned headDim : {64u, 128u}) {
      CheckedAttention attention(causalProblem(headDim), chip);
      sim::Program program = attention.decode();
      sim::Options options;
      options.checks = true;
      options.instructionBudget = 1 << 20; // a workgroup needs a tenth
      Outcome sound = attention.run(program, options);
      ASSERT_EQ(sound.error, "");
      ASSERT_TRUE(sound.right && sound.checks.reports.empty());
      for (const std::string &kind : mutationKinds())
        for (const Mutant &mutant : spread(mutantsOf(program, kind), most)) {
          auto mutated = apply(program, mutant);
          ASSERT_TRUE(bool(mutated)) << llvm::toString(mutated.takeError());
          Count count = classify(attention.run(*mutated, options));
          counts[kind] += count;
          if (count.survive && !isEquivalent(mutant))
            ADD_FAILURE() << chip << " d" << headDim << ", " << kind
                          << ": nothing finds `" << mutant.before
                          << "` replaced by `" << mutant.after << "` at 0x"
                          << std::hex << mutant.offset;
        }
    }

  Count sum;
  std::printf("%-30s mutants  checks  errors  results  survive\n", "kind");
  auto print = [](const std::string &name, const Count &count) {
    std::printf("%-30s %7u %7u %7u %8u %8u\n", name.c_str(), count.all(),
                count.byChecks, count.byError, count.byResult, count.survive);
  };
  for (const std::string &kind : mutationKinds()) {
    if (counts[kind].all())
      print(kind, counts[kind]);
    sum += counts[kind];
  }
  print("all", sum);
  EXPECT_GE(sum.all(), 60u);
  // Equivalent mutants are a few in a hundred; all others are found.
  EXPECT_LE(sum.survive * 10, sum.all());
  // Faults of synchronisation give right results here: only checks see them.
  for (const char *kind : {"drop a wait", "drop a barrier", "wrong M0"})
    EXPECT_EQ(counts[kind].survive, 0u) << kind;
  EXPECT_GE(counts["drop a barrier"].byChecks * 10,
            counts["drop a barrier"].all() * 9);
}

} // namespace
