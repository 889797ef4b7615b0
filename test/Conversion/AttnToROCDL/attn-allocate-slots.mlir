// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-allocate-slots{chip=gfx950}))" | FileCheck %s
// RUN: not flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-allocate-slots{chip=gfx942}))" 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-allocate-slots{chip=gfx90a}))" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-allocate-slots{chip=gfx942 slot-padding=false}))" 2>&1 | FileCheck %s --check-prefix=BARE
// Without padding one of these slots is all of gfx942's LDS.
// BARE: error: 'gpu.func' op needs 131072 bytes of LDS, gfx942 has 65536
// CHIP: error: unknown chip 'gfx90a'; supported: gfx942, gfx950
// SMALL: error: 'gpu.func' op needs 69632 bytes of LDS, gfx942 has 65536; choose a smaller kv_tile

!view = !attn.view<?x128xbf16>
!slot = !attn.slot<256x128xbf16, rows>
!o = !attn.tile<128x32xf32, mfma_c>

gpu.module @kernels {
  // What is used behind the pipeline takes the place of what is used in it.
  // CHECK-LABEL: gpu.func @share
  // CHECK: %[[Q:.*]] = attn.alloc_slot "q"
  // CHECK-NOT: attn.alloc_slot
  // CHECK: attn.store {{.*}} through %[[Q]]
  gpu.func @share(%q: !view, %out: !view, %row: i32, %o: !o) kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    %0 = attn.alloc_slot "q" : !slot
    %1 = attn.alloc_slot "o" : !slot
    attn.pipeline groups = 2 lag = 1 {
      attn.cluster memory {
        %f = attn.fetch %q[%row] into %0 : !view, !slot -> !attn.inflight<256x128xbf16>
        attn.land %f into %0 : !attn.inflight<256x128xbf16>, !slot
      }
      attn.yield
    }
    attn.store %o, %out[%row] through %1[%row] : !o, !view, !slot
    gpu.return
  }

  // Both are used in the pipeline.
  // CHECK-LABEL: gpu.func @both_inside
  // CHECK: attn.alloc_slot "a"
  // CHECK: attn.alloc_slot "b"
  gpu.func @both_inside(%q: !view, %row: i32) kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    %0 = attn.alloc_slot "a" : !slot
    %1 = attn.alloc_slot "b" : !slot
    attn.pipeline groups = 2 lag = 1 {
      attn.cluster memory {
        %f = attn.fetch %q[%row] into %0 : !view, !slot -> !attn.inflight<256x128xbf16>
        %g = attn.fetch %q[%row] into %1 : !view, !slot -> !attn.inflight<256x128xbf16>
        attn.land %f into %0 : !attn.inflight<256x128xbf16>, !slot
        attn.land %g into %1 : !attn.inflight<256x128xbf16>, !slot
      }
      attn.yield
    }
    gpu.return
  }

  // Another type takes a place of its own.
  // CHECK-LABEL: gpu.func @other_type
  // CHECK: attn.alloc_slot "q"
  // CHECK: attn.alloc_slot "o"
  gpu.func @other_type(%q: !view, %out: !view, %row: i32, %o: !o) kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    %0 = attn.alloc_slot "q" : !attn.slot<64x128xbf16, rows>
    %1 = attn.alloc_slot "o" : !slot
    attn.pipeline groups = 2 lag = 1 {
      attn.cluster memory {
        %f = attn.fetch %q[%row] into %0 : !view, !attn.slot<64x128xbf16, rows> -> !attn.inflight<64x128xbf16>
        attn.land %f into %0 : !attn.inflight<64x128xbf16>, !attn.slot<64x128xbf16, rows>
      }
      attn.yield
    }
    attn.store %o, %out[%row] through %1[%row] : !o, !view, !slot
    gpu.return
  }
}
