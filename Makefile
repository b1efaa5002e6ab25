# Everything that a fresh clone needs is Python 3.11 or newer, and make.

PYTHONS := python3.14 python3.13 python3.12 python3.11 python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCK := deploy/requirements.lock
COMPILED := build/compiled/.installed
DOCS := build/docs/.installed
CODE := scoring streams tests setup.py

# The shell's own Python settings must not reach into the environment made here.
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

# The tests choose their own settings: hide the user's, but for those that name services for the tests.
WITHOUT_SETTINGS = env $$(env | sed -n 's/^\(ENGAGEMENT_[A-Za-z0-9_]*\)=.*/\1/p' | sed '/^ENGAGEMENT_TEST_/d; s/^/-u /') \
	-u PYTEST_ADDOPTS

BENCHMARK = $(WITHOUT_SETTINGS) $(BIN)/python -m tests.benchmarks

.DEFAULT_GOAL := help
.PHONY: help install demo test faults soak fuzz memory check docs format translated compiled dist clean \
	bench bench-decode bench-latency bench-memory bench-silence bench-scale bench-start bench-plots

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## Build the environment in .venv (the others do it when needed)
	@:

demo: $(INSTALLED) ## Run everything embedded, with traffic, until Ctrl-C (or FOR=20s)
	@$(BIN)/engagement demo $(if $(FOR),--for $(FOR))

# Most of a test's time is spent waiting, so several run side by side, each with servers of its own. In the order of the
# folders, the quick ones of tests/unit come last and keep all of them busy to the end.
test: $(INSTALLED) ## Run every test (ARGS="-k name" for some)
	@$(WITHOUT_SETTINGS) $(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(INSTALLED) ## Inject faults while events flow, and compare all that comes out (ARGS="-k name" for some)
	@$(WITHOUT_SETTINGS) $(BIN)/python -m pytest tests/faults -m faults $(ARGS)

soak: $(INSTALLED) ## Inject a random mix of faults for ten minutes (FOR=2m, SEED=7), and compare all that comes out
	@$(WITHOUT_SETTINGS) ENGAGEMENT_TEST_SOAK_FOR=$(FOR) ENGAGEMENT_TEST_SOAK_SEED=$(SEED) \
		$(BIN)/python -m pytest tests/faults -m soak -s $(ARGS)

fuzz: $(INSTALLED) ## Send a million mutated records through decoding and scoring (ARGS="--seed 7")
	@$(WITHOUT_SETTINGS) $(BIN)/python -m tests.fuzz $(ARGS)

memory: $(INSTALLED) ## Measure the memory of a worker under a backlog of ten million events (ARGS="--events 400000")
	@$(WITHOUT_SETTINGS) $(BIN)/python -m tests.memory --events 10000000 $(ARGS)

check: $(INSTALLED) ## Run the linter, the format check, the type checker and the check of what imports what
	@$(BIN)/ruff check --quiet $(CODE) && $(BIN)/ruff format --quiet --check $(CODE) && $(BIN)/mypy
	@report=$$($(BIN)/lint-imports --no-cache --no-logo) || { echo "$$report"; exit 1; }

# The builder is an extra with an environment of its own: nothing else needs it.
docs: $(DOCS) ## Build the pages of docs/ into build/docs/html; a link that leads nowhere is an error
	@build/docs/env/bin/sphinx-build --quiet --fail-on-warning --keep-going --conf-dir docs . build/docs/html
	@echo "build/docs/html/docs/index.html"

format: $(INSTALLED) ## Format the code and fix what the linter can
	@$(BIN)/ruff check --quiet --fix-only $(CODE) && $(BIN)/ruff format $(CODE)

# The image is compiled, and not all that Python takes can be.
translated: $(INSTALLED) ## Have mypyc translate the hot path to C, without compiling it
	@COMPILE_HOT_PATH=1 $(BIN)/python setup.py --quiet --name >/dev/null

compiled: $(COMPILED) ## Build the package with its hot path compiled, into build/compiled (takes a C compiler)
	@:

# What is released: the wheel is built from the source archive, so that the archive is known to be whole.
dist: $(INSTALLED) ## Build dist/*.tar.gz and dist/*.whl, install them into an empty environment, and run the demo there
	@rm -rf dist build/lib build/dist && mkdir -p build/dist
	@$(BIN)/python -c 'from setuptools import build_meta; build_meta.build_sdist("dist")' >build/dist/log 2>&1 \
		|| { cat build/dist/log; exit 1; }
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz
	@$(BIN)/python -m venv build/dist/env
	@build/dist/env/bin/python -m pip install --quiet --disable-pip-version-check "$$(echo dist/*.whl)[embedded]"
	@cd build/dist && PATH="$(CURDIR)/build/dist/env/bin:$$PATH" engagement demo --for 15s

bench: $(COMPILED) ## Measure the speed of the service against its peers (KAFKA=real, embedded or both)
	@$(BENCHMARK).decoding
	@$(BENCHMARK).throughput $(if $(KAFKA),--kafka $(KAFKA)) $(ARGS)

bench-decode: $(COMPILED) ## Measure the decoding of records by their shapes, beside their decoders alone (ARGS="--plain")
	@$(BENCHMARK).decoding $(ARGS)

bench-latency: $(COMPILED) ## Measure the time from an event to its score and its alert, under 20,000 events/s
	@$(BENCHMARK).latency $(ARGS)

bench-memory: $(COMPILED) ## Measure the memory of Redis per customer, and of a worker with a million active ones
	@$(BENCHMARK).memory_use $(ARGS)

bench-silence: $(COMPILED) ## Measure what silence costs, and the stream through a midnight
	@$(BENCHMARK).silence $(ARGS)

bench-scale: $(COMPILED) ## Measure the work per event with 1, 2, 4 and 8 workers
	@$(BENCHMARK).scale $(ARGS)

bench-start: $(COMPILED) ## Measure a worker's start, and the replay of a month's backlog
	@$(BENCHMARK).cold_start $(ARGS)

bench-plots: $(COMPILED) ## Measure how time and memory grow, and draw it into build/plots (takes long)
	@$(BENCHMARK).growth $(ARGS)

clean: ## Remove what the other commands made
	@rm -rf $(VENV) dist .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

$(INSTALLED): $(LOCK) pyproject.toml $(BIN)/python
	@echo "Installing the packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DOCS): pyproject.toml $(BIN)/python
	@echo "Installing what builds the pages into build/docs/env ..."
	@mkdir -p build/docs && $(BIN)/python -m venv --clear build/docs/env
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["docs"], sep="\n")' \
		>build/docs/requirements.txt
	@build/docs/env/bin/python -m pip install --quiet --disable-pip-version-check --requirement build/docs/requirements.txt
	@touch $@

$(COMPILED): $(INSTALLED) setup.py $(shell find scoring streams -name '*.py' -o -name '*.lua')
	@echo "Compiling the hot path into build/compiled ..."
	@mkdir -p build && find build -mindepth 1 -maxdepth 1 ! -name peers ! -name plots ! -name docs -exec rm -rf {} +
	@COMPILE_HOT_PATH=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --target build/compiled .
	@touch $@

# A name on the PATH may be a stub that runs nothing, and a Python may lack what makes environments: try each.
$(BIN)/python:
	@newest=; for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
		newest=$${newest:-$$python}; \
		"$$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || continue; \
		echo "Making $(VENV) with $$("$$python" --version) ..."; \
		exec "$$python" -m venv --clear $(VENV); \
	done; \
	if [ -n "$$newest" ]; then \
		echo "$$newest cannot make environments: its modules venv and ensurepip are missing." >&2; \
		echo "On Debian and Ubuntu the package python3-venv has them." >&2; \
	else \
		echo "Python 3.11 or newer is needed, and none of these is one: $(PYTHONS)" >&2; \
	fi; exit 1
