//===- MfmaKernel.h - The arithmetic of matrix instructions ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A matrix instruction first widens its operands to f32, laid out [k][i] and
// [k][j], and then computes D[i][j] = C[i][j] + sum over k of A[i][k] B[k][j]:
// one fused multiply-add after another, k ascending, starting from C. Every
// host path does exactly this, so all give the same bits.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_LIB_SIMULATOR_MFMAKERNEL_H
#define FLYATTN_LIB_SIMULATOR_MFMAKERNEL_H

#include <cstdint>

namespace flyattn::sim {

enum class ElementFormat : uint8_t {
  F32,
  F16,
  Bf16,
  I8,
  Fp8Fnuz,
  Bf8Fnuz,
  Fp8Ocp,
  Bf8Ocp,
  Fp6,
  Bf6,
  Fp4
};
constexpr unsigned elementFormats = 11;

/// How an operand of `dim` rows (of A) or columns (of B) lies in registers:
/// lane group g = lane / dim holds `perLane` elements of k.
struct OperandShape {
  unsigned dim;     ///< 16 or 32
  unsigned perLane; ///< elements of k a lane
  /// Elements of k that lie together in a lane; then follows the next group.
  unsigned run;
  unsigned groups() const { return 64 / dim; }
  unsigned k(unsigned group, unsigned e) const {
    return run * groups() * (e / run) + run * group + e % run;
  }
};

/// Widens `regs` ([register][64]) to out[k][dim].
using Widen = void (*)(const uint32_t *regs, const OperandShape &shape,
                       float *out);
/// Adds the product to C; `k` is even. `c` and `d` are the accumulator's
/// registers; if `constantC`, `c` is one row of 64 equal values for all rows.
using Multiply = void (*)(const float *a, const float *b, unsigned k,
                          const float *c, bool constantC, float *d);

struct MfmaKernels {
  Widen widen[elementFormats];
  Multiply multiply32, multiply16; ///< 32x32 and 16x16 results
  Multiply integer32, integer16;   ///< the same for i8
};

/// Where four consecutive rows 4g..4g+3 of a result lie: in the lanes from
/// `lane` on of registers `reg`..`reg` + 3.
struct RowGroup {
  unsigned reg, lane;
};
constexpr RowGroup rowGroup(unsigned dim, unsigned g) {
  return dim == 32 ? RowGroup{4 * (g / 2), 32 * (g % 2)} : RowGroup{0, 16 * g};
}

namespace portable {
const MfmaKernels &mfmaKernels();
}
namespace avx2 {
const MfmaKernels &mfmaKernels();
}
namespace avx512 {
const MfmaKernels &mfmaKernels();
}

/// The best for this host.
const MfmaKernels &mfmaKernels();

} // namespace flyattn::sim

#endif // FLYATTN_LIB_SIMULATOR_MFMAKERNEL_H
