"""Which kernel serves a problem: the cost model against the cycle model.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import unittest

from flyattn_testing import CHIPS, DriverTest, long

# How far a prediction may be from the cycle model's clocks, and how much
# slower than the best alternative the chosen one may be.
PREDICTION, CHOICE = 0.35, 1.2

PROBLEMS = [
    ("--heads", 64, "--seqlen-q", 256),
    ("--heads", 32, "--seqlen-q", 512, "--mask", "causal", "--head-dim", 64),
    ("--batch", 4, "--heads", 64, "--kv-heads", 8, "--seqlen-q", 1,
     "--seqlen-kv", 2048, "--splits", "auto"),
    ("--heads", 32, "--seqlen-q", 1024, "--head-dim", 192, "--head-dim-v", 128),
]
LONG_PROBLEMS = [
    ("--heads", 64, "--seqlen-q", 1024),
    ("--heads", 64, "--seqlen-q", 2048, "--mask", "causal"),
    ("--heads", 16, "--seqlen-q", 2048, "--head-dim", 64),
    ("--heads", 8, "--seqlen-q", 1024, "--mask", "window:255,0"),
    ("--heads", 8, "--cu-seqlens-q", "0,1000,1100,3000", "--mask", "causal"),
    ("--heads", 2, "--seqlen-q", 512, "--seqlen-kv", 4096, "--splits", "auto"),
]


class Explain(DriverTest):
    def explain(self, *arguments, env=None):
        done = self.flyattn("explain", *arguments, "--json", "-", env=env)
        return json.loads(done.stdout)["alternatives"]

    def predictions(self, chip, problem):
        """The cost model's clocks of either schedule are the cycle model's."""
        auto = self.explain("--arch", chip, *problem)
        self.assertTrue(auto[0]["chosen"])
        clocks = {}
        for schedule in ("generic", "dual_wave"):
            fixed = self.explain("--arch", chip, *problem, "--schedule",
                                 schedule)
            result = self.run_json("--arch", chip, *problem, "--schedule",
                                   schedule, "--no-lse", "--check", "none",
                                   "--timing")
            clocks[schedule] = result["timing"]["device_clocks"]
            self.assertAlmostEqual(
                fixed[0]["predicted_clocks"] / clocks[schedule], 1,
                delta=PREDICTION, msg=f"{schedule} takes {clocks[schedule]}")
        self.assertLess(clocks[auto[0]["schedule"]],
                        CHOICE * min(clocks.values()))

    def test_list(self):
        listed = self.explain("--arch", "gfx950", "--heads", 8, "--kv-heads",
                              2, "--seqlen-q", 4, "--seqlen-kv", 4096,
                              "--alibi", "--splits", "auto")
        self.assertEqual([item["chosen"] for item in listed],
                         [True] + [False] * (len(listed) - 1))
        able = [item for item in listed if "refused" not in item]
        self.assertEqual(len(able), 1)
        self.assertTrue(able[0]["pack_gqa"])
        self.assertEqual(able[0]["config"]["waves"], 1)
        self.assertGreater(able[0]["splits"], 8)
        reasons = [item["refused"] for item in listed[1:]]
        self.assertIn(["packing halves the workgroups"], reasons)
        self.assertIn(["one wave takes all rows"], reasons)

    def test_run_takes_the_chosen_one(self):
        problem = ("--arch", "gfx950", "--heads", 8, "--kv-heads", 2,
                   "--seqlen-q", 4, "--seqlen-kv", 1000, "--splits", "auto")
        chosen = self.explain(*problem)[0]
        config = self.run_json(*problem)["config"]
        self.assertEqual(config["splits"], chosen["splits"])
        self.assertEqual(config["pack_gqa"], chosen["pack_gqa"])
        self.assertEqual(config["waves"], chosen["config"]["waves"])

    def test_what_was_asked_for(self):
        problem = ("--arch", "gfx942", "--heads", 64, "--seqlen-q", 4096)
        self.assertEqual(self.explain(*problem)[0]["schedule"], "dual_wave")
        asked = self.explain(*problem, "--schedule", "generic")
        self.assertEqual(asked[0]["schedule"], "generic")
        self.assertEqual(asked[-1]["refused"],
                         ["schedule generic was asked for"])
        disabled = self.explain(*problem,
                                env={"FLYATTN_DISABLE_DUAL_WAVE": "1"})
        self.assertEqual(disabled[-1]["refused"],
                         ["FLYATTN_DISABLE_DUAL_WAVE is 1"])

    def test_far_views(self):
        problem = ("--arch", "gfx950", "--heads", 64, "--seqlen-q", 512,
                   "--seqlen-kv", 300000)
        self.assertTrue(all(each["far"] for each in self.explain(*problem)))
        self.assertFalse(any(each["far"] for each in
                             self.explain(*problem, "--layout", "bhsd")))

    def test_text(self):
        text = self.flyattn("explain", "--arch", "gfx950", "--head-dim",
                            72).stdout
        self.assertIn("predicted clk", text)
        self.assertRegex(text, r"\n. generic +4 ")
        self.assertRegex(text, r"\n. dual_wave +8 ")
        self.assertEqual(text.count("\n*"), 1)
        text = self.flyattn("explain", "--arch", "gfx950", "--head-dim",
                            256).stdout
        self.assertRegex(text, "dual_wave +refused: it serves bf16 and f16")

    def test_bad_problems(self):
        self.fails(2, "--kv-heads", "explain", "--arch", "gfx950", "--heads",
                   3, "--kv-heads", 2)
        self.fails(2, "--arch is needed", "explain")


def add(chip, number, problem, mark):
    def test(self):
        self.predictions(chip, problem)
    name = f"test_predictions_{chip}_{number}"
    setattr(Explain, name, mark(test))


for number, problem in enumerate(PROBLEMS + LONG_PROBLEMS):
    for chip in CHIPS:
        add(chip, number, problem,
            (lambda test: test) if number < len(PROBLEMS) else long)

if __name__ == "__main__":
    unittest.main()
