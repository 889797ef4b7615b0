// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-schedule))" | FileCheck %s
// RUN: flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-schedule{stagger=false priority=compute}))" | FileCheck %s --check-prefix=TOGETHER
// RUN: not flydsl-opt %s --pass-pipeline="builtin.module(gpu.module(attn-lower-schedule{priority=high}))" 2>&1 | FileCheck %s --check-prefix=PRIORITY
// PRIORITY: error: unknown priority 'high'; supported: none, group, compute, memory

gpu.module @kernels {
  llvm.mlir.global internal @k0() {addr_space = 3 : i32, alignment = 64 : i64} : !llvm.array<1024 x i8>
  llvm.mlir.global internal @k1() {addr_space = 3 : i32, alignment = 64 : i64} : !llvm.array<1024 x i8>

  // CHECK-LABEL: gpu.func @kernel
  // The kernel's arguments are loaded at its start, and the group is the upper
  // half of the work-items.
  // CHECK: arith.divui
  // CHECK: rocdl.readfirstlane
  // CHECK: llvm.inline_asm has_side_effects "", "s,s,s,s" %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} :

  // Both groups do the first copies at once: k0 must be there, k1 need not.
  // vmcnt(1) lgkmcnt(0) = 0x71
  // Their addresses do not wait for each other's.
  // CHECK: rocdl.raw.ptr.buffer.load.lds
  // CHECK-NEXT: rocdl.sched.barrier 0
  // CHECK: rocdl.raw.ptr.buffer.load.lds
  // CHECK: rocdl.s.waitcnt 113
  // CHECK-NEXT: rocdl.sched.barrier 0
  // CHECK: rocdl.s.barrier
  // CHECK-NEXT: rocdl.sched.barrier 0

  // Then the second group falls behind.
  // CHECK: arith.cmpi ugt
  // CHECK-NEXT: scf.if
  // CHECK-NEXT: rocdl.s.barrier
  // CHECK-NEXT: }

  // TOGETHER-LABEL: gpu.func @kernel
  // TOGETHER: rocdl.s.barrier
  // TOGETHER-NOT: scf.if
  // TOGETHER: rocdl.s.setprio 1
  // TOGETHER: rocdl.mfma
  // TOGETHER: rocdl.s.setprio 0

  // A fence on each side of a product; what leaves the cluster is anchored.
  // CHECK: rocdl.mfma
  // CHECK-NEXT: rocdl.sched.barrier 0
  // CHECK: %[[E:.*]] = rocdl.exp2
  // CHECK-NEXT: %[[KEPT:.*]] = llvm.inline_asm has_side_effects "", "=v,0" %[[E]]
  // No wait in a compute cluster.
  // CHECK-NOT: rocdl.s.waitcnt
  // CHECK: rocdl.s.barrier

  // In the loop, the copy that must be there is followed by one on the way
  // round: vmcnt(1) again, whether it is the first turn or another.
  // CHECK: scf.for
  // CHECK: rocdl.s.waitcnt 113
  // CHECK: rocdl.s.barrier
  // CHECK: rocdl.s.barrier
  // CHECK-NEXT: rocdl.sched.barrier 0
  // CHECK-NEXT: }

  // At the end all that is on its way arrives (vmcnt(0) = 0xf70), and the first
  // group makes up for its barriers.
  // CHECK: rocdl.s.waitcnt 3952
  // CHECK: arith.cmpi ule
  // CHECK-NEXT: scf.if
  // CHECK-NEXT: rocdl.s.barrier
  // CHECK: llvm.store %[[KEPT]]
  gpu.func @kernel(%buffer: !llvm.ptr<8>, %x: f32, %hi: i32, %out: !llvm.ptr<1>) kernel attributes {known_block_size = array<i32: 512, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c16 = arith.constant 16 : i32
    %a = arith.constant dense<1.0> : vector<8xbf16>
    %zero = arith.constant dense<0.0> : vector<16xf32>
    %k0 = llvm.mlir.addressof @k0 : !llvm.ptr<3>
    %k1 = llvm.mlir.addressof @k1 : !llvm.ptr<3>
    %r = attn.pipeline groups = 2 lag = 1 -> (f32) {
      attn.cluster memory {
        rocdl.raw.ptr.buffer.load.lds %buffer, %k0, %c16, %c0, %c0, %c0, %c0
        %p = llvm.getelementptr inbounds %k1[16] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
        rocdl.raw.ptr.buffer.load.lds %buffer, %p, %c16, %c0, %c0, %c0, %c0
        attn.await %k0 : !llvm.ptr<3>
      }
      %e:2 = attn.cluster compute -> (vector<16xf32>, f32) {
        %m = rocdl.mfma.f32.32x32x16.bf16 %a, %a, %zero, %c0, %c0, %c0 : (vector<8xbf16>, vector<8xbf16>, vector<16xf32>, i32, i32, i32) -> vector<16xf32>
        %0 = rocdl.exp2 %x f32 -> f32
        attn.yield %m, %0 : vector<16xf32>, f32
      }
      scf.for %t = %c0 to %hi step %c1 : i32 {
        attn.cluster memory {
          rocdl.raw.ptr.buffer.load.lds %buffer, %k0, %c16, %c0, %c0, %c0, %c0
          attn.await %k1 : !llvm.ptr<3>
        }
        attn.cluster memory {
          rocdl.raw.ptr.buffer.load.lds %buffer, %k1, %c16, %c0, %c0, %c0, %c0
        }
      }
      attn.yield %e#1 : f32
    }
    llvm.store %r, %out : f32, !llvm.ptr<1>
    gpu.return
  }
}
