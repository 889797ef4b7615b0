// RUN: flydsl-opt %s --attn-to-tile="chip=gfx950 schedule=dual_wave" -o %t.mlir
// RUN: flydsl-opt %t.mlir --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax,loop-invariant-code-motion,attn-form-clusters{chip=gfx950}))" | FileCheck %s

// 64 rows of K are read in two halves of 32, a compute cluster each.
!q = memref<?x?x?x192xbf16, strided<[?, ?, ?, 1], offset: ?>>
!v = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1], offset: ?>>
!v192 = memref<?x?x?x192xbf16, strided<[?, ?, ?, 1], offset: ?>>

// CHECK-LABEL: gpu.func @attn_fwd_bf16_d192x128
// CHECK: attn.pipeline groups = 2 lag = 1 interval = 6
// CHECK: scf.for
// CHECK: attn.cluster {{ *}}memory at -8
// CHECK-NEXT: attn.fetch {{.*}} !attn.slot<64x192xbf16, rows>
// CHECK: attn.cluster {{ *}}memory at 0
// CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0 : i32
// CHECK-NEXT: attn.read %[[K:.*]][%[[ZERO]]] : !attn.slot<64x192xbf16, rows> -> !attn.tile<32x192xbf16, mfma_a>
// CHECK-NEXT: attn.fetch {{.*}} !attn.slot<64x128xbf16, transposed>
// CHECK: attn.cluster {{ *}}compute at 1
// CHECK: attn.mma {{.*}} !attn.tile<32x32xf32, mfma_c>
// CHECK: attn.cluster {{ *}}memory at 2
// CHECK-NEXT: %[[HALF:.*]] = arith.constant 32 : i32
// CHECK-NEXT: attn.read %[[K]][%[[HALF]]]
// CHECK: attn.cluster {{ *}}compute at 3
// CHECK: attn.mma {{.*}} !attn.tile<32x32xf32, mfma_c>
// CHECK-NEXT: attn.concat {{.*}} -> !attn.tile<64x32xf32, mfma_c>
func.func @halves(%q: !q, %k: !q, %v: !v, %o: !v) {
  attn.forward ins(%q, %k, %v : !q, !q, !v) outs(%o : !v)
  return
}

// With as much of V there are registers for 32 rows.
// CHECK-LABEL: gpu.func @attn_fwd_bf16_d192
// CHECK: attn.pipeline groups = 2 lag = 1 interval = 4
// CHECK: attn.fetch {{.*}} !attn.slot<32x192xbf16, rows>
// CHECK: attn.read {{.*}} !attn.slot<32x192xbf16, rows> -> !attn.tile<32x192xbf16, mfma_a>
// CHECK-NOT: attn.concat
func.func @rows32(%q: !q, %k: !q, %v: !v192, %o: !v192) {
  attn.forward ins(%q, %k, %v : !q, !q, !v192) outs(%o : !v192)
  return
}
