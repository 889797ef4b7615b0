// RUN: flydsl-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" | FileCheck %s

// The destinations are written in place: no allocation, no copy.
// CHECK-LABEL: func @forward
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref{{.*}}, %[[K:[a-z0-9]+]]: memref{{.*}}, %[[V:[a-z0-9]+]]: memref{{.*}}, %[[O:[a-z0-9]+]]: memref{{.*}}, %[[LSE:[a-z0-9]+]]: memref
// CHECK-NOT: memref.alloc
// CHECK-NOT: memref.copy
// CHECK: attn.forward ins(%[[Q]], %[[K]], %[[V]] : {{.*}}) outs(%[[O]], %[[LSE]] : {{.*}}) {mask = #attn.causal<bottom_right>}
// CHECK: return
func.func @forward(%q: tensor<1x64x8x64xf16>, %k: tensor<1x32x8x64xf16>, %v: tensor<1x32x8x64xf16>,
                   %o: tensor<1x64x8x64xf16> {bufferization.writable = true},
                   %lse: tensor<1x8x64xf32> {bufferization.writable = true})
    -> (tensor<1x64x8x64xf16>, tensor<1x8x64xf32>) {
  %r:2 = attn.forward ins(%q, %k, %v : tensor<1x64x8x64xf16>, tensor<1x32x8x64xf16>, tensor<1x32x8x64xf16>)
                      outs(%o, %lse : tensor<1x64x8x64xf16>, tensor<1x8x64xf32>)
                      {mask = #attn.causal<bottom_right>} -> tensor<1x64x8x64xf16>, tensor<1x8x64xf32>
  return %r#0, %r#1 : tensor<1x64x8x64xf16>, tensor<1x8x64xf32>
}

// What modifies scores becomes a buffer as well; what regions capture is one.
// CHECK-LABEL: func @score_mods
// CHECK-NOT: memref.alloc
// CHECK: attn.forward {{.*}} bias(%{{.*}} : memref<1x1x64x64xf32>) sink(%{{.*}} : memref<8xf32>) captures(%{{.*}} : memref<?xi32>)
// CHECK-SAME: score_mod {
// CHECK: attn.yield %{{.*}} : f32
func.func @score_mods(%q: tensor<1x64x8x64xf16>, %o: tensor<1x64x8x64xf16> {bufferization.writable = true},
                      %bias: tensor<1x1x64x64xf32>, %sink: tensor<8xf32>, %ids: memref<?xi32>) -> tensor<1x64x8x64xf16> {
  %r = attn.forward ins(%q, %q, %q : tensor<1x64x8x64xf16>, tensor<1x64x8x64xf16>, tensor<1x64x8x64xf16>)
       bias(%bias : tensor<1x1x64x64xf32>) sink(%sink : tensor<8xf32>) captures(%ids : memref<?xi32>)
       outs(%o : tensor<1x64x8x64xf16>) -> tensor<1x64x8x64xf16> score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %d: memref<?xi32>):
    attn.yield %s : f32
  }
  return %r : tensor<1x64x8x64xf16>
}
