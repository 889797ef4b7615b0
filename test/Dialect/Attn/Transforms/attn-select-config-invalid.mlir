// RUN: flydsl-opt %s --attn-select-config=chip=gfx950 -verify-diagnostics
// RUN: not flydsl-opt %s --attn-select-config="chip=gfx950 schedule=dual_wave" 2>&1 | FileCheck %s --check-prefix=DUAL
// RUN: not flydsl-opt %s --attn-select-config=chip=gfx90a 2>&1 | FileCheck %s

// CHECK: unknown chip 'gfx90a'; supported: gfx942, gfx950

// DUAL: no dual_wave kernel for 'f16' head_dim 264 on gfx950; supported: up to 192, up to 256 and 128

func.func @d264(%q: memref<1x64x8x264xf16>, %o: memref<1x64x8x264xf16>) {
  // expected-error @+1 {{no generic kernel for 'f16' head_dim 264 on gfx950; supported: up to 256}}
  attn.forward ins(%q, %q, %q : memref<1x64x8x264xf16>, memref<1x64x8x264xf16>, memref<1x64x8x264xf16>)
               outs(%o : memref<1x64x8x264xf16>)
  return
}
