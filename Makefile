# make help lists the targets; each sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
GATEWAY_STAMP := .venv-gateway/.installed
PEERS_STAMP := .venv-peers/.installed
FORM ?= quick

.PHONY: help venv demo dashboard gateway test check bench bench-paths bench-peers lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(STAMP): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Pixelmeter needs Python 3.11 or newer; set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $(STAMP)

# Of its own, because the gateway needs an openai older than ours.
$(GATEWAY_STAMP): requirements-gateway.lock
	$(PYTHON) -m venv .venv-gateway
	.venv-gateway/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-gateway.lock
	@touch $(GATEWAY_STAMP)

# Of its own, because other harnesses bring a gigabyte of what we do not use. Where it
# can't be made the rows say so.
$(PEERS_STAMP): requirements-peers.lock
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-peers.lock
	@touch $(PEERS_STAMP)

venv: $(STAMP) ## the environment in .venv, from the lock

demo: venv ## the main job with no key: suite, two endpoints, comparison, projection
	@$(BIN)/pixelmeter demo

dashboard: venv ## the screens over ./data, on loopback, until Ctrl-C
	@$(BIN)/pixelmeter dashboard

gateway: venv $(GATEWAY_STAMP) ## a real LiteLLM gateway in front of an emulator, until Ctrl-C
	@$(BIN)/python tests/gateway $(GATEWAY)

test: venv ## all tests that this machine can run
	$(BIN)/python -m pytest -n 3 --dist loadgroup --durations=12

check: venv ## format, lint, types, import contracts, tests (what CI runs)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache
	$(MAKE) --no-print-directory test

bench: venv ## performance: our figures beside their targets
	$(BIN)/python tests/perf

# SAVE=--save makes what it measures the baseline.
bench-paths: venv ## our hot paths beside saved baselines; warns, never fails
	@rm -f .bench-paths.json
	-@$(BIN)/python -m pytest -q -p no:cacheprovider tests/perf/hot_paths.py --benchmark-enable --benchmark-max-time=1 --benchmark-min-rounds=5 --benchmark-warmup=on --benchmark-warmup-iterations=5 --benchmark-quiet --benchmark-json=.bench-paths.json
	-@$(BIN)/python tests/perf/compare_paths.py .bench-paths.json $(SAVE)

bench-peers: venv ## beside other harnesses, into docs/performance.md (FORM=full: longer)
	-@$(MAKE) --no-print-directory $(PEERS_STAMP)
	$(BIN)/python tests/perf/peers $(FORM)

lock: ## resolve pyproject.toml anew into hash-pinned locks
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header pyproject.toml -o requirements.lock
	.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --group dev pyproject.toml -o requirements-dev.lock
	.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header tests/gateway/requirements.in -o requirements-gateway.lock
	.venv-lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header tests/perf/peers/requirements.in -o requirements-peers.lock
	rm -rf .venv-lock

clean: ## remove the environments and caches
	rm -rf .venv .venv-gateway .venv-peers .bench-paths.json .pytest_cache .ruff_cache .import_linter_cache
