// RUN: flydsl-opt %s --attn-select-config="chip=gfx950 waves=1 splits=6 pack-gqa" | FileCheck %s --check-prefix=GFX950
// RUN: flydsl-opt %s --attn-select-config="chip=gfx942 waves=1 splits=6 pack-gqa" | FileCheck %s --check-prefix=GFX942

func.func @decode(%q: memref<1x1x8x128xbf16>, %o: memref<1x1x8x128xbf16>) {
  // GFX950: config = #attn.config<schedule = generic, waves = 1, rows_per_wave = 32, kv_tile = 32, slots = 2, splits = 6, pack_gqa = true>
  // GFX942: config = #attn.config<schedule = generic, waves = 1, rows_per_wave = 32, kv_tile = 32, slots = 1, splits = 6, pack_gqa = true>
  attn.forward ins(%q, %q, %q : memref<1x1x8x128xbf16>, memref<1x1x8x128xbf16>, memref<1x1x8x128xbf16>)
               outs(%o : memref<1x1x8x128xbf16>)
  return
}
