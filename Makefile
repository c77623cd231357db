# Works on a bare machine with Python 3.11 or newer: what a target needs is set up first, inside this folder.

PYTHON := .venv/bin/python
# What is installed: everything, or with REQUIREMENTS=requirements.txt what production needs and nothing else.
REQUIREMENTS := requirements-dev.txt
READY := .venv/installed-$(REQUIREMENTS)
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
# The checks use the database server of the tests, never the demo's.
TEST := MODE=test DATA_DIR="$(CURDIR)/.data/test"
# The formatter of templates takes files, not folders.
TEMPLATES := find templates -name '*.html' -print0 | xargs -0 .venv/bin/djade --target-version 5.2
# Settings as strict as production's; the values are thrown away.
PRODUCTION := MODE=production DATA_DIR="$(CURDIR)/.data/test" ALLOWED_HOSTS=records.example \
	SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(50))') \
	VAULT_KEYRING=/dev/null SEALED_KEYRING=/dev/null AUDIT_SIGNING_KEY_FILE=/dev/null AUDIT_WITNESS_FILE=/dev/null

.PHONY: help setup production demo accounts quick test check coverage fix hooks stop bench slow fuzz browser messages lock pictures
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) $(CATALOGUES) ## install what is needed into .venv and compile the translations

production: ## install what production needs, and nothing else, and compile the translations
	@$(MAKE) --no-print-directory setup REQUIREMENTS=requirements.txt

demo: setup ## everything on this machine, with an invented city (PORT=8000, DEMO_PASSWORD=...)
	@MODE=demo exec $(PYTHON) manage.py demo

accounts: setup ## the accounts of the demo again
	@MODE=demo $(PYTHON) manage.py accounts

quick: setup ## what changed since the main branch: lint, types, templates, words and the tests that belong to it (a minute)
	@$(PYTHON) -m tests.quick

test: setup ## the tests, browser included where there is a Chromium
	$(PYTHON) -m pytest -n 2 tests

check: setup ## exactly what CI runs
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(TEMPLATES) --check
	$(TEST) $(PYTHON) -m mypy
	$(TEST) $(PYTHON) manage.py makemigrations --check --dry-run
	$(TEST) $(PYTHON) manage.py check_translations
	$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING
	$(PYTHON) -m pytest -n 2 tests

coverage: setup ## all tests, and how much of the code, its branches and the templates they reach; fails below the floor
	@mkdir -p .data/coverage
	@$(PYTHON) -m coverage erase
	$(PYTHON) -m coverage run -m pytest -n 2 tests
	@$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report

hooks: setup ## before each commit `make fix` and what is quick of the checks, before each push `make quick`
	$(PYTHON) -m pre_commit install

fix: setup ## format code and templates, and repair what ruff can repair
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
	$(TEMPLATES)

stop: $(READY) ## end the demo and the embedded database servers; the data stays
	@$(PYTHON) -m config.stop

bench: setup ## the benchmark with its baselines
	$(PYTHON) -m tests.bench

slow: setup ## soak, crash and scale tests
	$(PYTHON) -m pytest -m slow tests

fuzz: setup ## hostile values in every form of every role, found by itself (about ten minutes)
	$(PYTHON) -m tests.fuzz

browser: setup ## only the journeys in a real Chromium
	BROWSER_REQUIRED=1 $(PYTHON) -m pytest -m browser tests

pictures: setup ## take the pictures of the docs anew
	PICTURES=1 BROWSER_REQUIRED=1 $(PYTHON) -m pytest tests/functional/test_pictures.py

messages: setup ## collect the texts to translate (needs gettext)
	$(TEST) $(PYTHON) manage.py makemessages --locale zh_Hans --no-wrap --no-location --ignore '.venv/*' --ignore '.data/*'

LOCK := uv pip compile --quiet --no-header --generate-hashes --no-emit-index-url --universal --python-version 3.11
lock: ## pin every dependency with its hashes (needs uv)
	@command -v uv > /dev/null || { echo "uv is needed to lock the dependencies; install it with: pip install uv" >&2; exit 1; }
	$(LOCK) --all-extras --output-file requirements-dev.txt pyproject.toml
	$(LOCK) --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml

$(READY): $(REQUIREMENTS)
	@python=$$(command -v python3.11 || command -v python3 || command -v python || true); \
	if [ -z "$$python" ] || ! "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
		echo "Python 3.11 or newer is needed and was not found (looked for python3.11, python3, python)." >&2; exit 1; fi; \
	[ -x $(PYTHON) ] && $(PYTHON) -c '' 2> /dev/null || "$$python" -m venv --clear .venv || \
		{ echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing the packages (once, about a minute) ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(REQUIREMENTS)
	@touch $@

%.mo: %.po $(READY)
	@$(PYTHON) -m babel.messages.frontend --quiet compile --input-file $< --output-file $@
