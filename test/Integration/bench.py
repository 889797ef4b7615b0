"""`flyattn bench`: its tables, files, exit codes, and what the sets hold.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import csv
import io
import json
import os
import signal
import subprocess
import time
import unittest

from flyattn_testing import CHIPS, DriverTest, long

SMALL = ("--arch", "gfx950", "--dtype", "bf16", "--head-dim", 64, "--mask",
         "causal")


class Bench(DriverTest):
    def bench(self, *arguments, **keywords):
        return self.flyattn("bench", *arguments, **keywords)

    def rows(self, *arguments, **keywords):
        done = self.bench(*arguments, "--json", "-", **keywords)
        return json.loads(done.stdout)["rows"]

    def test_table_and_files(self):
        done = self.bench("--set", "odd", *SMALL, "--csv", "odd.csv",
                          "--json", "odd.json")
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 1 + 8 + 1)
        self.assertRegex(lines[0], r"^problem +kernel +verdict +error +bound$")
        for line in lines[1:-1]:
            self.assertRegex(line, r"^gfx950 bf16 B.* D64 causal "
                                   r"+(generic|dual_wave) .* ok ")
        self.assertEqual(lines[-1], "8 rows: 8 ok, 0 wrong, 0 failed, "
                                    "0 refused; 0 sampled")
        self.assertEqual(done.stderr, "")  # no progress bar without a terminal
        with open(self.folder / "odd.csv", newline="") as file:
            cells = list(csv.DictReader(file))
        result = json.loads((self.folder / "odd.json").read_text())
        self.assertEqual(result["summary"]["ok"], 8)
        self.assertEqual(len(cells), 8)
        for cell, row in zip(cells, result["rows"], strict=True):
            for key in ("set", "arch", "kernel", "status"):
                self.assertEqual(cell[key], row[key])
            for key in ("batch", "heads", "kv_heads", "seqlen_q", "seqlen_kv",
                        "head_dim", "splits"):
                self.assertEqual(int(cell[key]), row["problem"][key])
            self.assertEqual(row["status"], "ok")
            self.assertLessEqual(float(cell["max_abs"]), float(cell["bound"]))
            self.assertEqual(cell["device_clocks"], "")
            self.assertNotIn("timing", row)

    def test_timing(self):
        rows = self.rows("--set", "odd", *SMALL, "--timing")
        self.assertEqual(len(rows), 8)
        for row in rows:
            self.assertGreater(row["timing"]["device_clocks"], 0)
            self.assertNotIn("instructions", row["timing"])
        text = self.bench("--set", "odd", *SMALL, "--timing").stdout
        self.assertIn("device clk", text.splitlines()[0])

    def test_large_problems_are_sampled(self):
        for timing in ((), ("--timing", "--timing-units", 1)):
            rows = self.rows("--set", "cross", "--arch", "gfx950", "--dtype",
                             "f16", "--head-dim", 64, "--mask", "none",
                             "--budget", 1, *timing)
            sampled = {row["problem"]["seqlen_q"] for row in rows
                       if row["workgroups_sampled"]}
            self.assertEqual(sampled, {1024, 8192})
            for row in rows:
                self.assertEqual(row["status"], "ok")
                self.assertGreater(row["rows_checked"], 100)

    def test_splits(self):
        text = self.bench("--set", "splitk", *SMALL, "--budget", 1, "--csv",
                          "-").stdout
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual([row["splits"] for row in rows], ["4", "4", "4", "2"])
        for row in rows:
            self.assertEqual(row["status"], "ok")
            self.assertIn("_split", row["kernel"])

    def test_packed_sequences(self):
        text = self.bench("--set", "varlen-cross", *SMALL, "--budget", 1,
                          "--csv", "-").stdout
        rows = list(csv.DictReader(io.StringIO(text)))
        self.assertEqual(rows[-1]["seqlens_q"], "127+129+255+257")
        self.assertEqual([row["status"] for row in rows], 3 * ["ok"])
        text = self.bench("--set", "varlen-cross", *SMALL, "--list").stdout
        self.assertIn("q 1024+8192 kv 8192+1024", text)

    def test_list(self):
        def count(*arguments):
            return len(self.bench(*arguments, "--list").stdout.splitlines())
        one = ("--arch", "gfx942", "--dtype", "f16", "--head-dim", 128,
               "--mask", "none")
        for name, shapes in (("edges", 12), ("odd", 8), ("cross", 6),
                             ("sweep", 24), ("large", 3), ("splitk", 4),
                             ("video", 12), ("varlen", 4), ("varlen-cross", 3)):
            self.assertEqual(count("--set", name, *one), shapes, name)
        self.assertEqual(count("--set", "edges"), 12 * 2 * 2 * 2 * 2)
        self.assertEqual(count("--set", "perf", "--arch", "gfx950"), 16)
        self.assertEqual(count("--set", "perf-masks", "--arch", "gfx950"), 14)
        self.assertIn(" q 32x1024+8192 kv 32x1024+8192",
                      self.bench("--set", "perf-masks", "--list").stdout)
        wide = self.bench("--set", "odd", *SMALL[:2], "--dtype", "f32",
                          "--list").stdout.splitlines()
        self.assertEqual(len(wide), 8 * 2 * 2)
        self.assertTrue(all(" f32 " in line for line in wide))

    def test_perf_alone(self):
        done = self.bench("--set", "perf", "--arch", "gfx950", "--head-dim", 64,
                          "--mask", "none",
                          env={"FLYATTN_FOREIGN_KERNELS": ""})
        self.assertIn("set FLYATTN_FOREIGN_KERNELS", done.stderr)
        header, row, summary = done.stdout.splitlines()
        for column in ("device clk", "aiter/ours", "loop MFMA", "FLOP/clk/CU",
                       "VGPRs", "spills"):
            self.assertIn(column, header)
        self.assertRegex(row, "generic|dual_wave")
        self.assertIn("1 ok", summary)

    def test_f32(self):
        for splits, budget in (("odd", 200), ("splitk", 1)):
            rows = self.rows("--set", splits, "--arch", "gfx942", "--dtype",
                             "f32", "--head-dim", 64, "--mask", "causal",
                             "--budget", budget)
            self.assertEqual([row["status"] for row in rows],
                             len(rows) * ["ok"])
            self.assertTrue(all("_f32_" in row["kernel"] for row in rows))

    @long
    def test_masks_and_packing_keep_most_of_the_rate(self):
        for chip in CHIPS:
            dense, *rows = self.rows("--set", "perf-masks", "--arch", chip,
                                     "--head-dim", 128, "--schedule",
                                     "dual_wave")
            self.assertNotIn("of_dense", dense)
            self.assertEqual(len(rows), 6)
            for row in rows:
                self.assertEqual(row["status"], "ok")
                # Windows and short causal sequences are mostly diagonals.
                if row["problem"]["batch"] <= 4 and not row["problem"][
                        "mask"].startswith("window"):
                    self.assertGreater(row["of_dense"], 0.8)

    @long
    @unittest.skipUnless(os.environ.get("FLYATTN_FOREIGN_KERNELS"),
                         "FLYATTN_FOREIGN_KERNELS is not set")
    def test_perf_beside_foreign_kernels(self):
        for chip in CHIPS:
            rows = self.rows("--set", "perf", "--arch", chip, "--mask", "none",
                             "--head-dim", 128, "--budget", 1)
            ours, theirs = rows[::2], rows[1::2]
            self.assertEqual(len(ours), 5)
            for our, their in zip(ours, theirs, strict=True):
                self.assertEqual(our["problem"], their["problem"])
                self.assertEqual((our["status"], their["status"]), ("ok", "ok"))
                self.assertEqual(their["who"], "aiter")
                clocks = [row["timing"]["device_clocks"] for row in (our, their)]
                self.assertAlmostEqual(our["ratio"], clocks[1] / clocks[0])
            # Of a wave of 32 rows, by the instructions' own clocks.
            work = {"gfx950": 1024, "gfx942": 2048}[chip]
            for row in (ours[0], theirs[0]):
                loop = row["timing"]["main_loop"]
                self.assertAlmostEqual(loop["wave_mfma_clocks"], work)
                self.assertGreater(loop["clocks_per_kv_tile"], work)

    def test_interrupted(self):
        process = subprocess.Popen(
            [os.environ["FLYATTN"], "bench", "--set", "sweep", "--csv", "s.csv"],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_bad_usage(self):
        for arguments, parts in (
                ((), ("--set is needed", "varlen-cross")),
                (("--set", "edge"), ("--set: 'edge'", "edges", "perf")),
                (("--set", "odd,"), ("--set: ''",)),
                (("--set", "odd", "--arch", "gfx90a"),
                 ("--arch: 'gfx90a'", "gfx942", "gfx950", "all")),
                (("--set", "odd", "--dtype", "f64"), ("--dtype: 'f64'", "bf16")),
                (("--set", "perf-masks", "--sensitivity"),
                 ("--sensitivity", "perf")),
                (("--set", "odd", "--head-dim", "wide"),
                 ("--head-dim: 'wide'", "a positive number")),
                (("--set", "odd", "--mask", "alibi"),
                 ("--mask: 'alibi'", "causal")),
                (("--set", "odd", "--schedule", "fast"),
                 ("--schedule: 'fast'", "dual_wave")),
                (("--set", "perf", "--dtype", "f16"), ("--set perf", "--list")),
                (("--set", "odd", "--budget", 0), ("--budget: 0",)),
                (("--set", "odd", "--sensitivity"), ("--sensitivity", "perf")),
                (("--set", "odd", "--csv", "-", "--json", "-"),
                 ("--csv", "--json")),
                (("--set", "odd", "--csv", "no/such/folder/x.csv"),
                 ("no/such/folder",)),
                (("--set", "odd", "more"), ("more",))):
            error = self.bench(*arguments, code=2).stderr
            for part in parts:
                self.assertIn(part, error)


class Sets(DriverTest):
    """Every row of the lists is right, on both chips."""


def make_test(chip, dtype, head_dim, sets):
    @long
    def test(self):
        done = self.flyattn("bench", "--set", ",".join(sets), "--arch", chip,
                            "--dtype", dtype, "--head-dim", head_dim,
                            "--json", "-")
        summary = json.loads(done.stdout)["summary"]
        self.assertEqual(summary["ok"], 2 * sum(sets.values()))
        self.assertEqual(summary["rows"], summary["ok"])
    return test


# Shapes of each, which run without a mask and causal.
SETS = {"short": {"edges": 12, "cross": 6, "odd": 8},
        "packed": {"varlen": 4, "varlen-cross": 3}, "split": {"splitk": 4}}

for chip in CHIPS:
    for dtype in ("bf16", "f16"):
        for head_dim in (64, 128):
            for name, sets in SETS.items():
                setattr(Sets, f"test_{name}_{chip}_{dtype}_d{head_dim}",
                        make_test(chip, dtype, head_dim, sets))

if __name__ == "__main__":
    unittest.main()
