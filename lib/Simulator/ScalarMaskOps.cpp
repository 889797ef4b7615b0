//===- ScalarMaskOps.cpp - Scalar instructions on lane masks --------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarOp.h"

using namespace llvm;
using namespace flyattn::sim;

namespace {

using U = uint32_t;
using U64 = uint64_t;
using Combine = U64 (*)(U64, U64);

/// s_*_saveexec_b64: the old EXEC is saved, EXEC = Fn(source, EXEC).
template <Combine Fn> const Inst *saveExec(Wave &w, const Inst *inst) {
  U64 old = w.exec(), fresh = Fn(w.s64(inst->src[0]), old);
  w.scc() = fresh != 0;
  w.setS64(inst->dst, old);
  w.setS64(SlotExec, fresh);
  return inst + 1;
}
/// s_*_wrexec_b64: the destination and EXEC get Fn(source, EXEC).
template <Combine Fn> const Inst *writeExec(Wave &w, const Inst *inst) {
  U64 fresh = Fn(w.s64(inst->src[0]), w.exec());
  w.scc() = fresh != 0;
  w.setS64(inst->dst, fresh);
  w.setS64(SlotExec, fresh);
  return inst + 1;
}

U64 bitAnd(U64 a, U64 b) { return a & b; }
U64 bitOr(U64 a, U64 b) { return a | b; }
U64 bitXor(U64 a, U64 b) { return a ^ b; }
U64 nand(U64 a, U64 b) { return ~(a & b); }
U64 nor(U64 a, U64 b) { return ~(a | b); }
U64 xnor(U64 a, U64 b) { return ~(a ^ b); }
// 1 and 2 tell which operand is negated; EXEC is the second.
U64 andNot1(U64 a, U64 b) { return ~a & b; }
U64 andNot2(U64 a, U64 b) { return a & ~b; }
U64 orNot1(U64 a, U64 b) { return ~a | b; }
U64 orNot2(U64 a, U64 b) { return a | ~b; }

/// Whole quads: all four bits of a group that has any.
template <typename T> T wholeQuads(T a, Scc scc) {
  constexpr T first = T(0x1111111111111111);
  T any = (a | a >> 1 | a >> 2 | a >> 3) & first;
  scc = any != 0;
  return any * 15;
}
/// Bit n: is any bit of quad n set?
template <typename T> T quadMask(T a, Scc scc) {
  T result = 0;
  for (unsigned n = 0; n < 2 * sizeof(T); ++n)
    result |= T((a >> 4 * n & 15) != 0) << n;
  scc = result != 0;
  return result;
}
/// Every bit twice.
U64 replicate(U a) {
  U64 result = 0;
  for (unsigned n = 0; n < 32; ++n)
    result |= U64(a >> n & 1) * 3 << 2 * n;
  return result;
}

constexpr ScalarOp ops[] = {
    {"s_and_saveexec_b64", saveExec<bitAnd>, 2, {2}},
    {"s_or_saveexec_b64", saveExec<bitOr>, 2, {2}},
    {"s_xor_saveexec_b64", saveExec<bitXor>, 2, {2}},
    {"s_andn2_saveexec_b64", saveExec<andNot2>, 2, {2}},
    {"s_orn2_saveexec_b64", saveExec<orNot2>, 2, {2}},
    {"s_nand_saveexec_b64", saveExec<nand>, 2, {2}},
    {"s_nor_saveexec_b64", saveExec<nor>, 2, {2}},
    {"s_xnor_saveexec_b64", saveExec<xnor>, 2, {2}},
    {"s_andn1_saveexec_b64", saveExec<andNot1>, 2, {2}},
    {"s_orn1_saveexec_b64", saveExec<orNot1>, 2, {2}},
    {"s_andn1_wrexec_b64", writeExec<andNot1>, 2, {2}},
    {"s_andn2_wrexec_b64", writeExec<andNot2>, 2, {2}},
    row<wholeQuads<U>>("s_wqm_b32"),
    row<wholeQuads<U64>>("s_wqm_b64"),
    row<quadMask<U>>("s_quadmask_b32"),
    row<quadMask<U64>>("s_quadmask_b64"),
    row<replicate>("s_bitreplicate_b64_b32"),
};

} // namespace

void flyattn::sim::registerScalarMaskOps(OpTable &table) {
  for (const ScalarOp &op : ops)
    table[op.name] = {buildScalar, &op};
}
