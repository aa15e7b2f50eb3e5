# `make demo` and `make test` are all a newcomer needs; both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-long lint format types bench clean

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[models,dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/specsight tyres --out runs/demo-tyres --model winter --count 400 --seed 7 --zone bead --light grazing
	$(BIN)/specsight evaluate --data runs/demo-tyres --spec runs/demo-tyres/specification.yaml --resolution 256 --out runs/demo

test: $(READY)
	$(BIN)/pytest -n auto -m "not long"

test-long: $(READY)
	$(BIN)/pytest -m long

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(READY)
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m speed

clean:
	rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache
