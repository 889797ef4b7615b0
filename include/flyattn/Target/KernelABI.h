//===- KernelABI.h - The arguments of every kernel ------------------------===//
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
#include <cstring>
#include <limits>
#include <vector>

namespace flyattn {

/// The counters that instrumented kernels raise with s_incperflevel.
enum class PerformanceCounter : unsigned {
  RescaleChecks, ///< a wave came to where its sums may be rescaled: once a tile
  Rescales       ///< and some row's maximum had been raised
};

/// Rows that kernels access at a time, at the most: a workgroup's of Q or O, or
/// a KV tile. Of a head's rows they index whole such blocks.
constexpr int64_t maxTileRows = 256;

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
  /// 0 unless the scale is negative, else the signs in 32 bits of Q:
  /// 0x80008000, or 0x80000000 of f32. It is XORed into Q, which flips the sign
  /// of every score exactly.
  uint32_t qSignFlip;

  static EncodedScale of(double scale, unsigned elementBits = 16) {
    constexpr double log2e = 1.44269504088896340736;
    float size = static_cast<float>(std::fabs(scale) * log2e);
    return {std::max(size, std::numeric_limits<float>::min()),
            scale >= 0          ? 0u
            : elementBits == 16 ? 0x80008000u
                                : 0x80000000u};
  }
};

/// Which rows the workgroups along the height of a grid take: y is both ways
/// the same, so this also tells the y of a block of rows. Workgroups start in
/// the order of their ids, x fastest, wherever there is room; those with most
/// to do come first, so that what is left for the end is short and shares out
/// well. Under a causal mask or a window those are the last rows.
inline uint64_t rowBlockOf(uint64_t y, uint64_t blocks, bool lastRowsFirst) {
  return lastRowsFirst ? blocks - 1 - y : y;
}

/// The kernarg segment of every `attn.forward` kernel, byte for byte: what the
/// tile pass declares as the kernel's parameters and what a launch must write.
/// One code object serves every value of these.
///
/// The grid is (heads, ceil(seqlenQ / rows a workgroup), batch) workgroups.
/// Heads come first: workgroups are dealt out to the XCDs in turn, so that with
/// a multiple of 8 heads an XCD keeps to its own, and its L2 to their K and V.
/// Blocks of rows come as `rowBlockOf` says, and packed sequences as the launch
/// says (KernargWriter).
///
/// The rows of a head are within 32-bit byte offsets from its first one. In far
/// kernels (#attn.config) this holds for any `maxTileRows` behind each other.
///
/// Kernels for packed sequences take [total, heads, headDim] and f32 [heads,
/// total_q]. Row 0 of sequence b is row cuSeqlens[b]; batch strides are unread,
/// and so is seqlenKv, but seqlenQ still gives the grid: it is the longest
/// sequence's. Workgroups beyond the end of their own leave at once.
///
/// Kernels with packed heads (pack_gqa) take heads for rows: n = headsPerKvHead
/// heads that read one KV head have n * seqlenQ rows, of which row r is query
/// row r / n of head r % n, and the grid is (heads / n, ceil(n * seqlenQ / rows
/// a workgroup), batch).
struct ForwardArgs {
  uint64_t q;   ///< [batch, seqlenQ, heads, headDim] under `qStrides`
  uint64_t k;   ///< [batch, seqlenKv, kvHeads, headDim]
  uint64_t v;   ///< [batch, seqlenKv, kvHeads, headDimV]
  uint64_t o;   ///< [batch, seqlenQ, heads, headDimV]
  uint64_t lse; ///< f32 [batch, heads, seqlenQ]; unread by kernels without LSE
  int32_t seqlenQ;
  int32_t seqlenKv;
  int32_t headsPerKvHead;
  float scaleLog2;    ///< see EncodedScale
  uint32_t qSignFlip; ///< see EncodedScale
  /// Columns left of the diagonal, -1: all; see windowRight. Of a chunked mask
  /// the size of a chunk.
  int32_t windowLeft;
  OperandStrides qStrides;
  OperandStrides kStrides;
  OperandStrides vStrides;
  OperandStrides oStrides;
  int64_t lseBatchStride; ///< elements; the row stride is 1
  int64_t lseHeadStride;
  /// Columns right of the diagonal, -1: all. Both are unread by kernels without
  /// a window.
  int32_t windowRight;
  int32_t splits; ///< parts of KV; unread but by partial kernels
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

/// The kernarg segment of the partial form's kernels. The depth of their grid
/// is batch * splits: workgroup z takes part z % splits of the KV tiles that
/// its rows of batch z / splits see.
struct PartialArgs {
  /// o: f32 [splits, batch, heads, seqlenQ, headDimV], the parts of O;
  /// lse: f32 [splits, batch, heads, seqlenQ], the maxima in base 2.
  /// Packed sequences have total_q rows and no batch.
  ForwardArgs forward;
  uint64_t sum;            ///< as the maxima, and with their strides
  int64_t oSplitStride;    ///< elements from part to part
  int64_t rowsSplitStride; ///< the same of maxima and sums
};

static_assert(sizeof(PartialArgs) == 224);

/// The kernarg segment of every `attn.combine` kernel. Workgroup (x, y, z) of
/// the grid (ceil(heads * seqlenQ / rowsPerWorkgroup), headDim /
/// columnsPerWorkgroup, batch), a single wave, takes rows of batch z, counted
/// through its heads, and the y-th columns of O. One code object serves every
/// number of splits. Packed sequences are one batch of total_q rows.
struct CombineArgs {
  static constexpr unsigned rowsPerWorkgroup = 32, columnsPerWorkgroup = 32;

  uint64_t parts; ///< f32 [splits, batch, heads, seqlenQ, headDimV]
  uint64_t max;   ///< f32 [splits, batch, heads, seqlenQ], base 2
  uint64_t sum;   ///< f32 [splits, batch, heads, seqlenQ]
  uint64_t o;     ///< [batch, seqlenQ, heads, headDimV] under `oStrides`
  uint64_t lse; ///< f32 [batch, heads, seqlenQ]; unread by kernels without LSE
  int32_t splits;
  int32_t batch;
  int32_t heads;
  int32_t seqlenQ;
  OperandStrides oStrides;
  int64_t lseBatchStride;
  int64_t lseHeadStride;
};

static_assert(offsetof(CombineArgs, splits) == 40);
static_assert(sizeof(CombineArgs) == 96);

/// A kernarg segment that is not the same for all kernels of a form. Behind
/// ForwardArgs or PartialArgs stand, at the natural alignment of each,
///
///   1. in kernels for packed sequences: the address of i32 [batch], the
///      sequence of each depth of the grid, each once; 0: they come in order;
///   2. in kernels with a sink, but not in partial ones: the address of f32
///      [heads];
///   3. what the region of attn.forward captures, in its order: a scalar as
///      itself, a memref as the address of its first element and an i64 stride
///      in elements for each dimension.
///
/// Softcap, bias and ALiBi come in this order before what the program itself
/// captures (attn-expand-score-mods):
///
///   * softcap: f32;
///   * bias: [batch, heads, seqlenQ, seqlenKv], 4 strides, 0 to broadcast;
///   * ALiBi: f32 [heads], 1 stride; then i32 seqlenKv - seqlenQ or, for packed
///     sequences, cuSeqlensQ and cuSeqlensKv again, 1 stride each.
///
/// Behind CombineArgs stands the sink, where there is one.
class KernargWriter {
public:
  /// Begins with the fixed arguments.
  template <typename Args> explicit KernargWriter(const Args &args) {
    add(args);
  }

  template <typename T> void add(const T &value) {
    constexpr size_t alignment = alignof(T);
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    bytes.resize(bytes.size() + sizeof(T));
    std::memcpy(bytes.data() + bytes.size() - sizeof(T), &value, sizeof(T));
  }

  std::vector<uint8_t> bytes;
};

} // namespace flyattn

#endif // FLYATTN_TARGET_KERNELABI_H
