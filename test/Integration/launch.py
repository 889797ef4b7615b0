"""`flyattn launch`: our own kernel through LAUNCH.json, and every bad one.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import unittest

import numpy as np

from flyattn_testing import CHIPS, DriverTest, encode

HEADS, SQ, SKV, DIM = 2, 40, 70, 64


class LaunchTest(DriverTest):
    """LAUNCH.json of our own kernel; its arguments are those of ForwardArgs in
    flyattn/Target/KernelABI.h."""

    def prepare(self, chip):
        problem = ("--arch", chip, "--heads", HEADS, "--seqlen-q", SQ,
                   "--seqlen-kv", SKV, "--head-dim", DIM)
        self.flyattn("compile", *problem, "--return-lse", "-o", "k.hsaco",
                     "--json", "c.json")
        compiled = json.loads((self.folder / "c.json").read_text())
        random = np.random.default_rng(0)
        for name, rows in (("q", SQ), ("k", SKV), ("v", SKV)):
            values = random.standard_normal((1, rows, HEADS, DIM), np.float32)
            self.save(name + ".npy", encode(values, "bf16"))
        config = compiled["config"]
        rows = config["waves"] * config["rows_per_wave"]
        fields = [(0, "buffer", "q"), (8, "buffer", "k"), (16, "buffer", "v"),
                  (24, "buffer", "o"), (32, "buffer", "lse"), (40, "i32", SQ),
                  (44, "i32", SKV), (48, "i32", 1),
                  (52, "f32", DIM ** -0.5 * 1.4426950408889634),
                  (56, "u32", 0)]
        for operand, length in enumerate((SQ, SKV, SKV, SQ)):
            strides = (length * HEADS * DIM, DIM, HEADS * DIM)
            fields += [(64 + 24 * operand + 8 * i, "i64", stride)
                       for i, stride in enumerate(strides)]
        fields += [(160, "i64", HEADS * SQ), (168, "i64", SQ)]
        return {
            "code_object": "k.hsaco", "kernel": compiled["kernel"],
            "grid": [HEADS, -(-SQ // rows), 1],
            "block": [config["waves"] * 64, 1, 1], "dynamic_lds": 0,
            "buffers": {
                "q": {"file": "q.npy"}, "k": {"file": "k.npy"},
                "v": {"file": "v.npy"},
                "o": {"shape": [1, SQ, HEADS, DIM], "dtype": "bf16",
                      "out": "o.npy"},
                "lse": {"shape": [1, HEADS, SQ], "dtype": "f32",
                        "out": "lse.npy"}},
            "kernarg_size": 200,
            "kernarg": [{"offset": offset, kind: value}
                        for offset, kind, value in fields]}

    def write(self, launch, name="launch.json"):
        (self.folder / name).write_text(json.dumps(launch))
        return name


class Launch(LaunchTest):
    def gives_the_bits_of_run(self, chip):
        self.write(self.prepare(chip))
        done = self.flyattn("launch", "launch.json", "--arch", chip, "--json",
                            "-")
        result = json.loads(done.stdout)
        self.assertEqual(result["status"], "ok")
        self.assertEqual(result["arch"], chip)
        self.assertGreater(result["instructions"], 0)
        o, lse = self.load("o.npy"), self.load("lse.npy")
        self.flyattn("run", "--arch", chip, "--device", "sim", "--q", "q.npy",
                     "--k", "k.npy", "--v", "v.npy", "--out", "o2.npy", "--lse",
                     "lse2.npy")
        np.testing.assert_array_equal(o, self.load("o2.npy"))
        np.testing.assert_array_equal(lse, self.load("lse2.npy"))

    def test_gfx950(self):
        self.gives_the_bits_of_run("gfx950")

    def test_gfx942(self):
        self.gives_the_bits_of_run("gfx942")

    def test_paths_are_relative_to_the_file(self):
        self.write(self.prepare("gfx950"))
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        self.flyattn("launch", self.folder / "launch.json")
        self.assertTrue((self.folder / "o.npy").exists())

    def test_outputs_start_as_nan(self):
        launch = self.prepare("gfx950")
        launch["grid"][0] = 1  # the second head is never written
        self.write(launch)
        self.flyattn("launch", "launch.json")
        self.assertTrue(np.all(self.load("o.npy")[:, :, 1] == 0xFFFF))
        self.assertTrue(np.all(np.isnan(self.load("lse.npy")[:, 1])))


    def test_checks_report_and_fail(self):
        self.write(self.prepare("gfx950"))
        done = self.flyattn("launch", "launch.json", "--checks=fail")
        self.assertIn("checks   0 reports", done.stdout)
        # The same kernel with every s_barrier replaced by s_nop.
        code = self.folder / "k.hsaco"
        barrier, nop = b"\x00\x00\x8a\xbf", b"\x00\x00\x80\xbf"
        self.assertIn(barrier, code.read_bytes())
        code.write_bytes(code.read_bytes().replace(barrier, nop))
        done = self.flyattn("launch", "launch.json", "--checks", "--json", "-")
        result = json.loads(done.stdout)
        self.assertEqual(result["status"], "ok")
        reports = result["checks"]["reports"]
        races = [each for each in reports if each["kind"] == "race"]
        self.assertTrue(races)
        for race in races:
            self.assertGreater(race["count"], 0)
            self.assertIn("with no barrier between", race["what"])
            self.assertIn("ds_", race["inst"]["text"] + race["other"]["text"])
        done = self.fails(1, "the checks found faults", "launch",
                          "launch.json", "--checks=fail", "--json", "c.json")
        self.assertIn("race: offset 0x", done.stdout)
        failed = json.loads((self.folder / "c.json").read_text())
        self.assertEqual(failed["status"], "failed checks")


class BadLaunch(LaunchTest):
    """What is wrong is found before anything is loaded, so a file that is no
    code object serves most of these."""

    def launch(self):
        return {"code_object": "k.co", "kernel": "k", "grid": [1, 1, 1],
                "block": [64, 1, 1], "kernarg_size": 16,
                "buffers": {"q": {"shape": [4], "dtype": "f32"}},
                "kernarg": [{"offset": 0, "buffer": "q"}]}

    def refused(self, message, **changes):
        launch = self.launch()
        for key, value in changes.items():
            launch[key] = value
        self.fails(2, message, "launch", self.write(launch))

    def test_missing_file(self):
        self.fails(2, "nowhere.json", "launch", "nowhere.json")

    def test_not_json(self):
        (self.folder / "l.json").write_text("{'a'}")
        self.fails(2, "l.json", "launch", "l.json")

    def test_not_an_object(self):
        self.fails(2, "expected an object", "launch", self.write([]))

    def test_missing_keys(self):
        done = self.fails(2, 'needs the key "kernel"', "launch", self.write({}))
        for key in ("code_object", "grid", "block", "kernarg_size"):
            self.assertIn(f'"{key}"', done.stderr)

    def test_unknown_key(self):
        self.refused('unknown key "krenel"', krenel="k")

    def test_unknown_key_of_a_buffer(self):
        self.refused('buffers.q: unknown key "size"',
                     buffers={"q": {"shape": [4], "dtype": "f32", "size": 1}})

    def test_unknown_key_of_a_field(self):
        self.refused('kernarg[0]: unknown key "f16"',
                     kernarg=[{"offset": 0, "f16": 1}])

    def test_bad_grid(self):
        self.refused("grid: expected three whole numbers", grid=[1, 1])
        self.refused("grid[2]: expected a whole number", grid=[1, 1, 0])

    def test_bad_block(self):
        self.refused("block[0]: expected a whole number from 1 to 1024",
                     block=[2048, 1, 1])

    def test_unknown_dtype(self):
        self.refused('unknown dtype "bfloat"',
                     buffers={"q": {"shape": [4], "dtype": "bfloat"}})

    def test_bad_shape(self):
        self.refused("buffers.q.shape[0]: expected a whole number",
                     buffers={"q": {"shape": [-4], "dtype": "f32"}})

    def test_file_and_shape(self):
        self.refused("leave them out",
                     buffers={"q": {"shape": [4], "file": "q.npy"}})

    def test_unknown_buffer(self):
        self.refused('kernarg[0]: unknown buffer "p"',
                     kernarg=[{"offset": 0, "buffer": "p"}])

    def test_overlapping_fields(self):
        self.refused("bytes [4, 8) overlap the field at 0",
                     kernarg=[{"offset": 0, "buffer": "q"},
                              {"offset": 4, "u32": 1}])

    def test_field_beyond_the_segment(self):
        self.refused("bytes [12, 20) lie beyond kernarg_size 16",
                     kernarg=[{"offset": 12, "u64": 1}])

    def test_two_values_in_a_field(self):
        self.refused("expected one of buffer, u32",
                     kernarg=[{"offset": 0, "u32": 1, "f32": 1}])

    def test_number_that_does_not_fit(self):
        self.refused("kernarg[0].u32: expected a whole number from 0 to "
                     "4294967295", kernarg=[{"offset": 0, "u32": 2 ** 32}])
        self.refused("fits i32", kernarg=[{"offset": 0, "i32": 2 ** 31}])
        self.refused("expected a number", kernarg=[{"offset": 0, "f32": "x"}])

    def test_unwritable_output(self):
        self.refused("no/o.npy", buffers={"q": {"shape": [4], "dtype": "f32",
                                                "out": "no/o.npy"}})

    def test_missing_code_object(self):
        self.refused("k.co")

    def test_no_code_object(self):
        (self.folder / "k.co").write_text("hello")
        self.refused("k.co")

    def test_unknown_kernel(self):
        launch = self.prepare("gfx950")
        name = launch["kernel"]
        launch["kernel"] = "nobody"
        self.fails(2, f'no kernel "nobody"; it holds {name}', "launch",
                   self.write(launch))

    def test_missing_buffer_file(self):
        launch = self.prepare("gfx950")
        (self.folder / "q.npy").unlink()
        self.fails(2, "q.npy", "launch", self.write(launch))

    def test_code_object_for_another_chip(self):
        for chip, other in (CHIPS, CHIPS[::-1]):
            launch = self.write(self.prepare(chip))
            self.fails(2, f"the code object is for {chip}, not for {other}",
                       "launch", launch, "--arch", other)

    def test_unknown_arch(self):
        launch = self.write(self.prepare("gfx950"))
        self.fails(2, "'gfx90a' was given", "launch", launch, "--arch",
                   "gfx90a")

    def test_access_outside_the_buffers(self):
        launch = self.prepare("gfx950")
        launch["kernarg"][3] = {"offset": 24, "u64": 4096}  # o
        self.fails(4, launch["kernel"], "launch", self.write(launch))
        self.assertFalse((self.folder / "o.npy").exists())


if __name__ == "__main__":
    unittest.main()
