# Everything there is to do with this project. `make run` and `make test` work in a fresh clone.
# The environment is .venv; another Python: make run PYTHON=python3.12. More for pytest: make test ARGS="-k schema".

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
IN_RANGE := import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(IN_RANGE)' >/dev/null 2>&1 && { echo $$p; break; }; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help run setup test thorough quick check format bench promises field tables soak clean wheel lock system-run system-test
.DEFAULT_GOAL := help

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

run: setup ## Open the window, after installing what it needs
	$(BIN)/dnnstudio $(ARGS)

setup: system-run $(VENV)/.run ## Install what the program needs into .venv; open nothing

test: system-test $(VENV)/.test ## Run the tests, after installing what they need; say which were slowest
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=20 -m "not thorough" $(ARGS)

thorough: system-test $(VENV)/.test ## Run the further cases that `make test` leaves out
	$(BIN)/python -m pytest -n 2 --dist loadfile -m thorough $(ARGS)

# What is quick needs no Keras: rules of the house, the core, and the parts of the window that start no program.
QUICK := tests/test_architecture.py tests/test_import_order.py tests/test_files_of_0_1_0.py tests/core \
	tests/gui/base tests/gui/theme tests/gui/widgets tests/gui/forms tests/gui/panels tests/gui/stack

quick: system-test $(VENV)/.test ## Run the tests of the core and the quick ones of the window: a minute or so
	$(BIN)/python -m pytest -n 2 --dist loadfile $(QUICK) $(ARGS)

check: $(VENV)/.test ## Formatting, lint and types, of the program and its tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.test ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: system-test $(VENV)/.test ## Measure speed side by side; write resources/bench and the README's table
	$(BIN)/python -m pytest tests/benchmarks -s $(ARGS)

# PROMISES=7,8 measures some again.
promises: system-test $(VENV)/.test ## Test the promises of reliability, print their figures and write the README's table
	$(BIN)/python -m pytest -m promise $(ARGS)

field: $(VENV)/.test ## Try `new`, `check` and `run` on the tables of public packages; fetches them
	$(BIN)/python tools/field.py $(ARGS)

tables: $(VENV)/.test ## Compare what `new` proposes for 20 real tables with scikit-learn; fetches them
	$(BIN)/python tools/compare_field.py $(ARGS)

soak: system-test $(VENV)/.test ## Many runs and edits in one process, and closes while training; takes an hour or so
	$(BIN)/python -m pytest tests/soak --timeout 14400 $(ARGS)

wheel: $(VENV)/.run ## Build the wheel into dist/
	$(PIP) wheel . --no-deps --no-build-isolation --wheel-dir dist

lock: ## Pin new versions in the requirements files (needs uv)
	$(PYTHON) tools/lock.py

clean: ## Remove what was built and cached, but not .venv
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

system-run system-test: system-%:
	@test -n "$(PYTHON)" || { echo "dnnstudio needs Python 3.11, 3.12 or 3.13, and none was found."; exit 1; }
	@sh tools/system-packages.sh $* $(PYTHON)

$(BIN)/python: | system-run
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# compileall: what pip does with every package but an editable one; the first start need not do it.
# --no-build-isolation: setuptools is among the pinned packages, so that nothing unpinned is fetched.
$(VENV)/.run: requirements.txt pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q dnnstudio
	@touch $@

$(VENV)/.test: requirements-test.txt requirements-keras-2.txt $(VENV)/.run
	$(PIP) install --require-hashes -r requirements-test.txt
	$(PIP) install --require-hashes --no-deps -r requirements-keras-2.txt
	@touch $@
