//===- Validate.cpp - What is wrong with a problem ------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Attention/Plan.h"
#include "flyattn/Attention/Splits.h"
#include "flyattn/Attention/Views.h"
#include "flyattn/Runtime/KernelCache.h"
#include "flyattn/Runtime/NumericFormats.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/FormatVariadic.h"

#include <cfloat>
#include <cmath>

using namespace llvm;

namespace flyattn {

void checkScoreMods(const Problem &p, std::vector<Diagnostic> &found);

namespace {

constexpr StringRef kChips[] = {"gfx942", "gfx950"};
/// Multiples of 8, since no access is wider than 8 elements.
constexpr int64_t kHeadDimStep = 8, kMaxHeadDim = 256;
/// Of Q and K and of V and O, what a kernel serves at the most.
struct HeadDims {
  int64_t headDim, headDimV;

  bool hold(const Problem &p) const {
    return p.headDim <= headDim && p.headDimOfV() <= headDimV;
  }
};
/// Of dual_wave. A wave has 256 registers a lane, of which Q, O and 32 rows of
/// K take (headDim + headDimV) / 2: up to 192 on gfx950, and 160 on gfx942,
/// where what is on its way to LDS takes some too.
struct DualWaveHeadDims {
  StringRef chip;
  HeadDims most;
  bool bias = true; ///< are there registers for one?

  bool hold(const Problem &p) const {
    return most.hold(p) && (bias || !p.bias);
  }
};
constexpr DualWaveHeadDims kDualWaveHeadDims[] = {
    {"gfx942", {192, 128}},
    {"gfx950", {256, 128}},
    {"gfx950", {192, 160}},
    {"gfx950", {192, 192}, /*bias=*/false}};

/// HIP's bound on the y and z sizes of a grid.
constexpr int64_t kMaxGridYZ = 65535;
/// Query rows of a workgroup, at the least: they are the grid's y.
constexpr int64_t kMinBlockRows = 128;
/// Row numbers are 32-bit signed in the kernels, and a tile past the end must
/// not overflow them.
constexpr int64_t kMaxSeqlen = INT32_MAX - maxTileRows;
/// Keeps products of sizes and strides far from overflow.
constexpr int64_t kMaxStride = int64_t(1) << 40;

class Collector {
public:
  void bad(const Twine &argument, const Twine &message) {
    add(Diagnostic::Kind::BadUsage, argument, message);
  }
  void unsupported(const Twine &argument, const Twine &message) {
    add(Diagnostic::Kind::Unsupported, argument, message);
  }
  std::vector<Diagnostic> found;

private:
  void add(Diagnostic::Kind kind, const Twine &argument, const Twine &message) {
    found.push_back({kind, argument.str(), message.str()});
  }
};

void checkHeadDim(StringRef name, int64_t value, Collector &out) {
  std::string text = (Twine(value) + " was given; multiples of " +
                      Twine(kHeadDimStep) + " from " + Twine(kHeadDimStep) +
                      " to " + Twine(kMaxHeadDim) + " are supported")
                         .str();
  if (value < 1)
    out.bad(name, text);
  else if (value > kMaxHeadDim)
    out.unsupported(name, text);
  else if (value % kHeadDimStep)
    out.unsupported(name, text + ": pad q, k and v with zeros and give the "
                                 "scale");
}

void checkSizes(const Problem &p, Collector &out) {
  struct Size {
    const char *name;
    int64_t value, max;
  };
  const Size sizes[] = {{"batch", p.batch, kMaxGridYZ},
                        {"heads", p.heads, kMaxGridYZ},
                        {"kv_heads", p.kvHeads, kMaxGridYZ},
                        {"seqlen_q", p.seqlenQ, kMaxGridYZ * kMinBlockRows},
                        {"seqlen_kv", p.seqlenKv, kMaxSeqlen}};
  for (const Size &size : sizes) {
    // That packed sequences have rows is checked as such.
    bool length = StringRef(size.name).starts_with("seqlen");
    if (size.value < 1 && !(p.packed() && length))
      out.bad(size.name,
              Twine(size.value) + " was given; it must be 1 or more");
    else if (size.value > size.max)
      out.unsupported(size.name, Twine(size.value) + " was given; at most " +
                                     Twine(size.max) + " is supported");
  }
  if (p.heads >= 1 && p.kvHeads >= 1 && p.heads % p.kvHeads != 0)
    out.bad("kv_heads", Twine(p.heads) + " query heads are not divisible by " +
                            Twine(p.kvHeads) +
                            " KV heads; kv_heads must divide heads");
  checkHeadDim("head_dim", p.headDim, out);
  if (p.headDimV)
    checkHeadDim("head_dim_v", *p.headDimV, out);
}

void checkSchedule(const Problem &p, StringRef chip, Collector &out) {
  std::string why = whyNoDualWave(p, chip);
  if (p.schedule == ScheduleKind::DualWave && !why.empty())
    out.unsupported("schedule",
                    "dual_wave was given; " + why + ": use generic or auto");
}

void checkScale(const Problem &p, Collector &out) {
  if (!p.scale)
    return;
  if (!std::isfinite(*p.scale))
    out.bad("scale", std::string(std::isnan(*p.scale) ? "nan" : "inf") +
                         " was given; it must be a finite number");
  else if (std::fabs(*p.scale) * M_LOG2E > FLT_MAX)
    out.unsupported("scale", formatv("{0:E}", *p.scale).str() +
                                 " was given; scale * log2(e) must fit an f32");
}

void checkMask(const Problem &p, Collector &out) {
  if (p.chunk.has_value() != (p.mask == MaskKind::Chunked)) {
    out.bad("mask", p.chunk ? "a chunk was given with the mask " +
                                  nameOf(p.mask) + "; ask for chunked:N"
                            : Twine("a chunked mask was given without the "
                                    "size of its chunks; set it"));
    return;
  }
  if (p.chunk && *p.chunk < 1)
    out.bad("mask", "chunked:" + Twine(*p.chunk) +
                        " was given; a chunk has 1 column or more");
  if (p.window.has_value() != (p.mask == MaskKind::Window)) {
    out.bad("mask", p.window
                        ? "a window was given with the mask " + nameOf(p.mask) +
                              "; a causal window is window:L,0"
                        : Twine("a window mask was given without its "
                                "bounds; set them"));
    return;
  }
  if (p.window && std::min(p.window->left, p.window->right) < -1)
    out.bad("mask", "window:" + Twine(p.window->left) + "," +
                        Twine(p.window->right) +
                        " was given; each side must be a number of columns, or "
                        "-1 for all of them");
}

/// One list of packed sequences, the longest of which may have `most` rows.
void checkSequences(StringRef name, ArrayRef<int64_t> ends,
                    StringRef lengthName, int64_t most, Collector &out) {
  if (ends.size() < 2 || ends.front() != 0) {
    out.bad(name,
            (ends.empty() ? "nothing"
                          : Twine(ends.size()) + " entries from " +
                                Twine(ends.front())) +
                " was given; it must be 0, then the end of each sequence");
    return;
  }
  int64_t longest = 0;
  for (size_t i = 1; i < ends.size(); ++i) {
    if (ends[i] < ends[i - 1]) {
      out.bad(name, "entry " + Twine(i) + " is " + Twine(ends[i]) + " after " +
                        Twine(ends[i - 1]) + "; entries must not decrease");
      return;
    }
    longest = std::max(longest, ends[i] - ends[i - 1]);
  }
  if (ends.back() == 0)
    out.bad(name, "every sequence is empty; at least one must have a row");
  else if (ends.back() > kMaxSeqlen)
    out.unsupported(name, "the sequences have " + Twine(ends.back()) +
                              " rows; at most " + Twine(kMaxSeqlen) +
                              " are supported");
  else if (most < longest)
    out.bad(lengthName, Twine(most) + " was given; the longest sequence of " +
                            name + " has " + Twine(longest) + " rows");
}

void checkPacked(const Problem &p, Collector &out) {
  if (!p.packed())
    return;
  checkSequences("cu_seqlens_q", p.cuSeqlensQ, "seqlen_q", p.seqlenQ, out);
  checkSequences("cu_seqlens_kv", p.cuSeqlensKv, "seqlen_kv", p.seqlenKv, out);
  if (p.cuSeqlensQ.size() != p.cuSeqlensKv.size())
    out.bad("cu_seqlens_kv",
            Twine(p.cuSeqlensKv.size()) +
                " entries were given, cu_seqlens_q "
                "has " +
                Twine(p.cuSeqlensQ.size()) +
                "; both must have one more than there are sequences");
  else if (p.batch != int64_t(p.cuSeqlensQ.size()) - 1)
    out.bad("batch", Twine(p.batch) + " was given; cu_seqlens_q has " +
                         Twine(p.cuSeqlensQ.size() - 1) + " sequences");
  if (p.layout != Layout::BSHD)
    out.unsupported("layout", "bhsd was given; packed sequences are total, "
                              "head, dim: use bshd");
}

void checkWithout(const Problem &p, Collector &out) {
  if (p.without != Technique::None && p.schedule != ScheduleKind::DualWave)
    out.bad("without", Twine(nameOf(p.without)) +
                           " was given; only dual_wave has techniques to leave "
                           "out: ask for that schedule");
}

void checkSplitCount(const Problem &p, Collector &out) {
  if (p.splits && *p.splits < 1)
    out.bad("splits", Twine(*p.splits) +
                          " was given; it must be 1 (no split) or more, but no "
                          "more than there are KV tiles, or auto");
}

/// Splits of a problem whose sizes make sense.
void checkSplits(const Problem &p, StringRef chip, Collector &out) {
  if (!p.splits || *p.splits == 1)
    return;
  std::string given = (Twine(*p.splits) + " was given; ").str();
  auto config = KernelCache::global().config(selectVariant(p, chip), chip);
  if (!config) {
    consumeError(config.takeError()); // the head dim's diagnostic says why
    return;
  }
  int64_t tiles = kvTiles(p, *config);
  if (*p.splits > tiles) {
    out.bad("splits",
            given + Twine(p.seqlenKv) + " KV rows are " + Twine(tiles) +
                (tiles == 1 ? " tile of " : " tiles of ") +
                Twine(config->kvTile) + ": give " +
                (tiles == 1 ? "1" : "1 to " + Twine(tiles)) + ", or auto");
    return;
  }
  if (p.batch * *p.splits > kMaxGridYZ)
    out.unsupported("splits", given + "batch * splits may be " +
                                  Twine(kMaxGridYZ) + " at the most: give " +
                                  Twine(kMaxGridYZ / p.batch) + " or less");
  if (combineViewBytes(p) > INT32_MAX)
    out.unsupported("splits", given + "a batch's parts or its O span " +
                                  Twine(combineViewBytes(p)) +
                                  " bytes, and 2 GiB are supported: give 1, or "
                                  "fewer query rows at a time");
}

/// Whether two elements of `o` may share memory: sorted by stride, each
/// dimension must step over all of the one before.
bool outputOverlaps(const Problem &p) {
  OperandStrides s = p.stridesOf(Operand::O);
  std::array<std::pair<int64_t, int64_t>, 3> dims = {
      {{s.batch, p.packed() ? 1 : p.batch},
       {s.head, p.heads},
       {s.seq, p.totalRowsOf(Operand::O)}}};
  sort(dims);
  int64_t span = p.headDimOfV();
  for (auto [stride, size] : dims) {
    if (size > 1 && stride < span)
      return true;
    span += (size - 1) * stride;
  }
  return false;
}

void checkStrides(const Problem &p, Collector &out) {
  for (Operand operand : kAllOperands) {
    OperandStrides s = p.stridesOf(operand);
    std::string name = (nameOf(operand) + "_strides").str();
    std::string given =
        ("(batch " + Twine(s.batch) + ", head " + Twine(s.head) + ", seq " +
         Twine(s.seq) + ") was given; ")
            .str();
    if (s.batch < 0 || s.head < 0 || s.seq < 0) {
      out.bad(name, given + "strides must not be negative");
      continue;
    }
    if (std::max({s.batch, s.head, s.seq}) > kMaxStride) {
      out.unsupported(name, given + "at most 2^40 elements are supported");
      continue;
    }
    int64_t headDim = p.headDimOf(operand);
    if (s.seq < headDim)
      out.bad(name, given + "the seq stride must be head_dim (" +
                        Twine(headDim) + ") or more elements");
    if (sizeOf(p.dtype) == 2 && (s.batch | s.head | s.seq) & 1)
      out.unsupported(name, given + "strides must be multiples of 2 elements, "
                                    "since memory is accessed in dwords");
    int64_t most = maxSeqStride(p, operand);
    if (s.seq > most)
      out.unsupported(name, given + "the seq stride can be " + Twine(most) +
                                " elements at the most for " + nameOf(p.dtype) +
                                " with head_dim " + Twine(headDim) +
                                ", since " + Twine(maxTileRows) +
                                " rows are indexed with 32-bit offsets: use a "
                                "smaller one (the bhsd layout)");
  }
  if (p.strides[unsigned(Operand::O)] && outputOverlaps(p))
    out.bad("o_strides", "rows of the output overlap in memory");
}

/// Why the kernels (schedule, dtype) cannot serve `p`, apart from what no
/// kernel can do.
std::vector<std::string> kernelReasons(const Problem &p, ScheduleKind schedule,
                                       ElementType dtype, HeadDims most) {
  std::vector<std::string> reasons;
  if (p.schedule != ScheduleKind::Auto && p.schedule != schedule)
    reasons.push_back(
        ("schedule " + nameOf(p.schedule) + " was asked for").str());
  if (p.dtype != dtype)
    reasons.push_back(("the problem's dtype is " + nameOf(p.dtype)).str());
  auto checkDim = [&](StringRef name, int64_t value, int64_t most) {
    if (value > most || value % kHeadDimStep)
      reasons.push_back(
          ("the problem's " + name + " is " + Twine(value)).str());
  };
  checkDim("head_dim", p.headDim, most.headDim);
  if (p.headDimV || most.headDimV < most.headDim)
    checkDim("head_dim_v", p.headDimOfV(), most.headDimV);
  return reasons;
}

} // namespace

std::string whyNoDualWave(const Problem &problem, StringRef chip) {
  bool holds = any_of(kDualWaveHeadDims, [&](const DualWaveHeadDims &dims) {
    return dims.chip == chip && dims.hold(problem);
  });
  if (holds && problem.dtype != ElementType::F32)
    return "";
  return "it serves bf16 and f16 with head_dim up to 192 and head_dim_v up to "
         "128, on gfx950 also 256 and 128, 192 and 160, or without a bias 192 "
         "and 192; more leaves no registers for the tiles";
}

ArrayRef<StringRef> supportedChips() { return kChips; }

std::vector<Diagnostic> validate(const Problem &p, StringRef chip) {
  Collector out;
  if (!is_contained(kChips, chip))
    out.bad("arch", "'" + chip + "' was given; known are " +
                        join(ArrayRef(kChips), ", "));
  checkSizes(p, out);
  checkScale(p, out);
  checkMask(p, out);
  checkScoreMods(p, out.found);
  checkPacked(p, out);
  checkSchedule(p, chip, out);
  checkWithout(p, out);
  checkSplitCount(p, out);
  bool sizesMakeSense = none_of(out.found, [](const Diagnostic &d) {
    return d.kind == Diagnostic::Kind::BadUsage;
  });
  if (!sizesMakeSense)
    return std::move(out.found);
  checkStrides(p, out);
  // The kernels' sizes are known only if there are such kernels.
  if (none_of(out.found, [](const Diagnostic &d) {
        return StringRef(d.argument).starts_with("head_dim") ||
               d.argument == "schedule";
      }))
    checkSplits(p, chip, out);
  return std::move(out.found);
}

std::vector<Refusal> explainRefusals(const Problem &p, StringRef chip) {
  Collector general;
  checkPacked(p, general);
  checkSplits(p, chip, general);
  checkStrides(p, general);
  std::vector<Refusal> refusals;
  auto explain = [&](ScheduleKind schedule, ElementType dtype, HeadDims most,
                     bool bias) {
    Refusal refusal;
    refusal.kernel = (nameOf(schedule) + " " + nameOf(dtype) + " d" +
                      Twine(kHeadDimStep) + "-" + Twine(most.headDim))
                         .str();
    if (most.headDimV != most.headDim)
      refusal.kernel +=
          (" dv" + Twine(kHeadDimStep) + "-" + Twine(most.headDimV)).str();
    refusal.reasons = kernelReasons(p, schedule, dtype, most);
    if (!bias && p.bias)
      refusal.reasons.push_back("the problem has a bias");
    for (const Diagnostic &d : general.found)
      refusal.reasons.push_back(d.argument + " (see above)");
    refusals.push_back(std::move(refusal));
  };
  for (ElementType dtype :
       {ElementType::BF16, ElementType::F16, ElementType::F32})
    explain(ScheduleKind::Generic, dtype, {kMaxHeadDim, kMaxHeadDim},
            /*bias=*/true);
  for (ElementType dtype : {ElementType::BF16, ElementType::F16})
    for (const DualWaveHeadDims &dims : kDualWaveHeadDims)
      if (dims.chip == chip)
        explain(ScheduleKind::DualWave, dtype, dims.most, dims.bias);
  return refusals;
}

Error checkProblem(const Problem &problem, StringRef chip) {
  std::vector<Diagnostic> diagnostics = validate(problem, chip);
  if (diagnostics.empty())
    return Error::success();
  auto error = std::make_unique<ProblemError>(std::move(diagnostics),
                                              std::vector<Refusal>());
  if (!error->isBadUsage())
    error->refusals = explainRefusals(problem, chip);
  return Error(std::move(error));
}

} // namespace flyattn
