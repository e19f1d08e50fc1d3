# What a newcomer needs: `make demo` and `make test`. Every target builds .venv first if it must.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed.stamp
UPGRADE ?=
RUNTIMES ?= node web arm64 ort-1.15.1 ort-1.20.1 ort-1.21.1 coreml

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo picture docs test runtime runtime-ci conformance sdk oracles lint types check bench bench-quantize lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## Create .venv with the hash-checked packages of requirements.lock

# The stamp comes last: an interrupted install leaves none, and the next try goes on from where pip stopped.
# --no-deps: the lock names every package, and pip must not look beyond it (a newer release would confuse it).
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else "Python %d.%d: edgepack needs 3.11, 3.12 or 3.13; run for example: make PYTHON=python3.12" % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
	@rm -f $@
	@echo "Installing the packages of requirements.lock into .venv (1.3 GB; some minutes the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## Train on the Ames houses, export, verify, check parity, time, report: dist/house-prices-1.report.html
	@$(BIN)/python examples/house_prices/demo.py

picture: $(STAMP) ## Draw README's picture anew, once `make demo` has run
	@$(BIN)/python -m examples.house_prices.picture

docs: $(STAMP) ## Write docs/estimators.md and README's reference anew from what is so
	@$(BIN)/python -W ignore tests/inventory/test_inventory.py
	@$(BIN)/python tests/test_readme.py

test: $(STAMP) ## Run the tests (all but the long matrix)
	@$(BIN)/pytest -n 2

runtime: $(STAMP) ## Run the zoo on every other runtime that is here and write runtime_tests/RESULTS.md
	@$(BIN)/python -m runtime_tests --out runtime_tests/RESULTS.md

runtime-ci: $(STAMP) ## Run the zoo on Node.js, a browser, arm64 and two old ONNX Runtimes; compare with RESULTS.md
	@$(BIN)/python -m runtime_tests --golden runtime_tests/RESULTS.md $(RUNTIMES)

runtime-%: $(STAMP)
	@$(BIN)/python -m runtime_tests $*

conformance: $(STAMP) ## Run the long matrix of estimators and targets
	@$(BIN)/pytest -n 2 -m conformance

sdk: $(STAMP) ## Make packages for apps of fifteen pipelines, compile them and run their tests
	@$(BIN)/pytest -m "sdk or not sdk" tests/sdk

oracles: $(STAMP) ## Compare with other tools' Core ML files and other scikit-learns, in environments of their own
	@$(BIN)/pytest -m "oracle and not conformance" -s tests/edgepack_coreml/oracles tests/parity/oracles tests/source/isolated

lint: $(STAMP) ## Check style and format with ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## Check types with mypy (strict)
	@$(BIN)/mypy

check: lint types test ## Run lint, types and test

bench: $(STAMP) ## Measure against peers and REST
	@$(BIN)/python -m benchmarks

bench-quantize: $(STAMP) ## Measure every way of quantizing on real data: docs/quantization.md
	@$(BIN)/python -m benchmarks.quantize --out docs/quantization.md

lock: $(STAMP) ## Rewrite requirements.lock from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --group build --output-file requirements.lock \
		--universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet $(UPGRADE)

clean: ## Remove .venv, dist, build and every cache
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find edgepack converters examples benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +
