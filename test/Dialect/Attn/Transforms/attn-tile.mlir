// RUN: flydsl-opt %s --attn-tile --canonicalize --cse | FileCheck %s

#config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
!buffer = memref<?x?x?x128xbf16, strided<[?, ?, ?, 1], offset: ?>>
!packed = memref<?x?x128xbf16, strided<[?, ?, 1], offset: ?>>
!lse = memref<?x?x?xf32, strided<[?, ?, 1], offset: ?>>

// CHECK: module attributes {gpu.container_module}
// CHECK-LABEL: func @dense
// CHECK-SAME: %[[Q:[a-z0-9]+]]: memref
func.func @dense(%q: !buffer, %k: !buffer, %v: !buffer, %o: !buffer) {
  // The softmax scale defaults to 1/sqrt(128); the kernel takes it times log2(e).
  // CHECK-DAG: %[[SCALE:.*]] = arith.constant 0.127517{{.*}} : f32
  // CHECK-DAG: %[[C128:.*]] = arith.constant 128 : index
  // CHECK-DAG: %[[C256:.*]] = arith.constant 256 : index
  // CHECK: %[[SEQ:.*]] = memref.dim %[[Q]], %{{.*}}
  // CHECK: %[[BLOCKS:.*]] = arith.ceildivui %{{.*}}, %[[C128]]
  // CHECK: gpu.launch_func @attn_fwd_bf16_d128_module::@attn_fwd_bf16_d128 blocks in (%{{.*}}, %[[BLOCKS]], %{{.*}}) threads in (%[[C256]], {{.*}}) args({{.*}}, %[[SCALE]] : f32, {{.*}})
  // CHECK-NOT: attn.forward
  attn.forward ins(%q, %k, %v : !buffer, !buffer, !buffer) outs(%o : !buffer) {config = #config}
  return
}

// CHECK-LABEL: func @causal_lse
func.func @causal_lse(%q: !buffer, %k: !buffer, %v: !buffer, %o: !buffer, %lse: !lse) {
  // A negative scale goes in as its size and a sign to flip.
  // CHECK-DAG: arith.constant 0.721347{{.*}} : f32
  // CHECK-DAG: arith.constant -2147450880 : i32
  // CHECK: gpu.launch_func @attn_fwd_bf16_d128_causal_lse_module::@attn_fwd_bf16_d128_causal_lse
  attn.forward ins(%q, %k, %v : !buffer, !buffer, !buffer) outs(%o, %lse : !buffer, !lse)
    {config = #config, mask = #attn.causal<bottom_right>, scale = -0.5 : f32}
  return
}

// CHECK-LABEL: func @window
func.func @window(%q: !buffer, %k: !buffer, %v: !buffer, %o: !buffer) {
  // The bounds are arguments of the kernel.
  // CHECK-DAG: %[[LEFT:.*]] = arith.constant 300 : i32
  // CHECK-DAG: %[[RIGHT:.*]] = arith.constant -1 : i32
  // CHECK: gpu.launch_func @attn_fwd_bf16_d128_window_module::@attn_fwd_bf16_d128_window
  // CHECK-SAME: %[[LEFT]] : i32, {{.*}}, %[[RIGHT]] : i32,
  attn.forward ins(%q, %k, %v : !buffer, !buffer, !buffer) outs(%o : !buffer)
    {config = #config, mask = #attn.window<left = 300, right = -1>}
  return
}

// CHECK-LABEL: func @packed
// CHECK-SAME: %[[CU:[a-z0-9]+]]: memref<?xi32>, %[[MAX:[a-z0-9]+]]: index
func.func @packed(%q: !packed, %k: !packed, %v: !packed, %o: !packed, %lse: memref<?x?xf32>, %cu: memref<?xi32>, %max: index) {
  // The longest sequence gives the grid, the number of sequences its depth.
  // CHECK-DAG: %[[BLOCKS:.*]] = arith.ceildivui %[[MAX]], %{{.*}} : index
  // CHECK-DAG: %[[ENTRIES:.*]] = memref.dim %[[CU]], %{{.*}}
  // CHECK-DAG: %[[BATCH:.*]] = arith.subi %[[ENTRIES]], %{{.*}} : index
  // No order of the sequences is given, as their lengths are not known.
  // CHECK-DAG: %[[NULL:.*]] = llvm.mlir.zero : !llvm.ptr<1>
  // CHECK: gpu.launch_func @attn_fwd_bf16_d128_varlen_lse_module::@attn_fwd_bf16_d128_varlen_lse blocks in (%{{.*}}, %[[BLOCKS]], %[[BATCH]])
  // CHECK-SAME: %[[NULL]] : !llvm.ptr<1>)
  attn.forward ins(%q, %k, %v : !packed, !packed, !packed) seqlens(%cu, %cu max %max : memref<?xi32>, memref<?xi32>)
    outs(%o, %lse : !packed, memref<?x?xf32>) {config = #config}
  return
}

// CHECK-LABEL: gpu.module @attn_fwd_bf16_d128_module
// CHECK: gpu.func @attn_fwd_bf16_d128(
// CHECK-SAME: %[[QP:[a-z0-9]+]]: !llvm.ptr<1>, %[[KP:[a-z0-9]+]]: !llvm.ptr<1>, %[[VP:[a-z0-9]+]]: !llvm.ptr<1>, %[[OP:[a-z0-9]+]]: !llvm.ptr<1>, %{{[a-z0-9]+}}: !llvm.ptr<1>,
// CHECK-SAME: %[[SQ:[a-z0-9]+]]: i32, %[[SKV:[a-z0-9]+]]: i32, %[[GROUP:[a-z0-9]+]]: i32, %[[SC:[a-z0-9]+]]: f32, %[[FLIP:[a-z0-9]+]]: i32,
// CHECK-SAME: kernel
// CHECK-SAME: known_block_size = array<i32: 256, 1, 1>
// CHECK-DAG: %[[KVHEAD:.*]] = arith.divui %{{.*}}, %[[GROUP]] : i32
// CHECK: %[[KV:.*]] = attn.view %[[KP]][%{{.*}}] rows %[[SKV]]
// CHECK: %[[VV:.*]] = attn.view %[[VP]][%{{.*}}] rows %[[SKV]]
// CHECK: %[[Q0:.*]] = attn.load %{{.*}}[%[[ROW:.*]]] transposed
// CHECK: %[[QF:.*]] = attn.flip_sign %[[Q0]] by %[[FLIP]]
// CHECK: %[[R:.*]]:3 = scf.for %[[T:.*]] = %{{.*}} to %[[SKV]] step %{{.*}} iter_args(%[[O:.*]] = %{{.*}}, %[[M:.*]] = %{{.*}}, %[[L:.*]] = %{{.*}})
// CHECK:   %[[KF:.*]] = attn.load %[[KV]][%[[T]]] : !attn.view<?x128xbf16> -> !attn.tile<64x128xbf16, mfma_a>
// CHECK:   %[[S:.*]] = attn.mma %[[KF]], %[[QF]], %{{.*}}
// CHECK:   %[[X:.*]] = attn.mask %[[S]] kv %[[T]] q %[[ROW]] limit %[[SKV]] : !attn.tile<64x32xf32, mfma_c>
// CHECK:   %[[P:.*]], %[[M1:.*]], %[[L1:.*]] = attn.softmax_step %[[X]], %[[M]], %[[L]] scale %[[SC]]
// CHECK:   %[[VF:.*]] = attn.load %[[VV]][%[[T]]] transposed : !attn.view<?x128xbf16> -> !attn.tile<128x64xbf16, mfma_a>
// CHECK:   %[[O1:.*]] = attn.rescale %[[O]] from %[[M]] to %[[M1]]
// CHECK:   %[[O2:.*]] = attn.mma %[[VF]], %[[P]], %[[O1]]
// CHECK:   scf.yield %[[O2]], %[[M1]], %[[L1]]
// CHECK: %[[ON:.*]], %{{.*}} = attn.finalize %[[R]]#0, %[[R]]#1, %[[R]]#2
// CHECK: %[[OV:.*]] = attn.view %[[OP]][%{{.*}}] rows %[[SQ]]
// CHECK: attn.store %[[ON]], %[[OV]][%[[ROW]]]
// CHECK: gpu.return

// The causal kernel stops where its last row sees nothing more, and masks by
// the bottom-right diagonal.
// CHECK-LABEL: gpu.module @attn_fwd_bf16_d128_causal_lse_module
// CHECK: gpu.func @attn_fwd_bf16_d128_causal_lse(
// CHECK-SAME: %[[SQ:[a-z0-9]+]]: i32, %[[SKV:[a-z0-9]+]]: i32, %[[GROUP:[a-z0-9]+]]: i32
// CHECK: %[[DELTA:.*]] = arith.subi %[[SKV]], %[[SQ]] : i32
// CHECK: %[[ROWEND:.*]] = arith.minsi %[[SQ]], %{{.*}} : i32
// CHECK: %[[END:.*]] = arith.addi %[[ROWEND]], %[[DELTA]] : i32
// CHECK: %[[CLAMPED:.*]] = arith.maxsi %[[END]], %{{.*}} : i32
// CHECK: %[[HI:.*]] = arith.minsi %[[CLAMPED]], %[[SKV]] : i32
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[HI]]
// CHECK: attn.mask %{{.*}} kv %{{.*}} q %{{.*}} limit %[[SKV]] diagonal %[[DELTA]]
// CHECK: attn.store %{{.*}}, %{{.*}}[%{{.*}}] : !attn.tile<1x32xf32, columns>, !attn.view<?x1xf32>

// A window bounds both ends of the loop: from the tile in which the first row
// begins to see. A side of -1 is at most as long as the sequences.
// CHECK-LABEL: gpu.module @attn_fwd_bf16_d128_window_module
// CHECK: gpu.func @attn_fwd_bf16_d128_window(
// CHECK-SAME: %[[SQ:[a-z0-9]+]]: i32, %[[SKV:[a-z0-9]+]]: i32, %{{[a-z0-9]+}}: i32, %{{[a-z0-9]+}}: f32, %{{[a-z0-9]+}}: i32, %[[LEFT:[a-z0-9]+]]: i32
// CHECK-SAME: %[[RIGHT:[a-z0-9]+]]: i32, %{{[a-z0-9]+}}: i32, %{{[a-z0-9]+}}: !llvm.ptr<1>, %{{[a-z0-9]+}}: !llvm.ptr<1>)
// The last rows see most: they come first.
// CHECK: %[[BLOCKS:.*]] = arith.ceildivui
// CHECK: %[[LAST:.*]] = arith.subi %[[BLOCKS]], %{{.*}}
// CHECK: arith.subi %[[LAST]], %{{.*}}
// CHECK: %[[DELTA:.*]] = arith.subi %[[SKV]], %[[SQ]] : i32
// CHECK: %[[R:.*]] = arith.minui %[[RIGHT]], %[[SQ]] : i32
// CHECK: %[[L:.*]] = arith.minui %[[LEFT]], %[[SKV]] : i32
// CHECK: %[[UPPER:.*]] = arith.addi %[[DELTA]], %[[R]] : i32
// CHECK: %[[LOWER:.*]] = arith.subi %[[DELTA]], %[[L]] : i32
// CHECK: %[[FIRST:.*]] = arith.addi %{{.*}}, %[[LOWER]] : i32
// CHECK: %[[INSIDE:.*]] = arith.maxsi %[[FIRST]], %{{.*}} : i32
// CHECK: %[[PART:.*]] = arith.remui %[[INSIDE]], %{{.*}} : i32
// CHECK: %[[LO:.*]] = arith.subi %[[INSIDE]], %[[PART]] : i32
// CHECK: scf.for %{{.*}} = %[[LO]] to %{{.*}}
// CHECK: attn.mask %{{.*}} kv %{{.*}} q %{{.*}} limit %[[SKV]] diagonal %[[UPPER]] lower %[[LOWER]]

// A packed sequence lies between two entries; a workgroup beyond its end does
// nothing at all.
// CHECK-LABEL: gpu.module @attn_fwd_bf16_d128_varlen_lse_module
// CHECK: gpu.func @attn_fwd_bf16_d128_varlen_lse(
// CHECK-SAME: %[[CUQ:[a-z0-9]+]]: !llvm.ptr<1>, %[[CUKV:[a-z0-9]+]]: !llvm.ptr<1>, %[[ORDER:[a-z0-9]+]]: !llvm.ptr<1>)
// The sequence is that which the list says for this depth, or, without a list,
// the one of that number.
// CHECK: %[[GIVEN:.*]] = llvm.icmp "ne" %[[ORDER]], %{{.*}} : !llvm.ptr<1>
// CHECK: %[[SEQUENCE:.*]] = scf.if %[[GIVEN]] -> (i32) {
// CHECK:   %[[AT:.*]] = llvm.getelementptr %[[ORDER]]
// CHECK:   llvm.load %{{.*}} invariant
// CHECK: } else {
// CHECK: }
// CHECK: %[[WIDE:.*]] = arith.extui %[[SEQUENCE]] : i32 to i64
// CHECK: llvm.getelementptr %[[CUQ]][%[[WIDE]]]
// CHECK: %[[BEGIN:.*]] = llvm.load %{{.*}} invariant
// CHECK: %[[END:.*]] = llvm.load %{{.*}} invariant
// CHECK: %[[ROWS:.*]] = arith.subi %[[END]], %[[BEGIN]] : i32
// CHECK: %[[KVROWS:.*]] = arith.subi
// CHECK: %[[PRESENT:.*]] = arith.cmpi slt, %{{.*}}, %[[ROWS]] : i32
// CHECK: scf.if %[[PRESENT]] {
// CHECK:   attn.view %{{.*}} rows %[[ROWS]]
// CHECK:   attn.view %{{.*}} rows %[[KVROWS]]
// CHECK:   scf.for %{{.*}} = %{{.*}} to %[[KVROWS]]
// CHECK:   attn.store
// CHECK:   attn.store
// CHECK: }
// CHECK-NEXT: gpu.return
