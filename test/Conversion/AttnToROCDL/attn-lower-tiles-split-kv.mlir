// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx950},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX950
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,GFX942

gpu.module @kernels {
  // Four registers of a block are 16 bytes of its row.
  // CHECK-LABEL: gpu.func @parts
  gpu.func @parts(%p: !llvm.ptr<1>, %n: i32, %x: i64, %y: i64, %row: i32) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %ov = attn.view %p[%x] rows %n stride %x : !attn.view<?x32xf32>
    %mv = attn.view %p[%x] rows %n stride %x : !attn.view<?x1xf32>
    %lv = attn.view %p[%y] rows %n stride %x : !attn.view<?x1xf32>
    // CHECK-COUNT-4: rocdl.raw.ptr.buffer.load %{{.*}} : vector<4xf32>
    // CHECK: rocdl.raw.ptr.buffer.load %{{.*}} : f32
    // CHECK: rocdl.raw.ptr.buffer.load %{{.*}} : f32
    %o = attn.load %ov[%row] transposed : !attn.view<?x32xf32> -> !attn.tile<32x32xf32, mfma_c>
    %m = attn.load %mv[%row] transposed : !attn.view<?x1xf32> -> !attn.tile<1x32xf32, columns>
    %l = attn.load %lv[%row] transposed : !attn.view<?x1xf32> -> !attn.tile<1x32xf32, columns>
    // GFX950: rocdl.permlane32.swap
    // GFX942: rocdl.ds_bpermute
    %whole = attn.add_halves %l : !attn.tile<1x32xf32, columns>
    // A part without weight has no maximum.
    // CHECK: arith.cmpf oeq
    // CHECK: arith.select
    // CHECK-COUNT-2: rocdl.exp2
    // CHECK: arith.mulf {{.*}} : vector<16xf32>
    // CHECK: llvm.intr.fma({{.*}}) : (vector<16xf32>, vector<16xf32>, vector<16xf32>) -> vector<16xf32>
    %o1, %m1, %l1 = attn.merge %o, %m, %whole with %o, %m, %whole : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    // The sum is whole: no exchange between half-waves.
    // CHECK-NOT: rocdl.permlane32.swap
    // CHECK-NOT: rocdl.ds_bpermute
    %o2, %lse = attn.finalize %o1, %m1, %l1 whole : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
    // CHECK-COUNT-4: rocdl.raw.ptr.buffer.store %{{.*}} : vector<4xf32>
    // CHECK-NOT: rocdl.raw.ptr.buffer.store
    attn.store %o2, %ov[%row] : !attn.tile<32x32xf32, mfma_c>, !attn.view<?x32xf32>
    gpu.return
  }

  // Row r is in group r / n at r % n. What is no row is beyond the buffer.
  // CHECK-LABEL: gpu.func @grouped
  // CHECK-SAME: %{{.*}}: !llvm.ptr<1>, %[[N:.*]]: i32, %[[GROUP:.*]]: i32,
  gpu.func @grouped(%p: !llvm.ptr<1>, %n: i32, %group: i32, %x: i64, %row: i32) kernel
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    // CHECK-DAG: %[[BEYOND:.*]] = arith.constant -2147483648 : i32
    %v = attn.view %p[%x] rows %n stride %x group %group inner %x : !attn.view<?x64xbf16, grouped>
    // CHECK: arith.divui %[[ROW:.*]], %[[GROUP]] : i32
    // CHECK: %[[HAS:.*]] = arith.cmpi ult, %[[ROW]], %[[N]]
    // CHECK: arith.select %[[HAS]], %{{.*}}, %[[BEYOND]]
    // CHECK: rocdl.raw.ptr.buffer.load %{{.*}} : vector<4xi32>
    %q = attn.load %v[%row] transposed : !attn.view<?x64xbf16, grouped> -> !attn.tile<64x32xbf16, mfma_b>
    %k0 = attn.alloc_slot "k0" : !attn.slot<64x64xbf16, rows>
    %k = attn.read %k0 : !attn.slot<64x64xbf16, rows> -> !attn.tile<64x64xbf16, mfma_a>
    %zero = arith.constant 0.0 : f32
    %acc = attn.splat %zero : !attn.tile<64x32xf32, mfma_c>
    %s = attn.mma %k, %q, %acc : !attn.tile<64x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
    // CHECK: rocdl.raw.ptr.buffer.store
    attn.store %s, %v[%row] : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x64xbf16, grouped>
    gpu.return
  }
}
