# `make demo`: set everything up and make a film.   `make check`: set everything up and run every check and test.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo check serve fmt docs clean

setup: $(READY)

$(READY): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $(READY)

demo: setup
	@$(BIN)/praxino generate "a red ball bounces on a checker floor" -o demo.mp4 --seconds 4 --seed 7 --sheet demo.png
	@echo "The film: $(CURDIR)/demo.mp4   Its contact sheet: $(CURDIR)/demo.png"

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/pyright
	$(BIN)/pytest

serve: setup
	$(BIN)/praxino serve

fmt: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup
	$(BIN)/python -m praxino.cli.reference > docs/cli.md
	$(BIN)/python -m praxino.server.reference > docs/http.md

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build dist
