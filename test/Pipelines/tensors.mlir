// A program on tensors reaches a kernel through one-shot bufferization.
// RUN: flydsl-opt %s \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" \
// RUN:   --attn-to-llvm=chip=gfx942 | FileCheck %s

// CHECK-LABEL: func.func @forward
// CHECK-NOT: memref.alloc
// CHECK: gpu.launch_func @attn_fwd_f16_d128_module::@attn_fwd_f16_d128
// CHECK: llvm.func @attn_fwd_f16_d128
func.func @forward(%q: tensor<1x64x8x128xf16>, %k: tensor<1x32x8x128xf16>, %v: tensor<1x32x8x128xf16>,
                   %o: tensor<1x64x8x128xf16> {bufferization.writable = true}) -> tensor<1x64x8x128xf16> {
  %r = attn.forward ins(%q, %k, %v : tensor<1x64x8x128xf16>, tensor<1x32x8x128xf16>, tensor<1x32x8x128xf16>)
                    outs(%o : tensor<1x64x8x128xf16>) -> tensor<1x64x8x128xf16>
  return %r : tensor<1x64x8x128xf16>
}
