// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-interleave{chip=gfx950}))" | FileCheck %s
// RUN: not flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-interleave{chip=gfx90a}))" 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: unknown chip 'gfx90a'; supported: gfx942, gfx950

gpu.module @kernels {
  // 48 clk of exponentials and additions in two gaps of 24; none behind the
  // last product. What needs a product stays behind it.
  // CHECK-LABEL: gpu.func @spread
  // CHECK: rocdl.mfma
  // CHECK-COUNT-3: rocdl.exp2
  // CHECK-NOT: rocdl.exp2
  // CHECK: rocdl.mfma
  // CHECK-NEXT: rocdl.exp2
  // CHECK-COUNT-4: arith.addf
  // CHECK: rocdl.mfma
  // CHECK-NEXT: attn.yield
  gpu.func @spread(%a: vector<8xbf16>, %c: vector<16xf32>, %x: f32, %y: f32) {
    %zero = arith.constant 0 : i32
    %r:3 = attn.cluster compute -> (vector<16xf32>, f32, f32) {
      %e0 = rocdl.exp2 %x f32 -> f32
      %e1 = rocdl.exp2 %e0 f32 -> f32
      %e2 = rocdl.exp2 %e1 f32 -> f32
      %e3 = rocdl.exp2 %e2 f32 -> f32
      %s0 = arith.addf %y, %y : f32
      %s1 = arith.addf %s0, %y : f32
      %s2 = arith.addf %s1, %y : f32
      %s3 = arith.addf %s2, %y : f32
      %m0 = rocdl.mfma.f32.32x32x16.bf16 %a, %a, %c, %zero, %zero, %zero : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, i32, i32, i32) -> vector<16xf32>
      %m1 = rocdl.mfma.f32.32x32x16.bf16 %a, %a, %m0, %zero, %zero, %zero : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, i32, i32, i32) -> vector<16xf32>
      %m2 = rocdl.mfma.f32.32x32x16.bf16 %a, %a, %m1, %zero, %zero, %zero : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, i32, i32, i32) -> vector<16xf32>
      attn.yield %m2, %e3, %s3 : vector<16xf32>, f32, f32
    }
    gpu.return
  }

  // A product that needs a vector instruction comes behind it; memory clusters
  // stay as they are.
  // CHECK-LABEL: gpu.func @dependences
  // CHECK: rocdl.exp2
  // CHECK: rocdl.mfma
  // CHECK: rocdl.mfma
  // CHECK: attn.cluster {{ *}}memory
  // CHECK-NEXT: rocdl.exp2
  // CHECK-NEXT: rocdl.mfma
  gpu.func @dependences(%a: vector<8xbf16>, %c: vector<16xf32>, %x: f32) {
    %zero = arith.constant 0 : i32
    %r = attn.cluster compute -> (vector<16xf32>) {
      %e0 = rocdl.exp2 %x f32 -> f32
      %v = vector.broadcast %e0 : f32 to vector<16xf32>
      %m0 = rocdl.mfma.f32.32x32x16.bf16 %a, %a, %v, %zero, %zero, %zero : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, i32, i32, i32) -> vector<16xf32>
      %m1 = rocdl.mfma.f32.32x32x16.bf16 %a, %a, %m0, %zero, %zero, %zero : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, i32, i32, i32) -> vector<16xf32>
      attn.yield %m1 : vector<16xf32>
    }
    %s:2 = attn.cluster memory -> (f32, vector<16xf32>) {
      %e0 = rocdl.exp2 %x f32 -> f32
      %m0 = rocdl.mfma.f32.32x32x16.bf16 %a, %a, %c, %zero, %zero, %zero : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, i32, i32, i32) -> vector<16xf32>
      attn.yield %e0, %m0 : f32, vector<16xf32>
    }
    gpu.return
  }
}
