# make run      watch with $OPENAI_API_KEY, or without one play the demo against a sandbox on this machine
# make test     the tests          make lint    style, types, layers
# make bench    the measurements   make clean   remove what make made; the data in var/ stay
# make test-fast  what needs no process, timer or history: while you work, about three minutes
# make proof      what takes long, before a release: the same tests many more times, the stories by the command as installed
# make faults   play every fault of one machine on a daemon and write the table of docs/reliability.md, as root, half an hour
# make security what linters of security find: bandit, keys in files, advisories, deploy/, each in an environment of its own in .peers
# make sbom     the parts of the wheel as CycloneDX, dist/access-monitor.cdx.json
# make golden     write the golden files of messages (tests/golden) anew; read their diff before you commit it
# make docs     write the tables of docs/commands.md anew from the program
# make pictures   draw the pictures of the pages anew from a run of the demo, a minute
# make peers    other people's servers, about a gigabyte, each in an environment of its own in .peers, for
# make test-peers   the tests against them; without them those tests are skipped, and say so
#
# `make run` installs what running needs and nothing else. Everything happens in .venv, which is made anew only when it is missing or pyproject.toml or constraints.txt changed.
# Another interpreter: make PYTHON=/path/to/python3.13 …

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUNNABLE := $(VENV)/.runnable
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)

PEERS := .peers
# Four processes on two cores: a story waits for half of its time. What they compile is kept, or each of them and of the commands that
# they start would compile it anew.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $${TEST_PROCESSES:-4} --dist loadscope

.PHONY: run test test-fast proof faults security sbom golden docs pictures bench lint clean peers test-peers

run: $(RUNNABLE)
	@if [ -n "$$OPENAI_API_KEY" ]; then exec $(BIN)/access-monitor run; fi; \
	echo "OPENAI_API_KEY is not set, so this is the demo: a sandbox on this machine, nothing is sent to anyone." >&2; \
	exec $(BIN)/access-monitor demo --stay

test: $(STAMP)
	$(PYTEST) -m "not proof"

test-fast: $(STAMP)
	$(PYTEST) -m "not proof and not slow"

# Which test is `slow` and which is `proof`: CONTRIBUTING.md. Every property test is proof too, with many examples.
proof: $(STAMP)
	$(PYTEST) -m "proof or hypothesis" --hypothesis-profile=proof
	ACCESS_MONITOR_TESTS=installed $(PYTEST) -m "not proof" tests/stories tests/process

faults: $(STAMP)
	$(BIN)/python tests/faults/table.py
	git diff --stat docs

golden: $(STAMP)
	-ACCESS_MONITOR_GOLDEN=write $(BIN)/python -m pytest tests/notify/test_notice_forms.py tests/notify/test_night.py
	git status --short tests/golden

docs: $(STAMP)
	$(BIN)/python docs/command_tables.py
	git diff --stat docs

pictures: $(STAMP)
	$(BIN)/python docs/pictures.py
	git diff --stat docs

bench: $(STAMP)
	$(BIN)/python bench/run.py

peers: $(PEERS)/llmock/.installed $(PEERS)/litellm/.installed $(PEERS)/eventsourcing/.installed $(PEERS)/node_modules/.installed

test-peers: $(STAMP) peers
	$(BIN)/python -m pytest tests/peers

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# B704: the pages escape what they draw, and tests hold them to it. B314: prose.py refuses declarations of entities first.
# Below medium confidence stands what puts names of columns into a statement.
security: $(STAMP) $(PEERS)/security/.installed
	$(PEERS)/security/bin/bandit --quiet --recursive monitor --severity-level medium --confidence-level medium --skip B704,B314
	$(BIN)/python .ci/secrets_scan.py $(PEERS)/security/bin/detect-secrets
	$(BIN)/python .ci/advisories.py $(PEERS)/security/bin/pip-audit
	$(PEERS)/security/bin/hadolint deploy/container/Containerfile
	$(PEERS)/security/bin/kubernetes-validate --quiet deploy/kubernetes/access-monitor.yaml

# Of an environment that has the wheel and what it needs, and nothing else.
sbom: $(RUNNABLE) $(PEERS)/security/.installed
	$(PYTHON) -m venv --clear $(PEERS)/wheel
	$(PEERS)/wheel/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--build-constraint constraints.txt '.[postgres]'
	@mkdir -p dist
	$(PEERS)/security/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
		--output-format JSON --output-file dist/access-monitor.cdx.json $(PEERS)/wheel/bin/python

clean:
	rm -rf $(VENV) $(PEERS) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What running needs and nothing else. --build-constraint and, below, --group need a newer pip than Python 3.11 brings, so
# the environment's own pip is brought up to date first.
$(RUNNABLE): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "access-monitor needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Installing what running needs into $(VENV), and nothing else; \`make test\` adds what the tests need." >&2
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --build-constraint constraints.txt --editable .
	@touch $@

$(STAMP): $(RUNNABLE)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --build-constraint constraints.txt --editable . --group dev
	@touch $@

$(PEERS)/security/.installed: .ci/requirements-security.txt
	$(PYTHON) -m venv --clear $(PEERS)/security
	$(PEERS)/security/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# LiteLLM's proxy pins an SDK that is older than ours, so no two of them share an environment.
$(PEERS)/%/.installed: tests/peers/requirements-%.txt
	$(PYTHON) -m venv --clear $(PEERS)/$*
	$(PEERS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(PEERS)/node_modules/.installed: tests/peers/package.json
	@mkdir -p $(PEERS)
	cp $< $(PEERS)/package.json
	npm install --prefix $(PEERS) --no-package-lock --no-audit --no-fund --ignore-scripts
	@touch $@
