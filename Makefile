# What one does with Incasso, from a machine that has Python 3.11-3.13, pip and make.

READY := .venv/.ready
TESTS := $(if $(FAST),tests/domain tests/ledger tests/gateways,tests)

BENCH := $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

.DEFAULT_GOAL := help
.PHONY: help run test check chaos bench mutate

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## Start everything: stores, web, workers, beat, Flower; Ctrl-C stops it
	@exec .venv/bin/incasso up

test: $(READY) ## Run the test suite on its own PostgreSQL and Redis; FAST=1: the quick part
	@exec .venv/bin/pytest -n auto $(TESTS)

check: $(READY) ## Check format, lint, types and the direction of imports
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

chaos: $(READY) ## Simulate every fault, then break real processes for MINUTES=10, as SEED has it
	@exec .venv/bin/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))

mutate: $(READY) ## Take every barrier away in turn: a test must fail each time; ONLY=lock
	@exec .venv/bin/python -m tests.mutation $(ONLY)

bench: $(READY) ## Measure it beside pgbench and a naive stack; ROUNDS=5 SECONDS=5
	@exec .venv/bin/python -m benchmarks $(BENCH)

$(READY): requirements.lock pyproject.toml .ci/bootstrap
	@.ci/bootstrap
	@touch $@
