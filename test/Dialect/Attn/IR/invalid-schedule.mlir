// What the verifier of attn.pipeline refuses.
// RUN: flydsl-opt %s --split-input-file --verify-diagnostics

!slot = !attn.slot<64x128xbf16, rows>
!k = !attn.tile<64x128xbf16, mfma_a>
!f = !attn.inflight<64x128xbf16>
!v = !attn.view<?x128xbf16>

func.func @read_too_soon(%kv: !v, %row: i32) {
  %k0 = attn.alloc_slot "k0" : !slot
  attn.pipeline groups = 2 lag = 1 {
    attn.cluster memory {
      %0 = attn.fetch %kv[%row] into %k0 : !v, !slot -> !f
      // expected-error @+1 {{is read 1 clusters later, but waves are up to 1 behind: at least 2 are needed}}
      attn.land %0 into %k0 : !f, !slot
    }
    attn.cluster memory {
      // expected-note @+1 {{here}}
      %0 = attn.read %k0 : !slot -> !k
    }
  }
  return
}

// -----

!slot = !attn.slot<64x128xbf16, rows>
!k = !attn.tile<64x128xbf16, mfma_a>
!f = !attn.inflight<64x128xbf16>
!v = !attn.view<?x128xbf16>

// A wave that is one cluster behind may still read: latency alone would save
// this, as it does in kernels that were written by hand.
func.func @overwritten_around_the_loop(%kv: !v, %lo: i32, %hi: i32, %step: i32) {
  %k0 = attn.alloc_slot "k0" : !slot
  attn.pipeline groups = 2 lag = 1 {
    scf.for %t = %lo to %hi step %step : i32 {
      attn.cluster memory {
        // expected-note @+1 {{here}}
        %0 = attn.fetch %kv[%t] into %k0 : !v, !slot -> !f
        attn.land %0 into %k0 : !f, !slot
      }
      attn.cluster compute {
      }
      attn.cluster memory {
        // expected-error @+1 {{is overwritten by a fetch 1 clusters later, but waves are up to 1 behind: at least 2 are needed}}
        %0 = attn.read %k0 : !slot -> !k
      }
    }
  }
  return
}

// -----

!slot = !attn.slot<64x128xbf16, rows>
!k = !attn.tile<64x128xbf16, mfma_a>
!f = !attn.inflight<64x128xbf16>
!v = !attn.view<?x128xbf16>

// The branch that lands nothing leads to a read of nothing.
func.func @never_lands(%kv: !v, %row: i32, %c: i1) {
  %k0 = attn.alloc_slot "k0" : !slot
  attn.pipeline groups = 2 lag = 1 {
    %f = attn.cluster memory -> (!f) {
      // expected-error @+1 {{may be read before it has landed}}
      %0 = attn.fetch %kv[%row] into %k0 : !v, !slot -> !f
      attn.yield %0 : !f
    }
    scf.if %c {
      attn.cluster memory {
        attn.land %f into %k0 : !f, !slot
      }
      attn.cluster compute {
      }
    }
    attn.cluster compute {
    }
    attn.cluster memory {
      %0 = attn.read %k0 : !slot -> !k
    }
  }
  return
}

// -----

// Before rotation the same is checked on times.
!slot = !attn.slot<64x128xbf16, rows>
!k = !attn.tile<64x128xbf16, mfma_a>
!f = !attn.inflight<64x128xbf16>
!v = !attn.view<?x128xbf16>

func.func @times_read(%kv: !v, %lo: i32, %hi: i32, %step: i32) {
  %k0 = attn.alloc_slot "k0" : !slot
  attn.pipeline groups = 2 lag = 1 interval = 4 {
    // expected-error @+1 {{reads a slot at 0, but a wave that is 1 behind lands its share at -1: read 2 clusters after}}
    scf.for %t = %lo to %hi step %step : i32 {
      attn.cluster memory at -1 {
        %0 = attn.fetch %kv[%t] into %k0 : !v, !slot -> !f
        attn.land %0 into %k0 : !f, !slot
      }
      attn.cluster memory at 0 {
        %0 = attn.read %k0 : !slot -> !k
      }
    }
  }
  return
}

// -----

!slot = !attn.slot<64x128xbf16, rows>
!k = !attn.tile<64x128xbf16, mfma_a>
!f = !attn.inflight<64x128xbf16>
!v = !attn.view<?x128xbf16>

func.func @times_fetch(%kv: !v, %lo: i32, %hi: i32, %step: i32) {
  %k0 = attn.alloc_slot "k0" : !slot
  attn.pipeline groups = 2 lag = 1 interval = 4 {
    // expected-error @+1 {{fetches over a slot at 1, but a wave that is 1 behind reads it at 0: use more slots, or fetch later}}
    scf.for %t = %lo to %hi step %step : i32 {
      attn.cluster memory at -3 {
        %0 = attn.fetch %kv[%t] into %k0 : !v, !slot -> !f
        attn.land %0 into %k0 : !f, !slot
      }
      attn.cluster memory at 0 {
        %0 = attn.read %k0 : !slot -> !k
      }
    }
  }
  return
}

// -----

func.func @memory_in_compute(%kv: !attn.view<?x128xbf16>, %row: i32) {
  %k0 = attn.alloc_slot "k0" : !attn.slot<64x128xbf16, rows>
  attn.pipeline groups = 2 lag = 1 {
    attn.cluster compute {
      // expected-error @+1 {{touches memory in a compute cluster}}
      %0 = attn.read %k0 : !attn.slot<64x128xbf16, rows> -> !attn.tile<64x128xbf16, mfma_a>
    }
  }
  return
}

// -----

func.func @product_in_memory(%k: !attn.tile<64x128xbf16, mfma_a>, %q: !attn.tile<128x32xbf16, mfma_b>, %c: !attn.tile<64x32xf32, mfma_c>) {
  attn.pipeline groups = 2 lag = 1 {
    attn.cluster memory {
      // expected-error @+1 {{multiplies matrices in a memory cluster}}
      %0 = attn.mma %k, %q, %c : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    }
  }
  return
}

// -----

func.func @outside(%x: !attn.tile<64x32xf32, mfma_c>) {
  attn.pipeline groups = 2 lag = 1 {
    // expected-error @+1 {{must stand in a cluster}}
    %0 = attn.exp2 %x[0 to 32] : !attn.tile<64x32xf32, mfma_c>
  }
  return
}

// -----

// One wave would pass a border that the others do not.
func.func @borders_differ(%lo: i32, %step: i32) {
  %wave = gpu.subgroup_id : index
  %hi = arith.index_cast %wave : index to i32
  attn.pipeline groups = 2 lag = 1 {
    // expected-error @+1 {{the upper bound differs between waves: they would pass different numbers of borders}}
    scf.for %t = %lo to %hi step %step : i32 {
      attn.cluster compute {
      }
    }
  }
  return
}

// -----

func.func @branch_differs(%c1: index) {
  %wave = gpu.subgroup_id : index
  %first = arith.cmpi ult, %wave, %c1 : index
  attn.pipeline groups = 2 lag = 1 {
    // expected-error @+1 {{the condition differs between waves}}
    scf.if %first {
      attn.cluster compute {
      }
    }
  }
  return
}

// -----

func.func @time_in_rotated() {
  attn.pipeline groups = 2 lag = 1 {
    // expected-error @+1 {{has a time, but the pipeline has no interval: it is rotated}}
    attn.cluster compute at 3 {
    }
  }
  return
}

// -----

func.func @exponentials_of_nothing(%x: !attn.tile<64x32xf32, mfma_c>) {
  // expected-error @+1 {{a lane holds registers 0 to 32 of the tile, got 0 to 33}}
  %0 = attn.exp2 %x[0 to 33] : !attn.tile<64x32xf32, mfma_c>
  return
}
