// The stock mlir-opt takes the dialect, the passes and the pipelines from the
// plugin.
// RUN: mlir-opt %s --load-dialect-plugin=%flyattn_lib_dir/FlyAttnPlugin.so \
// RUN:   --pass-pipeline="builtin.module(attn-select-config{chip=gfx942})" | FileCheck %s --check-prefix=CONFIG
// RUN: mlir-opt %s --load-dialect-plugin=%flyattn_lib_dir/FlyAttnPlugin.so \
// RUN:   --pass-pipeline="builtin.module(attn-to-llvm{chip=gfx942})" | FileCheck %s --check-prefix=LLVM

// CONFIG: attn.forward {{.*}}config = #attn.config<schedule = generic, waves = 4, rows_per_wave = 32, kv_tile = 64, slots = 2>
// LLVM: gpu.module @attn_fwd_f16_d64_module
// LLVM: llvm.func @attn_fwd_f16_d64({{.*}}gpu.kernel
func.func @forward(%q: memref<1x64x8x64xf16>, %o: memref<1x64x8x64xf16>) {
  attn.forward ins(%q, %q, %q : memref<1x64x8x64xf16>, memref<1x64x8x64xf16>, memref<1x64x8x64xf16>)
               outs(%o : memref<1x64x8x64xf16>)
  return
}
