// RUN: flydsl-opt %s -verify-diagnostics -split-input-file

func.func @f(%q: memref<2x1x8x128xbf16>, %parts: memref<4x2x8x1x128xbf16>, %rows: memref<4x2x8x1xf32>) {
  // expected-error @+1 {{parts must hold f32, got 'bf16'}}
  attn.forward ins(%q, %q, %q : memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>)
               outs(%parts, %rows, %rows : memref<4x2x8x1x128xbf16>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
  return
}

// -----

func.func @f(%q: memref<2x1x8x128xbf16>, %parts: memref<4x2x8x1x128xf32>, %max: memref<4x2x8x1xf32>, %sum: memref<3x2x8x1xf32>) {
  // expected-error @+1 {{splits of parts and sum must be equal, got 4 and 3}}
  attn.forward ins(%q, %q, %q : memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>)
               outs(%parts, %max, %sum : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<3x2x8x1xf32>)
  return
}

// -----

func.func @f(%q: memref<2x1x8x128xbf16>, %a: memref<2x1x8x128xbf16>) {
  // expected-error @+1 {{outs must be o, or o and lse, or parts of o, max and sum, got 4}}
  attn.forward ins(%q, %q, %q : memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>)
               outs(%a, %a, %a, %a : memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>)
  return
}

// -----

func.func @f(%parts: memref<4x2x8x1x128xf32>, %rows: memref<4x2x8x1xf32>, %o: memref<2x1x4x128xbf16>) {
  // expected-error @+1 {{heads of o and parts must be equal, got 4 and 8}}
  attn.combine ins(%parts, %rows, %rows : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
               outs(%o : memref<2x1x4x128xbf16>)
  return
}

// -----

func.func @f(%parts: memref<4x2x8x1x128xf32>, %rows: memref<4x2x8x1xf32>, %o: memref<2x1x8x128xf64>) {
  // expected-error @+1 {{o must hold bf16, f16 or f32, got 'f64'}}
  attn.combine ins(%parts, %rows, %rows : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
               outs(%o : memref<2x1x8x128xf64>)
  return
}

// -----

func.func @f(%parts: memref<4x2x8x1x128xf32, strided<[4096, 1024, 128, 128, 1]>>, %rows: memref<4x2x8x1xf32>, %o: memref<2x1x8x128xbf16>) {
  // expected-error @+1 {{parts must be contiguous}}
  attn.combine ins(%parts, %rows, %rows : memref<4x2x8x1x128xf32, strided<[4096, 1024, 128, 128, 1]>>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
               outs(%o : memref<2x1x8x128xbf16>)
  return
}

// -----

func.func @f(%parts: memref<4x2x8x1x128xf32>, %rows: memref<4x2x8x1xf32>, %o: memref<2x1x8x128xbf16>) {
  // expected-error @+1 {{outs must be o, or o and lse, got 3}}
  attn.combine ins(%parts, %rows, %rows : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
               outs(%o, %o, %o : memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>, memref<2x1x8x128xbf16>)
  return
}

// -----

// expected-error @+1 {{splits must be 1 or more, got 0}}
#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2, splits = 0>

// -----

// expected-error @+1 {{pack_gqa needs the generic schedule: dual_wave copies Q's rows as they lie in memory}}
#config = #attn.config<schedule = dual_wave, waves = 8, rows_per_wave = 32, kv_tile = 64, slots = 2, pack_gqa = true>

// -----

func.func @f(%p: !llvm.ptr<1>, %n: i32, %x: i64) {
  // expected-error @+1 {{a grouped view, and no other, has a group and an inner stride, got '!attn.view<?x128xbf16, grouped>'}}
  %v = attn.view %p[%x] rows %n stride %x : !attn.view<?x128xbf16, grouped>
  return
}

// -----

func.func @f(%p: !llvm.ptr<1>, %n: i32, %x: i64) {
  // expected-error @+1 {{a grouped view, and no other, has a group and an inner stride, got '!attn.view<?x128xbf16>'}}
  %v = attn.view %p[%x] rows %n stride %x group %n inner %x : !attn.view<?x128xbf16>
  return
}

// -----

func.func @f(%o: !attn.tile<32x32xf32, mfma_c>) {
  // expected-error @+1 {{the sum must be of the layout columns}}
  %r = attn.add_halves %o : !attn.tile<32x32xf32, mfma_c>
  return
}

// -----

func.func @f(%o: !attn.tile<32x64xf32, mfma_c>, %m: !attn.tile<1x32xf32, columns>) {
  // expected-error @+1 {{acc and max must have as many columns, got 64 and 32}}
  %r:3 = attn.merge %o, %m, %m with %o, %m, %m : !attn.tile<32x64xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  return
}
