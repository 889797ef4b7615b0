// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-specialize-masks,canonicalize,cse))" | FileCheck %s
// Without the clean-up: the body of the full range differs by the mask alone.
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-specialize-masks))" | FileCheck %s --check-prefix=BODY

!view = !attn.view<?x128xbf16>
!k = !attn.tile<64x128xbf16, mfma_a>
!q = !attn.tile<128x32xbf16, mfma_b>
!s = !attn.tile<64x32xf32, mfma_c>

gpu.module @kernels {
  // Without a diagonal only the last tile can be short: full is [0, hi rounded
  // down to 64), masked the rest.
  // CHECK-LABEL: gpu.func @limit
  // CHECK-SAME: %[[K:[a-z0-9]+]]: !attn.view<?x128xbf16>, %[[Q:[a-z0-9]+]]: !attn.tile<128x32xbf16, mfma_b>, %[[X:[a-z0-9]+]]: !attn.tile<64x32xf32, mfma_c>, %[[SKV:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
  // CHECK: %[[SPAN:.*]] = arith.maxsi %[[SKV]], %[[C0]] : i32
  // CHECK: %[[PART:.*]] = arith.remui %[[SPAN]], %[[C64]] : i32
  // CHECK: %[[FULL:.*]] = arith.subi %[[SPAN]], %[[PART]] : i32
  // CHECK: %[[A:.*]] = scf.for %{{.*}} = %[[C0]] to %[[FULL]] step %[[C64]] iter_args(%{{.*}} = %[[X]])
  // CHECK-NOT: attn.mask
  // CHECK: }
  // CHECK: %[[B:.*]] = scf.for %[[T:.*]] = %[[FULL]] to %[[SKV]] step %[[C64]] iter_args(%{{.*}} = %[[A]])
  // CHECK: attn.mask %{{.*}} kv %[[T]] q %{{.*}} limit %[[SKV]] :
  // CHECK: }
  // CHECK-NOT: scf.for
  // CHECK: attn.store %[[B]]
  // BODY-LABEL: gpu.func @limit
  // BODY: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[C:.*]] = %{{.*}})
  // BODY-NEXT: %[[KF:.*]] = attn.load %{{.*}}[%[[T]]]
  // BODY-NEXT: %[[S:.*]] = attn.mma %[[KF]], %{{.*}}, %[[C]]
  // BODY-NEXT: scf.yield %[[S]]
  // BODY-NEXT: }
  // BODY-NEXT: scf.for %[[T:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[C:.*]] = %{{.*}})
  // BODY-NEXT: %[[KF:.*]] = attn.load %{{.*}}[%[[T]]]
  // BODY-NEXT: %[[S:.*]] = attn.mma %[[KF]], %{{.*}}, %[[C]]
  // BODY-NEXT: %[[M:.*]] = attn.mask %[[S]] kv %[[T]]
  // BODY-NEXT: scf.yield %[[M]]
  gpu.func @limit(%kv: !view, %q: !q, %x: !s, %skv: i32, %row: i32, %out: !attn.view<?x64xf16>) {
    %c0 = arith.constant 0 : i32
    %c64 = arith.constant 64 : i32
    %r = scf.for %t = %c0 to %skv step %c64 iter_args(%c = %x) -> (!s) : i32 {
      %k = attn.load %kv[%t] : !view -> !k
      %s = attn.mma %k, %q, %c : !k, !q, !s
      %m = attn.mask %s kv %t q %row limit %skv : !s
      scf.yield %m : !s
    }
    attn.store %r, %out[%c0] : !s, !attn.view<?x64xf16>
    gpu.return
  }

  // Under a diagonal the first row of the workgroup, that of wave 0, sees least:
  // columns up to and with %block + %d. From there on is masked, up to the
  // loop's own end. The lower bound counts, too.
  // CHECK-LABEL: gpu.func @diagonal
  // CHECK-SAME: %{{.*}}: !attn.view<?x128xbf16>, %{{.*}}, %{{.*}}, %[[SKV:[a-z0-9]+]]: i32, %[[D:[a-z0-9]+]]: i32, %[[BLOCK:[a-z0-9]+]]: i32, %[[LO:[a-z0-9]+]]: i32, %[[HI:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C1:.*]] = arith.constant 1 : i32
  // CHECK-DAG: %[[C32:.*]] = arith.constant 32 : i32
  // CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
  // CHECK: %[[WAVE:.*]] = arith.muli %{{.*}}, %[[C32]] : i32
  // CHECK: %[[ROW:.*]] = arith.addi %[[BLOCK]], %[[WAVE]] : i32
  // CHECK: %[[LAST:.*]] = arith.addi %[[BLOCK]], %[[D]] : i32
  // CHECK: %[[END:.*]] = arith.addi %[[LAST]], %[[C1]] : i32
  // CHECK: %[[SEEN:.*]] = arith.minsi %[[SKV]], %[[END]] : i32
  // CHECK: %[[INSIDE:.*]] = arith.minsi %[[SEEN]], %[[HI]] : i32
  // CHECK: %[[DIFF:.*]] = arith.subi %[[INSIDE]], %[[LO]] : i32
  // CHECK: %[[SPAN:.*]] = arith.maxsi %[[DIFF]], %[[C0]] : i32
  // CHECK: %[[PART:.*]] = arith.remui %[[SPAN]], %[[C64]] : i32
  // CHECK: %[[WHOLE:.*]] = arith.subi %[[SPAN]], %[[PART]] : i32
  // CHECK: %[[FULL:.*]] = arith.addi %[[LO]], %[[WHOLE]] : i32
  // CHECK: %[[A:.*]] = scf.for %{{.*}} = %[[LO]] to %[[FULL]] step %[[C64]]
  // CHECK-NOT: attn.mask
  // CHECK: }
  // CHECK: scf.for %[[T:.*]] = %[[FULL]] to %[[HI]] step %[[C64]] iter_args(%{{.*}} = %[[A]])
  // CHECK: attn.mask %{{.*}} kv %[[T]] q %[[ROW]] limit %[[SKV]] diagonal %[[D]] :
  gpu.func @diagonal(%kv: !view, %q: !q, %x: !s, %skv: i32, %d: i32, %block: i32, %lo: i32, %hi: i32,
                     %out: !attn.view<?x64xf16>) {
    %c0 = arith.constant 0 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %wave = gpu.subgroup_id : index
    %number = arith.index_cast %wave : index to i32
    %offset = arith.muli %number, %c32 : i32
    %row = arith.addi %block, %offset : i32
    %r = scf.for %t = %lo to %hi step %c64 iter_args(%c = %x) -> (!s) : i32 {
      %k = attn.load %kv[%t] : !view -> !k
      %s = attn.mma %k, %q, %c : !k, !q, !s
      %m = attn.mask %s kv %t q %row limit %skv diagonal %d : !s
      scf.yield %m : !s
    }
    attn.store %r, %out[%c0] : !s, !attn.view<?x64xf16>
    gpu.return
  }

  // With a lower diagonal the last row of the workgroup, row 31 of its last wave,
  // begins last: masked up to the tile behind %block + 3 * 32 + 31 + %left, full
  // from there, masked again from where the first row ends.
  // CHECK-LABEL: gpu.func @window
  // CHECK-SAME: %{{.*}}: !attn.view<?x128xbf16>, %{{.*}}, %{{.*}}, %[[SKV:[a-z0-9]+]]: i32, %[[LEFT:[a-z0-9]+]]: i32, %[[RIGHT:[a-z0-9]+]]: i32, %[[BLOCK:[a-z0-9]+]]: i32, %[[LO:[a-z0-9]+]]: i32, %[[HI:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C63:.*]] = arith.constant 63 : i32
  // CHECK-DAG: %[[C64:.*]] = arith.constant 64 : i32
  // CHECK-DAG: %[[C127:.*]] = arith.constant 127 : i32
  // CHECK: %[[LASTROW:.*]] = arith.addi %[[BLOCK]], %[[C127]] : i32
  // CHECK: %[[FROM:.*]] = arith.addi %[[LASTROW]], %[[LEFT]] : i32
  // CHECK: %[[FROMIN:.*]] = arith.minsi %[[FROM]], %[[HI]] : i32
  // CHECK: %[[DIFF0:.*]] = arith.subi %[[FROMIN]], %[[LO]] : i32
  // CHECK: %[[SPAN0:.*]] = arith.maxsi %[[DIFF0]], %[[C0]] : i32
  // CHECK: %[[UP:.*]] = arith.addi %[[SPAN0]], %[[C63]] : i32
  // CHECK: %[[PART0:.*]] = arith.remui %[[UP]], %[[C64]] : i32
  // CHECK: %[[WHOLE0:.*]] = arith.subi %[[UP]], %[[PART0]] : i32
  // CHECK: %[[BEGIN:.*]] = arith.addi %[[LO]], %[[WHOLE0]] : i32
  // CHECK: %[[LAST:.*]] = arith.addi %[[BLOCK]], %[[RIGHT]] : i32
  // CHECK: arith.minsi %[[SKV]]
  // CHECK: %[[INSIDE:.*]] = arith.minsi %{{.*}}, %[[HI]] : i32
  // CHECK: %[[DIFF:.*]] = arith.subi %[[INSIDE]], %[[BEGIN]] : i32
  // CHECK: %[[SPAN:.*]] = arith.maxsi %[[DIFF]], %[[C0]] : i32
  // CHECK: %[[PART:.*]] = arith.remui %[[SPAN]], %[[C64]] : i32
  // CHECK: %[[WHOLE:.*]] = arith.subi %[[SPAN]], %[[PART]] : i32
  // CHECK: %[[FULL:.*]] = arith.addi %[[BEGIN]], %[[WHOLE]] : i32
  // CHECK: %[[A:.*]] = scf.for %{{.*}} = %[[LO]] to %[[BEGIN]] step %[[C64]]
  // CHECK: attn.mask
  // CHECK: }
  // CHECK: %[[B:.*]] = scf.for %{{.*}} = %[[BEGIN]] to %[[FULL]] step %[[C64]] iter_args(%{{.*}} = %[[A]])
  // CHECK-NOT: attn.mask
  // CHECK: }
  // CHECK: scf.for %{{.*}} = %[[FULL]] to %[[HI]] step %[[C64]] iter_args(%{{.*}} = %[[B]])
  // CHECK: attn.mask {{.*}} diagonal %[[RIGHT]] lower %[[LEFT]] :
  gpu.func @window(%kv: !view, %q: !q, %x: !s, %skv: i32, %left: i32, %right: i32, %block: i32, %lo: i32, %hi: i32,
                   %out: !attn.view<?x64xf16>) attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %wave = gpu.subgroup_id : index
    %number = arith.index_cast %wave : index to i32
    %offset = arith.muli %number, %c32 : i32
    %row = arith.addi %block, %offset : i32
    %r = scf.for %t = %lo to %hi step %c64 iter_args(%c = %x) -> (!s) : i32 {
      %k = attn.load %kv[%t] : !view -> !k
      %s = attn.mma %k, %q, %c : !k, !q, !s
      %m = attn.mask %s kv %t q %row limit %skv diagonal %right lower %left : !s
      scf.yield %m : !s
    }
    attn.store %r, %out[%c0] : !s, !attn.view<?x64xf16>
    gpu.return
  }

  // The last row of the workgroup has the last chunk: from its first column on
  // nothing before is hidden. In the full range no column is beyond the limit.
  // CHECK-LABEL: gpu.func @chunks
  // CHECK-SAME: %[[CHUNK:[a-z0-9]+]]: i32, %[[D:[a-z0-9]+]]: i32, %[[BLOCK:[a-z0-9]+]]: i32, %[[LO:[a-z0-9]+]]: i32, %[[HI:[a-z0-9]+]]: i32
  // CHECK-DAG: %[[C0:.*]] = arith.constant 0 : i32
  // CHECK-DAG: %[[C127:.*]] = arith.constant 127 : i32
  // CHECK: %[[LASTROW:.*]] = arith.addi %[[BLOCK]], %[[C127]] : i32
  // CHECK: %[[LAST:.*]] = arith.addi %[[LASTROW]], %[[D]] : i32
  // CHECK: %[[POSITIVE:.*]] = arith.maxsi %[[LAST]], %[[C0]] : i32
  // CHECK: %[[PART:.*]] = arith.remui %[[POSITIVE]], %[[CHUNK]] : i32
  // CHECK: %[[FROM:.*]] = arith.subi %[[POSITIVE]], %[[PART]] : i32
  // CHECK: arith.minsi %[[FROM]], %[[HI]] : i32
  // CHECK: scf.for %{{.*}} = %[[LO]] to %[[BEGIN:[a-z0-9]+]]
  // CHECK: attn.modify_scores {{.*}} limit
  // CHECK: attn.mask
  // CHECK: scf.for %{{.*}} = %[[BEGIN]] to %[[FULL:[a-z0-9]+]]
  // CHECK: attn.modify_scores
  // CHECK-NOT: limit
  // CHECK-NOT: attn.mask
  // CHECK: scf.for %{{.*}} = %[[FULL]] to %[[HI]]
  // CHECK: attn.modify_scores {{.*}} limit
  // CHECK: attn.mask {{.*}} chunk %[[CHUNK]] :
  gpu.func @chunks(%x: !s, %skv: i32, %scale: f32, %chunk: i32, %d: i32, %block: i32, %lo: i32, %hi: i32,
                   %out: !attn.view<?x64xf16>) attributes {known_block_size = array<i32: 256, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %wave = gpu.subgroup_id : index
    %number = arith.index_cast %wave : index to i32
    %offset = arith.muli %number, %c32 : i32
    %row = arith.addi %block, %offset : i32
    %r = scf.for %t = %lo to %hi step %c64 iter_args(%s = %x) -> (!s) : i32 {
      %n = attn.modify_scores %s scale %scale kv %t q %row rows %skv limit %skv batch %c0 head %c0 : !s {
      ^bb0(%v: f32, %b: index, %h: index, %i: index, %j: index):
        %y = arith.negf %v : f32
        attn.yield %y : f32
      }
      %m = attn.mask %n kv %t q %row limit %skv diagonal %d chunk %chunk : !s
      scf.yield %m : !s
    }
    attn.store %r, %out[%c0] : !s, !attn.view<?x64xf16>
    gpu.return
  }

  // Left alone: a row that grows with the lane, or shrinks with the wave, bounds
  // nothing from below; a mask that is not at the counter; a loop that steps
  // over part of a tile; a last wave of which nothing is known.
  // CHECK-LABEL: gpu.func @untouched
  // CHECK-COUNT-5: scf.for
  // CHECK-NOT: scf.for
  gpu.func @untouched(%x: !s, %skv: i32, %d: i32, %block: i32, %out: !attn.view<?x64xf16>) {
    %c0 = arith.constant 0 : i32
    %c32 = arith.constant 32 : i32
    %c64 = arith.constant 64 : i32
    %thread = gpu.thread_id x
    %lane = arith.index_cast %thread : index to i32
    %wave = gpu.subgroup_id : index
    %number = arith.index_cast %wave : index to i32
    %back = arith.subi %block, %number : i32
    %a = scf.for %t = %c0 to %skv step %c64 iter_args(%s = %x) -> (!s) : i32 {
      %m = attn.mask %s kv %t q %lane limit %skv diagonal %d : !s
      scf.yield %m : !s
    }
    %b = scf.for %t = %c0 to %skv step %c64 iter_args(%s = %a) -> (!s) : i32 {
      %m = attn.mask %s kv %t q %back limit %skv diagonal %d : !s
      scf.yield %m : !s
    }
    %c = scf.for %t = %c0 to %skv step %c64 iter_args(%s = %b) -> (!s) : i32 {
      %m = attn.mask %s kv %d q %block limit %skv : !s
      scf.yield %m : !s
    }
    %e = scf.for %t = %c0 to %skv step %c32 iter_args(%s = %c) -> (!s) : i32 {
      %m = attn.mask %s kv %t q %block limit %skv : !s
      scf.yield %m : !s
    }
    %offset = arith.muli %number, %c32 : i32
    %row = arith.addi %block, %offset : i32
    %f = scf.for %t = %c0 to %skv step %c64 iter_args(%s = %e) -> (!s) : i32 {
      %m = attn.mask %s kv %t q %row limit %skv lower %d : !s
      scf.yield %m : !s
    }
    attn.store %f, %out[%c0] : !s, !attn.view<?x64xf16>
    gpu.return
  }
}
