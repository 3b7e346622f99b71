# Each target makes the environment that it needs. PYTHON names the interpreter, 3.11 or newer.
PYTHON ?= python3
SAMPLE := sample-archive
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt

export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: chat test test-fast test-nightly lint pictures bench bench-chat eval clean

chat: .venv/chat  ## the chat over the sample archive
	$(BIN)/clippings add --archive $(SAMPLE) eval/articles
	$(BIN)/clippings chat --archive $(SAMPLE)

test: .venv/dev  ## everything but the nightly loops
	$(BIN)/python -m pytest -q -m "not nightly"

test-fast: .venv/dev  ## offline, in six minutes: no model, no browser
	$(BIN)/python -m pytest -q -m "not nightly and not model and not browser"

test-nightly: .venv/dev  ## the long loops
	$(BIN)/python -m pytest -q -m nightly

lint: .venv/dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

pictures: .venv/dev  ## the README's pictures of the pages, drawn anew
	CLIPPINGS_PICTURES=docs/pictures $(BIN)/python -m pytest -q tests/test_pictures.py

bench: .venv/dev .venv-others/made  ## speed and memory as an archive grows, beside what else there is: an hour, 10 GB of disk
	$(BIN)/clippings bench --others .venv-others/bin/python

bench-chat: .venv/chat  ## how the chat bears its users: ten minutes
	$(BIN)/python -m eval.bench_chat

eval: .venv/chat  ## the evals over the sample set
	$(BIN)/clippings eval

.venv/chat: pyproject.toml constraints.txt
	@echo "Making .venv: two or three minutes and two gigabytes, once."
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	@touch $@

# Where the core of Milvus cannot be installed, its tests are skipped, by name.
.venv/dev: .venv/chat tests/milvus_core.txt
	$(PIP) --editable '.[dev]'
	-$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --upgrade --require-hashes --target .venv/milvus \
		--requirement tests/milvus_core.txt
	@touch $@

.venv-others/made: eval/others.txt
	$(PYTHON) -m venv .venv-others
	.venv-others/bin/python -m pip install --quiet --quiet --disable-pip-version-check --requirement eval/others.txt
	@touch $@

clean:
	rm -rf .venv .venv-others $(SAMPLE) runs *.egg-info
