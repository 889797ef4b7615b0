"""Every kernel gives the same bits in every order of execution.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import unittest

from flyattn_testing import CHIPS, DriverTest, long

ORDERS = (
    ("--quantum", 1), ("--quantum", 256), ("--quantum", 1000000),
    ("--wave-order", "reverse"),
    ("--wave-order", "random", "--wave-seed", 1),
    ("--wave-order", "random", "--wave-seed", 2, "--quantum", 1),
    ("--commit", "early"), ("--commit", "late"),
    ("--commit", "early", "--quantum", 1, "--wave-order", "reverse"),
    ("--commit", "late", "--quantum", 1000000, "--wave-order", "reverse"),
    ("--threads", 1))


class BitIdentity(DriverTest):
    def bits(self, *arguments):
        self.flyattn("run", "--device", "sim", "--check", "none", "--out",
                     "o.npy", *arguments)
        files = [self.folder / "o.npy"]
        if "--no-lse" not in arguments:
            files.append(self.folder / "lse.npy")
        return [file.read_bytes() for file in files]


def make_test(chip, dtype, dim, mask, lse, rounding, schedule, mods=()):
    def test(self):
        problem = ["--arch", chip, "--dtype", dtype, "--head-dim", dim,
                   "--mask", mask, "--heads", 2, "--kv-heads", 1,
                   "--seqlen-q", 150, "--seqlen-kv", 330,
                   "--bf16-rounding", rounding, "--schedule", schedule, *mods]
        problem += ["--lse", "lse.npy"] if lse else ["--no-lse"]
        wanted = self.bits(*problem, "--threads", 2)
        for order in ORDERS:
            with self.subTest(order=order):
                self.assertEqual(self.bits(*problem, *order), wanted)
    return test


for number, (chip, dtype, dim, mask, lse, rounding, schedule) in enumerate(
        itertools.product(CHIPS, ("bf16", "f16"), (64, 128),
                          ("none", "causal", "causal-top-left"), (True, False),
                          ("nearest-even", "truncate"),
                          ("generic", "dual_wave"))):
    if rounding == "truncate" and (chip, dtype) != ("gfx942", "bf16"):
        continue  # the option changes nothing there
    test = make_test(chip, dtype, dim, mask, lse, rounding, schedule)
    name = "_".join([chip, dtype, f"d{dim}", mask, "lse" if lse else "no_lse",
                     rounding, schedule]).replace("-", "_")
    setattr(BitIdentity, "test_" + name, test if number % 13 == 0 else long(test))

for number, (chip, dtype, dim, (name, mods)) in enumerate(itertools.product(
        CHIPS, ("bf16", "f16"), (64, 128),
        (("softcap", ("--softcap", 5)), ("alibi", ("--alibi",)),
         ("bias", ("--bias", "1,2,150,330"))))):
    test = make_test(chip, dtype, dim, "causal", True, "nearest-even",
                     "dual_wave", mods)
    setattr(BitIdentity, f"test_{chip}_{dtype}_d{dim}_{name}_dual_wave",
            test if number % 13 == 0 else long(test))

# Wide heads, whose K is read in halves or shared out unevenly.
for chip, mask, (dim, dim_v) in itertools.product(
        CHIPS, ("none", "window:40,3"), ((192, 128), (192, 192), (256, 128))):
    if chip == "gfx942" and (dim, dim_v) != (192, 128):
        continue  # there is no such kernel
    test = make_test(chip, "bf16", dim, mask, True, "nearest-even",
                     "dual_wave", ("--head-dim-v", dim_v))
    name = f"test_{chip}_d{dim}x{dim_v}_{mask.partition(':')[0]}_dual_wave"
    setattr(BitIdentity, name,
            test if (dim, dim_v) == (192, 128) else long(test))

if __name__ == "__main__":
    unittest.main()
