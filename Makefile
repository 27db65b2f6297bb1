# Everything below sets itself up: a .venv, then the locked dependencies, again only when the lock changes.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PROFILE ?= standard
ARGS   ?=
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# uv is the first package of the lock to be installed, and installs the others in a third of the time that pip takes. Where
# it cannot (an index that only pip's configuration names), pip does.
UV_INSTALL := sed -n '/^uv==/,/[^\\]$$/p' requirements.lock | $(PIP) --require-hashes -r /dev/stdin \
	&& UV_HTTP_TIMEOUT=15 UV_HTTP_RETRIES=0 $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock

.DEFAULT_GOAL := help
.PHONY: help bench smoke sweep example test figures lint format lock clean setup

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

bench: setup ## measure the usual strategies on the usual workloads and write results/<run>/report.html (PROFILE=standard)
	$(BIN)/bench run --profile $(PROFILE) $(ARGS)

smoke: setup ## the smallest full run: every step once, in under two minutes
	$(BIN)/bench run --profile smoke $(ARGS)

# Sizes of a pool of processes or workers follow the machine's cores. What waits is limited by the profile's 64 users: of
# 256 threads the report says that they cannot fill them. Afterwards the report of the newest `make bench` shows the sweep,
# too: so its claims about sizes have their evidence.
sweep: setup ## which size is enough? pools, workers, tokens, connections (about 14 minutes on 2 cores)
	$(BIN)/bench sweep --add-to newest -w io -w cpu -w db \
		async_thread_pool threads=1,4,16,64,256 \
		async_process_pool processes=1,0.5xcores,cores,1.5xcores,2xcores \
		multi_worker workers=1,0.5xcores,cores,1.5xcores,2xcores \
		sync_def tokens=10,20,64 \
		pure_async client_connections=10,20,40,64 \
		asyncpg_pool connections=5,15,30,60 $(ARGS)

# Replaced only when the run has ended well. Logs are left out: a traceback names folders of the machine.
example: setup ## measure results/example/ again, the small run that the notebook reads (about five minutes)
	rm -rf build/example
	-$(BIN)/bench calibrate --results build/example
	$(BIN)/bench run --profile notebooks/example.toml --results build/example \
		-s sync_def -s fake_async -s pure_async_aiohttp -s async_process_pool
	rm -rf results/example
	mv build/example/*-* results/example
	rm -rf results/example/.measuring results/example/preflight
	find results/example -name '*.log' -delete
	$(BIN)/bench report results/example
	$(BIN)/python -m tests.notebook_kit
	$(BIN)/python -m pytest -q tests/unit/test_example.py tests/integration/test_explore_notebook.py

test: setup ## all tests, on real servers, a real Locust and a real browser (ARGS="-k name")
	@$(BIN)/python -m tests $(ARGS)

figures: setup ## what the instrument must reach (speed, priority, memory); wants the machine alone
	$(BIN)/python -m pytest tests/figures -s $(ARGS)

lint: setup ## ruff, mypy --strict, the import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup ## add what pyproject.toml asks for to the lock files (UPGRADE=--upgrade: newer versions of all)
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --extra dev --extra servers --python-version 3.11 \
		--no-header --quiet $(UPGRADE) -o requirements.lock
	$(BIN)/uv pip compile --group targets --constraints requirements.lock --universal --generate-hashes \
		--python-version 3.11 --no-header --quiet -o targets.lock

clean: ## remove the environments, caches and this checkout's runs (results/example/ stays)
	rm -rf $(VENV) .pythons .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find results -mindepth 1 -maxdepth 1 ! -name example ! -name .gitignore -exec rm -rf {} +

# Packages are compiled to bytecode while they are installed; our own modules are compiled here, since a machine may set
# PYTHONDONTWRITEBYTECODE and every boot starts several Python processes. What does not compile is `bench`'s to say: it
# names the file and measures the others. A .venv without pip is one whose making was interrupted.
setup:
	@test -x $(BIN)/pip || { \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "PYTHON: $(PYTHON) is %d.%d; set PYTHON= to a Python >= 3.11" % sys.version_info[:2] or 0)' \
		&& echo "Making $(VENV)" && $(PYTHON) -m venv --clear $(VENV); }
	@cmp -s requirements.lock $(VENV)/requirements.lock || { \
		echo "Installing requirements.lock" \
		&& { $(UV_INSTALL) || { echo "uv cannot install it (see above): pip does, which takes longer" \
			&& $(PIP) --require-hashes -r requirements.lock; }; } \
		&& cp requirements.lock $(VENV)/requirements.lock; }
	@cmp -s pyproject.toml $(VENV)/pyproject.toml || { \
		$(PIP) --no-deps --no-build-isolation --config-settings editable_mode=compat -e . \
		&& cp pyproject.toml $(VENV)/pyproject.toml; }
	@$(BIN)/python -m compileall -q harness targets scenarios >/dev/null || true
