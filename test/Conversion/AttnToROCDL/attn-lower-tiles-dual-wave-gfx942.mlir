// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942},canonicalize,cse))" | FileCheck %s

// What is gfx942's own in a dual_wave kernel.
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @narrow
  gpu.func @narrow(%view: !attn.view<?x128xbf16>, %row: i32, %out: !attn.view<?x128xbf16>) kernel
      attributes {known_block_size = array<i32: 512, 1, 1>} {
    %v0 = attn.alloc_slot "v0" : !attn.slot<32x128xbf16, transposed>
    // 512 work-items share the tile: each takes 4 rows of 2 columns, and writes 2
    // columns of 4 rows, 80 bytes apart.
    // CHECK-COUNT-4: rocdl.raw.ptr.buffer.load %{{.*}} : vector<2xbf16>
    // CHECK-NOT: rocdl.raw.ptr.buffer.load
    %f = attn.fetch %view[%row] into %v0 : !attn.view<?x128xbf16>, !attn.slot<32x128xbf16, transposed> -> !attn.inflight<32x128xbf16>
    // CHECK: vector.shuffle %{{.*}} [0, 2, 4, 6] : vector<8xbf16>, vector<8xbf16>
    // CHECK: llvm.store %{{.*}}, %[[FIRST:.*]] {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<3>
    // CHECK: vector.shuffle %{{.*}} [1, 3, 5, 7] : vector<8xbf16>, vector<8xbf16>
    // CHECK: %[[SECOND:.*]] = llvm.getelementptr inbounds %[[FIRST]][80] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    // CHECK: llvm.store %{{.*}}, %[[SECOND]] {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<3>
    // CHECK-NOT: llvm.store
    attn.land %f into %v0 : !attn.inflight<32x128xbf16>, !attn.slot<32x128xbf16, transposed>
    gpu.return
  }

  // Half-waves exchange the maximum through LDS: in a cluster, only where some
  // lane outgrew the old one. The branch is the same for the wave.
  // CHECK-LABEL: gpu.func @max
  gpu.func @max(%s: !attn.tile<32x32xf32, mfma_c>, %m: !attn.tile<1x32xf32, columns>, %scale: f32,
                %view: !attn.view<?x1xf32>, %row: i32) kernel
      attributes {known_block_size = array<i32: 512, 1, 1>} {
    %r = attn.pipeline groups = 2 lag = 1 -> (!attn.tile<1x32xf32, columns>) {
      %c = attn.cluster memory -> (!attn.tile<1x32xf32, columns>) {
        // CHECK-COUNT-15: arith.maxnumf
        // CHECK-NOT: rocdl.ds_bpermute
        // CHECK: arith.mulf
        // CHECK: rocdl.ballot
        // CHECK: scf.if %{{.*}} -> (f32)
        // CHECK: rocdl.ds_bpermute
        // CHECK: arith.maxnumf
        // CHECK: arith.maxnumf
        // CHECK: } else {
        // CHECK-NEXT: scf.yield
        %m1 = attn.raise_max %m by %s scale %scale threshold 8.0 : !attn.tile<1x32xf32, columns>, !attn.tile<32x32xf32, mfma_c>
        // CHECK: attn.yield
        attn.yield %m1 : !attn.tile<1x32xf32, columns>
      }
      attn.cluster compute {
      }
      attn.yield %c : !attn.tile<1x32xf32, columns>
    }
    attn.store %r, %view[%row] : !attn.tile<1x32xf32, columns>, !attn.view<?x1xf32>
    gpu.return
  }
}
