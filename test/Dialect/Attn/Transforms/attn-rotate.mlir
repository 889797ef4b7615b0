// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-rotate,canonicalize,cse))" | FileCheck %s

!view = !attn.view<?x128xbf16>
!slot = !attn.slot<64x128xbf16, rows>
!inflight = !attn.inflight<64x128xbf16>
!k = !attn.tile<64x128xbf16, mfma_a>
!q = !attn.tile<128x32xbf16, mfma_b>
!acc = !attn.tile<64x32xf32, mfma_c>

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @sum_of_products
  // CHECK-SAME: %[[KV:[a-z0-9]+]]: {{.*}}, %[[Q:[a-z0-9]+]]: {{.*}}, %[[ZERO:[a-z0-9]+]]: {{.*}}, %[[LO:[a-z0-9]+]]: i32, %[[HI:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[K0:.*]] = attn.alloc_slot "k0"
  // CHECK-DAG: %[[K1:.*]] = attn.alloc_slot "k1"
  // CHECK: attn.pipeline groups = 2 lag = 1 ->

  // Prologue: the first fetch, and a cluster for the group that lags.
  // CHECK-NEXT: attn.cluster memory {
  // CHECK-NEXT:   attn.fetch %[[KV]][%[[LO]]] into %[[K0]]
  // CHECK-NEXT:   attn.land %{{.*}} into %[[K0]]
  // CHECK: attn.cluster compute {
  // CHECK-NEXT: }

  // Two tiles a turn; each slot is known, and fetches come first.
  // CHECK: %[[S:.*]] = scf.for %[[T:.*]] = %[[LO]] to %{{.*}} step %c128{{.*}} iter_args(%[[ACC:.*]] = %[[ZERO]])
  // CHECK:   attn.fetch {{.*}} into %[[K1]]
  // CHECK-NEXT: attn.read %[[K0]]
  // CHECK:   %[[S1:.*]] = attn.cluster compute ->
  // CHECK-NEXT: attn.mma %{{.*}}, %[[Q]], %[[ACC]]
  // CHECK:   attn.fetch {{.*}} into %[[K0]]
  // CHECK-NEXT: attn.read %[[K1]]
  // CHECK:   %[[S2:.*]] = attn.cluster compute ->
  // CHECK-NEXT: attn.mma %{{.*}}, %[[Q]], %[[S1]]
  // CHECK:   scf.yield %[[S2]]

  // The end, with one more tile or without.
  // CHECK: scf.if %{{.*}} -> (!attn.tile<64x32xf32, mfma_c>) {
  // CHECK:   attn.read %[[K0]]
  // CHECK:   attn.mma %{{.*}}, %[[Q]], %[[S]]
  // CHECK: } else {
  // CHECK-NEXT: scf.yield %[[S]]
  gpu.func @sum_of_products(%kv: !view, %q: !q, %zero: !acc, %lo: i32, %hi: i32, %out: !attn.view<?x64xf32>) {
    %c64 = arith.constant 64 : i32
    %k0 = attn.alloc_slot "k0" : !slot
    %k1 = attn.alloc_slot "k1" : !slot
    %r = attn.pipeline groups = 2 lag = 1 interval = 2 -> (!acc) {
      %sum = scf.for %t = %lo to %hi step %c64 iter_args(%acc = %zero) -> (!acc) : i32 {
        %slot = attn.cycle_slots %k0, %k1 : !slot, !slot
        attn.cluster memory at -2 {
          %f = attn.fetch %kv[%t] into %slot : !view, !slot -> !inflight
          attn.land %f into %slot : !inflight, !slot
        }
        %k = attn.cluster memory at 0 -> (!k) {
          %0 = attn.read %slot : !slot -> !k
          attn.yield %0 : !k
        }
        %s = attn.cluster compute at 1 -> (!acc) {
          %0 = attn.mma %k, %q, %acc : !k, !q, !acc
          attn.yield %0 : !acc
        }
        scf.yield %s : !acc
      }
      attn.yield %sum : !acc
    }
    attn.store %r, %out[%lo] : !acc, !attn.view<?x64xf32>
    gpu.return
  }
}
