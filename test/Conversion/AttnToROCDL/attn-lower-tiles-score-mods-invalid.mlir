// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles))" -split-input-file -verify-diagnostics

gpu.module @kernels {
  gpu.func @sine(%s: !attn.tile<32x32xf32, mfma_c>, %scale: f32, %kv: i32, %out: !attn.view<?x32xf16>)
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    // expected-error @+1 {{failed to legalize operation 'attn.modify_scores'}}
    %m = attn.modify_scores %s scale %scale kv %kv q %kv rows %kv batch %kv head %kv : !attn.tile<32x32xf32, mfma_c> {
    ^bb0(%x: f32, %b: index, %h: index, %i: index, %j: index):
      // expected-error @+1 {{has no instructions here; on f32 there are math.absf, exp, exp2, log, log2 and tanh}}
      %y = math.sin %x : f32
      attn.yield %y : f32
    }
    attn.store %m, %out[%kv] : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xf16>
    gpu.return
  }
}
