//===- Compile.cpp - From a kernel variant to a code object ---------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flyattn/Pipelines/Compile.h"

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Dialect/Attn/Transforms/RowOrder.h"
#include "flyattn/Pipelines/Pipelines.h"
#include "flyattn/Target/ChipInfo.h"
#include "flyattn/Target/CodeGen.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/ROCDL/ROCDLToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/ModuleTranslation.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

#include <chrono>

using namespace mlir;
using namespace flyattn;

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registerDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerROCDLDialectTranslation(registry);
  return registry;
}

static Type elementType(Builder &b, ElementType type) {
  switch (type) {
  case ElementType::BF16:
    return b.getBF16Type();
  case ElementType::F16:
    return b.getF16Type();
  case ElementType::F32:
    return b.getF32Type();
  }
  llvm_unreachable("unknown element type");
}

/// What is an argument of the kernel has any value here.
static Attribute maskAttr(MLIRContext &context, MaskKind mask) {
  switch (mask) {
  case MaskKind::None:
    return {};
  case MaskKind::Causal:
    return attn::CausalAttr::get(&context, attn::CausalAlignment::BottomRight);
  case MaskKind::CausalTopLeft:
    return attn::CausalAttr::get(&context, attn::CausalAlignment::TopLeft);
  case MaskKind::Window:
    return attn::WindowAttr::get(&context, -1, -1);
  case MaskKind::Chunked:
    return attn::ChunkedAttr::get(&context, 1);
  }
  llvm_unreachable("unknown mask");
}

/// func.func @attention(%q, %k, %v, %o[, %lse][, %cu_q, %cu_kv, %max]
/// [, %softcap][, %bias][, %slopes][, %sink]) { attn.forward ... } with every
/// size and stride unknown but the head dims.
static OwningOpRef<ModuleOp> buildModule(MLIRContext &context,
                                         const KernelVariant &variant) {
  auto b = ImplicitLocOpBuilder(UnknownLoc::get(&context), &context);
  Type element = elementType(b, variant.elementType);
  constexpr int64_t any = ShapedType::kDynamic;
  auto strided = [&](SmallVector<int64_t> shape, Type type) {
    SmallVector<int64_t> strides(shape.size() - 1, any);
    strides.push_back(1);
    return MemRefType::get(shape, type,
                           StridedLayoutAttr::get(&context, any, strides));
  };
  auto operand = [&](int64_t headDim) {
    return variant.packed ? strided({any, any, headDim}, element)
                          : strided({any, any, any, headDim}, element);
  };
  Type qk = operand(variant.headDim);
  Type vo = operand(variant.dimV());
  SmallVector<Type> parameters{qk, qk, vo, vo};
  if (variant.lse)
    parameters.push_back(variant.packed
                             ? strided({any, any}, b.getF32Type())
                             : strided({any, any, any}, b.getF32Type()));
  size_t outsEnd = parameters.size();
  if (variant.packed)
    parameters.append({strided({any}, b.getI32Type()),
                       strided({any}, b.getI32Type()), b.getIndexType()});
  size_t modsBegin = parameters.size();
  auto perHead = MemRefType::get({any}, b.getF32Type());
  if (variant.softcap)
    parameters.push_back(b.getF32Type());
  if (variant.bias)
    parameters.push_back(strided(
        {any, any, any, any},
        *variant.bias == BiasType::F32 ? Type(b.getF32Type()) : element));
  for (bool isThere : {variant.alibi, variant.sink})
    if (isThere)
      parameters.push_back(perHead);

  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToStart(module->getBody());
  auto function =
      func::FuncOp::create(b, "attention", b.getFunctionType(parameters, {}));
  b.setInsertionPointToStart(function.addEntryBlock());
  auto arguments = function.getArguments();
  auto seqlens = [&](size_t index) {
    return variant.packed ? Value(arguments[outsEnd + index]) : Value();
  };
  auto take = [&, next = modsBegin](bool isThere) mutable {
    return isThere ? Value(arguments[next++]) : Value();
  };
  Value softcap = take(variant.softcap);
  Value bias = take(variant.bias.has_value());
  Value slopes = take(variant.alibi);
  Value sink = take(variant.sink);
  auto forward = attn::ForwardOp::create(
      b, TypeRange(), arguments[0], arguments[1], arguments[2], seqlens(0),
      seqlens(1), seqlens(2), softcap, bias, slopes, sink,
      /*captures=*/ValueRange(), ValueRange(arguments).slice(3, outsEnd - 3),
      Attribute(), FloatAttr(), attn::Layout::BSHD, attn::ConfigAttr());
  forward.setMaskAttr(maskAttr(context, variant.mask));
  func::ReturnOp::create(b);
  return module;
}

namespace {
/// One compilation: the module on its way down and what is learnt on it.
class Compilation {
public:
  Compilation(const KernelVariant &variant, llvm::StringRef chip)
      : context(makeRegistry(), MLIRContext::Threading::DISABLED),
        handler(&context,
                [this](Diagnostic &diagnostic) {
                  if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
                    errors += (errors.empty() ? "" : "\n") + diagnostic.str();
                  return success();
                }),
        variant(variant), chip(chip) {
    context.loadAllAvailableDialects();
    options.chip = chip.str();
    if (variant.schedule == ScheduleKind::DualWave)
      options.schedule = "dual_wave";
    options.waves = variant.waves;
    options.splits = variant.splits;
    options.packGqa = variant.packGqa;
    options.far = variant.far;
    if (variant.without != Technique::None)
      options.without = nameOf(variant.without).str();
    options.countRescales = variant.countRescales;
    options.bf16Truncate = variant.rounding == Bf16Rounding::Truncate;
  }

  /// Of `program`, or without one of what the variant says.
  llvm::Expected<CompiledKernel> run(Level level, llvm::StringRef program = "");

private:
  llvm::Error parse(llvm::StringRef program);
  using BuildPipeline = void (*)(OpPassManager &, const PipelineOptions &);
  llvm::Error runPipeline(BuildPipeline build);
  llvm::Error lowerToLLVM();
  llvm::Error generate(Level level);
  void finishLevel(Level level);
  void readConfig();
  void readKernelNames();
  llvm::Error failure(llvm::StringRef what) {
    return llvm::createStringError(errors.empty() ? what.str() : errors);
  }

  MLIRContext context;
  std::string errors;
  ScopedDiagnosticHandler handler;
  const KernelVariant &variant;
  llvm::StringRef chip;
  PipelineOptions options;
  OwningOpRef<ModuleOp> module;
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule;
  CompiledKernel result;
  std::chrono::steady_clock::time_point levelStart =
      std::chrono::steady_clock::now();
};
} // namespace

/// Books the time since the last call to `level`.
void Compilation::finishLevel(Level level) {
  auto now = std::chrono::steady_clock::now();
  result.times.push_back(
      {level, std::chrono::duration<double>(now - levelStart).count()});
  levelStart = now;
}

llvm::Error Compilation::runPipeline(BuildPipeline build) {
  PassManager pm(&context);
  build(pm, options);
  if (failed(pm.run(*module)))
    return failure("the pass pipeline failed");
  return llvm::Error::success();
}

void Compilation::readConfig() {
  module->walk([&](attn::ForwardOp op) {
    attn::ConfigAttr config = *op.getConfig();
    bool dualWave = config.getSchedule() == attn::Schedule::DualWave;
    result.config = {dualWave ? ScheduleKind::DualWave : ScheduleKind::Generic,
                     config.getWaves(),
                     config.getRowsPerWave(),
                     config.getKvTile(),
                     config.getSlots(),
                     attn::takesLastRowsFirst(op) &&
                         options.without != nameOf(Technique::WorkgroupOrder)};
  });
}

/// The forward kernel's, and that of the one behind it, if any.
void Compilation::readKernelNames() {
  std::string *name = &result.kernelName;
  module->walk([&](gpu::GPUFuncOp kernel) {
    *name = kernel.getName().str();
    name = &result.combineName;
  });
}

llvm::Error Compilation::lowerToLLVM() {
  for (auto kernels : module->getOps<gpu::GPUModuleOp>()) {
    auto translated = translateModuleToLLVMIR(kernels, llvmContext, "attn");
    if (!translated)
      return failure("the translation to LLVM IR failed");
    if (!llvmModule)
      llvmModule = std::move(translated);
    else if (llvm::Linker::linkModules(*llvmModule, std::move(translated)))
      return failure("the kernels cannot be linked");
  }
  llvmModule->addModuleFlag(llvm::Module::Error, "amdhsa_code_object_version",
                            500);
  return llvm::Error::success();
}

llvm::Error Compilation::generate(Level level) {
  auto machine = createTargetMachine(chip);
  if (!machine)
    return machine.takeError();
  optimize(*llvmModule, **machine);
  finishLevel(Level::LLVM);
  if (level == Level::LLVM) {
    llvm::raw_string_ostream(result.output) << *llvmModule;
    return llvm::Error::success();
  }
  auto type = level == Level::Asm ? llvm::CodeGenFileType::AssemblyFile
                                  : llvm::CodeGenFileType::ObjectFile;
  auto emitted = emit(*llvmModule, **machine, type);
  if (!emitted)
    return emitted.takeError();
  finishLevel(Level::Asm);
  result.output = std::move(*emitted);
  if (level == Level::Asm)
    return llvm::Error::success();
  auto linked = linkCodeObject(result.output);
  if (!linked)
    return linked.takeError();
  finishLevel(Level::Object);
  result.output = std::move(*linked);
  return llvm::Error::success();
}

llvm::Error Compilation::parse(llvm::StringRef program) {
  module = parseSourceString<ModuleOp>(program, &context);
  if (!module)
    return failure("the program cannot be parsed");
  unsigned count = 0;
  module->walk([&](attn::ForwardOp) { ++count; });
  if (count != 1)
    return llvm::createStringError("the program has " + llvm::Twine(count) +
                                   " attn.forward; it must have one");
  return llvm::Error::success();
}

llvm::Expected<CompiledKernel> Compilation::run(Level level,
                                                llvm::StringRef program) {
  if (program.empty())
    module = buildModule(context, variant);
  else if (llvm::Error error = parse(program))
    return error;
  finishLevel(Level::Attn);

  // The configuration is part of L1: it is chosen whatever level is asked for.
  if (llvm::Error error = runPipeline(buildSelectConfigPipeline))
    return error;
  readConfig();

  struct Step {
    Level level;
    BuildPipeline build;
  };
  const Step steps[] = {{Level::Tile, buildAttnToTilePipeline},
                        {Level::Schedule, buildTileToSchedulePipeline},
                        {Level::ROCDL, buildScheduleToROCDLPipeline}};
  for (const Step &step : steps) {
    if (level < step.level)
      break;
    if (llvm::Error error = runPipeline(step.build))
      return error;
    finishLevel(step.level);
  }
  if (level >= Level::Tile)
    readKernelNames();
  if (level <= Level::ROCDL) {
    llvm::raw_string_ostream stream(result.output);
    module->print(stream);
    stream << "\n";
    return std::move(result);
  }

  if (llvm::Error error = runPipeline(buildROCDLToLLVMPipeline))
    return error;
  if (llvm::Error error = lowerToLLVM())
    return error;
  if (llvm::Error error = generate(level))
    return error;
  return std::move(result);
}

llvm::Expected<CompiledKernel>
flyattn::compileForward(const KernelVariant &variant, llvm::StringRef chip,
                        Level level) {
  if (!findChip(chip))
    return llvm::createStringError("unknown chip '" + chip +
                                   "'; supported: " + chipNames());
  return Compilation(variant, chip).run(level);
}

llvm::Expected<CompiledKernel>
flyattn::compileProgram(llvm::StringRef program, const KernelVariant &variant,
                        llvm::StringRef chip, Level level) {
  if (!findChip(chip))
    return llvm::createStringError("unknown chip '" + chip +
                                   "'; supported: " + chipNames());
  return Compilation(variant, chip).run(level, program);
}
