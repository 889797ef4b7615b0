// RUN: flydsl-opt %s --verify-roundtrip | FileCheck %s

!q = memref<?x?x8x128xbf16>

// CHECK-LABEL: func @forward
func.func @forward(%q: !q, %cap: f32, %bias: memref<1x8x1x?xf32>, %heads: memref<8xf32>, %ids: memref<?xi32>) {
  // CHECK: attn.forward ins({{.*}}) softcap(%{{.*}}) bias(%{{.*}} : memref<1x8x1x?xf32>) alibi(%{{.*}} : memref<8xf32>) sink(%{{.*}} : memref<8xf32>) outs({{.*}}) {mask = #attn.chunked<size = 64>}
  attn.forward ins(%q, %q, %q : !q, !q, !q) softcap(%cap) bias(%bias : memref<1x8x1x?xf32>)
    alibi(%heads : memref<8xf32>) sink(%heads : memref<8xf32>) outs(%q : !q)
    {mask = #attn.chunked<size = 64>}
  // CHECK: attn.forward {{.*}} captures(%{{.*}}, %{{.*}} : memref<?xi32>, f32) outs({{.*}}) score_mod {
  // CHECK: attn.yield %{{.*}} : f32
  // CHECK: } mask_mod {
  // CHECK: attn.yield %{{.*}} : i1
  attn.forward ins(%q, %q, %q : !q, !q, !q) captures(%ids, %cap : memref<?xi32>, f32) outs(%q : !q) score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %d: memref<?xi32>, %c: f32):
    %x = arith.mulf %s, %c : f32
    attn.yield %x : f32
  } mask_mod {
  ^bb0(%b: index, %h: index, %i: index, %j: index, %d: memref<?xi32>, %c: f32):
    %x = memref.load %d[%i] : memref<?xi32>
    %y = memref.load %d[%j] : memref<?xi32>
    %z = arith.cmpi eq, %x, %y : i32
    attn.yield %z : i1
  }
  return
}

// CHECK-LABEL: func @combine
func.func @combine(%o: memref<2x1x8x64xf16>, %p: memref<4x2x8x1x64xf32>, %m: memref<4x2x8x1xf32>, %sink: memref<8xf32>) {
  // CHECK: attn.combine ins({{.*}}) sink(%{{.*}} : memref<8xf32>) outs
  attn.combine ins(%p, %m, %m : memref<4x2x8x1x64xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
    sink(%sink : memref<8xf32>) outs(%o : memref<2x1x8x64xf16>)
  return
}

// CHECK-LABEL: func @tiles
func.func @tiles(%s: !attn.tile<64x32xf32, mfma_c>, %o: !attn.tile<128x32xf32, mfma_c>, %l: !attn.tile<1x32xf32, columns>,
                 %x: f32, %n: i32, %p: !llvm.ptr<1>, %stride: i64) {
  // CHECK: attn.modify_scores %{{.*}} scale %{{.*}} kv %{{.*}} q %{{.*}} rows %{{.*}} limit %{{.*}} batch %{{.*}} head %{{.*}} group %{{.*}} captures(%{{.*}}, %{{.*}} : !llvm.ptr<1>, i64) : !attn.tile<64x32xf32, mfma_c> {
  %a = attn.modify_scores %s scale %x kv %n q %n rows %n limit %n batch %n head %n group %n
      captures(%p, %stride : !llvm.ptr<1>, i64) : !attn.tile<64x32xf32, mfma_c> {
  ^bb0(%v: f32, %b: index, %h: index, %i: index, %j: index, %m: memref<?xf32, strided<[?]>>):
    %y = memref.load %m[%j] : memref<?xf32, strided<[?]>>
    attn.yield %y : f32
  }
  // CHECK: attn.add_sink %{{.*}}, %{{.*}}, %{{.*}} with %{{.*}} : !attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  %b:3 = attn.add_sink %o, %l, %l with %l : !attn.tile<128x32xf32, mfma_c>, !attn.tile<1x32xf32, columns>
  // CHECK: attn.mask %{{.*}} diagonal %{{.*}} chunk %{{.*}} :
  %c = attn.mask %s kv %n q %n limit %n diagonal %n chunk %n : !attn.tile<64x32xf32, mfma_c>
  return
}
