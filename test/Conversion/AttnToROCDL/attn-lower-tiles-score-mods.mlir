// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx950},canonicalize,cse))" | FileCheck %s
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-tiles{chip=gfx942},canonicalize,cse))" | FileCheck %s

!s = !attn.tile<32x32xf32, mfma_c>
!c = !attn.tile<1x32xf32, columns>

gpu.module @kernels {
  // What depends on neither score nor column is done once a lane; the load by
  // the column and the product once a register.
  // CHECK-LABEL: gpu.func @modify
  // CHECK-SAME: %[[S:[a-z0-9]+]]: vector<16xf32>, %[[SCALE:[a-z0-9]+]]: f32, %[[KV:[a-z0-9]+]]: i32, %[[Q:[a-z0-9]+]]: i32, %[[ROWS:[a-z0-9]+]]: i32, %[[LIMIT:[a-z0-9]+]]: i32, %[[N:[a-z0-9]+]]: i32, %[[SLOPES:[a-z0-9]+]]: !llvm.ptr<1>, %[[STRIDE:[a-z0-9]+]]: i64, %[[BIAS:[a-z0-9]+]]: !llvm.ptr<1>
  // CHECK: %[[ROW:.*]] = arith.addi %[[Q]], %{{.*}} : i32
  // CHECK: %[[LAST:.*]] = arith.addi %[[ROWS]], %{{.*}} : i32
  // CHECK: %[[PRESENT:.*]] = arith.minsi %[[ROW]], %[[LAST]] : i32
  // CHECK: %[[QUERY:.*]] = arith.divui %[[PRESENT]], %[[N]] : i32
  // CHECK: %[[SLOPE:.*]] = llvm.load %{{.*}} invariant {alignment = 4 : i64} : !llvm.ptr<1> -> f32
  // CHECK: %[[END:.*]] = arith.addi %[[LIMIT]], %{{.*}} : i32
  // CHECK: %[[X:.*]] = vector.extract %[[S]][0]
  // CHECK: %[[NATURAL:.*]] = arith.mulf %[[X]], %[[SCALE]] : f32
  // CHECK: llvm.load %{{.*}} invariant {alignment = 2 : i64} : !llvm.ptr<1> -> bf16
  // CHECK-COUNT-15: llvm.load %{{.*}} invariant {alignment = 2 : i64} : !llvm.ptr<1> -> bf16
  // CHECK-NOT: llvm.load
  // CHECK-NOT: memref.load
  // CHECK: vector.from_elements
  gpu.func @modify(%s: !s, %scale: f32, %kv: i32, %q: i32, %rows: i32, %limit: i32, %n: i32,
                   %slopes: !llvm.ptr<1>, %stride: i64, %bias: !llvm.ptr<1>, %out: !attn.view<?x32xf16>)
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %m = attn.modify_scores %s scale %scale kv %kv q %q rows %rows limit %limit batch %n head %n group %n
        captures(%slopes, %stride, %bias, %stride : !llvm.ptr<1>, i64, !llvm.ptr<1>, i64) : !s {
    ^bb0(%x: f32, %b: index, %h: index, %i: index, %j: index, %sl: memref<?xf32, strided<[?]>>, %bi: memref<?xbf16>):
      %slope = memref.load %sl[%h] : memref<?xf32, strided<[?]>>
      %y = arith.mulf %x, %slope : f32
      %z = memref.load %bi[%j] : memref<?xbf16>
      %w = arith.extf %z : bf16 to f32
      %t = arith.addf %y, %w : f32
      attn.yield %t : f32
    }
    attn.store %m, %out[%kv] : !s, !attn.view<?x32xf16>
    gpu.return
  }

  // tanh by its series near 0, and by 2^x elsewhere. Without a limit no column
  // is compared with one.
  // CHECK-LABEL: gpu.func @softcap
  // CHECK-NOT: memref
  // CHECK: rocdl.exp2
  // CHECK: rocdl.rcp
  // CHECK: llvm.intr.copysign
  // CHECK: %[[NEAR:.*]] = arith.cmpf olt, %{{.*}}, %{{.*}} : f32
  // CHECK: arith.select %[[NEAR]], %{{.*}}, %{{.*}} : f32
  gpu.func @softcap(%s: !s, %scale: f32, %kv: i32, %out: !attn.view<?x32xf16>)
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %m = attn.modify_scores %s scale %scale kv %kv q %kv rows %kv batch %kv head %kv : !s {
    ^bb0(%x: f32, %b: index, %h: index, %i: index, %j: index):
      %y = math.tanh %x : f32
      attn.yield %y : f32
    }
    attn.store %m, %out[%kv] : !s, !attn.view<?x32xf16>
    gpu.return
  }

  // CHECK-LABEL: gpu.func @sink
  // CHECK-SAME: %[[O:[a-z0-9]+]]: vector<16xf32>, %[[M:[a-z0-9]+]]: f32, %[[L:[a-z0-9]+]]: f32, %[[SINK:[a-z0-9]+]]: f32
  // CHECK: %[[TWO:.*]] = arith.mulf %[[SINK]], %{{.*}} : f32
  // CHECK: %[[MAX:.*]] = arith.maxnumf %[[M]], %[[TWO]] : f32
  // CHECK: %[[BASE:.*]] = arith.maxnumf %[[MAX]], %{{.*}} : f32
  // CHECK: %[[D:.*]] = arith.subf %[[M]], %[[BASE]] : f32
  // CHECK: %[[KEEP:.*]] = rocdl.exp2 %[[D]]
  // CHECK: %[[E:.*]] = arith.subf %[[TWO]], %[[BASE]] : f32
  // CHECK: %[[WEIGHT:.*]] = rocdl.exp2 %[[E]]
  // CHECK: llvm.intr.fma(%[[L]], %[[KEEP]], %[[WEIGHT]])
  gpu.func @sink(%o: !s, %m: !c, %l: !c, %sink: !c, %row: i32, %out: !attn.view<?x32xf16>, %rows: !attn.view<?x1xf32>)
      attributes {known_block_size = array<i32: 64, 1, 1>} {
    %a:3 = attn.add_sink %o, %m, %l with %sink : !s, !c
    attn.store %a#0, %out[%row] : !s, !attn.view<?x32xf16>
    attn.store %a#1, %rows[%row] : !c, !attn.view<?x1xf32>
    attn.store %a#2, %rows[%row] : !c, !attn.view<?x1xf32>
    gpu.return
  }
}
