// RUN: flydsl-opt %s --attn-tile -split-input-file | FileCheck %s

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
!q = memref<?x?x8x128xbf16, strided<[?, ?, ?, 1], offset: ?>>

// Scores are natural where the region sees them, and in base 2 behind. What is
// captured comes behind the fixed arguments: the sink's address, then a pointer
// and strides for each memref.
// CHECK-LABEL: func @score_mod
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref<{{.*}}>, %[[CAP:[a-z0-9]+]]: f32
// CHECK: gpu.launch_func @attn_fwd_bf16_d128_causal_score_mod_sink_module::@attn_fwd_bf16_d128_causal_score_mod_sink
// CHECK-SAME: %[[CAP]] : f32, %{{[0-9]+}} : !llvm.ptr<1>, %{{[a-z0-9_#]+}} : i64, %{{[a-z0-9_#]+}} : i64)
// CHECK: gpu.func @attn_fwd_bf16_d128_causal_score_mod_sink(
// CHECK-SAME: %[[SKV:[a-z0-9]+]]: i32, %{{[a-z0-9]+}}: i32, %[[SCALE:[a-z0-9]+]]: f32
// CHECK-SAME: %[[SINK:[a-z0-9]+]]: !llvm.ptr<1>, %[[C:[a-z0-9]+]]: f32, %[[M:[a-z0-9]+]]: !llvm.ptr<1>, %[[S0:[a-z0-9]+]]: i64, %[[S1:[a-z0-9]+]]: i64)
// CHECK: %[[LN2:.*]] = arith.constant 0.693147182 : f32
// CHECK: %[[NATURAL:.*]] = arith.mulf %[[SCALE]], %[[LN2]] : f32
// CHECK: %[[LOG2E:.*]] = arith.constant 1.44269502 : f32
// CHECK: scf.for %[[T:[a-z0-9]+]] =
// CHECK: %[[S:.*]] = attn.mma
// CHECK: %[[MODIFIED:.*]] = attn.modify_scores %[[S]] scale %[[NATURAL]] kv %[[T]] q %{{.*}} rows %{{.*}} limit %[[SKV]] batch %{{.*}} head %{{.*}} captures(%[[C]], %[[M]], %[[S0]], %[[S1]] : f32, !llvm.ptr<1>, i64, i64)
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %{{.*}}: index, %[[D:.*]]: f32, %{{.*}}: memref<?x2xf32>):
// CHECK-NEXT: %[[Y:.*]] = arith.mulf %[[X]], %[[D]] : f32
// CHECK-NEXT: attn.yield %[[Y]] : f32
// CHECK: %[[MASKED:.*]] = attn.mask %[[MODIFIED]]
// CHECK: attn.softmax_step %[[MASKED]], %{{.*}}, %{{.*}} scale %[[LOG2E]]
// CHECK: %[[SUM:.*]] = attn.add_halves
// CHECK: %[[SV:.*]] = attn.view %[[SINK]]
// CHECK: %[[SL:.*]] = attn.load %[[SV]]{{.*}} transposed : !attn.view<?x1xf32> -> !attn.tile<1x32xf32, columns>
// CHECK: %[[O1:.*]], %[[M1:.*]], %[[L1:.*]] = attn.add_sink %{{.*}}, %{{.*}}, %[[SUM]] with %[[SL]]
// CHECK: attn.finalize %[[O1]], %[[M1]], %[[L1]] whole
func.func @score_mod(%q: !q, %cap: f32, %m: memref<?x2xf32>, %sink: memref<8xf32>) {
  attn.forward ins(%q, %q, %q : !q, !q, !q) sink(%sink : memref<8xf32>)
      captures(%cap, %m : f32, memref<?x2xf32>) outs(%q : !q)
      {config = #config, mask = #attn.causal<bottom_right>} score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %c: f32, %n: memref<?x2xf32>):
    %x = arith.mulf %s, %c : f32
    attn.yield %x : f32
  }
  return
}

// -----

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2, pack_gqa = true>
!q = memref<?x?x8x128xbf16, strided<[?, ?, ?, 1], offset: ?>>
!kv = memref<?x?x2x128xbf16, strided<[?, ?, ?, 1], offset: ?>>

// Heads that share rows: their number goes along. The sinks of a group are
// neighbours.
// CHECK-LABEL: gpu.func @attn_fwd_bf16_d128_chunked_score_mod_sink_gqa(
// CHECK-SAME: %[[N:[a-z0-9]+]]: i32, %{{[a-z0-9]+}}: f32, %{{[a-z0-9]+}}: i32, %[[CHUNK:[a-z0-9]+]]: i32, %{{[a-z0-9]+}}: i64
// CHECK-DAG: %[[HEAD:.*]] = arith.muli %{{.*}}, %[[N]] : i32
// CHECK-DAG: arith.remui %{{.*}}, %[[CHUNK]] : i32
// CHECK: attn.modify_scores {{.*}} head %[[HEAD]] group %[[N]] :
// CHECK: attn.mask {{.*}} diagonal %{{.*}} group %[[N]] chunk %[[CHUNK]]
// CHECK: attn.view %{{.*}} group %[[N]] inner %{{.*}} : !attn.view<?x1xf32, grouped>
func.func @group(%q: !q, %k: !kv, %sink: memref<8xf32>) {
  attn.forward ins(%q, %k, %k : !q, !kv, !kv) sink(%sink : memref<8xf32>) outs(%q : !q)
      {config = #config, mask = #attn.chunked<size = 64>} score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
    attn.yield %s : f32
  }
  return
}

// -----

// CHECK-LABEL: gpu.func @attn_combine_f16_d64_sink(
// CHECK-SAME: %[[HEADS:[a-z0-9]+]]: i32, %[[SQ:[a-z0-9]+]]: i32, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %{{[a-z0-9]+}}: i64, %[[SINK:[a-z0-9]+]]: !llvm.ptr<1>)
// CHECK: %[[V:.*]] = attn.view %[[SINK]][%{{.*}}] rows %{{.*}} stride %{{.*}} group %[[SQ]] inner
// CHECK: attn.load %[[V]]
// CHECK: attn.add_sink
// CHECK: attn.finalize {{.*}} whole
func.func @combine(%o: memref<2x1x8x64xf16>, %p: memref<4x2x8x1x64xf32>, %m: memref<4x2x8x1xf32>, %sink: memref<8xf32>) {
  attn.combine ins(%p, %m, %m : memref<4x2x8x1x64xf32>, memref<4x2x8x1xf32>, memref<4x2x8x1xf32>)
    sink(%sink : memref<8xf32>) outs(%o : memref<2x1x8x64xf16>)
  return
}
