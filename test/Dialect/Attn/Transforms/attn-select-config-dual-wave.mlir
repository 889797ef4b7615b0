// RUN: flydsl-opt %s --attn-select-config="chip=gfx950 schedule=dual_wave" | FileCheck %s --check-prefixes=CHECK,GFX950
// RUN: flydsl-opt %s --attn-select-config="chip=gfx942 schedule=dual_wave" | FileCheck %s --check-prefixes=CHECK,GFX942
// RUN: not flydsl-opt %s --attn-select-config="chip=gfx950 schedule=dual_wave waves=4" 2>&1 | FileCheck %s --check-prefix=WAVES

// WAVES: no dual_wave kernel for 'bf16' head_dim 192 and head_dim_v 128 with 4 waves on gfx950; supported: 8 waves
// CHECK-LABEL: func @d192x128
func.func @d192x128(%q: memref<1x64x8x192xbf16>, %v: memref<1x64x8x128xbf16>) {
  // GFX950: schedule = dual_wave, waves = 8, rows_per_wave = 32, kv_tile = 64
  // GFX942: schedule = dual_wave, waves = 8, rows_per_wave = 32, kv_tile = 32
  attn.forward ins(%q, %q, %v : memref<1x64x8x192xbf16>, memref<1x64x8x192xbf16>, memref<1x64x8x128xbf16>)
               outs(%v : memref<1x64x8x128xbf16>)
  return
}

// What modifies scores needs registers, too.
// CHECK-LABEL: func @softcap
func.func @softcap(%q: memref<1x64x8x192xbf16>, %v: memref<1x64x8x128xbf16>, %cap: f32) {
  // CHECK: schedule = dual_wave, waves = 8, rows_per_wave = 32, kv_tile = 32
  attn.forward ins(%q, %q, %v : memref<1x64x8x192xbf16>, memref<1x64x8x192xbf16>, memref<1x64x8x128xbf16>)
               softcap(%cap) outs(%v : memref<1x64x8x128xbf16>)
  return
}
