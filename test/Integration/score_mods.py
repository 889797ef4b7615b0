"""Modified scores and the sink: softcap, bias, ALiBi, of any problem.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import unittest

import numpy as np

from flyattn_testing import (CHIPS, DriverTest, attention, decode, encode, long,
                             relative_rms)

ALL = ("softcap", "bias", "alibi", "sink")


class Mods:
    """Values for some of ALL, as files and as what they do."""

    def __init__(self, names, heads, bias_shape, dtype="f32", seed=3):
        random = np.random.default_rng(seed)
        self.names, self.dtype = names, dtype
        self.cap = 3.5
        self.bias = random.standard_normal(bias_shape, np.float32)
        self.slopes = (0.3 / np.arange(1, heads + 1)).astype(np.float32)
        self.sink = random.standard_normal(heads, np.float32) + 2

    def arguments(self, test):
        bias = self.bias if self.dtype == "f32" else encode(self.bias, self.dtype)
        test.save("bias.npy", bias)
        test.save("slopes.npy", self.slopes)
        test.save("sink.npy", self.sink)
        options = {"softcap": ("--softcap", self.cap),
                   "bias": ("--bias", "bias.npy"),
                   "alibi": ("--alibi=slopes.npy",),
                   "sink": ("--sink=sink.npy",)}
        return [x for name in self.names for x in options[name]]

    def keywords(self, batch=0):
        def modify(scores):
            heads, sq, skv = scores.shape
            if "softcap" in self.names:
                scores = self.cap * np.tanh(scores / self.cap)
            if "bias" in self.names:
                bias = self.bias
                if self.dtype != "f32":
                    bias = decode(encode(bias, self.dtype), self.dtype)
                bias = bias[batch if len(bias) > 1 else 0]
                scores = scores + bias[:, :sq, :skv]
            if "alibi" in self.names:
                row, column = np.arange(sq)[:, None], np.arange(skv)
                distance = np.abs(row + skv - sq - column)
                scores = scores - self.slopes[:, None, None] * distance
            return scores
        return {"modify": modify,
                "sink": self.sink if "sink" in self.names else None}


class ScoreMods(DriverTest):
    def inputs(self, dtype, *shapes):
        random = np.random.default_rng(5)
        arrays = [encode(random.standard_normal(shape, np.float32), dtype)
                  for shape in shapes]
        for name, array in zip("qkv", arrays):
            self.save(name + ".npy", array)
        return arrays

    def forward(self, chip, *arguments, code=0):
        self.flyattn("run", "--arch", chip, "--device", "sim", "--q", "q.npy",
                     "--k", "k.npy", "--v", "v.npy", "--out", "o.npy", "--lse",
                     "lse.npy", *arguments, code=code)
        return self.load("o.npy"), self.load("lse.npy")

    def close(self, o, lse, wanted, wanted_lse, dtype):
        self.assertLess(relative_rms(decode(o, dtype), wanted),
                        3.3e-3 if dtype == "bf16" else 5e-4)
        np.testing.assert_allclose(lse, wanted_lse, atol=5e-6)

    def agrees(self, chip, names, *arguments, dtype="bf16", batch=2, sq=130,
               skv=200, heads=4, kv_heads=2, dim=64, mask="none",
               bias_shape=None, bias_type="f32"):
        q, k, v = self.inputs(dtype, (batch, sq, heads, dim),
                              *2 * [(batch, skv, kv_heads, dim)])
        mods = Mods(names, heads, bias_shape or (batch, heads, sq, skv),
                    bias_type)
        o, lse = self.forward(chip, "--mask", mask, *arguments,
                              *mods.arguments(self))
        for b in range(batch):
            wanted = attention(*(decode(x[b], dtype) for x in (q, k, v)),
                               mask=mask, **mods.keywords(b))
            self.close(o[b], lse[b], *wanted, dtype)

    def packed_agrees(self, chip, names, mask, dtype="bf16", *arguments):
        q_lengths, kv_lengths, heads = [70, 0, 130, 33, 65], [128, 20, 65, 0, 64], 4
        ends = [np.cumsum([0] + x) for x in (q_lengths, kv_lengths)]
        q, k, v = self.inputs(dtype, (ends[0][-1], heads, 64),
                              *2 * [(ends[1][-1], 2, 64)])
        mods = Mods(names, heads, (5, 1, max(q_lengths), max(kv_lengths)))
        o, lse = self.forward(
            chip, "--mask", mask, *mods.arguments(self), "--cu-seqlens-q",
            ",".join(map(str, ends[0])), "--cu-seqlens-kv",
            ",".join(map(str, ends[1])), *arguments)
        for b in range(5):
            rows = slice(*ends[0][b:b + 2])
            columns = slice(*ends[1][b:b + 2])
            if rows.start == rows.stop:
                continue
            if columns.start == columns.stop:
                self.assertTrue(np.all(o[rows] == 0))
                sink = mods.sink if "sink" in names else np.full(heads, -np.inf)
                np.testing.assert_allclose(
                    lse[:, rows], np.broadcast_to(sink[:, None], lse[:, rows].shape),
                    rtol=1e-6)
                continue
            wanted = attention(
                *(decode(x, dtype) for x in (q[rows], k[columns], v[columns])),
                mask=mask, **mods.keywords(b))
            self.close(o[rows], lse[:, rows], *wanted, dtype)

    def decodes(self, chip, names):
        """Heads share a tile, and KV is split."""
        for splits in 1, 3:
            self.agrees(chip, names, "--splits", splits, sq=3, skv=500, heads=8,
                        kv_heads=1, mask="causal")

    def wrong_values_are_wrong(self, chip, name):
        """Each modification counts: without it the result is another."""
        shape = (1, 130, 4, 64)
        q, k, v = self.inputs("bf16", *3 * [shape])
        mods = Mods((name,), 4, (1, 4, 130, 130))
        for keywords, code in ((mods.keywords(), 0), ({}, 1)):
            expected = attention(*(decode(x[0], "bf16") for x in (q, k, v)),
                                 **keywords)[0]
            self.save("e.npy", expected[None])
            self.forward(chip, *mods.arguments(self), "--expected", "e.npy",
                         code=code)

    def hidden_by_the_bias(self, chip):
        """A bias of -inf is a mask; rows that it hides give 0 and -inf."""
        shape = (1, 100, 2, 64)
        q, k, v = self.inputs("bf16", *3 * [shape])
        bias = np.zeros((1, 1, 100, 100), np.float32)
        bias[:, :, :, 50:] = -np.inf
        bias[:, :, 10:20] = -np.inf
        self.save("bias.npy", bias)
        o, lse = self.forward(chip, "--bias", "bias.npy")
        self.assertTrue(np.all(o[0, 10:20] == 0))
        self.assertTrue(np.all(np.isneginf(lse[0, :, 10:20])))
        wanted, wanted_lse = attention(
            decode(q[0], "bf16"), *(decode(x[0, :50], "bf16") for x in (k, v)))
        kept = np.r_[0:10, 20:100]
        self.close(o[0, kept], lse[0][:, kept], wanted[kept],
                   wanted_lse[:, kept], "bf16")

    def rows_that_see_nothing_have_the_sink(self, chip):
        self.inputs("bf16", (1, 200, 2, 64), *2 * [(1, 70, 2, 64)])
        sink = np.array([1.5, -np.inf], np.float32)
        self.save("sink.npy", sink)
        o, lse = self.forward(chip, "--mask", "causal", "--sink=sink.npy")
        self.assertTrue(np.all(o[:, :130] == 0))
        np.testing.assert_allclose(lse[0, 0, :130], 1.5, rtol=1e-6)
        self.assertTrue(np.all(np.isneginf(lse[0, 1, :130])))

    def any_softcap(self, chip):
        """Far from the scores, near them, and far below."""
        for cap in (0.5, 1e6):
            for init in ("normal", "large"):
                result = self.run_json(
                    "--arch", chip, "--softcap", cap, "--init", init,
                    "--head-dim", 64, "--seqlen-q", 100)
                self.assertEqual(result["status"], "ok", (cap, init))

    def any_scale(self, chip):
        for scale in (-0.3, 0):
            result = self.run_json(
                "--arch", chip, "--head-dim", 64, "--seqlen-q", 100, "--heads",
                2, f"--scale={scale}", "--softcap", 5, "--alibi", "--sink",
                "--bias", "1,2,1,100")
            self.assertEqual(result["status"], "ok", scale)

    def one_kernel_serves_all(self, chip):
        for name, arguments in (
                ("a", ("--softcap", 3, "--bias", "1,1,512,512", "--mask",
                       "chunked:64")),
                ("b", ("--softcap", 9, "--bias", "1,4,1,200", "--heads", 4,
                       "--seqlen-q", 300, "--seqlen-kv", 200, "--mask",
                       "chunked:100"))):
            self.flyattn("compile", "--arch", chip, *arguments, "-o", name)
        self.assertEqual((self.folder / "a").read_bytes(),
                         (self.folder / "b").read_bytes())

    def runs(self, chip, dtype, dim, mask, names, size, splits, schedule):
        batch, sq, skv, heads, kv_heads = size
        options = {"softcap": ("--softcap", 20), "alibi": ("--alibi",),
                   "sink": ("--sink",),
                   "bias": ("--bias", f"1,{heads},{sq},{skv}", "--bias-type",
                            "element")}
        result = self.run_json(
            "--arch", chip, "--dtype", dtype, "--head-dim", dim, "--mask", mask,
            "--batch", batch, "--seqlen-q", sq, "--seqlen-kv", skv, "--heads",
            heads, "--kv-heads", kv_heads, "--splits", splits, "--schedule",
            schedule, "--checks", *(x for name in names for x in options[name]))
        self.assertEqual(result["status"], "ok")
        self.assertFalse(result["rows_sampled"])


def same(test):
    return test


def add(name, chip, *arguments, mark=same, suffix="", **keywords):
    def test(self):
        getattr(self, name)(chip, *arguments, **keywords)
    for argument in arguments:
        if isinstance(argument, (str, tuple)):
            text = argument if isinstance(argument, str) else "_".join(
                map(str, argument))
            suffix += "_" + text.replace("-", "_").replace(":", "_").replace(
                ",", "_")
    title = f"test_{name}_{chip}{suffix}"
    assert not hasattr(ScoreMods, title), title
    setattr(ScoreMods, title, mark(test))


SIZES = ((2, 1, 300, 8, 2), (1, 257, 127, 4, 4), (1, 129, 255, 8, 1),
         (2, 64, 130, 4, 2), (1, 33, 513, 4, 4))
MASKS = ("none", "causal", "causal-top-left", "window:20,9", "chunked:48")
# Coprime to the numbers of all values, so that what is run has all of them.
STEP = 7

for chip in CHIPS:
    for name in ALL:
        add("agrees", chip, (name,), mark=long)
        add("wrong_values_are_wrong", chip, name)
    for dtype, mask in itertools.product(
            ("bf16", "f16"), ("causal", "window:70,20", "chunked:50")):
        add("agrees", chip, ALL, dtype=dtype, mask=mask, dim=128,
            bias_type=dtype, suffix="_" + dtype + "_" + mask[:6],
            mark=long if (dtype == "bf16") == (mask == "causal") else same)
    for shape in ((1, 1, 130, 200), (2, 1, 1, 200), (1, 4, 1, 200)):
        add("agrees", chip, ("bias",), bias_shape=shape,
            suffix="_" + "_".join(map(str, shape)), mark=long)
    add("packed_agrees", chip, ALL, "causal")
    add("packed_agrees", chip, ("alibi", "sink"), "chunked:30", "f16",
        "--splits", "2")
    add("packed_agrees", chip, ALL, "window:40,9", "bf16", "--schedule",
        "dual_wave")
    add("agrees", chip, ALL, "--schedule", "dual_wave", dtype="f16", sq=300,
        skv=290, dim=128, mask="causal", bias_shape=(1, 4, 1, 290))
    add("decodes", chip, ALL)
    for name in ("hidden_by_the_bias", "rows_that_see_nothing_have_the_sink",
                 "any_softcap", "any_scale", "one_kernel_serves_all"):
        add(name, chip)
    add("runs", chip, "f16", 64, "chunked:48", ALL, SIZES[1], 2, "generic",
        suffix="_checked")
    for name, dim, mask, splits in (
            ("softcap", 128, "window:20,9", 1), ("alibi", 64, "none", 2),
            ("bias", 128, "causal-top-left", 2), ("sink", 64, "chunked:48", 1)):
        add("runs", chip, "bf16", dim, mask, (name,), SIZES[2], splits,
            "dual_wave", suffix="_checked")
    for number, (size, dtype, dim, mask, names, splits) in enumerate(
            itertools.product(SIZES, ("bf16", "f16"), (64, 128), MASKS,
                              (ALL, ("softcap",), ("sink",), ()), (1, 2))):
        if number % STEP or not (names or mask.startswith("chunked")):
            continue
        for schedule in ("generic", "dual_wave"):
            add("runs", chip, dtype, dim, mask, names, size, splits, schedule,
                mark=long, suffix=f"_d{dim}_s{splits}")

if __name__ == "__main__":
    unittest.main()
