# Every target sets up .venv by itself. PYTHON chooses the interpreter the first time.
PYTHON ?= python3
RENDERER ?= notebook-site
VENV := .venv
BIN := $(VENV)/bin
export NO_MKDOCS_2_WARNING := 1
export PYTHONWARNINGS := ignore:pkg_resources is deprecated:UserWarning
export RENDERER
export MKDOCS_JUPYTER := $(if $(filter mkdocs-jupyter,$(RENDERER)),true,false)
STRICT := $(if $(filter mkdocs-jupyter,$(RENDERER)),,--strict)
PORT ?= 8000

.PHONY: site serve test lint check nightly twice bench lock setup clean

site: setup ## execute what changed and build site/
	$(BIN)/mkdocs build $(STRICT)
	@echo "Built site/. Look at it with: make serve"

serve: setup ## the same with live reload
	$(BIN)/mkdocs serve --dev-addr 127.0.0.1:$(PORT)

test: setup lint ## everything that must hold: style, types, tests, all notebooks cold, the site in a browser
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check src tests tools bench
	$(BIN)/ruff format --check src tests tools bench
	$(BIN)/mypy

check: setup ## what a page must be before it runs
	$(BIN)/notebook-site check

nightly: setup ## run every notebook again, whatever the cache says
	$(BIN)/notebook-site execute --force $(if $(SUMMARY),--summary $(SUMMARY))

twice: setup ## two cold runs of every notebook; says which cells differ
	rm -rf build/first build/second
	NOTEBOOK_SITE_CACHE=build/first $(BIN)/notebook-site execute
	NOTEBOOK_SITE_CACHE=build/second $(BIN)/notebook-site execute
	$(BIN)/python tools/compare_runs.py build/first build/second

bench: setup ## the same notebooks through us and through our peers
	$(BIN)/python bench/compare.py

lock: ## requirements.in -> requirements.txt
	test -x $(BIN)/uv || $(MAKE) setup  # no more than that: a lock that cannot be installed must be replaceable
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tools/lock.py

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11, 5) <= sys.version_info[:3] < (3, 14))' || \
	  { echo "This project needs Python 3.11.5 to 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

clean: ## remove what was built; .venv stays
	rm -rf site build .cache
