//===- VectorCompareOps.cpp - Vector compares -----------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatFunctions.h"

using namespace flyattn::sim;
using namespace flyattn::sim::FLYATTN_ISA;

namespace {

FLYATTN_LANE_FUNCTIONS

template <typename T> bool never(T, T) { return false; }
template <typename T> bool always(T, T) { return true; }
template <typename T> bool less(T a, T b) { return a < b; }
template <typename T> bool equal(T a, T b) { return a == b; }
template <typename T> bool lessEqual(T a, T b) { return a <= b; }
template <typename T> bool greater(T a, T b) { return a > b; }
template <typename T> bool notEqual(T a, T b) { return a != b; }
template <typename T> bool greaterEqual(T a, T b) { return a >= b; }
// Floats only: o = no NaN, u = a NaN, n.. = the negation, true for NaN.
template <typename T> bool lessGreater(T a, T b) { return a < b || a > b; }
template <typename T> bool ordered(T a, T b) { return a == a && b == b; }
template <typename T> bool unordered(T a, T b) { return a != a || b != b; }
template <typename T> bool notLess(T a, T b) { return !(a < b); }
template <typename T> bool notLessEqual(T a, T b) { return !(a <= b); }
template <typename T> bool notGreater(T a, T b) { return !(a > b); }
template <typename T> bool notGreaterEqual(T a, T b) { return !(a >= b); }
template <typename T> bool notLessGreater(T a, T b) {
  return !(a < b || a > b);
}

FLYATTN_END_LANE_FUNCTIONS

#define INTEGER_COMPARES(PREFIX, EXEC, TYPE, NAME, HEAT)                       \
  compareOp<never<TYPE>, EXEC>(PREFIX "_f_" NAME),                             \
      compareOp<less<TYPE>, EXEC, HEAT>(PREFIX "_lt_" NAME),                   \
      compareOp<equal<TYPE>, EXEC, HEAT>(PREFIX "_eq_" NAME),                  \
      compareOp<lessEqual<TYPE>, EXEC, HEAT>(PREFIX "_le_" NAME),              \
      compareOp<greater<TYPE>, EXEC, HEAT>(PREFIX "_gt_" NAME),                \
      compareOp<notEqual<TYPE>, EXEC, HEAT>(PREFIX "_ne_" NAME),               \
      compareOp<greaterEqual<TYPE>, EXEC, HEAT>(PREFIX "_ge_" NAME),           \
      compareOp<always<TYPE>, EXEC>(PREFIX "_t_" NAME)

#define FLOAT_COMPARES(PREFIX, EXEC, TYPE, NAME, HEAT)                         \
  compareOp<never<TYPE>, EXEC>(PREFIX "_f_" NAME),                             \
      compareOp<less<TYPE>, EXEC, HEAT>(PREFIX "_lt_" NAME),                   \
      compareOp<equal<TYPE>, EXEC, HEAT>(PREFIX "_eq_" NAME),                  \
      compareOp<lessEqual<TYPE>, EXEC, HEAT>(PREFIX "_le_" NAME),              \
      compareOp<greater<TYPE>, EXEC, HEAT>(PREFIX "_gt_" NAME),                \
      compareOp<lessGreater<TYPE>, EXEC>(PREFIX "_lg_" NAME),                  \
      compareOp<greaterEqual<TYPE>, EXEC, HEAT>(PREFIX "_ge_" NAME),           \
      compareOp<ordered<TYPE>, EXEC>(PREFIX "_o_" NAME),                       \
      compareOp<unordered<TYPE>, EXEC, HEAT>(PREFIX "_u_" NAME),               \
      compareOp<notGreaterEqual<TYPE>, EXEC>(PREFIX "_nge_" NAME),             \
      compareOp<notLessGreater<TYPE>, EXEC>(PREFIX "_nlg_" NAME),              \
      compareOp<notGreater<TYPE>, EXEC>(PREFIX "_ngt_" NAME),                  \
      compareOp<notLessEqual<TYPE>, EXEC>(PREFIX "_nle_" NAME),                \
      compareOp<notEqual<TYPE>, EXEC, HEAT>(PREFIX "_neq_" NAME),              \
      compareOp<notLess<TYPE>, EXEC>(PREFIX "_nlt_" NAME),                     \
      compareOp<always<TYPE>, EXEC>(PREFIX "_tru_" NAME),                      \
      compareOp<isOfClass<TYPE>, EXEC>(PREFIX "_class_" NAME)

#define ALL_COMPARES(PREFIX, EXEC, HEAT)                                       \
  INTEGER_COMPARES(PREFIX, EXEC, int32_t, "i32", HEAT),                        \
      INTEGER_COMPARES(PREFIX, EXEC, uint32_t, "u32", HEAT),                   \
      INTEGER_COMPARES(PREFIX, EXEC, int64_t, "i64", Cold),                    \
      INTEGER_COMPARES(PREFIX, EXEC, uint64_t, "u64", Cold),                   \
      INTEGER_COMPARES(PREFIX, EXEC, int16_t, "i16", Cold),                    \
      INTEGER_COMPARES(PREFIX, EXEC, uint16_t, "u16", Cold),                   \
      FLOAT_COMPARES(PREFIX, EXEC, float, "f32", HEAT),                        \
      FLOAT_COMPARES(PREFIX, EXEC, double, "f64", Cold),                       \
      FLOAT_COMPARES(PREFIX, EXEC, _Float16, "f16", Cold)

constexpr VectorOp ops[] = {ALL_COMPARES("v_cmp", false, Hot),
                            ALL_COMPARES("v_cmpx", true, Cold)};

} // namespace

llvm::ArrayRef<VectorOp> FLYATTN_ISA::compareOps() { return ops; }
