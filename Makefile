# make demo | cluster | test | lint | bench | sizes | card: each sets up .venv by itself. ARGS="…" reaches the command behind it.
PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
MPY := native/jikimi/sigcore/mpy/sigcore-x64.mpy
NATIVE := $(wildcard native/src/*.[ch] native/include/*.h native/natmod/* native/build_sigcore.py)

.PHONY: demo cluster test lint bench sizes card setup clean

setup: $(STAMP) $(MPY)

$(STAMP): pyproject.toml setup.py $(NATIVE)
	@echo "setting up $(VENV), once: one to three minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

$(MPY): $(STAMP) $(NATIVE) tools/build_mpy.py
	$(BIN)/python tools/build_mpy.py --arch x64

demo: setup
	$(BIN)/jikimi demo $(ARGS)

cluster: setup
	$(BIN)/jikimi demo cluster $(ARGS)

test: setup
	$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The core's trees stand beside another tool's in the tables, which only this needs.
bench: setup
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m tools.bench $(ARGS)

sizes: setup
	$(BIN)/python -m tools.sizes $(ARGS)

# Measures everything in native/MODEL_CARD.md again and writes it; where nothing has changed, git sees no difference.
card: setup
	for tool in eval_fall train_bend train_exertion eval_fatigue train_uwb train_ble eval_zones sizes; do \
		$(BIN)/python -m tools.$$tool --write >/dev/null || exit 1; \
	done

clean:
	rm -rf $(VENV) build dist *.egg-info native/jikimi/sigcore/mpy native/jikimi/sigcore/_sigcore.*
