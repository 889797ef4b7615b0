// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx950},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX950
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX942
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942 bf16-truncate},canonicalize,cse))" | FileCheck %s --check-prefix=TRUNC
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{count-rescales},canonicalize,cse))" | FileCheck %s --check-prefix=COUNT
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx950 slot-padding=false},canonicalize,cse))" | FileCheck %s --check-prefix=BARE
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942 slot-padding=false},canonicalize,cse))" | FileCheck %s --check-prefix=BARE

gpu.module @kernels {
  // One LDS global a slot. gfx950 pads 1024-byte lines, gfx942 pads rows.
  // GFX950-DAG: llvm.mlir.global internal @staged_k0() {addr_space = 3 : i32, alignment = 64 : i64} : !llvm.array<8320 x i8>
  // GFX950-DAG: llvm.mlir.global internal @staged_v0() {addr_space = 3 : i32, alignment = 64 : i64} : !llvm.array<8704 x i8>
  // GFX942-DAG: llvm.mlir.global internal @staged_k0() {addr_space = 3 : i32, alignment = 64 : i64} : !llvm.array<9216 x i8>
  // GFX942-DAG: llvm.mlir.global internal @staged_v0() {addr_space = 3 : i32, alignment = 64 : i64} : !llvm.array<9216 x i8>

  // BARE-DAG: llvm.mlir.global internal @staged_k0() {{.*}} : !llvm.array<8192 x i8>
  // BARE-DAG: llvm.mlir.global internal @staged_v0() {{.*}} : !llvm.array<8192 x i8>

  // CHECK-LABEL: gpu.func @staged
  // CHECK-SAME: passthrough = {{\[}}["amdgpu-agpr-alloc", "0"], ["amdgpu-ieee", "false"]]
  gpu.func @staged(%view: !attn.view<?x64xbf16>, %row: i32, %out: !llvm.ptr<1>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %k0 = attn.alloc_slot "k0" : !attn.slot<64x64xbf16, rows>
    %v0 = attn.alloc_slot "v0" : !attn.slot<64x64xbf16, transposed>
    // gfx950 copies straight into LDS: 2 lines a wave and tile.
    // GFX950-COUNT-4: rocdl.raw.ptr.buffer.load.lds
    // GFX950-NOT: rocdl.raw.ptr.buffer.load
    // GFX950-NOT: llvm.store
    // gfx942 loads K by 16 bytes and V by 8, and writes them itself.
    // GFX942-COUNT-2: rocdl.raw.ptr.buffer.load %{{.*}} : vector<4xi32>
    // GFX942: rocdl.sched.barrier 6
    // GFX942-COUNT-4: rocdl.raw.ptr.buffer.load %{{.*}} : vector<2xi32>
    // GFX942-NOT: rocdl.raw.ptr.buffer.load
    // CHECK: rocdl.sched.barrier 6
    // GFX942-COUNT-2: llvm.store %{{.*}} : vector<8xbf16>, !llvm.ptr<3>
    // GFX942-COUNT-4: llvm.store %{{.*}} {alignment = 8 : i64} : vector<4xbf16>, !llvm.ptr<3>
    %fk = attn.fetch %view[%row] into %k0 : !attn.view<?x64xbf16>, !attn.slot<64x64xbf16, rows> -> !attn.inflight<64x64xbf16>
    %fv = attn.fetch %view[%row] into %v0 : !attn.view<?x64xbf16>, !attn.slot<64x64xbf16, transposed> -> !attn.inflight<64x64xbf16>
    attn.land %fk into %k0 : !attn.inflight<64x64xbf16>, !attn.slot<64x64xbf16, rows>
    attn.land %fv into %v0 : !attn.inflight<64x64xbf16>, !attn.slot<64x64xbf16, transposed>
    // CHECK: rocdl.s.waitcnt 112
    // CHECK: gpu.barrier
    attn.sync
    // CHECK-COUNT-8: llvm.load %{{.*}} : !llvm.ptr<3> -> vector<8xbf16>
    // GFX950-COUNT-16: rocdl.ds.read.tr16.b64
    // GFX942-COUNT-8: llvm.load %{{.*}} : !llvm.ptr<3> -> vector<8xbf16>
    %k = attn.read %k0 : !attn.slot<64x64xbf16, rows> -> !attn.tile<64x64xbf16, mfma_a>
    %v = attn.read %v0 : !attn.slot<64x64xbf16, transposed> -> !attn.tile<64x64xbf16, mfma_a>
    %q = attn.load %view[%row] transposed : !attn.view<?x64xbf16> -> !attn.tile<64x32xbf16, mfma_b>
    %zero = arith.constant 0.0 : f32
    %acc = attn.splat %zero : !attn.tile<64x32xf32, mfma_c>
    // GFX950-COUNT-16: rocdl.mfma.f32.32x32x16.bf16
    // GFX942-COUNT-32: rocdl.mfma.f32.32x32x8bf16.1k
    %s = attn.mma %k, %q, %acc : !attn.tile<64x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    %t = attn.mma %v, %q, %s : !attn.tile<64x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    // The store: gfx950 swaps half-waves and writes 16 bytes, gfx942 writes 8.
    // GFX950-COUNT-4: rocdl.raw.ptr.buffer.store %{{.*}} : vector<4xi32>
    // GFX942-COUNT-8: rocdl.raw.ptr.buffer.store %{{.*}} : vector<2xi32>
    // CHECK-NOT: rocdl.raw.ptr.buffer.store
    // TRUNC-NOT: arith.truncf
    // TRUNC: vector.shuffle %{{.*}}, %{{.*}} [1, 3, 5, 7]
    attn.store %t, %view[%row] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xbf16>
    gpu.return
  }

  // f16 uses the f16 instructions of both chips and rounds by a plain truncf.
  // CHECK-LABEL: gpu.func @half
  gpu.func @half(%a: !attn.tile<32x16xf16, mfma_a>, %b: !attn.tile<16x32xf16, mfma_b>,
                 %c: !attn.tile<32x32xf32, mfma_c>, %view: !attn.view<?x32xf16>, %row: i32) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    // GFX950: rocdl.mfma.f32.32x32x16.f16 {{.*}} : (vector<8xf16>, vector<8xf16>, vector<16xf32>,
    // GFX942-COUNT-2: rocdl.mfma.f32.32x32x8f16 {{.*}} : (vector<4xf16>, vector<4xf16>, vector<16xf32>,
    %r = attn.mma %a, %b, %c : !attn.tile<32x16xf16, mfma_a>, !attn.tile<16x32xf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
    // CHECK-COUNT-4: arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
    attn.store %r, %view[%row] : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xf16>
    gpu.return
  }

  // The mask is skipped where the wave's first row sees the whole tile.
  // CHECK-LABEL: gpu.func @mask
  // CHECK-SAME: %[[B0:[a-z0-9]+]]: vector<16xf32>, %[[KV:[a-z0-9]+]]: i32, %[[ROW:[a-z0-9]+]]: i32, %[[LIMIT:[a-z0-9]+]]: i32, %[[DIAG:[a-z0-9]+]]: i32
  gpu.func @mask(%s: !attn.tile<32x32xf32, mfma_c>, %kv: i32, %row: i32, %limit: i32, %diagonal: i32,
                 %view: !attn.view<?x32xf16>) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    // CHECK: %[[END:.*]] = arith.minsi %[[LIMIT]], %{{.*}} : i32
    // CHECK: %[[LAST:.*]] = arith.addi %[[KV]], %{{.*}} : i32
    // CHECK: %[[NEEDED:.*]] = arith.cmpi sgt, %[[LAST]], %[[END]] : i32
    // CHECK: scf.if %[[NEEDED]] -> (vector<16xf32>)
    // CHECK-COUNT-16: arith.select
    // CHECK: } else {
    // CHECK-NEXT: scf.yield %[[B0]] : vector<16xf32>
    %m = attn.mask %s kv %kv q %row limit %limit diagonal %diagonal : !attn.tile<32x32xf32, mfma_c>
    attn.store %m, %view[%row] : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xf16>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @softmax
  gpu.func @softmax(%s: !attn.tile<32x32xf32, mfma_c>, %m: !attn.tile<1x32xf32, columns>,
                    %l: !attn.tile<1x32xf32, columns>, %scale: f32, %v: !attn.tile<32x32xbf16, mfma_a>,
                    %o: !attn.tile<32x32xf32, mfma_c>, %ov: !attn.view<?x32xbf16>, %lv: !attn.view<?x1xf32>,
                    %row: i32) kernel attributes {known_block_size = array<i32: 256, 1, 1>} {
    // 15 for the registers, one between the halves, one with the old maximum.
    // CHECK-COUNT-15: arith.maxnumf
    // GFX950: rocdl.permlane32.swap
    // GFX942: rocdl.ds_bpermute
    // CHECK: arith.maxnumf
    // The maximum follows only if some column of the wave has outgrown it.
    // CHECK: %[[OUTGROWN:.*]] = rocdl.ballot %{{.*}} : i64
    // CHECK: %[[ANY:.*]] = arith.cmpi ne, %[[OUTGROWN]]
    // CHECK: %[[LARGER:.*]] = arith.maxnumf
    // CHECK: arith.select %[[ANY]], %[[LARGER]], %{{.*}} : f32
    %m1 = attn.raise_max %m by %s scale %scale threshold 8.0 : !attn.tile<1x32xf32, columns>, !attn.tile<32x32xf32, mfma_c>
    // What is subtracted is finite.
    // CHECK: arith.maxnumf %{{.*}}, %cst{{.*}} : f32
    // CHECK-COUNT-16: llvm.intr.fma
    // CHECK-NOT: llvm.intr.fma
    %x = attn.shift_scores %s by %m1 scale %scale : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    // CHECK-COUNT-10: rocdl.exp2
    // CHECK-NOT: rocdl.exp2
    %w = attn.exp2 %x[3 to 13] : !attn.tile<32x32xf32, mfma_c>
    // GFX950-COUNT-8: arith.truncf %{{.*}} : vector<2xf32> to vector<2xbf16>
    // No NaN test: a NaN in P shows in the sum.
    // GFX942-NOT: arith.truncf
    // GFX942-NOT: arith.cmpf uno
    // GFX942-COUNT-2: vector.bitcast %{{.*}} : vector<4xi32> to vector<8xbf16>
    %p = attn.pack %w : !attn.tile<32x32xf32, mfma_c> -> !attn.tile<32x32xbf16, mfma_b>
    // One branch for O and the row sums.
    // CHECK: rocdl.ballot
    // CHECK: scf.if %{{.*}} -> (vector<16xf32>, f32)
    // CHECK-NOT: incperflevel
    // COUNT: rocdl.ballot
    // COUNT: llvm.call_intrinsic "llvm.amdgcn.s.incperflevel"(%[[CHECKS:.*]]) : (i32)
    // COUNT-NEXT: scf.if
    // COUNT-NEXT: llvm.call_intrinsic "llvm.amdgcn.s.incperflevel"(%[[TAKEN:.*]]) : (i32)
    // COUNT-NEXT: arith.subf
    // CHECK: rocdl.exp2
    // CHECK: arith.mulf %{{.*}} : vector<16xf32>
    // CHECK: arith.mulf %{{.*}} : f32
    // CHECK: } else {
    // CHECK-NEXT: scf.yield %{{.*}} : vector<16xf32>, f32
    %o1, %l0 = attn.rescale %o, %l from %m to %m1 : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns> by !attn.tile<1x32xf32, columns>
    // CHECK-COUNT-16: arith.addf
    %l1 = attn.sum_rows %w to %l0 : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    %o2 = attn.mma %v, %p, %o1 : !attn.tile<32x32xbf16, mfma_a>, !attn.tile<32x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
    // CHECK: rocdl.rcp
    // CHECK: rocdl.log
    %o3, %lse = attn.finalize %o2, %m1, %l1 : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    attn.store %o3, %ov[%row] : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xbf16>
    // The lower half-wave alone stores the LSE.
    // CHECK: scf.if
    // CHECK: rocdl.raw.ptr.buffer.store %{{.*}} : f32
    attn.store %lse, %lv[%row] : !attn.tile<1x32xf32, columns>, !attn.view<?x1xf32>
    gpu.return
  }
}
