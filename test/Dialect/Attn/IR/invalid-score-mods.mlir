// RUN: flydsl-opt %s -split-input-file -verify-diagnostics

!q = memref<2x64x8x128xbf16>

func.func @chunk(%q: !q) {
  // expected-error @+2 {{a chunk has 1 column or more, got size = 0}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) outs(%q : !q)
    {mask = #attn.chunked<size = 0>}
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @bias_rank(%q: !q, %b: memref<64x64xf32>) {
  // expected-error @+1 {{bias must have rank 4 (batch x heads x seqlen_q x seqlen_kv), got rank 2}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) bias(%b : memref<64x64xf32>) outs(%q : !q)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @bias_type(%q: !q, %b: memref<1x1x64x64xf16>) {
  // expected-error @+1 {{bias must hold f32 or q's element type 'bf16', got 'f16'}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) bias(%b : memref<1x1x64x64xf16>) outs(%q : !q)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @bias_heads(%q: !q, %b: memref<1x4x64x64xf32>) {
  // expected-error @+1 {{heads of q and bias must be equal, got 8 and 4}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) bias(%b : memref<1x4x64x64xf32>) outs(%q : !q)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @bias_columns(%q: !q, %b: memref<2x8x64x1xf32>) {
  // expected-error @+1 {{seqlen_kv of k and bias must be equal, got 64 and 1}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) bias(%b : memref<2x8x64x1xf32>) outs(%q : !q)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @slopes(%q: !q, %s: memref<7xf32>) {
  // expected-error @+1 {{heads of q and alibi_slopes must be equal, got 8 and 7}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) alibi(%s : memref<7xf32>) outs(%q : !q)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @sink(%q: !q, %s: memref<8xbf16>) {
  // expected-error @+1 {{sink must hold f32 in one dimension, one a head, got 'memref<8xbf16>'}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) sink(%s : memref<8xbf16>) outs(%q : !q)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @partial_sink(%q: !q, %p: memref<4x2x8x64x128xf32>, %m: memref<4x2x8x64xf32>, %s: memref<8xf32>) {
  // expected-error @+1 {{has parts for outs, so the sink belongs to attn.combine}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) sink(%s : memref<8xf32>)
    outs(%p, %m, %m : memref<4x2x8x64x128xf32>, memref<4x2x8x64xf32>, memref<4x2x8x64xf32>)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @unused(%q: !q, %c: f32) {
  // expected-error @+1 {{captures operands, but has no score_mod or mask_mod to use them}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) captures(%c : f32) outs(%q : !q)
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @arguments(%q: !q, %c: f32) {
  // expected-error @+1 {{score_mod must take}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) captures(%c : f32) outs(%q : !q) score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
    attn.yield %s : f32
  }
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @result(%q: !q) {
  // expected-error @+1 {{mask_mod must end with an attn.yield of one 'i1'}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) outs(%q : !q) mask_mod {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    attn.yield %i : index
  }
  return
}

// -----

!q = memref<2x64x8x128xbf16>

func.func @effect(%q: !q, %m: memref<8xf32>) {
  attn.forward ins(%q, %q, %q : !q, !q, !q) captures(%m : memref<8xf32>) outs(%q : !q) score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %n: memref<8xf32>):
    // expected-error @+1 {{is neither pure nor a memref.load of what was captured, as score_mod wants it}}
    memref.store %s, %n[%h] : memref<8xf32>
    attn.yield %s : f32
  }
  return
}

// -----

func.func @captures(%s: !attn.tile<64x32xf32, mfma_c>, %x: f32, %n: i32) {
  // expected-error @+1 {{the region needs captures '!llvm.ptr<1>', 'i64'}}
  %a = attn.modify_scores %s scale %x kv %n q %n rows %n batch %n head %n : !attn.tile<64x32xf32, mfma_c> {
  ^bb0(%v: f32, %b: index, %h: index, %i: index, %j: index, %m: memref<8xf32>):
    attn.yield %v : f32
  }
  return
}

// -----

func.func @chunk(%s: !attn.tile<64x32xf32, mfma_c>, %n: i32) {
  // expected-error @+1 {{a chunk needs a diagonal}}
  %c = attn.mask %s kv %n q %n limit %n chunk %n : !attn.tile<64x32xf32, mfma_c>
  return
}
