// The techniques of dual_wave that can be left out. An unknown one is refused.
// RUN: flydsl-opt %s --attn-to-rocdl="chip=gfx950 schedule=dual_wave" | FileCheck %s
// RUN: flydsl-opt %s --attn-to-rocdl="chip=gfx950 schedule=dual_wave without=slot-padding" | FileCheck %s --check-prefix=BARE
// RUN: not flydsl-opt %s --attn-to-rocdl="chip=gfx950 schedule=dual_wave without=padding" 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: llvm.mlir.global {{.*}} : !llvm.array<8320 x i8>
// BARE: llvm.mlir.global {{.*}} : !llvm.array<8192 x i8>
// UNKNOWN: 'padding' was given; dual_wave's techniques are stagger, priority, interleave, anchors, fences, lazy-rescale, counted-waits, slot-padding, workgroup-order
func.func @forward(%q: memref<1x64x8x64xbf16>, %o: memref<1x64x8x64xbf16>) {
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
               outs(%o : memref<1x64x8x64xbf16>)
  return
}
