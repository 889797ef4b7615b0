# The few commands a newcomer needs; CMake and CTest do the work.
#   make run    set up, build, run attention on both chips
#   make test   set up, build, run the default tests
PRESET ?= release
BUILD  := build/$(PRESET)
FLAGS  ?=

.PHONY: run test test-long bench format check-format docs clean
.DEFAULT_GOAL := run

# Packages and configuration, once.
$(BUILD)/build.ninja:
	scripts/setup.sh
	cmake --preset $(PRESET) $(FLAGS)

run: $(BUILD)/build.ninja
	cmake --build $(BUILD) --target flyattn
	for chip in gfx950 gfx942; do $(BUILD)/bin/flyattn run --arch $$chip --batch 1 --heads 8 --kv-heads 2 \
	  --seqlen-q 1024 --seqlen-kv 1024 --head-dim 128 --dtype bf16 --mask causal || exit 1; echo; done

test: $(BUILD)/build.ninja
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure -j$$(nproc) -LE long

test-long: $(BUILD)/build.ninja
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure -j$$(nproc)

bench: $(BUILD)/build.ninja
	cmake --build $(BUILD)
	$(BUILD)/bin/flyattn-bench-simulator
	$(BUILD)/bin/flyattn-bench-attention

sources = $$(git ls-files '*.cpp' '*.h')

format: $(BUILD)/build.ninja
	clang-format-22 -i $(sources)

check-format: $(BUILD)/build.ninja
	clang-format-22 --dry-run --Werror $(sources)

docs: $(BUILD)/build.ninja
	cmake --build $(BUILD) --target mlir-doc
	@ls $(BUILD)/docs/*.md

clean:
	rm -rf build
