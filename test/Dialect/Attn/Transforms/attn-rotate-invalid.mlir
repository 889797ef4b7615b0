// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-rotate))" -split-input-file -verify-diagnostics

!acc = !attn.tile<64x32xf32, mfma_c>
!column = !attn.tile<1x32xf32, columns>

// One range stands for all, so all must do the same.
gpu.module @kernels {
  gpu.func @ranges(%a: !acc, %sum: !column, %lo: i32, %mid: i32, %hi: i32) {
    %c64 = arith.constant 64 : i32
    %r = attn.pipeline groups = 2 lag = 1 interval = 2 -> (!column) {
      // expected-note @+1 {{another range}}
      %0 = scf.for %t = %lo to %mid step %c64 iter_args(%l = %sum) -> (!column) : i32 {
        %s = attn.cluster compute at 1 -> (!column) {
          %x = attn.exp2 %a[0 to 16] : !acc
          %1 = attn.sum_rows %x to %l : !acc, !column
          attn.yield %1 : !column
        }
        scf.yield %s : !column
      }
      %2 = scf.for %t = %mid to %hi step %c64 iter_args(%l = %0) -> (!column) : i32 {
        %s = attn.cluster compute at 1 -> (!column) {
          // expected-error @+1 {{differs from the other ranges of the pipeline: only masks may}}
          %x = attn.exp2 %a[0 to 32] : !acc
          %1 = attn.sum_rows %x to %l : !acc, !column
          attn.yield %1 : !column
        }
        scf.yield %s : !column
      }
      attn.yield %2 : !column
    }
    gpu.return
  }
}

// -----

!acc = !attn.tile<64x32xf32, mfma_c>
!column = !attn.tile<1x32xf32, columns>
!slot = !attn.slot<64x128xbf16, rows>
!k = !attn.tile<64x128xbf16, mfma_a>
!q = !attn.tile<128x32xbf16, mfma_b>

// What a tile before the first would hand over is known only behind a mask.
gpu.module @kernels {
  gpu.func @no_mask(%kv: !attn.view<?x128xbf16>, %q: !q, %zero: !acc, %sum: !column, %lo: i32, %hi: i32) {
    %c64 = arith.constant 64 : i32
    %k0 = attn.alloc_slot "k0" : !slot
    %k1 = attn.alloc_slot "k1" : !slot
    %r = attn.pipeline groups = 2 lag = 1 interval = 2 -> (!column) {
      %0 = scf.for %t = %lo to %hi step %c64 iter_args(%l = %sum) -> (!column) : i32 {
        %slot = attn.cycle_slots %k0, %k1 : !slot, !slot
        attn.cluster memory at -2 {
          %f = attn.fetch %kv[%t] into %slot : !attn.view<?x128xbf16>, !slot -> !attn.inflight<64x128xbf16>
          attn.land %f into %slot : !attn.inflight<64x128xbf16>, !slot
        }
        %k = attn.cluster memory at 0 -> (!k) {
          // expected-error @+1 {{is needed for a tile before the first, where only what depends on a mask is known}}
          %1 = attn.read %slot : !slot -> !k
          attn.yield %1 : !k
        }
        %s = attn.cluster compute at 1 -> (!acc) {
          %1 = attn.mma %k, %q, %zero : !k, !q, !acc
          attn.yield %1 : !acc
        }
        %n = attn.cluster compute at 3 -> (!column) {
          %1 = attn.sum_rows %s to %l : !acc, !column
          attn.yield %1 : !column
        }
        scf.yield %n : !column
      }
      attn.yield %0 : !column
    }
    gpu.return
  }
}
