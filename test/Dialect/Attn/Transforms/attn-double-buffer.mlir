// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-double-buffer,canonicalize,cse))" | FileCheck %s

gpu.module @kernels {
  // Both loads at the counter are staged; a load elsewhere stays.
  // CHECK-LABEL: gpu.func @two_loads
  // CHECK-SAME: %[[K:[a-z0-9]+]]: !attn.view<?x128xbf16>, %[[V:[a-z0-9]+]]: !attn.view<?x128xbf16>, %[[Q:[a-z0-9]+]]: !attn.view<?x128xbf16>, %[[END:[a-z0-9]+]]: i32
  gpu.func @two_loads(%kv: !attn.view<?x128xbf16>, %vv: !attn.view<?x128xbf16>, %qv: !attn.view<?x128xbf16>,
                      %end: i32, %o0: !attn.tile<128x32xf32, mfma_c>, %p: !attn.tile<64x32xbf16, mfma_b>,
                      %ov: !attn.view<?x128xbf16>, %zero: !attn.tile<64x32xf32, mfma_c>,
                      %sv: !attn.view<?x64xf16>) {
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %q = attn.load %qv[%c0] transposed : !attn.view<?x128xbf16> -> !attn.tile<128x32xbf16, mfma_b>
    // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
    // CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
    // CHECK-DAG: %[[C128:.*]] = arith.constant 128 : i32
    // CHECK: attn.load %[[Q]][%[[C0]]] transposed
    // CHECK: %[[K0:.*]] = attn.alloc_slot "tile0_slot0" : !attn.slot<64x128xbf16, rows>
    // CHECK: %[[K1:.*]] = attn.alloc_slot "tile0_slot1" : !attn.slot<64x128xbf16, rows>
    // CHECK: %[[V0:.*]] = attn.alloc_slot "tile1_slot0" : !attn.slot<64x128xbf16, transposed>
    // CHECK: %[[V1:.*]] = attn.alloc_slot "tile1_slot1" : !attn.slot<64x128xbf16, transposed>
    // CHECK: %[[FK:.*]] = attn.fetch %[[K]][%[[C0]]] into %[[K0]]
    // CHECK: %[[FV:.*]] = attn.fetch %[[V]][%[[C0]]] into %[[V0]]
    // CHECK: attn.land %[[FK]] into %[[K0]]
    // CHECK: attn.land %[[FV]] into %[[V0]]
    // CHECK: attn.sync
    // CHECK: scf.for %[[T:.*]] = %[[C0]] to %[[END]] step %[[C128]]
    // CHECK:   %[[T1:.*]] = arith.addi %[[T]], %[[C64]] : i32
    // CHECK:   %[[FK1:.*]] = attn.fetch %[[K]][%[[T1]]] into %[[K1]]
    // CHECK:   %[[FV1:.*]] = attn.fetch %[[V]][%[[T1]]] into %[[V1]]
    // CHECK:   attn.read %[[K0]]
    // CHECK:   attn.read %[[V0]]
    // CHECK:   attn.land %[[FK1]] into %[[K1]]
    // CHECK:   attn.land %[[FV1]] into %[[V1]]
    // CHECK:   attn.sync
    // CHECK:   %[[T2:.*]] = arith.addi %[[T]], %[[C128]] : i32
    // CHECK:   %[[FK2:.*]] = attn.fetch %[[K]][%[[T2]]] into %[[K0]]
    // CHECK:   %[[FV2:.*]] = attn.fetch %[[V]][%[[T2]]] into %[[V0]]
    // CHECK:   attn.read %[[K1]]
    // CHECK:   attn.read %[[V1]]
    // CHECK:   attn.land %[[FK2]] into %[[K0]]
    // CHECK:   attn.land %[[FV2]] into %[[V0]]
    // CHECK:   attn.sync
    // CHECK:   scf.yield
    %r = scf.for %t = %c0 to %end step %c64 iter_args(%o = %o0) -> (!attn.tile<128x32xf32, mfma_c>) : i32 {
      %k = attn.load %kv[%t] : !attn.view<?x128xbf16> -> !attn.tile<64x128xbf16, mfma_a>
      %s = attn.mma %k, %q, %zero : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
      attn.store %s, %sv[%t] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xf16>
      %v = attn.load %vv[%t] transposed : !attn.view<?x128xbf16> -> !attn.tile<128x64xbf16, mfma_a>
      %o1 = attn.mma %v, %p, %o : !attn.tile<128x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<128x32xf32, mfma_c>
      scf.yield %o1 : !attn.tile<128x32xf32, mfma_c>
    }
    // CHECK-NOT: attn.load
    attn.store %r, %ov[%c0] : !attn.tile<128x32xf32, mfma_c>, !attn.view<?x128xbf16>
    gpu.return
  }

  // A chain of loops is one stream: a prologue before the first alone. The loop
  // without a mask takes pairs of whole tiles, and the next one goes on from
  // there, in slot 0 again.
  // CHECK-LABEL: gpu.func @chain
  // CHECK-SAME: %[[K:[a-z0-9]+]]: !attn.view<?x128xbf16>, %{{.*}}, %{{.*}}, %[[LO:[a-z0-9]+]]: i32, %[[FULL:[a-z0-9]+]]: i32, %[[END:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C128:.*]] = arith.constant 128 : i32
  // CHECK: %[[K0:.*]] = attn.alloc_slot "tile0_slot0"
  // CHECK: %[[K1:.*]] = attn.alloc_slot "tile0_slot1"
  // CHECK-NOT: attn.alloc_slot
  // CHECK: attn.fetch %[[K]][%[[LO]]] into %[[K0]]
  // CHECK-NOT: attn.fetch
  // CHECK: %[[DIFF:.*]] = arith.subi %[[FULL]], %[[LO]] : i32
  // CHECK: %[[SPAN:.*]] = arith.maxsi %[[DIFF]], %[[C0]] : i32
  // CHECK: %[[PART:.*]] = arith.remui %[[SPAN]], %[[C128]] : i32
  // CHECK: %[[PAIRS:.*]] = arith.subi %[[SPAN]], %[[PART]] : i32
  // CHECK: %[[MID:.*]] = arith.addi %[[LO]], %[[PAIRS]] : i32
  // CHECK: %[[A:.*]] = scf.for %{{.*}} = %[[LO]] to %[[MID]] step %[[C128]]
  // CHECK:   attn.fetch %{{.*}} into %[[K1]]
  // CHECK:   attn.read %[[K0]]
  // CHECK:   attn.fetch %{{.*}} into %[[K0]]
  // CHECK:   attn.read %[[K1]]
  // CHECK: }
  // CHECK-NOT: attn.fetch
  // CHECK: scf.for %[[T:.*]] = %[[MID]] to %[[END]] step %[[C128]] iter_args(%{{.*}} = %[[A]])
  // CHECK:   attn.fetch %{{.*}} into %[[K1]]
  // CHECK:   attn.read %[[K0]]
  // CHECK:   attn.mask %{{.*}} kv %[[T]]
  gpu.func @chain(%kv: !attn.view<?x128xbf16>, %q: !attn.tile<128x32xbf16, mfma_b>, %x: !attn.tile<64x32xf32, mfma_c>,
                  %lo: i32, %full: i32, %end: i32, %out: !attn.view<?x64xf16>) {
    %c64 = arith.constant 64 : i32
    %a = scf.for %t = %lo to %full step %c64 iter_args(%c = %x) -> (!attn.tile<64x32xf32, mfma_c>) : i32 {
      %k = attn.load %kv[%t] : !attn.view<?x128xbf16> -> !attn.tile<64x128xbf16, mfma_a>
      %s = attn.mma %k, %q, %c : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
      scf.yield %s : !attn.tile<64x32xf32, mfma_c>
    }
    %b = scf.for %t = %full to %end step %c64 iter_args(%c = %a) -> (!attn.tile<64x32xf32, mfma_c>) : i32 {
      %k = attn.load %kv[%t] : !attn.view<?x128xbf16> -> !attn.tile<64x128xbf16, mfma_a>
      %s = attn.mma %k, %q, %c : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
      %m = attn.mask %s kv %t q %t limit %end : !attn.tile<64x32xf32, mfma_c>
      scf.yield %m : !attn.tile<64x32xf32, mfma_c>
    }
    attn.store %b, %out[%lo] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xf16>
    gpu.return
  }

  // A masked loop that is not the last takes whole pairs as well, rounded up:
  // the tile too many belongs to the next range, where a mask does no harm. A
  // gap between the loops starts another stream.
  // CHECK-LABEL: gpu.func @masked_first
  // CHECK-SAME: %[[LO:[a-z0-9]+]]: i32, %[[MID:[a-z0-9]+]]: i32, %[[END:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C127:.*]] = arith.constant 127 : i32
  // CHECK-DAG: %[[C128:.*]] = arith.constant 128 : i32
  // CHECK: %[[DIFF:.*]] = arith.subi %[[MID]], %[[LO]] : i32
  // CHECK: %[[SPAN:.*]] = arith.maxsi %[[DIFF]], %[[C0]] : i32
  // CHECK: %[[UP:.*]] = arith.addi %[[SPAN]], %[[C127]] : i32
  // CHECK: %[[PART:.*]] = arith.remui %[[UP]], %[[C128]] : i32
  // CHECK: %[[PAIRS:.*]] = arith.subi %[[UP]], %[[PART]] : i32
  // CHECK: %[[NEXT:.*]] = arith.addi %[[LO]], %[[PAIRS]] : i32
  // CHECK: scf.for %{{.*}} = %[[LO]] to %[[NEXT]] step %[[C128]]
  // CHECK: scf.for %{{.*}} = %[[NEXT]] to %[[END]] step %[[C128]]
  // CHECK: attn.alloc_slot
  // CHECK: scf.for %{{.*}} = %[[LO]] to %[[END]] step %[[C128]]
  gpu.func @masked_first(%kv: !attn.view<?x128xbf16>, %q: !attn.tile<128x32xbf16, mfma_b>, %x: !attn.tile<64x32xf32, mfma_c>,
                         %lo: i32, %mid: i32, %end: i32, %out: !attn.view<?x64xf16>) {
    %c64 = arith.constant 64 : i32
    %a = scf.for %t = %lo to %mid step %c64 iter_args(%c = %x) -> (!attn.tile<64x32xf32, mfma_c>) : i32 {
      %k = attn.load %kv[%t] : !attn.view<?x128xbf16> -> !attn.tile<64x128xbf16, mfma_a>
      %s = attn.mma %k, %q, %c : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
      %m = attn.mask %s kv %t q %t limit %end : !attn.tile<64x32xf32, mfma_c>
      scf.yield %m : !attn.tile<64x32xf32, mfma_c>
    }
    %b = scf.for %t = %mid to %end step %c64 iter_args(%c = %a) -> (!attn.tile<64x32xf32, mfma_c>) : i32 {
      %k = attn.load %kv[%t] : !attn.view<?x128xbf16> -> !attn.tile<64x128xbf16, mfma_a>
      %s = attn.mma %k, %q, %c : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
      scf.yield %s : !attn.tile<64x32xf32, mfma_c>
    }
    %d = scf.for %t = %lo to %end step %c64 iter_args(%c = %b) -> (!attn.tile<64x32xf32, mfma_c>) : i32 {
      %k = attn.load %kv[%t] : !attn.view<?x128xbf16> -> !attn.tile<64x128xbf16, mfma_a>
      %s = attn.mma %k, %q, %c : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
      scf.yield %s : !attn.tile<64x32xf32, mfma_c>
    }
    attn.store %d, %out[%lo] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xf16>
    gpu.return
  }

  // A loop that loads nothing at its counter is left alone.
  // CHECK-LABEL: gpu.func @untouched
  gpu.func @untouched(%v: !attn.view<?x128xbf16>, %end: i32, %out: memref<1xi32>) {
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    // CHECK-NOT: attn.alloc_slot
    // CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} : i32
    // CHECK-NEXT: memref.store
    // CHECK-NEXT: }
    %i = arith.constant 0 : index
    scf.for %t = %c0 to %end step %c64 : i32 {
      memref.store %t, %out[%i] : memref<1xi32>
    }
    gpu.return
  }
}
