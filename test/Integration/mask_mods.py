"""Regions that compiler users write in MLIR: prefix-LM, documents, blocks.

A program goes through `flyattn compile --program`, its kernel through `flyattn
launch`. What is hidden as a whole must not be computed: MFMAs are counted.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import unittest

import numpy as np

from flyattn_testing import (CHIPS, DriverTest, attention, decode, encode,
                             relative_rms)

BATCH, HEADS, SQ, SKV, DIM = 2, 2, 512, 512, 64
ROWS, TILE = 128, 64  # of a workgroup; of KV

PROGRAM = """
!q = memref<?x?x?x64x{dtype}, strided<[?, ?, ?, 1], offset: ?>>
!lse = memref<?x?x?xf32, strided<[?, ?, 1], offset: ?>>
func.func @attention(%q: !q, %k: !q, %v: !q, %o: !q, %lse: !lse{parameters}) {{
  attn.forward ins(%q, %k, %v : !q, !q, !q) {captures} outs(%o, %lse : !q, !lse)
  {region}
  return
}}
"""

# Rows of the first columns see each other, the others causally.
PREFIX = """mask_mod {
  ^bb0(%b: index, %h: index, %i: index, %j: index, %lengths: memref<?xi32>):
    %n = memref.load %lengths[%b] : memref<?xi32>
    %end = arith.index_cast %n : i32 to index
    %early = arith.cmpi slt, %j, %end : index
    %past = arith.cmpi sle, %j, %i : index
    %seen = arith.ori %early, %past : i1
    attn.yield %seen : i1
  }"""

# Rows see their own document, causally.
DOCUMENTS = """mask_mod {
  ^bb0(%b: index, %h: index, %i: index, %j: index, %ids: memref<?x?xi32>):
    %mine = memref.load %ids[%b, %i] : memref<?x?xi32>
    %other = memref.load %ids[%b, %j] : memref<?x?xi32>
    %same = arith.cmpi eq, %mine, %other : i32
    %past = arith.cmpi sge, %i, %j : index
    %seen = arith.andi %same, %past : i1
    attn.yield %seen : i1
  }"""

# Blocks of 128 rows and columns, but for the first column, which none sees.
BLOCKS = """mask_mod {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %size = arith.constant 128 : index
    %zero = arith.constant 0 : index
    %x = arith.divui %i, %size : index
    %y = arith.divsi %j, %size : index
    %same = arith.cmpi eq, %x, %y : index
    %first = arith.cmpi eq, %j, %zero : index
    %true = arith.constant true
    %behind = arith.xori %first, %true : i1
    %seen = arith.andi %same, %behind : i1
    attn.yield %seen : i1
  }"""

# A score_mod of one's own, with a scalar.
TEMPERATURE = """score_mod {
  ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: f32):
    %x = arith.mulf %s, %t : f32
    %e = math.exp %x : f32
    %one = arith.constant 1.0 : f32
    %sum = arith.addf %e, %one : f32
    %y = math.log %sum : f32
    attn.yield %y : f32
  }"""


class MaskMods(DriverTest):
    def inputs(self, dtype):
        random = np.random.default_rng(1)
        arrays = []
        for name, rows in (("q", SQ), ("k", SKV), ("v", SKV)):
            values = random.standard_normal((BATCH, rows, HEADS, DIM), np.float32)
            arrays.append(encode(values, dtype))
            self.save(name + ".npy", arrays[-1])
        return arrays

    def compile(self, chip, dtype, region, captures, *arguments, code=0):
        """`captures`: (type, kind or array) of each."""
        parameters = "".join(f", %c{i}: {type_}"
                             for i, (type_, _) in enumerate(captures))
        text = "" if not captures else "captures({} : {})".format(
            ", ".join(f"%c{i}" for i in range(len(captures))),
            ", ".join(type_ for type_, _ in captures))
        (self.folder / "p.mlir").write_text(PROGRAM.format(
            dtype=dtype, parameters=parameters, captures=text, region=region))
        return self.flyattn("compile", "--arch", chip, "--program", "p.mlir",
                            "-o", "k.hsaco", "--json", "c.json", *arguments,
                            code=code)

    def launch(self, chip, dtype, captures):
        """O, LSE and how many MFMAs the waves issued."""
        compiled = json.loads((self.folder / "c.json").read_text())
        fields = [(8 * i, "buffer", name)
                  for i, name in enumerate(("q", "k", "v", "o", "lse"))]
        fields += [(40, "i32", SQ), (44, "i32", SKV), (48, "i32", 1),
                   (52, "f32", DIM ** -0.5 * 1.4426950408889634),
                   (56, "u32", 0)]
        for operand, length in enumerate((SQ, SKV, SKV, SQ)):
            strides = (length * HEADS * DIM, DIM, HEADS * DIM)
            fields += [(64 + 24 * operand + 8 * i, "i64", stride)
                       for i, stride in enumerate(strides)]
        fields += [(160, "i64", HEADS * SQ), (168, "i64", SQ)]
        buffers = {name: {"file": name + ".npy"} for name in "qkv"}
        buffers["o"] = {"shape": [BATCH, SQ, HEADS, DIM], "dtype": dtype,
                        "out": "o.npy"}
        buffers["lse"] = {"shape": [BATCH, HEADS, SQ], "dtype": "f32",
                          "out": "lse.npy"}
        offset = 200
        for i, (_, value) in enumerate(captures):
            if not isinstance(value, np.ndarray):
                fields.append((offset, "f32", value))
                offset += 4
                continue
            self.save(f"c{i}.npy", value)
            buffers[f"c{i}"] = {"file": f"c{i}.npy"}
            fields.append((offset, "buffer", f"c{i}"))
            for dim, stride in enumerate(value.strides):
                fields.append((offset + 8 + 8 * dim, "i64",
                               stride // value.itemsize))
            offset += 8 + 8 * value.ndim
        config = compiled["config"]
        rows = config["waves"] * config["rows_per_wave"]
        (self.folder / "l.json").write_text(json.dumps({
            "code_object": "k.hsaco", "kernel": compiled["kernel"],
            "grid": [HEADS, -(-SQ // rows), BATCH],
            "block": [64 * config["waves"], 1, 1],
            "dynamic_lds": 0, "buffers": buffers, "kernarg_size": offset,
            "kernarg": [{"offset": at, kind: value}
                        for at, kind, value in fields]}))
        done = self.flyattn("launch", "l.json", "--arch", chip, "--timing",
                            "--timing-units", 32,
                            "--json", "-")
        timing = json.loads(done.stdout)["timing"]
        mfma = sum(inst["issued"] for inst in timing["instructions"]
                   if inst["text"].startswith("v_mfma"))
        return self.load("o.npy"), self.load("lse.npy"), mfma

    def agrees(self, chip, dtype, region, captures, modify, *arguments):
        """`modify` of the batch gives what changes its scores."""
        arrays = self.inputs(dtype)
        self.compile(chip, dtype, region, captures, *arguments)
        o, lse, mfma = self.launch(chip, dtype, captures)
        for b in range(BATCH):
            wanted, wanted_lse = attention(
                *(decode(x[b], dtype) for x in arrays), modify=modify(b))
            self.assertLess(relative_rms(decode(o[b], dtype), wanted),
                            3.3e-3 if dtype == "bf16" else 5e-4)
            np.testing.assert_allclose(lse[b], wanted_lse, atol=5e-6)
        return mfma

    def hide(self, seen):
        return lambda scores: np.where(seen, scores, -np.inf)

    def mfma_of(self, chip, tiles):
        """Of so many tiles of each workgroup of a head; they go by pairs."""
        each = 4 * (2 * TILE * 32 * DIM) // (32 * 32 * (16 if chip == "gfx950" else 8))
        return HEADS * each * sum(-(-n // 2) * 2 for n in tiles)

    def prefix(self, chip, dtype):
        lengths = np.array([70, 400], np.int32)
        row, column = np.arange(SQ)[:, None], np.arange(SKV)
        mfma = self.agrees(
            chip, dtype, PREFIX, [("memref<?xi32>", lengths)],
            lambda b: self.hide((column < lengths[b]) | (column <= row)))
        tiles = [-(-max(n, first + ROWS) // TILE)
                 for n in lengths for first in range(0, SQ, ROWS)]
        self.assertEqual(mfma, self.mfma_of(chip, tiles))
        self.assertLess(mfma, self.mfma_of(chip, [SKV // TILE] * 8))

    def documents(self, chip, dtype):
        ends = ([100, 101, 300, 512], [256, 512])
        ids = np.array([np.searchsorted(e, np.arange(SQ), side="right")
                        for e in ends], np.int32)
        past = np.arange(SKV) <= np.arange(SQ)[:, None]
        mfma = self.agrees(
            chip, dtype, DOCUMENTS, [("memref<?x?xi32>", ids)],
            lambda b: self.hide((ids[b][:, None] == ids[b]) & past))
        # Of the ids nothing is known, of the diagonal all.
        tiles = 2 * [(first + ROWS) // TILE for first in range(0, SQ, ROWS)]
        self.assertEqual(mfma, self.mfma_of(chip, tiles))

    def blocks(self, chip, dtype):
        row, column = np.arange(SQ)[:, None], np.arange(SKV)
        mfma = self.agrees(
            chip, dtype, BLOCKS, [],
            lambda b: self.hide((row // 128 == column // 128) & (column != 0)))
        self.assertEqual(mfma, self.mfma_of(chip, [2] * 8))

    def temperature(self, chip, dtype):
        self.agrees(chip, dtype, TEMPERATURE, [("f32", 0.75)],
                    lambda b: lambda scores: np.log1p(np.exp(0.75 * scores)))

    def regions_of_dual_wave(self, chip, dtype):
        """Of either kind, on a schedule that takes tiles by pairs as well."""
        dual_wave = ("--schedule", "dual_wave")
        self.agrees(chip, dtype, TEMPERATURE, [("f32", 0.75)],
                    lambda b: lambda scores: np.log1p(np.exp(0.75 * scores)),
                    *dual_wave)
        lengths = np.array([70, 400], np.int32)
        row, column = np.arange(SQ)[:, None], np.arange(SKV)
        self.agrees(chip, dtype, PREFIX, [("memref<?xi32>", lengths)],
                    lambda b: self.hide((column < lengths[b]) |
                                        (column <= row)), *dual_wave)

    def test_bad_programs(self):
        def fails(message, *arguments):
            self.fails(2, message, "compile", "--arch", "gfx950", "--program",
                       "p.mlir", "-o", "k.hsaco", *arguments)
        fails("p.mlir': No such file or directory")
        (self.folder / "p.mlir").write_text("\n")
        fails("the file is empty")
        (self.folder / "p.mlir").write_text("func.func @f() { return")
        fails("expected operation name")
        (self.folder / "p.mlir").write_text("func.func @f() { return }")
        fails("the program has 0 attn.forward; it must have one")
        fails("--mask: the program says what is computed; leave it out",
              "--mask", "causal")
        fails("--splits: a program's lengths are not known", "--splits", "auto")
        done = self.compile("gfx950", "bf16", PREFIX.replace(
            "attn.yield %seen : i1", "attn.yield %n : i32"),
            [("memref<?xi32>", None)], code=2)
        self.assertIn("mask_mod must end with an attn.yield of one 'i1'",
                      done.stderr)


def add(name, chip, dtype):
    def test(self):
        getattr(self, name)(chip, dtype)
    setattr(MaskMods, f"test_{name}_{chip}_{dtype}", test)


for chip, dtypes in zip(CHIPS, (("bf16", "f16"), ("f16", "bf16"))):
    for i, name in enumerate(("prefix", "documents", "blocks", "temperature",
                              "regions_of_dual_wave")):
        add(name, chip, dtypes[i % 2])

if __name__ == "__main__":
    unittest.main()
