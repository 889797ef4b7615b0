// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942}))" -split-input-file -verify-diagnostics

gpu.module @kernels {
  gpu.func @share() kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    // expected-error @+1 {{a tile of 32 x 64 does not share out over 512 work-items on gfx942}}
    %0 = attn.alloc_slot "a" : !attn.slot<32x64xbf16, transposed>
    gpu.return
  }
}

// -----

gpu.module @kernels {
  // expected-error @+1 {{tile ops need a known_block_size}}
  gpu.func @block() kernel {
    gpu.return
  }
}

// -----

gpu.module @kernels {
  gpu.func @unstaged(%v: !attn.view<?x64xbf16>, %row: i32, %q: !attn.tile<64x32xbf16, mfma_b>,
                     %acc: !attn.tile<32x32xf32, mfma_c>, %o: !attn.view<?x32xbf16>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    // expected-error @+2 {{only a transposed mfma_b tile of 32 columns is read straight into registers; stage other loads through LDS (--attn-double-buffer)}}
    // expected-error @+1 {{failed to legalize operation 'attn.load'}}
    %k = attn.load %v[%row] : !attn.view<?x64xbf16> -> !attn.tile<32x64xbf16, mfma_a>
    %s = attn.mma %k, %q, %acc : !attn.tile<32x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
    attn.store %s, %o[%row] : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xbf16>
    gpu.return
  }
}
