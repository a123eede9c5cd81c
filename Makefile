# Needs Python >= 3.11, make and pip. Everything else goes into .venv and .tox; `make clean` removes both.

TOX := .venv/bin/tox
PROJECTS := $(wildcard lotusx-*/pyproject.toml plugins/*/pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help demo watch test quality bench docs clean venv

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

demo: .venv/.demo  ## watch a live book, an order and a healed connection on a simulated exchange
	@.venv/bin/python examples/first_light.py

watch: .venv/.watch  ## trade on at a simulated exchange that misbehaves, with Prometheus metrics at port 9464
	@.venv/bin/lotusx demo --metrics 9464 --faults

test: .venv/.tox  ## lint, types, import rules, unit and end-to-end tests with coverage (tox -e main)
	@$(TOX) run -e main

quality: .venv/.tox  ## only lint, types and import rules
	@$(TOX) run -e lint,type,imports

bench: .venv/.tox  ## benchmarks against other clients, as ratios
	@$(TOX) run -e bench

docs: .venv/.tox  ## build the site strictly and run every code block in it
	@$(TOX) run -e docs

clean:  ## remove environments, caches and build results
	rm -rf .venv .tox .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage site dist build bench/.envs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@sh .ci/venv

.venv/.demo: $(PROJECTS) .ci/install.py | venv
	@echo "installing lotusx-core, lotusx-sim and lotusx-binance into .venv"
	@.venv/bin/python .ci/install.py core sim binance
	@touch $@

.venv/.watch: $(PROJECTS) .ci/install.py | venv
	@echo "installing lotusx-cli, lotusx-sim, lotusx-binance and lotusx-prometheus into .venv"
	@.venv/bin/python .ci/install.py cli sim binance prometheus
	@touch $@

.venv/.tox: Makefile | venv
	@echo "installing tox into .venv"
	@.venv/bin/python -m pip install --quiet 'tox>=4.22'
	@touch $@
