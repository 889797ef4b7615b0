//===- SanitizerOptions.cpp - Defaults of the address sanitizer -----------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The packaged LLVM is not instrumented, our code is, and both share LLVM's
// inline functions. So one side poisons allocators and containers that the
// other one does not know to be poisoned: leave that kind of check off.
//
//===----------------------------------------------------------------------===//

extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:detect_container_overflow=0";
}
