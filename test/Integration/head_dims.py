"""Head dims that are no whole tile, v's other than q's, and f32.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import json
import unittest

import numpy as np

from flyattn_testing import (CHIPS, DriverTest, attention, decode, encode, long,
                             relative_rms)

# Of q and k, of v and o.
SOME_DIMS = ((8, 8), (40, 40), (72, 72), (96, 96), (192, 128), (256, 256),
             (64, 200), (40, 128), (104, 64))
# Of dual_wave alone: what fits its registers beside 192 and 128.
WIDE = {"gfx950": ((192, 192), (256, 128), (200, 72), (128, 192)),
        "gfx942": ((192, 64),)}
# Relative RMS; measured are 2.3e-3, 3e-4 and 4e-7.
LIMITS = {"bf16": 3.3e-3, "f16": 5e-4, "f32": 2e-6}
# A way through the kernels each: dense, decoding, packed, split.
SHAPES = {
    "dense": ("--seqlen-q", 130, "--seqlen-kv", 200),
    "decode": ("--seqlen-q", 3, "--seqlen-kv", 300),
    "packed": ("--cu-seqlens-q", "0,70,70,200", "--cu-seqlens-kv",
               "0,90,120,220"),
    "split": ("--seqlen-q", 70, "--seqlen-kv", 330, "--splits", 3),
    "packed_split": ("--cu-seqlens-q", "0,5,9", "--cu-seqlens-kv", "0,190,300",
                     "--splits", 2),
    "heads_first": ("--seqlen-q", 130, "--seqlen-kv", 200, "--layout", "bhsd"),
}


class HeadDimsTest(DriverTest):
    def inputs(self, dtype, dim, dim_v, sq=70, skv=100, heads=4, kv_heads=2):
        random = np.random.default_rng(dim + dim_v)
        return [encode(random.standard_normal(shape, np.float32), dtype)
                for shape in ((1, sq, heads, dim), (1, skv, kv_heads, dim),
                              (1, skv, kv_heads, dim_v))]

    def forward(self, chip, q, k, v, *arguments):
        for name, array in zip("qkv", (q, k, v)):
            self.save(name + ".npy", array)
        self.flyattn("run", "--arch", chip, "--device", "sim", "--q", "q.npy",
                     "--k", "k.npy", "--v", "v.npy", "--out", "o.npy", "--lse",
                     "lse.npy", "--check", "none", *arguments)
        return self.load("o.npy"), self.load("lse.npy")

    def agrees_with_numpy(self, chip, dtype, dims, mask, schedule):
        q, k, v = self.inputs(dtype, *dims)
        o, lse = self.forward(chip, q, k, v, "--mask", mask, "--checks",
                              "--schedule", schedule)
        wanted, wanted_lse = attention(*(decode(x[0], dtype)
                                         for x in (q, k, v)), mask=mask)
        self.assertEqual(o.shape, (1, 70, 4, dims[1]))
        self.assertEqual(o.dtype, q.dtype)
        self.assertLess(relative_rms(decode(o[0], dtype), wanted),
                        LIMITS[dtype])
        np.testing.assert_allclose(lse[0], wanted_lse, atol=5e-6)

    def the_next_head_does_not_matter(self, chip, dtype, dims, schedule):
        """Behind a row's columns memory holds another head's: here NaNs."""
        q, k, v = self.inputs(dtype, *dims, heads=2)
        o, lse = self.forward(chip, q, k, v, "--schedule", schedule)
        bits = np.uint32 if dtype == "f32" else np.uint16
        for x in (q, k, v):
            x.view(bits)[:, :, 1] = {"bf16": 0x7FC0, "f16": 0x7E00,
                                     "f32": 0x7FC00000}[dtype]
        p, other_lse = self.forward(chip, q, k, v, "--schedule", schedule)
        np.testing.assert_array_equal(p[:, :, 0].view(bits),
                                      o[:, :, 0].view(bits))
        np.testing.assert_array_equal(other_lse[:, 0], lse[:, 0])

    def runs(self, chip, dtype, dims, shape, mask, *arguments):
        result = self.run_json(
            "--arch", chip, "--dtype", dtype, "--head-dim", dims[0],
            "--head-dim-v", dims[1], "--heads", 4, "--kv-heads", 2, "--mask",
            mask, *SHAPES[shape], *arguments)
        self.assertEqual(result["status"], "ok")
        self.assertEqual(result["problem"]["head_dim_v"], dims[1])
        asked = arguments[arguments.index("--schedule") + 1]
        self.assertEqual(result["config"]["schedule"], asked)
        self.assertFalse(result["rows_sampled"])

    def hard_inputs(self, chip, dtype, dims, schedule):
        for init in ("uniform", "large", "late-max", "constant-v"):
            self.runs(chip, dtype, dims, "dense", "causal", "--init", init,
                      "--schedule", schedule)

    def any_scale(self, chip, dtype, dims, schedule):
        for scale in (-0.3, 0, 1e-30, 2.5):
            self.runs(chip, dtype, dims, "dense", "none", f"--scale={scale}",
                      "--schedule", schedule)

    def no_spills(self, chip, dtype, dims, schedule):
        for shape, mask in (("dense", "window:9,9"), ("dense", "causal"),
                            ("decode", "causal"), ("packed", "window:9,9"),
                            ("split", "causal")):
            self.flyattn("compile", "--arch", chip, "--dtype", dtype,
                         "--schedule", schedule,
                         "--head-dim", dims[0], "--head-dim-v", dims[1],
                         "--heads", 4, "--kv-heads", 2, "--mask", mask,
                         "--return-lse", "-o", "k.hsaco", *SHAPES[shape])
            done = self.flyattn("inspect", "k.hsaco", "--json", "-")
            for kernel in json.loads(done.stdout)["kernels"]:
                self.assertEqual(kernel["vgpr_spills"], 0, kernel["kernel"])
                self.assertEqual(kernel["sgpr_spills"], 0, kernel["kernel"])
                self.assertEqual(kernel["scratch_bytes"], 0, kernel["kernel"])


def add(name, chip, dtype, dims, *arguments, schedule="generic",
        mark=lambda test: test, suffix=""):
    def test(self):
        getattr(self, name)(chip, dtype, dims, *arguments, schedule)
    suffix += "" if schedule == "generic" else "_" + schedule
    setattr(HeadDimsTest, f"test_{name}_{chip}_{dtype}_d{dims[0]}x{dims[1]}"
            + suffix, mark(test))


def add_run(number, chip, dtype, dims, shape, schedule="generic",
            mark=lambda test: test):
    mask = ("none", "causal", "causal-top-left", "window:40,3")[number % 4]
    add("runs", chip, dtype, dims, shape, mask, "--checks", "--schedule",
        schedule=schedule, mark=mark, suffix="_" + shape)


def schedules_of(chip, dims):
    """What serves these dims with all features."""
    fits = [(192, 128)] + [(192, 160), (256, 128)] * (chip == "gfx950")
    serves = any(dims[0] <= dim and dims[1] <= dim_v for dim, dim_v in fits)
    return ("generic", "dual_wave") if serves else ("generic",)


def if_default(default):
    return (lambda test: test) if default else long


for chip in CHIPS:
    for number, dims in enumerate(SOME_DIMS):
        dtypes = ("bf16", "f16") if number % 2 else ("f16", "bf16")
        for schedule in schedules_of(chip, dims):
            mark = if_default(schedule == "generic" or dims in
                              ((72, 72), (40, 128), (104, 64), (192, 128)))
            add("agrees_with_numpy", chip, dtypes[0], dims,
                ("causal", "none", "window:30,5")[number % 3],
                schedule=schedule, mark=mark)
            if dims != (256, 256):
                default = (number + (schedule != "generic")) % 3 == 0
                add("the_next_head_does_not_matter", chip, dtypes[1], dims,
                    schedule=schedule, mark=if_default(default))
            for place, shape in enumerate(SHAPES):
                default = (number + place + 3 * (schedule != "generic")) % 6
                add_run(number + place, chip,
                        ("bf16", "f16")[number // 2 % 2], dims, shape,
                        schedule, mark=if_default(default == 0))
    for dims in ((72, 72), (192, 128), (256, 256)):
        add("no_spills", chip, "bf16", dims)
    for dims in ((8, 8), (120, 120), (128, 40), (64, 128), (136, 40),
                 (192, 128), *WIDE[chip]):
        add("no_spills", chip, "bf16", dims, schedule="dual_wave",
            mark=if_default(dims in ((64, 128), (192, 128))))
    # Wide heads of dual_wave beyond those above.
    for number, dims in enumerate(((136, 40), *WIDE[chip])):
        add("agrees_with_numpy", chip, "bf16", dims, "window:30,5",
            schedule="dual_wave")
        add("the_next_head_does_not_matter", chip, "f16", dims,
            schedule="dual_wave", mark=if_default(number % 2 == 0))
        for place, shape in enumerate(SHAPES):
            add_run(number + place, chip, "bf16", dims, shape, "dual_wave",
                    if_default((number + place) % 6 == 0))
    for dims, mask in (((40, 40), "none"), ((128, 128), "causal"),
                       ((192, 128), "window:30,5")):
        add("agrees_with_numpy", chip, "f32", dims, mask)
    for number, (dims, shape) in enumerate(itertools.product(
            ((24, 24), (64, 64), (128, 128), (256, 256)), SHAPES)):
        add_run(number, chip, "f32", dims, shape,
                mark=if_default(number % 7 == 0))
    add("the_next_head_does_not_matter", chip, "f32", (72, 72))
    add("no_spills", chip, "f32", (128, 128))
    add("no_spills", chip, "f32", (256, 256))
    for schedule in ("generic", "dual_wave"):
        add("hard_inputs", chip, "bf16", (96, 72), schedule=schedule)
        add("any_scale", chip, "bf16", (40, 72), schedule=schedule, mark=long)
    add("hard_inputs", chip, "f32", (64, 64))
    add("any_scale", chip, "f32", (64, 64))
    # Every head dim.
    for dim in range(8, 257, 8):
        for schedule in schedules_of(chip, (dim, dim)):
            if (dim, dim) not in SOME_DIMS:
                add("agrees_with_numpy", chip, "bf16", (dim, dim), "causal",
                    schedule=schedule, mark=long)

if __name__ == "__main__":
    unittest.main()
