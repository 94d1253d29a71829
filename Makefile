# Everything starts here, from a bare checkout: python3 (3.11 or newer) and make are enough.

.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
RUN := .venv/bin/python
UV := $(shell command -v uv)
ifeq ($(UV),)
UV := .venv/uv/bin/uv
.venv/synced: | $(UV)
endif
# The distribution's own Python comes first: Debian's runs our code a sixth faster than
# one linked against a shared libpython, as pyenv builds it (docs/decisions/0016).
NEW := import sys, ssl, sqlite3, ctypes; sys.exit(sys.version_info < (3, 11))
PYTHON := $(shell /usr/bin/python3 -c '$(NEW)' 2>/dev/null && echo /usr/bin/python3 || echo python3)

.PHONY: help demo test check bench contract lock

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/synced ## The whole product with a month of calls on 127.0.0.1; Ctrl-C stops it
	$(RUN) -m sandbox.demo

test: .venv/synced ## Every test that this machine can run, on SQLite and PostgreSQL
	$(RUN) -m tests

check: .venv/synced ## Lint, types, layers, house rules, migrations, deployment settings
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy .
	.venv/bin/lint-imports
	$(RUN) -m pytest tests/architecture -q
	$(RUN) manage.py makemigrations --check --dry-run --settings config.settings.test
	$(RUN) -m tests.deployment

bench: .venv/synced ## The scoreboard: what Tollgate does in a second
	$(RUN) -m benchmarks

contract: .venv/synced ## Write docs/openapi.json anew from the API; review what changed
	$(RUN) manage.py export_openapi_schema --api config.api.api --indent 2 --output docs/openapi.json --settings config.settings.test

lock: .venv/synced ## Write the lock files anew from pyproject.toml
	$(UV) pip compile $(LOCK) --group dev pyproject.toml --output-file requirements.lock
	$(UV) pip compile $(LOCK) pyproject.toml --output-file requirements-prod.lock
LOCK := --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url

# The environment: made once, synchronised whenever the lock changes. Without a uv on this
# machine it gets one of its own, by whichever python3 has pip to install it.
.venv/bin/python:
	@$(PYTHON) -c '$(NEW)' || { echo "Tollgate needs Python 3.11 or newer."; exit 1; }
	$(PYTHON) -m venv --without-pip .venv

.venv/uv/bin/uv: | .venv/bin/python
	@python3 -c 'import ensurepip' || { echo "Python lacks its venv module (Debian: apt-get install python3-venv)."; exit 1; }
	python3 -m venv .venv/uv
	.venv/uv/bin/pip install --quiet uv

.venv/synced: requirements.lock | .venv/bin/python
	$(UV) pip install --quiet --python $(RUN) --require-hashes -r requirements.lock
	@touch $@
