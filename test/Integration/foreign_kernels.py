"""Runs AITER's 72 fmha_v3_fwd code objects, which FlyAttn did not compile.

They are third-party binaries and not part of this repository: the `hsa` folder
of ROCm/aiter is found by FLYATTN_FOREIGN_KERNELS, without which all of this is
skipped. A table beside the code objects (fmha_fwd.csv) says which kernel each
holds and how many query rows a workgroup of it takes.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import csv
import itertools
import json
import os
import pathlib
import unittest

import numpy as np

from flyattn_testing import (DriverTest, attention, bf16_to_float,
                             float_to_bf16, float_to_fp8, fp8_table,
                             relative_rms)

FOLDER = os.environ.get("FLYATTN_FOREIGN_KERNELS")

# Relative RMS of O against f64, 1.5 times what was seen with correct kernels.
BF16_BOUND, BF16_TRUNCATED_BOUND, FP8_BOUND = 3.3e-3, 8.9e-3, 4.4e-2
LSE_BOUND = 7.5e-7
COARSE_LSE_BOUND = 2e-3  # the hd256 kernels use a coarse exp

# Batch mode: batch, heads, kv heads, seqlen q, seqlen kv.
BATCHES = ((2, 4, 2, 300, 300), (1, 2, 2, 256, 600))
# Group mode: heads, kv heads, query lengths, kv lengths.
GROUPS = ((4, 2, (300, 40), (300, 40)), (2, 1, (70, 256, 129), (333, 256, 700)))


class Kernel:
    """One code object and what its name and table say of it."""

    def __init__(self, chip, folder, file):
        self.chip, self.file = chip, pathlib.Path(FOLDER, folder, file)
        table = pathlib.Path(FOLDER, chip, "fmha_v3_fwd", "fmha_fwd.csv")
        with open(table, newline="") as lines:
            row = next(r for r in csv.DictReader(lines) if r["co_name"] == file)
        self.name = row["knl_name"]
        self.fp8 = row["dtype"].startswith("fp8")
        self.causal = row["mask"] != "0"
        self.group = row["mode"] == "1"
        self.truncates = file.find("_rtz") >= 0
        self.qk_dim, self.v_dim = int(row["hdim_q"]), int(row["hdim_v"])
        self.tile = int(row["ts_qo"])
        self.threads = 256 if self.qk_dim == 192 else 512
        plain = chip == "gfx942" and self.qk_dim == 192
        # A workgroup of a causal kernel takes a head and a tail tile.
        self.paired = self.causal and not plain
        # Batch mode: the x of the grid counts heads, not tiles.
        self.heads_first = plain

    def tuning(self, heads, seqlen_q):
        if self.causal and not self.paired:
            return 0
        masked = self.causal and (heads % 8 != 0 or seqlen_q > 16384)
        return 3 if masked else 5

    def encode(self, values):
        if self.fp8:
            return float_to_fp8(values, fnuz=self.chip == "gfx942")
        return float_to_bf16(values)

    def decode(self, array):
        if self.fp8:
            return fp8_table(fnuz=self.chip == "gfx942")[array]
        return bf16_to_float(array).astype(np.float64)


class Launch:
    """LAUNCH.json of a kernel. Inputs are [batch, seq, head, dim], or [total
    seq, head, dim] in group mode."""

    def __init__(self, kernel, q, k, v, lengths=None):
        self.kernel, self.q, self.k, self.v = kernel, q, k, v
        self.fields, self.buffers, self.arrays = {}, {}, {}
        heads, kv_heads = q.shape[-2], k.shape[-2]
        if lengths is None:
            batch, seqlen_q, seqlen_kv = q.shape[0], q.shape[1], k.shape[1]
        else:
            batch = len(lengths[0])
            seqlen_q, seqlen_kv = max(lengths[0]), max(lengths[1])
        for name in "qkv":
            self.add_file(name, getattr(self, name))
        o_shape = q.shape[:-1] + (kernel.v_dim,)
        lse_shape = ((batch, heads, seqlen_q) if lengths is None
                     else (heads, q.shape[0]))
        self.buffers["o"] = {"shape": o_shape, "dtype": "bf16", "out": "o.npy"}
        self.buffers["lse"] = {"shape": lse_shape, "dtype": "f32",
                               "out": "lse.npy"}
        for offset, name in enumerate(("o", "q", "k", "v", "lse")):
            self.put(16 * offset, "buffer", name)
        self.put(0x50, "f32", kernel.qk_dim ** -0.5)
        self.put_u32({0x60: seqlen_q, 0xB0: heads // kv_heads,
                      0xF0: kernel.tuning(heads, seqlen_q), 0x100: 1,
                      0x110: seqlen_kv, 0x120: kernel.qk_dim,
                      0x130: kernel.v_dim, 0x140: heads,
                      0x1D0: 4 * lse_shape[-1]})
        self.put_strides(o_shape)
        if lengths is not None:
            self.put_lengths(lengths)
        if kernel.fp8:
            self.put_descales()
        tiles = -(-seqlen_q // kernel.tile)
        tiles = -(-tiles // 2) if kernel.paired else tiles
        if lengths is not None:
            self.grid = [heads, batch, tiles]
        elif kernel.heads_first:
            self.grid = [heads, tiles, batch]
        else:
            self.grid = [tiles, heads, batch]

    def put(self, offset, kind, value):
        self.fields[offset] = {"offset": offset, kind: value}

    def put_u32(self, values):
        for offset, value in values.items():
            self.put(offset, "u32", int(value))

    def add_file(self, name, array):
        self.arrays[name] = array
        self.buffers[name] = {"file": name + ".npy"}

    def put_strides(self, o_shape):
        """Byte strides; those of O count 2-byte elements."""
        def strides(shape, size):
            seq = shape[-2] * shape[-1] * size
            batch = seq * shape[-3] if len(shape) == 4 else 0
            return seq, shape[-1] * size, batch
        size = 1 if self.kernel.fp8 else 2
        places = ((0x70, 0x90, 0xA0), (0xC0, 0xD0, 0xE0), (0x150, 0x160, 0x170),
                  (0x180, 0x190, 0x1A0))
        shapes = (self.q.shape, self.k.shape, self.v.shape, o_shape)
        for offsets, shape, bytes_each in zip(places, shapes,
                                              (size, size, size, 2)):
            self.put_u32(dict(zip(offsets, strides(shape, bytes_each))))
        self.put(0x80, "u32",
                 self.kernel.tile * self.fields[0x70]["u32"])

    def put_lengths(self, lengths):
        for offset, name, values in ((0x1B0, "q_starts", lengths[0]),
                                     (0x1C0, "k_starts", lengths[1])):
            starts = np.concatenate([[0], np.cumsum(values)]).astype(np.int32)
            self.add_file(name, starts)
            self.put(offset, "buffer", name)
            self.put(offset + 0x30, "buffer", name)

    def put_descales(self):
        for offset, name in ((0x200, "q_descale"), (0x210, "k_descale"),
                             (0x220, "v_descale")):
            self.add_file(name, np.ones(1, np.float32))
            self.put(offset, "buffer", name)

    def write(self, folder):
        for name, array in self.arrays.items():
            np.save(folder / (name + ".npy"), array)
        launch = {
            "code_object": str(self.kernel.file), "kernel": self.kernel.name,
            "grid": self.grid, "block": [self.kernel.threads, 1, 1],
            "buffers": self.buffers,
            "kernarg_size": 656 if self.kernel.fp8 else 512,
            "kernarg": list(self.fields.values())}
        (folder / "launch.json").write_text(json.dumps(launch))


class ForeignKernels(DriverTest):
    def launch(self, kernel, *arguments, **keywords):
        Launch(kernel, *arguments, **keywords).write(self.folder)
        self.flyattn("launch", "launch.json", "--arch", kernel.chip)
        return bf16_to_float(self.load("o.npy")), self.load("lse.npy")

    def inputs(self, kernel, q_shape, kv_shape):
        random = np.random.default_rng(0)
        return [kernel.encode(random.standard_normal(shape, np.float32))
                for shape in (q_shape + (kernel.qk_dim,),
                              kv_shape + (kernel.qk_dim,),
                              kv_shape + (kernel.v_dim,))]

    def check(self, kernel, o, lse, wanted, wanted_lse):
        bound = BF16_TRUNCATED_BOUND if kernel.truncates else BF16_BOUND
        self.assertLess(relative_rms(o, wanted),
                        FP8_BOUND if kernel.fp8 else bound)
        self.assertLess(relative_rms(lse, wanted_lse),
                        COARSE_LSE_BOUND if kernel.qk_dim == 256 else LSE_BOUND)

    def reference(self, kernel, q, k, v):
        return attention(*map(kernel.decode, (q, k, v)),
                         mask="causal" if kernel.causal else "none")

    def run_batches(self, kernel):
        for batch, heads, kv_heads, sq, skv in BATCHES:
            q, k, v = self.inputs(kernel, (batch, sq, heads),
                                  (batch, skv, kv_heads))
            o, lse = self.launch(kernel, q, k, v)
            wanted = [self.reference(kernel, *qkv) for qkv in zip(q, k, v)]
            self.check(kernel, o, lse, np.stack([o for o, _ in wanted]),
                       np.stack([l for _, l in wanted]))

    def run_groups(self, kernel):
        for heads, kv_heads, q_lengths, kv_lengths in GROUPS:
            q, k, v = self.inputs(kernel, (sum(q_lengths), heads),
                                  (sum(kv_lengths), kv_heads))
            o, lse = self.launch(kernel, q, k, v,
                                 lengths=(q_lengths, kv_lengths))
            cuts = np.cumsum(q_lengths)[:-1], np.cumsum(kv_lengths)[:-1]
            parts = zip(np.split(q, cuts[0]), np.split(k, cuts[1]),
                        np.split(v, cuts[1]))
            wanted = [self.reference(kernel, *qkv) for qkv in parts]
            self.check(kernel, o, lse, np.concatenate([o for o, _ in wanted]),
                       np.concatenate([l for _, l in wanted], axis=1))


def files():
    """Chip, folder and name of each of the 72 code objects."""
    ends = [causal + group for causal in ("", "_causal")
            for group in ("", "_group")]
    for stem, end in itertools.product(
            ("hd128_bf16", "hd128_fp8", "hd192_hd128_bf16", "hd256_fp8"), ends):
        yield "gfx950", "gfx950/fmha_v3_fwd", f"fwd_{stem}{end}.co"
    for part in ("MI300", "MI308"):
        folder = f"gfx942/fmha_v3_fwd/{part}"
        for end in ends:
            yield "gfx942", folder, f"fwd_hd128_fp8{end}.co"
        for stem, causal, rounding, group in itertools.product(
                ("hd128_bf16", "hd192x128_bf16"), ("", "_causal"),
                ("_rtne", "_rtna", "_rtz"), ("", "_group")):
            yield "gfx942", folder, f"fwd_{stem}{causal}{rounding}{group}.co"


def make_test(chip, folder, file):
    @unittest.skipUnless(FOLDER, "FLYATTN_FOREIGN_KERNELS is not set")
    def test(self):
        kernel = Kernel(chip, folder, file)
        (self.run_groups if kernel.group else self.run_batches)(kernel)
    return test


for chip, folder, file in files():
    part = pathlib.Path(folder).name
    name = "_".join([chip] + [part] * part.startswith("MI") + [file[4:-3]])
    setattr(ForeignKernels, "test_" + name, make_test(chip, folder, file))

if __name__ == "__main__":
    unittest.main()
