//===- CheckedAttention.h - Our kernels, run with the checks --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_CHECKS_CHECKEDATTENTION_H
#define FLYATTN_TEST_UNIT_CHECKS_CHECKEDATTENTION_H

#include "flyattn/Attention/Compare.h"
#include "flyattn/Attention/Plan.h"
#include "flyattn/Runtime/NumericFormats.h"
#include "flyattn/Simulator/Simulator.h"

#include "llvm/ADT/StringExtras.h"

#include <random>

namespace flyattn::test {

/// What came of one launch.
struct Outcome {
  std::string error;  ///< of the launch; empty if it completed
  bool right = false; ///< O and LSE are within their bounds
  sim::CheckResults checks;
};

/// A problem with inputs, its kernel and the f64 reference.
class CheckedAttention {
public:
  CheckedAttention(const Problem &problem, llvm::StringRef chip)
      : problem(problem), made(llvm::cantFail(plan(problem, chip))) {
    fill(q, Operand::Q, [](int64_t row) { return row % 3 ? 1.0f : 96.0f; });
    fill(k, Operand::K, [&](int64_t row) {
      return 0.2f + 2.0f * float(row) / float(problem.seqlenKv);
    });
    fill(v, Operand::V, [](int64_t) { return 1.0f; });
    sample = chooseRows(problem, made.kernel->config.rowsPerWorkgroup(), 0);
    reference = computeReference(problem, {q.data(), k.data(), v.data()},
                                 sample, Bf16Rounding::NearestEven);
  }

  sim::Program decode() const {
    auto object = llvm::cantFail(sim::CodeObject::load(
        llvm::arrayRefFromStringRef(made.kernel->output)));
    return llvm::cantFail(
        sim::Program::decode(object, made.kernel->kernelName));
  }

  /// Runs `program`, the kernel or a mutant of it.
  Outcome run(const sim::Program &program, const sim::Options &options) {
    sim::Memory memory;
    ForwardArgs args = made.args;
    args.q = memory.bind(q.data(), q.size() * 2, "q");
    args.k = memory.bind(k.data(), k.size() * 2, "k");
    args.v = memory.bind(v.data(), v.size() * 2, "v");
    args.o = memory.allocate(problem.extentOf(Operand::O) * 2, "o");
    args.lse = memory.allocate(made.lseBytes, "lse");
    std::vector<int32_t> cuQ(problem.cuSeqlensQ.begin(),
                             problem.cuSeqlensQ.end()),
        cuKv(problem.cuSeqlensKv.begin(), problem.cuSeqlensKv.end());
    if (problem.packed()) {
      args.cuSeqlensQ = memory.bind(cuQ.data(), cuQ.size() * 4, "cu_seqlens_q");
      args.cuSeqlensKv =
          memory.bind(cuKv.data(), cuKv.size() * 4, "cu_seqlens_kv");
    }
    sim::LaunchParams params;
    params.grid = made.shape.grid;
    params.block = made.shape.block;
    params.setKernarg(0, args);
    if (!made.sequenceOrder.empty()) // 0 else
      params.setKernarg(sizeof(args),
                        memory.bind(made.sequenceOrder.data(),
                                    made.sequenceOrder.size() * 4, "order"));
    Outcome outcome;
    auto result = sim::launch(program, memory, params, options);
    if (!result) {
      outcome.error = llvm::toString(result.takeError());
      return outcome;
    }
    outcome.checks = std::move(result->checks);
    outcome.right =
        compare(problem, sample, reference,
                {reinterpret_cast<const uint16_t *>(args.o),
                 problem.wantLse ? reinterpret_cast<const float *>(args.lse)
                                 : nullptr})
            .passed();
    return outcome;
  }

private:
  /// Random normal values, times `scale` of their sequence position. Scores
  /// grow along the keys and some are huge, so that maxima and the rescaling
  /// of sums matter.
  template <typename Scale>
  void fill(std::vector<uint16_t> &tensor, Operand operand, Scale scale) {
    std::normal_distribution<float> normal;
    tensor.resize(problem.extentOf(operand));
    int64_t perRow = problem.headsOf(operand) * problem.headDim;
    for (size_t i = 0; i < tensor.size(); ++i) {
      int64_t row = int64_t(i) / perRow % problem.seqlenOf(operand);
      tensor[i] = fromFloat(problem.dtype, normal(random) * scale(row));
    }
  }

  Problem problem;
  Plan made;
  std::mt19937 random{5};
  std::vector<uint16_t> q, k, v;
  RowSample sample;
  ReferenceRows reference;
};

} // namespace flyattn::test

#endif // FLYATTN_TEST_UNIT_CHECKS_CHECKEDATTENTION_H
