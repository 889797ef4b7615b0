"""What the driver's commands print and write.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import os
import pty
import subprocess
import unittest

import numpy as np

from flyattn_testing import CHIPS, DriverTest, decode, encode

SMALL = ("--heads", 2, "--seqlen-q", 40, "--head-dim", 64)


class Help(DriverTest):
    def test_top(self):
        text = self.flyattn("--help").stdout
        for word in ("compile", "run", "bench", "inspect", "launch", "isa",
                     "EXIT CODES"):
            self.assertIn(word, text)

    def test_commands(self):
        for command in ("compile", "run", "bench", "inspect", "launch", "isa"):
            text = self.flyattn(command, "--help").stdout
            self.assertIn("EXAMPLES:", text)
            self.assertIn(f"flyattn {command} ", text)

    def test_version(self):
        self.assertRegex(self.flyattn("--version").stdout, r"^flyattn \d")


class Run(DriverTest):
    def test_text(self):
        done = self.flyattn("run", "--arch", "gfx950", *SMALL)
        for word in ("gfx950 bf16", "instructions", "O max_abs", "LSE max_abs",
                     "bound", "result   ok"):
            self.assertIn(word, done.stdout)
        self.assertEqual(done.stderr, "")  # no progress bar without a terminal

    def test_count_rescales(self):
        shape = ("--arch", "gfx950", "--heads", 2, "--seqlen-q", 512,
                 "--schedule", "dual_wave", "--count-rescales")
        waves, tiles = 2 * 512 // 32, 512 // 64
        lazy = self.run_json(*shape)["rescales"]
        self.assertEqual(lazy["checks"], waves * tiles)
        # Every wave's first tile raises the maximum from -inf; scores of
        # variance 1 never raise it by 2^8 again.
        self.assertEqual(lazy["taken"], waves)
        late = self.run_json(*shape, "--init", "late-max")["rescales"]
        self.assertGreater(late["taken"], waves)
        eager = self.run_json(*shape, "--without", "lazy-rescale")["rescales"]
        self.assertGreater(eager["taken"], waves * tiles // 2)
        self.assertNotIn("rescales", self.run_json("--arch", "gfx950", *SMALL))
        self.fails(2, "--count-rescales need the simulator", "run", *shape,
                   "--device", "hip")

    def test_json(self):
        result = self.run_json("--arch", "gfx942", *SMALL, "--seed", 7)
        self.assertEqual(result["status"], "ok")
        self.assertEqual(result["arch"], "gfx942")
        self.assertEqual(result["device"], "simulator")
        self.assertEqual(result["seed"], 7)
        self.assertEqual(result["problem"]["seqlen_kv"], 40)
        self.assertEqual(result["config"]["schedule"], "generic")
        self.assertGreater(result["instructions"], 0)
        self.assertGreater(result["seconds"], 0)
        self.assertIn("object", result["compile_seconds"])
        self.assertEqual(result["rows_checked"], 80)
        self.assertFalse(result["rows_sampled"])
        errors = result["errors"]
        for key in ("max_abs", "max_rel", "rms", "relative_rms",
                    "min_row_cosine", "bound", "bound_rms", "mismatches"):
            self.assertIn(key, errors)
        self.assertLessEqual(errors["max_abs"], errors["bound"])
        self.assertLessEqual(errors["lse"]["max_abs"], errors["lse"]["bound"])

    def test_json_file_beside_text(self):
        done = self.flyattn("run", "--arch", "gfx950", *SMALL, "--json", "r.json")
        self.assertIn("result   ok", done.stdout)
        result = json.loads((self.folder / "r.json").read_text())
        self.assertEqual(result["status"], "ok")

    def test_matrix_numerics(self):
        problem = ("--arch", "gfx942", "--heads", 1, "--seqlen-q", 32,
                   "--head-dim", 64, "--seqlen-kv", 64)
        bits = []
        for numerics in ("fma", "cdna3"):
            result = self.run_json(*problem, "--mfma", numerics,
                                   "--lse", f"{numerics}.npy")
            self.assertEqual(result["status"], "ok")
            bits.append(self.load(f"{numerics}.npy").tobytes())
        self.assertNotEqual(*bits)
        self.fails(2, "--mfma cdna3", "run", "--arch", "gfx950",
                   "--device", "sim", *SMALL, "--mfma", "cdna3")
        self.fails(2, "exact", "run", "--arch", "gfx942", *SMALL,
                   "--mfma", "exact")

    def test_no_check(self):
        result = self.run_json("--arch", "gfx950", *SMALL, "--check", "none")
        self.assertEqual(result["status"], "not checked")
        self.assertNotIn("errors", result)

    def test_checks(self):
        problem = ("--arch", "gfx942", "--seqlen-q", 40, "--head-dim", 64)
        text = self.flyattn("run", *problem, "--checks").stdout
        self.assertIn("checks   0 reports, LDS bank conflicts", text)
        self.assertIn("result   ok", text)
        checks = self.run_json(*problem, "--checks=fail")["checks"]
        self.assertEqual(checks["reports"], [])
        self.assertGreater(checks["lds_clocks"], 0)
        conflicts = sum(each["conflict_clocks"]
                        for each in checks["bank_conflicts"])
        self.assertEqual(conflicts, checks["lds_conflict_clocks"])
        self.assertNotIn("checks", self.run_json(*problem, "--checks=off"))
        self.assertNotIn("checks", self.run_json(*problem))
        self.fails(2, "--count-rescales need the simulator", "run", *problem,
                   "--checks", "--device", "hip")

    def test_no_bank_conflicts(self):
        for chip in CHIPS:
            for head_dim in (64, 128):
                checks = self.run_json("--arch", chip, "--seqlen-q", 256,
                                       "--head-dim", head_dim,
                                       "--checks")["checks"]
                self.assertEqual(checks["bank_conflicts"], [])

    def test_large_problems_are_sampled(self):
        result = self.run_json("--arch", "gfx950", "--heads", 2, "--head-dim",
                               64, "--seqlen-q", 4096, "--no-lse")
        self.assertTrue(result["rows_sampled"])
        self.assertLess(result["rows_checked"], 2 * 4096)

    def test_same_seed_same_bits(self):
        outputs = []
        for seed in (1, 1, 2):
            self.flyattn("run", "--arch", "gfx950", *SMALL, "--seed", seed,
                         "--out", "o.npy")
            outputs.append((self.folder / "o.npy").read_bytes())
        self.assertEqual(outputs[0], outputs[1])
        self.assertNotEqual(outputs[0], outputs[2])

    def test_forms_of_bf16(self):
        random = np.random.default_rng(0)
        q = encode(random.standard_normal((1, 40, 2, 64), np.float32), "bf16")
        outputs = []
        for array in (q, q.view("V2")):
            self.save("q.npy", array)
            self.flyattn("run", "--arch", "gfx950", "--q", "q.npy", "--out",
                         "o.npy")
            outputs.append((self.folder / "o.npy").read_bytes())
        self.assertEqual(outputs[0], outputs[1])

    def test_round_trip_of_an_output(self):
        for dtype, file_type in (("bf16", np.uint16), ("f16", np.float16)):
            self.flyattn("run", "--arch", "gfx950", *SMALL, "--dtype", dtype,
                         "--out", "o.npy", "--lse", "lse.npy")
            o, lse = self.load("o.npy"), self.load("lse.npy")
            self.assertEqual((o.dtype, o.shape), (file_type, (1, 40, 2, 64)))
            self.assertEqual((lse.dtype, lse.shape), (np.float32, (1, 2, 40)))
            result = self.run_json("--arch", "gfx950", *SMALL, "--dtype", dtype,
                                   "--expected", "o.npy")
            self.assertEqual(result["errors"]["max_abs"], 0)
            self.assertEqual(result["compared_with"], "expected")
            self.save("e.npy", decode(o, dtype).astype(np.float32))
            self.flyattn("run", "--arch", "gfx950", *SMALL, "--dtype", dtype,
                         "--expected", "e.npy")

    def test_wrong_result_is_exit_code_1(self):
        self.save("e.npy", np.ones((1, 40, 2, 64)))
        done = self.flyattn("run", "--arch", "gfx950", *SMALL, "--expected",
                            "e.npy", "--out", "o.npy", code=1)
        self.assertIn("TOO LARGE", done.stdout)
        self.assertIn("the result is wrong", done.stderr)
        self.assertTrue((self.folder / "o.npy").exists())

    def test_truncated_bf16(self):
        even, cut = (self.run_json("--arch", "gfx942", *SMALL,
                                   "--bf16-rounding", rounding)["errors"]
                     for rounding in ("nearest-even", "truncate"))
        self.assertGreater(cut["relative_rms"], 1.5 * even["relative_rms"])


class Terminal(DriverTest):
    def on_a_terminal(self, env, *arguments):
        """What the driver writes to stderr when that is a terminal."""
        master, slave = pty.openpty()
        subprocess.run([os.environ["FLYATTN"], *map(str, arguments)],
                       stdout=subprocess.DEVNULL, stderr=slave, timeout=600,
                       cwd=self.folder, env={**os.environ, "TERM": "xterm",
                                             **env})
        os.close(slave)
        text = b""
        try:
            while data := os.read(master, 65536):
                text += data
        except OSError:  # the other end is closed
            pass
        os.close(master)
        return text.decode()

    def test_progress_bar(self):
        text = self.on_a_terminal({}, "run", "--arch", "gfx950", "--heads", 8,
                                  "--seqlen-q", 512)
        self.assertIn("running [", text)

    def test_no_color(self):
        bad = ("run", "--arch", "gfx90a")
        self.assertIn("\033[", self.on_a_terminal({"NO_COLOR": ""}, *bad))
        self.assertNotIn("\033[", self.on_a_terminal({"NO_COLOR": "1"}, *bad))


class CompileAndInspect(DriverTest):
    def test_same_bytes_every_time(self):
        for chip in CHIPS:
            files = []
            for name in ("a", "b"):
                self.flyattn("compile", "--arch", chip, "-o", name)
                files.append((self.folder / name).read_bytes())
            self.assertEqual(files[0], files[1])
            self.assertEqual(files[0][:4], b"\x7fELF")

    def test_every_level(self):
        words = {"attn": "attn.forward", "rocdl": "rocdl.", "llvm": "define",
                 "asm": "v_mfma"}
        for level, word in words.items():
            text = self.flyattn("compile", "--arch", "gfx950",
                                f"--emit={level}").stdout
            self.assertIn(word, text)

    def test_json(self):
        self.flyattn("compile", "--arch", "gfx942", "-o", "k.hsaco", "--json",
                     "c.json")
        result = json.loads((self.folder / "c.json").read_text())
        self.assertEqual(result["level"], "object")
        self.assertEqual(result["bytes"],
                         (self.folder / "k.hsaco").stat().st_size)
        self.assertIn("asm", result["compile_seconds"])

    def test_inspect(self):
        for chip in CHIPS:
            self.flyattn("compile", "--arch", chip, "-o", "k.hsaco")
            done = self.flyattn("inspect", "k.hsaco", "--json", "i.json")
            for word in ("VGPRs", "spills", "LDS", "occupancy", "loop", "mfma"):
                self.assertIn(word, done.stdout)
            result = json.loads((self.folder / "i.json").read_text())
            self.assertEqual(result["arch"], chip)
            kernel, = result["kernels"]
            self.assertEqual(kernel["vgpr_spills"], 0)
            self.assertEqual(kernel["scratch_bytes"], 0)
            self.assertGreater(kernel["vgprs"], 0)
            self.assertGreaterEqual(kernel["waves_per_simd"], 1)
            mix = max((loop["instructions"] for loop in kernel["loops"]),
                      key=lambda mix: mix.get("mfma", 0))
            self.assertGreater(mix["mfma"], 0)
            self.assertGreater(mix["lds_read"], 0)


class Isa(DriverTest):
    def test_text(self):
        for chip in CHIPS:
            text = self.flyattn("isa", "--arch", chip).stdout
            for word in (chip, "family", "MFMA", "SMEM", "VOPC", "all"):
                self.assertIn(word, text)
            self.assertIn("s_rfe_b64", text.split("not implemented")[1])

    def test_json(self):
        for chip in CHIPS:
            done = self.flyattn("isa", "--arch", chip, "--json", "-")
            result = json.loads(done.stdout)
            self.assertEqual(result["arch"], chip)
            self.assertGreaterEqual(len(result["implemented"]),
                                    0.9 * result["total"])
            self.assertEqual(len(result["implemented"])
                             + len(result["missing"]), result["total"])
            families = result["families"].values()
            self.assertEqual(sum(f["total"] for f in families),
                             result["total"])
            self.assertEqual(sum(f["implemented"] for f in families),
                             len(result["implemented"]))
            self.assertIn("v_exp_f32", result["implemented"])
            self.assertIn("s_rfe_b64", result["missing"])

    def test_json_file_beside_text(self):
        done = self.flyattn("isa", "--arch", "gfx942", "--json", "i.json")
        self.assertIn("VOP3P", done.stdout)
        result = json.loads((self.folder / "i.json").read_text())
        self.assertIn("v_mfma_f32_32x32x4_xf32",
                      result["implemented"] + result["missing"])

    def test_bad_arguments(self):
        self.fails(2, "gfx1100", "isa", "--arch", "gfx1100")
        self.fails(2, "--arch", "isa")
        self.fails(2, "nowhere", "isa", "--arch", "gfx950", "--json",
                   "nowhere/i.json")


if __name__ == "__main__":
    unittest.main()
