// The pipelines' flags, and the same pipelines written out as in Pipelines.h.
// RUN: flydsl-opt %s --attn-to-tile=chip=gfx950 | FileCheck %s --check-prefix=TILE
// RUN: flydsl-opt %s --attn-to-schedule=chip=gfx950 | FileCheck %s --check-prefix=SCHEDULE
// RUN: flydsl-opt %s --attn-to-rocdl=chip=gfx950 | FileCheck %s --check-prefix=ROCDL
// RUN: flydsl-opt %s --attn-to-llvm=chip=gfx950 > %t.flag
// RUN: FileCheck %s --check-prefix=LLVM < %t.flag
// RUN: flydsl-opt %s --pass-pipeline="builtin.module( \
// RUN:   attn-select-config{chip=gfx950 schedule=generic}, attn-split-kv, attn-tile, gpu.module(attn-specialize-masks), canonicalize, cse, \
// RUN:   gpu.module(attn-decompose-softmax, loop-invariant-code-motion, attn-form-clusters{chip=gfx950}, \
// RUN:     attn-rotate, attn-double-buffer, canonicalize, cse), \
// RUN:   gpu.module(attn-lower-tiles{chip=gfx950}, canonicalize, cse, attn-interleave{chip=gfx950}, \
// RUN:     attn-lower-schedule, loop-invariant-code-motion, canonicalize, cse), \
// RUN:   rocdl-attach-target{chip=gfx950 O=3}, \
// RUN:   gpu.module(convert-scf-to-cf, \
// RUN:     convert-gpu-to-rocdl{chipset=gfx950 index-bitwidth=32 runtime=HIP}, \
// RUN:     convert-vector-to-llvm, canonicalize, cse, reconcile-unrealized-casts))" > %t.text
// RUN: diff %t.flag %t.text

// TILE: gpu.func @attn_fwd_bf16_d64_causal
// TILE: attn.load
// TILE-NOT: attn.fetch
// SCHEDULE: attn.fetch
// SCHEDULE: attn.mma
// ROCDL: gpu.func @attn_fwd_bf16_d64_causal
// ROCDL-NOT: attn.
// ROCDL: rocdl.mfma
// LLVM: gpu.module @attn_fwd_bf16_d64_causal_module [#rocdl.target<O = 3, chip = "gfx950">]
// LLVM: llvm.func @attn_fwd_bf16_d64_causal
// LLVM-SAME: gpu.kernel{{.*}} {
// LLVM-NOT: {{(arith|vector|scf|cf|gpu)\.}}
// LLVM: llvm.return
func.func @forward(%q: memref<1x64x8x64xbf16>, %o: memref<1x64x8x64xbf16>) {
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>, memref<1x64x8x64xbf16>)
               outs(%o : memref<1x64x8x64xbf16>) {mask = #attn.causal<bottom_right>}
  return
}
