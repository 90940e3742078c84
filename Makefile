# Each target makes .venv itself when it is missing. Python 3.11 or 3.12: make PYTHON=python3.12
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: demo test lint bench clean

demo: $(INSTALLED)  ## make a small corpus, train on it, export, predict
	$(BIN)/python train.py --fold 0

test: lint  ## ruff, mypy and pytest
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(INSTALLED)  ## every benchmark but the long ones (scaling, million, voices ...): some ten minutes
	$(BIN)/python -m benchmarks.train_step
	$(BIN)/python -m benchmarks.parts
	$(BIN)/python -m data_pipeline prepare --corpus demo --out build/demo
	$(BIN)/python -m benchmarks.input_pipeline
	$(BIN)/python -m benchmarks.prepare
	$(BIN)/python -m benchmarks.serving

$(INSTALLED): setup.cfg constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; \
	v in ((3, 11), (3, 12)) or sys.exit(f"error: found Python {v[0]}.{v[1]}, expected 3.11 or 3.12: \
	make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv build
