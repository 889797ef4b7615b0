"""Every two features of a problem together: right, or refused with a reason.

`pairwise.py --table` runs all of them and prints docs/Support.md.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

from flyattn_testing import CHIPS, DriverTest, long

PROCESSES = 2
ROWS, FEW_ROWS, KV_ROWS = 70, 3, 150
BASE = {"--heads": 4, "--seqlen-q": ROWS, "--seqlen-kv": KV_ROWS,
        "--head-dim": 64, "--schedule": "generic"}
# The longest sequences have as many rows as the dense problem. One has no
# query rows, one no KV rows.
PACKED = {ROWS: ("0,10,10,80,90", "0,50,70,220,220"),
          FEW_ROWS: ("0,1,1,4,5", "0,50,70,220,220")}

# Name: column of the page, what it is, which others it excludes, and what asks
# for it; None is an option without a value, ... a value that depends on the
# rest.
FEATURES = {
    "no_mask": ("no", "no mask", "mask", {"--mask": "none"}),
    "causal": ("cau", "causal, bottom right", "mask", {"--mask": "causal"}),
    "top_left": ("ctl", "causal, top left", "mask",
                 {"--mask": "causal-top-left"}),
    "window": ("win", "sliding window", "mask", {"--mask": "window:20,9"}),
    "chunked": ("chk", "causal chunks", "mask", {"--mask": "chunked:40"}),
    "varlen": ("pak", "packed sequences", "varlen",
               {"--cu-seqlens-q": ..., "--cu-seqlens-kv": ...}),
    "split": ("spl", "split-K", "splits", {"--splits": 2}),
    "gqa": ("gqa", "GQA", "gqa", {"--kv-heads": 2}),
    "gqa_few_rows": ("gq1", "GQA, the rows of a group in one tile", "gqa",
                     {"--heads": 8, "--kv-heads": 2, "--seqlen-q": FEW_ROWS}),
    "no_lse": ("nol", "no LSE", "lse", {"--no-lse": None}),
    "softcap": ("cap", "softcap", "softcap", {"--softcap": 2}),
    "bias": ("bia", "bias", "bias", {"--bias": ...}),
    "alibi": ("ali", "ALiBi", "alibi", {"--alibi": None}),
    "sink": ("snk", "attention sinks", "sink", {"--sink": None}),
    "d64": ("64", "head dim 64", "dim", {"--head-dim": 64}),
    "d128": ("128", "head dim 128", "dim", {"--head-dim": 128}),
    "d72": ("72", "head dim 72, an odd multiple of 8", "dim",
            {"--head-dim": 72}),
    "d256": ("256", "head dim 256", "dim", {"--head-dim": 256}),
    "dv": ("dv", "V of another head dim", "dv", {"--head-dim-v": 96}),
    "f16": ("f16", "f16", "dtype", {"--dtype": "f16"}),
    "f32": ("f32", "f32", "dtype", {"--dtype": "f32"}),
    "bhsd": ("hs", "bhsd", "layout", {"--layout": "bhsd"}),
    "dual_wave": ("dw", "dual_wave asked for", "schedule",
                  {"--schedule": "dual_wave"}),
}
PAIRS = [(a, b) for a, b in itertools.combinations(FEATURES, 2)
         if FEATURES[a][2] != FEATURES[b][2]]

# Pairs that are refused: the exit code, and the argument that is named.
REFUSED = {
    ("varlen", "bhsd"): (3, "layout"),
    ("d256", "dual_wave"): (3, "schedule"),
    ("f32", "dual_wave"): (3, "schedule"),
}
assert set(REFUSED) <= set(PAIRS)
# Those that a third feature lifts on a chip: V's head dim of 96 leaves
# dual_wave the registers for Q's of 256.
LIFTED = {("gfx950", ("d256", "dual_wave")): "dv"}


def refused_by(chip, names):
    """The refusals that the table has for a problem of these features."""
    return {REFUSED[pair] for pair in itertools.combinations(
        sorted(names, key=list(FEATURES).index), 2)
        if pair in REFUSED and LIFTED.get((chip, pair)) not in names}


def problem(names):
    """The command line of a problem of these features."""
    options = dict(BASE)
    for name in names:
        options.update(FEATURES[name][3])
    rows, batch = options["--seqlen-q"], 1
    if "varlen" in names:
        del options["--seqlen-q"], options["--seqlen-kv"]
        options["--cu-seqlens-q"], options["--cu-seqlens-kv"] = PACKED[rows]
        batch = PACKED[rows][0].count(",")
    if "bias" in names:
        options["--bias"] = f"{batch},{options['--heads']},{rows},{KV_ROWS}"
    return [str(item) for pair in options.items() for item in pair
            if item is not None]


def run(chip, names):
    command = ["run", "--arch", chip, *problem(names), "--device", "sim",
               "--threads", "1", "--json", "-"]
    return subprocess.run([os.environ["FLYATTN"], *command], text=True,
                          timeout=600, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)


def refusals(done):
    """(code, argument) of every refusal that was printed."""
    return {(done.returncode, argument) for argument in re.findall(
        r"^flyattn: error: --([\w-]+): ", done.stderr, re.M)}


def unexpected(chip, names, done):
    """What is wrong with the answer to a problem of these features."""
    wanted = refused_by(chip, names)
    if wanted:
        found = refusals(done)
        return "" if found == wanted else (
            f"refused by {sorted(found)} with exit code {done.returncode}, "
            f"expected {sorted(wanted)}")
    if done.returncode != 0:
        return f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    result = json.loads(done.stdout)
    config, errors = result["config"], result["errors"]
    schedule = "dual_wave" if "dual_wave" in names else "generic"
    packs = "gqa_few_rows" in names and schedule == "generic"
    answer = {
        "status": (result["status"], "ok"),
        "schedule": (config["schedule"], schedule),
        "splits": (config["splits"], 2 if "split" in names else 1),
        "pack_gqa": (config["pack_gqa"], packs),
        "lse": ("lse" in errors, "no_lse" not in names),
        "in the bound": (errors["max_abs"] <= errors["bound"], True)}
    return ", ".join(f"{what} is {found}, expected {wanted}"
                     for what, (found, wanted) in answer.items()
                     if found != wanted)


def problems_of(chip, pair):
    """A pair, and the pair with dual_wave, which must serve the two if it
    serves each of them."""
    if "dual_wave" in pair or refused_by(chip, pair):
        return [pair]
    return [pair, (*pair, "dual_wave")]


# The tests: of a row of the page, half the pairs, so that each is taken once.

class Pairwise(DriverTest):
    def holds(self, chip, pairs):
        for pair in pairs:
            for names in problems_of(chip, pair):
                with self.subTest(chip=chip, features=names):
                    wrong = unexpected(chip, names, run(chip, names))
                    self.assertEqual(wrong, "", " ".join(problem(names)))

    def test_the_page_is_what_these_tests_expect(self):
        page = pathlib.Path(__file__).parents[2] / "docs" / "Support.md"
        self.assertEqual(page.read_text(), page_of(
            {chip: {pair: run(chip, pair) for pair in REFUSED}
             for chip in CHIPS}),
            "docs/Support.md is to be made again, with the command in it")


def add_tests(chip, few):
    names = list(FEATURES)
    for number, name in enumerate(names):
        after = [names[(number + i) % len(names)]
                 for i in range(1, len(names) // 2 + 1)]
        row = [pair for pair in PAIRS
               if name in pair and set(pair) & set(after)]
        setattr(Pairwise, f"test_{name}_{chip}",
                long(lambda self, row=row: self.holds(chip, row)))
    for pair in few:
        setattr(Pairwise, f"test_few_{'_'.join(pair)}_{chip}",
                lambda self, pair=pair: self.holds(chip, [pair]))


# The page.

INTRODUCTION = """\
# What goes together
This page is made by a run of all pairs:

    FLYATTN=build/release/bin/flyattn python3 test/Integration/pairwise.py --table > docs/Support.md

It shows every two features of a problem, each compared with the f64 reference on the simulator; `make test-long` runs all of them
again. The two are added to a bf16 problem with LSE, `flyattn run --device sim {base}`, and then with
`--schedule dual_wave`, if that serves both.

| column | feature | asked for by |
|---|---|---|
{features}

Packed sequences are {sequences} of up to {rows} query and {kv_rows} KV rows, one without query rows and one without KV rows. A
bias has a value for each batch, head, row and column.

| mark | |
|---|---|
| D | right with `generic` and with `dual_wave`; `auto` takes the one that is expected to be faster (`flyattn explain`) |
| g | right with `generic`, which `auto` takes at any size; `dual_wave` does not serve one of the two: see its row |
| 1, 2, ... | refused before anything is compiled, with the message below |
| (empty) | the two exclude each other |

"GQA, the rows of a group in one tile" needs no option: `generic` does so where rows are few. `dual_wave` gives each head tiles of
its own, also where rows are few.
"""


def arguments_of(name):
    values = {"--cu-seqlens-q": "0,...", "--cu-seqlens-kv": "0,...",
              "--bias": "B,H,Sq,Skv"}
    return "`" + " ".join(
        option if value is None else f"{option} {values.get(option, value)}"
        for option, value in FEATURES[name][3].items()) + "`"


def message_of(done):
    """The messages of a refusal, without the list of kernels."""
    return " ".join(re.findall("^flyattn: error: (.*)$", done.stderr, re.M))


def matrix(chip, answers):
    """Lines of a matrix and its footnotes; `answers` are of refused pairs."""
    notes = {}

    def mark(a, b):
        pair = (a, b) if (a, b) in PAIRS else (b, a)
        if pair not in PAIRS:
            return " "
        if refused_by(chip, pair):
            message = message_of(answers[pair])
            return str(notes.setdefault(message, len(notes) + 1))
        return "g" if refused_by(chip, {*pair, "dual_wave"}) else "D"

    yield "| |" + "|".join(FEATURES[name][0] for name in FEATURES) + "|"
    yield "|---|" + ":-:|" * len(FEATURES)
    for name, (column, what, *_) in FEATURES.items():
        marks = "|".join(mark(name, other) for other in FEATURES)
        yield f"|{column}|{marks}|"
    yield ""
    for message, number in notes.items():
        yield f"{number}. `{message}`"


def page_of(answers):
    """The page; `answers` has at least those of the refused pairs."""
    base = " ".join(f"{option} {value}" for option, value in BASE.items())
    text = INTRODUCTION.format(
        base=base, rows=ROWS, kv_rows=KV_ROWS,
        sequences=PACKED[ROWS][0].count(","), features="\n".join(
            f"| {column} | {what} | {arguments_of(name)} |"
            for name, (column, what, *_) in FEATURES.items()))
    chips = {}
    for chip in CHIPS:
        chips.setdefault("\n".join(matrix(chip, answers[chip])), []).append(chip)
    for lines, same in chips.items():
        text += f"\n## {' and '.join(same)}\n\n{lines}\n"
    return text


def print_table():
    """Runs everything; prints the page if all is as expected."""
    work = [(chip, names) for chip in CHIPS for pair in PAIRS
            for names in problems_of(chip, pair)]
    answers = {chip: {} for chip in CHIPS}
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as executor:
        for (chip, names), done in zip(work, executor.map(
                lambda item: run(*item), work)):
            answers[chip][names] = done
            what = unexpected(chip, names, done)
            if what:
                wrong += 1
                print(f"{chip} {' '.join(problem(names))}: {what}",
                      file=sys.stderr)
    if wrong:
        sys.exit(f"{wrong} of {len(work)} are not as the table says")
    print(page_of(answers), end="")


# A dozen by default, most of them where two things meet in the same code.
add_tests("gfx950", (
    ("varlen", "bhsd"), ("softcap", "dual_wave"), ("causal", "varlen"),
    ("split", "gqa_few_rows"), ("bias", "d72"), ("sink", "dual_wave"),
    ("d72", "dual_wave")))
add_tests("gfx942", (
    ("d256", "dual_wave"), ("chunked", "varlen"), ("varlen", "split"),
    ("window", "dv"), ("alibi", "f32"), ("no_lse", "sink"),
    ("dv", "dual_wave")))

if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        print_table()
    else:
        unittest.main()
