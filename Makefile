# Two commands set everything up: `make demo` and `make test`. Neither needs root, Docker or an installed server.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV   := .venv
PYTHON := $(VENV)/bin/python
# An installed uv that works, else one of our own in a local folder (some shims are on the PATH and do not run).
UV     := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
export UV_CACHE_DIR ?= $(HOME)/.cache/uv
export PYTHONPATH :=
# Some machines forbid it: then every process of the tests would compile all that it imports anew.
export PYTHONDONTWRITEBYTECODE :=
PYTEST_ARGS ?=
MINUTES ?= 60

.PHONY: help
help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 16

# What fails here is told in one line; all that was said is in the log that it names.
LOG := .install.log

# $(call said,WHAT FAILED,WHAT TO DO)
said = { echo "error: $(1): $$(tail -n 1 $(LOG)). $(2). All of it: $(LOG)" >&2; exit 1; }

# $(call install,WHAT FOR,REQUIREMENTS): dots show that it is alive.
define install
@echo "Installing $$(grep -c '^[a-z0-9].*==' $(2)) packages for $(1) into $(VENV), which takes a minute or two the first time"
@{ while sleep 3; do printf . >&2; done; } & dots=$$!; trap "kill $$dots; echo >&2" EXIT; \
  { $(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --require-hashes -r $(2) && \
    $(UV) pip install --quiet --compile-bytecode --python $(PYTHON) --no-deps --editable .; } >$(LOG) 2>&1 || \
  $(call said,the packages were not installed,They come from PyPI: is there a network or a proxy (HTTPS_PROXY))
@touch $@
endef

.uv/bin/uv:
	@command -v python3 >/dev/null || { echo "error: this needs some Python 3: apt install python3 python3-venv" >&2; exit 1; }
	@echo "No uv found: installing one into .uv"
	@{ python3 -m venv .uv && .uv/bin/pip install --quiet uv || python3 -m pip install --quiet --target .uv uv; } >$(LOG) 2>&1 || \
	  $(call said,uv was not installed,It comes from PyPI: is there a network or a proxy (HTTPS_PROXY))

$(VENV)/bin/python: .python-version | $(filter .uv/bin/uv,$(UV))
	@$(UV) venv --quiet --allow-existing --python "$$(cat .python-version)" $(VENV) >$(LOG) 2>&1 || \
	  $(call said,no Python $$(cat .python-version),Install it or let this machine reach github.com from which uv fetches one)
	@touch $@

$(VENV)/.demo: requirements/demo.txt pyproject.toml $(VENV)/bin/python
	$(call install,the demo,requirements/demo.txt)

$(VENV)/.dev: requirements/dev.txt pyproject.toml $(VENV)/bin/python
	$(call install,the tests,requirements/dev.txt)
	@touch $(VENV)/.demo

.PHONY: demo
demo: $(VENV)/.demo ## Run everything on this machine and show what happened (ARGS="--keep" leaves it running)
	@exec $(VENV)/bin/racing-coach demo $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## Run the tests, the long ones in their short form (PYTEST_ARGS="tests/rig -n 1")
	RACING_COACH_TEST_FORK=1 RACING_COACH_TEST_PER_CORE=2 $(PYTHON) -m pytest -n auto -m "not long" $(PYTEST_ARGS)

.PHONY: test-all
test-all: $(VENV)/.dev ## Run every test, and measure their coverage
	$(PYTHON) -m pytest -n auto --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## Check style and import contracts
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/lint-imports

.PHONY: types
types: $(VENV)/.dev ## Check types, strictly
	$(VENV)/bin/mypy

.PHONY: format
format: $(VENV)/.dev ## Format the code
	$(VENV)/bin/ruff check --fix-only --quiet
	$(VENV)/bin/ruff format

.PHONY: bench
bench: $(VENV)/.dev ## Measure speed and memory (QUICK=1 for two minutes)
	$(PYTHON) -m benchmarks.run $(if $(QUICK),--quick) --output build/bench.json

.PHONY: bench-web
bench-web: $(VENV)/.dev ## Measure the pages in a real browser (QUICK=1 for a minute)
	$(PYTHON) -m benchmarks.web.run $(if $(QUICK),--quick) --output build/web-bench.json

.PHONY: screenshots
screenshots: $(VENV)/.dev ## Take the pictures of the pages in docs/images anew
	$(PYTHON) -m benchmarks.web.screenshots

.PHONY: coach-eval
coach-eval: $(VENV)/.dev ## Prove the coach against planted faults (QUICK=1 for a minute; REAL=FILE adds a real lap)
	$(PYTHON) -m benchmarks.coaching.run $(if $(QUICK),--quick) $(if $(REAL),--real "$(REAL)") --output build/coach-eval.json

.PHONY: fleet
fleet: $(VENV)/.dev ## Drive RIGS simulated rigs for MINUTES against the real daemon (KILL_EVERY=60 kills it; RIGS=250,500 finds the knee)
	$(PYTHON) -m benchmarks.fleet.run $(if $(QUICK),--quick) --rigs $(or $(RIGS),1000) --minutes $(if $(filter file,$(origin MINUTES)),10,$(MINUTES)) $(if $(KILL_EVERY),--kill-every $(KILL_EVERY)) $(if $(PAGE),--markdown $(PAGE)) --output build/fleet.json

.PHONY: million
million: $(VENV)/.dev ## Ask everything of a database of ROWS=1000000 laps, and time it
	$(PYTHON) -m benchmarks.million.run --rows $(or $(ROWS),1000000) $(if $(PAGE),--markdown $(PAGE))

.PHONY: lifecycle
lifecycle: $(VENV)/.dev ## Export, erase and prune laps by the thousand beside laps that come (LAPS=100,300)
	$(PYTHON) -m benchmarks.lifecycle.run $(if $(LAPS),--laps $(LAPS)) $(if $(PAGE),--markdown $(PAGE))

$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	@echo "Installing the fuzzer into $(VENV)"
	@$(UV) pip install --quiet --python $(PYTHON) --require-hashes -r requirements/fuzz.txt
	@touch $@

.PHONY: fuzz
fuzz: $(VENV)/.fuzz ## Fuzz every decoder and reader for MINUTES, guided by coverage (LANDING=1: a minute, the same each time)
	$(PYTHON) -m tests.fuzz.fuzz_all $(if $(LANDING),--landing,--seconds $$(($(MINUTES) * 60)))

.PHONY: soak
soak: $(VENV)/.dev ## Drive laps through random faults for MINUTES (SEED=n repeats a run)
	$(PYTHON) -m tests.faults.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

.PHONY: lock
lock: $(VENV)/bin/python ## Pin the dependencies again
	$(UV) pip compile -q -U --universal --python-version 3.13 --generate-hashes --custom-compile-command "make lock" pyproject.toml --extra server -o requirements/server.txt
	$(UV) pip compile -q --universal --python-version 3.13 --generate-hashes --custom-compile-command "make lock" pyproject.toml --extra web -c requirements/server.txt -o requirements/web.txt
	$(UV) pip compile -q --universal --python-version 3.13 --generate-hashes --custom-compile-command "make lock" pyproject.toml --extra demo -c requirements/web.txt -o requirements/demo.txt
	$(UV) pip compile -q --universal --python-version 3.13 --generate-hashes --custom-compile-command "make lock" pyproject.toml --extra demo --group dev -c requirements/demo.txt -o requirements/dev.txt
	echo "atheris==3.1.0" | $(UV) pip compile -q - --universal --python-version 3.13 --generate-hashes --custom-compile-command "make lock" -o requirements/fuzz.txt

.PHONY: clean
clean: ## Remove what was built and installed here
	rm -rf $(VENV) .uv $(LOG) build .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
