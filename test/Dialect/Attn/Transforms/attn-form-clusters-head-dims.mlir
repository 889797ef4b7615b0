// RUN: flydsl-opt %s --attn-to-tile="chip=gfx950 schedule=dual_wave" -o %t.mlir
// RUN: flydsl-opt %t.mlir --pass-pipeline="builtin.module(gpu.module(attn-decompose-softmax,loop-invariant-code-motion,attn-form-clusters{chip=gfx950}))" | FileCheck %s
// RUN: flydsl-opt %s --attn-select-config="chip=gfx942 schedule=dual_wave" | FileCheck %s --check-prefix=GFX942

// Slots have whole blocks of 64 columns, tiles whole MFMA blocks. Each operand
// goes by its own head dim, the recipe by the larger one.
!q = memref<?x?x?x72xbf16, strided<[?, ?, ?, 1], offset: ?>>
!v = memref<?x?x?x40xbf16, strided<[?, ?, ?, 1], offset: ?>>

// CHECK-LABEL: gpu.func @attn_fwd_bf16_d72
// CHECK: attn.pipeline groups = 2 lag = 1 interval = 4
// CHECK: attn.fetch {{.*}} !attn.view<?x72xbf16>{{.*}}!attn.slot<256x128xbf16, rows>
// CHECK: attn.read {{.*}}!attn.slot<256x128xbf16, rows> -> !attn.tile<80x32xbf16, mfma_b>
// CHECK: scf.for
// CHECK: attn.fetch {{.*}} !attn.view<?x72xbf16>{{.*}}!attn.slot<64x128xbf16, rows>
// CHECK: attn.read {{.*}}!attn.slot<64x128xbf16, rows> -> !attn.tile<64x80xbf16, mfma_a>
// CHECK-NEXT: attn.fetch {{.*}} !attn.view<?x40xbf16>{{.*}}!attn.slot<64x64xbf16, transposed>
// CHECK: attn.read {{.*}}!attn.slot<64x64xbf16, transposed> -> !attn.tile<64x64xbf16, mfma_a>
// O's rows do not fill the slot's: it leaves from registers.
// CHECK: attn.store {{.*}} : !attn.tile<64x32xf32, mfma_c>, !attn.view<?x40xbf16>

// Tiles of 32 rows x 64 columns would not share out over 512 work-items.
// GFX942: schedule = dual_wave, {{.*}}kv_tile = 64
func.func @other_dims(%q: !q, %k: !q, %v: !v, %o: !v) {
  attn.forward ins(%q, %k, %v : !q, !q, !v) outs(%o : !v)
  return
}
