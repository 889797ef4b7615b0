//===- CompiledKernelsTest.cpp - Every kernel we compile ------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Pipelines/Compile.h"
#include "flyattn/Simulator/Reassemble.h"
#include "flyattn/Target/KernelABI.h"

#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"

#include <map>

using namespace flyattn;

namespace {

struct Case {
  std::string chip;
  KernelVariant variant;
};

std::vector<Case> allCases() {
  std::vector<Case> cases;
  for (const char *chip : {"gfx942", "gfx950"})
    for (ElementType type : {ElementType::BF16, ElementType::F16})
      for (unsigned headDim : {64u, 128u})
        for (MaskKind mask : {MaskKind::None, MaskKind::Causal,
                              MaskKind::CausalTopLeft, MaskKind::Window})
          for (auto [lse, packed] :
               {std::pair(false, false), std::pair(true, false),
                std::pair(true, true)})
            for (Bf16Rounding rounding :
                 {Bf16Rounding::NearestEven, Bf16Rounding::Truncate}) {
              KernelVariant variant;
              variant.elementType = type;
              variant.headDim = headDim;
              variant.mask = mask;
              variant.lse = lse;
              variant.rounding = rounding;
              variant.packed = packed;
              bool rounds = type == ElementType::BF16;
              if (rounds || rounding == Bf16Rounding::NearestEven)
                cases.push_back({chip, variant});
            }
  return cases;
}

std::string nameOf(const testing::TestParamInfo<Case> &info) {
  const KernelVariant &v = info.param.variant;
  std::string name = info.param.chip;
  name += v.elementType == ElementType::BF16 ? "_bf16" : "_f16";
  name += "_d" + std::to_string(v.headDim);
  name += v.mask == MaskKind::None     ? "_dense"
          : v.mask == MaskKind::Causal ? "_causal"
          : v.mask == MaskKind::Window ? "_window"
                                       : "_causal_top_left";
  name += v.packed ? "_packed" : "";
  name += v.lse ? "_lse" : "";
  name += v.rounding == Bf16Rounding::Truncate ? "_truncate" : "";
  return name;
}

/// Every variant on each chip. The tests of a variant share one compilation.
class CompiledKernels : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    static std::map<std::string, CompiledKernel> cache;
    llvm::StringRef test =
        testing::UnitTest::GetInstance()->current_test_info()->name();
    auto [entry, isNew] = cache.try_emplace(test.split('/').second.str());
    if (isNew) {
      auto result = compileForward(GetParam().variant, GetParam().chip);
      ASSERT_TRUE(bool(result)) << toString(result.takeError());
      entry->second = std::move(*result);
    }
    compiled = entry->second;
    auto loaded =
        sim::CodeObject::load(llvm::arrayRefFromStringRef(compiled.output));
    ASSERT_TRUE(bool(loaded)) << toString(loaded.takeError());
    object.emplace(std::move(*loaded));
  }

  CompiledKernel compiled;
  std::optional<sim::CodeObject> object;
};

TEST_P(CompiledKernels, HoldOneKernelForTheChipWithoutSpills) {
  EXPECT_EQ(object->chip(), GetParam().chip);
  ASSERT_EQ(object->kernels().size(), 1u);
  const sim::KernelInfo &info = object->kernels()[0];
  EXPECT_EQ(info.name, compiled.kernelName);
  EXPECT_EQ(info.vgprSpills, 0u);
  EXPECT_EQ(info.sgprSpills, 0u);
  EXPECT_EQ(info.scratchSize, 0u);
  // Behind them packed sequences have the address of their order.
  EXPECT_EQ(info.kernargSize,
            sizeof(ForwardArgs) +
                (GetParam().variant.packed ? sizeof(uint64_t) : 0));
  EXPECT_EQ(info.maxWorkgroupSize, compiled.config.workItems());
}

TEST_P(CompiledKernels, ReassembleToTheSameBytes) {
  auto program = sim::Program::decode(*object, compiled.kernelName);
  ASSERT_TRUE(bool(program)) << toString(program.takeError());
  llvm::Error error = sim::checkReassembly(*program);
  EXPECT_FALSE(bool(error)) << toString(std::move(error));
}

INSTANTIATE_TEST_SUITE_P(All, CompiledKernels, testing::ValuesIn(allCases()),
                         nameOf);

TEST(Compile, GivesTheSameBytesEveryTime) {
  for (const char *chip : {"gfx942", "gfx950"}) {
    KernelVariant variant;
    variant.mask = MaskKind::Causal;
    variant.lse = true;
    auto once = compileForward(variant, chip);
    auto again = compileForward(variant, chip);
    ASSERT_TRUE(bool(once)) << toString(once.takeError());
    ASSERT_TRUE(bool(again)) << toString(again.takeError());
    EXPECT_EQ(once->output, again->output);
  }
}

TEST(Compile, FarViewsSpillNothing) {
  for (const char *chip : {"gfx942", "gfx950"})
    for (auto [schedule, type, headDim] :
         {std::tuple(ScheduleKind::Generic, ElementType::BF16, 72u),
          std::tuple(ScheduleKind::Generic, ElementType::F16, 128u),
          std::tuple(ScheduleKind::Generic, ElementType::BF16, 256u),
          std::tuple(ScheduleKind::Generic, ElementType::F32, 128u),
          std::tuple(ScheduleKind::DualWave, ElementType::F16, 72u),
          std::tuple(ScheduleKind::DualWave, ElementType::BF16, 128u)})
      for (MaskKind mask : {MaskKind::None, MaskKind::Window}) {
        KernelVariant variant;
        variant.schedule = schedule;
        variant.elementType = type;
        variant.headDim = headDim;
        variant.mask = mask;
        variant.packed = variant.lse = variant.far = true;
        auto compiled = compileForward(variant, chip);
        ASSERT_TRUE(bool(compiled)) << toString(compiled.takeError());
        auto object = sim::CodeObject::load(
            llvm::arrayRefFromStringRef(compiled->output));
        ASSERT_TRUE(bool(object)) << toString(object.takeError());
        const sim::KernelInfo &info = object->kernels().front();
        EXPECT_EQ(info.vgprSpills, 0u) << chip << info.name;
        EXPECT_EQ(info.sgprSpills, 0u) << chip << info.name;
        EXPECT_EQ(info.scratchSize, 0u) << chip << info.name;
      }
}

TEST(Compile, SplitsNeedTwoKernels) {
  for (const char *chip : {"gfx942", "gfx950"})
    for (ScheduleKind schedule :
         {ScheduleKind::Generic, ScheduleKind::DualWave}) {
      KernelVariant variant;
      variant.mask = MaskKind::Causal;
      variant.lse = true;
      variant.splits = 4;
      variant.schedule = schedule;
      if (schedule == ScheduleKind::Generic) {
        variant.packGqa = true;
        variant.waves = 1;
      }
      auto compiled = compileForward(variant, chip);
      ASSERT_TRUE(bool(compiled)) << toString(compiled.takeError());
      auto object =
          sim::CodeObject::load(llvm::arrayRefFromStringRef(compiled->output));
      ASSERT_TRUE(bool(object)) << toString(object.takeError());
      ASSERT_EQ(object->kernels().size(), 2u);
      const sim::KernelInfo *forward = object->find(compiled->kernelName),
                            *combine = object->find(compiled->combineName);
      ASSERT_TRUE(forward && combine);
      EXPECT_EQ(forward->kernargSize, sizeof(PartialArgs));
      EXPECT_EQ(combine->kernargSize, sizeof(CombineArgs));
      EXPECT_EQ(combine->maxWorkgroupSize, 64u);
      for (const sim::KernelInfo *kernel : {forward, combine}) {
        EXPECT_EQ(kernel->vgprSpills, 0u);
        EXPECT_EQ(kernel->scratchSize, 0u);
      }
    }
}

TEST(Compile, RefusesAnUnknownChip) {
  auto result = compileForward(KernelVariant(), "gfx90a");
  ASSERT_FALSE(bool(result));
  EXPECT_EQ(toString(result.takeError()),
            "unknown chip 'gfx90a'; supported: gfx942, gfx950");
}

TEST(Compile, RefusesAHeadDimWithoutAKernel) {
  KernelVariant variant;
  variant.headDim = 264;
  auto result = compileForward(variant, "gfx950");
  ASSERT_FALSE(bool(result));
  EXPECT_NE(
      toString(result.takeError())
          .find(
              "no generic kernel for 'bf16' head_dim 264 on gfx950; supported: "
              "up to 256"),
      std::string::npos);
}

TEST(Compile, BooksTheTimeOfEveryLevel) {
  auto result = compileForward(KernelVariant(), "gfx950");
  ASSERT_TRUE(bool(result)) << toString(result.takeError());
  std::vector<Level> levels;
  for (const LevelTime &time : result->times) {
    levels.push_back(time.level);
    EXPECT_GE(time.seconds, 0.0);
  }
  EXPECT_EQ(levels, (std::vector<Level>{
                        Level::Attn, Level::Tile, Level::Schedule, Level::ROCDL,
                        Level::LLVM, Level::Asm, Level::Object}));
}

} // namespace
