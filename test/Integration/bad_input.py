"""Every bad input is refused with its exit code and a message that says why.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import resource
import signal
import unittest

import numpy as np

from flyattn_testing import DriverTest

GOOD = np.zeros((1, 8, 2, 64), np.uint16)


class BadInput(DriverTest):
    def run_fails(self, code, message, *arguments, **keywords):
        if "--seqlen-q" not in arguments:
            arguments += ("--seqlen-q", 8)
        return self.fails(code, message, "run", "--arch", "gfx950", "--device",
                          "sim", "--heads", 2, "--head-dim", 64, *arguments,
                          **keywords)

    # Files.

    def test_missing_file(self):
        self.run_fails(2, "nowhere.npy", "--q", "nowhere.npy")

    def test_empty_file(self):
        (self.folder / "q.npy").write_bytes(b"")
        self.run_fails(2, "the file is empty", "--q", "q.npy")

    def test_truncated_file(self):
        self.save("q.npy", GOOD)
        data = (self.folder / "q.npy").read_bytes()
        (self.folder / "q.npy").write_bytes(data[:-1])
        self.run_fails(2, "truncated", "--q", "q.npy")

    def test_truncated_header(self):
        self.save("q.npy", GOOD)
        data = (self.folder / "q.npy").read_bytes()
        (self.folder / "q.npy").write_bytes(data[:50])
        self.run_fails(2, "truncated", "--q", "q.npy")

    def test_excess_data(self):
        self.save("q.npy", GOOD)
        with open(self.folder / "q.npy", "ab") as file:
            file.write(b"x")
        self.run_fails(2, "excess data", "--q", "q.npy")

    def test_not_npy(self):
        (self.folder / "q.npy").write_text("a,b\n1,2\n")
        self.run_fails(2, "not a .npy file", "--q", "q.npy")

    def test_directory_as_file(self):
        self.run_fails(2, "directory", "--q", ".")

    def test_fortran_order(self):
        self.save("q.npy", np.asfortranarray(GOOD))
        self.run_fails(2, "Fortran order", "--q", "q.npy")

    def test_big_endian(self):
        self.save("q.npy", GOOD.astype(">u2"))
        self.run_fails(2, "big endian", "--q", "q.npy")

    def test_wrong_dtype(self):
        self.save("q.npy", GOOD.astype(np.float64))
        self.run_fails(2, "holds f64 [1, 8, 2, 64], but bf16, f16 or f32 is "
                       "wanted", "--q", "q.npy")

    def test_dtype_against_option(self):
        self.save("q.npy", GOOD.astype(np.float16))
        self.run_fails(2, "but bf16 [1, 8, 2, 64] is wanted", "--dtype", "bf16",
                       "--q", "q.npy")

    def test_mixed_dtypes(self):
        self.save("q.npy", GOOD)
        self.save("k.npy", GOOD.astype(np.float16))
        self.run_fails(2, "'k.npy': holds f16", "--q", "q.npy", "--k", "k.npy")

    def test_wrong_rank(self):
        self.save("q.npy", GOOD[0])
        self.run_fails(2, "has rank 3 [8, 2, 64], but rank 4 is wanted",
                       "--q", "q.npy")

    def test_wrong_shape(self):
        self.save("q.npy", GOOD[:, :7])
        self.run_fails(2, "but bf16 [1, 8, 2, 64] is wanted", "--q", "q.npy")

    def test_k_and_v_of_different_length(self):
        self.save("k.npy", GOOD)
        self.save("v.npy", GOOD[:, :7])
        self.run_fails(2, "'v.npy': holds", "--k", "k.npy", "--v", "v.npy")

    def test_expected_of_wrong_shape(self):
        self.save("e.npy", np.zeros((1, 8, 2, 63)))
        self.run_fails(2, "is wanted", "--expected", "e.npy")

    def test_expected_of_wrong_dtype(self):
        self.save("e.npy", np.zeros((1, 8, 2, 64), np.int32))
        self.run_fails(2, "is wanted", "--expected", "e.npy")

    # Problems.

    def test_heads_not_divisible(self):
        self.run_fails(2, "2 query heads are not divisible by 3 KV heads",
                       "--kv-heads", 3)

    def test_head_dim_0(self):
        self.fails(2, "--head-dim: 0 was given; multiples of 8 from 8 to 256 "
                   "are supported", "run", "--arch", "gfx950", "--head-dim", 0)

    def test_head_dim_100(self):
        done = self.fails(3, "--head-dim: 100 was given; multiples of 8 from 8 "
                          "to 256 are supported: pad q, k and v with zeros",
                          "run", "--arch", "gfx942", "--head-dim", 100)
        for kernel in ("generic bf16 d8-256", "generic f32 d8-256",
                       "dual_wave bf16 d8-192 dv8-128"):
            self.assertIn(kernel, done.stderr)

    def test_head_dim_v_264(self):
        self.fails(3, "--head-dim-v: 264 was given; multiples of 8 from 8 to "
                   "256 are supported", "run", "--arch", "gfx942",
                   "--head-dim-v", 264)

    def test_head_dim_264_when_compiling(self):
        self.fails(3, "--head-dim: 264 was given", "compile", "--arch",
                   "gfx950", "--head-dim", 264, "-o", "k.hsaco")
        self.assertFalse((self.folder / "k.hsaco").exists())

    def test_dual_wave_of_other_head_dims_and_types(self):
        for chip, *arguments in (
                ("gfx950", "--head-dim", 256), ("gfx950", "--dtype", "f32"),
                ("gfx950", "--head-dim", 192, "--bias", "1,1,64,64"),
                ("gfx942", "--head-dim-v", 136),
                ("gfx942", "--head-dim", 200, "--head-dim-v", 128)):
            done = self.fails(3, "--schedule: dual_wave was given; it serves "
                       "bf16 and f16 with head_dim up to 192 and head_dim_v up "
                       "to 128, on gfx950 also", "run", "--arch", chip,
                       "--seqlen-q", 64, "--schedule", "dual_wave", *arguments)
            # Once is enough.
            self.assertEqual(done.stderr.count("it serves bf16 and f16"), 1)

    def test_v_of_another_width_than_asked_for(self):
        self.save("v.npy", GOOD)
        self.run_fails(2, "'v.npy': holds bf16 [1, 8, 2, 64], but bf16 "
                       "[1, 8, 2, 32] is wanted", "--v", "v.npy",
                       "--head-dim-v", 32)

    def test_tile_beyond_32_bit_offsets(self):
        self.fails(3, "the seq stride can be 4194304 elements at the most "
                   "for bf16 with head_dim 72", "run", "--arch", "gfx950",
                   "--heads", 64000, "--head-dim", 72, "--seqlen-q", 1,
                   "--seqlen-kv", 1)

    def test_seqlen_0(self):
        self.fails(2, "--seqlen-q: 0 was given; it must be 1 or more", "run",
                   "--arch", "gfx950", "--seqlen-q", 0)

    def test_empty_sequence_in_a_file(self):
        self.save("k.npy", GOOD[:, :0])
        self.run_fails(2, "--seqlen-kv: 0 was given", "--k", "k.npy")

    def test_negative_batch(self):
        self.run_fails(2, "--batch: -1 was given", "--batch=-1")

    def test_scale_nan(self):
        self.run_fails(2, "--scale: nan was given; it must be a finite number",
                       "--scale", "nan")

    def test_scale_inf(self):
        self.run_fails(2, "--scale: inf was given", "--scale=-inf")

    def test_every_error_at_once(self):
        done = self.run_fails(2, "--scale", "--scale", "nan", "--kv-heads", 3,
                              "--batch", 0)
        self.assertIn("--kv-heads", done.stderr)
        self.assertIn("--batch", done.stderr)

    def test_window_below_minus_1(self):
        self.run_fails(2, "--mask: window:4,-2 was given; each side must be a "
                       "number of columns, or -1", "--mask", "window:4,-2")

    def test_window_of_one_number(self):
        self.run_fails(2, "'window:4' was given; known are", "--mask",
                       "window:4")

    # Packed sequences.

    def packed_fails(self, code, message, *arguments):
        return self.fails(code, message, "run", "--arch", "gfx950", "--device",
                          "sim", "--heads", 2, "--head-dim", 64, *arguments)

    def test_sequences_that_decrease(self):
        self.packed_fails(2, "--cu-seqlens-q: entry 2 is 3 after 8; entries "
                          "must not decrease", "--cu-seqlens-q", "0,8,3")

    def test_sequences_that_do_not_start_at_0(self):
        self.packed_fails(2, "--cu-seqlens-kv: 2 entries from 1 was given; it "
                          "must be 0, then the end of each sequence",
                          "--cu-seqlens-q", "0,3", "--cu-seqlens-kv", "1,4")

    def test_one_entry(self):
        self.packed_fails(2, "1 entries from 0 was given", "--cu-seqlens-q", 0)

    def test_kv_sequences_alone(self):
        self.packed_fails(2, "--cu-seqlens-q: nothing was given",
                          "--cu-seqlens-kv", "0,4")

    def test_lists_of_different_length(self):
        self.packed_fails(2, "--cu-seqlens-kv: 3 entries were given, "
                          "cu_seqlens_q has 2", "--cu-seqlens-q", "0,3",
                          "--cu-seqlens-kv", "0,3,4")

    def test_no_rows_at_all(self):
        self.packed_fails(2, "every sequence is empty", "--cu-seqlens-q",
                          "0,0", "--cu-seqlens-kv", "0,4")

    def test_lengths_beside_sequences(self):
        for option in ("--batch", "--seqlen-q", "--seqlen-kv"):
            self.packed_fails(2, f"{option} and --cu-seqlens-q exclude each "
                              "other", "--cu-seqlens-q", "0,3", option, 1)

    def test_sequences_end_before_the_rows(self):
        self.save("q.npy", GOOD[0])
        self.packed_fails(2, "--cu-seqlens-q ends at 7, but 'q.npy' has 8 rows",
                          "--cu-seqlens-q", "0,3,7", "--q", "q.npy")
        self.save("k.npy", GOOD[0])
        self.packed_fails(2, "--cu-seqlens-kv ends at 9, but 'k.npy' has 8 "
                          "rows", "--cu-seqlens-q", "0,9", "--k", "k.npy")

    def test_batched_file_for_packed_sequences(self):
        self.save("q.npy", GOOD)
        self.packed_fails(2, "but rank 3 is wanted for packed sequences",
                          "--cu-seqlens-q", "0,8", "--q", "q.npy")

    def test_packed_bhsd(self):
        self.packed_fails(3, "--layout: bhsd was given; packed sequences are",
                          "--cu-seqlens-q", "0,8", "--layout", "bhsd")

    def test_technique_of_another_schedule(self):
        self.run_fails(2, "without: stagger was given; only dual_wave has "
                       "techniques to leave out", "--without", "stagger",
                       "--schedule", "generic")

    # What modifies scores.

    def test_softcap(self):
        for value in (0, -1, "inf", "nan"):
            self.run_fails(2, "--softcap: ", f"--softcap={value}")
        self.run_fails(2, "must be a positive, finite number", "--softcap", 0)
        self.run_fails(3, "1e-30 to 1e30 are supported", "--softcap", 1e31)

    def test_bias_that_does_not_broadcast(self):
        for shape in ("1,2,8,7", "3,1,8,8", "1,4,8,8", "1,2,4,8", "1,2,8,1"):
            self.run_fails(2, "which does not broadcast to [batch, heads, "
                           "seqlen_q, seqlen_kv] = [1, 2, 8, 8]", "--bias",
                           shape)

    def test_bias_of_another_form(self):
        self.run_fails(2, "has rank 2; give B,H,Sq,Skv", "--bias", "8,8")
        self.run_fails(2, "has a size of 0; each must be 1 or more", "--bias",
                       "0,1,8,8")
        self.run_fails(2, "nowhere.npy", "--bias", "nowhere.npy")
        self.save("b.npy", np.zeros((1, 1, 8, 8), np.float64))
        self.run_fails(2, "holds f64 [1, 1, 8, 8], but f32 or bf16 is wanted",
                       "--bias", "b.npy")
        self.save("b.npy", np.zeros((1, 1, 8, 8), np.float32))
        self.run_fails(2, "--bias-type: the type of a bias of a file is the "
                       "file's", "--bias", "b.npy", "--bias-type", "f32")
        self.run_fails(2, "--bias-type needs --bias", "--bias-type", "f32")
        self.run_fails(2, "of an f32 problem is f32", "--bias", "1,1,8,8",
                       "--bias-type", "element", "--dtype", "f32")

    def test_wrong_number_of_slopes_or_sinks(self):
        self.save("m.npy", np.zeros(3, np.float32))
        for option in ("--alibi", "--sink"):
            self.run_fails(2, f"{option}: 3 were given; there must be one a "
                           "head, 2", option + "=m.npy")
        self.save("m.npy", np.zeros(2, np.float16))
        self.run_fails(2, "but f32 [heads] is wanted", "--alibi=m.npy")

    def test_chunk_of_nothing(self):
        self.run_fails(2, "chunked:0 was given; a chunk has 1 column or more",
                       "--mask", "chunked:0")
        self.run_fails(2, "'chunked:x' was given; known are", "--mask",
                       "chunked:x")

    def test_no_splits(self):
        self.run_fails(2, "splits: 0 was given; it must be 1 (no split) or "
                       "more", "--splits", 0)

    def test_more_splits_than_tiles(self):
        self.run_fails(2, "give 1 to 5, or auto", "--head-dim", 64,
                       "--seqlen-q", 300, "--splits", 6)

    def test_splits_beyond_a_grid(self):
        self.run_fails(3, "batch * splits may be 65535 at the most: give 1 or "
                       "less", "--batch", 40000, "--seqlen-kv", 600,
                       "--splits", 2)

    # Chosen rows.

    def test_rows_out_of_range(self):
        self.run_fails(2, "--rows: 8 was given; query rows are 0 to 7",
                       "--rows", "0,8")
        self.run_fails(2, "--rows: -1 was given", "--rows=-1")

    def test_rows_that_are_no_numbers(self):
        self.run_fails(2, "--rows: 'x' is no integer", "--rows", "1,x")

    def test_row_heads_out_of_range(self):
        self.run_fails(2, "--row-heads: 2 was given; query heads are 0 to 1",
                       "--rows", 1, "--row-heads", 2)

    def test_row_heads_without_rows(self):
        self.run_fails(2, "--row-heads needs --rows", "--row-heads", 1)

    def test_rows_of_a_timed_launch(self):
        self.run_fails(2, "--rows and --timing exclude each other", "--rows", 1,
                       "--timing")

    def test_rows_on_a_gpu(self):
        self.fails(2, "--rows needs the simulator", "run", "--arch", "gfx950",
                   "--device", "hip", "--rows", 1)

    # The command line.

    def test_no_command(self):
        self.fails(2, "a command is needed")

    def test_unknown_command(self):
        self.fails(2, "Unknown subcommand 'fly'", "fly")

    def test_unknown_option(self):
        self.run_fails(2, "Unknown command line argument '--sede'", "--sede", 1)

    def test_missing_value(self):
        self.fails(2, "requires a value", "run", "--arch")

    def test_value_that_is_no_number(self):
        self.run_fails(2, "'many' value invalid", "--batch", "many")

    def test_unknown_choice(self):
        self.run_fails(2, "Cannot find option named 'f64'", "--dtype", "f64")

    def test_missing_arch(self):
        self.fails(2, "--arch is needed: gfx942 or gfx950", "run")

    def test_unknown_arch(self):
        self.fails(2, "'gfx90a' was given; known are gfx942, gfx950", "run",
                   "--arch", "gfx90a")

    def test_unknown_mask(self):
        self.run_fails(2, "'diagonal' was given; known are", "--mask",
                       "diagonal")

    def test_bad_list(self):
        self.run_fails(2, "'x' is no integer", "--cu-seqlens-q", "0,x")

    def test_bad_splits(self):
        self.run_fails(2, "it must be a number or auto", "--splits", "few")

    def test_lse_of_a_kernel_without(self):
        self.run_fails(2, "exclude each other", "--no-lse", "--lse", "l.npy")

    def test_code_object_needs_a_file(self):
        self.fails(2, "-o is needed", "compile", "--arch", "gfx950")

    # Devices.

    def test_hip_without_a_library(self):
        self.fails(4, "libamdhip64.so cannot be loaded", "run", "--arch",
                   "gfx950", "--device", "hip", env={"LD_LIBRARY_PATH": ""})

    # Outputs.

    def test_output_in_a_missing_folder(self):
        self.run_fails(2, "no/o.npy", "--out", "no/o.npy")

    def test_output_is_a_directory(self):
        self.run_fails(2, "directory", "--lse", ".")

    def test_json_in_a_missing_folder(self):
        self.run_fails(2, "no/r.json", "--json", "no/r.json")

    def test_failure_keeps_the_old_output(self):
        (self.folder / "o.npy").write_text("old")
        self.run_fails(2, "nowhere.npy", "--q", "nowhere.npy", "--out", "o.npy")
        self.assertEqual((self.folder / "o.npy").read_text(), "old")

    def test_interrupted_write_keeps_the_old_output(self):
        def limit_file_size():  # below the output's 128 KiB
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        (self.folder / "o.npy").write_text("old")
        self.run_fails(2, "o.npy", "--seqlen-q", 512, "--out", "o.npy",
                       preexec_fn=limit_file_size)
        self.assertEqual((self.folder / "o.npy").read_text(), "old")
        self.assertEqual([f.name for f in self.folder.iterdir()], ["o.npy"])

    def test_inspect_what_is_no_code_object(self):
        (self.folder / "k.hsaco").write_text("hello")
        self.fails(2, "k.hsaco", "inspect", "k.hsaco")

    def test_inspect_a_missing_file(self):
        self.fails(2, "k.hsaco", "inspect", "k.hsaco")


if __name__ == "__main__":
    unittest.main()
