// RUN: flydsl-opt %s --attn-split-kv --attn-tile --canonicalize --cse | FileCheck %s

// The rows of one head may be anywhere; those of a group of heads may not.

#far = #attn.config<schedule = dual_wave, waves = 8, rows_per_wave = 32, kv_tile = 64, slots = 2, far = true>
#packed = #attn.config<schedule = generic, waves = 1, rows_per_wave = 32, kv_tile = 32, slots = 2, pack_gqa = true, far = true>
#split = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2, splits = 4, far = true>

func.func @operators(%q: memref<?x?x?x128xbf16>, %kv: memref<?x?x?x128xbf16>, %lse: memref<?x?x?xf32>) {
  attn.forward ins(%q, %kv, %kv : memref<?x?x?x128xbf16>, memref<?x?x?x128xbf16>, memref<?x?x?x128xbf16>)
    outs(%q, %lse : memref<?x?x?x128xbf16>, memref<?x?x?xf32>) {config = #far}
  attn.forward ins(%q, %kv, %kv : memref<?x?x?x128xbf16>, memref<?x?x?x128xbf16>, memref<?x?x?x128xbf16>)
    outs(%q : memref<?x?x?x128xbf16>) {config = #packed}
  attn.forward ins(%q, %kv, %kv : memref<?x?x?x128xbf16>, memref<?x?x?x128xbf16>, memref<?x?x?x128xbf16>)
    outs(%q : memref<?x?x?x128xbf16>) {config = #split}
  return
}

// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_far_lse
// CHECK-COUNT-3: attn.view {{.*}} : !attn.view<?x128xbf16, far>
// CHECK: attn.load {{.*}} : !attn.view<?x128xbf16, far>
// CHECK: scf.for
// CHECK-COUNT-2: attn.load {{.*}} : !attn.view<?x128xbf16, far>
// CHECK: attn.store {{.*}} !attn.view<?x128xbf16, far>
// CHECK: attn.store {{.*}} !attn.view<?x1xf32, far>

// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_gqa_far
// CHECK: attn.view {{.*}} : !attn.view<?x128xbf16, grouped>
// CHECK-COUNT-2: attn.view {{.*}} : !attn.view<?x128xbf16, far>
// CHECK: attn.store {{.*}} !attn.view<?x128xbf16, grouped>

// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_far_split
// CHECK-COUNT-3: attn.view {{.*}} : !attn.view<?x128xbf16, far>
// CHECK: attn.store {{.*}} !attn.view<?x128xf32, far>
// CHECK-LABEL: gpu.func @attn_combine_bf16_d128
// CHECK-NOT: far
