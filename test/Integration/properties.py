"""Properties of attention that hold whatever the reference says.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import re
import unittest

import numpy as np

from flyattn_testing import (CHIPS, DriverTest, attention, decode, encode,
                             relative_rms)


def random_inputs(dtype="bf16", batch=1, sq=130, skv=200, heads=4, kv_heads=2,
                  dim=64, seed=0):
    random = np.random.default_rng(seed)
    shapes = ((batch, sq, heads, dim),) + 2 * ((batch, skv, kv_heads, dim),)
    return [encode(random.standard_normal(shape, np.float32), dtype)
            for shape in shapes]


class PropertiesTest(DriverTest):
    def forward(self, chip, q, k, v, *arguments, code=0):
        """O and LSE as files hold them."""
        for name, array in zip("qkv", (q, k, v)):
            self.save(name + ".npy", array)
        self.flyattn("run", "--arch", chip, "--device", "sim", "--q", "q.npy",
                     "--k", "k.npy", "--v", "v.npy", "--out", "o.npy", "--lse",
                     "lse.npy", *arguments, code=code)
        return self.load("o.npy"), self.load("lse.npy")

    def reference(self, q, k, v, dtype="bf16", **keywords):
        pairs = [attention(*(decode(x[b], dtype) for x in (q, k, v)), **keywords)
                 for b in range(len(q))]
        return np.stack([o for o, _ in pairs]), np.stack([l for _, l in pairs])

    def agrees_with_numpy(self, chip, dtype, mask):
        q, k, v = random_inputs(dtype, batch=2)
        o, lse = self.forward(chip, q, k, v, "--mask", mask)
        wanted, wanted_lse = self.reference(q, k, v, dtype, mask=mask)
        error = relative_rms(decode(o, dtype), wanted)
        self.assertLess(error, 3.3e-3 if dtype == "bf16" else 5e-4)
        np.testing.assert_allclose(lse, wanted_lse, atol=5e-6)

    def rows_that_see_nothing(self, chip):
        q, k, v = random_inputs(sq=200, skv=70)
        o, lse = self.forward(chip, q, k, v, "--mask", "causal")
        self.assertTrue(np.all(o[:, :130] == 0))
        self.assertTrue(np.all(np.isneginf(lse[:, :, :130])))
        self.assertTrue(np.all(np.isfinite(lse[:, :, 130:])))

    def a_window_off_by_one_is_wrong(self, chip):
        q, k, v = random_inputs(sq=150, skv=170)
        right = "window:9,4"
        for window in (right, "window:8,4", "window:10,4", "window:9,3",
                       "window:9,5"):
            self.save("e.npy", self.reference(q, k, v, mask=window)[0])
            self.forward(chip, q, k, v, "--mask", right, "--expected", "e.npy",
                         code=0 if window == right else 1)

    def a_chunk_off_by_one_is_wrong(self, chip):
        q, k, v = random_inputs(sq=150, skv=170)
        for size in (40, 39, 41):
            self.save("e.npy", self.reference(q, k, v, mask=f"chunked:{size}")[0])
            self.forward(chip, q, k, v, "--mask", "chunked:40", "--expected",
                         "e.npy", code=0 if size == 40 else 1)

    def constant_v_is_returned(self, chip):
        q, k, v = random_inputs()
        v[:] = v[:, :1]
        o, _ = self.forward(chip, q, k, v)
        heads = np.repeat(v[:, :1], 2, axis=2)
        wanted = decode(np.broadcast_to(heads, o.shape), "bf16")
        np.testing.assert_allclose(decode(o, "bf16"), wanted, rtol=2 ** -7)

    def order_of_keys_does_not_matter(self, chip):
        q, k, v = random_inputs()
        o, lse = self.forward(chip, q, k, v)
        order = np.random.default_rng(1).permutation(k.shape[1])
        p, permuted_lse = self.forward(chip, q, k[:, order], v[:, order])
        np.testing.assert_allclose(decode(p, "bf16"), decode(o, "bf16"),
                                   atol=0.02)
        np.testing.assert_allclose(permuted_lse, lse, atol=5e-6)

    def a_row_does_not_depend_on_its_batch(self, chip):
        q, k, v = random_inputs(batch=3)
        o, lse = self.forward(chip, q, k, v)
        alone, alone_lse = self.forward(chip, q[1:2], k[1:2], v[1:2])
        np.testing.assert_array_equal(o[1:2], alone)
        np.testing.assert_array_equal(lse[1:2], alone_lse)

    def layouts_agree(self, chip):
        q, k, v = random_inputs(batch=2)
        o, lse = self.forward(chip, q, k, v)
        swapped = [np.ascontiguousarray(x.swapaxes(1, 2)) for x in (q, k, v)]
        p, swapped_lse = self.forward(chip, *swapped, "--layout", "bhsd")
        np.testing.assert_array_equal(p.swapaxes(1, 2), o)
        np.testing.assert_array_equal(swapped_lse, lse)

    def an_average_of_v_is_wrong(self, chip):
        q, k, v = random_inputs(heads=2)
        average = decode(v, "bf16").mean(axis=1, keepdims=True)
        self.save("average.npy", np.broadcast_to(average, q.shape).copy())
        self.save("reference.npy", self.reference(q, k, v)[0])
        self.forward(chip, q, k, v, "--expected", "reference.npy")
        self.forward(chip, q, k, v, "--expected", "average.npy", "--json",
                     "result.json", code=1)

    def zero_queries_give_the_average(self, chip):
        q, k, v = random_inputs()
        o, lse = self.forward(chip, np.zeros_like(q), k, v)
        wanted, _ = self.reference(np.zeros_like(q), k, v)
        np.testing.assert_allclose(decode(o, "bf16"), wanted, atol=2e-3)
        np.testing.assert_allclose(lse, np.log(200), rtol=1e-6)

    def any_scale(self, chip):
        q, k, v = random_inputs()
        for scale in (-0.3, 0, 1e-30, 2.5):
            o, lse = self.forward(chip, q, k, v, f"--scale={scale}")
            _, wanted_lse = self.reference(q, k, v, scale=scale)
            np.testing.assert_allclose(lse, wanted_lse, atol=5e-5)

    def hard_inputs(self, chip, init):
        for mask in ("none", "causal"):
            for dim in (64, 128):
                result = self.run_json(
                    "--arch", chip, "--init", init, "--mask", mask,
                    "--head-dim", dim, "--heads", 2, "--seqlen-q", 300)
                self.assertEqual(result["status"], "ok")


def add(name, chip, *arguments):
    def test(self):
        getattr(self, name)(chip, *arguments)
    suffix = "".join("_" + re.sub(r"\W", "_", a) for a in arguments)
    setattr(PropertiesTest, f"test_{name}_{chip}{suffix}", test)


for chip in CHIPS:
    for dtype, mask in itertools.product(("bf16", "f16"), (
            "none", "causal", "causal-top-left", "window:70,20", "window:0,0",
            "chunked:50", "chunked:1")):
        add("agrees_with_numpy", chip, dtype, mask)
    for init in ("uniform", "large", "late-max", "constant-v"):
        add("hard_inputs", chip, init)
    for name in ("rows_that_see_nothing", "constant_v_is_returned",
                 "order_of_keys_does_not_matter",
                 "a_row_does_not_depend_on_its_batch", "layouts_agree",
                 "an_average_of_v_is_wrong", "a_window_off_by_one_is_wrong",
                 "a_chunk_off_by_one_is_wrong", "zero_queries_give_the_average",
                 "any_scale"):
        add(name, chip)

if __name__ == "__main__":
    unittest.main()
