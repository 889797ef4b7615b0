// RUN: flydsl-opt %s --attn-expand-score-mods -split-input-file | FileCheck %s

!q = memref<?x?x8x128xbf16, strided<[?, ?, ?, 1], offset: ?>>

// Softcap, bias, ALiBi, score_mod, mask_mod: in this order, whatever is said
// first; what the op had captured comes last.
// CHECK-LABEL: func @all
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<{{.*}}>, %[[K:[a-z0-9]+]]: memref<{{.*}}>, %[[CAP:[a-z0-9]+]]: f32, %[[BIAS:[a-z0-9]+]]: memref<?x1x?x?xbf16>, %[[SLOPES:[a-z0-9]+]]: memref<8xf32>, %[[SINK:[a-z0-9]+]]: memref<8xf32>, %[[N:[a-z0-9]+]]: i32
func.func @all(%q: !q, %k: !q, %cap: f32, %bias: memref<?x1x?x?xbf16>,
               %slopes: memref<8xf32>, %sink: memref<8xf32>, %n: i32) {
  // CHECK: %[[SKV:.*]] = memref.dim %[[K]], %c1
  // CHECK: %[[SQ:.*]] = memref.dim %[[Q]], %c1
  // CHECK: %[[D:.*]] = arith.subi %[[SKV]], %[[SQ]] : index
  // CHECK: %[[D32:.*]] = arith.index_cast %[[D]] : index to i32
  // CHECK: attn.forward
  // CHECK-SAME: sink(%[[SINK]] : memref<8xf32>)
  // CHECK-SAME: captures(%[[CAP]], %[[BIAS]], %[[SLOPES]], %[[D32]], %[[N]] : f32, memref<?x1x?x?xbf16>, memref<8xf32>, i32, i32)
  // CHECK-SAME: {mask = #attn.causal<bottom_right>} score_mod {
  // CHECK-NEXT: ^bb0(%[[S:.*]]: f32, %[[B:.*]]: index, %[[H:.*]]: index, %[[I:.*]]: index, %[[J:.*]]: index, %[[C:.*]]: f32, %[[M:.*]]: memref<?x1x?x?xbf16>, %[[SL:.*]]: memref<8xf32>, %[[DELTA:.*]]: i32, %[[COUNT:.*]]: i32):
  // CHECK: %[[INV:.*]] = arith.divf %{{.*}}, %[[C]] : f32
  // CHECK: %[[X:.*]] = arith.mulf %[[S]], %[[INV]] : f32
  // CHECK: %[[T:.*]] = math.tanh %[[X]] : f32
  // CHECK: %[[CAPPED:.*]] = arith.mulf %[[T]], %[[C]] : f32
  // CHECK: %[[C0:.*]] = arith.constant 0 : index
  // CHECK: %[[LOAD:.*]] = memref.load %[[M]][%[[B]], %[[C0]], %[[I]], %[[J]]]
  // CHECK: %[[WIDE:.*]] = arith.extf %[[LOAD]] : bf16 to f32
  // CHECK: %[[ADDED:.*]] = arith.addf %[[CAPPED]], %[[WIDE]] : f32
  // CHECK: %[[SLOPE:.*]] = memref.load %[[SL]][%[[H]]]
  // CHECK: %[[ROW:.*]] = arith.index_cast %[[I]] : index to i32
  // CHECK: %[[DIAGONAL:.*]] = arith.addi %[[ROW]], %[[DELTA]] : i32
  // CHECK: %[[COLUMN:.*]] = arith.index_cast %[[J]] : index to i32
  // CHECK: %[[STEPS:.*]] = arith.subi %[[DIAGONAL]], %[[COLUMN]] : i32
  // CHECK: %[[F:.*]] = arith.sitofp %[[STEPS]] : i32 to f32
  // CHECK: %[[DISTANCE:.*]] = math.absf %[[F]] : f32
  // CHECK: %[[PENALTY:.*]] = arith.mulf %[[SLOPE]], %[[DISTANCE]] : f32
  // CHECK: %[[BIASED:.*]] = arith.subf %[[ADDED]], %[[PENALTY]] : f32
  // CHECK: %[[OWN:.*]] = arith.negf %[[BIASED]] : f32
  // CHECK: %[[END:.*]] = arith.index_cast %[[COUNT]] : i32 to index
  // CHECK: %[[SEEN:.*]] = arith.cmpi slt, %[[J]], %[[END]] : index
  // CHECK: %[[NONE:.*]] = arith.constant 0xFF800000 : f32
  // CHECK: %[[R:.*]] = arith.select %[[SEEN]], %[[OWN]], %[[NONE]] : f32
  // CHECK: attn.yield %[[R]] : f32
  // CHECK-NOT: mask_mod
  attn.forward ins(%q, %k, %k : !q, !q, !q) softcap(%cap)
      bias(%bias : memref<?x1x?x?xbf16>) alibi(%slopes : memref<8xf32>)
      sink(%sink : memref<8xf32>) captures(%n : i32) outs(%q : !q)
      {mask = #attn.causal<bottom_right>} score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %c: i32):
    %x = arith.negf %s : f32
    attn.yield %x : f32
  } mask_mod {
  ^bb0(%b: index, %h: index, %i: index, %j: index, %c: i32):
    %e = arith.index_cast %c : i32 to index
    %x = arith.cmpi slt, %j, %e : index
    attn.yield %x : i1
  }
  return
}

// -----

!packed = memref<?x8x128xf16>

// The lengths of packed sequences are read where they are.
// CHECK-LABEL: func @packed
// CHECK-SAME: %[[CUQ:[a-z0-9]+]]: memref<?xi32>, %[[CUKV:[a-z0-9]+]]: memref<?xi32>
// CHECK: attn.forward
// CHECK-SAME: captures(%{{.*}}, %[[CUQ]], %[[CUKV]] : memref<8xf32>, memref<?xi32>, memref<?xi32>)
// CHECK: ^bb0(%{{.*}}: f32, %[[B:.*]]: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: memref<8xf32>, %[[EQ:.*]]: memref<?xi32>, %[[EKV:.*]]: memref<?xi32>):
// CHECK: %[[NEXT:.*]] = arith.addi %[[B]], %{{.*}} : index
// CHECK: %[[Q0:.*]] = memref.load %[[EQ]][%[[B]]]
// CHECK: %[[Q1:.*]] = memref.load %[[EQ]][%[[NEXT]]]
// CHECK: %[[SQ:.*]] = arith.subi %[[Q1]], %[[Q0]]
// CHECK: %[[KV0:.*]] = memref.load %[[EKV]][%[[B]]]
// CHECK: %[[KV1:.*]] = memref.load %[[EKV]][%[[NEXT]]]
// CHECK: %[[SKV:.*]] = arith.subi %[[KV1]], %[[KV0]]
// CHECK: arith.subi %[[SKV]], %[[SQ]] : i32
func.func @packed(%q: !packed, %cuq: memref<?xi32>, %cukv: memref<?xi32>, %max: index, %slopes: memref<8xf32>) {
  attn.forward ins(%q, %q, %q : !packed, !packed, !packed)
      seqlens(%cuq, %cukv max %max : memref<?xi32>, memref<?xi32>)
      alibi(%slopes : memref<8xf32>) outs(%q : !packed)
  return
}

// -----

// A score_mod alone is what it shall be; a sink is no modification.
// CHECK-LABEL: func @score_mod
// CHECK: attn.forward {{.*}} sink(%{{.*}} : memref<8xf32>) outs({{.*}}) score_mod {
// CHECK-NEXT: ^bb0(%[[S:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index):
// CHECK-NEXT: attn.yield %[[S]] : f32
func.func @score_mod(%q: memref<2x64x8x128xbf16>, %sink: memref<8xf32>) {
  attn.forward ins(%q, %q, %q : memref<2x64x8x128xbf16>, memref<2x64x8x128xbf16>, memref<2x64x8x128xbf16>)
      sink(%sink : memref<8xf32>) outs(%q : memref<2x64x8x128xbf16>) score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
    attn.yield %s : f32
  }
  return
}
