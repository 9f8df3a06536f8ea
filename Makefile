# make demo, make test: each makes a virtual environment of its own at its first run. `make help` lists the rest.

SHELL := /bin/bash
DEMO := .venv/demo
TEST := .venv/test
ARGS :=

# The first of these that is new enough and can make virtual environments. Override it: make demo PYTHON=/path/to/python3
CANDIDATES := python3 python3.13 python3.12 python3.11 python3.14
FIT := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in $(CANDIDATES); do \
    $$python -c '$(FIT)' >/dev/null 2>&1 && { echo $$python; break; }; done)

# From pip's lines: what is fetched, and its size where pip tells it.
FETCHED := /^ *(Downloading|Using cached|Processing) .*\.(whl|tar\.gz)( |$$)/ { \
    count = split($$0, part, "[/ ]"); for (i = 1; i <= count; i++) if (part[i] ~ /\.(whl|gz)$$/) split(part[i], name, "-"); \
    print "    " name[1], name[2], match($$0, /\([0-9.]+ [kMG]B\)/) ? substr($$0, RSTART) : ""; fflush() }

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint clean help
.DELETE_ON_ERROR:

demo: $(DEMO)/.installed  ## run CLEF-RT on a clip of photographs, live in the terminal
	@$(DEMO)/bin/python -m clef_rt demo $(ARGS)

test: $(TEST)/.installed  ## run the test suite; ARGS="-k wire" for a part of it
	@sh tests/rigs/install-rtsp.sh
	@$(TEST)/bin/python -m pytest $(ARGS)

lint: $(TEST)/.installed  ## check style, types and the direction of imports
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/lint-imports

clean:  ## remove the virtual environments and caches
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# $(call venv,FOLDER): make it, unless no Python fits.
define venv
	@if [ -z "$(PYTHON)" ] || ! $(PYTHON) -c '$(FIT)' 2>/dev/null; then \
	    echo "CLEF-RT needs Python 3.11 or newer with its venv module (Debian, Ubuntu: apt install python3-venv)." >&2; \
	    echo "Where it isn't on the PATH, say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
	    exit 1; \
	fi
	@echo "==> A virtual environment in $(1), with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(1)
endef

# $(call pip,FOLDER,ARGUMENTS): install, with a line for each package that is fetched, and pip's own words if it fails.
define pip
	@set -o pipefail; $(1)/bin/python -m pip install --progress-bar off -c constraints.txt $(2) 2>&1 | tee $(1)/pip.log \
	    | awk '$(FETCHED)' \
	    || { tail -n 25 $(1)/pip.log >&2; echo "==> The installation failed; all of pip's words are in $(1)/pip.log" >&2; exit 1; }
endef

$(DEMO)/.installed: pyproject.toml constraints.txt
	$(call venv,$(DEMO))
	@echo "==> Installing the runtime (no torch): about 500 MB on disk"
	$(call pip,$(DEMO),-e .)
	@echo "==> Installing scikit-image and insightface without what they need: only their sample photographs are used"
	$(call pip,$(DEMO),--no-deps scikit-image insightface)
	@touch $@

$(TEST)/.installed: pyproject.toml constraints.txt
	$(call venv,$(TEST))
	@echo "==> Installing the runtime, training, export, benchmarks and the tools for tests, torch among them: about 2.5 GB"
	$(call pip,$(TEST),-e '.[dev]')
	$(call pip,$(TEST),--no-deps insightface)
	@touch $@
