"""What the integration tests share: the driver, number formats, a reference.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import numpy as np

CHIPS = ("gfx950", "gfx942")


def long(test):
    """Marks a test that only the long run takes (ctest label `long`)."""
    test.long = True
    return test


class DriverTest(unittest.TestCase):
    """A test with a folder of its own and the driver at hand."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="flyattn-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def flyattn(self, *arguments, code=0, env=None, **keywords):
        """Runs the driver in the test's folder; returns what it printed."""
        done = subprocess.run(
            [os.environ["FLYATTN"], *map(str, arguments)], cwd=self.folder,
            env={**os.environ, **(env or {})}, text=True, timeout=1200,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords)
        self.assertEqual(done.returncode, code,
                         f"flyattn {' '.join(map(str, arguments))}\n"
                         f"{done.stdout}{done.stderr}")
        return done

    def run_json(self, *arguments, code=0):
        """`flyattn run` on the simulator; returns its JSON."""
        done = self.flyattn("run", "--device", "sim", *arguments,
                            "--json", "-", code=code)
        return json.loads(done.stdout)

    def fails(self, code, message, *arguments, **keywords):
        """The driver must end with `code` and say `message` on stderr."""
        done = self.flyattn(*arguments, code=code, **keywords)
        self.assertIn(message, done.stderr)
        return done

    def save(self, name, array):
        np.save(self.folder / name, array)
        return name

    def load(self, name):
        return np.load(self.folder / name)


def float_to_bf16(values):
    """f32 to bf16 bit patterns (uint16), nearest even."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return rounded.astype(np.uint16)


def bf16_to_float(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def encode(values, dtype):
    """f32 to what a .npy file of `dtype` holds."""
    return float_to_bf16(values) if dtype == "bf16" else values.astype(
        {"f16": np.float16, "f32": np.float32}[dtype])


def decode(array, dtype):
    return (bf16_to_float(array) if dtype == "bf16" else array).astype(np.float64)


def fp8_table(fnuz):
    """The values of the 256 bytes of E4M3: OCP (gfx950) or FNUZ (gfx942)."""
    codes = np.arange(256)
    exponent, mantissa = codes >> 3 & 15, codes & 7
    bias = 8 if fnuz else 7
    values = np.where(exponent == 0, mantissa / 8 * 2.0 ** (1 - bias),
                      (1 + mantissa / 8) * 2.0 ** (exponent - bias))
    values = np.where(codes >= 128, -values, values)
    if fnuz:
        values[0x80] = np.nan
    else:
        values[[0x7F, 0xFF]] = np.nan
    return values


def float_to_fp8(values, fnuz):
    """Bytes of the nearest E4M3 values (ties to the even code)."""
    table = fp8_table(fnuz)[:127]  # magnitudes, ascending
    magnitude = np.minimum(np.abs(values), table[-1])
    above = np.clip(np.searchsorted(table, magnitude), 1, len(table) - 1)
    low, high = table[above - 1], table[above]
    down = (magnitude - low < high - magnitude) | (
        (magnitude - low == high - magnitude) & (above % 2 == 1))
    codes = np.where(down, above - 1, above)
    negative = (values < 0) & (codes > 0)
    return np.where(negative, codes | 0x80, codes).astype(np.uint8)


def visible(sq, skv, mask):
    """Which columns a row sees, [Sq, Skv]."""
    row, column = np.arange(sq)[:, None], np.arange(skv)
    if mask == "none":
        return np.ones((sq, skv), bool)
    if mask == "causal-top-left":
        return column <= row
    if mask.startswith("chunked:"):
        size, row = int(mask.removeprefix("chunked:")), row + skv - sq
        return (column <= row) & (column // size == row // size)
    left, right = (-1, 0) if mask == "causal" else map(
        int, mask.removeprefix("window:").split(","))
    distance = column - (row + skv - sq)
    seen = np.ones((sq, skv), bool)
    if left != -1:
        seen &= distance >= -left
    if right != -1:
        seen &= distance <= right
    return seen


def attention(q, k, v, scale=None, mask="none", modify=lambda scores: scores,
              sink=None):
    """f64 attention of one sequence. q [Sq, H, D], k [Skv, Hkv, D],
    v [Skv, Hkv, Dv]; returns O [Sq, H, Dv] and LSE [H, Sq]. `modify` changes
    the scores [H, Sq, Skv] before the mask; `sink` is [H]."""
    sq, heads, dim = q.shape
    skv, kv_heads = k.shape[:2]
    scale = dim ** -0.5 if scale is None else scale
    group = heads // kv_heads
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    scores = scale * np.einsum("ihd,jhd->hij", q, k, optimize=True)
    scores = np.where(visible(sq, skv, mask), modify(scores), -np.inf)
    sink = np.full(heads, -np.inf) if sink is None else np.float64(sink)
    largest = np.maximum(scores.max(axis=2, keepdims=True), sink[:, None, None])
    empty = np.isneginf(largest)
    finite = np.where(empty, 0, largest)
    weights = np.exp(scores - finite)
    total = weights.sum(axis=2, keepdims=True) + np.exp(
        sink[:, None, None] - finite)
    with np.errstate(divide="ignore"):
        lse = np.where(empty, -np.inf, largest + np.log(total))[:, :, 0]
    weights /= np.where(empty, 1, total)
    return np.einsum("hij,jhd->ihd", weights, v, optimize=True), lse


def relative_rms(result, reference):
    return np.sqrt(np.mean((result - reference) ** 2) / np.mean(reference ** 2))
