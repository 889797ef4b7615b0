// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942},canonicalize,cse))" | FileCheck %s

// Rows that a wave brings through its own rows of a slot, 32 columns at a time.
// In pieces of 16 bytes rows are 80 bytes apart there, in pieces of 8 bytes 72,
// so that a column of them fills all banks.
gpu.module @kernels {
  // CHECK-LABEL: gpu.func @rows
  gpu.func @rows(%view: !attn.view<?x64xbf16>, %row: i32, %wave_row: i32, %out: !attn.view<?x64xbf16>) kernel
      attributes {known_block_size = array<i32: 512, 1, 1>} {
    %rows = attn.alloc_slot "rows" : !attn.slot<256x32xbf16, rows>
    %k0 = attn.alloc_slot "k0" : !attn.slot<64x64xbf16, rows>
    // 4 lanes a row, 16 rows a load; all are under way before the first is used.
    // CHECK-COUNT-4: rocdl.raw.ptr.buffer.load %{{.*}} : vector<4xi32>
    // CHECK-NOT: rocdl.raw.ptr.buffer.load
    // CHECK: llvm.store %{{.*}}, %[[LINE:[^ ]*]] {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<3>
    // CHECK: %[[NEXT:.*]] = llvm.getelementptr inbounds %[[LINE]][1280]
    // CHECK: llvm.store %{{.*}}, %[[NEXT]]
    // CHECK: llvm.load %[[OWN:[^ ]*]] {alignment = 16 : i64} : !llvm.ptr<3> -> vector<8xbf16>
    // CHECK: %[[K16:.*]] = llvm.getelementptr inbounds %[[OWN]][32]
    // CHECK: llvm.load %[[K16]]
    // The next panel takes the same place.
    // CHECK: llvm.store %{{.*}}, %[[LINE]]
    // CHECK: llvm.store %{{.*}}, %[[NEXT]]
    // CHECK: llvm.load %[[OWN]]
    // CHECK: llvm.load %[[K16]]
    %q = attn.load %view[%row] transposed through %rows[%wave_row] : !attn.view<?x64xbf16>, !attn.slot<256x32xbf16, rows> -> !attn.tile<64x32xbf16, mfma_b>
    %k = attn.read %k0 : !attn.slot<64x64xbf16, rows> -> !attn.tile<64x64xbf16, mfma_a>
    %c0 = arith.constant 0.0 : f32
    %zero = attn.splat %c0 : !attn.tile<64x32xf32, mfma_c>
    // CHECK: rocdl.mfma
    %s = attn.mma %k, %q, %zero : !attn.tile<64x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    // Each half-wave has 4 columns of every 8; 8 lanes store a row of 32.
    // CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xi32>, !llvm.ptr<3>
    // CHECK: %[[PIECE:.*]] = llvm.load %[[FIRST:[^ ]*]] {alignment = 8 : i64} : !llvm.ptr<3> -> vector<2xi32>
    // CHECK: rocdl.raw.ptr.buffer.store %[[PIECE]]
    // The first store takes rows 0 to 3 and 8 to 11, the second 4 to 7 and 12 to
    // 15, and so on: rows 8 apart lie in different banks.
    // CHECK: llvm.getelementptr inbounds %[[FIRST]][288]
    // CHECK: llvm.getelementptr inbounds %[[FIRST]][1152]
    // CHECK: llvm.getelementptr inbounds %[[FIRST]][1440]
    // CHECK-COUNT-4: llvm.store %{{.*}} {alignment = 8 : i64} : vector<2xi32>, !llvm.ptr<3>
    // CHECK-COUNT-4: rocdl.raw.ptr.buffer.store {{.*}} : vector<2xi32>
    // CHECK-NOT: rocdl.raw.ptr.buffer.store
    attn.store %s, %out[%row] through %rows[%wave_row] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xbf16>, !attn.slot<256x32xbf16, rows>
    gpu.return
  }
}
