//===- ObserverTest.cpp - What an observer sees of memory traffic ---------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LaunchTest.h"
#include "LdsBanks.h"
#include "WorkgroupRunner.h"

using namespace flyattn::test;

namespace {

struct Seen {
  Unit unit;
  uint64_t lanes, memory;
  uint32_t memoryBytes, lds, ldsSecond;
  LdsCost cost;
};

struct Recorder : Observer {
  std::vector<Seen> seen;
  std::unique_ptr<LdsCosts> costs;
  void memory(const MemoryEvent &event) override {
    bool lds = event.info.unit == Unit::Lds;
    bool addresses = lds || event.info.unit == Unit::LdsDma;
    seen.push_back(
        {event.info.unit, event.lanes(), lds ? 0 : event.memoryAddress(1),
         lds ? 0 : event.memoryBytes(event.info.unit == Unit::Smem ? 0 : 1),
         addresses ? event.ldsAddress(1) : 0, lds ? event.ldsAddress(1, 1) : 0,
         lds ? costs->of(event) : LdsCost()});
  }
};

TEST(Observer, SeesAddressesAndBytes) {
  const std::string text = start +
                           "v_lshlrev_b32 v3, 3, v2\n"
                           "s_mov_b32 m0, 0x100\n"
                           "global_load_lds_dword v1, s[6:7] offset:16\n"
                           "global_load_dwordx4 v[8:11], v1, s[6:7]\n"
                           "s_waitcnt vmcnt(0)\n"
                           "ds_write_b64 v3, v[8:9] offset:8\n"
                           "s_mov_b64 exec, 6\n"
                           "ds_read2_b32 v[8:9], v3 offset0:1 offset1:3\n"
                           "s_endpgm\n";
  Launch launch;
  auto code = llvm::cantFail(assemble(launch.chip, text));
  auto program =
      llvm::cantFail(Program::fromCode(launch.chip, launch.info, code));
  Memory memory;
  uint64_t out = memory.bind(launch.out.data(), launch.out.size() * 4, "out");
  launch.params.setKernarg(0, out);
  uint64_t kernarg = memory.bind(launch.params.kernarg.data(), 8, "kernarg");
  LaunchContext context{program, launch.params, launch.options, memory};
  context.kernargAddress = kernarg;
  context.ldsSize = 4096;
  WorkgroupRunner runner(context);
  Recorder recorder;
  recorder.costs = std::make_unique<LdsCosts>(program);
  runner.observe(&recorder);
  LaunchResult result;
  ASSERT_FALSE(bool(runner.run(0, result)));

  ASSERT_EQ(recorder.seen.size(), 5u);
  const Seen &scalar = recorder.seen[0], &dma = recorder.seen[1],
             &load = recorder.seen[2], &write = recorder.seen[3],
             &read = recorder.seen[4];
  EXPECT_EQ(scalar.unit, Unit::Smem);
  EXPECT_EQ(scalar.lanes, 1u);
  EXPECT_EQ(scalar.memoryBytes, 8u);
  EXPECT_EQ(dma.unit, Unit::LdsDma);
  EXPECT_EQ(dma.memory, out + 4 + 16);
  EXPECT_EQ(dma.lds, 0x100u + 16 + 4);
  EXPECT_EQ(load.unit, Unit::Vmem);
  EXPECT_EQ(load.lanes, allLanes);
  EXPECT_EQ(load.memory, out + 4);
  EXPECT_EQ(load.memoryBytes, 16u);
  EXPECT_EQ(write.unit, Unit::Lds);
  EXPECT_EQ(write.lds, 8u + 8);
  EXPECT_EQ(write.cost, (LdsCost{4, 0}));
  EXPECT_EQ(read.lanes, 6u);
  EXPECT_EQ(read.lds, 8u + 4);
  EXPECT_EQ(read.ldsSecond, 8u + 12);
  EXPECT_EQ(read.cost, (LdsCost{2, 0}));
}

} // namespace
