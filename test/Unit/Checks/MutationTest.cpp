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
// number of sites a kind and kernel (2).
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

struct Kernel {
  ScheduleKind schedule;
  const char *chip;
  unsigned headDim;
};

constexpr ScheduleKind generic = ScheduleKind::Generic,
                       dualWave = ScheduleKind::DualWave;

/// Mutants that survive.
struct Survivor {
  ScheduleKind schedule;
  const char *kind;
  const char *before;          ///< how the replaced text begins,
  const char *previous, *next; ///< and that of its neighbours
  const char *because;
};
/// Nothing can tell these from the kernel.
constexpr Survivor equivalents[] = {
    {generic, "wait for one less (vmcnt)", "s_waitcnt vmcnt(0) lgkmcnt(0)", "",
     "", "the loads before a barrier have been used, so waited for, already"},
    {generic, "wait for one less (lgkmcnt)", "s_waitcnt vmcnt(0) lgkmcnt(0)",
     "", "",
     "so have the LDS reads, where the last products come before the barrier"},
    {generic, "nop behind its user", "s_nop 2; buffer_load_dwordx4", "", "",
     "LLVM pads for the carry of v_mad_u64_u32, though a scalar instruction "
     "has overwritten it"},
    {generic, "nop behind its user", "s_nop 1; buffer_load_dwordx4", "", "",
     "the same, with one more instruction between"},
    {generic, "mask: always the first", "v_cndmask_b32_e32", "", "",
     "the LSE of a row that sees nothing is -inf without being told, and "
     "taking each new maximum is right, only slower"},
    {generic, "mask: always the first", "v_cndmask_b32_e64", "", "",
     "rounding to bf16 by integers keeps NaNs apart; there are none"},
    {generic, "drop a compare", "v_cmp_u_f32", "", "",
     "rounding to bf16 by integers keeps NaNs apart; there are none"},
    {generic, "drop a compare", "v_cmp_neq_f32", "", "",
     "asks whether a factor is 1: multiplying by it is right as well"},
    {generic, "branch never taken", "s_cbranch_scc1", "", "v_cmp_lt",
     "masks a tile of which all is seen"},
    {generic, "branch never taken", "s_cbranch_scc1", "", "s_add_i32",
     "goes through tiles behind the last, which the mask hides"},
    {generic, "branch never taken", "s_cbranch_execz", "", "",
     "skips what does nothing with no lane on"},
    {generic, "branch always taken", "s_cbranch_scc0", "", "s_mul_i32",
     "to what flips the sign of Q, by a mask that may be 0"},
    {generic, "branch always taken", "s_cbranch_vccnz", "", "v_fma",
     "raises the maximum and rescales by 1 where no score asks for it"},
    // The groups' lag, and clusters.
    {dualWave, "drop a barrier", "s_barrier", "s_cbranch_vccnz 1", "",
     "makes or undoes the lag: groups that run together are right, only "
     "slower, and waves that have ended hold no barrier up"},
    {dualWave, "branch never taken", "s_cbranch_vccnz 1", "", "s_barrier",
     "the same barriers, of both groups"},
    {dualWave, "branch always taken", "s_cbranch_vccnz 1", "", "s_barrier",
     "the same barriers, of none"},
    {dualWave, "drop a barrier", "s_barrier", "s_waitcnt", "s_cmp",
     "the border of the first cluster, which all waves run at once: what it "
     "landed is read behind the next border"},
    {dualWave, "drop a wait", "s_waitcnt vmcnt(0)", "s_barrier",
     "ds_read_b64_tr",
     "LLVM's own: the schedule's wait has covered V, the end covers the rest"},
    {dualWave, "wait for one less (vmcnt)", "s_waitcnt vmcnt(0)", "s_barrier",
     "ds_read_b64_tr", "the same"},
    {dualWave, "drop a wait", "s_waitcnt vmcnt(0)", "", "s_cbranch_vccnz 1",
     "the schedule's last: LLVM's wait before the last V read was for all"},
    {dualWave, "wait for one less (vmcnt)", "s_waitcnt vmcnt(0)", "",
     "s_cbranch_vccnz 1", "the same"},
    {dualWave, "wait for one less (lgkmcnt)", "s_waitcnt vmcnt(", "v_mov_b32",
     "s_barrier", "a cluster that lands V has no LDS operation on its way"},
    {dualWave, "drop a wait", "s_waitcnt lgkmcnt(0)", "v_mov_b64", "s_barrier",
     "gfx942's first cluster only starts loads; what reads Q from LDS is "
     "before "
     "it, and the cluster that lands K waits for that as well"},
    {dualWave, "wait for one less (lgkmcnt)", "s_waitcnt lgkmcnt(0)",
     "v_mov_b64", "s_barrier", "the same"},
    // Tiles before the first and behind the last.
    {dualWave, "load 16 bytes off", "buffer_load_dword v", "", "",
     "V of the tile before the first, the weights of which are 0"},
    {dualWave, "branch never taken", "s_cbranch_scc1", "", "v_subrev_u32",
     "masks a tile of which all is seen"},
    {dualWave, "branch never taken", "s_cbranch_scc1", "", "v_cmp_lt",
     "the same"},
    {dualWave, "branch always taken", "s_cbranch_scc0", "", "v_mov_b32",
     "takes a tile behind the last, which the mask hides"},
    {dualWave, "drop a scalar addition", "s_add_i32", "s_max_i32", "s_and_b32",
     "rounds a number of rows up to pairs of tiles: only where it is even "
     "already is the sum another, and then no tile is left either way"},
    // Softmax.
    {dualWave, "branch always taken", "s_cbranch_vccnz", "", "",
     "raises the maximum and rescales by 1 where no score asks for it"},
    {dualWave, "mask: always the first", "v_cndmask_b32_e32", "",
     "v_max_f32_e32", "takes each new maximum: right, only slower"},
    {dualWave, "drop a compare", "v_cmp_neq_f32", "", "",
     "asks whether a factor is 1: multiplying by it is right as well"},
    {dualWave, "mask: always the first", "v_cndmask_b32_e32", "", "v_lshlrev",
     "the LSE of a row that sees nothing is -inf without being told"},
    {dualWave, "mask: always the first", "v_cndmask_b32_e32", "", "v_or_b32",
     "the same"},
    // What these instructions are for does not occur.
    {dualWave, "mask: always the first", "v_cndmask_b32_e64", "", "v_bfe_u32",
     "rounding to bf16 by integers keeps NaNs apart; there are none"},
    {dualWave, "drop a compare", "v_cmp_u_f32", "", "",
     "rounding to bf16 by integers keeps NaNs apart; there are none"},
    {dualWave, "branch never taken", "s_cbranch_execz", "", "",
     "skips what does nothing with no lane on"},
    {dualWave, "branch always taken", "s_cbranch_scc0", "", "",
     "to what flips the sign of Q, by a mask that may be 0"},
    {dualWave, "drop a scalar addition", "s_add_i32", "s_mul_hi_u32",
     "s_mul_hi_u32",
     "refines the reciprocal of the heads a KV head, which only more heads "
     "than a million need"},
};

/// Mutants that other inputs would tell: they count as not found.
constexpr Survivor missed[] = {
    {generic, "drop a maximum", "v_max3_f32", "", "",
     "a reference that is too small does no harm before a score outgrows it by "
     "2^128, in just the columns that were left out"},
    {generic, "drop a scalar addition", "s_add_i32", "", "",
     "high halves of addresses and of a reciprocal, which are 0 at these "
     "sizes, and the test whether a tile needs its mask"},
    {dualWave, "drop a maximum", "v_max3_f32", "", "", "the same"},
    {dualWave, "drop a scalar addition", "s_add_i32", "", "",
     "where the tiles end that need no mask: a smaller number, which the "
     "register happens to hold, masks more tiles than it must"},
};

bool isIn(llvm::ArrayRef<Survivor> table, const Kernel &kernel,
          const Mutant &mutant) {
  auto begins = [](llvm::StringRef text, const char *with) {
    return text.starts_with(with);
  };
  return llvm::any_of(table, [&](const Survivor &known) {
    return kernel.schedule == known.schedule && mutant.kind == known.kind &&
           begins(mutant.before, known.before) &&
           begins(mutant.previous, known.previous) &&
           begins(mutant.next, known.next);
  });
}

struct Count {
  unsigned byChecks = 0, byError = 0, byResult = 0, equivalent = 0, survive = 0;
  unsigned all() const {
    return byChecks + byError + byResult + equivalent + survive;
  }
  void operator+=(const Count &other) {
    byChecks += other.byChecks;
    byError += other.byError;
    byResult += other.byResult;
    equivalent += other.equivalent;
    survive += other.survive;
  }
};

/// Problems of one kernel. A mutant that the first does not find goes through
/// the others, whose lengths, heads and sign of the scale are others.
std::vector<Problem> problemsOf(ScheduleKind schedule, unsigned headDim) {
  Problem base;
  base.schedule = schedule;
  base.headDim = headDim;
  base.mask = MaskKind::Causal;
  base.wantLse = true;
  auto with = [&](int64_t heads, int64_t kvHeads, int64_t sq, int64_t skv) {
    Problem problem = base;
    problem.heads = heads;
    problem.kvHeads = kvHeads;
    problem.seqlenQ = sq;
    problem.seqlenKv = skv;
    return problem;
  };
  // The last workgroup goes at least twice through the loop over tiles that
  // need no mask; of the generic one, the first rows see nothing.
  std::vector<Problem> problems;
  if (schedule == ScheduleKind::Generic)
    problems = {with(8, 4, 420, 400), with(4, 2, 200, 130)};
  else
    problems = {with(2, 1, 300, 500), with(8, 4, 257, 129), with(1, 1, 40, 300),
                with(2, 1, 40, 380)};
  problems[1].batch = 2;
  problems[1].scale = -0.1;
  return problems;
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

/// All mutants of a kernel that the rule over sites chooses, by kind.
void findMutants(const Kernel &kernel, size_t most,
                 std::map<std::string, Count> &counts) {
  std::vector<CheckedAttention> problems;
  for (const Problem &problem : problemsOf(kernel.schedule, kernel.headDim))
    problems.emplace_back(problem, kernel.chip);
  sim::Program program = problems.front().decode();
  sim::Options options;
  options.checks = true;
  options.instructionBudget = 1 << 20; // a workgroup needs a tenth
  for (CheckedAttention &problem : problems) {
    Outcome sound = problem.run(program, options);
    ASSERT_EQ(sound.error, "");
    ASSERT_TRUE(sound.right && sound.checks.reports.empty());
  }
  for (const std::string &kind : mutationKinds())
    for (const Mutant &mutant : spread(mutantsOf(program, kind), most)) {
      auto mutated = apply(program, mutant);
      ASSERT_TRUE(bool(mutated)) << llvm::toString(mutated.takeError());
      Count count;
      for (CheckedAttention &problem : problems) {
        count = classify(problem.run(*mutated, options));
        if (!count.survive)
          break;
      }
      if (count.survive && isIn(equivalents, kernel, mutant))
        count = {.equivalent = 1};
      counts[kind] += count;
      if (count.survive && !isIn(missed, kernel, mutant))
        ADD_FAILURE() << kernel.chip << " d" << kernel.headDim << ", " << kind
                      << ": nothing finds `" << mutant.before
                      << "` replaced by `" << mutant.after << "` at 0x"
                      << std::hex << mutant.offset << ", before `"
                      << mutant.next << "`";
    }
}

void print(const std::map<std::string, Count> &counts) {
  std::printf("%-30s mutants  checks  errors  results  equivalent  survive\n",
              "kind");
  Count sum;
  auto line = [](const std::string &name, const Count &count) {
    std::printf("%-30s %7u %7u %7u %8u %11u %8u\n", name.c_str(), count.all(),
                count.byChecks, count.byError, count.byResult, count.equivalent,
                count.survive);
  };
  for (const auto &[kind, count] : counts) {
    if (count.all())
      line(kind, count);
    sum += count;
  }
  line("all", sum);
}

void findAll(llvm::ArrayRef<Kernel> kernels) {
  const char *sites = std::getenv("FLYATTN_MUTANTS");
  size_t most = sites ? std::stoul(sites) : 2;
  std::map<std::string, Count> counts;
  for (const Kernel &kernel : kernels)
    findMutants(kernel, most, counts);
  print(counts);
  Count sum;
  for (const auto &[kind, count] : counts)
    sum += count;
  EXPECT_GE(sum.all(), 60u);
  // Of those that change anything.
  EXPECT_LE(sum.survive * 20, sum.all() - sum.equivalent);
  // Faults of synchronisation give right results here: only checks see them.
  for (const char *kind : {"drop a wait", "drop a barrier", "wrong M0"})
    EXPECT_EQ(counts[kind].survive, 0u) << kind;
  const Count &barriers = counts["drop a barrier"];
  EXPECT_GE(barriers.byChecks * 10, (barriers.all() - barriers.equivalent) * 9);
}

TEST(Mutation, OfGenericIsFound) {
  findAll({{generic, "gfx942", 64},
           {generic, "gfx942", 128},
           {generic, "gfx950", 64},
           {generic, "gfx950", 128}});
}

TEST(Mutation, OfDualWaveIsFound) {
  findAll({{dualWave, "gfx942", 128}, {dualWave, "gfx950", 128}});
}

/// The long run's.
TEST(Mutation, OfNarrowDualWaveIsFound) {
  if (!std::getenv("FLYATTN_MUTANTS"))
    GTEST_SKIP();
  findAll({{dualWave, "gfx942", 64}, {dualWave, "gfx950", 64}});
}

} // namespace
