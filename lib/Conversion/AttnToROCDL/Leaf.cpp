//===- Leaf.cpp - The instructions that tile lowering emits ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Leaf.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/ROCDLDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// Integers and places
//===----------------------------------------------------------------------===//

Value Leaf::i32(int64_t value) {
  return arith::ConstantIntOp::create(*this, getI32Type(), value);
}
Value Leaf::add(Value a, Value b) { return arith::AddIOp::create(*this, a, b); }
Value Leaf::add(Value a, int64_t b) { return b == 0 ? a : add(a, i32(b)); }
Value Leaf::mul(Value a, Value b) { return arith::MulIOp::create(*this, a, b); }
Value Leaf::mul(Value a, int64_t b) { return mul(a, i32(b)); }
Value Leaf::div(Value a, int64_t b) {
  return arith::DivUIOp::create(*this, a, i32(b));
}
Value Leaf::rem(Value a, int64_t b) {
  return arith::RemUIOp::create(*this, a, i32(b));
}

Value Leaf::workItem() {
  Value id = gpu::ThreadIdOp::create(*this, gpu::Dimension::x);
  return arith::IndexCastOp::create(*this, getI32Type(), id);
}
Value Leaf::lane() { return rem(workItem(), 64); }
Value Leaf::laneAnew() {
  // Counts the lanes below this one.
  Value all = i32(-1);
  Value low = ROCDL::MbcntLoOp::create(*this, getI32Type(), all, i32(0),
                                       ArrayAttr(), ArrayAttr());
  return ROCDL::MbcntHiOp::create(*this, getI32Type(), all, low, ArrayAttr(),
                                  ArrayAttr());
}
Value Leaf::wave() {
  // Once, at the kernel's entry: LLVM hoists no readfirstlane.
  OpBuilder::InsertionGuard guard(*this);
  if (auto kernel =
          getInsertionBlock()->getParentOp()->getParentOfType<gpu::GPUFuncOp>())
    setInsertionPointToStart(&kernel.getBody().front());
  return ROCDL::ReadfirstlaneOp::create(*this, getI32Type(),
                                        div(workItem(), 64));
}

//===----------------------------------------------------------------------===//
// f32
//===----------------------------------------------------------------------===//

Value Leaf::f32(float value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}
Value Leaf::exp2(Value x) {
  return ROCDL::ROCDLExp2::create(*this, getF32Type(), x);
}
Value Leaf::log2(Value x) {
  return ROCDL::ROCDLLog::create(*this, getF32Type(), x);
}
Value Leaf::reciprocal(Value x) {
  return ROCDL::ROCDLRcp::create(*this, getF32Type(), x);
}

std::pair<Value, Value> Leaf::swapHalves(Value x, Value y) {
  Type pair = LLVM::LLVMStructType::getLiteral(getContext(),
                                               {getI32Type(), getI32Type()});
  Value swapped = ROCDL::Permlane32SwapOp::create(*this, pair, x, y,
                                                  /*fi=*/false,
                                                  /*boundControl=*/false);
  return {LLVM::ExtractValueOp::create(*this, swapped, 0),
          LLVM::ExtractValueOp::create(*this, swapped, 1)};
}

/// x of this lane and of the same lane in the other half-wave, in any order.
std::pair<Value, Value> Leaf::bothHalves(Value x) {
  Value bits = arith::BitcastOp::create(*this, getI32Type(), x);
  auto asFloat = [&](Value value) -> Value {
    return arith::BitcastOp::create(*this, getF32Type(), value);
  };
  if (chip.permlaneSwap) {
    auto [low, high] = swapHalves(bits, bits);
    return {asFloat(low), asFloat(high)};
  }
  Value partner = arith::XOrIOp::create(*this, lane(), i32(32));
  Value other =
      ROCDL::DsBpermuteOp::create(*this, getI32Type(), mul(partner, 4), bits);
  return {x, asFloat(other)};
}

Value Leaf::any(Value condition) {
  Value lanes = ROCDL::BallotOp::create(*this, getI64Type(), condition);
  Value none = arith::ConstantIntOp::create(*this, getI64Type(), 0);
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::ne, lanes, none);
}

Value Leaf::unlikely(Value condition) {
  Value no = arith::ConstantIntOp::create(*this, getI1Type(), 0);
  return LLVM::ExpectOp::create(*this, condition, no);
}

void Leaf::count(unsigned counter) {
  // No ROCDL op stands for s_incperflevel.
  Value number = LLVM::ConstantOp::create(*this, getI32Type(), counter);
  LLVM::CallIntrinsicOp::create(
      *this, getStringAttr("llvm.amdgcn.s.incperflevel"), number);
}

Value Leaf::maxOfHalves(Value x) {
  auto [a, b] = bothHalves(x);
  return arith::MaxNumFOp::create(*this, a, b);
}
Value Leaf::sumOfHalves(Value x) {
  auto [a, b] = bothHalves(x);
  return arith::AddFOp::create(*this, a, b);
}

/// Keeps the upper 16 bits of each f32.
Value Leaf::truncate(Value vector, Type element) {
  int64_t size = cast<VectorType>(vector.getType()).getNumElements();
  Value halves = bitcast(vector, VectorType::get(2 * size, getI16Type()));
  SmallVector<int64_t> upper;
  for (int64_t i = 0; i < size; ++i)
    upper.push_back(2 * i + 1);
  Value kept = vector::ShuffleOp::create(*this, halves, halves, upper);
  return bitcast(kept, VectorType::get(size, element));
}

Value Leaf::convert(Value vector, Type element) {
  if (element.isBF16() && bf16Truncate && !chip.packedBf16Convert)
    return truncate(vector, element);
  int64_t size = cast<VectorType>(vector.getType()).getNumElements();
  return arith::TruncFOp::create(*this, VectorType::get(size, element), vector);
}

Value Leaf::convertNumbers(Value vector, Type element) {
  if (!element.isBF16() || bf16Truncate || chip.packedBf16Convert)
    return convert(vector, element);
  // Nearest-even on the bits: add just under half of the last kept place, and
  // a bit more if that place is odd. A NaN could overflow into the sign.
  int64_t size = cast<VectorType>(vector.getType()).getNumElements();
  auto words = VectorType::get(size, getI32Type());
  auto splat = [&](int64_t value) -> Value {
    return vector::BroadcastOp::create(*this, words, i32(value));
  };
  Value bits = bitcast(vector, words);
  Value last = arith::AndIOp::create(
      *this, arith::ShRUIOp::create(*this, bits, splat(16)), splat(1));
  Value half = arith::AddIOp::create(*this, last, splat(0x7fff));
  Value rounded = arith::AddIOp::create(*this, bits, half);
  return truncate(bitcast(rounded, cast<VectorType>(vector.getType())),
                  element);
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value Leaf::bitcast(Value vector, VectorType type) {
  if (vector.getType() == type)
    return vector;
  return vector::BitCastOp::create(*this, type, vector);
}

Value Leaf::slice(Value vector, int64_t offset, int64_t size) {
  SmallVector<int64_t> elements =
      llvm::to_vector(llvm::seq(offset, offset + size));
  return vector::ShuffleOp::create(*this, vector, vector, elements);
}

Value Leaf::shuffle(Value a, Value b, ArrayRef<int64_t> elements) {
  return vector::ShuffleOp::create(*this, a, b, elements);
}

Value Leaf::concat(Value a, Value b) {
  int64_t size = cast<VectorType>(a.getType()).getNumElements();
  return shuffle(a, b, llvm::to_vector(llvm::seq<int64_t>(0, 2 * size)));
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

Value Leaf::makeResource(Value pointer, Value bytes) {
  // Word 3 of a raw buffer on gfx9: 32-bit untyped data (CDNA3 ISA, table 37:
  // DATA_FORMAT = 32, NUM_FORMAT = float).
  Value flags = i32(0x27000);
  Value stride = arith::ConstantIntOp::create(*this, getI16Type(), 0);
  return ROCDL::MakeBufferRsrcOp::create(
      *this, LLVM::LLVMPointerType::get(getContext(), 8), pointer, stride,
      bytes, flags);
}

Value Leaf::ifInside(Value offset, Value column, int64_t columns) {
  Value inside = arith::CmpIOp::create(*this, arith::CmpIPredicate::ult, column,
                                       i32(columns));
  Value beyond = i32(static_cast<int32_t>(beyondViews));
  return arith::SelectOp::create(*this, inside, offset, beyond);
}

Value Leaf::load(Type type, Buffer buffer, Value offset, Value uniform) {
  return ROCDL::RawPtrBufferLoadOp::create(
      *this, type, buffer.resource, offset, uniform, /*aux=*/i32(0),
      /*alias_scopes=*/ArrayAttr(), /*noalias_scopes=*/ArrayAttr(),
      /*tbaa=*/ArrayAttr());
}

void Leaf::store(Value value, Buffer buffer, Value offset) {
  ROCDL::RawPtrBufferStoreOp::create(*this, value, buffer.resource, offset,
                                     /*soffset=*/i32(0), /*aux=*/i32(0),
                                     ArrayAttr(), ArrayAttr(), ArrayAttr());
}

void Leaf::copyToLds(Buffer buffer, Value offset, Value uniform, Value lds) {
  ROCDL::RawPtrBufferLoadLdsOp::create(
      *this, buffer.resource, lds, /*size=*/i32(16), offset, uniform,
      /*offset=*/i32(0), /*aux=*/i32(0), ArrayAttr(), ArrayAttr(), ArrayAttr());
}

//===----------------------------------------------------------------------===//
// LDS
//===----------------------------------------------------------------------===//

Value Leaf::ldsAddress(Value slot, Value bytes) {
  return LLVM::GEPOp::create(*this, slot.getType(), getI8Type(), slot,
                             ArrayRef<LLVM::GEPArg>{bytes},
                             LLVM::GEPNoWrapFlags::inbounds);
}

Value Leaf::ldsAddress(Value address, int64_t bytes) {
  return LLVM::GEPOp::create(
      *this, address.getType(), getI8Type(), address,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(bytes)},
      LLVM::GEPNoWrapFlags::inbounds);
}

/// Of what is read or written whole.
static unsigned ldsAlignment(Type type) {
  auto vector = cast<VectorType>(type);
  unsigned bytes =
      vector.getNumElements() * vector.getElementTypeBitWidth() / 8;
  return std::min(bytes, 16u);
}

Value Leaf::ldsRead(VectorType type, Value address) {
  return LLVM::LoadOp::create(*this, type, address, ldsAlignment(type));
}

void Leaf::ldsWrite(Value value, Value address) {
  LLVM::StoreOp::create(*this, value, address, ldsAlignment(value.getType()));
}

Value Leaf::ldsReadTransposed(VectorType type, Value address) {
  return ROCDL::ds_read_tr16_b64::create(*this, type, address);
}

void Leaf::fenceSchedule() {
  // Only vector and scalar arithmetic (bits 1 and 2 of the mask of
  // llvm.amdgcn.sched.barrier) may cross.
  ROCDL::SchedBarrier::create(*this, 0x0006);
}

void Leaf::closeSchedule() { ROCDL::SchedBarrier::create(*this, 0); }

Value Leaf::anchor(Value value) {
  return LLVM::InlineAsmOp::create(
             *this, value.getType(), ValueRange(value), /*asm_string=*/"",
             /*constraints=*/"=v,0", /*has_side_effects=*/true,
             /*is_align_stack=*/false, LLVM::TailCallKind::None,
             LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

void Leaf::sync() {
  // gfx9's s_waitcnt: vmcnt(0) lgkmcnt(0), expcnt not waited for.
  ROCDL::SWaitcntOp::create(*this, 0x0070);
  gpu::BarrierOp::create(*this);
}

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

Value Leaf::mma(Value a, Value b, Value acc) {
  bool bf16 = cast<VectorType>(a.getType()).getElementType().isBF16();
  Value zero = i32(0); // cbsz, abid, blgp: no broadcast, no lane permutation
  if (cast<VectorType>(a.getType()).getElementType().isF32()) {
    // Eight products of depth 2, one element of each half-wave.
    for (int64_t i = 0; i < 8; ++i) {
      SmallVector<Value> operands{vector::ExtractOp::create(*this, a, i),
                                  vector::ExtractOp::create(*this, b, i),
                                  acc,
                                  zero,
                                  zero,
                                  zero};
      acc = ROCDL::mfma_f32_32x32x2f32::create(*this, acc.getType(), operands);
    }
    return acc;
  }
  if (chip.mfmaK == 16) {
    SmallVector<Value> operands{a, b, acc, zero, zero, zero};
    if (bf16)
      return ROCDL::mfma_f32_32x32x16_bf16::create(*this, acc.getType(),
                                                   operands);
    return ROCDL::mfma_f32_32x32x16_f16::create(*this, acc.getType(), operands);
  }
  // Two products of depth 8. Each takes 4 of a lane's 8 elements; A and B agree
  // on which, so the order of k inside the block does not matter.
  auto i16x4 = VectorType::get(4, getI16Type());
  for (int64_t half : {0, 1}) {
    Value pa = slice(a, 4 * half, 4), pb = slice(b, 4 * half, 4);
    if (bf16) {
      SmallVector<Value> operands{
          bitcast(pa, i16x4), bitcast(pb, i16x4), acc, zero, zero, zero};
      acc = ROCDL::mfma_f32_32x32x8bf16_1k::create(*this, acc.getType(),
                                                   operands);
    } else {
      SmallVector<Value> operands{pa, pb, acc, zero, zero, zero};
      acc = ROCDL::mfma_f32_32x32x8f16::create(*this, acc.getType(), operands);
    }
  }
  return acc;
}
