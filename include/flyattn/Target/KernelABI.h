//===- KernelABI.h - The arguments of every forward kernel ----------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TARGET_KERNELABI_H
#define FLYATTN_TARGET_KERNELABI_H

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace flyattn {

/// Strides of one operand, in elements. The last dimension is contiguous.
struct OperandStrides {
  int64_t batch;
  int64_t head;
  int64_t seq;
};

/// A softmax scale as kernels take it.
struct EncodedScale {
  /// |scale| * log2(e). A scale of 0 becomes the smallest normal f32, under
  /// which every finite score still weighs exactly 1 and -inf stays -inf.
  float scaleLog2;
  /// 0x80008000 if the scale is negative, else 0: it is XORed into Q, which
  /// flips the sign of every score exactly.
  uint32_t qSignFlip;

  static EncodedScale of(double scale) {
    constexpr double log2e = 1.44269504088896340736;
    float size = static_cast<float>(std::fabs(scale) * log2e);
    return {std::max(size, std::numeric_limits<float>::min()),
            scale < 0 ? 0x80008000u : 0u};
  }
};

/// The kernarg segment of every `attn.forward` kernel, byte for byte: what the
/// tile pass declares as the kernel's parameters and what a launch must write.
/// One code object serves every value of these.
///
/// The grid is (heads, ceil(seqlenQ / rows a workgroup), batch) workgroups.
///
/// Kernels for packed sequences take [total, heads, headDim] and f32 [heads,
/// total_q]. Row 0 of sequence b is row cuSeqlens[b]; batch strides are unread,
/// and so is seqlenKv, but seqlenQ still gives the grid: it is the longest
/// sequence's. Workgroups beyond the end of their own leave at once.
struct ForwardArgs {
  uint64_t q;   ///< [batch, seqlenQ, heads, headDim] under `qStrides`
  uint64_t k;   ///< [batch, seqlenKv, kvHeads, headDim]
  uint64_t v;   ///< [batch, seqlenKv, kvHeads, headDim]
  uint64_t o;   ///< [batch, seqlenQ, heads, headDim]
  uint64_t lse; ///< f32 [batch, heads, seqlenQ]; unread by kernels without LSE
  int32_t seqlenQ;
  int32_t seqlenKv;
  int32_t headsPerKvHead;
  float scaleLog2;    ///< see EncodedScale
  uint32_t qSignFlip; ///< see EncodedScale
  int32_t
      windowLeft; ///< columns left of the diagonal, -1: all; see windowRight
  OperandStrides qStrides;
  OperandStrides kStrides;
  OperandStrides vStrides;
  OperandStrides oStrides;
  int64_t lseBatchStride; ///< elements; the row stride is 1
  int64_t lseHeadStride;
  /// Columns right of the diagonal, -1: all. Both are unread by kernels without
  /// a window.
  int32_t windowRight;
  uint32_t reserved; ///< 0
  /// i32 [batch + 1], of kernels for packed sequences; unread by others.
  uint64_t cuSeqlensQ;
  uint64_t cuSeqlensKv;
};

static_assert(offsetof(ForwardArgs, seqlenQ) == 40);
static_assert(offsetof(ForwardArgs, qStrides) == 64);
static_assert(offsetof(ForwardArgs, lseBatchStride) == 160);
static_assert(offsetof(ForwardArgs, windowRight) == 176);
static_assert(offsetof(ForwardArgs, cuSeqlensQ) == 184);
static_assert(sizeof(ForwardArgs) == 200);

} // namespace flyattn

#endif // FLYATTN_TARGET_KERNELABI_H
