# `make help` lists the targets.
# PYTHON=python3.12 chooses the interpreter of .venv. Without it, an existing .venv is kept.

PY := .venv/bin/python
WITH_NODE := PATH="$(CURDIR)/.venv/bin:$$PATH"
SET_UP := $(if $(PYTHON),$(PYTHON),python3) tools/setup_venv.py
RECREATE := $(if $(PYTHON),--recreate)
GENERATED := tests/generated/typescript
JS_TYPES := tests/shopper_app/types
NODE_TESTS := $(dir $(wildcard tests/interop/node/package.json))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

##@ Run it
.PHONY: run
run: setup ## set up, then start the demo: server, worker and storefront
	@exec .venv/bin/handcart demo

.PHONY: setup
setup: ## make .venv from the locked requirements
	@$(SET_UP) runtime $(RECREATE)

##@ Work on it
# worksteal: a worker without tests takes some from the others, so that none waits for the longest tests
AT_ONCE := -n auto --maxprocesses 4 --dist worksteal -m "not serial"
# Bytecode is always kept, because the tests start some two hundred processes.
test test-fast torture: export PYTHONDONTWRITEBYTECODE :=

# The serial tests run first and alone. Only their files are read: collecting the others takes longer than some of them.
SERIAL = $(shell grep -rl --include='test_*.py' 'mark\.serial' tests | sort)

.PHONY: test
test: setup-tests ## run every test, on SQLite and PostgreSQL, in a real browser
	@$(WITH_NODE) $(PY) -m pytest -m serial $(SERIAL); serial=$$?; \
	$(WITH_NODE) $(PY) -m pytest $(AT_ONCE) && [ $$serial -eq 0 ]

.PHONY: test-fast
test-fast: setup-dev ## run the tests for daily work in two minutes: on SQLite, without browsers, races and processes
	@FAST_RUN=1 $(PY) -m pytest -q $(AT_ONCE)

.PHONY: check
check: setup-dev $(JS_TYPES)/node_modules/.package-lock.json ## check format, lint, types, phrases, layers and names of tests before a commit
	$(PY) -m ruff format --quiet --diff .
	$(PY) -m ruff check --quiet .
	$(PY) -m mypy
	@$(WITH_NODE) $(JS_TYPES)/node_modules/.bin/tsc --project $(JS_TYPES)
	$(PY) client/generate_sync.py --check
	$(PY) tools/plain_english.py
	$(PY) -m pytest -q tests/architecture/test_layers.py tests/architecture/test_names.py

.PHONY: format
format: setup-dev ## format the code and apply the safe fixes
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

.PHONY: docs
docs: setup-dev ## generate the documents that are made from code: OpenAPI, settings, states of orders, events, acts
	@$(PY) -m tools.generate_docs

.PHONY: torture
torture: setup-tests ## run races and random histories at full length (an hour)
	LONG_RUNS=1 $(PY) -m pytest -q -o faulthandler_timeout=0 tests/races tests/slots/test_machine.py tests/orders/test_machine.py \
		tests/batches/test_machine.py tests/acts/test_runs.py tests/sandbox/robot/test_ops.py \
		tests/callbacks/test_machine.py tests/callbacks/test_order.py tests/callbacks/test_receivers.py \
		tests/sign_in/test_limits.py tests/messages/test_kills.py

.PHONY: mutants
mutants: setup-dev ## make many small changes to the code and list those that no test notices (MUTANTS="slots --sample 60")
	$(PY) -m tools.mutants $(MUTANTS)

.PHONY: generated-clients
generated-clients: setup-tests $(GENERATED)/node_modules/.package-lock.json ## place orders with clients made from docs/openapi.json
	@$(PY) -m tools.ensure_system --generated-clients
	@$(WITH_NODE) $(PY) -m pytest -q -n 0 tests/generated/journeys.py

.PHONY: bench
bench: setup-tests ## measure speed, and compare it with a limit program and other servers
	$(WITH_NODE) $(PY) -m bench
	$(PY) -m bench.callbacks
	$(PY) -m bench.neighbours
	$(PY) -m bench.acts
	$(PY) -m bench.order_page
	$(PY) -m bench.console
	$(PY) -m bench.offline_start

.PHONY: sizes
sizes: setup ## print the sizes of files, functions and domains
	@$(PY) tools/sizes.py

##@ Look after it
.PHONY: lock
lock: setup-dev ## write the locked requirements again (make lock UPGRADE=--upgrade takes newer releases)
	$(LOCK) --output-file requirements/runtime.txt $(RUNTIME)
	$(LOCK) --output-file requirements/dev.txt --constraint requirements/runtime.txt $(RUNTIME) --extra assignment --group test --group check

LOCK := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--annotation-style line --custom-compile-command "make lock" $(UPGRADE)
RUNTIME := pyproject.toml client/pyproject.toml --group build --group storefront

.PHONY: dist
dist: setup-dev ## build wheels and source archives of the server and the client into dist/
	@$(PY) -m tools.dist

.PHONY: try-dist
try-dist: setup-dev ## build them, install them into empty environments without a package index, and use them
	@$(PY) -m tools.dist --try

.PHONY: clean
clean: ## remove .venv, installed packages and caches; data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .schemathesis
	find . -name node_modules -prune -exec rm -rf {} +
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: setup-dev
setup-dev:
	@$(SET_UP) dev $(RECREATE)

.PHONY: setup-tests
setup-tests: setup-dev $(NODE_TESTS:%=%node_modules/.package-lock.json)
	@$(PY) -m tools.ensure_system

# npm writes this file last, and the lock it installs from is part of the repository
%/node_modules/.package-lock.json: %/package-lock.json | setup-dev
	$(WITH_NODE) npm ci --prefix $* --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@
