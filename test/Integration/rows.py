"""Running only the workgroups that own some rows, and very long sequences.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import itertools
import unittest

import numpy as np

from flyattn_testing import CHIPS, DriverTest, long


class RowsTest(DriverTest):
    def outputs(self, chip, *arguments):
        result = self.run_json("--arch", chip, "--out", "o.npy", "--lse",
                               "lse.npy", *arguments)
        self.assertEqual(result["status"], "ok")
        return result, self.load("o.npy"), self.load("lse.npy")

    def rows_are_those_of_the_whole(self, chip, arguments, rows, heads,
                                    workgroups):
        whole, o, lse = self.outputs(chip, *arguments)
        self.assertFalse(whole["sampled"])
        chosen = ["--rows", ",".join(map(str, rows))]
        if heads is not None:
            chosen += ["--row-heads", ",".join(map(str, heads))]
        part, p, part_lse = self.outputs(chip, *arguments, *chosen)
        self.assertTrue(part["sampled"])
        self.assertTrue(part["rows_sampled"])
        count = whole["problem"]["heads"] if heads is None else len(heads)
        self.assertEqual(part["rows_checked"], len(rows) * count)
        self.assertEqual(part["workgroups"], workgroups)
        self.assertLess(part["workgroups"], whole["workgroups"])
        which = np.ix_([0], rows, range(count) if heads is None else heads)
        np.testing.assert_array_equal(p[which], o[which])
        np.testing.assert_array_equal(part_lse[0].T[which[1:]],
                                      lse[0].T[which[1:]])

    def dense(self, chip):
        self.rows_are_those_of_the_whole(
            chip, ("--heads", 2, "--seqlen-q", 600, "--seqlen-kv", 100),
            (0, 127, 599), None, 4)

    def causal(self, chip):
        self.rows_are_those_of_the_whole(
            chip, ("--heads", 4, "--kv-heads", 2, "--seqlen-q", 600, "--mask",
                   "causal"), (130,), (1, 3), 2)

    def dual_wave(self, chip):
        self.rows_are_those_of_the_whole(
            chip, ("--heads", 2, "--seqlen-q", 600, "--schedule", "dual_wave",
                   "--mask", "causal"), (0, 599), (1,), 2)

    def heads_that_share_a_tile(self, chip):
        self.rows_are_those_of_the_whole(
            chip, ("--heads", 8, "--kv-heads", 2, "--seqlen-q", 40, "--mask",
                   "causal"), (39,), (0, 1), 1)

    def packed(self, chip):
        lists = ("--heads", 2, "--cu-seqlens-q", "0,300,310", "--mask",
                 "causal", "--schedule", "generic")
        result = self.run_json("--arch", chip, *lists, "--rows", "5,200",
                               "--checks")
        self.assertEqual(result["status"], "ok")
        # Row 5 of both sequences, row 200 of the longer one.
        self.assertEqual(result["rows_checked"], 2 * 3)
        self.assertEqual(result["workgroups"], 2 * 3)

    def packed_in_another_order(self, chip, mask, schedule, splits):
        """The grid takes the longest sequence first; rows are found there."""
        arguments = ("--heads", 2, "--cu-seqlens-q", "0,30,330,330,910",
                     "--cu-seqlens-kv", "0,70,370,400,980", "--mask", mask,
                     "--schedule", schedule, "--splits", splits)
        whole, o, lse = self.outputs(chip, *arguments)
        part, p, part_lse = self.outputs(chip, *arguments, "--rows", "29,290",
                                         "--row-heads", 1)
        self.assertEqual(part["rows_checked"], 5)
        self.assertLess(part["workgroups"], whole["workgroups"])
        for row in (29, 30 + 29, 30 + 290, 330 + 29, 330 + 290):
            np.testing.assert_array_equal(p[row, 1], o[row, 1])
            np.testing.assert_array_equal(part_lse[1, row], lse[1, row])

    def splits(self, chip):
        result = self.run_json("--arch", chip, "--heads", 2, "--seqlen-q", 300,
                               "--splits", 3, "--mask", "causal", "--rows",
                               "0,299")
        self.assertEqual(result["status"], "ok")
        self.assertEqual(result["rows_checked"], 4)

    def another_result_is_wrong(self, chip):
        """The chosen rows are compared, and no others are."""
        arguments = ("--arch", chip, "--heads", 1, "--seqlen-q", 300)
        self.run_json(*arguments, "--out", "o.npy")
        bits = self.load("o.npy")
        for row, code in ((7, 1), (8, 0)):
            wrong = bits.copy()
            wrong[0, row] = 0
            self.save("e.npy", wrong)
            self.run_json(*arguments, "--rows", 7, "--expected", "e.npy",
                          code=code)

    def long_sequence(self, chip, seqlen, arguments):
        rows = (0, 1, seqlen // 2, seqlen - 1)
        result = self.run_json("--arch", chip, "--heads", 3, "--seqlen-q",
                               seqlen, "--rows", ",".join(map(str, rows)),
                               *arguments)
        self.assertEqual(result["status"], "ok")
        self.assertEqual(result["rows_checked"], 12)


def add(name, chip, *arguments, mark=lambda test: test, suffix=""):
    def test(self):
        getattr(self, name)(chip, *arguments)
    setattr(RowsTest, f"test_{name}_{chip}{suffix}", mark(test))


for chip in CHIPS:
    for name in ("dense", "causal", "dual_wave", "heads_that_share_a_tile",
                 "packed", "splits", "another_result_is_wrong"):
        add(name, chip)
    for number, (splits, schedule, mask) in enumerate(itertools.product(
            (1, 2), ("generic", "dual_wave"),
            ("none", "causal", "window:40,3"))):
        add("packed_in_another_order", chip, mask, schedule, splits,
            mark=(lambda test: test) if number % 5 == 0 else long,
            suffix=f"_{number}")
    # Sequences of a video model, and few columns of one that are cheap.
    add("long_sequence", chip, 98144, ("--mask", "window:300,20"),
        suffix="_window")
    for mask in ("none", "causal"):
        add("long_sequence", chip, 294432, ("--mask", mask), mark=long,
            suffix="_" + mask)

if __name__ == "__main__":
    unittest.main()
