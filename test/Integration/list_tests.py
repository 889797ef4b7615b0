"""Prints every test of a module as `Class.method label`, for CMake.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import importlib
import sys
import unittest


def tests_of(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from tests_of(item)
        else:
            yield item


module = importlib.import_module(sys.argv[1])
for test in tests_of(unittest.defaultTestLoader.loadTestsFromModule(module)):
    method = getattr(test, test._testMethodName)
    label = "long" if getattr(method, "long", False) else "default"
    print(test.id().split(".", 1)[1], label)
