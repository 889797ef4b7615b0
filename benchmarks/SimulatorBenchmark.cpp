//===- SimulatorBenchmark.cpp - Speed of the simulator --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Nanoseconds a wave instruction by class, and whole attention kernels:
//   flyattn-bench-simulator
//   FLYATTN_FOREIGN_KERNELS=.../hsa flyattn-bench-simulator
//       --benchmark_filter=attention
//
//===----------------------------------------------------------------------===//

#include "AiterKernels.h"

#include "flyattn/Simulator/Reassemble.h"
#include "flyattn/Simulator/Simulator.h"

#include "benchmark/benchmark.h"

#include <cmath>
#include <cstdlib>

using namespace flyattn;

namespace {

struct InstructionCase {
  const char *name;
  const char *chip;
  const char *text; ///< one instruction
};

constexpr InstructionCase cases[] = {
    {"s_add_u32", "gfx950", "s_add_u32 s8, s9, s10"},
    {"v_mov_b32", "gfx950", "v_mov_b32 v8, v9"},
    {"v_add_f32", "gfx950", "v_add_f32 v8, v9, v10"},
    {"v_mul_f32 (scalar)", "gfx950", "v_mul_f32 v8, s8, v10"},
    {"v_fma_f32", "gfx950", "v_fma_f32 v8, v9, v10, v11"},
    {"v_fma_f32 (neg)", "gfx950", "v_fma_f32 v8, v9, s8, -v11"},
    {"v_max_f32", "gfx950", "v_max_f32 v8, v9, v10"},
    {"v_max3_f32", "gfx950", "v_max3_f32 v8, v9, v10, v11"},
    {"v_exp_f32", "gfx950", "v_exp_f32 v8, v9"},
    {"v_log_f32", "gfx950", "v_log_f32 v8, v9"},
    {"v_rcp_f32", "gfx950", "v_rcp_f32 v8, v9"},
    {"v_pk_mul_f32", "gfx950", "v_pk_mul_f32 v[8:9], v[10:11], v[12:13]"},
    {"v_pk_fma_f32", "gfx950",
     "v_pk_fma_f32 v[8:9], v[10:11], v[12:13], v[14:15]"},
    {"v_cvt_pk_bf16_f32", "gfx950", "v_cvt_pk_bf16_f32 v8, v9, v10"},
    {"v_cvt_pkrtz_f16_f32", "gfx950", "v_cvt_pkrtz_f16_f32 v8, v9, v10"},
    {"v_cvt_pk_fp8_f32", "gfx950", "v_cvt_pk_fp8_f32 v8, v9, v10"},
    {"v_cmp_lt_i32", "gfx950", "v_cmp_lt_i32 vcc, v9, v10"},
    {"v_cndmask_b32", "gfx950", "v_cndmask_b32 v8, v9, v10, vcc"},
    {"v_perm_b32", "gfx942", "v_perm_b32 v8, v9, v10, s8"},
    {"v_bfe_u32", "gfx942", "v_bfe_u32 v8, v9, 16, 1"},
    {"v_add3_u32", "gfx942", "v_add3_u32 v8, v9, v10, s8"},
    {"v_add_u32 dpp", "gfx942", "v_add_u32_dpp v8, v9, v10 row_shr:1"},
    {"v_permlane32_swap", "gfx950", "v_permlane32_swap_b32 v8, v9"},
    {"ds_bpermute_b32", "gfx942", "ds_bpermute_b32 v8, v0, v9"},
    {"ds_read_b32", "gfx950", "ds_read_b32 v8, v0"},
    {"ds_read_b64", "gfx950", "ds_read_b64 v[8:9], v0"},
    {"ds_read_b128", "gfx950", "ds_read_b128 v[8:11], v0"},
    {"ds_read_b64_tr_b16", "gfx950", "ds_read_b64_tr_b16 v[8:9], v0"},
    {"ds_read_b64_tr_b8", "gfx950", "ds_read_b64_tr_b8 v[8:9], v0"},
    {"ds_write_b64", "gfx950", "ds_write_b64 v0, v[8:9]"},
    {"ds_write_b128", "gfx950", "ds_write_b128 v0, v[8:11]"},
    {"global_load_dwordx4", "gfx950",
     "global_load_dwordx4 v[8:11], v0, s[4:5]"},
    {"buffer_load_dwordx4", "gfx950",
     "buffer_load_dwordx4 v[8:11], v0, s[12:15], 0 offen"},
    {"buffer_load_dwordx4 lds", "gfx950",
     "buffer_load_dwordx4 v0, s[12:15], 0 offen lds"},
    {"buffer_load_dword lds", "gfx942",
     "buffer_load_dword v0, s[12:15], 0 offen lds"},
    {"buffer_store_dwordx4", "gfx950",
     "buffer_store_dwordx4 v[8:11], v0, s[12:15], 0 offen"},
    {"mfma 32x32x16 bf16", "gfx950",
     "v_mfma_f32_32x32x16_bf16 v[32:47], v[8:11], v[12:15], v[32:47]"},
    {"mfma 32x32x16 f16", "gfx950",
     "v_mfma_f32_32x32x16_f16 v[32:47], v[8:11], v[12:15], v[32:47]"},
    {"mfma 16x16x32 bf16", "gfx950",
     "v_mfma_f32_16x16x32_bf16 v[32:35], v[8:11], v[12:15], v[32:35]"},
    {"mfma 32x32x8 bf16", "gfx942",
     "v_mfma_f32_32x32x8_bf16 v[32:47], v[8:9], v[12:13], v[32:47]"},
    {"mfma 32x32x8 f16", "gfx942",
     "v_mfma_f32_32x32x8_f16 v[32:47], v[8:9], v[12:13], v[32:47]"},
    {"mfma 16x16x16 bf16", "gfx942",
     "v_mfma_f32_16x16x16_bf16 v[32:35], v[8:9], v[12:13], v[32:35]"},
    {"mfma 32x32x16 fp8", "gfx942",
     "v_mfma_f32_32x32x16_fp8_fp8 v[32:47], v[8:9], v[12:13], v[32:47]"},
    {"mfma 32x32x64 fp8", "gfx950",
     "v_mfma_f32_32x32x64_f8f6f4 v[32:47], v[8:15], v[16:23], v[32:47]"},
    {"mfma 32x32x2 f32", "gfx942",
     "v_mfma_f32_32x32x2_f32 v[32:47], v8, v9, v[32:47]"},
    {"mfma 32x32x16 i8", "gfx942",
     "v_mfma_i32_32x32x16_i8 v[32:47], v[8:9], v[12:13], v[32:47]"},
};

/// v0 = 16 * lane, registers hold small numbers, s[12:15] is a resource of the
/// buffer, and the instruction is run 64 times in a loop of s20 turns.
std::string loopAround(const char *instruction) {
  std::string text = "s_load_dwordx2 s[4:5], s[0:1], 0x0\n"
                     "s_waitcnt lgkmcnt(0)\n"
                     "s_mov_b32 s12, s4\ns_mov_b32 s13, s5\n"
                     "s_mov_b32 s14, 0x1000\ns_mov_b32 s15, 0x20000\n"
                     "s_mov_b32 m0, 0\ns_mov_b32 s20, 64\n"
                     "s_mov_b32 s8, 0x07060302\ns_mov_b64 vcc, 0x5555\n"
                     "v_lshlrev_b32 v0, 4, v0\n";
  for (unsigned n = 8; n < 48; ++n)
    text += "v_mov_b32 v" + std::to_string(n) + ", 1.0\n";
  text += "loop:\n";
  for (unsigned n = 0; n < 64; ++n)
    text += std::string(instruction) + "\n";
  return text + "s_sub_u32 s20, s20, 1\ns_cmp_lg_u32 s20, 0\n"
                "s_cbranch_scc1 loop\ns_endpgm\n";
}

sim::KernelInfo plainKernel() {
  sim::KernelInfo info;
  info.name = "benchmark";
  info.vgprs = 64;
  info.accumOffset = 64;
  info.ldsSize = 4096;
  info.kernargSize = 8;
  info.rsrc1 = 0xf0u << 12;      // denormals kept, nearest even
  info.rsrc2 = 2u << 1;          // two user SGPRs
  info.codeProperties = 1u << 3; // the kernarg pointer
  return info;
}

void runInstruction(benchmark::State &state, const InstructionCase &c) {
  auto code = llvm::cantFail(sim::assemble(c.chip, loopAround(c.text)));
  auto program =
      llvm::cantFail(sim::Program::fromCode(c.chip, plainKernel(), code));
  sim::Memory memory;
  std::vector<uint8_t> data(4096);
  sim::LaunchParams params;
  params.block = {64, 1, 1};
  params.setKernarg(0, memory.bind(data.data(), data.size(), "data"));
  sim::Options options;
  options.threads = 1;
  uint64_t instructions = 0;
  for (auto unused : state) {
    (void)unused;
    auto result = sim::launch(program, memory, params, options);
    if (!result) {
      state.SkipWithError(llvm::toString(result.takeError()).c_str());
      return;
    }
    instructions += result->instructions;
  }
  state.counters["wave_inst"] =
      benchmark::Counter(double(instructions), benchmark::Counter::kIsRate |
                                                   benchmark::Counter::kInvert);
}

/// B1 H8 D128, S as given, not causal, on all cores.
void runAttention(benchmark::State &state, const aiter::Kernel &kernel) {
  uint32_t seq = uint32_t(state.range(0)), heads = 8, dim = 128;
  auto object = llvm::cantFail(aiter::loadObject(kernel));
  auto program =
      llvm::cantFail(sim::Program::decode(object, object.kernels()[0].name));
  std::vector<uint16_t> q(size_t(seq) * heads * dim);
  for (size_t i = 0; i < q.size(); ++i) // bf16 between -2 and 2
    q[i] = uint16_t(((i * 2654435761u >> 7) & 0x807f) | 0x3f80);
  sim::Memory memory;
  aiter::Call call;
  call.q = call.k = call.v = memory.bind(q.data(), q.size() * 2, "qkv");
  call.o = memory.allocate(q.size() * 2, "o");
  call.lse = memory.allocate(size_t(seq) * heads * 4, "lse");
  call.batch = 1;
  call.heads = call.kvHeads = heads;
  call.seqlenQ = call.seqlenKv = call.totalQ = seq;
  call.scale = 1 / std::sqrt(float(dim));
  sim::LaunchParams params;
  aiter::setKernarg(params, kernel, call);
  aiter::setGrid(params, kernel, call);
  double flop = 0, instructions = 0;
  for (auto unused : state) {
    (void)unused;
    auto result = sim::launch(program, memory, params, sim::Options());
    if (!result) {
      state.SkipWithError(llvm::toString(result.takeError()).c_str());
      return;
    }
    flop += 4.0 * heads * dim * double(seq) * seq;
    instructions += double(result->instructions);
  }
  using benchmark::Counter;
  state.counters["FLOP"] = Counter(flop, Counter::kIsRate);
  state.counters["wave_inst"] = Counter(instructions, Counter::kIsRate);
}

} // namespace

int main(int argc, char **argv) {
  for (const InstructionCase &c : cases)
    benchmark::RegisterBenchmark(
        c.name, [&c](benchmark::State &state) { runInstruction(state, c); });
  for (const aiter::Kernel &kernel : aiter::findKernels()) {
    std::string name = kernel.path.stem().string();
    if (name != "fwd_hd128_bf16" && name != "fwd_hd128_bf16_rtne" &&
        name != "fwd_hd128_bf16_rtz")
      continue;
    if (kernel.path.string().find("MI308") != std::string::npos)
      continue;
    name = std::string("attention/") + (kernel.gfx950 ? "gfx950/" : "gfx942/") +
           name;
    benchmark::RegisterBenchmark(
        name.c_str(),
        [kernel](benchmark::State &state) { runAttention(state, kernel); })
        ->Arg(1024)
        ->Arg(4096)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
