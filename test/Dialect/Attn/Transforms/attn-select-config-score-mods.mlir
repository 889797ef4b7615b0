// RUN: flydsl-opt %s --attn-select-config=schedule=dual_wave -split-input-file -verify-diagnostics
// RUN: flydsl-opt %s --attn-select-config=schedule=generic -split-input-file | FileCheck %s

!q = memref<1x64x8x64xf16>

// CHECK: attn.forward {{.*}} softcap({{.*}}) {{.*}}schedule = generic
func.func @softcap(%q: !q, %c: f32) {
  // expected-error @+1 {{modifies scores, which dual_wave does not serve; choose the schedule generic}}
  attn.forward ins(%q, %q, %q : !q, !q, !q) softcap(%c) outs(%q : !q)
  return
}

// -----

!q = memref<1x64x8x64xf16>

// CHECK: attn.forward {{.*}}schedule = generic
func.func @sink(%q: !q, %s: memref<8xf32>) {
  attn.forward ins(%q, %q, %q : !q, !q, !q) sink(%s : memref<8xf32>) outs(%q : !q)
  return
}
