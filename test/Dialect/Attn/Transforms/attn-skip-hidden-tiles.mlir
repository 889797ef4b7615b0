// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-skip-hidden-tiles,canonicalize,cse))" | FileCheck %s

!s = !attn.tile<64x32xf32, mfma_c>

gpu.module @kernels {
  // A causal condition: a tile is hidden if its first column is behind the last
  // row of the workgroup, or the last there is.
  // CHECK-LABEL: gpu.func @causal
  // CHECK-SAME: %{{[a-z0-9]+}}: !attn.tile<64x32xf32, mfma_c>, %{{[a-z0-9]+}}: f32, %[[SQ:[a-z0-9]+]]: i32, %[[SKV:[a-z0-9]+]]: i32, %[[BLOCK:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
  // CHECK-DAG: %[[C127:.*]] = arith.constant 127 : i32
  // CHECK-DAG: %[[MINUS:.*]] = arith.constant -1 : i32
  // CHECK-DAG: %[[BACK:.*]] = arith.constant -64 : i32
  // CHECK: %[[ROW:.*]] = arith.addi %[[BLOCK]], %[[C127]] : i32
  // CHECK: %[[END:.*]] = arith.addi %[[SQ]], %[[MINUS]] : i32
  // CHECK: %[[LAST32:.*]] = arith.minsi %[[ROW]], %[[END]] : i32
  // CHECK: %[[LAST:.*]] = arith.index_cast %[[LAST32]] : i32 to index
  // CHECK: %[[LO:.*]] = scf.while (%[[T:.*]] = %[[C0]]) : (i32) -> i32 {
  // CHECK: %[[IN:.*]] = arith.cmpi slt, %[[T]], %[[SKV]] : i32
  // CHECK: %[[COLUMN:.*]] = arith.index_cast %[[T]] : i32 to index
  // CHECK: %[[HIDDEN:.*]] = arith.cmpi sgt, %[[COLUMN]], %[[LAST]] : index
  // CHECK: %[[ON:.*]] = arith.andi %[[IN]], %[[HIDDEN]] : i1
  // CHECK: scf.condition(%[[ON]]) %[[T]] : i32
  // CHECK: } do {
  // CHECK: arith.addi %{{.*}}, %[[C64]] : i32
  // CHECK: %[[HI:.*]] = scf.while (%[[E:.*]] = %{{.*}}) : (i32) -> i32 {
  // CHECK: arith.cmpi slt, %[[LO]], %[[E]] : i32
  // CHECK: %[[BEFORE:.*]] = arith.addi %[[E]], %[[BACK]] : i32
  // CHECK: %[[UPPER:.*]] = arith.minsi %[[SKV]], %[[HI]] : i32
  // CHECK: scf.for %{{.*}} = %[[LO]] to %[[UPPER]] step %[[C64]]
  gpu.func @causal(%x: !s, %scale: f32, %sq: i32, %skv: i32, %block: i32, %out: !attn.view<?x64xf16>)
      attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %wave = gpu.subgroup_id : index
    %number = arith.index_cast %wave : index to i32
    %offset = arith.muli %number, %c32 : i32
    %row = arith.addi %block, %offset : i32
    %r = scf.for %t = %c0 to %skv step %c64 iter_args(%s = %x) -> (!s) : i32 {
      %m = attn.modify_scores %s scale %scale kv %t q %row rows %sq limit %skv batch %c0 head %c0 : !s {
      ^bb0(%v: f32, %b: index, %h: index, %i: index, %j: index):
        %none = arith.constant 0xFF800000 : f32
        %past = arith.cmpi sle, %j, %i : index
        %y = arith.select %past, %v, %none : f32
        attn.yield %y : f32
      }
      scf.yield %m : !s
    }
    attn.store %r, %out[%c0] : !s, !attn.view<?x64xf16>
    gpu.return
  }

  // Left alone: a region that hides nothing; rows of which nothing is known; a
  // loop that steps over part of a tile.
  // CHECK-LABEL: gpu.func @untouched
  // CHECK-NOT: scf.while
  gpu.func @untouched(%x: !s, %scale: f32, %sq: i32, %skv: i32, %block: i32, %out: !attn.view<?x64xf16>) {
    %c0 = arith.constant 0 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %thread = gpu.thread_id x
    %lane = arith.index_cast %thread : index to i32
    %a = scf.for %t = %c0 to %skv step %c64 iter_args(%s = %x) -> (!s) : i32 {
      %m = attn.modify_scores %s scale %scale kv %t q %block rows %sq limit %skv batch %c0 head %c0 : !s {
      ^bb0(%v: f32, %b: index, %h: index, %i: index, %j: index):
        attn.yield %v : f32
      }
      scf.yield %m : !s
    }
    %d = scf.for %t = %c0 to %skv step %c64 iter_args(%s = %a) -> (!s) : i32 {
      %m = attn.modify_scores %s scale %scale kv %t q %lane rows %sq limit %skv batch %c0 head %c0 : !s {
      ^bb0(%v: f32, %b: index, %h: index, %i: index, %j: index):
        %none = arith.constant 0xFF800000 : f32
        %past = arith.cmpi sle, %j, %i : index
        %y = arith.select %past, %v, %none : f32
        attn.yield %y : f32
      }
      scf.yield %m : !s
    }
    %e = scf.for %t = %c0 to %skv step %c32 iter_args(%s = %d) -> (!s) : i32 {
      %m = attn.modify_scores %s scale %scale kv %t q %block rows %sq limit %skv batch %c0 head %c0 : !s {
      ^bb0(%v: f32, %b: index, %h: index, %i: index, %j: index):
        %none = arith.constant 0xFF800000 : f32
        %past = arith.cmpi sle, %j, %i : index
        %y = arith.select %past, %v, %none : f32
        attn.yield %y : f32
      }
      scf.yield %m : !s
    }
    attn.store %e, %out[%c0] : !s, !attn.view<?x64xf16>
    gpu.return
  }
}
