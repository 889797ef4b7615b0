// RUN: flydsl-opt %s --attn-split-kv --attn-tile --canonicalize --cse | FileCheck %s

#split = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2, splits = 4>
#packed = #attn.config<schedule = generic, waves = 1, rows_per_wave = 32, kv_tile = 32, slots = 2, pack_gqa = true>

// CHECK-LABEL: func @split
func.func @split(%q: memref<2x300x8x128xbf16>, %k: memref<2x900x2x128xbf16>, %lse: memref<2x8x300xf32>) {
  // Three blocks of rows; two batches of four parts. Then 8 * 300 rows by 32.
  // CHECK-DAG: %[[C3:.*]] = arith.constant 3 : index
  // CHECK-DAG: %[[C8:.*]] = arith.constant 8 : index
  // CHECK-DAG: %[[C75:.*]] = arith.constant 75 : index
  // CHECK: gpu.launch_func @attn_fwd_bf16_d128_causal_split_module::@attn_fwd_bf16_d128_causal_split blocks in (%[[C8]], %[[C3]], %[[C8]])
  // CHECK: gpu.launch_func @attn_combine_bf16_d128_lse_module::@attn_combine_bf16_d128_lse blocks in (%[[C75]], %{{.*}}, %{{.*}}) threads in (%{{.*}}, %{{.*}}, %{{.*}})
  attn.forward ins(%q, %k, %k : memref<2x300x8x128xbf16>, memref<2x900x2x128xbf16>, memref<2x900x2x128xbf16>)
    outs(%q, %lse : memref<2x300x8x128xbf16>, memref<2x8x300xf32>) {config = #split, mask = #attn.causal<bottom_right>}
  return
}

// CHECK-LABEL: func @gqa
func.func @gqa(%q: memref<2x5x8x128xbf16>, %k: memref<2x900x2x128xbf16>) {
  // 4 heads of 5 rows are one block of rows of each of 2 KV heads.
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : index
  // CHECK-DAG: %[[C2:.*]] = arith.constant 2 : index
  // CHECK-DAG: %[[C64:.*]] = arith.constant 64 : index
  // CHECK: gpu.launch_func @attn_fwd_bf16_d128_causal_gqa_module::@attn_fwd_bf16_d128_causal_gqa blocks in (%[[C2]], %[[C1]], %[[C2]]) threads in (%[[C64]], %[[C1]], %[[C1]])
  attn.forward ins(%q, %k, %k : memref<2x5x8x128xbf16>, memref<2x900x2x128xbf16>, memref<2x900x2x128xbf16>)
    outs(%q : memref<2x5x8x128xbf16>) {config = #packed, mask = #attn.causal<bottom_right>}
  return
}

// The tiles that the rows see are dealt out in shares that differ by one at the
// most: part s begins at tile s * (n / splits) + min(s, n % splits).
// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_causal_split
// CHECK: %[[Z:.*]] = arith.index_cast %block_id_z
// CHECK: %[[S:.*]] = arith.remui %[[Z]], %[[SPLITS:[a-z0-9]+]] : i32
// CHECK: arith.divui %[[Z]], %[[SPLITS]] : i32
// CHECK: %[[SPAN:.*]] = arith.maxsi
// CHECK: %[[TILES:.*]] = arith.ceildivui %{{.*}}, %c64
// CHECK: %[[LEAST:.*]] = arith.divui %[[TILES]], %[[SPLITS]]
// CHECK: %[[MORE:.*]] = arith.remui %[[TILES]], %[[SPLITS]]
// CHECK: %[[FIRST:.*]] = arith.muli %[[S]], %[[LEAST]]
// CHECK: arith.minui %[[S]], %[[MORE]]
// CHECK: %[[R:.*]]:3 = scf.for
// CHECK-NOT: attn.finalize
// CHECK: %[[O:.*]] = attn.view {{.*}} : !attn.view<?x128xf32>
// CHECK: attn.store %[[R]]#0, %[[O]]
// CHECK: attn.store %[[R]]#1
// CHECK: %[[L:.*]] = attn.add_halves %[[R]]#2
// CHECK: attn.store %[[L]]

// The query row of a row is what the mask goes by.
// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_causal_gqa
// CHECK: attn.view {{.*}} group %[[GROUP:[a-z0-9]+]] inner {{.*}} : !attn.view<?x128xbf16, grouped>
// CHECK: attn.mask {{.*}} group %[[GROUP]]
// CHECK: attn.finalize
// CHECK: attn.store {{.*}} !attn.view<?x128xbf16, grouped>

// CHECK-LABEL: gpu.func @attn_combine_bf16_d128_lse
// CHECK-SAME: known_block_size = array<i32: 64, 1, 1>
// CHECK: scf.for
// CHECK: attn.load {{.*}} transposed : !attn.view<?x32xf32> -> !attn.tile<32x32xf32, mfma_c>
// CHECK: attn.load {{.*}} transposed : !attn.view<?x1xf32> -> !attn.tile<1x32xf32, columns>
// CHECK-COUNT-8: attn.merge
// CHECK-NOT: attn.merge
// CHECK: attn.finalize {{.*}} whole
// CHECK: attn.store {{.*}} !attn.view<?x32xbf16, grouped>
// CHECK: scf.if
// CHECK: attn.store {{.*}} !attn.view<?x1xf32, grouped>
