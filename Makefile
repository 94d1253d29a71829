# Everything starts here, from a bare checkout: python3 (3.11 or newer) and make are enough.

.DEFAULT_GOAL := help
export UV_PYTHON_DOWNLOADS := never
RUN := .venv/bin/python
UV := $(shell command -v uv)
ifeq ($(UV),)
UV := .venv/bin/uv
.venv/synced: | $(UV)
endif

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

# The environment: made once, synchronised whenever the lock changes. The version test
# comes first, because uv would replace a .venv of another Python, and itself with it.
.venv/bin/uv:
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tollgate needs Python 3.11 or newer.")'
	@python3 -c 'import ensurepip' || { echo "Python lacks its venv module (Debian: apt-get install python3-venv)."; exit 1; }
	python3 -m venv .venv
	.venv/bin/pip install --quiet uv

.venv/synced: requirements.lock
	test -x $(RUN) || $(UV) venv --quiet --python '>=3.11' .venv
	$(UV) pip install --quiet --python $(RUN) --require-hashes -r requirements.lock
	@touch $@
