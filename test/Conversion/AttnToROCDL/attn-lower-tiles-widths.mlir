// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx950},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX950
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX942

gpu.module @kernels {
  // What is behind a view's columns is read beyond the buffer, and so 0.
  // CHECK-LABEL: gpu.func @narrow
  gpu.func @narrow(%view: !attn.view<?x72xbf16>, %row: i32) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    // CHECK-DAG: %[[BEYOND:.*]] = arith.constant -2147483648 : i32
    %k0 = attn.alloc_slot "k0" : !attn.slot<32x128xbf16, rows>
    // gfx950: the lanes of the second 64 columns but those of the first 8.
    // GFX950: %[[PIECE:.*]] = arith.remui %{{.*}}, %c8_i32
    // GFX950: %[[INSIDE:.*]] = arith.cmpi ult, %[[PIECE]], %c1_i32
    // GFX950: arith.select %[[INSIDE]], %{{.*}}, %[[BEYOND]]
    // GFX942: %[[INSIDE:.*]] = arith.cmpi ult, %{{.*}}, %c72_i32
    // GFX942: arith.select %[[INSIDE]], %{{.*}}, %[[BEYOND]]
    %fk = attn.fetch %view[%row] into %k0 : !attn.view<?x72xbf16>, !attn.slot<32x128xbf16, rows> -> !attn.inflight<32x128xbf16>
    attn.land %fk into %k0 : !attn.inflight<32x128xbf16>, !attn.slot<32x128xbf16, rows>
    attn.sync
    // CHECK-COUNT-5: llvm.load %{{.*}} : !llvm.ptr<3> -> vector<8xbf16>
    // CHECK-NOT: llvm.load
    %k = attn.read %k0 : !attn.slot<32x128xbf16, rows> -> !attn.tile<32x80xbf16, mfma_a>
    // The upper half-wave's last 8 columns are behind the end.
    // CHECK: arith.select %{{.*}}, %{{.*}}, %[[BEYOND]]
    %q = attn.load %view[%row] transposed : !attn.view<?x72xbf16> -> !attn.tile<80x32xbf16, mfma_b>
    %zero = arith.constant 0.0 : f32
    %acc = attn.splat %zero : !attn.tile<32x32xf32, mfma_c>
    %s = attn.mma %k, %q, %acc : !attn.tile<32x80xbf16, mfma_a>, !attn.tile<80x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
    // O's columns behind the end are not stored.
    %o = attn.splat %zero : !attn.tile<96x32xf32, mfma_c>
    // GFX950-COUNT-5: rocdl.raw.ptr.buffer.store %{{.*}} : vector<4xi32>
    // GFX942-COUNT-9: rocdl.raw.ptr.buffer.store %{{.*}} : vector<2xi32>
    // CHECK-NOT: rocdl.raw.ptr.buffer.store
    attn.store %o, %view[%row] : !attn.tile<96x32xf32, mfma_c>, !attn.view<?x72xbf16>
    gpu.return
  }

  // f32 goes through registers on both chips, and P stays as it is.
  // CHECK-LABEL: gpu.func @single
  gpu.func @single(%view: !attn.view<?x64xf32>, %row: i32) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %k0 = attn.alloc_slot "k0" : !attn.slot<32x64xf32, rows>
    %v0 = attn.alloc_slot "v0" : !attn.slot<32x64xf32, transposed>
    // CHECK-NOT: rocdl.raw.ptr.buffer.load.lds
    // CHECK-COUNT-2: rocdl.raw.ptr.buffer.load %{{.*}} : vector<4xi32>
    // CHECK-COUNT-4: rocdl.raw.ptr.buffer.load %{{.*}} : vector<2xi32>
    // CHECK: llvm.store %{{.*}} {alignment = 16 : i64} : vector<8xf32>, !llvm.ptr<3>
    // CHECK-COUNT-2: llvm.store %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<3>
    %fk = attn.fetch %view[%row] into %k0 : !attn.view<?x64xf32>, !attn.slot<32x64xf32, rows> -> !attn.inflight<32x64xf32>
    %fv = attn.fetch %view[%row] into %v0 : !attn.view<?x64xf32>, !attn.slot<32x64xf32, transposed> -> !attn.inflight<32x64xf32>
    attn.land %fk into %k0 : !attn.inflight<32x64xf32>, !attn.slot<32x64xf32, rows>
    attn.land %fv into %v0 : !attn.inflight<32x64xf32>, !attn.slot<32x64xf32, transposed>
    attn.sync
    // CHECK-COUNT-8: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<8xf32>
    %k = attn.read %k0 : !attn.slot<32x64xf32, rows> -> !attn.tile<32x64xf32, mfma_a>
    %v = attn.read %v0 : !attn.slot<32x64xf32, transposed> -> !attn.tile<64x32xf32, mfma_a>
    %q = attn.load %view[%row] transposed : !attn.view<?x64xf32> -> !attn.tile<64x32xf32, mfma_b>
    %zero = arith.constant 0.0 : f32
    %s0 = attn.splat %zero : !attn.tile<32x32xf32, mfma_c>
    %o0 = attn.splat %zero : !attn.tile<64x32xf32, mfma_c>
    // CHECK-COUNT-32: rocdl.mfma.f32.32x32x2f32
    %s = attn.mma %k, %q, %s0 : !attn.tile<32x64xf32, mfma_a>, !attn.tile<64x32xf32, mfma_b>, !attn.tile<32x32xf32, mfma_c>
    // CHECK-NOT: arith.truncf
    %p = attn.pack %s : !attn.tile<32x32xf32, mfma_c> -> !attn.tile<32x32xf32, mfma_b>
    // CHECK-COUNT-32: rocdl.mfma.f32.32x32x2f32
    // CHECK-NOT: rocdl.mfma
    %o = attn.mma %v, %p, %o0 : !attn.tile<64x32xf32, mfma_a>, !attn.tile<32x32xf32, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    // CHECK-COUNT-8: rocdl.raw.ptr.buffer.store %{{.*}} : vector<4xf32>
    attn.store %o, %view[%row] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xf32>
    gpu.return
  }

  // More waves than a tile has rows for.
  // CHECK-LABEL: gpu.func @few_rows
  gpu.func @few_rows(%view: !attn.view<?x192xbf16>, %narrow: !attn.view<?x64xbf16>, %row: i32) kernel
      attributes {known_block_size = array<i32: 512, 1, 1>} {
    %k0 = attn.alloc_slot "k0" : !attn.slot<32x192xbf16, rows>
    // gfx950: 12 lines over 8 waves. Of the second turn, waves 4 to 7 have none.
    // GFX950: %[[GROUP:.*]] = arith.divui %[[WAVE:.*]], %c4_i32
    // GFX950: %[[FIRST:.*]] = arith.muli %[[GROUP]], %c8_i32
    // GFX950: %[[STRAIGHT:.*]] = arith.addi %{{.*}}, %[[FIRST]]
    // GFX950: %[[PIECE:.*]] = arith.xori %[[STRAIGHT]], %{{.*}}
    // GFX950: arith.cmpi ult, %[[PIECE]], %c8_i32
    // GFX950-COUNT-2: rocdl.raw.ptr.buffer.load.lds
    // gfx942: 3 x 4 elements for each of 512 work-items.
    // GFX942-COUNT-3: rocdl.raw.ptr.buffer.load %{{.*}} : vector<2xi32>
    // CHECK-NOT: rocdl.raw.ptr.buffer.load
    // GFX942-COUNT-3: llvm.store %{{.*}} : vector<4xbf16>, !llvm.ptr<3>
    %f = attn.fetch %view[%row] into %k0 : !attn.view<?x192xbf16>, !attn.slot<32x192xbf16, rows> -> !attn.inflight<32x192xbf16>
    attn.land %f into %k0 : !attn.inflight<32x192xbf16>, !attn.slot<32x192xbf16, rows>
    attn.sync
    // CHECK-COUNT-12: llvm.load %{{.*}} : !llvm.ptr<3> -> vector<8xbf16>
    %k = attn.read %k0 : !attn.slot<32x192xbf16, rows> -> !attn.tile<32x192xbf16, mfma_a>
    %q = attn.load %view[%row] transposed : !attn.view<?x192xbf16> -> !attn.tile<192x32xbf16, mfma_b>
    %zero = arith.constant 0.0 : f32
    %s0 = attn.splat %zero : !attn.tile<32x32xf32, mfma_c>
    %s1 = attn.mma %k, %q, %s0 : !attn.tile<32x192xbf16, mfma_a>, !attn.tile<192x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
    // Two accumulators below each other are the same registers.
    %s = attn.concat %s1, %s0 : !attn.tile<32x32xf32, mfma_c> -> !attn.tile<64x32xf32, mfma_c>
    // GFX950-COUNT-4: rocdl.raw.ptr.buffer.store %{{.*}} : vector<4xi32>
    // GFX942-COUNT-8: rocdl.raw.ptr.buffer.store %{{.*}} : vector<2xi32>
    attn.store %s, %narrow[%row] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xbf16>
    gpu.return
  }
}
