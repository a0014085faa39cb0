# Every daily task by name. Each target makes what it needs; nothing has to be installed first but make itself.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
JOBS ?= $(shell nproc)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t16

.PHONY: demo
demo: build ## a fleet to look at: aggregator, this host's agent, three virtual hosts with history
	.venv/bin/sysmon demo

.PHONY: setup setup-test
setup:
	@tools/setup.sh run
setup-test:
	@tools/setup.sh test

.PHONY: build
# c++ as cmake calls it by itself: what is compiled here ccache has for the release preset, by the same name.
build: setup web ## the extension, the agent and the page, into .venv (editable)
	CXX=c++ SYSMON_SYSTEM_NODE=1 $(PY) -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps \
	  --config-settings=cmake.define.SYSMON_WEB=OFF -e .

# Built where an editable install serves it; wheels build their own copy (web/web.cmake).
.PHONY: web
web: setup
	@tools/build-web.sh

.PHONY: cpp
cpp: setup-test ## the C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer
	cmake --preset debug >/dev/null
	cmake --build --preset debug -j $(JOBS) --target sysmon_tests sysmon-agent
	build/debug/tests/cpp/sysmon_tests

.PHONY: sysmon_sim
sysmon_sim: setup-test
	cmake --preset release >/dev/null
	cmake --build --preset release -j $(JOBS) --target sysmon_sim

.PHONY: lint
lint: setup-test ## every formatter and linter
	@tools/lint.sh

.PHONY: analyze
analyze: setup-test ## clang's static analyzer over the C++; some minutes
	$(PY) tools/tidy.py '-*,clang-analyzer-*,-clang-analyzer-optin.performance.Padding'

.PHONY: test
test: setup-test lint build cpp sysmon_sim ## everything that must pass, in a few minutes
	$(PY) -m pytest -q -n 2 --dist loadgroup

.PHONY: lock
lock: setup-test ## tools/lock/ after a change in pyproject.toml; UPGRADE=1 takes the newest of everything
	$(PY) tools/lock.py $(if $(UPGRADE),--upgrade)

.PHONY: faults
faults: setup-test build ## what is broken on purpose, in its long form; under 40 min, a scoreboard in build/faults.json
	PYTHONPATH=tests $(PY) -m faults

.PHONY: soak
soak: setup-test build ## a day of random faults (SOAK_S=600 is ten minutes, SOAK_SEED=7 replays), build/soak.json
	PYTHONPATH=tests $(PY) -m faults.soak --seconds $(or $(SOAK_S),86400) $(if $(SOAK_SEED),--seed $(SOAK_SEED))

.PHONY: fuzz
fuzz: ## a minute of fuzzing for every parser (FUZZ_S=5 is less); needs clang, which it installs
	@tools/setup.sh fuzz
	cmake --preset fuzz >/dev/null
	cmake --build --preset fuzz -j $(JOBS)
	PYTHONPATH=tests $(PY) -m fuzz --seconds $(or $(FUZZ_S),60)

.PHONY: sim
sim: sysmon_sim ## the agent through 100,000 hours of trouble on virtual time; under 10 min, build/sim.json
	build/release/tests/sim/sysmon_sim --jobs $(JOBS) --json build/sim.json

.PHONY: tsan
tsan: setup-test ## ring buffer and publisher, then a whole agent (spool, reload, shutdown), under ThreadSanitizer
	cmake --preset tsan >/dev/null
	cmake --build --preset tsan -j $(JOBS) --target sysmon_tests sysmon-agent
	SYSMON_STRESS_S=10 build/tsan/tests/cpp/sysmon_tests
	SYSMON_AGENT=build/tsan/sysmon-agent $(PY) -m pytest -q tests/test_agent.py tests/test_agent_spool.py

# What an acknowledged sample's life hangs on; the error paths of the disk count like any other line.
COVERED := --filter src/core/spool/ --filter src/core/push_reply --filter 'src/core/store/(value_codec|chunk)'
.PHONY: coverage
coverage: setup-test ## lines of spool, codec and reply parser that the C++ tests reach; under 95 % it fails
	cmake --preset coverage >/dev/null
	cmake --build --preset coverage -j $(JOBS)
	find build/coverage -name '*.gcda' -delete
	build/coverage/tests/cpp/sysmon_tests
	.venv/bin/gcovr --root . build/coverage/tests build/coverage/CMakeFiles/sysmon_*.dir $(COVERED) \
	  --txt-metric line --fail-under-line 95

.PHONY: bench
bench: build ## what is claimed fast, measured beside the floor and the peers that are installed
	@tools/setup.sh bench
	cmake --preset release -D SYSMON_BENCH=ON >/dev/null
	cmake --build --preset release -j $(JOBS) --target sysmon_bench sysmon_load sysmon_floor
	$(PY) -m bench

.PHONY: docs
docs: build ## the pages that are made from the code, and the site of docs/ in build/site
	@tools/setup.sh docs
	$(PY) -m sysmon.docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build -q

.PHONY: dist deb
dist: setup-test ## sdist, wheel and the list of their parts, into dist/
	@tools/dist.sh
deb: ## the agent alone as a Debian package, into dist/
	@tools/setup.sh package
	@tools/build-deb.sh

.PHONY: package-test
package-test: build dist deb ## wheel, sdist and .deb in clean Debian roots; as root, some minutes
	@tools/package-test.sh

.PHONY: clean
clean: ## everything that was built
	rm -rf build .venv dist web/node_modules python/sysmon/api/static
