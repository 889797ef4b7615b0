// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-allocate-slots{chip=gfx942}))" | FileCheck %s --check-prefixes=CHECK,SMALL
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-allocate-slots{chip=gfx950}))" | FileCheck %s --check-prefixes=CHECK,LARGE

!view = !attn.view<?x128xbf16>
!kv = !attn.slot<64x128xbf16, rows>
!panel = !attn.slot<256x32xbf16, rows>

gpu.module @kernels {
  // 52,224 and 20,480 bytes are more than 64 KB: rows go without a slot that
  // only makes them faster.
  // CHECK-LABEL: gpu.func @large
  // SMALL-NOT: "rows"
  // SMALL: attn.load %{{.*}}[%{{.*}}] transposed : !attn.view
  // SMALL: attn.store %{{.*}}, %{{.*}}[%{{.*}}] : !attn.tile
  // LARGE: attn.alloc_slot "rows"
  // LARGE: attn.load {{.*}} through
  // LARGE: attn.store {{.*}} through
  gpu.func @large(%q: !view, %out: !view, %row: i32, %o: !attn.tile<128x32xf32, mfma_c>) kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    %rows = attn.alloc_slot "rows" : !panel
    %k0 = attn.alloc_slot "k0" : !kv
    %k1 = attn.alloc_slot "k1" : !kv
    %k2 = attn.alloc_slot "k2" : !kv
    %t = attn.load %q[%row] transposed through %rows[%row] : !view, !panel -> !attn.tile<128x32xbf16, mfma_b>
    attn.store %o, %out[%row] through %rows[%row] : !attn.tile<128x32xf32, mfma_c>, !view, !panel
    gpu.return
  }

  // Less fits.
  // CHECK-LABEL: gpu.func @small
  // CHECK: attn.alloc_slot "rows"
  // CHECK: attn.store {{.*}} through
  gpu.func @small(%out: !view, %row: i32, %o: !attn.tile<128x32xf32, mfma_c>) kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    %rows = attn.alloc_slot "rows" : !panel
    %k0 = attn.alloc_slot "k0" : !kv
    attn.store %o, %out[%row] through %rows[%row] : !attn.tile<128x32xf32, mfma_c>, !view, !panel
    gpu.return
  }
}
