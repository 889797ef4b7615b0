//===- ForeignAttention.h - Runs of AITER's attention kernels -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A small problem with ragged lengths and grouped heads for each fmha_v3_fwd
// code object, and attention in double precision to compare with.
//
//===----------------------------------------------------------------------===//

#ifndef FLYATTN_TEST_UNIT_SIMULATOR_FOREIGNATTENTION_H
#define FLYATTN_TEST_UNIT_SIMULATOR_FOREIGNATTENTION_H

#include "AiterKernels.h"

#include <cmath>
#include <cstdlib>
#include <ostream>
#include <random>

namespace flyattn::aiter {

/// An 8-bit float, decoded from its definition.
inline double decodeFp8(unsigned code, bool fnuz) {
  unsigned exponent = code >> 3 & 15, mantissa = code & 7;
  bool isNan = fnuz ? code == 0x80 : (code & 0x7f) == 0x7f;
  if (isNan)
    return NAN;
  int bias = fnuz ? 8 : 7;
  double value = exponent ? std::ldexp(8.0 + mantissa, int(exponent) - bias - 3)
                          : std::ldexp(double(mantissa), 1 - bias - 3);
  return code & 0x80 ? -value : value;
}

inline double decodeBf16(uint16_t code) {
  uint32_t bits = uint32_t(code) << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

/// A tensor of random normal values that the element type holds exactly.
struct Tensor {
  std::vector<uint8_t> bytes;
  std::vector<double> values;

  Tensor(size_t count, const Kernel &kernel, std::mt19937 &random) {
    std::normal_distribution<double> normal;
    values.resize(count);
    bytes.resize(count * (kernel.fp8 ? 1 : 2));
    for (size_t i = 0; i < count; ++i) {
      float x = float(normal(random));
      if (kernel.fp8) {
        bytes[i] = nearestFp8(x, !kernel.gfx950);
        values[i] = decodeFp8(bytes[i], !kernel.gfx950);
      } else {
        uint32_t bits;
        std::memcpy(&bits, &x, 4);
        auto code = uint16_t((bits + 0x8000) >> 16);
        std::memcpy(&bytes[2 * i], &code, 2);
        values[i] = decodeBf16(code);
      }
    }
  }
  static uint8_t nearestFp8(double x, bool fnuz) {
    static const std::array<std::vector<double>, 2> tables = [] {
      std::array<std::vector<double>, 2> both;
      for (unsigned code = 0; code < 512; ++code)
        both[code / 256].push_back(decodeFp8(code % 256, code / 256));
      return both;
    }();
    unsigned best = 0;
    for (unsigned code = 0; code < 256; ++code)
      if (std::abs(tables[fnuz][code] - x) < std::abs(tables[fnuz][best] - x))
        best = code;
    return uint8_t(best);
  }
};

/// One sequence of the batch.
struct Sequence {
  unsigned firstQ, lengthQ, firstKv, lengthKv; ///< in rows of the tensors
};

struct Errors {
  double o = 0, lse = 0; ///< relative RMS
};

struct Problem {
  Kernel kernel;
  unsigned heads = 4, kvHeads = 2;
  std::vector<Sequence> sequences;
  unsigned longestQ = 0, longestKv = 0, totalQ = 0, totalKv = 0;
  double scale;
  float descaleQ = 1, descaleK = 1, descaleV = 1;

  explicit Problem(const Kernel &kernel) : kernel(kernel) {
    scale = 1 / std::sqrt(double(kernel.headDimQk));
    if (kernel.group) {
      add(301, 333);
      add(65, 130);
      add(257, 300);
    } else {
      add(300, 333);
      add(300, 333);
    }
    if (kernel.fp8) {
      descaleV = 0.5f;
      // gfx942's causal kernels apply those of q and k twice.
      if (kernel.gfx950 || !kernel.causal) {
        descaleQ = 1.25f;
        descaleK = 0.75f;
      }
    }
  }
  void add(unsigned lengthQ, unsigned lengthKv) {
    sequences.push_back({totalQ, lengthQ, totalKv, lengthKv});
    totalQ += lengthQ;
    totalKv += lengthKv;
    longestQ = std::max(longestQ, lengthQ);
    longestKv = std::max(longestKv, lengthKv);
  }
};

/// Attention of one row in double precision; returns the log-sum-exp.
inline double referenceRow(const Problem &p, const Tensor &q, const Tensor &k,
                           const Tensor &v, const Sequence &s, unsigned head,
                           unsigned row, std::vector<double> &o) {
  unsigned dq = p.kernel.headDimQk, dv = p.kernel.headDimV;
  unsigned kvHead = head / (p.heads / p.kvHeads);
  const double *qRow =
      &q.values[(size_t(s.firstQ + row) * p.heads + head) * dq];
  int visible = p.kernel.causal ? int(row + 1 + s.lengthKv) - int(s.lengthQ)
                                : int(s.lengthKv);
  std::vector<double> score(visible);
  double top = -INFINITY, sum = 0;
  for (int j = 0; j < visible; ++j) {
    const double *kRow =
        &k.values[(size_t(s.firstKv + j) * p.kvHeads + kvHead) * dq];
    double dot = 0;
    for (unsigned d = 0; d < dq; ++d)
      dot += qRow[d] * kRow[d];
    score[j] = dot * p.scale * p.descaleQ * p.descaleK;
    top = std::max(top, score[j]);
  }
  o.assign(dv, 0);
  for (int j = 0; j < visible; ++j) {
    double weight = std::exp(score[j] - top);
    const double *vRow =
        &v.values[(size_t(s.firstKv + j) * p.kvHeads + kvHead) * dv];
    sum += weight;
    for (unsigned d = 0; d < dv; ++d)
      o[d] += weight * vRow[d];
  }
  for (double &x : o)
    x *= p.descaleV / sum;
  return top + std::log(sum);
}

inline Errors compare(const Problem &p, const Tensor &q, const Tensor &k,
                      const Tensor &v, const uint16_t *o, const float *lse) {
  unsigned dv = p.kernel.headDimV;
  double errorO = 0, normO = 0, errorLse = 0, normLse = 0;
  std::vector<double> row;
  for (size_t n = 0; n < p.sequences.size(); ++n) {
    const Sequence &s = p.sequences[n];
    for (unsigned head = 0; head < p.heads; ++head) {
      for (unsigned i = 0; i < s.lengthQ; ++i) {
        double expected = referenceRow(p, q, k, v, s, head, i, row);
        size_t lseIndex = p.kernel.group
                              ? size_t(head) * p.totalQ + s.firstQ + i
                              : (n * p.heads + head) * p.longestQ + i;
        errorLse += std::pow(lse[lseIndex] - expected, 2);
        normLse += expected * expected;
        for (unsigned d = 0; d < dv; ++d) {
          double got =
              decodeBf16(o[(size_t(s.firstQ + i) * p.heads + head) * dv + d]);
          errorO += std::pow(got - row[d], 2);
          normO += row[d] * row[d];
        }
      }
    }
  }
  return {std::sqrt(errorO / normO), std::sqrt(errorLse / normLse)};
}

struct Outcome {
  Errors errors;
  sim::LaunchResult result;
};

inline llvm::Expected<Outcome> runKernel(const Kernel &kernel,
                                         const sim::Options &options) {
  Problem p(kernel);
  std::mt19937 random(7);
  Tensor q(size_t(p.totalQ) * p.heads * kernel.headDimQk, kernel, random);
  Tensor k(size_t(p.totalKv) * p.kvHeads * kernel.headDimQk, kernel, random);
  Tensor v(size_t(p.totalKv) * p.kvHeads * kernel.headDimV, kernel, random);
  std::vector<int32_t> cumulativeQ{0}, cumulativeKv{0};
  for (const Sequence &s : p.sequences) {
    cumulativeQ.push_back(int32_t(s.firstQ + s.lengthQ));
    cumulativeKv.push_back(int32_t(s.firstKv + s.lengthKv));
  }
  sim::Memory memory;
  aiter::Call call;
  call.q = memory.bind(q.bytes.data(), q.bytes.size(), "q");
  call.k = memory.bind(k.bytes.data(), k.bytes.size(), "k");
  call.v = memory.bind(v.bytes.data(), v.bytes.size(), "v");
  call.o =
      memory.allocate(size_t(p.totalQ) * p.heads * kernel.headDimV * 2, "o");
  call.lse = memory.allocate(size_t(p.totalQ) * p.heads * 4, "lse");
  call.cumulativeQ =
      memory.bind(cumulativeQ.data(), cumulativeQ.size() * 4, "cumulative q");
  call.cumulativeKv = memory.bind(cumulativeKv.data(), cumulativeKv.size() * 4,
                                  "cumulative kv");
  call.descaleQ = memory.bind(&p.descaleQ, 4, "q descale");
  call.descaleK = memory.bind(&p.descaleK, 4, "k descale");
  call.descaleV = memory.bind(&p.descaleV, 4, "v descale");
  call.batch = uint32_t(p.sequences.size());
  call.heads = p.heads;
  call.kvHeads = p.kvHeads;
  call.seqlenQ = p.longestQ;
  call.seqlenKv = p.longestKv;
  call.totalQ = p.totalQ;
  call.scale = float(p.scale);

  auto object = loadObject(kernel);
  if (!object)
    return object.takeError();
  auto program = sim::Program::decode(*object, object->kernels()[0].name);
  if (!program)
    return program.takeError();
  sim::LaunchParams params;
  aiter::setKernarg(params, kernel, call);
  aiter::setGrid(params, kernel, call);
  auto result = sim::launch(*program, memory, params, options);
  if (!result)
    return result.takeError();
  Errors errors =
      compare(p, q, k, v, reinterpret_cast<const uint16_t *>(call.o),
              reinterpret_cast<const float *>(call.lse));
  return Outcome{errors, *result};
}

/// Rounding of the probabilities and of O decides the error; LSE has f32's,
/// but for hd256, whose kernels take a coarse exponential.
inline Errors boundsOf(const Kernel &kernel) {
  Errors bounds;
  bounds.o = kernel.fp8                            ? 4.3e-2
             : kernel.rounding == Kernel::Truncate ? 9e-3
                                                   : 3.3e-3;
  bounds.lse = kernel.headDimQk == 256 ? 1.5e-3 : 1e-6;
  return bounds;
}

/// "gfx950_fwd_hd128_bf16", "MI300_fwd_hd128_bf16_causal_rtna".
inline std::string nameOf(const Kernel &kernel) {
  std::string folder =
      kernel.gfx950 ? "gfx950" : kernel.path.parent_path().stem().string();
  return folder + "_" + kernel.path.stem().string();
}

/// How GoogleTest prints one.
inline void PrintTo(const Kernel &kernel, std::ostream *out) {
  *out << kernel.path.stem().string();
}

} // namespace flyattn::aiter

#endif // FLYATTN_TEST_UNIT_SIMULATOR_FOREIGNATTENTION_H
