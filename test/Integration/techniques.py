"""dual_wave without one of its techniques: right results, and refused words.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import unittest

from flyattn_testing import CHIPS, DriverTest

TECHNIQUES = ("stagger", "priority", "interleave", "anchors", "fences",
              "lazy-rescale", "counted-waits", "slot-padding",
              "workgroup-order")
DUAL_WAVE = ("--schedule", "dual_wave")


class Techniques(DriverTest):
    def are_left_out(self, chip):
        """Each gives another kernel, which is right and has no faults."""
        shape = ("--arch", chip, *DUAL_WAVE, "--mask", "causal")
        sizes = ("--heads", 4, "--kv-heads", 2, "--seqlen-q", 300,
                 "--seqlen-kv", 330)
        def compiled(*arguments):
            self.flyattn("compile", *shape, *arguments, "-o", "k.co")
            return (self.folder / "k.co").read_bytes()
        codes = {compiled()}
        for technique in TECHNIQUES:
            without = ("--without", technique)
            result = self.run_json(*shape, *sizes, *without, "--checks")
            self.assertEqual(result["status"], "ok", technique)
            codes.add(compiled(*without))
        # At D = 128, gfx942 has no priorities to leave out.
        self.assertGreaterEqual(len(codes), len(TECHNIQUES))

    def workgroup_order_moves_rows(self, chip):
        """The first rows lie in the first workgroups, head by head."""
        shape = ("--arch", chip, *DUAL_WAVE, "--heads", 2, "--seqlen-q", 600,
                 "--mask", "causal", "--rows", "0,599", "--row-heads", "1")
        for without in ((), ("--without", "workgroup-order")):
            result = self.run_json(*shape, *without)
            self.assertEqual(result["status"], "ok")
            self.assertEqual(result["workgroups"], 2)

    def slot_padding_spares_bank_conflicts(self, chip):
        shape = ("--arch", chip, *DUAL_WAVE, "--heads", 1, "--seqlen-q", 256,
                 "--checks")
        def conflicts(*without):
            checks = self.run_json(*shape, *without)["checks"]
            return sum(item["conflict_clocks"]
                       for item in checks["bank_conflicts"])
        self.assertLess(4 * conflicts(), conflicts("--without", "slot-padding"))

    def test_bench(self):
        problem = ("--set", "odd", "--arch", "gfx950", "--dtype", "bf16",
                   "--head-dim", 128, "--mask", "none", *DUAL_WAVE)
        done = self.flyattn("bench", *problem, "--without",
                            "slot-padding,stagger", "--json", "-")
        rows = json.loads(done.stdout)["rows"]
        self.assertEqual([row["problem"].get("without") for row in rows[:3]],
                         [None, "slot-padding", "stagger"])
        self.assertEqual({row["status"] for row in rows}, {"ok"})
        listed = self.flyattn("bench", *problem, "--without", "all", "--list")
        self.assertEqual(len(listed.stdout.splitlines()),
                         8 * (1 + len(TECHNIQUES)))

    def test_bench_refuses(self):
        problem = ("bench", "--set", "odd", "--without")
        self.fails(2, "--without: 'tricks' was given; allowed are " +
                   ", ".join(TECHNIQUES) + ", all", *problem, "tricks",
                   *DUAL_WAVE)
        self.fails(2, "only dual_wave has techniques to leave out: add "
                   "--schedule dual_wave", *problem, "stagger")


for chip in CHIPS:
    for name in ("are_left_out", "workgroup_order_moves_rows",
                 "slot_padding_spares_bank_conflicts"):
        def test(self, name=name, chip=chip):
            getattr(self, name)(chip)
        setattr(Techniques, f"test_{name}_{chip}", test)

if __name__ == "__main__":
    unittest.main()
