"""Runs AITER's code objects of other families than forward attention: GEMM in
bf16 and MXFP4, gating (topk), backward attention, and 8-bit attention.

They are third-party binaries and not part of this repository: the `hsa` folder
of ROCm/aiter, or the families in it that one wants run, is found by
FLYATTN_FOREIGN_KERNELS. A family that is not there is skipped. Each has a table
beside its code objects; kernel arguments stand 16 bytes apart in the order of
the structs in AITER's csrc/py_itfs_cu and csrc/include.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import csv
import json
import os
import pathlib
import unittest

import numpy as np

from flyattn_testing import (DriverTest, attention, bf16_to_float, decode,
                             encode, float_to_bf16, float_to_fp8, fp8_table,
                             long, relative_rms, visible)

FOLDER = os.environ.get("FLYATTN_FOREIGN_KERNELS", "")

BF16_BOUND = 2.6e-3  # relative RMS; one rounding to bf16 alone is 1.7e-3


class ForeignFamily(DriverTest):
    def kernels(self, chip, family, table):
        """Path and table row of each code object of a family."""
        folder = pathlib.Path(FOLDER, chip, family)
        if not FOLDER or not (folder / table).exists():
            self.skipTest(f"FLYATTN_FOREIGN_KERNELS holds no {chip}/{family}")
        with open(folder / table, newline="") as lines:
            for row in csv.DictReader(lines):
                paths = [folder / row["co_name"], folder / "MI300" / row["co_name"]]
                for path in paths:
                    if path.exists():
                        yield path, row
                        break

    def launch(self, path, row, grid, block, inputs, outputs, arguments):
        """Runs the kernel. `arguments`: a name of a buffer, a float, an int or
        None every 16 bytes. `outputs`: shape and dtype by name. An input may
        be an output too."""
        buffers = {name: {"file": self.save(name + ".npy",
                                            np.ascontiguousarray(array))}
                   for name, array in inputs.items()}
        for name, (shape, dtype) in outputs.items():
            buffers.setdefault(name, {"shape": shape, "dtype": dtype})
            buffers[name]["out"] = f"out_{name}.npy"
        kinds = {str: "buffer", float: "f32", int: "u32"}
        fields = [{"offset": 16 * place, kinds[type(value)]: value}
                  for place, value in enumerate(arguments) if value is not None]
        (self.folder / "launch.json").write_text(json.dumps({
            "code_object": str(path), "kernel": row["knl_name"],
            "grid": grid, "block": [block, 1, 1], "buffers": buffers,
            "kernarg_size": 16 * len(arguments), "kernarg": fields}))
        self.flyattn("launch", "launch.json")
        return [self.load(f"out_{name}.npy") for name in outputs]


def ceil_div(a, b):
    return -(-a // b)


class Gemm(ForeignFamily):
    def bf16(self, chip):
        """D [M, N] = A [M, K] B [N, K]^T; some in several parts of K, which
        wait for each other by semaphores."""
        for path, row in self.kernels(chip, "bf16gemm", "bf16gemm_fp32bf16.csv"):
            tile_m, tile_n = int(row["tileM"]), int(row["tileN"])
            splits = 2 if row["splitK"] == "1" else 1
            m, n, k = 2 * tile_m - (16 if splits == 2 else 0), 4 * tile_n, 512
            random = np.random.default_rng(1)
            a, b = (float_to_bf16(random.standard_normal((rows, k)))
                    for rows in (m, n))
            stored = b
            if row["bPreshuffle"] == "1":  # tiles of 16 rows and 32 of k
                tiles = b.reshape(n // 16, 16, k // 32, 4, 8)
                stored = tiles.transpose(0, 2, 3, 1, 4).reshape(n, k)
            wide = "fp32" in row["co_name"]
            size, dtype = (4, "f32") if wide else (2, "bf16")
            inputs = {"a": a, "b": stored,
                      "semaphores": np.zeros((16, 64), np.uint32)}
            if wide:  # parts are added to what is there
                inputs["d"] = np.zeros((m, n), np.float32)
            with self.subTest(kernel=path.name):
                d, = self.launch(
                    path, row, [n // tile_n, ceil_div(m, tile_m), splits], 256,
                    inputs, {"d": ((m, n), dtype)},
                    ["d", None, "a", "b", 1.0, 0.0, n * size, None, n * size,
                     None, 2 * k, None, 2 * k, None, m, n, k, splits,
                     int(not wide), None, 0, "semaphores"])
                wanted = decode(a, "bf16") @ decode(b, "bf16").T
                self.assertLess(relative_rms(decode(d, dtype), wanted),
                                3e-7 if wide else BF16_BOUND)

    @long
    def test_bf16_gfx942(self):
        self.bf16("gfx942")

    @long
    def test_bf16_gfx950(self):
        self.bf16("gfx950")

    @long
    def test_mxfp4_gfx950(self):
        """E2M1 with an E8M0 scale for every 32 elements of k."""
        e2m1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6])
        e2m1 = np.concatenate([e2m1, -e2m1])

        def value(codes, scales):
            values = np.stack([e2m1[codes & 15], e2m1[codes >> 4]], -1)
            return (values.reshape(len(codes), -1)
                    * np.repeat(2.0 ** (scales.astype(int) - 127), 32, axis=1))

        def shuffled(scales):  # tiles of 32 rows and 8 blocks of k
            rows = ceil_div(len(scales), 256) * 256
            padded = np.full((rows, scales.shape[1]), 127, np.uint8)
            padded[:len(scales)] = scales
            tiles = padded.reshape(rows // 32, 2, 16, -1, 2, 4)
            return tiles.transpose(0, 3, 5, 2, 4, 1).reshape(padded.shape)

        for path, row in self.kernels("gfx950", "f4gemm",
                                      "f4gemm_bf16_per1x32Fp4.csv"):
            m, n, k = int(row["tile_M"]), int(row["tile_N"]), 512
            random = np.random.default_rng(0)
            a, b = (random.integers(0, 256, (rows, k // 2), np.uint8)
                    for rows in (m, n))
            a_scale, b_scale = (random.integers(124, 130, (rows, k // 32), np.uint8)
                                for rows in (m, n))
            stored = b
            if row["bpreshuffle"] == "1":
                tiles = b.reshape(n // 16, 16, k // 64, 2, 16)
                stored = tiles.transpose(0, 2, 3, 1, 4).reshape(n, k // 2)
            with self.subTest(kernel=path.name):
                d, = self.launch(
                    path, row, [1, 1, 1], 256,
                    {"a": a, "b": stored,
                     "a_scale": shuffled(a_scale), "b_scale": shuffled(b_scale)},
                    {"d": ((m, n), "bf16")},
                    ["d", None, "a", "b", 1.0, 0.0, 2 * n, None, n, None, k, None,
                     k, None, m, n, k, "a_scale", "b_scale", k // 32, None,
                     k // 32, None, 0])
                wanted = value(a, a_scale) @ value(b, b_scale).T
                self.assertLess(relative_rms(bf16_to_float(d), wanted), BF16_BOUND)


class Gating(ForeignFamily):
    def topk(self, chip):
        """The largest of a row's scores, and their softmax among themselves."""
        for path, row in self.kernels(chip, "topksoftmax", "topksoftmax.csv"):
            experts, topk = int(row["num_experts"]), int(row["topk"])
            tokens, dtype = 61, {"bf16": "bf16", "fp32": "f32"}[row["dtype"]]
            scores = encode(np.random.default_rng(0).standard_normal(
                (tokens, experts)).astype(np.float32), dtype)
            with self.subTest(kernel=path.name):
                chosen, weights = self.launch(
                    path, row, [ceil_div(tokens, int(row["subm"])), 1, 1], 256,
                    {"scores": scores},
                    {"chosen": ((tokens, topk), "i32"),
                     "weights": ((tokens, topk), "f32")},
                    ["chosen", "weights", "scores", tokens, experts, topk, 1,
                     4 * topk])
                x = decode(scores, dtype)
                wanted = np.argsort(-x, axis=1, kind="stable")[:, :topk]
                np.testing.assert_array_equal(chosen, wanted)
                share = np.exp(np.take_along_axis(x, wanted, 1))
                share /= share.sum(axis=1, keepdims=True)
                np.testing.assert_allclose(weights, share, rtol=1e-6)

    @long
    def test_topk_gfx942(self):
        self.topk("gfx942")

    @long
    def test_topk_gfx950(self):
        self.topk("gfx950")


class Backward(ForeignFamily):
    """dQ, dK and dV of causal and full attention with GQA. dQ is compared where
    it is summed in f32; kernels that sum it in 16 bits lay it out otherwise."""

    HEADS, KV_HEADS = 2, 1

    def gradients(self, q, k, v, d_o, causal):
        """All [S, H, D] in f64; returns dQ, dK, dV, LSE [H, S], delta [H, S]."""
        seq, heads, dim = q.shape
        o, lse = attention(q, k, v, mask="causal" if causal else "none")
        group = heads // k.shape[1]
        k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
        scores = dim ** -0.5 * np.einsum("ihd,jhd->hij", q, k)
        seen = visible(seq, seq, "causal" if causal else "none")
        p = np.where(seen, np.exp(scores - lse[:, :, None]), 0)
        delta = np.einsum("ihd,ihd->hi", d_o, o)
        d_p = np.einsum("ihd,jhd->hij", d_o, v)
        d_s = dim ** -0.5 * p * (d_p - delta[:, :, None])
        return (np.einsum("hij,jhd->ihd", d_s, k), np.einsum("hij,ihd->jhd", d_s, q),
                np.einsum("hij,ihd->jhd", p, d_o), lse, delta)

    def run_kernel(self, path, row, seq):
        dim, dim_v, dtype = int(row["hdim_q"]), int(row["hdim_v"]), row["dtype"]
        dtype = {"fp16": "f16"}.get(dtype, dtype)
        causal, wide = row["mask"] != "0", row["atomic32"] == "1"
        random = np.random.default_rng(3)
        q, k, v, d_o = (
            encode(random.standard_normal((seq, heads, d)).astype(np.float32), dtype)
            for heads, d in ((self.HEADS, dim), (self.KV_HEADS, dim),
                             (self.KV_HEADS, dim_v), (self.HEADS, dim_v)))
        d_q, d_k, d_v, lse, delta = self.gradients(
            *(decode(x, dtype) for x in (q, k, v, d_o)), causal)
        padded = ceil_div(seq, 16) * 16
        sums = (np.zeros((self.HEADS, seq, dim), np.float32) if wide else
                np.zeros((self.HEADS, padded, 192 if dim == 192 else 128), np.uint16))
        tile = int(row["ts"])
        blocks = ceil_div(seq, tile)

        def strides(heads, d):  # of a head, a batch, a row: bytes
            return [2 * d, 2 * seq * heads * d, 2 * heads * d]

        of_q, of_k = strides(self.HEADS, dim), strides(self.KV_HEADS, dim)
        of_v, of_o = strides(self.KV_HEADS, dim_v), strides(self.HEADS, dim_v)
        results = self.launch(
            path, row, [ceil_div(blocks, 2) if causal else blocks, self.HEADS, 1],
            256,
            {"d_q": sums, "q": q, "k": k, "v": v, "d_o": d_o,
             "lse": lse.astype(np.float32), "delta": delta.astype(np.float32)},
            {"d_q": (sums.shape, "f32" if wide else dtype),
             "d_k": ((seq, self.HEADS, dim), dtype),
             "d_v": ((seq, self.HEADS, dim_v), dtype)},
            ["d_q", "d_k", "d_v", "q", "k", "v", "d_o", "lse", "delta",
             dim ** -0.5, float(np.log2(np.e)), seq, tile * of_k[2], *of_q,
             self.HEADS // self.KV_HEADS, *of_k, of_q[2], seq, dim, dim_v,
             self.HEADS, *of_v, *of_o, *of_q[:2], *of_o, 4 * seq,
             None, None, None, None, seq if wide else padded, None, None])
        # Truncation to bf16, and f16 by way of v_cvt_pkrtz, err more.
        bound = {"f16": 9e-4, "bf16": BF16_BOUND}[dtype]
        bound = 4.5e-3 if "_rtz" in path.name else bound
        self.assertLess(relative_rms(decode(results[1], dtype), d_k), bound)
        self.assertLess(relative_rms(decode(results[2], dtype), d_v), bound)
        if wide:
            self.assertLess(relative_rms(results[0].transpose(1, 0, 2), d_q), bound)

    def backward(self, chip):
        for path, row in self.kernels(chip, "fmha_v3_bwd", "fmha_bwd_dqdkdv.csv"):
            if row["mode"] == "1" or row["mask"] == "3":
                continue  # packed sequences, windows
            with self.subTest(kernel=path.name):
                self.run_kernel(path, row, seq=384)
            # gfx950's hd128_*_causal_br move the base of dK and dV by the tile
            # but not num_records: they store behind the end of both.
            overruns = chip == "gfx950" and "hd128" in path.name and (
                "causal_br" in path.name)
            if row["pssk"] == "1" and not overruns:
                with self.subTest(kernel=path.name, seq=333):
                    self.run_kernel(path, row, seq=333)

    @long
    def test_backward_gfx942(self):
        self.backward("gfx942")

    @long
    def test_backward_gfx950(self):
        self.backward("gfx950")


class EightBitAttention(ForeignFamily):
    """Forward attention of i8 or fp8 Q and K (MXFP8 too) with fp8 P and V."""

    BOUND = 5e-2  # P is rounded to 3 bits of mantissa

    def attention(self, chip):
        heads, seq, dim = 2, 512, 128
        fnuz = chip == "gfx942"
        for path, row in self.kernels(chip, "fmha_v4_fwd", "fmha_v4_fwd.csv"):
            formats = [int(row[name]) for name in ("q_format", "v_format")]
            integer, blocks = formats[0] == 10, row["q_scale_mode"] == "5"
            if formats[0] not in (3, 4, 10) or formats[1] not in (3, 4):
                continue  # packed 4- and 6-bit operands
            random = np.random.default_rng(2)

            def operand(eight_bit_float):
                x = random.standard_normal((seq, heads, dim))
                if not eight_bit_float:
                    codes = np.clip(np.round(20 * x), -127, 127).astype(np.int8)
                    return codes, codes / 20.0
                codes = float_to_fp8(x, fnuz)
                return codes, fp8_table(fnuz)[codes]

            (q, q_value), (k, k_value) = operand(not integer), operand(not integer)
            v, v_value = operand(True)
            scale, strides = dim ** -0.5, [0, 0]
            descale = np.array([1 / 20 if integer else 1], np.float32)
            descales = [descale, descale]
            if blocks:  # E8M0 for every 32 elements; scores are to base 2
                descales = [random.integers(122, 125, (seq, heads, 4), np.uint8)
                            for _ in range(2)]
                q_value, k_value = (
                    x * np.repeat(2.0 ** (s.astype(int) - 127), 32, axis=2)
                    for x, s in zip((q_value, k_value), descales))
                scale, strides = np.log(2), [4 * seq * heads, 4]
            row_bytes = heads * dim
            of_qkv = [row_bytes, dim, seq * row_bytes]
            with self.subTest(kernel=path.name):
                tile = int(row["ts_qo"])
                o, = self.launch(
                    path, row, [ceil_div(seq, tile), heads, 1], 512,
                    {"q": q, "k": k, "v": v, "q_descale": descales[0],
                     "k_descale": descales[1],
                     "v_descale": np.ones(1, np.float32)},
                    {"o": ((seq, heads, dim), "bf16")},
                    ["o", "q", "k", "v", None, dim ** -0.5, seq, row_bytes,
                     tile * row_bytes, dim, seq * row_bytes, 1, *of_qkv, 5, 0,
                     seq, dim, dim, heads, *of_qkv, *(2 * n for n in of_qkv),
                     None, None, None, None, None, "q_descale", "k_descale",
                     "v_descale", *strides, *strides, 0, 0])
                wanted, _ = attention(q_value, k_value, v_value, scale=scale)
                self.assertLess(relative_rms(bf16_to_float(o), wanted), self.BOUND)

    @long
    def test_gfx942(self):
        self.attention("gfx942")

    @long
    def test_gfx950(self):
        self.attention("gfx950")


if __name__ == "__main__":
    unittest.main()
