// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-schedule))" | FileCheck %s
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-schedule{priority=none}))" | FileCheck %s --check-prefix=NONE

gpu.module @kernels {
  // Waves in memory clusters issue first; an option overrides the pipeline.
  // CHECK-LABEL: gpu.func @kernel
  // CHECK: rocdl.s.setprio 1
  // CHECK: "memory"
  // CHECK: rocdl.s.setprio 0
  // CHECK: rocdl.s.barrier
  // CHECK-NOT: rocdl.s.setprio
  // CHECK: "compute"
  // CHECK-NOT: rocdl.s.setprio
  // NONE-NOT: rocdl.s.setprio
  gpu.func @kernel() kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    attn.pipeline groups = 2 lag = 1 priority = memory {
      attn.cluster memory {
        llvm.inline_asm has_side_effects "memory", "" : () -> ()
      }
      attn.cluster compute {
        llvm.inline_asm has_side_effects "compute", "" : () -> ()
      }
    }
    gpu.return
  }
}
