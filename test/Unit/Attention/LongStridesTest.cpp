//===- LongStridesTest.cpp - Operands far apart in memory -----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Compare.h"
#include "flyattn/Attention/Plan.h"
#include "flyattn/Runtime/NumericFormats.h"
#include "flyattn/Simulator/Simulator.h"

#include "llvm/ADT/StringExtras.h"

#include <gtest/gtest.h>

#include <sys/mman.h>

using namespace flyattn;
using namespace llvm;

namespace {

/// An operand in address space that takes memory only where it is touched.
class SparseOperand {
public:
  SparseOperand(const Problem &problem, Operand operand)
      : bytes(problem.extentOf(operand) * 2),
        data(static_cast<uint16_t *>(
            mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    if (data == MAP_FAILED)
      report_fatal_error("no address space for an operand");
    if (operand == Operand::O)
      return;
    int64_t seq = problem.stridesOf(operand).seq;
    for (int64_t b = 0; b < problem.batch; ++b)
      for (int64_t h = 0; h < problem.headsOf(operand); ++h)
        for (int64_t i = 0; i < problem.seqlenOf(operand); ++i)
          for (int64_t d = 0; d < problem.headDimOf(operand); ++d)
            data[problem.offsetOf(operand, b, h) + i * seq + d] = floatToBf16(
                float((b * 31 + h * 17 + i * 7 + d * 5) % 23 - 11) / 8);
  }
  ~SparseOperand() { munmap(data, bytes); }
  SparseOperand(const SparseOperand &) = delete;
  SparseOperand &operator=(const SparseOperand &) = delete;

  uint64_t bytes;
  uint16_t *data;
};

struct Case {
  const char *chip, *name;
  int64_t headDim;
  int64_t rows;
  OperandStrides strides; ///< elements, of all operands
};

/// All heads and batches through one kernel.
class LongStrides : public testing::TestWithParam<Case> {};

TEST_P(LongStrides, AreReachedIn64Bits) {
  const Case &c = GetParam();
  Problem p;
  p.batch = p.heads = p.kvHeads = 2;
  p.seqlenQ = p.seqlenKv = c.rows;
  p.headDim = c.headDim;
  p.strides.fill(c.strides);
  Expected<Plan> made = plan(p, c.chip);
  ASSERT_TRUE(bool(made)) << toString(made.takeError());

  SparseOperand q(p, Operand::Q), k(p, Operand::K), v(p, Operand::V),
      o(p, Operand::O);
  sim::Memory memory;
  ForwardArgs args = made->args;
  args.q = memory.bind(q.data, q.bytes, "q");
  args.k = memory.bind(k.data, k.bytes, "k");
  args.v = memory.bind(v.data, v.bytes, "v");
  args.o = memory.bind(o.data, o.bytes, "o");
  auto object =
      sim::CodeObject::load(arrayRefFromStringRef(made->kernel->output));
  ASSERT_TRUE(bool(object)) << toString(object.takeError());
  auto program = sim::Program::decode(*object, made->kernel->kernelName);
  ASSERT_TRUE(bool(program)) << toString(program.takeError());
  sim::LaunchParams params;
  params.grid = made->shape.grid;
  params.block = made->shape.block;
  params.setKernarg(0, args);
  auto result = sim::launch(*program, memory, params, {});
  ASSERT_TRUE(bool(result)) << toString(result.takeError());

  RowSample sample = chooseRows(p, 128, 0);
  ReferenceRows reference = computeReference(p, {q.data, k.data, v.data},
                                             sample, Bf16Rounding::NearestEven);
  Comparison found = compare(p, sample, reference, {o.data, nullptr});
  EXPECT_EQ(found.rows, uint64_t(4 * c.rows));
  EXPECT_TRUE(found.passed());
}

std::vector<Case> allCases() {
  std::vector<Case> cases;
  constexpr int64_t far = (int64_t(1) << 32) + 66;
  for (const char *chip : {"gfx942", "gfx950"}) {
    cases.push_back({chip, "batches", 128, 70, {far, 128, 256}});
    cases.push_back({chip, "heads", 128, 70, {70 * 128, far, 128}});
    // A head's rows over nearly 4 GiB, or 2 GiB.
    cases.push_back({chip, "rows", 128, 500, {256, 128, int64_t(1) << 22}});
    cases.push_back({chip, "rows_d72", 72, 500, {256, 128, int64_t(1) << 21}});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(All, LongStrides, testing::ValuesIn(allCases()),
                         [](const testing::TestParamInfo<Case> &info) {
                           return std::string(info.param.chip) + "_" +
                                  info.param.name;
                         });

} // namespace
