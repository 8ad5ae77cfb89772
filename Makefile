# One environment, .venv, for everything. PYTHON chooses the interpreter it is made with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo test test-all lint types check peers clean

help:
	@echo "make demo      set up, then draw a room, track its people in four cameras, show who came back"
	@echo "make test      set up, then run the tests (MTMC_DATA=DIR adds those on real data)"
	@echo "make setup     only the environment, .venv"
	@echo "make check     lint, types and tests"
	@echo "make test-all  the slow tests, too"
	@echo "make peers     our appearance adapters in boxmot, ultralytics, ... (MTMC_DATA=DIR needed)"

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[onnx,dev]"
	@touch $@

demo: setup
	$(BIN)/mtmc demo --out out/demo

test: setup
	$(BIN)/python -m pytest

test-all: setup
	$(BIN)/python -m pytest --slow

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy sees the packages under the names they are installed by, so it needs an installed copy.
types: setup
	rm -rf build/typed
	$(BIN)/python -m pip install --quiet --no-deps --target build/typed .
	cd build/typed && ../../$(BIN)/mypy --config-file ../../pyproject.toml -p mtmc

check: lint types test

# Real packages of others, each in an environment of its own below .venvs/; deep_sort, which is no
# package, when DEEP_SORT names a checkout of it.
peers: setup
	$(BIN)/python -m benchmarks.external_trackers $(if $(DEEP_SORT),--deep-sort $(DEEP_SORT))

clean:
	rm -rf $(VENV) build dist out *.egg-info
