// RUN: flydsl-opt %s --pass-pipeline="builtin.module(attn-select-config{chip=gfx942 schedule=dual_wave},attn-tile,gpu.module(attn-decompose-softmax,loop-invariant-code-motion,attn-form-clusters{chip=gfx942}))" | FileCheck %s

// gfx942's LDS has no room for the rows of Q and O: a wave brings its own
// through in panels of 32 columns, before and behind the pipeline.
// CHECK-LABEL: gpu.func
// CHECK: %[[ROWS:.*]] = attn.alloc_slot "rows" : !attn.slot<256x32xbf16, rows>
// CHECK: %[[ROW:.*]] = arith.muli %{{.*}}, %c32
// CHECK: attn.load {{.*}} transposed through %[[ROWS]][%[[ROW]]]
// CHECK: attn.pipeline
// CHECK: attn.store {{.*}} through %[[ROWS]][%[[ROW]]]
func.func @forward(%q: memref<1x512x8x128xbf16>, %k: memref<1x512x8x128xbf16>, %v: memref<1x512x8x128xbf16>, %o: memref<1x512x8x128xbf16>) {
  attn.forward ins(%q, %k, %v : memref<1x512x8x128xbf16>, memref<1x512x8x128xbf16>, memref<1x512x8x128xbf16>)
               outs(%o : memref<1x512x8x128xbf16>)
  return
}

// Rows of 72 columns are no whole panels.
// CHECK-LABEL: gpu.func
// CHECK-NOT: through
// CHECK-NOT: "rows"
func.func @ragged(%q: memref<1x512x8x72xbf16>, %k: memref<1x512x8x72xbf16>, %v: memref<1x512x8x72xbf16>, %o: memref<1x512x8x72xbf16>) {
  attn.forward ins(%q, %k, %v : memref<1x512x8x72xbf16>, memref<1x512x8x72xbf16>, memref<1x512x8x72xbf16>)
               outs(%o : memref<1x512x8x72xbf16>)
  return
}
