"""`--timing`, its trace and its sensitivity, and `flyattn timing`.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import unittest

from flyattn_testing import CHIPS, DriverTest

SMALL = ("--heads", 2, "--seqlen-q", 384, "--head-dim", 64)


class TimingTest(DriverTest):
    def run_timed(self, chip, *options, code=0):
        return self.flyattn("run", "--arch", chip, *SMALL, "--timing", *options,
                            code=code)

    def test_text(self):
        for chip in CHIPS:
            text = self.run_timed(chip).stdout
            for part in ("timing   device", "MFMA busy", "clk a KV tile of",
                         "waited most", "result   ok"):
                self.assertIn(part, text)

    def test_json(self):
        for chip in CHIPS:
            result = json.loads(self.run_timed(chip, "--json", "-").stdout)
            timing = result["timing"]
            self.assertEqual(result["status"], "ok")
            self.assertGreaterEqual(timing["device_clocks"],
                                    timing["workgroup_clocks"])
            self.assertGreater(timing["loops"][0]["mfma_busy"], 0)
            self.assertLessEqual(timing["loops"][0]["mfma_busy"], 1)
            self.assertTrue(any(inst["stalls"] for inst in
                                timing["instructions"]))

    def test_the_same_every_time(self):
        first, second = (
            json.loads(self.run_timed("gfx950", "--json", "-", "--threads",
                                      threads).stdout)["timing"]
            for threads in (1, 2))
        self.assertEqual(first, second)

    def test_timing_changes_no_bit(self):
        self.run_timed("gfx950", "--timing-units", 0, "--out", "timed.npy")
        self.flyattn("run", "--arch", "gfx950", *SMALL, "--out", "plain.npy")
        timed, plain = ((self.folder / name).read_bytes()
                        for name in ("timed.npy", "plain.npy"))
        self.assertEqual(timed, plain)

    def test_trace(self):
        self.run_timed("gfx950", "--trace", "t.json", "--trace-clocks", "0:9000")
        trace = json.loads((self.folder / "t.json").read_text())
        names = {event["tid"]: event["args"]["name"] for event in
                 trace["traceEvents"] if event["ph"] == "M"}
        self.assertIn("SIMD 0 MFMA", names.values())
        self.assertIn("vector memory", names.values())
        # What was issued in those clocks; memory may serve it later.
        self.assertTrue(all(event["ts"] < 9000 for event in
                            trace["traceEvents"] if event["ph"] == "X"
                            and names[event["tid"]].startswith("SIMD")))

    def test_a_constant_changes_the_clocks(self):
        clocks = [
            json.loads(self.run_timed("gfx950", "--json", "-", "--timing-set",
                                      f"l2.latency={latency}").stdout)
            ["timing"]["device_clocks"] for latency in (1000, 4000)]
        self.assertLess(clocks[0], clocks[1])

    def test_sensitivity(self):
        result = json.loads(self.run_timed("gfx950", "--sensitivity", "--json",
                                           "-").stdout)
        constants = {row["constant"] for row in result["sensitivity"]}
        self.assertIn("l2.sharers", constants)
        self.assertNotIn("lds.queue", constants)

    def test_with_checks(self):
        text = self.run_timed("gfx950", "--checks").stdout
        self.assertIn("checks   0 reports", text)
        self.assertIn("timing   device", text)

    def test_the_constants(self):
        for chip in CHIPS:
            text = self.flyattn("timing", "--arch", chip).stdout
            self.assertIn("lds.latency", text)
            table = json.loads(self.flyattn("timing", "--arch", chip, "--json",
                                            "-").stdout)
            self.assertEqual(table["arch"], chip)
            for row in table["constants"]:
                self.assertTrue(row["source"], row)

    def test_bad_arguments(self):
        for options, part in (
                (("--timing-set", "lds.speed=1"), "lds.speed"),
                (("--timing-set", "lds.latency=x"), "lds.latency"),
                (("--trace", "t.json", "--trace-clocks", "9:1"), "9:1"),
                (("--trace", "no/such/folder/t.json"), "no/such/folder"),
                (("--device", "hip"), "--device hip")):
            error = self.run_timed("gfx950", *options, code=2).stderr
            self.assertIn(part, error)
        error = self.flyattn("run", "--arch", "gfx950", *SMALL, "--trace",
                             "t.json", code=2).stderr
        self.assertIn("--timing", error)
        error = self.flyattn("timing", "--arch", "gfx90a", code=2).stderr
        self.assertIn("gfx90a", error)


if __name__ == "__main__":
    unittest.main()
