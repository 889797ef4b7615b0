// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax))" | FileCheck %s --check-prefixes=CHECK,LAZY
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax{threshold=0}))" | FileCheck %s --check-prefixes=CHECK,ALWAYS

!scores = !attn.tile<64x32xf32, mfma_c>
!column = !attn.tile<1x32xf32, columns>
!out = !attn.tile<128x32xf32, mfma_c>
!p = !attn.tile<64x32xbf16, mfma_b>

gpu.module @kernels {
  // O and the row sums are rescaled by one op.
  // CHECK-LABEL: gpu.func @with_rescale
  // CHECK-SAME: %[[S:[a-z0-9]+]]: {{.*}}, %[[M:[a-z0-9]+]]: {{.*}}, %[[L:[a-z0-9]+]]: {{.*}}, %[[O:[a-z0-9]+]]: {{.*}}, %[[SCALE:[a-z0-9]+]]: f32
  gpu.func @with_rescale(%s: !scores, %m: !column, %l: !column, %o: !out, %scale: f32, %v: !attn.view<?x128xbf16>, %row: i32) {
    // LAZY: %[[M1:.*]] = attn.raise_max %[[M]] by %[[S]] scale %[[SCALE]] threshold 8.0
    // ALWAYS: %[[M1:.*]] = attn.raise_max %[[M]] by %[[S]] scale %[[SCALE]] threshold 0.0
    // CHECK: %[[X:.*]] = attn.shift_scores %[[S]] by %[[M1]] scale %[[SCALE]]
    // CHECK: %[[W:.*]] = attn.exp2 %[[X]][0 to 32]
    // CHECK: attn.pack %[[W]]
    // CHECK: %[[R:.*]]:2 = attn.rescale %[[O]], %[[L]] from %[[M]] to %[[M1]]
    // CHECK: attn.sum_rows %[[W]] to %[[R]]#1
    // CHECK-NOT: attn.rescale
    // CHECK-NOT: attn.softmax_step
    // CHECK: attn.store %[[R]]#0
    %p, %m1, %l1 = attn.softmax_step %s, %m, %l scale %scale : !scores, !column -> !p
    %o1 = attn.rescale %o from %m to %m1 : !out by !column
    attn.store %o1, %v[%row] : !out, !attn.view<?x128xbf16>
    gpu.return
  }

  // Without an O, the sums are rescaled alone.
  // CHECK-LABEL: gpu.func @sums_only
  gpu.func @sums_only(%s: !scores, %m: !column, %l: !column, %scale: f32, %v: !attn.view<?x1xf32>, %row: i32) {
    // CHECK: %[[L0:.*]] = attn.rescale %{{[a-z0-9]+}} from
    // CHECK: %[[L1:.*]] = attn.sum_rows %{{.*}} to %[[L0]]
    // CHECK: attn.store %[[L1]]
    %p, %m1, %l1 = attn.softmax_step %s, %m, %l scale %scale : !scores, !column -> !p
    attn.store %l1, %v[%row] : !column, !attn.view<?x1xf32>
    gpu.return
  }
}
