//===- ProblemOptions.cpp - PROBLEM on the command line -------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProblemOptions.h"
#include "Driver.h"
#include "ScoreModOptions.h"

#include "flyattn/Runtime/KernelCache.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace llvm;

namespace flyattn::driver {

namespace {

template <typename T> struct ProblemOption : cl::opt<T> {
  template <typename... Mods>
  ProblemOption(StringRef name, Mods &&...mods)
      : cl::opt<T>(name, cl::cat(category()), cl::sub(compileSub()),
                   cl::sub(runSub()), cl::sub(explainSub()),
                   std::forward<Mods>(mods)...) {}
};

ProblemOption<std::string> arch("arch", cl::value_desc("chip"),
                                cl::desc("gfx950 (MI350X, MI355X) or gfx942 "
                                         "(MI300X, MI325X)"));
ProblemOption<long long> batch("batch", cl::init(1), cl::value_desc("B"),
                               cl::desc("Batch size (1)"));
ProblemOption<long long> heads("heads", cl::init(1), cl::value_desc("H"),
                               cl::desc("Query heads (1)"));
ProblemOption<long long> kvHeads("kv-heads", cl::value_desc("Hkv"),
                                 cl::desc("KV heads; must divide the query "
                                          "heads (as many as those)"));
ProblemOption<long long> seqlenQ("seqlen-q", cl::init(512),
                                 cl::value_desc("Sq"),
                                 cl::desc("Query rows (512)"));
ProblemOption<long long>
    seqlenKv("seqlen-kv", cl::value_desc("Skv"),
             cl::desc("Key and value rows (as --seqlen-q)"));
ProblemOption<long long>
    headDim("head-dim", cl::init(128), cl::value_desc("D"),
            cl::desc("Of q and k: a multiple of 8 up to 256 "
                     "(128)"));
ProblemOption<long long> headDimV("head-dim-v", cl::value_desc("Dv"),
                                  cl::desc("Of v and o, likewise (as "
                                           "--head-dim)"));
ProblemOption<ElementType>
    dtype("dtype", cl::desc("Type of q, k, v and o (bf16)"),
          cl::values(clEnumValN(ElementType::BF16, "bf16", "bfloat16"),
                     clEnumValN(ElementType::F16, "f16", "IEEE half"),
                     clEnumValN(ElementType::F32, "f32", "IEEE single")),
          cl::init(ElementType::BF16));
ProblemOption<std::string>
    mask("mask", cl::init("none"), cl::value_desc("mask"),
         cl::desc("none; causal: row i sees columns j <= i + Skv - Sq; "
                  "causal-top-left: j <= i; window:L,R: i + Skv - Sq - L <= j "
                  "<= i + Skv - Sq + R, -1 is unbounded; chunked:N: causal, "
                  "and only columns of the row's own chunk of N (none)"));
ProblemOption<std::string> cuSeqlensQ("cu-seqlens-q", cl::value_desc("a,b,..."),
                                      cl::desc("Packed query sequences: where "
                                               "each begins, and the total"));
ProblemOption<std::string> cuSeqlensKv("cu-seqlens-kv",
                                       cl::value_desc("a,b,..."),
                                       cl::desc("Packed KV sequences (as "
                                                "--cu-seqlens-q)"));
ProblemOption<std::string>
    splits("splits", cl::init("1"), cl::value_desc("N|auto"),
           cl::desc("Parts of the KV sequence, each a workgroup's, which a "
                    "second kernel merges; auto: as many as fill the device "
                    "(1)"));
ProblemOption<double> scale("scale", cl::value_desc("x"),
                            cl::desc("Softmax scale (1/sqrt(D))"));
ProblemOption<Layout> layout(
    "layout", cl::desc("Order of the dimensions (bshd)"),
    cl::values(clEnumValN(Layout::BSHD, "bshd", "batch, seq, head, dim"),
               clEnumValN(Layout::BHSD, "bhsd", "batch, head, seq, dim")),
    cl::init(Layout::BSHD));
ProblemOption<ScheduleKind> schedule(
    "schedule", cl::desc("How the kernel is scheduled (auto)"),
    cl::values(clEnumValN(ScheduleKind::Auto, "auto", "the best there is"),
               clEnumValN(ScheduleKind::Generic, "generic",
                          "serves every problem, on both chips"),
               clEnumValN(ScheduleKind::DualWave, "dual_wave",
                          "two wave groups, one cluster apart: 16-bit "
                          "types, head dims up to 192 and 128 and some more")),
    cl::init(ScheduleKind::Auto));
ProblemOption<Technique> without(
    "without",
    cl::desc("Leave one technique out of dual_wave, to see what it gives"),
    cl::values(
        clEnumValN(Technique::Stagger, "stagger", "the groups run together"),
        clEnumValN(Technique::Priority, "priority", "all waves issue alike"),
        clEnumValN(Technique::Interleave, "interleave",
                   "vector instructions as they come"),
        clEnumValN(Technique::Anchors, "anchors",
                   "LLVM may move instructions to later clusters"),
        clEnumValN(Technique::Fences, "fences", "LLVM orders instructions"),
        clEnumValN(Technique::LazyRescale, "lazy-rescale",
                   "the maximum follows at once"),
        clEnumValN(Technique::CountedWaits, "counted-waits",
                   "each memory cluster waits for all copies"),
        clEnumValN(Technique::SlotPadding, "slot-padding",
                   "LDS slots with bank conflicts"),
        clEnumValN(Technique::WorkgroupOrder, "workgroup-order",
                   "rows before heads, the first rows first")),
    cl::init(Technique::None));
ProblemOption<bool> countRescales(
    "count-rescales",
    cl::desc("Simulator: count how often waves rescale their sums, in a kernel "
             "compiled for it"));
ProblemOption<Bf16Rounding>
    rounding("bf16-rounding",
             cl::desc("How gfx942 makes bf16 of f32 (nearest-even)"),
             cl::values(clEnumValN(Bf16Rounding::NearestEven, "nearest-even",
                                   "as gfx950's own instruction does"),
                        clEnumValN(Bf16Rounding::Truncate, "truncate",
                                   "faster, and less exact")),
             cl::init(Bf16Rounding::NearestEven));

Error parseMask(StringRef text, Problem &problem) {
  for (MaskKind kind :
       {MaskKind::None, MaskKind::Causal, MaskKind::CausalTopLeft})
    if (text == nameOf(kind)) {
      problem.mask = kind;
      return Error::success();
    }
  StringRef rest = text;
  Window window;
  if (rest.consume_front("window:") && !rest.consumeInteger(10, window.left) &&
      rest.consume_front(",") && !rest.consumeInteger(10, window.right) &&
      rest.empty()) {
    problem.mask = MaskKind::Window;
    problem.window = window;
    return Error::success();
  }
  int64_t chunk;
  rest = text;
  if (rest.consume_front("chunked:") && !rest.getAsInteger(10, chunk)) {
    problem.mask = MaskKind::Chunked;
    problem.chunk = chunk;
    return Error::success();
  }
  return failure(BadUsage,
                 "--mask: '" + text +
                     "' was given; known are none, causal, causal-top-left, "
                     "window:L,R (L and R columns, -1 is unbounded) and "
                     "chunked:N (N columns)");
}

Error parseSplits(StringRef text, Problem &problem) {
  problem.splits.reset();
  if (text != "auto" && text.getAsInteger(10, problem.splits.emplace()))
    return failure(BadUsage, "--splits: '" + text +
                                 "' was given; it must be a number or auto");
  return Error::success();
}

/// Lengths and batch of packed sequences.
Error packSequences(Problem &p) {
  if (p.cuSeqlensKv.empty())
    p.cuSeqlensKv = p.cuSeqlensQ;
  if (!p.packed())
    return Error::success();
  for (const cl::Option *option :
       std::initializer_list<const cl::Option *>{&batch, &seqlenQ, &seqlenKv})
    if (option->getNumOccurrences())
      return failure(BadUsage,
                     "--" + option->ArgStr +
                         " and --cu-seqlens-q exclude each other: the "
                         "list says how many sequences there are, and "
                         "their lengths");
  p.takeLengths();
  return Error::success();
}

} // namespace

Error parseList(StringRef option, StringRef text, std::vector<int64_t> &list) {
  if (text.empty())
    return Error::success();
  for (StringRef item : split(text, ',')) {
    int64_t value;
    if (item.trim().getAsInteger(10, value))
      return failure(BadUsage, "--" + option + ": '" + item +
                                   "' is no integer; give a,b,...");
    list.push_back(value);
  }
  return Error::success();
}

Expected<std::string> archFromOptions() {
  if (!arch.empty())
    return arch.getValue();
  return failure(BadUsage,
                 "--arch is needed: " + join(supportedChips(), " or "));
}

Expected<Problem> problemFromOptions() {
  Problem p;
  p.batch = batch;
  p.heads = heads;
  p.kvHeads = kvHeads.getNumOccurrences() ? kvHeads : heads;
  p.seqlenQ = seqlenQ;
  p.seqlenKv = seqlenKv.getNumOccurrences() ? seqlenKv : seqlenQ;
  p.headDim = headDim;
  if (headDimV.getNumOccurrences())
    p.headDimV = headDimV;
  p.dtype = dtype;
  if (scale.getNumOccurrences())
    p.scale = scale;
  p.layout = layout;
  p.schedule = schedule;
  p.without = without;
  p.countRescales = countRescales;
  p.rounding = rounding;
  Error error = parseMask(mask, p);
  error = joinErrors(std::move(error), parseSplits(splits, p));
  error = joinErrors(std::move(error),
                     parseList("cu-seqlens-q", cuSeqlensQ, p.cuSeqlensQ));
  error = joinErrors(std::move(error),
                     parseList("cu-seqlens-kv", cuSeqlensKv, p.cuSeqlensKv));
  error = joinErrors(std::move(error), packSequences(p));
  if (error)
    return std::move(error);
  return p;
}

static ElementType elementTypeOf(DType type) {
  return type == DType::BF16  ? ElementType::BF16
         : type == DType::F16 ? ElementType::F16
                              : ElementType::F32;
}

void fillFromFiles(Problem &p, const std::optional<NpyArray> &q,
                   const std::optional<NpyArray> &k,
                   const std::optional<NpyArray> &v) {
  const auto &kv = k ? k : v;
  auto fill = [](const cl::Option &option, int64_t &value, int64_t found) {
    if (!option.getNumOccurrences())
      value = found;
  };
  unsigned seq = p.layout == Layout::BSHD ? 1 : 2;
  unsigned head = p.packed() ? 1 : 3 - seq;
  if (const auto &any = q ? q : kv) {
    if (!p.packed())
      fill(batch, p.batch, any->shape[0]);
    if (q || k)
      fill(headDim, p.headDim, (q ? q : k)->shape.back());
    if (!dtype.getNumOccurrences())
      p.dtype = elementTypeOf(any->type);
  }
  if (v && !headDimV.getNumOccurrences()) {
    if (!q && !k)
      fill(headDim, p.headDim, v->shape.back());
    if (v->shape.back() != p.headDim)
      p.headDimV = v->shape.back();
  }
  if (q) {
    fill(heads, p.heads, q->shape[head]);
    if (!p.packed())
      fill(seqlenQ, p.seqlenQ, q->shape[seq]);
  }
  if (kv || q) {
    fill(kvHeads, p.kvHeads, kv ? kv->shape[head] : p.heads);
    if (!p.packed())
      fill(seqlenKv, p.seqlenKv, kv ? kv->shape[seq] : p.seqlenQ);
  }
}

static std::string maskName(const Problem &p) {
  if (p.window)
    return formatv("window:{0},{1}", p.window->left, p.window->right);
  if (p.chunk)
    return formatv("chunked:{0}", *p.chunk);
  return nameOf(p.mask).str();
}

std::string splitsName(const Problem &p) {
  return p.splits ? std::to_string(*p.splits) : "auto";
}

static json::Value splitsToJson(const Problem &p) {
  return p.splits ? json::Value(*p.splits) : json::Value("auto");
}

json::Object toJson(const Problem &p) {
  json::Object object{{"batch", p.batch},
                      {"heads", p.heads},
                      {"kv_heads", p.kvHeads},
                      {"seqlen_q", p.seqlenQ},
                      {"seqlen_kv", p.seqlenKv},
                      {"head_dim", p.headDim},
                      {"head_dim_v", p.headDimOfV()},
                      {"dtype", nameOf(p.dtype)},
                      {"mask", maskName(p)},
                      {"scale", p.softmaxScale()},
                      {"layout", p.layout == Layout::BSHD ? "bshd" : "bhsd"},
                      {"splits", splitsToJson(p)},
                      {"lse", p.wantLse}};
  if (p.packed()) {
    object["cu_seqlens_q"] = json::Array(p.cuSeqlensQ);
    object["cu_seqlens_kv"] = json::Array(p.cuSeqlensKv);
  }
  if (p.without != Technique::None)
    object["without"] = nameOf(p.without);
  addScoreMods(object, p);
  return object;
}

std::string describe(const Problem &p, StringRef chip) {
  std::string dims = std::to_string(p.headDim);
  if (p.headDimOfV() != p.headDim)
    dims += "/" + std::to_string(p.headDimOfV());
  std::string text = formatv("{0} {1} B{2} H{3}/{4} Sq{5} Skv{6} D{7} {8}",
                             chip, nameOf(p.dtype), p.batch, p.heads, p.kvHeads,
                             p.seqlenQ, p.seqlenKv, dims, maskName(p));
  if (p.packed())
    text += formatv(" packed, {0} query and {1} KV rows in all",
                    p.totalRowsOf(Operand::Q), p.totalRowsOf(Operand::K));
  text += describeScoreMods(p);
  if (p.splits != 1)
    text += " splits " + splitsName(p);
  if (p.without != Technique::None)
    text += (" without " + nameOf(p.without)).str();
  return text;
}

} // namespace flyattn::driver
