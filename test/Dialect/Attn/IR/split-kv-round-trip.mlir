// RUN: flydsl-opt %s --verify-roundtrip | FileCheck %s

// CHECK-LABEL: func @operators
func.func @operators(%q: memref<2x1x8x128xbf16>, %k: memref<2x9000x2x128xbf16>, %o: memref<2x1x8x128xbf16>,
                     %parts: memref<4x2x8x1x128xf32>, %max: memref<4x2x8x1xf32>, %sum: memref<4x2x8x1xf32>,
                     %lse: memref<2x8x1xf32>) {
  // CHECK: attn.forward ins({{.*}}) outs(%{{.*}}, %{{.*}}, %{{.*}} : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
  // CHECK-SAME: config = #attn.config<schedule = generic, waves = 1, rows_per_wave = 32, kv_tile = 32, slots = 2, splits = 4, pack_gqa = true>
  attn.forward ins(%q, %k, %k : memref<2x1x8x128xbf16>, memref<2x9000x2x128xbf16>, memref<2x9000x2x128xbf16>)
               outs(%parts, %max, %sum : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
               {config = #attn.config<schedule = generic, waves = 1, rows_per_wave = 32, kv_tile = 32, slots = 2,
                                      splits = 4, pack_gqa = true>}
  // CHECK: attn.combine ins(%{{.*}}, %{{.*}}, %{{.*}} : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>) outs(%{{.*}}, %{{.*}} : memref<2x1x8x128xbf16>, memref<2x8x1xf32>)
  attn.combine ins(%parts, %max, %sum : memref<4x2x8x1x128xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
               outs(%o, %lse : memref<2x1x8x128xbf16>, memref<2x8x1xf32>)
  return
}

// CHECK-LABEL: func @packed_tensors
func.func @packed_tensors(%q: tensor<?x8x64xf16>, %k: tensor<?x2x64xf16>, %o: tensor<?x8x64xf16>, %cu: tensor<?xi32>,
                          %longest: index, %parts: tensor<?x8x?x64xf32>, %rows: tensor<?x8x?xf32>) -> tensor<?x8x64xf16> {
  %p:3 = attn.forward ins(%q, %k, %k : tensor<?x8x64xf16>, tensor<?x2x64xf16>, tensor<?x2x64xf16>)
                      seqlens(%cu, %cu max %longest : tensor<?xi32>, tensor<?xi32>)
                      outs(%parts, %rows, %rows : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>)
                      -> tensor<?x8x?x64xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>
  // CHECK: attn.combine ins({{.*}}) outs({{.*}}) -> tensor<?x8x64xf16>
  %r = attn.combine ins(%p#0, %p#1, %p#2 : tensor<?x8x?x64xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>)
                    outs(%o : tensor<?x8x64xf16>) -> tensor<?x8x64xf16>
  return %r : tensor<?x8x64xf16>
}

// CHECK-LABEL: func @tiles
func.func @tiles(%p: !llvm.ptr<1>, %n: i32, %x: i64, %o: !attn.tile<32x32xf32, mfma_c>, %m: !attn.tile<1x32xf32, columns>,
                 %l: !attn.tile<1x32xf32, columns>, %s: !attn.tile<64x32xf32, mfma_c>) {
  // CHECK: attn.view %{{.*}}[%{{.*}}] rows %{{.*}} stride %{{.*}} group %{{.*}} inner %{{.*}} : !attn.view<?x128xbf16, grouped>
  %v = attn.view %p[%x] rows %n stride %x group %n inner %x : !attn.view<?x128xbf16, grouped>
  // CHECK: attn.add_halves %{{.*}} : !attn.tile<1x32xf32, columns>
  %whole = attn.add_halves %l : !attn.tile<1x32xf32, columns>
  // CHECK: attn.merge %{{.*}}, %{{.*}}, %{{.*}} with %{{.*}}, %{{.*}}, %{{.*}} : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  %o1, %m1, %l1 = attn.merge %o, %m, %whole with %o, %m, %whole : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  // CHECK: attn.finalize %{{.*}}, %{{.*}}, %{{.*}} whole : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  %o2, %lse = attn.finalize %o1, %m1, %l1 whole : !attn.tile<32x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  // CHECK: attn.mask %{{.*}} kv %{{.*}} q %{{.*}} limit %{{.*}} diagonal %{{.*}} group %{{.*}} : !attn.tile<64x32xf32, mfma_c>
  %w = attn.mask %s kv %n q %n limit %n diagonal %n group %n : !attn.tile<64x32xf32, mfma_c>
  return
}
