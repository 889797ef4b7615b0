//===- BufferizableOpInterfaceImpl.cpp - attn.forward to memrefs ----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Dialect/Attn/IR/Attn.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace {
/// The operators write where their destinations live and read the rest.
template <typename OpT>
struct OperatorInterface
    : DstBufferizableOpInterfaceExternalModel<OperatorInterface<OpT>, OpT> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return cast<OpT>(op).isDpsInput(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    SmallVector<Value> buffers;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        buffers.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer =
          bufferization::getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      buffers.push_back(*buffer);
    }
    rewriter.setInsertionPoint(op);
    auto onBuffers = OpT::create(rewriter, op->getLoc(), TypeRange(), buffers,
                                 op->getAttrs());
    for (auto [from, to] : llvm::zip(op->getRegions(), onBuffers->getRegions()))
      to.takeBody(from);
    size_t numInputs = cast<OpT>(op).getNumDpsInputs();
    replaceOpWithBufferizedValues(
        rewriter, op, ArrayRef<Value>(buffers).drop_front(numInputs));
    return success();
  }
};
} // namespace

void attn::registerBufferizableOpInterfaceModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, attn::AttnDialect *) {
    attn::ForwardOp::attachInterface<OperatorInterface<attn::ForwardOp>>(
        *context);
    attn::CombineOp::attachInterface<OperatorInterface<attn::CombineOp>>(
        *context);
  });
}
