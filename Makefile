# Everything a newcomer needs: Python 3.11 or newer with venv and pip, and make.

# The first that is new enough. Asked only when the environment is made.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8000
# Processes that share the tests, and what to hand to pytest: make test ARGS="-k cancel"
JOBS ?= 2
ARGS ?=
# How many runs `make seed-runs` makes.
N ?= 1000000
# How long each storm blows, and over how many machines.
STORM_SECONDS ?= 60
STORM_MACHINES ?= 1000
# How many requests each operation of the REST API gets, besides the usual ones.
FUZZ_EXAMPLES ?= 200

BIN := $(VENV)/bin
PY := $(BIN)/python
TEMPLATES = $$(find templates humantasks dashboard examples -name '*.html')

.DEFAULT_GOAL := help
# pip must not run twice in one environment.
.NOTPARALLEL:
.PHONY: help demo run-worker migrate seed-runs test check format e2e fuzz storm mutants models clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## Run everything in one process, with examples (PORT=8000 HOST=127.0.0.1)
	@$(PY) manage.py demo --host $(HOST) --port $(PORT)

run-worker: $(VENV)/.runtime $(VENV)/.prod ## Run a worker for the broker in BROKER_URL
	$(PY) manage.py worker

migrate: $(VENV)/.runtime ## Bring the database up to date
	$(PY) manage.py migrate

seed-runs: $(VENV)/.runtime ## Fill an empty database with made-up runs, to try it at size (N=1000000)
	$(PY) manage.py seed_runs $(N)

test: $(VENV)/.test ## Run the tests on SQLite and on a PostgreSQL of their own (or DATABASE_URL)
	env -u DATABASE_URL $(PY) -m pytest -n $(JOBS) $(ARGS)
	$(PY) -m tests.postgres $(PY) -m pytest -n $(JOBS) $(ARGS)

check: $(VENV)/.lint ## Check format, lint, imports, types, migrations and templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	env -u DATABASE_URL $(PY) manage.py makemigrations --check --dry-run
	$(BIN)/djade --check --target-version 5.2 $(TEMPLATES)

format: $(VENV)/.lint ## Put code and templates into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $(TEMPLATES)

# Playwright keeps an event loop in the test's thread, where Django refuses to query.
e2e: $(VENV)/.e2e ## Drive a real browser (Chromium must be installed)
	DJANGO_ALLOW_ASYNC_UNSAFE=true $(PY) -m pytest -m e2e -n $(JOBS) --dist loadfile tests/e2e $(ARGS)

fuzz: $(VENV)/.test ## Send the REST API other requests each time, right and wrong (FUZZ_EXAMPLES=200)
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PY) -m tests.postgres $(PY) -m pytest -n $(JOBS) --timeout 3600 tests/api/test_fuzz.py $(ARGS)

storm: $(VENV)/.test $(VENV)/.prod ## Kill, freeze and cut off everything while runs go on (STORM_SECONDS=60 STORM_MACHINES=1000)
	STORM_SECONDS=$(STORM_SECONDS) STORM_MACHINES=$(STORM_MACHINES) $(PY) -m tests.postgres --durable $(PY) -m pytest -s --ds tests.storm.settings -m chaos tests/storm $(ARGS)

mutants: $(VENV)/.test ## Take each guard out of the code: the test that is named for it must fail
	$(PY) -m tests.postgres $(PY) -m pytest -n $(JOBS) -m mutants tests/mutants/test_mutants.py $(ARGS)

models: $(VENV)/.test ## Search all states of the protocol's models (spin and gcc must be installed)
	env -u DATABASE_URL $(PY) -m pytest -n $(JOBS) -m models tests/models/test_models.py $(ARGS)

clean: ## Remove the environment, caches and build results; keep var/
	rm -rf $(VENV) build dist staticfiles .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each requirements file: what is installed already costs nothing.
$(VENV)/.%: requirements/%.txt requirements/runtime.txt | $(PY)
	@echo "Installing $<"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/.lint $(VENV)/.e2e: requirements/test.txt

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. Where is it? make PYTHON=… " >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
