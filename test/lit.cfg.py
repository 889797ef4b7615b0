"""The lit suite: IR tests, one directory a room of lib/."""

import os

import lit.formats
from lit.llvm import llvm_config

config.name = "FlyAttn"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Unit", "Integration", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.flyattn_obj_root, "test")

config.substitutions.append(("%flyattn_lib_dir", config.flyattn_lib_dir))
llvm_config.with_system_environment(["HOME", "TMP", "TEMP"])
llvm_config.use_default_substitutions()
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("FILECHECK_OPTS", "-enable-var-scope --allow-unused-prefixes=false")
llvm_config.add_tool_substitutions(
    ["flydsl-opt", "flydsl-lsp-server", "flyattn", "mlir-opt"],
    [config.flyattn_tools_dir, config.llvm_tools_dir],
)
