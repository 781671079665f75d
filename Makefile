# The workspace's commands; `make` alone lists them. Nothing but Python 3.11+, git and make is needed.

PYTHON = python3
PACKAGES = connector-kit serpi-client tap-serpi tap-winfra-xxl tap-facturadirecta target-serpi sandbox
TEST_ARGS = -n auto --maxprocesses 4 --dist loadfile
CHAOS_ARGS =
BENCH_ARGS =

# Before the first command of Meltano: its file's own switch comes too late for the first event.
export MELTANO_SEND_ANONYMOUS_USAGE_STATS = false
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# Each interpreter has an environment of its own: .venv for the first one, .venvs/<version> for others.
version_of = $(shell $(1) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
VERSION := $(call version_of,$(PYTHON))
STANDING := $(if $(wildcard .venv/bin/python),$(call version_of,.venv/bin/python))
VENV := $(if $(filter-out $(VERSION),$(STANDING)),.venvs/$(VERSION),.venv)
BIN = $(VENV)/bin
LOG = logs/setup-$(VERSION).log
CHECKED = $(PACKAGES) tools tests $(if $(wildcard benchmarks/*.py),benchmarks)
INPUTS = constraints.txt requirements-dev.txt $(PACKAGES:%=%/pyproject.toml)

# $(call say_failed,what,log): one line with the log's last error.
say_failed = { echo "make: $(1) failed: $$( (grep 'ERROR: ' $(2) || cat $(2)) | tail -n 1); the rest is in $(2)" >&2; exit 1; }

.PHONY: help demo test lint bench chaos audit clean
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | while IFS='|' read -r name what; do printf 'make %-8s %s\n' "$$name" "$$what"; done
	@printf '\nPYTHON=python3.13 takes another interpreter; TEST_ARGS are handed to pytest.\n'

demo: $(VENV)/.ready ## the sandbox, `meltano run` of each pipeline, and what landed in DuckDB
	@$(BIN)/python -m erp_sandbox.demo

test: $(VENV)/.ready ## all tests but the long ones
	@$(BIN)/python -m pytest $(TEST_ARGS)

lint: $(VENV)/.ready ## ruff (rules and format) and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CHECKED)

bench: $(VENV)/.ready ## speed and memory against the peers; writes benchmarks/RESULTS.md
	@$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

chaos: $(VENV)/.ready ## faults, kills and re-runs by the hundred (about ten minutes)
	@$(BIN)/python -m pytest tests/chaos --chaos -n auto --maxprocesses 4 --dist worksteal $(CHAOS_ARGS)

audit: $(VENV)/.ready ## the pinned versions against the known vulnerabilities
	@$(BIN)/python tools/audit.py

clean: ## removes everything that make and Meltano made here
	@rm -rf .venv .venvs .chaos .meltano .demo build dist logs output .mypy_cache .pytest_cache .ruff_cache .hypothesis benchmarks/.envs benchmarks/.data
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: $(INPUTS) | python-is-fit
	@mkdir -p logs
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "make: setting up $(VENV) with Python $(VERSION)"; $(PYTHON) -m venv --clear $(VENV) >$(LOG) 2>&1 || $(call say_failed,making $(VENV),$(LOG)); }
	@echo "make: installing the packages into $(VENV)"
	@$(BIN)/python -m pip install --quiet -c constraints.txt pip -r requirements-dev.txt $(PACKAGES:%=-e ./%) >$(LOG) 2>&1 || $(call say_failed,installing the packages,$(LOG))
	@touch $@

.PHONY: python-is-fit
python-is-fit:
	@test -n '$(VERSION)' || { echo "make: '$(PYTHON)' is no Python; install Python 3.11 or later, or name one: make test PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: '$(PYTHON)' is Python $(VERSION); 3.11 or later is needed: make test PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: '$(PYTHON)' lacks the modules venv and ensurepip; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
