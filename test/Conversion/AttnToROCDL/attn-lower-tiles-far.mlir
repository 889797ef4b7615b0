// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx950},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX950
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX942

// Each access to a far view has a resource of its own that begins at its first
// row: the address is computed in 64 bits, the size is that of the rows which
// are left, but no more than 256. No row is left before row 0 either.

gpu.module @kernels {
  // CHECK-LABEL: gpu.func @fetch
  // CHECK-SAME: %[[P:.*]]: !llvm.ptr<1>, %[[N:.*]]: i32, %[[X:.*]]: i64, %[[ROW:.*]]: i32)
  gpu.func @fetch(%p: !llvm.ptr<1>, %n: i32, %x: i64, %row: i32) kernel
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
    // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : i32
    // CHECK-DAG: %[[C128:.*]] = arith.constant 128 : i32
    // CHECK-DAG: %[[C256:.*]] = arith.constant 256 : i32
    // CHECK: %[[BASE:.*]] = llvm.getelementptr %[[P]][%[[X]]]
    // CHECK: %[[STRIDE:.*]] = arith.trunci %{{.*}} : i64 to i32
    %v = attn.view %p[%x] rows %n stride %x : !attn.view<?x64xbf16, far>
    %k0 = attn.alloc_slot "k0" : !attn.slot<64x64xbf16, rows>
    // CHECK-DAG: %[[WIDEROW:.*]] = arith.extui %[[ROW]] : i32 to i64
    // CHECK-DAG: %[[WIDESTRIDE:.*]] = arith.extui %[[STRIDE]] : i32 to i64
    // CHECK: %[[DISTANCE:.*]] = arith.muli %[[WIDEROW]], %[[WIDESTRIDE]] : i64
    // CHECK: %[[START:.*]] = llvm.getelementptr %[[BASE]][%[[DISTANCE]]] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, i8
    // CHECK: %[[LEFT:.*]] = arith.subi %[[N]], %[[ROW]]
    // CHECK: %[[TILE:.*]] = arith.minui %[[LEFT]], %[[C256]]
    // CHECK: %[[LAST:.*]] = arith.subi %[[TILE]], %[[C1]]
    // CHECK: %[[BEFORE:.*]] = arith.muli %[[LAST]], %[[STRIDE]] : i32
    // CHECK: %[[SIZE:.*]] = arith.addi %[[BEFORE]], %[[C128]] : i32
    // CHECK: %[[THERE:.*]] = arith.cmpi ult, %[[ROW]], %[[N]]
    // CHECK: %[[RECORDS:.*]] = arith.select %[[THERE]], %[[SIZE]], %[[C0]]
    // CHECK: %[[BYTES:.*]] = arith.extui %[[RECORDS]] : i32 to i64
    // CHECK: %[[BUFFER:.*]] = rocdl.make.buffer.rsrc %[[START]], %{{.*}}, %[[BYTES]],
    // What is uniform counts from there.
    // GFX950: rocdl.raw.ptr.buffer.load.lds %[[BUFFER]], %{{.*}}, %{{.*}}, %[[OFFSET:.*]], %[[C0]], %[[C0]], %[[C0]]
    // GFX950: %[[NEXT:.*]] = arith.muli %[[STRIDE]], %{{.*}} : i32
    // GFX950: rocdl.raw.ptr.buffer.load.lds %[[BUFFER]], %{{.*}}, %{{.*}}, %[[OFFSET]], %[[NEXT]], %[[C0]], %[[C0]]
    // GFX942: rocdl.raw.ptr.buffer.load %[[BUFFER]], %[[OFFSET:.*]], %[[C0]], %[[C0]] : vector<4xi32>
    // GFX942: %[[NEXT:.*]] = arith.muli %[[STRIDE]], %{{.*}} : i32
    // GFX942: rocdl.raw.ptr.buffer.load %[[BUFFER]], %[[OFFSET]], %[[NEXT]], %[[C0]] : vector<4xi32>
    %f = attn.fetch %v[%row] into %k0 : !attn.view<?x64xbf16, far>, !attn.slot<64x64xbf16, rows> -> !attn.inflight<64x64xbf16>
    attn.land %f into %k0 : !attn.inflight<64x64xbf16>, !attn.slot<64x64xbf16, rows>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @load_and_store
  // CHECK-SAME: %[[N:[a-z0-9]+]]: i32, %{{.*}}: i64, %[[FROM:[a-z0-9]+]]: i32, %[[TO:[a-z0-9]+]]: i32)
  gpu.func @load_and_store(%p: !llvm.ptr<1>, %n: i32, %x: i64, %from: i32, %to: i32) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %v = attn.view %p[%x] rows %n stride %x : !attn.view<?x64xbf16, far>
    // CHECK: arith.cmpi ult, %[[FROM]], %[[N]]
    // CHECK: %[[Q:.*]] = rocdl.make.buffer.rsrc
    // CHECK-COUNT-4: rocdl.raw.ptr.buffer.load %[[Q]], %{{.*}}, %c0_i32, %c0_i32 : vector<4xi32>
    %q = attn.load %v[%from] transposed : !attn.view<?x64xbf16, far> -> !attn.tile<64x32xbf16, mfma_b>
    %k0 = attn.alloc_slot "k0" : !attn.slot<64x64xbf16, rows>
    %k = attn.read %k0 : !attn.slot<64x64xbf16, rows> -> !attn.tile<64x64xbf16, mfma_a>
    %zero = arith.constant 0.0 : f32
    %acc = attn.splat %zero : !attn.tile<64x32xf32, mfma_c>
    %s = attn.mma %k, %q, %acc : !attn.tile<64x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    // CHECK: arith.cmpi ult, %[[TO]], %[[N]]
    // CHECK: %[[O:.*]] = rocdl.make.buffer.rsrc
    // GFX950-COUNT-4: rocdl.raw.ptr.buffer.store %{{.*}}, %[[O]], {{.*}} : vector<4xi32>
    // GFX942-COUNT-8: rocdl.raw.ptr.buffer.store %{{.*}}, %[[O]], {{.*}} : vector<2xi32>
    attn.store %s, %v[%to] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xbf16, far>
    gpu.return
  }

  // A wave's 32 rows of a slot, in and out.
  // CHECK-LABEL: gpu.func @through_a_slot
  // CHECK: %[[Q:.*]] = rocdl.make.buffer.rsrc
  // CHECK-COUNT-4: rocdl.raw.ptr.buffer.load %[[Q]], {{.*}} : vector<4xi32>
  // CHECK: %[[O:.*]] = rocdl.make.buffer.rsrc
  // GFX950-COUNT-4: rocdl.raw.ptr.buffer.store %{{.*}}, %[[O]], {{.*}} : vector<4xi32>
  // GFX942-COUNT-8: rocdl.raw.ptr.buffer.store %{{.*}}, %[[O]], {{.*}} : vector<2xi32>
  gpu.func @through_a_slot(%p: !llvm.ptr<1>, %n: i32, %x: i64, %row: i32, %wave_row: i32,
                           %t: !attn.tile<64x32xf32, mfma_c>) kernel
      attributes {known_block_size = array<i32: 512, 1, 1>} {
    %v = attn.view %p[%x] rows %n stride %x : !attn.view<?x64xbf16, far>
    %u = attn.view %p[%x] rows %row stride %x : !attn.view<?x64xbf16, far>
    %slot = attn.alloc_slot "rows" : !attn.slot<256x64xbf16, rows>
    %q = attn.load %u[%row] transposed through %slot[%wave_row] : !attn.view<?x64xbf16, far>, !attn.slot<256x64xbf16, rows> -> !attn.tile<64x32xbf16, mfma_b>
    attn.store %t, %v[%row] through %slot[%wave_row] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xbf16, far>, !attn.slot<256x64xbf16, rows>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @part
  // CHECK: %[[O:.*]] = rocdl.make.buffer.rsrc
  // CHECK-COUNT-4: rocdl.raw.ptr.buffer.store %{{.*}}, %[[O]], {{.*}} : vector<4xf32>
  gpu.func @part(%p: !llvm.ptr<1>, %n: i32, %x: i64, %row: i32, %t: !attn.tile<32x32xf32, mfma_c>) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %v = attn.view %p[%x] rows %n stride %x : !attn.view<?x32xf32, far>
    attn.store %t, %v[%row] : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xf32, far>
    gpu.return
  }
}
