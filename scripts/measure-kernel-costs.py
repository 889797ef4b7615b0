"""Measures the figures that routing goes by, on the simulator's cycle model.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

    python3 scripts/measure-kernel-costs.py build/release/bin/flyattn \\
        > lib/Attention/KernelCosts.inc

Takes some minutes. Each kernel runs with one workgroup a compute unit, and with
as many as fit, over two lengths of KV: the slope is the cost of a KV row, the
rest that of the start. What a modification of scores adds to a KV row is
measured likewise. The kernel that combines splits is what a split problem
takes beyond its forward kernel.
"""

import json
import subprocess
import sys

UNITS = {"gfx950": 256, "gfx942": 304}
SHORT, LONG = 512, 2048
UNSUPPORTED = 3 # an exit code of flyattn
# Head dims of the table that are the mean of those of Q and K and of V and O.
UNEQUAL = {160: (192, 128)}
# Schedule, one wave, bytes an element, head dims.
KERNELS = [("generic", False, 2, (32, 64, 96, 128, 160, 192, 256)),
           ("generic", True, 2, (64, 128)),
           ("generic", False, 4, (64, 128)),
           ("generic", True, 4, (64,)),
           ("dual_wave", False, 2, (32, 64, 96, 128, 160, 192))]

# Softcap, ALiBi, a bias.
MODS = (("--softcap", "30"), ("--alibi",), ("--bias", "1,1,ROWS,KV"))

HEADER = """\
//===- KernelCosts.inc - What kernels take on the cycle model -------------===//
//
// Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
// Written by scripts/measure-kernel-costs.py. Clocks.
//===----------------------------------------------------------------------===//
"""


def run(flyattn, chip, rows, kv, heads, dim, *more):
    """None if there is no such kernel."""
    qk, v = UNEQUAL.get(dim, (dim, dim))
    done = subprocess.run(
        [flyattn, "run", "--arch", chip, "--heads", str(heads), "--seqlen-q",
         str(rows), "--seqlen-kv", str(kv), "--head-dim", str(qk),
         "--head-dim-v", str(v), "--check", "none", "--no-lse", "--device",
         "sim", "--timing", "--timing-units", "4", "--json", "-", *more],
        stdout=subprocess.PIPE)
    if done.returncode == UNSUPPORTED:
        return None
    done.check_returncode()
    return json.loads(done.stdout)


def clocks(*arguments):
    return run(*arguments)["timing"]["device_clocks"]


def slope(flyattn, chip, rows, heads, dim, *more):
    """The clocks of the start, and of each KV row."""
    def at(kv):
        mods = tuple(word.replace("KV", str(kv)) for word in more)
        return clocks(flyattn, chip, rows, kv, heads, dim, *mods)
    short = at(SHORT)
    each = (at(LONG) - short) / (LONG - SHORT)
    return short - SHORT * each, each


def measure(flyattn, chip, schedule, one_wave, size, dim):
    units = UNITS[chip]
    more = ("--schedule", schedule) + (("--dtype", "f32") if size == 4 else ())
    rows = 1 if one_wave else 33
    first = run(flyattn, chip, rows, 64, 8 * units, dim, *more)
    if not first or one_wave and first["config"]["waves"] != 1:
        return None
    config = first["config"]
    rows = config["waves"] * config["rows_per_wave"] if not one_wave else rows
    fit = first["timing"]["workgroups_per_unit"]

    start, alone = slope(flyattn, chip, rows, units, dim, *more)
    busy = (slope(flyattn, chip, rows, units * fit, dim, *more)[1] / fit
            if fit > 1 else alone)
    kind = "DualWave" if schedule == "dual_wave" else "Generic"
    return (f'    {{"{chip}", ScheduleKind::{kind}, {str(one_wave).lower()}, '
            f"{size}, {dim}, {start:.0f}, {alone:.1f}, {busy:.1f}, {fit}}},")


def measure_mods(flyattn, chip, schedule, dim):
    units = UNITS[chip]
    first = run(flyattn, chip, 33, 64, 8 * units, dim, "--schedule", schedule)
    fit = first["timing"]["workgroups_per_unit"]
    rows = first["config"]["waves"] * first["config"]["rows_per_wave"]

    def costs(*mods):
        more = ("--schedule", schedule, *mods)
        alone = slope(flyattn, chip, rows, units, dim, *more)[1]
        return alone, (slope(flyattn, chip, rows, units * fit, dim, *more)[1] /
                       fit if fit > 1 else alone)

    plain = costs()
    added = []
    for mods in MODS:
        alone, busy = costs(*(word.replace("ROWS", str(rows)) for word in mods))
        added.append(f"{{{alone - plain[0]:.1f}, {busy - plain[1]:.1f}}}")
    kind = "DualWave" if schedule == "dual_wave" else "Generic"
    return (f'    {{"{chip}", ScheduleKind::{kind}, {dim}, {added[0]}, '
            f"{added[1]}, {added[2]}}},")


def measure_combine(flyattn, chip):
    def extra(splits):
        heads = UNITS[chip] // splits
        more = ("--schedule", "generic", "--splits", str(splits))
        return (clocks(flyattn, chip, 128, SHORT * splits, heads, 128, *more) -
                clocks(flyattn, chip, 128, SHORT, heads * splits, 128,
                       "--schedule", "generic"))
    few, many = extra(2), extra(16)
    part = (many - few) / 14
    return f'    {{"{chip}", {few - 2 * part:.0f}, {part:.0f}}},'


def print_mods(flyattn):
    print("};\n\nconstexpr ModCosts kModCosts[] = {\n"
          "    // chip, schedule, head dim; what softcap, ALiBi and a bias add "
          "to a KV row\n    // alone, and to one of a full CU")
    for chip in UNITS:
        for schedule in ("generic", "dual_wave"):
            for dim in (64, 128, 160):
                print(measure_mods(flyattn, chip, schedule, dim), flush=True)


def main():
    flyattn, = sys.argv[1:]
    print(HEADER)
    print("constexpr KernelCost kKernelCosts[] = {\n"
          "    // chip, schedule, one wave, bytes an element, head dim; start, "
          "a KV row\n    // alone, a KV row of a full CU, workgroups that fit")
    for chip in UNITS:
        for schedule, one_wave, size, dims in KERNELS:
            for dim in dims:
                row = measure(flyattn, chip, schedule, one_wave, size, dim)
                if row:
                    print(row, flush=True)
    print_mods(flyattn)
    print("};\n\nconstexpr CombineCost kCombineCosts[] = {\n"
          "    // chip; start, a part")
    for chip in UNITS:
        print(measure_combine(flyattn, chip), flush=True)
    print("};")


if __name__ == "__main__":
    main()
