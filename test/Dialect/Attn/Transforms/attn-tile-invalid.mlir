// RUN: flydsl-opt %s --attn-tile -split-input-file -verify-diagnostics

func.func @no_config(%q: memref<1x64x8x64xf16>, %o: memref<1x64x8x64xf16>) {
  // expected-error @+1 {{has no configuration; run --attn-select-config first}}
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xf16>, memref<1x64x8x64xf16>, memref<1x64x8x64xf16>)
               outs(%o : memref<1x64x8x64xf16>)
  return
}

// -----

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
func.func @tensors(%q: tensor<1x64x8x64xf16>, %o: tensor<1x64x8x64xf16>) -> tensor<1x64x8x64xf16> {
  // expected-error @+1 {{is on tensors; run --one-shot-bufferize first}}
  %r = attn.forward ins(%q, %q, %q : tensor<1x64x8x64xf16>, tensor<1x64x8x64xf16>, tensor<1x64x8x64xf16>)
               outs(%o : tensor<1x64x8x64xf16>) {config = #config} -> tensor<1x64x8x64xf16>
  return %r : tensor<1x64x8x64xf16>
}

// -----

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
func.func @d100(%q: memref<1x64x8x100xf16>, %o: memref<1x64x8x100xf16>) {
  // expected-error @+1 {{head_dim must be a positive multiple of 8, got 100}}
  attn.forward ins(%q, %q, %q : memref<1x64x8x100xf16>, memref<1x64x8x100xf16>, memref<1x64x8x100xf16>)
               outs(%o : memref<1x64x8x100xf16>) {config = #config}
  return
}

// -----

func.func @f(%q: memref<1x64x8x64xf16>) {
  // expected-error @+1 {{has more than one split; run --attn-split-kv first}}
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xf16>, memref<1x64x8x64xf16>, memref<1x64x8x64xf16>)
               outs(%q : memref<1x64x8x64xf16>)
      {config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2, splits = 3>}
  return
}

// -----

func.func @f(%parts: tensor<4x2x8x1x128xf32>, %rows: tensor<4x2x8x1xf32>, %o: tensor<2x1x8x128xbf16>) -> tensor<2x1x8x128xbf16> {
  // expected-error @+1 {{is on tensors; run --one-shot-bufferize first}}
  %r = attn.combine ins(%parts, %rows, %rows : tensor<4x2x8x1x128xf32>, tensor<4x2x8x1xf32>, tensor<4x2x8x1xf32>)
                    outs(%o : tensor<2x1x8x128xbf16>) -> tensor<2x1x8x128xbf16>
  return %r : tensor<2x1x8x128xbf16>
}

// -----

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
func.func @softcap(%q: memref<1x64x8x64xf16>, %c: f32) {
  // expected-error @+1 {{modifies scores by more than its score_mod; run --attn-expand-score-mods first}}
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xf16>, memref<1x64x8x64xf16>, memref<1x64x8x64xf16>)
               softcap(%c) outs(%q : memref<1x64x8x64xf16>) {config = #config}
  return
}
