"""KV in parts and heads in one tile: right whatever the number of parts.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import re
import unittest

import numpy as np

from flyattn_testing import CHIPS, DriverTest, attention, decode, encode, long

# batch, seqlen q, seqlen kv, heads, kv heads
PREFILL = ((1, 300, 520, 4, 2), (2, 129, 400, 2, 2), (1, 400, 129, 2, 1),
           (1, 64, 300, 3, 3))
DECODE = ((2, 1, 700, 8, 2), (1, 1, 257, 4, 4), (2, 3, 400, 16, 1),
          (1, 5, 290, 8, 1), (1, 33, 300, 12, 3), (1, 20, 256, 64, 8))
SMALL = ((2, 1, 20, 8, 2), (1, 3, 1, 4, 1), (1, 40, 31, 4, 2))
MASKS = ("none", "causal", "causal-top-left", "window:90,20", "window:30,-1")
SPLITS = (2, 3, 4, "auto")
# Coprime to the number of variants, so that the default ones have all of them.
STEP = 251

ORDERS = (("--quantum", 1), ("--quantum", 1000000),
          ("--wave-order", "reverse"), ("--commit", "late"),
          ("--commit", "early", "--quantum", 1, "--wave-order", "reverse"),
          ("--wave-order", "random", "--wave-seed", 3), ("--threads", 1))


def name_of(*parts):
    return re.sub(r"\W", "_", "_".join(map(str, parts)))


class SplitKTest(DriverTest):
    def right(self, *arguments):
        """Runs a problem with the checks on; returns its JSON."""
        result = self.run_json("--checks", *arguments)
        self.assertEqual(result["status"], "ok")
        self.assertEqual(result["checks"]["reports"], [])
        return result

    def bits(self, *arguments):
        self.flyattn("run", "--device", "sim", "--check", "none", "--out",
                     "o.npy", "--lse", "lse.npy", *arguments)
        return [(self.folder / name).read_bytes()
                for name in ("o.npy", "lse.npy")]

    def size(self, size):
        names = ("--batch", "--seqlen-q", "--seqlen-kv", "--heads",
                 "--kv-heads")
        return [item for pair in zip(names, size) for item in pair]

    def any_order_gives_the_same_bits(self, chip, size, mask, schedule):
        problem = ["--arch", chip, *self.size(size), "--mask", mask,
                   "--splits", 3, "--schedule", schedule]
        wanted = self.bits(*problem, "--threads", 2)
        for order in ORDERS:
            with self.subTest(order=order):
                self.assertEqual(self.bits(*problem, *order), wanted)

    def inputs(self, sq, skv, heads, kv_heads, dim=64):
        random = np.random.default_rng(7)
        shapes = ((1, sq, heads, dim),) + 2 * ((1, skv, kv_heads, dim),)
        arrays = [encode(random.standard_normal(shape, np.float32), "bf16")
                  for shape in shapes]
        for name, array in zip("qkv", arrays):
            self.save(name + ".npy", array)
        return arrays

    def files(self, chip, *arguments, code=0):
        self.flyattn("run", "--arch", chip, "--device", "sim", "--q", "q.npy",
                     "--k", "k.npy", "--v", "v.npy", "--out", "o.npy", "--lse",
                     "lse.npy", *arguments, code=code)
        return decode(self.load("o.npy"), "bf16"), self.load("lse.npy")

    def agrees_with_numpy(self, chip, mask):
        """Packed heads and parts against a reference that knows of neither."""
        q, k, v = self.inputs(sq=5, skv=300, heads=8, kv_heads=2)
        wanted, wanted_lse = attention(
            *(decode(x[0], "bf16") for x in (q, k, v)), mask=mask)
        for splits in (1, 2, 4):
            o, lse = self.files(chip, "--mask", mask, "--splits", splits)
            np.testing.assert_allclose(o[0], wanted, atol=0.02)
            np.testing.assert_allclose(lse[0], wanted_lse, atol=5e-6)

    def heads_are_not_mixed_up(self, chip):
        """The result of other heads is not the result."""
        q, k, v = self.inputs(sq=2, skv=200, heads=8, kv_heads=2)
        o, _ = self.files(chip, "--splits", 2)
        for moved, code in ((0, 0), (1, 1)):
            self.save("e.npy", np.roll(o, moved, axis=2))
            self.files(chip, "--splits", 2, "--expected", "e.npy", code=code)

    def a_part_left_out_is_wrong(self, chip):
        self.inputs(sq=40, skv=256, heads=2, kv_heads=2)
        _, k, v = (self.load(name + ".npy") for name in "qkv")
        self.save("k.npy", k[:, :192])
        self.save("v.npy", v[:, :192])
        partial, _ = self.files(chip)
        self.save("k.npy", k)
        self.save("v.npy", v)
        self.save("e.npy", partial)
        self.files(chip, "--splits", 4, "--expected", "e.npy", code=1)

    def rows_that_see_nothing(self, chip):
        self.inputs(sq=200, skv=70, heads=2, kv_heads=1)
        o, lse = self.files(chip, "--mask", "causal", "--splits", 2)
        self.assertTrue(np.all(o[:, :130] == 0))
        self.assertTrue(np.all(np.isneginf(lse[:, :, :130])))
        self.assertTrue(np.all(np.isfinite(lse[:, :, 130:])))

    def packed_sequences(self, chip, mask, splits, heads, kv_heads, q, kv):
        result = self.right("--arch", chip, "--heads", heads, "--kv-heads",
                            kv_heads, "--head-dim", 64, "--mask", mask,
                            "--cu-seqlens-q", q, "--cu-seqlens-kv", kv,
                            "--splits", splits)
        self.assertFalse(result["rows_sampled"])

    def one_code_object_serves_every_number(self, chip):
        for splits in (2, 7):
            self.flyattn("compile", "--arch", chip, "--schedule", "generic",
                         "--splits", splits, "-o", f"{splits}.hsaco")
        self.assertEqual((self.folder / "2.hsaco").read_bytes(),
                         (self.folder / "7.hsaco").read_bytes())
        text = self.flyattn("compile", "--arch", chip, "--splits", 7,
                            "--emit=attn").stdout
        self.assertIn("splits = 7", text)

    def numbers_that_make_no_sense(self, chip):
        def fails(message, *arguments):
            self.fails(2, message, "run", "--arch", chip, *arguments)
        fails("splits: 0 was given; it must be 1 (no split) or more",
              "--splits", 0)
        fails("300 KV rows are 5 tiles of 64: give 1 to 5, or auto",
              "--head-dim", 64, "--seqlen-q", 300, "--splits", 6)

    def decode_packs_the_heads_of_a_group(self, chip):
        result = self.right("--arch", chip, "--heads", 16, "--kv-heads", 2,
                            "--seqlen-q", 1, "--seqlen-kv", 300, "--splits", 2)
        self.assertTrue(result["config"]["pack_gqa"])
        self.assertEqual(result["config"]["splits"], 2)
        # Of the forward kernel: a KV head and a part each; of the one that
        # combines: 16 rows and 32 columns of O.
        self.assertEqual(result["workgroups"], 2 * 2 + 4)

    def automatic_splits_fill_an_empty_device(self, chip):
        few = self.run_json("--arch", chip, "--seqlen-q", 1, "--seqlen-kv",
                            4096, "--splits", "auto", "--check", "none")
        self.assertGreater(few["config"]["splits"], 8)
        many = self.run_json("--arch", chip, "--seqlen-q", 128, "--seqlen-kv",
                             200, "--heads", 608, "--head-dim", 64, "--splits",
                             "auto", "--check", "none")
        self.assertEqual(many["config"]["splits"], 1)


def add(name, chip, *arguments, mark=lambda test: test, suffix=""):
    def test(self):
        getattr(self, name)(chip, *arguments)
    setattr(SplitKTest, f"test_{name}_{chip}{suffix}", mark(test))


def add_run(number, chip, size, splits, mask, dim, dtype, layout, lse,
            schedule):
    if splits != "auto":
        splits = min(splits, -(-size[2] // 64)) # tiles of the largest kind

    def test(self):
        arguments = ["--arch", chip, *self.size(size), "--splits", splits,
                     "--mask", mask, "--head-dim", dim, "--dtype", dtype,
                     "--layout", layout, "--schedule", schedule]
        result = self.right(*arguments, *([] if lse else ["--no-lse"]))
        self.assertEqual(result["rows_checked"], size[0] * size[1] * size[3])
    name = name_of(chip, schedule, "x".join(map(str, size)), splits, mask,
                   f"d{dim}", dtype, layout, "lse" if lse else "no_lse")
    setattr(SplitKTest, "test_run_" + name,
            test if number % STEP == 0 else long(test))


VARIANTS = [(chip, size, splits, mask, dim, dtype, layout, lse, "auto")
            for chip, size, splits, mask, dim, dtype, layout, lse in
            itertools.product(CHIPS, PREFILL + DECODE + SMALL, SPLITS, MASKS,
                              (64, 128), ("bf16", "f16"), ("bshd", "bhsd"),
                              (True, False))]
VARIANTS += [(*variant, "dual_wave") for variant in itertools.product(
    CHIPS, PREFILL, SPLITS, MASKS, (64, 128), ("bf16", "f16"), ("bshd",),
    (True,))]
# The long run takes a part of them, too: they are thousands.
for number, variant in enumerate(VARIANTS):
    if number % STEP == 0 or number % 11 == 0:
        add_run(number, *variant)

PACKED = (("0,70,70,203,204", "0,150,170,170,470", 4, 2),
          ("0,1,2,2,3", "0,300,301,330,600", 16, 2),
          ("0,0,33", "0,65,65", 4, 4))
for chip in CHIPS:
    for name in ("heads_are_not_mixed_up", "a_part_left_out_is_wrong",
                 "rows_that_see_nothing", "one_code_object_serves_every_number",
                 "numbers_that_make_no_sense",
                 "decode_packs_the_heads_of_a_group",
                 "automatic_splits_fill_an_empty_device"):
        add(name, chip)
    for mask in ("none", "causal", "window:70,9"):
        add("agrees_with_numpy", chip, mask, suffix="_" + name_of(mask))
        for number, ((q, kv, heads, kv_heads), splits) in enumerate(
                itertools.product(PACKED, (2, "auto"))):
            add("packed_sequences", chip, mask, splits, heads, kv_heads, q, kv,
                suffix="_" + name_of(mask, number),
                mark=(lambda test: test) if splits == 2 else long)
    for size, mask, schedule in (((2, 3, 300, 8, 2), "causal", "auto"),
                                 ((1, 150, 330, 2, 1), "none", "generic"),
                                 ((1, 300, 330, 2, 1), "causal", "dual_wave")):
        add("any_order_gives_the_same_bits", chip, size, mask, schedule,
            suffix="_" + name_of(mask, schedule))

if __name__ == "__main__":
    unittest.main()
