"""`flyattn run` over sizes, types, masks and chips: within the bound, always.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import re
import unittest

from flyattn_testing import CHIPS, DriverTest, long

# batch, seqlen q, seqlen kv, heads, kv heads
SIZES = (
    (2, 512, 512, 8, 2), (3, 1, 1, 4, 4), (3, 31, 31, 4, 4), (3, 33, 33, 4, 4),
    (2, 63, 63, 4, 4), (2, 65, 65, 4, 4), (2, 127, 127, 4, 1),
    (2, 129, 129, 4, 4), (1, 255, 255, 4, 4), (1, 257, 257, 4, 2),
    (1, 511, 511, 4, 4), (1, 513, 513, 4, 4), (1, 31, 65, 8, 1),
    (1, 63, 33, 8, 1), (1, 129, 255, 8, 8), (1, 257, 127, 8, 8),
    (1, 1, 300, 4, 4), (1, 300, 1, 4, 4))
MASKS = ("none", "causal", "causal-top-left", "window:20,9", "window:-1,40",
         "window:100,-1")
SCHEDULES = ("generic", "dual_wave")
# Coprime to the number of variants, so that the default ones have all of them.
STEP = 43


class RunMatrix(DriverTest):
    pass


def make_test(chip, dtype, dim, mask, schedule, size):
    def test(self):
        batch, sq, skv, heads, kv_heads = size
        result = self.run_json(
            "--arch", chip, "--dtype", dtype, "--head-dim", dim, "--mask", mask,
            "--batch", batch, "--seqlen-q", sq, "--seqlen-kv", skv,
            "--heads", heads, "--kv-heads", kv_heads,
            "--schedule", schedule)
        self.assertEqual(result["config"]["schedule"], schedule)
        self.assertEqual(result["status"], "ok")
        self.assertFalse(result["rows_sampled"])
        self.assertEqual(result["rows_checked"], batch * heads * sq)
        self.assertLessEqual(result["errors"]["max_abs"],
                             result["errors"]["bound"])
        self.assertLessEqual(result["errors"]["lse"]["max_abs"],
                             result["errors"]["lse"]["bound"])
    return test


for number, (size, chip, dtype, dim, mask, schedule) in enumerate(itertools.product(
        SIZES, CHIPS, ("bf16", "f16"), (64, 128), MASKS, SCHEDULES)):
    test = make_test(chip, dtype, dim, mask, schedule, size)
    name = "_".join([chip, dtype, f"d{dim}", re.sub(r"\W", "_", mask), schedule,
                     "x".join(map(str, size))])
    setattr(RunMatrix, "test_" + name, test if number % STEP == 0 else long(test))

if __name__ == "__main__":
    unittest.main()
