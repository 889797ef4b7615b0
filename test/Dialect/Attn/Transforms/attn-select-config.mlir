// RUN: flydsl-opt %s --attn-select-config=chip=gfx950 | FileCheck %s --check-prefixes=CHECK,GFX950
// RUN: flydsl-opt %s --attn-select-config=chip=gfx942 | FileCheck %s --check-prefixes=CHECK,GFX942

// CHECK-LABEL: func @d128
func.func @d128(%q: memref<1x64x8x128xbf16>, %o: memref<1x64x8x128xbf16>) {
  // GFX950: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
  // GFX942: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 32, slots = 2>
  attn.forward ins(%q, %q, %q : memref<1x64x8x128xbf16>, memref<1x64x8x128xbf16>, memref<1x64x8x128xbf16>)
               outs(%o : memref<1x64x8x128xbf16>)
  return
}

// CHECK-LABEL: func @d64
func.func @d64(%q: memref<1x64x8x64xf16>, %o: memref<1x64x8x64xf16>) {
  // CHECK: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xf16>, memref<1x64x8x64xf16>, memref<1x64x8x64xf16>)
               outs(%o : memref<1x64x8x64xf16>)
  return
}

// A configuration that is there already stays.
// CHECK-LABEL: func @given
func.func @given(%q: memref<1x64x8x64xf16>, %o: memref<1x64x8x64xf16>) {
  // CHECK: config = #attn.config<schedule = generic, waves = 2, rows_per_wave = 32, kv_tile = 32, slots = 2>
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xf16>, memref<1x64x8x64xf16>, memref<1x64x8x64xf16>)
               outs(%o : memref<1x64x8x64xf16>)
      {config = #attn.config<schedule = generic, waves = 2, rows_per_wave = 32, kv_tile = 32, slots = 2>}
  return
}

// The larger head dim decides.
// CHECK-LABEL: func @d256
func.func @d256(%q: memref<1x64x8x72xf16>, %v: memref<1x64x8x256xf16>) {
  // GFX950: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 32, slots = 2>
  // GFX942: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 32, slots = 1, agprs = true>
  attn.forward ins(%q, %q, %v : memref<1x64x8x72xf16>, memref<1x64x8x72xf16>, memref<1x64x8x256xf16>)
               outs(%v : memref<1x64x8x256xf16>)
  return
}

// CHECK-LABEL: func @single
func.func @single(%q: memref<1x64x8x128xf32>, %o: memref<1x64x8x128xf32>) {
  // GFX950: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 32, slots = 2>
  // GFX942: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 32, slots = 1>
  attn.forward ins(%q, %q, %q : memref<1x64x8x128xf32>, memref<1x64x8x128xf32>, memref<1x64x8x128xf32>)
               outs(%o : memref<1x64x8x128xf32>)
  return
}
