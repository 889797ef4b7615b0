"""Packed sequences of any length, one code object for all of them.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import unittest

import numpy as np

from flyattn_testing import (CHIPS, DriverTest, attention, decode, encode, long,
                             relative_rms)

# query lengths, KV lengths, heads, KV heads
LISTS = {
    "self": ([256, 256], None, 4, 4),
    "group": ([256, 1024], None, 8, 1),
    "uneven": ([256, 1024, 3, 31, 65, 127], None, 8, 1),
    "tiny": ([1, 3, 31, 33, 63, 65], None, 4, 4),
    "cross": ([31, 33, 63, 65], [65, 63, 33, 31], 4, 4),
    "cross_group": ([127, 129, 255, 257], [257, 255, 129, 127], 8, 1),
    "empty_queries": ([0, 70, 0, 130, 0], [5, 90, 0, 128, 64], 4, 2),
    "empty_keys": ([70, 1, 129], [0, 300, 0], 4, 2),
}
# The same with the lengths that models have; only the long run takes them.
LONG_LISTS = {
    "equal": ([1024, 1024], None, 64, 64),
    "longer": ([1024, 8192], None, 64, 8),
    "mixed": ([1024, 8192, 3, 31, 65, 127], None, 64, 8),
    "small": ([1, 3, 31, 33, 63, 65], None, 64, 64),
    "long_cross": ([1024, 8192], [8192, 1024], 64, 8),
    "short_cross": ([31, 33, 63, 65], [65, 63, 33, 31], 64, 64),
    "middle_cross": ([127, 129, 255, 257], [257, 255, 129, 127], 64, 8),
}
MASKS = ("none", "causal", "causal-top-left", "window:40,3")


def ends(lengths):
    return np.concatenate(([0], np.cumsum(lengths)))


def text(lengths):
    return ",".join(map(str, ends(lengths)))


class VarlenTest(DriverTest):
    def forward(self, chip, q, k, v, q_lengths, kv_lengths, *arguments, code=0):
        """O and LSE of packed sequences as files hold them."""
        for name, array in zip("qkv", (q, k, v)):
            self.save(name + ".npy", array)
        self.flyattn("run", "--arch", chip, "--device", "sim", "--q", "q.npy",
                     "--k", "k.npy", "--v", "v.npy", "--cu-seqlens-q",
                     text(q_lengths), "--cu-seqlens-kv", text(kv_lengths),
                     "--out", "o.npy", "--lse", "lse.npy", "--checks",
                     *arguments, code=code)
        return self.load("o.npy"), self.load("lse.npy")

    def inputs(self, q_lengths, kv_lengths, heads=4, kv_heads=2, dim=64,
               dtype="bf16"):
        random = np.random.default_rng(3)
        shapes = ((sum(q_lengths), heads, dim),) + 2 * (
            (sum(kv_lengths), kv_heads, dim),)
        return [encode(random.standard_normal(shape, np.float32), dtype)
                for shape in shapes]

    def sequences(self, q_lengths, kv_lengths):
        """The slices of query and KV rows of each sequence."""
        q_ends, kv_ends = ends(q_lengths), ends(kv_lengths)
        for i in range(len(q_lengths)):
            yield (slice(q_ends[i], q_ends[i + 1]),
                   slice(kv_ends[i], kv_ends[i + 1]))

    def agrees_with_numpy(self, chip, dtype, mask):
        q_lengths, kv_lengths = [70, 0, 130, 33, 65], [128, 20, 65, 0, 64]
        q, k, v = self.inputs(q_lengths, kv_lengths, dtype=dtype)
        o, lse = self.forward(chip, q, k, v, q_lengths, kv_lengths, "--mask",
                              mask)
        self.assertEqual(o.shape, q.shape)
        self.assertEqual(lse.shape, (4, sum(q_lengths)))
        for rows, columns in self.sequences(q_lengths, kv_lengths):
            if rows.start == rows.stop:
                continue
            if columns.start == columns.stop:
                self.assertTrue(np.all(o[rows] == 0))
                self.assertTrue(np.all(np.isneginf(lse[:, rows])))
                continue
            wanted, wanted_lse = attention(
                *(decode(x, dtype) for x in (q[rows], k[columns], v[columns])),
                mask=mask)
            self.assertLess(relative_rms(decode(o[rows], dtype), wanted),
                            3.3e-3 if dtype == "bf16" else 5e-4)
            np.testing.assert_allclose(lse[:, rows], wanted_lse, atol=5e-6)

    def a_sequence_does_not_depend_on_its_neighbours(self, chip):
        q_lengths, kv_lengths = [70, 200, 33], [90, 150, 64]
        q, k, v = self.inputs(q_lengths, kv_lengths)
        o, lse = self.forward(chip, q, k, v, q_lengths, kv_lengths, "--mask",
                              "causal")
        for rows, columns in self.sequences(q_lengths, kv_lengths):
            self.save("q1.npy", q[None, rows])
            self.save("k1.npy", k[None, columns])
            self.save("v1.npy", v[None, columns])
            self.flyattn("run", "--arch", chip, "--device", "sim", "--q",
                         "q1.npy", "--k", "k1.npy", "--v", "v1.npy", "--mask",
                         "causal", "--out", "o1.npy", "--lse", "lse1.npy")
            np.testing.assert_array_equal(self.load("o1.npy")[0], o[rows])
            np.testing.assert_array_equal(self.load("lse1.npy")[0],
                                          lse[:, rows])

    def wrong_borders_are_wrong(self, chip):
        """The reference of other sequences is not the result."""
        q_lengths, kv_lengths = [70, 60], [64, 66]
        q, k, v = self.inputs(q_lengths, kv_lengths)
        for moved, code in ((0, 0), (1, 1), (-1, 1)):
            other = [64 + moved, 66 - moved]
            expected = np.concatenate([
                attention(*(decode(x, "bf16") for x in
                            (q[rows], k[columns], v[columns])))[0]
                for rows, columns in self.sequences(q_lengths, other)])
            self.save("e.npy", expected)
            self.forward(chip, q, k, v, q_lengths, kv_lengths, "--expected",
                         "e.npy", code=code)

    def runs(self, chip, name, mask, dim, dtype, lists, *arguments):
        q_lengths, kv_lengths, heads, kv_heads = lists[name]
        result = self.run_json(
            "--arch", chip, "--mask", mask, "--head-dim", dim, "--dtype", dtype,
            "--heads", heads, "--kv-heads", kv_heads, "--cu-seqlens-q",
            text(q_lengths), "--cu-seqlens-kv", text(kv_lengths or q_lengths),
            *arguments)
        self.assertEqual(result["status"], "ok")
        self.assertEqual(result["problem"]["batch"], len(q_lengths))
        if not result["rows_sampled"]:
            self.assertEqual(result["rows_checked"], heads * sum(q_lengths))

    def one_kernel_serves_all(self, chip):
        def compile(*arguments):
            self.flyattn("compile", "--arch", chip, "--schedule", "generic",
                         *arguments)
        compile("--cu-seqlens-q", "0,500", "-o", "a.hsaco")
        compile("--cu-seqlens-q", "0,900,1000", "--cu-seqlens-kv", "0,1,7",
                "-o", "b.hsaco")
        self.assertEqual((self.folder / "a.hsaco").read_bytes(),
                         (self.folder / "b.hsaco").read_bytes())


def add(name, chip, *arguments, mark=lambda test: test, suffix=""):
    def test(self):
        getattr(self, name)(chip, *arguments)
    setattr(VarlenTest, f"test_{name}_{chip}{suffix}", mark(test))


for chip in CHIPS:
    for dtype, mask in itertools.product(("bf16", "f16"), MASKS):
        add("agrees_with_numpy", chip, dtype, mask, suffix="_" + dtype + "_" +
            mask.replace("-", "_").replace(":", "_").replace(",", "_"))
    for name in ("a_sequence_does_not_depend_on_its_neighbours",
                 "wrong_borders_are_wrong", "one_kernel_serves_all"):
        add(name, chip)
    for number, (name, mask) in enumerate(
            itertools.product(LISTS, ("none", "causal"))):
        dim, dtype = (64, 128)[number % 2], ("bf16", "f16")[number // 2 % 2]
        add("runs", chip, name, mask, dim, dtype, LISTS, "--checks",
            suffix=f"_{name}_{mask}")
    for name, mask in itertools.product(LONG_LISTS, ("none", "causal")):
        add("runs", chip, name, mask, 128, "bf16", LONG_LISTS, mark=long,
            suffix=f"_{name}_{mask}")

if __name__ == "__main__":
    unittest.main()
