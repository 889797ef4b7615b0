//===- Inputs.h - Where q, k and v come from ------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TOOLS_INPUTS_H
#define FLYATTN_TOOLS_INPUTS_H

#include "flyattn/Attention/Reference.h"
#include "flyattn/Runtime/Npy.h"

#include "llvm/ADT/ArrayRef.h"

#include <optional>
#include <vector>

namespace flyattn::driver {

/// How random inputs are made. All but Uniform are about normal.
enum class Init {
  Normal,   ///< q, k, v of variance 1
  Uniform,  ///< q, k, v in [-1, 1)
  Large,    ///< scores of variance 25^2: +-80 is common
  LateMax,  ///< scores that grow along the KV sequence: a late maximum
  ConstantV ///< v does not depend on the KV position, so O = V
};

/// Dense tensors in the layout of the problem.
/// The bytes of an operand.
using Tensor = std::vector<uint8_t>;

struct Inputs {
  Tensor q, k, v;

  HostInputs host() const { return {q.data(), k.data(), v.data()}; }
  Tensor &of(Operand operand) {
    return operand == Operand::Q ? q : operand == Operand::K ? k : v;
  }
};

/// The same on every host, for any number of threads.
Inputs makeInputs(const Problem &problem, Init init, uint64_t seed);
/// One of q, k and v of these.
Tensor makeInput(const Problem &problem, Operand operand, Init init,
                 uint64_t seed);
/// `count` numbers of variance 1; `seed` says which.
std::vector<float> normalNumbers(uint64_t count, uint64_t seed);

/// The elements of `array` (bf16, f16, f32 or f64) as f64.
std::vector<double> toDoubles(const NpyArray &array);

} // namespace flyattn::driver

#endif // FLYATTN_TOOLS_INPUTS_H
