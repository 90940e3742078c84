# Each target makes its environment itself when it is missing: .venv with the versions of constraints.txt
# (TensorFlow 2.17; Python 3.11 or 3.12), or, with NEWEST=1 and where there is no Python but 3.13,
# .venv-newest with those of constraints-newest.txt. A certain Python: make PYTHON=python3.12
NAMES := $(or $(PYTHON),python3 python3.11 python3.12 python3.13)
# Each is run: a name on PATH may lead to a Python that is not there, or to one without pip.
FITS = import sys, venv, ensurepip; sys.exit(sys.version_info[:2] not in $(1))
find = $(firstword $(foreach name,$(NAMES),$(shell ($(name) -c '$(call FITS,$(1))' && echo $(name)) 2>/dev/null)))

ifdef NEWEST
FOUND := $(call find,((3, 11), (3, 12), (3, 13)))
else
FOUND := $(call find,((3, 11), (3, 12)))
ifeq ($(FOUND),)
FOUND := $(call find,((3, 13),))
NEWEST := $(if $(FOUND),1)
endif
endif
SET := $(if $(NEWEST),-newest)
BIN := .venv$(SET)/bin
INSTALLED := .venv$(SET)/installed

.PHONY: demo test lint bench dist clean

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

$(INSTALLED): setup.cfg constraints$(SET).txt
	@test -n "$(FOUND)" || { echo "error: looked for $(NAMES), expected a Python 3.11 to 3.13 with venv: \
	install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	$(FOUND) -m venv .venv$(SET)
	$(BIN)/python -m pip install --quiet --constraint constraints$(SET).txt --editable '.[dev]'
	@touch $@

dist: $(INSTALLED)  ## a wheel and an sdist
	rm -rf dist
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf .venv .venv-newest build dist
