//===- Observer.cpp - Who wants to see the memory traffic of a launch -----===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Observer.h"

using namespace flyattn::sim;

void Wave::observe(const Access &access) const {
  const InstInfo &info = instInfos(*group->program)[access.inst->index];
  observer->memory({*this, access, info});
}
