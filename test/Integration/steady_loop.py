"""What the steady loops of the dual_wave kernels are made of.

Two KV tiles a turn. A count that moves says what LLVM, or a pass, changed.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import collections
import re
import unittest

from flyattn_testing import DriverTest

# Instructions a turn, by what their mnemonic starts with.
GROUPS = ("v_mfma", "v_exp", "v_cvt_pk", "v_max", "v_fma", "v_add_f32",
          "v_cndmask", "v_permlane", "v_perm_b32", "v_mov", "v_pk",
          "ds_read_b128", "ds_read_b64_tr", "ds_write", "ds_bpermute",
          "buffer_load", "s_barrier", "s_waitcnt", "scratch")


def basic_blocks(assembly):
    """Labels and their lines, in order."""
    blocks = [("entry", [])]
    for line in assembly.splitlines():
        label = re.match(r"(\.LBB\w+):", line)
        if label:
            blocks.append((label.group(1), []))
        elif re.match(r"\t[a-z]", line):
            blocks[-1][1].append(line.strip())
    return blocks


def steady_loop(assembly):
    """The instructions of the first loop with matrix products, without the
    blocks that lie outside of it."""
    blocks = basic_blocks(assembly)
    index = {label: i for i, (label, _) in enumerate(blocks)}
    for end, (_, lines) in enumerate(blocks):
        for line in lines:
            branch = re.match(r"s_c?branch\w* (\.LBB\w+)", line)
            begin = index[branch.group(1)] if branch else end + 1
            if begin > end:
                continue
            body = [x for _, part in blocks[begin:end + 1] for x in part]
            if any(x.startswith("v_mfma") for x in body):
                return body
    raise AssertionError("no loop with matrix products")


class SteadyLoop(DriverTest):
    maxDiff = None

    def kernel(self, *problem):
        self.flyattn("compile", *problem, "--schedule", "dual_wave", "--emit",
                     "asm", "-o", "kernel.s")
        return (self.folder / "kernel.s").read_text()

    def test_loads_stay_in_their_clusters(self):
        """LLVM would sink V's loads to where K's are, a cluster later."""
        for lse in [], ["--return-lse"]:
            loop = steady_loop(self.kernel("--arch", "gfx942", *lse))
            segments = "\n".join(loop).split("s_barrier")
            loads = [re.findall(r"buffer_load_\w+", x) for x in segments]
            self.assertEqual(sorted(x for x in loads if x), sorted(
                2 * [4 * ["buffer_load_dword"], ["buffer_load_dwordx4"]]), lse)

    def expect(self, wanted, *problem):
        assembly = self.kernel(*problem)
        loop = steady_loop(assembly)
        counts = collections.Counter()
        for line in loop:
            for group in GROUPS:
                counts[group] += line.startswith(group)
        found = {group: counts[group] for group in GROUPS if counts[group]}
        self.assertEqual(found, wanted)
        self.assertLessEqual(
            int(re.search(r"\.vgpr_count: +(\d+)", assembly).group(1)), 256)
        self.assertRegex(assembly, r"\.vgpr_spill_count: 0")
        # Masks only where they are needed; no wait for everything.
        self.assertFalse([x for x in loop if "vmcnt(0)" in x])
        return loop

    def test_gfx950_d128(self):
        loop = self.expect(
            {"v_mfma": 64, "v_exp": 64, "v_cvt_pk": 32, "v_max": 38,
             "v_fma": 64, "v_add_f32": 66, "v_cndmask": 2, "v_permlane": 2,
             "v_mov": 2, "ds_read_b128": 32, "ds_read_b64_tr": 64,
             "buffer_load": 8, "s_barrier": 8, "s_waitcnt": 4},
            "--arch", "gfx950", "--head-dim", 128)
        # One wait for each memory cluster, and LLVM adds none.
        self.assertEqual([x for x in loop if x.startswith("s_waitcnt")],
                         ["s_waitcnt vmcnt(4) lgkmcnt(0)"] * 4)

    def test_gfx950_d64(self):
        loop = self.expect(
            {"v_mfma": 32, "v_exp": 64, "v_cvt_pk": 32, "v_max": 38,
             "v_fma": 64, "v_add_f32": 66, "v_cndmask": 2, "v_permlane": 2,
             "v_mov": 2, "ds_read_b128": 16, "ds_read_b64_tr": 32,
             "buffer_load": 4, "s_barrier": 8, "s_waitcnt": 4},
            "--arch", "gfx950", "--head-dim", 64)
        self.assertEqual([x for x in loop if x.startswith("s_waitcnt")],
                         ["s_waitcnt vmcnt(2) lgkmcnt(0)"] * 4)

    def test_gfx950_d192x128(self):
        """K in two halves: 12 + 12 + 16 MFMAs a tile in three clusters."""
        loop = self.expect(
            {"v_mfma": 80, "v_exp": 64, "v_cvt_pk": 32, "v_max": 38,
             "v_fma": 64, "v_add_f32": 66, "v_cndmask": 2, "v_permlane": 2,
             "v_mov": 2, "ds_read_b128": 48, "ds_read_b64_tr": 64,
             "buffer_load": 10, "s_barrier": 12, "s_waitcnt": 6},
            "--arch", "gfx950", "--head-dim", 192, "--head-dim-v", 128)
        # Nothing lands where the first half of K is read.
        self.assertEqual([x for x in loop if x.startswith("s_waitcnt")],
                         2 * (["s_waitcnt lgkmcnt(0)"] +
                              2 * ["s_waitcnt vmcnt(5) lgkmcnt(0)"]))

    # Tiles of 32 rows.

    def test_gfx950_d192(self):
        self.expect(
            {"v_mfma": 48, "v_exp": 32, "v_cvt_pk": 16, "v_max": 22,
             "v_fma": 32, "v_add_f32": 34, "v_cndmask": 2, "v_permlane": 2,
             "v_mov": 2, "ds_read_b128": 24, "ds_read_b64_tr": 48,
             "buffer_load": 8, "s_barrier": 8, "s_waitcnt": 4},
            "--arch", "gfx950", "--head-dim", 192)

    def test_gfx950_d256x128(self):
        self.expect(
            {"v_mfma": 48, "v_exp": 32, "v_cvt_pk": 16, "v_max": 22,
             "v_fma": 32, "v_add_f32": 34, "v_cndmask": 2, "v_permlane": 2,
             "v_mov": 2, "ds_read_b128": 32, "ds_read_b64_tr": 32,
             "buffer_load": 6, "s_barrier": 8, "s_waitcnt": 4},
            "--arch", "gfx950", "--head-dim", 256, "--head-dim-v", 128)

    def test_gfx950_causal_has_the_same_loop(self):
        wanted = steady_loop(self.kernel("--arch", "gfx950"))
        found = steady_loop(self.kernel("--arch", "gfx950", "--mask", "causal"))
        mnemonics = [[x.split()[0] for x in loop if x.startswith(("v_", "ds_"))]
                     for loop in (wanted, found)]
        self.assertEqual(collections.Counter(mnemonics[0]),
                         collections.Counter(mnemonics[1]))


    # V is transposed by 4 v_perm a tile; 8 or 16 more pack bf16. The exchange
    # of the maximum lies outside of the loop.

    def test_gfx942_d128(self):
        wanted = {"v_mfma": 64, "v_exp": 32, "v_max": 17, "v_fma": 32,
                  "v_add_f32": 34, "v_perm_b32": 24, "v_mov": 2,
                  "ds_read_b128": 32, "ds_write": 4, "buffer_load": 10,
                  "s_barrier": 8, "s_waitcnt": 8}
        self.expect(wanted, "--arch", "gfx942", "--head-dim", 128)
        wanted["v_perm_b32"] = 8
        self.expect(wanted, "--arch", "gfx942", "--head-dim", 128, "--dtype",
                    "f16")

    def test_gfx942_d192x128(self):
        self.expect(
            {"v_mfma": 80, "v_exp": 32, "v_max": 17, "v_fma": 32,
             "v_add_f32": 34, "v_perm_b32": 24, "v_mov": 2,
             "ds_read_b128": 40, "ds_write": 6, "buffer_load": 14,
             "s_barrier": 8, "s_waitcnt": 10},
            "--arch", "gfx942", "--head-dim", 192, "--head-dim-v", 128)

    def test_gfx942_d64(self):
        wanted = {"v_mfma": 64, "v_exp": 64, "v_max": 33, "v_fma": 64,
                  "v_add_f32": 66, "v_perm_b32": 40, "v_mov": 2,
                  "ds_read_b128": 32, "ds_write": 4, "buffer_load": 10,
                  "s_barrier": 8, "s_waitcnt": 8}
        self.expect(wanted, "--arch", "gfx942", "--head-dim", 64)
        wanted["v_perm_b32"] = 8
        self.expect(wanted, "--arch", "gfx942", "--head-dim", 64, "--dtype",
                    "f16")


if __name__ == "__main__":
    unittest.main()
