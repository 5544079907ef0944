# Everything a newcomer types. `make help` lists it; each target makes what it needs first.
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3.14 python3))
BIN := .venv/bin
INSTALLED := .venv/.installed
STREAM_BENCHMARKS := --target scripts/benchmark_streams.py --target scripts/benchmark_dispatch.py --target scripts/benchmark_polls.py
SMOKED_REQUESTS := usage_check chat_flow share_access auth login search redis_async polls dispatch
SMOKED_STREAMS := streams database_tax immunity capacity request_tax monitor
SMOKE = $(BIN)/python scripts/benchmark_harness.py --smoke --json benchmarks/smoke

BASELINES := benchmarks/baselines

# Passed on as they are: make demo REPO=/path/or/https-url QUESTION="How does it start?"
export REPO QUESTION

.DEFAULT_GOAL := help
.PHONY: help install peers peers-if-any demo up test chaos check fmt fmt-check lint types imports eval bench bench-full bench-overlap bench-first-landing bench-streams bench-baseline bench-smoke cutpoints stops fuzz fuzz-cursors leaks authz proof

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-19s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## create .venv with everything in it

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Riverrun needs Python 3.11 or newer: install python3.11, or pass PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: pass PYTHON=/path/to/a/newer/python" >&2; exit 1; }
	@echo "installing into .venv (a minute or two the first time)"
	@# Without python3-venv, Debian leaves a .venv that has no pip.
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

peers: .venv/peers/oidc/.installed .venv/peers/firebase/.installed ## fetch the identity providers that tests sign in at; needs Node 20 and npm

.venv/peers/%/.installed: tests/support/%_peer/package.json $(INSTALLED)
	@mkdir -p $(@D)
	@cp tests/support/$*_peer/package*.json tests/support/$*_peer/.npmrc $(@D)
	@cd $(@D) && if [ -e package-lock.json ]; then npm ci --silent; else npm install --silent; fi
	@touch $@

demo: $(INSTALLED) ## index a repository, ask, lose the connection, get the rest (REPO=, QUESTION=)
	@$(BIN)/python scripts/demo.py

up: $(INSTALLED) ## run Riverrun here and print a sign-in link; Ctrl-C ends it
	@$(BIN)/riverrun up

test: $(INSTALLED) ## run the tests on real servers, in two halves at once; some of them: ARGS="tests/runs -k lease"
	@$(BIN)/python -m $(if $(ARGS),pytest $(ARGS),tests.in_halves --durations=25)

chaos: $(INSTALLED) ## break everything at random, 200 times (CHAOS_SCHEDULES=, CHAOS_SEED=, CHAOS_ONLY=)
	@$(BIN)/python -m tests.chaos

check: fmt-check lint types imports ## format, lint, types, imports: what CI checks

fmt: $(INSTALLED) ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --select I .

fmt-check: $(INSTALLED)
	@$(BIN)/ruff format --check .

lint: $(INSTALLED)
	@$(BIN)/ruff check .

types: $(INSTALLED)
	@$(BIN)/mypy

imports: $(INSTALLED)
	@$(BIN)/lint-imports

eval: $(INSTALLED) ## how often search finds the known places of the committed questions
	@$(BIN)/python -m tests.e2e.eval

peers-if-any: $(INSTALLED)
	@$(MAKE) --no-print-directory peers || echo "no identity providers: the proof is left out" >&2

bench: $(INSTALLED) peers-if-any ## the plan's scripts on all arms, in 20 minutes; writes docs/async-migration-results.md
	@$(BIN)/python scripts/benchmark_results.py --measure plan

bench-full: $(INSTALLED) peers-if-any ## the same, benchmarks 1 to 14 and the monitor; an hour and a half
	@$(BIN)/python scripts/benchmark_results.py --measure full

bench-overlap: $(INSTALLED) ## how many intervals of the last two runs overlap
	@$(BIN)/python scripts/benchmark_results.py --compare benchmarks/former benchmarks/latest

bench-first-landing: $(INSTALLED) ## measure start-up, first event and 200 readers
	@$(BIN)/python scripts/benchmark_first_landing.py

cutpoints: $(INSTALLED) ## cut an answer after every event, resume in every condition, compare the bytes
	@$(BIN)/python -m tests.proofs.cutpoints

stops: $(INSTALLED) ## stop answers in every situation, count what the model sent after it
	@$(BIN)/python -m tests.proofs.stops

bench-streams: $(INSTALLED) ## benchmarks 1-6, 10, 12 and 13, one line each; needs an idle machine
	@mkdir -p benchmarks/latest
	@$(BIN)/python scripts/benchmark_harness.py $(STREAM_BENCHMARKS) --no-levels --json benchmarks/latest \
		$(if $(wildcard $(BASELINES)/*.json),--baseline $(BASELINES))

bench-baseline: $(INSTALLED) ## keep what bench-streams has just measured as what later runs are compared with
	@mkdir -p $(BASELINES)
	@cp benchmarks/latest/*.json $(BASELINES)/

bench-smoke: $(INSTALLED) ## prove in a minute that every benchmark works: two halves at once, each with its own servers
	@rm -rf benchmarks/smoke && mkdir -p benchmarks/smoke
	@$(SMOKE) $(SMOKED_REQUESTS:%=--target scripts/benchmark_%.py) & requests=$$!; \
	$(SMOKE) $(SMOKED_STREAMS:%=--target scripts/benchmark_%.py) & streams=$$!; \
	trap 'kill $$requests $$streams; wait; exit 143' INT TERM; \
	wait $$requests; code=$$?; wait $$streams && exit $$code
	@$(BIN)/python scripts/benchmark_results.py --raw benchmarks/smoke --document benchmarks/smoke/results.md

fuzz: $(INSTALLED) ## 100,000 generated requests over the OpenAPI document (FUZZ_CASES=, FUZZ_SEED=)
	@$(BIN)/python -m tests.fuzz

fuzz-cursors: $(INSTALLED) ## 100,000 random cursors, headers, run ids and tokens
	@$(BIN)/python -m tests.proofs.cursor_fuzz

authz: $(INSTALLED) ## ask every route as everybody, compare with the rules, take each scope out once
	@$(BIN)/python -m tests.authz

proof: $(INSTALLED) peers ## drive every route under watch: nothing may block the loop (PLANT="GET /health/live" shows it fail)
	@$(BIN)/python -m tests.proofs.loop_proof --plant "$(PLANT)"

leaks: $(INSTALLED) ## 10,000 connects and disconnects; nothing may stay behind
	@$(BIN)/python -m tests.proofs.leaks
