// RUN: flydsl-opt %s --attn-to-tile="chip=gfx950 schedule=dual_wave" -o %t.mlir
// RUN: flydsl-opt %t.mlir --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax,loop-invariant-code-motion,attn-form-clusters{chip=gfx950}))" | FileCheck %s
// RUN: flydsl-opt %t.mlir --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax,loop-invariant-code-motion,attn-form-clusters{chip=gfx950},attn-rotate))" | FileCheck %s --check-prefix=ROTATED
// RUN: flydsl-opt %s --attn-to-schedule=chip=gfx950 | FileCheck %s --check-prefix=GENERIC
// RUN: not flydsl-opt %t.mlir --pass-pipeline="builtin.module(gpu.module(loop-invariant-code-motion,attn-form-clusters{chip=gfx950}))" 2>&1 | FileCheck %s --check-prefix=EARLY
// RUN: not flydsl-opt %t.mlir --pass-pipeline="builtin.module(gpu.module(attn-form-clusters{chip=gfx90a}))" 2>&1 | FileCheck %s --check-prefix=CHIP

// EARLY: error: 'attn.softmax_step' op has no place in the schedule
// CHIP: error: unknown chip 'gfx90a'; supported: gfx942, gfx950
// GENERIC-NOT: attn.pipeline

// Q goes through LDS once, before the loops.
// CHECK: attn.pipeline groups = 2 lag = 1 interval = 4
// CHECK: attn.cluster memory at -6
// CHECK-NEXT: attn.fetch {{.*}}!attn.slot<256x128xbf16, rows>
// CHECK: attn.cluster memory at -6
// CHECK-NEXT: attn.land {{.*}}!attn.slot<256x128xbf16, rows>
// CHECK: attn.cluster memory at -2
// CHECK-NEXT: attn.read {{.*}}-> !attn.tile<128x32xbf16, mfma_b>
// CHECK: attn.cluster compute at -1
// CHECK-NEXT: attn.flip_sign

// The range without a mask: a tile's parts in the order of its time.
// CHECK: scf.for
// CHECK: attn.cycle_slots
// CHECK: attn.cycle_slots
// CHECK-NOT: attn.mask
// CHECK: memory at -6
// CHECK-NEXT: attn.fetch {{.*}}!attn.slot<64x128xbf16, rows>
// CHECK: memory at -2
// CHECK-NEXT: attn.land
// CHECK: memory at 0
// CHECK-NEXT: attn.read
// CHECK-NEXT: attn.fetch {{.*}}!attn.slot<64x128xbf16, transposed>
// CHECK: compute at 1
// CHECK-NEXT: attn.mma
// CHECK: memory at 2 {
// CHECK-NEXT: }
// CHECK: compute at 3
// CHECK-NEXT: attn.raise_max
// CHECK-NEXT: attn.shift_scores
// CHECK-NEXT: %[[HEAD:.*]] = attn.exp2 %{{.*}}[0 to [[SPLIT:[0-9]+]]]
// CHECK-NEXT: attn.rescale
// CHECK: memory at 4
// CHECK-NEXT: attn.land
// CHECK: compute at 5
// CHECK-NEXT: attn.exp2 %{{.*}}{{\[}}[[SPLIT]] to 32]
// CHECK-NEXT: attn.sum_rows
// CHECK-NEXT: attn.pack
// CHECK: memory at 6
// CHECK-NEXT: attn.read
// CHECK: compute at 7
// CHECK-NEXT: attn.mma

// The range with one.
// CHECK: scf.for
// CHECK: memory at 2
// CHECK-NEXT: attn.mask
// CHECK: attn.yield
// O leaves through a slot of Q's kind.
// CHECK: attn.store {{.*}} through {{.*}}!attn.slot<256x128xbf16, rows>

// Rotated, the steady loop of full tiles masks nothing, nor does the prologue:
// a mask stands in the other loop's two tiles and in the one that may be left.
// The tile before the first has no scores, and its V is outside of the view.
// ROTATED: attn.pipeline groups = 2 lag = 1 ->
// ROTATED-NOT: attn.mask
// ROTATED: attn.cluster memory
// ROTATED: %[[BEFORE:.*]] = arith.muli %c64{{.*}}, %c-1
// ROTATED: attn.fetch %{{.*}}[%[[BEFORE]]] into {{.*}}transposed
// ROTATED: attn.cluster compute
// ROTATED: attn.exp2 %{{.*}}[0 to
// ROTATED: scf.for
// ROTATED-NOT: attn.mask
// ROTATED: scf.yield
// ROTATED: scf.for
// ROTATED-COUNT-2: attn.mask
// ROTATED: scf.yield
// ROTATED: scf.if
// ROTATED: attn.mask
// ROTATED-NOT: attn.mask
func.func @forward(%q: memref<1x512x8x128xbf16>, %k: memref<1x512x8x128xbf16>, %v: memref<1x512x8x128xbf16>, %o: memref<1x512x8x128xbf16>) {
  attn.forward ins(%q, %k, %v : memref<1x512x8x128xbf16>, memref<1x512x8x128xbf16>, memref<1x512x8x128xbf16>)
               outs(%o : memref<1x512x8x128xbf16>)
  return
}
