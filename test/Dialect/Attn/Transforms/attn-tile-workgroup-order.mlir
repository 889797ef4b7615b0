// RUN: flydsl-opt %s --attn-tile --canonicalize --cse | FileCheck %s
// RUN: flydsl-opt %s --attn-tile=workgroup-order=false --canonicalize --cse | FileCheck %s --check-prefix=PLAIN

#config = #attn.config<schedule = dual_wave, waves = 8, rows_per_wave = 32, kv_tile = 64, slots = 2>
!buffer = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1], offset: ?>>

// Heads before rows in the grid, or rows before heads.
// CHECK-LABEL: func @causal
// CHECK-DAG: %[[HEADS:.*]] = memref.dim %{{.*}}, %c2 : memref
// CHECK-DAG: %[[BLOCKS:.*]] = arith.ceildivui
// CHECK: blocks in (%[[HEADS]], %[[BLOCKS]], %{{.*}})
// PLAIN-LABEL: func @causal
// PLAIN-DAG: %[[HEADS:.*]] = memref.dim %{{.*}}, %c2 : memref
// PLAIN-DAG: %[[BLOCKS:.*]] = arith.ceildivui
// PLAIN: blocks in (%[[BLOCKS]], %[[HEADS]], %{{.*}})
func.func @causal(%q: !buffer, %k: !buffer, %v: !buffer, %o: !buffer) {
  attn.forward ins(%q, %k, %v : !buffer, !buffer, !buffer) outs(%o : !buffer)
    {config = #config, mask = #attn.causal<bottom_right>}
  return
}

// The last rows first, or the first.
// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_causal
// CHECK: %[[Y:.*]] = gpu.block_id y
// CHECK: %[[N:.*]] = arith.index_cast %[[Y]]
// CHECK: %[[BLOCK:.*]] = arith.subi %{{.*}}, %[[N]] : i32
// CHECK: arith.muli %[[BLOCK]], %c256_i32 : i32
// PLAIN-LABEL: gpu.func @attn_fwd_bf16_d128_causal
// PLAIN: %[[X:.*]] = gpu.block_id x
// PLAIN: %[[BLOCK:.*]] = arith.index_cast %[[X]]
// PLAIN: arith.muli %[[BLOCK]], %c256_i32 : i32
