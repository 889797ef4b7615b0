// RUN: flydsl-opt %s --attn-select-config="chip=gfx950 schedule=dual_wave far" | FileCheck %s

func.func @long(%q: memref<1x?x64x128xbf16>) {
  // CHECK: config = #attn.config<schedule = dual_wave, waves = 8, rows_per_wave = 32, kv_tile = 64, slots = 2, far = true>
  attn.forward ins(%q, %q, %q : memref<1x?x64x128xbf16>, memref<1x?x64x128xbf16>, memref<1x?x64x128xbf16>)
               outs(%q : memref<1x?x64x128xbf16>)
  return
}
