"""The driver's HIP path, over a libamdhip64.so that the simulator stands in for.

Part of FlyAttn, under the Apache License v2.0 with LLVM Exceptions.
See LICENSE for license information.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

import json
import os
import unittest

from flyattn_testing import DriverTest

SMALL = ("--heads", 2, "--seqlen-q", 100)


class Hip(DriverTest):
    def environment(self, chip):
        return {"SIMULATED_HIP_CHIP": chip,
                "LD_LIBRARY_PATH": os.environ["FLYATTN_SIMULATED_HIP"]}

    def test_run(self):
        for chip in ("gfx950", "gfx942"):
            done = self.flyattn("run", "--arch", chip, *SMALL, "--device",
                                "hip", "--json", "-",
                                env=self.environment(chip))
            result = json.loads(done.stdout)
            self.assertEqual(result["status"], "ok")
            self.assertEqual(result["device"], "Simulated Instinct")
            self.assertNotIn("instructions", result)

    def test_auto_prefers_a_gpu_of_the_chip(self):
        env = self.environment("gfx942")
        for chip, device in (("gfx942", "Simulated Instinct"),
                             ("gfx950", "simulator")):
            done = self.flyattn("run", "--arch", chip, *SMALL, "--json", "-",
                                env=env)
            self.assertEqual(json.loads(done.stdout)["device"], device)

    def test_no_gpu_of_the_chip(self):
        self.fails(4, "HIP offers no gfx950: it has gfx942", "run", "--arch",
                   "gfx950", *SMALL, "--device", "hip",
                   env=self.environment("gfx942"))


if __name__ == "__main__":
    unittest.main()
