// RUN: flydsl-opt %s --attn-split-kv -split-input-file | FileCheck %s

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2, splits = 4>
!q = memref<?x?x8x128xbf16, strided<[?, ?, ?, 1], offset: ?>>
!packed = memref<?x8x128xbf16>

// CHECK-LABEL: func @dense
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref{{.*}}, %[[O:[a-z0-9]+]]: memref{{.*}}, %[[LSE:[a-z0-9]+]]: memref
func.func @dense(%q: !q, %o: !q, %lse: memref<?x8x?xf32>) {
  // CHECK: %[[B:.*]] = memref.dim %[[Q]], %c0
  // CHECK: %[[S:.*]] = memref.dim %[[Q]], %c1
  // CHECK: %[[PARTS:.*]] = gpu.alloc {{.*}}(%[[B]], %[[S]]) : memref<4x?x8x?x128xf32>
  // CHECK: %[[MAX:.*]] = gpu.alloc {{.*}} : memref<4x?x8x?xf32>
  // CHECK: %[[SUM:.*]] = gpu.alloc {{.*}} : memref<4x?x8x?xf32>
  // CHECK: attn.forward ins(%[[Q]], %[[Q]], %[[Q]] : {{.*}}) outs(%[[PARTS]], %[[MAX]], %[[SUM]] : {{.*}}) {config = #attn.config<{{.*}}, splits = 4>, mask = #attn.causal<bottom_right>}
  // CHECK: attn.combine ins(%[[PARTS]], %[[MAX]], %[[SUM]] : {{.*}}) outs(%[[O]], %[[LSE]] : {{.*}})
  // CHECK: gpu.dealloc %[[PARTS]]
  // CHECK: gpu.dealloc %[[MAX]]
  // CHECK: gpu.dealloc %[[SUM]]
  attn.forward ins(%q, %q, %q : !q, !q, !q) outs(%o, %lse : !q, memref<?x8x?xf32>)
    {config = #config, mask = #attn.causal<bottom_right>}
  return
}

// CHECK-LABEL: func @packed
func.func @packed(%q: !packed, %cu: memref<?xi32>, %max: index) {
  // CHECK: gpu.alloc {{.*}} : memref<4x8x?x128xf32>
  // CHECK: gpu.alloc {{.*}} : memref<4x8x?xf32>
  // CHECK: attn.forward {{.*}} seqlens
  // CHECK: attn.combine {{.*}} outs(%{{.*}} : memref<?x8x128xbf16>)
  attn.forward ins(%q, %q, %q : !packed, !packed, !packed) seqlens(%cu, %cu max %max : memref<?xi32>, memref<?xi32>)
    outs(%q : !packed) {config = #config}
  return
}

// The layout is O's; the parts have one order.
// CHECK-LABEL: func @bhsd
func.func @bhsd(%q: memref<2x8x300x64xf16>) {
  // CHECK: gpu.alloc {{.*}} : memref<4x2x8x300x64xf32>
  // CHECK: attn.combine {{.*}} outs(%{{.*}} : memref<2x8x300x64xf16>) {layout = #attn.layout<bhsd>}
  attn.forward ins(%q, %q, %q : memref<2x8x300x64xf16>, memref<2x8x300x64xf16>, memref<2x8x300x64xf16>)
    outs(%q : memref<2x8x300x64xf16>) {config = #config, layout = #attn.layout<bhsd>}
  return
}

// One part is the whole.
// CHECK-LABEL: func @whole
func.func @whole(%q: memref<2x8x300x64xf16>) {
  // CHECK-NOT: gpu.alloc
  // CHECK: attn.forward
  // CHECK-NOT: attn.combine
  attn.forward ins(%q, %q, %q : memref<2x8x300x64xf16>, memref<2x8x300x64xf16>, memref<2x8x300x64xf16>)
    outs(%q : memref<2x8x300x64xf16>)
    {config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>}
  return
}

// -----

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2, splits = 4>
!q = memref<?x?x8x128xbf16, strided<[?, ?, ?, 1], offset: ?>>

// Parts have modified scores, but the sink counts once.
// CHECK-LABEL: func @score_mod_and_sink
// CHECK-SAME: %[[SINK:[a-z0-9]+]]: memref<8xf32>
// CHECK: attn.forward
// CHECK-NOT: sink
// CHECK: score_mod {
// CHECK: attn.combine {{.*}} sink(%[[SINK]] : memref<8xf32>) outs
func.func @score_mod_and_sink(%q: !q, %sink: memref<8xf32>) {
  attn.forward ins(%q, %q, %q : !q, !q, !q) sink(%sink : memref<8xf32>) outs(%q : !q) {config = #config} score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
    %x = arith.negf %s : f32
    attn.yield %x : f32
  }
  return
}
