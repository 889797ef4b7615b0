//===- Problem.h - What the caller asks -----------------------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_ATTENTION_PROBLEM_H
#define FLYATTN_ATTENTION_PROBLEM_H

#include "flyattn/Pipelines/Compile.h"
#include "flyattn/Target/KernelABI.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flyattn {

enum class Operand { Q, K, V, O };
inline constexpr Operand kAllOperands[] = {Operand::Q, Operand::K, Operand::V,
                                           Operand::O};
llvm::StringRef nameOf(Operand operand); ///< "q", "k", "v", "o"

/// The order of an operand's dimensions: batch, seq, head, dim or batch, head,
/// seq, dim.
enum class Layout { BSHD, BHSD };

/// Row i sees columns [i + d - left, i + d + right], d = seqlenKv - seqlenQ,
/// both ends included; -1 is unbounded.
struct Window {
  int64_t left = -1, right = -1;
};

/// A bias of scores, [batch, heads, seqlenQ, seqlenKv] in C order. Dimensions
/// but the last may be 1 and broadcast. Of packed sequences the first dimension
/// counts sequences, and lengths are those of the longest ones.
struct Bias {
  std::array<int64_t, 4> shape;
  BiasType type = BiasType::F32;

  uint64_t elements() const;
  /// In elements; 0 for what broadcasts.
  std::array<int64_t, 4> strides() const;
};

/// Rows of an operand that belong to one batch.
struct RowSpan {
  int64_t first, length;
};

/// Columns from `begin` up to and without `end`.
struct ColumnRange {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
  bool operator==(const ColumnRange &) const = default;
};

/// One scaled-dot-product attention, forward:
///   O = softmax(scale * Q K^T + mask) V, LSE = log(sum(exp(...))).
/// Query head h reads KV head h / (heads / kvHeads). A row that sees nothing
/// has O = 0 and LSE = -inf, or its sink.
struct Problem {
  int64_t batch = 1;
  int64_t heads = 1;
  int64_t kvHeads = 1;
  int64_t seqlenQ = 1;
  int64_t seqlenKv = 1;
  int64_t headDim = 128;                 ///< of Q and K
  std::optional<int64_t> headDimV;       ///< of V and O; headDim if not given
  ElementType dtype = ElementType::BF16; ///< of q, k, v and o
  MaskKind mask = MaskKind::None;        ///< Window: see `window`
  std::optional<Window> window;          ///< with MaskKind::Window only
  std::optional<int64_t> chunk;          ///< with MaskKind::Chunked only
  // Scores are changed behind the scale and before the mask, in this order.
  std::optional<double> softcap; ///< c: to c * tanh(score / c); positive
  std::optional<Bias> bias;      ///< is added
  /// How many f32 slopes there are, one a head: -slope * |i + Skv - Sq - j| is
  /// added to the score of row i and column j.
  std::optional<int64_t> alibiSlopes;
  /// How many f32 sinks there are, one a head: logits that count in the
  /// denominator, and in the LSE, of every row.
  std::optional<int64_t> sinks;
  std::optional<double> scale; ///< 1/sqrt(headDim) if not given
  Layout layout = Layout::BSHD;
  /// By operand: strides that replace those of `layout`.
  std::array<std::optional<OperandStrides>, 4> strides;
  bool wantLse = false; ///< f32, natural logarithm; see lseShape
  /// Packed sequences, if not empty: sequence b takes the rows from entry b up
  /// to entry b + 1 of its operands. Then `batch` is their number, and seqlenQ
  /// and seqlenKv are at least the longest ones' lengths (takeLengths).
  std::vector<int64_t> cuSeqlensQ, cuSeqlensKv;
  /// Parts of KV that workgroups of their own take; none: as many as fill the
  /// device.
  std::optional<int64_t> splits = 1;
  ScheduleKind schedule = ScheduleKind::Auto;
  Technique without = Technique::None; ///< left out, to see what it gives
  bool countRescales = false;          ///< see KernelVariant
  Bf16Rounding rounding = Bf16Rounding::NearestEven;

  double softmaxScale() const;
  bool modifiesScores() const { return softcap || bias || alibiSlopes; }
  int64_t headsOf(Operand operand) const;
  int64_t seqlenOf(Operand operand) const;
  int64_t headDimOf(Operand operand) const;
  int64_t headDimOfV() const { return headDimV.value_or(headDim); }
  bool packed() const { return !cuSeqlensQ.empty() || !cuSeqlensKv.empty(); }
  const std::vector<int64_t> &cuSeqlensOf(Operand operand) const;
  /// Sets batch, seqlenQ and seqlenKv to what the packed sequences say.
  void takeLengths();
  /// Of a batch without packed sequences, all rows.
  RowSpan rowsOf(Operand operand, int64_t batch) const;
  /// Rows of the operand in memory: seqlenOf it, or the total of packed ones.
  int64_t totalRowsOf(Operand operand) const;
  /// The operand's sizes in the order of `layout`; packed sequences have no
  /// batch dimension.
  std::vector<int64_t> shapeOf(Operand operand) const;
  OperandStrides stridesOf(Operand operand) const;
  /// Elements from the operand's first to row 0 of a batch and head.
  int64_t offsetOf(Operand operand, int64_t batch, int64_t head) const;
  /// [batch, heads, seqlenQ], or [heads, total] of packed sequences.
  std::vector<int64_t> lseShape() const;
  uint64_t lseIndex(int64_t batch, int64_t head, int64_t row) const;
  /// Elements from the operand's first to its last, both included.
  uint64_t extentOf(Operand operand) const;
  /// KV columns that query row `row` sees.
  ColumnRange visibleColumns(int64_t row, int64_t batch = 0) const;
  /// Floating-point operations: 2 for each element of both head dims, for each
  /// (row, visible column).
  double flops() const;
};

/// One thing that is wrong with a problem.
struct Diagnostic {
  enum class Kind {
    BadUsage,   ///< makes no sense
    Unsupported ///< makes sense, but no kernel of ours does it
  };
  Kind kind;
  std::string argument; ///< "head_dim"
  std::string message;  ///< what was given, what is allowed, what to do
};

/// Why one kernel cannot serve a problem.
struct Refusal {
  std::string kernel;               ///< "dual_wave bf16 d64"
  std::vector<std::string> reasons; ///< none if it can
};

/// Everything that is wrong with `problem` on `chip`, in the order of the
/// arguments; empty if `plan` accepts it.
std::vector<Diagnostic> validate(const Problem &problem, llvm::StringRef chip);

/// Why the dual_wave schedule of `chip` cannot serve `problem`; empty if it
/// can.
std::string whyNoDualWave(const Problem &problem, llvm::StringRef chip);

/// For each kernel of `chip`, why it cannot serve `problem`.
std::vector<Refusal> explainRefusals(const Problem &problem,
                                     llvm::StringRef chip);

/// The chips that kernels are compiled for.
llvm::ArrayRef<llvm::StringRef> supportedChips();

/// What `validate` found, as an error.
class ProblemError : public llvm::ErrorInfo<ProblemError> {
public:
  static char ID;

  ProblemError(std::vector<Diagnostic> diagnostics,
               std::vector<Refusal> refusals)
      : diagnostics(std::move(diagnostics)), refusals(std::move(refusals)) {}

  /// Whether some diagnostic says that the problem makes no sense.
  bool isBadUsage() const;

  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

  std::vector<Diagnostic> diagnostics;
  std::vector<Refusal> refusals;
};

/// Success, or a ProblemError with what `validate` found and, if the problem
/// makes sense, what `explainRefusals` says.
llvm::Error checkProblem(const Problem &problem, llvm::StringRef chip);

} // namespace flyattn

#endif // FLYATTN_ATTENTION_PROBLEM_H
