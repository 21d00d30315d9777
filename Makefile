# Two commands set everything up on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

unexport PYTHONDONTWRITEBYTECODE # or every worker compiles the modules it imports anew

.PHONY: demo test check ui lint screenshots clean

demo: $(READY) ## one iteration of square8_2p, small: play, verify, deduplicate, show
	$(BIN)/ringrift warmup
	$(BIN)/ringrift run --config config/demo.yaml -c square8_2p

test: $(READY) ## the whole suite; three processes, because tests of hosts mostly wait. tests/conftest.py orders the files
	$(BIN)/ringrift warmup
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

CHECKED := tests/test_architecture.py \
  $(addprefix tests/ringrift/,gamesets planning plots render rules specs stats) \
  $(addprefix tests/resources/,models store views)

check: $(READY) ## style, types, import rules and the fast tests: about two minutes once the kernels are compiled
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow and not ui" \
	  --ignore tests/ringrift/stats/test_simulation.py $(CHECKED)

ui: $(READY) ## the Dagster web server on the same home
	$(BIN)/ringrift ui

screenshots: $(READY) ## pictures of the UI for the docs (needs chromium)
	$(BIN)/python -m ringrift_assets.devtools.screenshots docs/images

lint: $(READY) ## style, types, import direction, code location
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dagster definitions validate -w workspace.yaml

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e '.[platform,dev]'
	touch $(READY)

clean: ## remove the environment; the home (var/) stays
	rm -rf $(VENV)
