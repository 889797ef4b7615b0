// RUN: flydsl-opt %s --attn-select-config=schedule=dual_wave -split-input-file | FileCheck %s --check-prefix=DUAL
// RUN: flydsl-opt %s --attn-select-config=schedule=generic -split-input-file | FileCheck %s

!q = memref<1x64x8x64xf16>

// CHECK: attn.forward {{.*}} softcap({{.*}}) {{.*}}schedule = generic
// DUAL: attn.forward {{.*}} softcap({{.*}}) {{.*}}schedule = dual_wave
func.func @softcap(%q: !q, %c: f32) {
  attn.forward ins(%q, %q, %q : !q, !q, !q) softcap(%c) outs(%q : !q)
  return
}

// -----

!q = memref<1x64x8x64xf16>

// CHECK: attn.forward {{.*}}schedule = generic
// DUAL: attn.forward {{.*}}schedule = dual_wave
func.func @sink(%q: !q, %s: memref<8xf32>) {
  attn.forward ins(%q, %q, %q : !q, !q, !q) sink(%s : memref<8xf32>) outs(%q : !q)
  return
}
