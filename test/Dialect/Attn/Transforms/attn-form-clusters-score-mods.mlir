// Modified scores stand with the mask in a memory cluster. Before rotation each
// range has the limit, as they must be alike; behind it, no range without a
// mask.
// RUN: flydsl-opt %s --attn-to-tile="chip=gfx950 schedule=dual_wave" | flydsl-opt --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax,loop-invariant-code-motion,attn-form-clusters{chip=gfx950}))" | FileCheck %s
// RUN: flydsl-opt %s --attn-to-tile="chip=gfx942 schedule=dual_wave" | flydsl-opt --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax,loop-invariant-code-motion,attn-form-clusters{chip=gfx942},attn-rotate,canonicalize,cse))" | FileCheck %s --check-prefix=ROTATED

// The first range needs no mask, the second does.
// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_causal_score_mod
// CHECK: scf.for
// CHECK: attn.cluster memory at 2
// CHECK-NEXT: attn.modify_scores {{.*}} limit %
// CHECK-NOT: attn.mask
// CHECK: attn.cluster compute at 3
// CHECK: scf.for
// CHECK: attn.cluster memory at 2
// CHECK-NEXT: %[[M:.*]] = attn.modify_scores {{.*}} limit %
// CHECK: attn.mask %[[M]]

// ROTATED: scf.for
// ROTATED-NOT: attn.mask
// ROTATED: attn.modify_scores {{.*}} rows %{{[a-z0-9]+}} batch
// ROTATED-NOT: limit %
// ROTATED: scf.for
// ROTATED: attn.modify_scores {{.*}} limit %
// ROTATED: attn.mask
func.func @softcap(%q: memref<1x?x8x128xbf16>, %o: memref<1x?x8x128xbf16>, %c: f32) {
  attn.forward ins(%q, %q, %q : memref<1x?x8x128xbf16>, memref<1x?x8x128xbf16>, memref<1x?x8x128xbf16>)
    softcap(%c) outs(%o : memref<1x?x8x128xbf16>) {mask = #attn.causal<bottom_right>}
  return
}
