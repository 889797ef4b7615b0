//===- FlyAttnPlugin.cpp - attn for the stock mlir-opt --------------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// mlir-opt-22 x.mlir --load-dialect-plugin=FlyAttnPlugin.so \
//     --pass-pipeline="builtin.module(attn-to-tile{chip=gfx942})"
//
// mlir-opt parses bare pass flags before it loads plugins, so passes are named
// in --pass-pipeline.

#include "flyattn/Dialect/Attn/IR/Attn.h"
#include "flyattn/Pipelines/Pipelines.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "llvm/Config/llvm-config.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "FlyAttn", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            flyattn::registerDialects(*registry);
            flyattn::registerPassesAndPipelines();
          }};
}
