// RUN: flydsl-opt %s --attn-split-kv --attn-tile | FileCheck %s

// Tiles take whole MFMA blocks, views keep the head dims.
// CHECK-LABEL: gpu.func @attn_fwd_bf16_d72x40
// CHECK-DAG: %[[QV:.*]] = attn.view {{.*}} : !attn.view<?x72xbf16>
// CHECK-DAG: attn.view {{.*}} : !attn.view<?x40xbf16>
// CHECK: attn.load %{{.*}} transposed : !attn.view<?x72xbf16> -> !attn.tile<80x32xbf16, mfma_b>
// CHECK: attn.load %{{.*}} : !attn.view<?x72xbf16> -> !attn.tile<64x80xbf16, mfma_a>
// CHECK: attn.load %{{.*}} transposed : !attn.view<?x40xbf16> -> !attn.tile<64x64xbf16, mfma_a>
// CHECK: attn.store %{{.*}} : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x40xbf16>
func.func @dims(%q: memref<1x64x8x72xbf16>, %v: memref<1x64x8x40xbf16>) {
  attn.forward ins(%q, %q, %v : memref<1x64x8x72xbf16>, memref<1x64x8x72xbf16>, memref<1x64x8x40xbf16>)
               outs(%v : memref<1x64x8x40xbf16>)
      {config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>}
  return
}

// The last workgroup of a row combines the columns that are left.
// CHECK-LABEL: gpu.func @attn_combine_f32_d40
// CHECK: %[[WHOLE:.*]] = arith.cmpi ult, %{{.*}}, %c1_i32
// CHECK: scf.if %[[WHOLE]] {
// CHECK: attn.load {{.*}} : !attn.view<?x32xf32> -> !attn.tile<32x32xf32, mfma_c>
// CHECK: attn.store {{.*}} : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xf32, grouped>
// CHECK: } else {
// CHECK: attn.load {{.*}} : !attn.view<?x8xf32> -> !attn.tile<32x32xf32, mfma_c>
// CHECK: attn.store {{.*}} : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x8xf32, grouped>
func.func @parts(%q: memref<1x64x8x72xf32>, %v: memref<1x64x8x40xf32>) {
  attn.forward ins(%q, %q, %v : memref<1x64x8x72xf32>, memref<1x64x8x72xf32>, memref<1x64x8x40xf32>)
               outs(%v : memref<1x64x8x40xf32>)
      {config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 32, slots = 1, splits = 2>}
  return
}
