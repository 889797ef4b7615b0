//===- MfmaGeneral.cpp - Matrix instructions of every shape and type ------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One element after another, from the layout's formulas: several blocks with
// broadcasts, f64, xf32, sparse A (smfmac), block scales, and the numerics of
// CDNA3. What attention needs is in Mfma.cpp, and fast.
//
//===----------------------------------------------------------------------===//

#include "MfmaGeneral.h"

#include "Wave.h"

#include <cmath>

using namespace llvm;
using namespace flyattn::sim;

namespace {

/// The `bits` bits of element `n` in the registers from `reg` on of a lane.
uint64_t elementBits(const uint32_t *reg, unsigned lane, unsigned n,
                     unsigned bits) {
  unsigned at = n * bits;
  uint64_t words = reg[at / 32 * waveSize + lane];
  if (at % 32 + bits > 32)
    words |= uint64_t(reg[(at / 32 + 1) * waveSize + lane]) << 32;
  words >>= at % 32;
  return bits == 64 ? words : words & ((uint64_t(1) << bits) - 1);
}

/// E8M0: a power of two, or NaN.
double scaleValue(uint32_t code) {
  return code == 255 ? NAN : std::ldexp(1.0, int(code) - 127);
}

/// The operands of one block, gathered: A[i][n] and B[n][j], and for a sparse
/// A the k of its element n.
struct Operands {
  std::vector<double> a, b;
  std::vector<unsigned> kOfA;
};

class Execution {
public:
  Execution(Wave &w, const Inst *inst, const MatrixDesc &d)
      : w(w), inst(inst), d(d) {}

  void run() {
    unsigned dim = d.shape.dim, blocks = d.shape.blocks;
    unsigned regs = wide() ? 2 : 1;
    unsigned results = dim * dim * blocks / waveSize * regs;
    // D may overlap every source.
    std::vector<uint32_t> out(results * waveSize);
    for (unsigned block = 0; block < blocks; ++block) {
      gather(block);
      for (unsigned i = 0; i < dim; ++i)
        for (unsigned j = 0; j < dim; ++j) {
          MatrixPlace p = resultPlace(d.shape, wide() ? 1 : 4, block, i, j);
          uint64_t sum = element(i, j, addend(p));
          for (unsigned r = 0; r < regs; ++r)
            out[(p.element * regs + r) * waveSize + p.lane] =
                uint32_t(sum >> 32 * r);
        }
    }
    std::memcpy(w.vgpr(inst->dst), out.data(), out.size() * 4);
  }

private:
  bool wide() const { return d.result == MatrixResult::F64; }

  MatrixPlace place(const MatrixType &type, unsigned k, unsigned block,
                    unsigned i, unsigned n) const {
    return elementsPerLane(d.shape, k) * type.bits == 256
               ? splitPlace(d.shape, 128 / type.bits, i, n)
               : operandPlace(d.shape, k, block, i, n);
  }

  /// The scale of operand `which` for row or column `i` and element `k`.
  double scale(unsigned which, unsigned i, unsigned k) const {
    uint32_t word = d.scaleConstant[which]
                        ? w.s[d.scale[which]]
                        : w.vgpr(d.scale[which])[i + d.shape.dim * (k / 32)];
    return scaleValue(word >> 8 * d.scaleByte[which] & 255);
  }

  void gather(unsigned block) {
    unsigned dim = d.shape.dim, k = d.shape.k, stored = d.storedK();
    o.a.resize(dim * stored);
    o.b.resize(dim * k);
    o.kOfA.resize(dim * stored);
    // CBSZ, ABID: 2^cbsz blocks share the A of one of them.
    bool broadcasts = d.shape.blocks > 1 && !d.sparse;
    unsigned blockA =
        broadcasts && d.cbsz ? (block >> d.cbsz << d.cbsz) + d.abid : block;
    // f64 has signs in the place of BLGP.
    bool negA = wide() && d.blgp & 1, negB = wide() && d.blgp & 2;
    for (unsigned i = 0; i < dim; ++i) {
      for (unsigned n = 0; n < stored; ++n) {
        MatrixPlace p = place(*d.a, stored, blockA, i, n);
        double x = d.a->value(elementBits(w.vgpr(inst->src[0]), p.lane % 64,
                                          p.element, d.a->bits));
        o.kOfA[i * stored + n] = d.sparse ? sparseK(p, n) : n;
        o.a[i * stored + n] = negA ? -x : x;
      }
      for (unsigned n = 0; n < k; ++n) {
        MatrixPlace p = place(*d.b, k, block, i, n);
        unsigned lane = wide() ? p.lane : swizzledLane(d.blgp, p.lane);
        double x = d.b->value(
            elementBits(w.vgpr(inst->src[1]), lane, p.element, d.b->bits));
        o.b[i * k + n] = negB ? -x : x;
      }
    }
  }

  /// The k of element `n` of a sparse row: two bits of the index register say
  /// which of four it is. The register holds several sets if they fit.
  unsigned sparseK(MatrixPlace p, unsigned n) const {
    unsigned bits = 2 * elementsPerLane(d.shape, d.storedK());
    unsigned set = d.cbsz == 0 ? d.abid % (32 / bits) : 0;
    uint32_t index = w.vgpr(inst->src[3])[p.lane];
    return 4 * (n / 2) + (index >> (set * bits + 2 * p.element) & 3);
  }

  /// C's element at `p`.
  uint64_t addend(MatrixPlace p) const {
    unsigned regs = wide() ? 2 : 1;
    uint64_t value = 0;
    if (inst->scalars & 4) {
      value = wide() ? w.s64(inst->src[2]) : w.s[inst->src[2]];
    } else {
      const uint32_t *c = w.vgpr(inst->src[2] + p.element * regs);
      value =
          wide() ? c[p.lane] | uint64_t(c[p.lane + waveSize]) << 32 : c[p.lane];
    }
    return wide() && d.blgp & 4 ? value ^ uint64_t(1) << 63 : value;
  }

  uint64_t element(unsigned i, unsigned j, uint64_t c) {
    unsigned stored = d.storedK();
    const double *a = &o.a[i * stored], *b = &o.b[j * d.shape.k];
    const unsigned *k = &o.kOfA[i * stored];
    switch (d.result) {
    case MatrixResult::I32: {
      auto sum = uint32_t(c);
      for (unsigned n = 0; n < stored; ++n)
        sum += uint32_t(int32_t(a[n]) * int32_t(b[k[n]]));
      return sum;
    }
    case MatrixResult::F64: {
      auto sum = __builtin_bit_cast(double, c);
      for (unsigned n = 0; n < stored; ++n)
        sum = std::fma(a[n], b[k[n]], sum);
      return __builtin_bit_cast(uint64_t, sum);
    }
    case MatrixResult::F32:
      break;
    }
    auto start = __builtin_bit_cast(float, uint32_t(c));
    return __builtin_bit_cast(uint32_t, realSum(i, j, start, a, b, k));
  }

  float realSum(unsigned i, unsigned j, float c, const double *a,
                const double *b, const unsigned *k) {
    unsigned stored = d.storedK();
    if (d.scaled) {
      SmallVector<double, 128> scaledProducts;
      for (unsigned n = 0; n < stored; ++n)
        scaledProducts.push_back(a[n] * b[n] * scale(0, i, n) * scale(1, j, n));
      return sumRounded(c, scaledProducts);
    }
    products.clear();
    for (unsigned n = 0; n < stored; ++n)
      products.push_back({a[n], b[k[n]]});
    return w.group->mfma == MfmaNumerics::Cdna3
               ? sumAsCdna3(d.rule, c, products)
               : sumByFma(c, products);
  }

  Wave &w;
  const Inst *inst;
  const MatrixDesc &d;
  Operands o;
  SmallVector<MatrixProduct, 128> products;
};

const Inst *execute(Wave &w, const Inst *inst) {
  return executeMatrix(w, inst, *static_cast<const MatrixDesc *>(inst->ext));
}

} // namespace

const Inst *flyattn::sim::executeMatrix(Wave &w, const Inst *inst,
                                        const MatrixDesc &desc) {
  if (desc.sparse && desc.result == MatrixResult::F32 &&
      w.group->mfma == MfmaNumerics::Cdna3)
    return w.fail(inst, "how CDNA3 adds the products of a sparse matrix is "
                        "not known; run with the numerics `fma`");
  FpuScope scope(defaultFpu, w.fpu32); // MODE does not matter, nor does EXEC
  Execution(w, inst, desc).run();
  return inst + 1;
}

bool flyattn::sim::buildMatrix(InstBuilder &b, const AsmText &text, Inst &inst,
                               const void *) {
  auto *d = b.extension<MatrixDesc>();
  if (!describeMatrix(b, text, *d))
    return false;
  unsigned wide = d->result == MatrixResult::F64 ? 2 : 1;
  unsigned results =
      d->shape.dim * d->shape.dim * d->shape.blocks / waveSize * wide;
  unsigned perA = elementsPerLane(d->shape, d->storedK());
  unsigned perB = elementsPerLane(d->shape, d->shape.k);
  if (text.operands.size() != (d->scaled ? 6u : 4u) ||
      !b.vectorRegister(text.operands[0], results, inst.dst) ||
      !b.vectorRegister(text.operands[1], (perA * d->a->bits + 31) / 32,
                        inst.src[0]) ||
      !b.vectorRegister(text.operands[2], (perB * d->b->bits + 31) / 32,
                        inst.src[1]))
    return b.refuse("operands of a matrix instruction");
  const TextOperand &c = text.operands[3];
  if (d->sparse) {
    inst.src[2] = inst.dst;
    if (!b.vectorRegister(c, 1, inst.src[3]))
      return false;
  } else if (c.kind == TextOperand::Integer || c.kind == TextOperand::Float) {
    if (!b.setSource(inst, 2, c, wide == 2 ? LaneType::F64 : LaneType::F32))
      return false;
  } else if (!b.vectorRegister(c, results, inst.src[2])) {
    return false;
  }
  for (unsigned n = 0; d->scaled && n < 2; ++n)
    if (!b.vectorSource(text.operands[4 + n], LaneType::B32, d->scale[n],
                        d->scaleConstant[n]))
      return false;
  inst.ext = d;
  inst.fn = execute;
  return true;
}
