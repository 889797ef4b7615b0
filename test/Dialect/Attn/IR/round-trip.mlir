// RUN: flydsl-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @forward_memref
func.func @forward_memref(%q: memref<2x512x8x128xbf16>, %k: memref<2x300x2x128xbf16>,
                          %v: memref<2x300x2x128xbf16>, %o: memref<2x512x8x128xbf16>,
                          %lse: memref<2x8x512xf32>) {
  // CHECK: attn.forward ins(%{{.*}}, %{{.*}}, %{{.*}} : {{.*}}) outs(%{{.*}} : memref<2x512x8x128xbf16>)
  // CHECK-NOT: mask
  attn.forward ins(%q, %k, %v : memref<2x512x8x128xbf16>, memref<2x300x2x128xbf16>, memref<2x300x2x128xbf16>)
               outs(%o : memref<2x512x8x128xbf16>)
  // CHECK: attn.forward
  // CHECK-SAME: config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
  // CHECK-SAME: mask = #attn.causal<bottom_right>
  // CHECK-SAME: scale = 2.500000e-01 : f32
  attn.forward ins(%q, %k, %v : memref<2x512x8x128xbf16>, memref<2x300x2x128xbf16>, memref<2x300x2x128xbf16>)
               outs(%o, %lse : memref<2x512x8x128xbf16>, memref<2x8x512xf32>)
               {mask = #attn.causal<bottom_right>, scale = 0.25 : f32,
                config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>}
  return
}

// CHECK-LABEL: func @forward_packed
func.func @forward_packed(%q: memref<?x8x128xbf16>, %k: memref<?x2x128xbf16>, %o: memref<?x8x128xbf16>,
                          %lse: memref<8x?xf32>, %cu: memref<?xi32>, %longest: index) {
  // CHECK: attn.forward ins({{.*}}) seqlens(%[[CU:.*]], %[[CU]] max %{{.*}} : memref<?xi32>, memref<?xi32>) outs({{.*}})
  // CHECK-SAME: mask = #attn.window<left = 255, right = -1>
  attn.forward ins(%q, %k, %k : memref<?x8x128xbf16>, memref<?x2x128xbf16>, memref<?x2x128xbf16>)
               seqlens(%cu, %cu max %longest : memref<?xi32>, memref<?xi32>)
               outs(%o, %lse : memref<?x8x128xbf16>, memref<8x?xf32>) {mask = #attn.window<left = 255, right = -1>}
  return
}

// CHECK-LABEL: func @forward_tensor
func.func @forward_tensor(%q: tensor<?x8x?x64xf16>, %k: tensor<?x8x?x64xf16>,
                          %v: tensor<?x8x?x64xf16>, %o: tensor<?x8x?x64xf16>) -> tensor<?x8x?x64xf16> {
  // CHECK: attn.forward
  // CHECK-SAME: layout = #attn.layout<bhsd>
  // CHECK-SAME: mask = #attn.causal<top_left>
  // CHECK-SAME: -> tensor<?x8x?x64xf16>
  %r = attn.forward ins(%q, %k, %v : tensor<?x8x?x64xf16>, tensor<?x8x?x64xf16>, tensor<?x8x?x64xf16>)
                    outs(%o : tensor<?x8x?x64xf16>)
                    {layout = #attn.layout<bhsd>, mask = #attn.causal<top_left>} -> tensor<?x8x?x64xf16>
  return %r : tensor<?x8x?x64xf16>
}

// CHECK-LABEL: func @tiles
func.func @tiles(%p: !llvm.ptr<1>, %offset: i64, %stride: i64, %rows: i32, %row: i32,
                 %flip: i32, %scale: f32) {
  // CHECK: attn.view %{{.*}}[%{{.*}}] rows %{{.*}} stride %{{.*}} : !attn.view<?x128xbf16>
  %view = attn.view %p[%offset] rows %rows stride %stride : !attn.view<?x128xbf16>
  // CHECK: attn.view %{{.*}}[%{{.*}}] rows %{{.*}} stride %{{.*}} : !attn.view<?x128xbf16, far>
  %farView = attn.view %p[%offset] rows %rows stride %stride : !attn.view<?x128xbf16, far>
  %lseView = attn.view %p[%offset] rows %rows stride %stride : !attn.view<?x1xf32>
  // CHECK: attn.load %{{.*}}[%{{.*}}] transposed : !attn.view<?x128xbf16> -> !attn.tile<128x32xbf16, mfma_b>
  %q0 = attn.load %view[%row] transposed : !attn.view<?x128xbf16> -> !attn.tile<128x32xbf16, mfma_b>
  // CHECK: attn.flip_sign
  %q = attn.flip_sign %q0 by %flip : !attn.tile<128x32xbf16, mfma_b>
  %rows0 = attn.alloc_slot "rows" : !attn.slot<128x32xbf16, rows>
  // CHECK: attn.load %{{.*}}[%{{.*}}] transposed through %{{.*}}[%{{.*}}] : !attn.view<?x128xbf16>, !attn.slot<128x32xbf16, rows> -> !attn.tile<128x32xbf16, mfma_b>
  %q1 = attn.load %view[%row] transposed through %rows0[%row] : !attn.view<?x128xbf16>, !attn.slot<128x32xbf16, rows> -> !attn.tile<128x32xbf16, mfma_b>
  // CHECK: attn.alloc_slot "k0" : !attn.slot<64x128xbf16, rows>
  %k0 = attn.alloc_slot "k0" : !attn.slot<64x128xbf16, rows>
  %v0 = attn.alloc_slot "v0" : !attn.slot<64x128xbf16, transposed>
  // CHECK: attn.fetch %{{.*}}[%{{.*}}] into %{{.*}} : !attn.view<?x128xbf16>, !attn.slot<64x128xbf16, rows> -> !attn.inflight<64x128xbf16>
  %f = attn.fetch %view[%row] into %k0 : !attn.view<?x128xbf16>, !attn.slot<64x128xbf16, rows> -> !attn.inflight<64x128xbf16>
  // CHECK: attn.land
  attn.land %f into %k0 : !attn.inflight<64x128xbf16>, !attn.slot<64x128xbf16, rows>
  // CHECK: attn.sync
  attn.sync
  // CHECK: attn.read %{{.*}} : !attn.slot<64x128xbf16, rows> -> !attn.tile<64x128xbf16, mfma_a>
  %k = attn.read %k0 : !attn.slot<64x128xbf16, rows> -> !attn.tile<64x128xbf16, mfma_a>
  // CHECK: attn.read %{{.*}} : !attn.slot<64x128xbf16, transposed> -> !attn.tile<128x64xbf16, mfma_a>
  %v = attn.read %v0 : !attn.slot<64x128xbf16, transposed> -> !attn.tile<128x64xbf16, mfma_a>
  // CHECK: attn.splat %{{.*}} : !attn.tile<64x32xf32, mfma_c>
  %zero = attn.splat %scale : !attn.tile<64x32xf32, mfma_c>
  %o = attn.splat %scale : !attn.tile<128x32xf32, mfma_c>
  %m = attn.splat %scale : !attn.tile<1x32xf32, columns>
  // CHECK: attn.mma
  %s = attn.mma %k, %q, %zero : !attn.tile<64x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<64x32xf32, mfma_c>
  // CHECK: attn.read %{{.*}}[%{{.*}}] : !attn.slot<64x128xbf16, rows> -> !attn.tile<32x128xbf16, mfma_a>
  %kHead = attn.read %k0[%row] : !attn.slot<64x128xbf16, rows> -> !attn.tile<32x128xbf16, mfma_a>
  %zeroHead = attn.splat %scale : !attn.tile<32x32xf32, mfma_c>
  %sHead = attn.mma %kHead, %q, %zeroHead : !attn.tile<32x128xbf16, mfma_a>, !attn.tile<128x32xbf16, mfma_b>, !attn.tile<32x32xf32, mfma_c>
  // CHECK: attn.concat %{{.*}}, %{{.*}} : !attn.tile<32x32xf32, mfma_c> -> !attn.tile<64x32xf32, mfma_c>
  %twice = attn.concat %sHead, %sHead : !attn.tile<32x32xf32, mfma_c> -> !attn.tile<64x32xf32, mfma_c>
  // CHECK: attn.mask %{{.*}} kv %{{.*}} q %{{.*}} limit %{{.*}} diagonal %{{.*}} : !attn.tile<64x32xf32, mfma_c>
  %s1 = attn.mask %s kv %row q %row limit %rows diagonal %row : !attn.tile<64x32xf32, mfma_c>
  // CHECK: attn.mask %{{.*}} kv %{{.*}} q %{{.*}} limit %{{[a-z0-9]*}} : !attn.tile<64x32xf32, mfma_c>
  %s2 = attn.mask %s1 kv %row q %row limit %rows : !attn.tile<64x32xf32, mfma_c>
  // CHECK: attn.mask %{{.*}} kv %{{.*}} q %{{.*}} limit %{{.*}} diagonal %{{.*}} lower %{{.*}} : !attn.tile<64x32xf32, mfma_c>
  %s3 = attn.mask %s1 kv %row q %row limit %rows diagonal %row lower %row : !attn.tile<64x32xf32, mfma_c>
  // CHECK: attn.softmax_step
  %pr, %m1, %l1 = attn.softmax_step %s2, %m, %m scale %scale
      : !attn.tile<64x32xf32, mfma_c>, !attn.tile<1x32xf32, columns> -> !attn.tile<64x32xbf16, mfma_b>
  // CHECK: attn.rescale
  %o1, %l2 = attn.rescale %o, %l1 from %m to %m1
      : !attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns> by !attn.tile<1x32xf32, columns>
  // CHECK: attn.raise_max %{{.*}} by %{{.*}} scale %{{.*}} threshold 8.000000e+00
  %m2 = attn.raise_max %m1 by %s2 scale %scale threshold 8.0 : !attn.tile<1x32xf32, columns>, !attn.tile<64x32xf32, mfma_c>
  // CHECK: attn.shift_scores %{{.*}} by %{{.*}} scale
  %x = attn.shift_scores %s2 by %m2 scale %scale : !attn.tile<64x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  // CHECK: attn.exp2 %{{.*}}[0 to 14]
  %w = attn.exp2 %x[0 to 14] : !attn.tile<64x32xf32, mfma_c>
  // CHECK: attn.sum_rows %{{.*}} to
  %l3 = attn.sum_rows %w to %l2 : !attn.tile<64x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  // CHECK: attn.pack
  %p2 = attn.pack %w : !attn.tile<64x32xf32, mfma_c> -> !attn.tile<64x32xbf16, mfma_b>
  %o2 = attn.mma %v, %pr, %o1 : !attn.tile<128x64xbf16, mfma_a>, !attn.tile<64x32xbf16, mfma_b>, !attn.tile<128x32xf32, mfma_c>
  // CHECK: attn.finalize
  %o3, %lse = attn.finalize %o2, %m1, %l1 : !attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  // CHECK: attn.store
  attn.store %o3, %view[%row] : !attn.tile<128x32xf32, mfma_c>, !attn.view<?x128xbf16>
  attn.store %lse, %lseView[%row] : !attn.tile<1x32xf32, columns>, !attn.view<?x1xf32>
  return
}

// CHECK-LABEL: func @schedule
func.func @schedule(%kv: !attn.view<?x128xbf16>, %lo: i32, %hi: i32, %lds: !llvm.ptr<3>) {
  %c64 = arith.constant 64 : i32
  %k0 = attn.alloc_slot "k0" : !attn.slot<64x128xbf16, rows>
  %k1 = attn.alloc_slot "k1" : !attn.slot<64x128xbf16, rows>
  %q0 = attn.alloc_slot "q" : !attn.slot<256x128xbf16, rows>
  // CHECK: attn.pipeline groups = 2 lag = 1 interval = 2 {
  attn.pipeline groups = 2 lag = 1 interval = 2 {
    scf.for %t = %lo to %hi step %c64 : i32 {
      // CHECK: attn.cycle_slots %{{.*}}, %{{.*}} : !attn.slot<64x128xbf16, rows>, !attn.slot<64x128xbf16, rows>
      %k = attn.cycle_slots %k0, %k1 : !attn.slot<64x128xbf16, rows>, !attn.slot<64x128xbf16, rows>
      // CHECK: attn.cluster{{ +}}memory at -2 {
      attn.cluster memory at -2 {
        %f = attn.fetch %kv[%t] into %k : !attn.view<?x128xbf16>, !attn.slot<64x128xbf16, rows> -> !attn.inflight<64x128xbf16>
        attn.land %f into %k : !attn.inflight<64x128xbf16>, !attn.slot<64x128xbf16, rows>
      }
      // CHECK: %{{.*}} = attn.cluster{{ +}}memory at 0 -> (!attn.tile<64x128xbf16, mfma_a>) {
      %0 = attn.cluster memory at 0 -> (!attn.tile<64x128xbf16, mfma_a>) {
        %1 = attn.read %k : !attn.slot<64x128xbf16, rows> -> !attn.tile<64x128xbf16, mfma_a>
        // CHECK: attn.yield %{{.*}} : !attn.tile<64x128xbf16, mfma_a>
        attn.yield %1 : !attn.tile<64x128xbf16, mfma_a>
      }
    }
  }
  // CHECK: attn.pipeline groups = 2 lag = 1 {
  attn.pipeline groups = 2 lag = 1 {
    // CHECK: attn.cluster{{ +}}compute {
    attn.cluster compute {
    }
    // CHECK: attn.cluster{{ +}}memory {
    attn.cluster memory {
      // CHECK: attn.read %{{.*}}[%{{.*}}] : !attn.slot<256x128xbf16, rows> -> !attn.tile<128x32xbf16, mfma_b>
      %1 = attn.read %q0[%lo] : !attn.slot<256x128xbf16, rows> -> !attn.tile<128x32xbf16, mfma_b>
      // CHECK: attn.await %{{.*}} : !llvm.ptr<3>
      attn.await %lds : !llvm.ptr<3>
    }
  }
  return
}
